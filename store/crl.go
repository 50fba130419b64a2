package store

import (
	"fmt"
	"math/big"
	"time"
)

// KeptCRL names the newest revocation list of an issuer and scope. Its bytes
// are a document of the evidence.
type KeptCRL struct {
	IssuerKey [32]byte
	Number    string // decimal; empty if the list has none
	Hash      [32]byte
	FetchedAt time.Time
}

// KeptCRLs returns the newest lists.
func (tx *Tx) KeptCRLs() ([]KeptCRL, error) {
	var list []KeptCRL
	err := tx.db.query(tx.ctx, `SELECT issuer, number, hash, fetched_at FROM crl ORDER BY issuer`, nil, func(scan func(...any) error) error {
		var k KeptCRL
		var issuer, hash []byte
		var at int64
		err := scan(&issuer, &k.Number, &hash, &at)
		copy(k.IssuerKey[:], issuer)
		copy(k.Hash[:], hash)
		k.FetchedAt = instant(at)
		list = append(list, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load revocation lists: %w", err)
	}
	return list, nil
}

// KeepCRL makes a list the newest of its issuer and scope, unless one with a
// higher number is; then it does nothing.
func (tx *Tx) KeepCRL(k KeptCRL) error {
	have, found, err := tx.crlNumber(k.IssuerKey)
	if err != nil {
		return err
	}
	row := guardKey{table: "crl", name: string(k.IssuerKey[:])}
	switch {
	case !found:
		return tx.exec(single{
			text: `INSERT INTO crl (issuer, number, hash, fetched_at) VALUES ($1, $2, $3, $4) ON CONFLICT (issuer) DO NOTHING`,
			args: []any{k.IssuerKey[:], k.Number, k.Hash[:], micros(k.FetchedAt)}, want: 1,
		}, row)
	case decimal(k.Number).Cmp(decimal(have)) >= 0:
		return tx.exec(single{
			text: `UPDATE crl SET number = $1, hash = $2, fetched_at = $3 WHERE issuer = $4 AND number = $5`,
			args: []any{k.Number, k.Hash[:], micros(k.FetchedAt), k.IssuerKey[:], have}, want: 1,
		}, row)
	}
	return nil
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
