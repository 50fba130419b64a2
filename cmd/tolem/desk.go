package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"tolem/config"
	"tolem/signing"
	"tolem/store"
)

// desk is what a command needs that works on the database: the configuration
// and the open store, migrated.
type desk struct {
	config *config.Config
	zone   *time.Location
	db     *store.DB
}

// withDesk opens the database named by the configuration, runs do, and closes
// it again.
func withDesk(ctx context.Context, file string, do func(context.Context, *desk) error) error {
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	d, err := openDesk(ctx, c, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, d), d.db.Close())
}

func openDesk(ctx context.Context, c *config.Config, options store.Options) (*desk, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, err
	}
	if options.Vault, err = openVault(c.Vault); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.Database, options)
	if err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &desk{config: c, zone: zone, db: db}, nil
}

// prepareSchema brings the schema up to date. A role that may not do so works
// on, if the schema is the one this program needs.
func prepareSchema(ctx context.Context, db *store.DB) error {
	if err := db.CheckSchema(ctx); err == nil {
		return nil
	}
	_, err := db.Migrate(ctx)
	return err
}

// openVault opens the keys that encrypt personal data at rest: each lies in a
// file, wrapped for the vault's certificate.
func openVault(c config.Vault) (store.Vault, error) {
	key, err := signing.LoadKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("vault.key: %w", err)
	}
	decrypter, ok := key.(crypto.Decrypter)
	if !ok {
		return nil, fmt.Errorf("vault.key: %s cannot decrypt; an RSA key is needed", c.Key)
	}
	wrapped := make([][]byte, len(c.Keys))
	for i, file := range c.Keys {
		if wrapped[i], err = signing.ReadSecret(file); err != nil {
			return nil, fmt.Errorf("vault.keys: %w", err)
		}
	}
	return store.OpenVault(decrypter, wrapped...)
}
