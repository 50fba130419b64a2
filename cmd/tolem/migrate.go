package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"tolem/store"
)

func migrateCommand(io streams) *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date", Args: noArgs,
		Example: "  tolem migrate --dry-run",
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done and do nothing")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		db, err := store.Open(c.Context(), cfg.Database, store.Options{})
		if err != nil {
			return err
		}
		done, err := migrate(c.Context(), db, dryRun)
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(io.out, done)
		}
		t := newTable(io, "migration", "applied")
		for _, m := range done {
			applied := "no"
			if m.Applied {
				applied = "yes"
			}
			t.row(m.Name, applied)
		}
		t.print()
		return nil
	}
	return c
}

func migrate(ctx context.Context, db *store.DB, dryRun bool) ([]store.Migration, error) {
	if !dryRun {
		if _, err := db.Migrate(ctx); err != nil {
			return nil, err
		}
	}
	return db.MigrationStatus(ctx)
}
