package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tolem/store"
)

func archiveCommand(io streams) *cobra.Command {
	return group("archive", "Look at the evidence", archiveCheckpointCommand(io), archiveExportCommand(io), archiveExtendCommand(io))
}

func archiveCheckpointCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "checkpoint", Short: "Print the newest signed checkpoint, to be kept elsewhere", Args: noArgs,
		Example: "  tolem archive checkpoint > 2026-01-31.checkpoint",
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			return d.db.View(ctx, func(tx *store.Tx) error {
				newest, err := tx.LatestCheckpoint()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(io.out, "%s", newest.Note)
				return err
			})
		})
	}
	return c
}
