package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tolem"
)

func update(t *testing.T, db *DB, fn func(tx *Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, db *DB, fn func(tx *Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// GW-052 to GW-054, GW-P41: a participant comes back as it was registered, with
// all its certificates, and every change is seen by the directory's version.
func TestParticipants(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		at := time.Date(2026, 11, 22, 5, 0, 0, 123456000, time.UTC)
		want := tolem.Participant{
			ID: "centre", Kind: tolem.KindProcessing, Name: "Процессинг орталығы", Groups: []tolem.Group{tolem.GroupBank, tolem.GroupProcessing},
			ActsFor: []tolem.ParticipantID{"bank-a", "bank-b"}, ContractNo: "17/26", ContractFrom: at, ContractUntil: at.Add(time.Hour),
			BodyOnly: true, AnswerKey: tolem.AnswerEC,
		}
		certs := []tolem.Certificate{
			{Fingerprint: tolem.FingerprintOf([]byte("one")), Participant: "centre", DER: []byte("one"), NotAfter: at, AddedAt: at},
			{Fingerprint: tolem.FingerprintOf([]byte("two")), Participant: "centre", DER: []byte("two"), NotAfter: at, AddedAt: at.Add(time.Second)},
		}
		version := directoryVersion(t, db)
		update(t, db, func(tx *Tx) error {
			return errors.Join(tx.PutParticipant(want), tx.PutCertificate(certs[0]), tx.PutCertificate(certs[1]))
		})
		view(t, db, func(tx *Tx) error {
			got, err := tx.Participant("centre")
			if err != nil || !slices.Equal(got.Groups, want.Groups) || !slices.Equal(got.ActsFor, want.ActsFor) || !got.ContractUntil.Equal(want.ContractUntil) ||
				got.Name != want.Name || !got.BodyOnly || got.AnswerKey != want.AnswerKey || got.Kind != want.Kind {
				t.Errorf("participant = %+v, %v", got, err)
			}
			list, err := tx.Certificates()
			if err != nil || len(list) != 2 || string(list[1].DER) != "two" || !list[1].AddedAt.Equal(certs[1].AddedAt) {
				t.Errorf("certificates = %+v, %v", list, err)
			}
			_, err = tx.Participant("nobody")
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("nobody: %v", err)
			}
			return nil
		})
		want.Suspended, certs[0].Withdrawn = true, true
		update(t, db, func(tx *Tx) error { return errors.Join(tx.PutParticipant(want), tx.PutCertificate(certs[0])) })
		view(t, db, func(tx *Tx) error {
			p, err := tx.Participant("centre")
			c, err2 := tx.Certificate(certs[0].Fingerprint)
			if !p.Suspended || !c.Withdrawn {
				t.Error("change was not stored")
			}
			return errors.Join(err, err2)
		})
		if after := directoryVersion(t, db); after <= version {
			t.Errorf("directory version %d after %d", after, version)
		}
	})
}

func directoryVersion(t *testing.T, db *DB) (version int64) {
	t.Helper()
	view(t, db, func(tx *Tx) (err error) {
		version, err = tx.DirectoryVersion()
		return err
	})
	return version
}

// A certificate stays with its participant, a participant keeps its kind, a
// service its provider.
func TestRegisterKeepsOwnership(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		cert := tolem.Certificate{Fingerprint: tolem.Fingerprint{1}, Participant: "a", DER: []byte("x"), AddedAt: time.Now()}
		update(t, db, func(tx *Tx) error {
			return errors.Join(
				tx.PutParticipant(tolem.Participant{ID: "a", Kind: tolem.KindBank}), tx.PutParticipant(tolem.Participant{ID: "b", Kind: tolem.KindBank}),
				tx.PutCertificate(cert), tx.PutProvider(tolem.Provider{ID: "p"}), tx.PutProvider(tolem.Provider{ID: "q"}),
				tx.PutService(tolem.Service{Code: "s", Provider: "p"}))
		})
		cert.Participant = "b"
		for name, fn := range map[string]func(tx *Tx) error{
			"certificate": func(tx *Tx) error { return tx.PutCertificate(cert) },
			"participant": func(tx *Tx) error { return tx.PutParticipant(tolem.Participant{ID: "a", Kind: tolem.KindPortal}) },
			"service":     func(tx *Tx) error { return tx.PutService(tolem.Service{Code: "s", Provider: "q"}) },
		} {
			if err := db.Update(t.Context(), fn); !errors.Is(err, ErrExists) {
				t.Errorf("%s: %v, want ErrExists", name, err)
			}
		}
	})
}

// Names in three languages, prices and the provider's account come back; the
// account cannot be read in the database (GW-P37).
func TestProvidersAndServices(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		p := tolem.Provider{ID: "moj", BIN: "990240001237", Names: tolem.Names{KK: "Әділет министрлігі", RU: "Минюст", EN: "Justice"}, Account: "KZ86125KZT5004100100", Active: true}
		s := tolem.Service{
			Code: "P3.05", Provider: "moj", Names: tolem.Names{KK: "қызмет", RU: "услуга", EN: "service"}, Active: true,
			Price: tolem.Price{Currency: tolem.KZT, Min: 100, Max: 120000},
		}
		update(t, db, func(tx *Tx) error { return errors.Join(tx.PutProvider(p), tx.PutService(s)) })
		view(t, db, func(tx *Tx) error {
			gotP, err := tx.Provider("moj")
			gotS, err2 := tx.Service("P3.05")
			if gotP != p || gotS != s {
				t.Errorf("%+v %+v", gotP, gotS)
			}
			providers, err3 := tx.Providers()
			services, err4 := tx.Services()
			if len(providers) != 1 || len(services) != 1 {
				t.Error("lists")
			}
			return errors.Join(err, err2, err3, err4)
		})
		var readable int
		if err := db.reader.QueryRow("SELECT count(*) FROM provider WHERE data = $1", []byte(p.Account)).Scan(&readable); err != nil || readable != 0 {
			t.Errorf("%d, %v", readable, err)
		}
	})
}

// GW-P12: codes whose term has run out are moved in batches, by any number of
// nodes at once, each once; a code paid at the same time stays paid.
func TestExpireDue(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		now := time.Now()
		db := openTest(t, dsn, Options{Clock: func() time.Time { return now }})
		const codes = 40
		var numbers []tolem.CodeNumber
		for range codes {
			numbers = append(numbers, issue(t, db).Number)
		}
		if n, err := db.ExpireDue(t.Context(), 1000); err != nil || n != 0 {
			t.Fatalf("%d expired before their time, %v", n, err)
		}
		now = now.Add(25 * time.Hour)
		moved := make([]int, 4)
		together(len(moved), func(i int) {
			var err error
			if moved[i], err = db.ExpireDue(context.Background(), 1000); err != nil {
				t.Error(err)
			}
		})
		if sum := moved[0] + moved[1] + moved[2] + moved[3]; sum != codes {
			t.Errorf("%d moved, want %d", sum, codes)
		}
		view(t, db, func(tx *Tx) error {
			for _, n := range numbers {
				c, err := tx.Code(n)
				if err != nil || c.State != tolem.StateExpired || c.Version != 2 {
					t.Fatalf("%v %v", c.State, err)
				}
			}
			steps, err := tx.Steps(numbers[0])
			if len(steps) != 2 || steps[1].Event != tolem.EventExpire {
				t.Errorf("%+v", steps)
			}
			return err
		})
		counts, err := db.CodeCounts(t.Context())
		if err != nil || counts[tolem.StateExpired] != codes {
			t.Errorf("%v %v", counts, err)
		}
	})
}

// GW-P15: refused notifications are listed for reconciliation.
func TestDiscrepancies(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		code := issue(t, db)
		p := paymentFor(code, db.now())
		want := tolem.Discrepancy{Reason: tolem.Mismatch, Payment: p}
		update(t, db, func(tx *Tx) error { return tx.InsertDiscrepancy(want, MessageID{1}) })
		view(t, db, func(tx *Tx) error {
			for _, of := range []tolem.CodeNumber{0, code.Number} {
				list, err := tx.Discrepancies(of, 10)
				if err != nil || len(list) != 1 || list[0] != want {
					t.Errorf("%+v, %v", list, err)
				}
			}
			return nil
		})
	})
}

// GW-P37: no confidential datum can be read in the database.
func TestNothingConfidentialInTheClear(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		code := paid(t, db)
		update(t, db, func(tx *Tx) error {
			return tx.InsertDiscrepancy(tolem.Discrepancy{Reason: tolem.Mismatch, Payment: paymentFor(code, tx.Now())}, MessageID{2})
		})
		for _, table := range []string{"code", "payment", "discrepancy"} {
			rows, err := db.reader.Query("SELECT * FROM " + table)
			if err != nil {
				t.Fatal(err)
			}
			columns, _ := rows.Columns()
			for rows.Next() {
				values := make([]any, len(columns))
				targets := make([]any, len(columns))
				for i := range values {
					targets[i] = &values[i]
				}
				if err := rows.Scan(targets...); err != nil {
					t.Fatal(err)
				}
				assertSealed(t, table, values)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
