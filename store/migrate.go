package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// The migrations, one folder a database: forward only, each in a transaction.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Migration is one step of the schema and whether the database has it.
type Migration struct {
	Name    string
	Applied bool
}

// Migrate brings the schema up to date and returns what it applied. Several
// nodes may call it at once: one does the work, the others wait.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := db.migrator(true)
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	applied := make([]Migration, len(results))
	for i, r := range results {
		applied[i] = Migration{Name: r.Source.Path, Applied: true}
	}
	return applied, nil
}

// MigrationStatus lists every migration this program knows.
func (db *DB) MigrationStatus(ctx context.Context) ([]Migration, error) {
	p, err := db.migrator(false) // looking takes no lock: the serving role could not write it
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	list := make([]Migration, len(status))
	for i, s := range status {
		list[i] = Migration{Name: s.Source.Path, Applied: s.State == goose.StateApplied}
	}
	return list, nil
}

// CheckSchema returns ErrSchema unless every migration is applied.
func (db *DB) CheckSchema(ctx context.Context) error {
	list, err := db.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for _, m := range list {
		if !m.Applied {
			return fmt.Errorf("%w: migration %s is not applied", ErrSchema, m.Name)
		}
	}
	return nil
}

func (db *DB) migrator(locked bool) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, db.dialect.migrations())
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true)}
	if locked && !db.dialect.singleWriter() {
		// A table, not an advisory lock: those do nothing on some engines that
		// speak the PostgreSQL protocol.
		locker, err := lock.NewPostgresTableLocker()
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		options = append(options, goose.WithLocker(locker))
	}
	p, err := goose.NewProvider(db.dialect.goose(), db.writer, folder, options...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}
