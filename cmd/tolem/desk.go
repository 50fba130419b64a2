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
	db, err := store.Open(ctx, c.Database, options)
	if err != nil {
		return nil, err
	}
	if err = prepareSchema(ctx, db); err == nil {
		err = openVault(ctx, db, c.Vault)
	}
	if err != nil {
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

// openVault opens the keys that encrypt personal data at rest. They lie in the
// database, wrapped for the vault's certificate; an empty database gets its
// first one.
func openVault(ctx context.Context, db *store.DB, c config.KeyPair) error {
	key, err := signing.LoadKey(c.Key)
	if err != nil {
		return fmt.Errorf("vault.key: %w", err)
	}
	decrypter, ok := key.(crypto.Decrypter)
	if !ok {
		return fmt.Errorf("vault.key: %s cannot decrypt; an RSA key is needed", c.Key)
	}
	certs, err := readCertificates(c.Cert)
	if err != nil {
		return fmt.Errorf("vault.cert: %w", err)
	}
	keys, err := db.EnsureVaultKey(ctx, func() ([]byte, error) { return store.CreateVaultKey(certs[0]) })
	if err != nil {
		return err
	}
	vault, err := store.OpenVault(keys, decrypter)
	if err != nil {
		return err
	}
	db.UseVault(vault)
	return nil
}
