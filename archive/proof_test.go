package archive_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem/archive"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

// trustStore is a trust store over the authorities of the world, whose lists
// the archive keeps.
func (w *world) trustStore(t *testing.T) *trust.Store {
	t.Helper()
	dir := t.TempDir()
	if err := w.pki.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	if err := w.pki.WriteCRLs(dir, time.Now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s, err := trust.Open(t.Context(), trust.Config{
		Anchors: []string{filepath.Join(dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(dir, pki.CRLsDir)},
	}, archive.CRLKeeper(w.db))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.a.KeepAuthorities(t.Context(), s.Authorities()); err != nil {
		t.Fatal(err)
	}
	return s
}

// trusted plays a life whose requests carry the grounds of trust.
func (w *world) trusted(t *testing.T) []archive.Record {
	t.Helper()
	verifier := signing.NewVerifier(w.trustStore(t), nil)
	code, records := w.life(t)
	for i := range records {
		if records[i].Direction == archive.In {
			v, err := verifier.Verify(records[i].Raw, records[i].At)
			if err != nil {
				t.Fatal(err)
			}
			records[i].Certificate, records[i].Trust = v.Certificate, v.Trust
		}
	}
	w.play(t, code, records)
	return records
}

// GW-137: the signature of every stored message can be verified as of its
// arrival, with nothing but what the archive keeps, sealed or not.
func TestSignaturesAsOfArrival(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		records := w.trusted(t)
		for _, sealed := range []bool{false, true} {
			reports, err := w.a.VerifyCode(t.Context(), records[0].Code, archive.Check{Verifier: w.verifier})
			if err != nil || len(reports) != len(records) {
				t.Fatalf("%d reports, %v", len(reports), err)
			}
			for _, r := range reports {
				if !r.OK() || r.Sealed != sealed || r.Signer == "" {
					t.Errorf("%+v", r)
				}
			}
			w.seal(t)
		}
		if r := w.verify(t); !r.OK() || r.Documents < 6 {
			t.Errorf("%+v", r)
		}
	})
}

// A revocation list is kept as evidence and comes back at the next start.
func TestRevocationListsAreKept(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		w.trustStore(t)
		keeper := archive.CRLKeeper(w.db)
		lists, err := keeper.LoadCRLs(t.Context())
		if err != nil || len(lists) != 2 {
			t.Fatalf("%d lists, %v; want those of root and intermediate", len(lists), err)
		}
		older := lists[0]
		older.Number, older.DER, older.Hash = "0", []byte("older"), [32]byte{1}
		if err := keeper.KeepCRL(t.Context(), older); err != nil {
			t.Fatal(err)
		}
		again, err := keeper.LoadCRLs(t.Context())
		if err != nil || again[0].Number != lists[0].Number || string(again[0].DER) != string(lists[0].DER) {
			t.Errorf("the number went down: %s, %v", again[0].Number, err)
		}
	})
}

// A message that somebody else signed is told from the one that was accepted.
func TestForeignSignatureIsFound(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		_, records := w.life(t)
		request, answer := records[0], records[1]
		request.Raw = answer.Raw // signed by the gateway, recorded as the bank's
		w.add(t, request)
		report, err := w.a.VerifyMessage(t.Context(), request.Code, request.ID, archive.Check{Verifier: w.verifier})
		if err != nil {
			t.Fatal(err)
		}
		if report.OK() || !strings.Contains(report.Findings[0], "another certificate") {
			t.Errorf("findings: %v", report.Findings)
		}
	})
}

// A bundle convinces with the public checkpoint key alone, and stops doing so
// when any byte of it that counts is changed.
func TestBundle(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		records := w.trusted(t)
		first := records[0]
		if _, err := w.a.Export(t.Context(), first.Code, first.ID); !errors.Is(err, archive.ErrNotSealed) {
			t.Errorf("not sealed: %v", err)
		}
		w.seal(t)
		w.fill(t)
		bundle, err := w.a.Export(t.Context(), first.Code, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(bundle)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := archive.OpenBundle(data, w.verifier)
		if err != nil || string(opened.Records[0].Raw) != string(first.Raw) {
			t.Fatalf("bundle: %v", err)
		}
		for _, r := range opened.CheckRecords() {
			if !r.OK() {
				t.Errorf("%+v", r)
			}
		}
		for i := 0; i < len(data); i += 7 {
			changed := append([]byte{}, data...)
			changed[i] ^= 1
			b, err := archive.OpenBundle(changed, w.verifier)
			if err != nil {
				continue
			}
			if equalRecords(b, opened) {
				continue // evidence that the signatures are checked with, which has its own proof
			}
			t.Errorf("byte %d (…%s…) changed unnoticed", i, data[max(0, i-20):min(len(data), i+20)])
		}
	})
}

// equalRecords compares what a bundle proves.
func equalRecords(a, b *archive.Bundle) bool {
	for i := range a.Records {
		x, y := a.Records[i], b.Records[i]
		if x.ID != y.ID || !x.At.Equal(y.At) || x.Participant != y.Participant || x.Code != y.Code || string(x.Raw) != string(y.Raw) ||
			string(x.Certificate) != string(y.Certificate) || x.Operation != y.Operation || x.RequestID != y.RequestID || x.Class != y.Class {
			return false
		}
	}
	return len(a.Records) == len(b.Records)
}

// A later checkpoint provably extends an earlier one, and no other.
func TestConsistency(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		var notes [][]byte
		for range 4 {
			code, records := w.life(t)
			w.play(t, code, records)
			w.seal(t)
			err := w.db.View(ctx, func(tx *store.Tx) error {
				c, err := tx.LatestCheckpoint()
				notes = append(notes, c.Note)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, older := range notes {
			c, err := w.a.ProveConsistency(ctx, older, w.verifier)
			if err != nil {
				t.Fatalf("checkpoint %d: %v", i, err)
			}
			if i > 0 && i < 3 {
				c.Older = string(notes[i-1])
				if err := c.Check(w.verifier); !errors.Is(err, archive.ErrProof) {
					t.Errorf("proof of another checkpoint: %v", err)
				}
			}
		}
		backwards := archive.Consistency{Older: string(notes[2]), Newer: string(notes[1])}
		if err := backwards.Check(w.verifier); !errors.Is(err, archive.ErrProof) {
			t.Errorf("backwards: %v", err)
		}
	})
}
