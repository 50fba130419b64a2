package store

import (
	"context"
	"fmt"
	"math/big"
	"time"
)

// KeptCRL is the newest revocation list of an issuer, kept over restarts so
// that an older one is never accepted after it.
type KeptCRL struct {
	IssuerKey [32]byte
	Number    string // decimal; empty if the list has none
	DER       []byte
	FetchedAt time.Time
}

// LoadCRLs returns the kept lists.
func (db *DB) LoadCRLs(ctx context.Context) ([]KeptCRL, error) {
	var list []KeptCRL
	err := db.query(ctx, `SELECT issuer, number, der, fetched_at FROM crl ORDER BY issuer`, nil, func(scan func(...any) error) error {
		var k KeptCRL
		var issuer []byte
		var at int64
		err := scan(&issuer, &k.Number, &k.DER, &at)
		copy(k.IssuerKey[:], issuer)
		k.FetchedAt = instant(at)
		list = append(list, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load revocation lists: %w", err)
	}
	return list, nil
}

// KeepCRL keeps a list unless one with a higher number is kept already; then
// it does nothing.
func (db *DB) KeepCRL(ctx context.Context, k KeptCRL) error {
	return db.Update(ctx, func(tx *Tx) error {
		have, found, err := tx.crlNumber(k.IssuerKey)
		if err != nil {
			return err
		}
		row := guardKey{table: "crl", name: string(k.IssuerKey[:])}
		switch {
		case !found:
			tx.exec(single{
				text: `INSERT INTO crl (issuer, number, der, fetched_at) VALUES ($1, $2, $3, $4) ON CONFLICT (issuer) DO NOTHING`,
				args: []any{k.IssuerKey[:], k.Number, k.DER, micros(k.FetchedAt)}, want: 1,
			}, row)
		case decimal(k.Number).Cmp(decimal(have)) >= 0:
			tx.exec(single{
				text: `UPDATE crl SET number = $1, der = $2, fetched_at = $3 WHERE issuer = $4 AND number = $5`,
				args: []any{k.Number, k.DER, micros(k.FetchedAt), k.IssuerKey[:], have}, want: 1,
			}, row)
		}
		return nil
	})
}

func (tx *Tx) crlNumber(issuer [32]byte) (number string, found bool, err error) {
	err = tx.db.query(tx.ctx, `SELECT number FROM crl WHERE issuer = $1`, []any{issuer[:]}, func(scan func(...any) error) error {
		found = true
		return scan(&number)
	})
	if err != nil {
		return "", false, fmt.Errorf("read revocation list: %w", err)
	}
	return number, found, nil
}

// decimal reads a CRL number, which may have 160 bits; none counts as zero.
func decimal(s string) *big.Int {
	if n, ok := new(big.Int).SetString(s, 10); ok {
		return n
	}
	return new(big.Int)
}

// VaultKeys returns the wrapped keys of the vault, lowest id first.
func (db *DB) VaultKeys(ctx context.Context) ([]WrappedKey, error) {
	var list []WrappedKey
	err := db.query(ctx, `SELECT id, wrapped FROM vault_key ORDER BY id`, nil, func(scan func(...any) error) error {
		var id int64
		var k WrappedKey
		err := scan(&id, &k.Wrapped)
		k.ID = byte(id)
		list = append(list, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read vault keys: %w", err)
	}
	return list, nil
}

// AddVaultKey stores a wrapped key under the next free id.
func (db *DB) AddVaultKey(ctx context.Context, wrapped []byte) (WrappedKey, error) {
	added := WrappedKey{Wrapped: wrapped}
	err := db.Update(ctx, func(tx *Tx) error {
		keys, err := db.VaultKeys(tx.ctx)
		if err != nil {
			return err
		}
		next := 1
		if len(keys) > 0 {
			next = int(keys[len(keys)-1].ID) + 1
		}
		if next > 255 {
			return fmt.Errorf("vault key: all 255 ids are used: %w", ErrExists)
		}
		added.ID = byte(next)
		tx.insertVaultKey(added)
		return nil
	})
	return added, err
}

// EnsureVaultKey stores the first wrapped key if there is none yet, and
// returns all keys. Of several nodes that start on an empty database one
// stores its key and the others find it.
func (db *DB) EnsureVaultKey(ctx context.Context, create func() ([]byte, error)) (keys []WrappedKey, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		if keys, err = db.VaultKeys(tx.ctx); err != nil || len(keys) > 0 {
			return err
		}
		wrapped, err := create()
		if err != nil {
			return err
		}
		keys = []WrappedKey{{ID: 1, Wrapped: wrapped}}
		tx.insertVaultKey(keys[0])
		return nil
	})
	return keys, err
}

// insertVaultKey stores a key. If its id is taken, the closure is run again.
func (tx *Tx) insertVaultKey(k WrappedKey) {
	tx.exec(single{
		text: `INSERT INTO vault_key (id, wrapped, at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
		args: []any{int64(k.ID), k.Wrapped, micros(tx.now)}, want: 1,
	}, guardKey{table: "vault_key"})
}

// UseVault gives an open store its vault, whose wrapped keys may lie in the
// store itself. Call it before anything else uses the store.
func (db *DB) UseVault(v Vault) { db.vault = v }

// Vault returns the vault the store was opened with, which the archive shares.
func (db *DB) Vault() Vault { return db.vault }
