package access_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tolem"
	"tolem/access"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// today is the day of begin.
var today = tolem.DayOf(2026, 1, 31)

// WP-521
func TestEverythingIsRecorded(t *testing.T) {
	worlds(t, func(w *world) {
		admin := w.employ("KAPITAL", "admin", tolem.RoleBankSecurityAdmin)
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		if _, err := s.signIn("wrong-0001"); err == nil {
			t.Fatal("signed in")
		}
		if _, err := w.SignIn(t.Context(), s.visitor(), "parol-0001", access.NewPassword("x")); err == nil {
			t.Fatal("signed in")
		}
		actor := s.works()
		w.must(w.Record(t.Context(), actor, access.Event{Action: tolem.ActPrint, Subject: "KAPITAL-2026-000001", Outcome: access.OutcomeOK}))
		w.must(w.SignOut(t.Context(), actor))
		var got []string
		for _, r := range w.audit("KAPITAL", string(s.person.ID)) {
			got = append(got, fmt.Sprintf("%s %s %s", r.Action, r.Subject, r.Outcome))
			if r.Serial != s.cert.SerialNumber.Text(16) || r.Workstation != "10.1.2.3" || !r.At.Equal(begin) || r.Bank != "KAPITAL" {
				t.Errorf("recorded as %+v", r)
			}
		}
		want := "password.renew  ok\nsession.open  login.wrong_password\nsession.open  login.wrong_user\nsession.open  ok\nprint KAPITAL-2026-000001 ok\nsession.close  ok"
		if strings.Join(got, "\n") != want {
			t.Errorf("recorded:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
		}
		by := admin.works()
		w.must(w.Unlock(t.Context(), by, "", s.person.ID))
		records := w.audit("KAPITAL", string(admin.person.ID))
		if last := records[len(records)-1]; last.Action != tolem.ActUnlock || last.Subject != string(s.person.ID) || last.Outcome != access.OutcomeOK {
			t.Errorf("the administrator: %+v", last)
		}
		if n := len(w.audit("KAPITAL", "gateway:root")); n != 4 { // two people, two e-tokens
			t.Errorf("the gateway's operator: %d records", n)
		}
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return w.Audit(tx, byHand, access.Event{Action: tolem.ActPrint}) }); err == nil {
			t.Error("something is recorded of nobody")
		}
	})
}

// The record and what it records are kept both, or none.
//
// WP-521, WP-595
func TestAuditIsPartOfTheTransaction(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		actor := s.works()
		before := len(w.audit("KAPITAL", string(s.person.ID)))
		broken := errors.New("broken")
		err := w.db.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(w.Audit(tx, actor, access.Event{Action: tolem.ActPay, Subject: "1", Outcome: access.OutcomeOK}), broken)
		})
		if !errors.Is(err, broken) || len(w.audit("KAPITAL", string(s.person.ID))) != before {
			t.Errorf("a record without its effect: %v", err)
		}
		w.must(w.db.Update(t.Context(), func(tx *store.Tx) error {
			for i := range 5 { // five lines of one basket
				if err := w.Audit(tx, actor, access.Event{Action: tolem.ActPay, Subject: fmt.Sprint(i), Outcome: access.OutcomeOK}); err != nil {
					return err
				}
			}
			return nil
		}))
		if n := len(w.audit("KAPITAL", string(s.person.ID))); n != before+5 {
			t.Errorf("%d records, want %d", n, before+5)
		}
	})
}

// Many at once make one chain without a gap, and pages of it leave nothing out.
//
// WP-521
func TestAuditIsAChain(t *testing.T) {
	worlds(t, func(w *world) {
		admin := w.employ("KAPITAL", "admin", tolem.RoleBankSecurityAdmin).works()
		one, two := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works(), w.employ("KAPITAL", "r.quliyev", tolem.RoleOperator).works()
		elsewhere := w.employ("RABITA", "x.xxx", tolem.RoleOperator).works()
		const each = 20
		var group sync.WaitGroup
		for _, actor := range []access.Actor{one, two, elsewhere} {
			for i := range each {
				group.Go(func() {
					if err := w.Record(context.Background(), actor, access.Event{Action: tolem.ActPrint, Subject: fmt.Sprint(i), Outcome: access.OutcomeOK}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		report, err := w.VerifyAudit(t.Context(), admin, "", today)
		if want := int64(2*each + 2*2 + 2 + 6); err != nil || report.Records != want { // prints; renewals and logins; the administrator's; the operator's
			t.Errorf("%d records, want %d: %v", report.Records, want, err)
		}
		var paged []string
		for mark := (access.Mark{}); ; {
			page, err := w.AuditOf(t.Context(), admin, "RABITA", today, "", mark, 7)
			w.must(err)
			for _, r := range page {
				paged = append(paged, fmt.Sprint(r.Actor, " ", r.Number))
				mark = access.Mark{Actor: r.Actor, Number: r.Number}
				if r.Bank != "KAPITAL" {
					t.Fatalf("the administrator sees %s", r.Bank)
				}
			}
			if len(page) < 7 {
				break
			}
		}
		if int64(len(paged)) != report.Records {
			t.Errorf("pages hold %d records, want %d", len(paged), report.Records)
		}
		mine, err := w.AuditOf(t.Context(), admin, "", today, one.Person.ID, access.Mark{Number: 2}, 100)
		if err != nil || len(mine) != each || mine[0].Number != 3 {
			t.Errorf("one person's: %d, %v", len(mine), err)
		}
		if list, err := w.AuditOf(t.Context(), admin, "", today+1, "", access.Mark{}, 100); err != nil || list != nil {
			t.Errorf("tomorrow: %v, %v", list, err)
		}
	})
}

// Whoever changes the database by hand is found out.
//
// WP-521
func TestAlteredAudit(t *testing.T) {
	dsn := tolemtest.SQLite(t)
	w := newWorld(t, dsn)
	actor := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works()
	for i := range 5 {
		w.must(w.Record(t.Context(), actor, access.Event{Action: tolem.ActPrint, Subject: fmt.Sprint(i), Outcome: access.OutcomeOK}))
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	w.must(err)
	defer db.Close()
	verify := func() error {
		_, err := w.VerifyAudit(t.Context(), byHand, "KAPITAL", today)
		return err
	}
	w.must(verify())
	id := string(actor.Person.ID)
	for what, change := range map[string][2]string{
		"another outcome": {"UPDATE audit SET outcome = 'x' WHERE actor = ? AND number = 4", "UPDATE audit SET outcome = 'ok' WHERE actor = ? AND number = 4"},
		"another time":    {"UPDATE audit SET at = at + 1 WHERE actor = ? AND number = 4", "UPDATE audit SET at = at - 1 WHERE actor = ? AND number = 4"},
		"a missing one":   {"UPDATE audit SET bank = 'X' WHERE actor = ? AND number = 4", "UPDATE audit SET bank = 'KAPITAL' WHERE actor = ? AND number = 4"},
		"a missing first": {"UPDATE audit SET bank = 'X' WHERE actor = ? AND number = 1", "UPDATE audit SET bank = 'KAPITAL' WHERE actor = ? AND number = 1"},
		"another's":       {"UPDATE audit SET actor = 'x' || actor WHERE actor = ?", "UPDATE audit SET actor = substr(actor, 2) WHERE actor = 'x' || ?"},
	} {
		for i, statement := range change {
			if result, err := db.Exec(statement, id); err != nil {
				t.Fatal(err)
			} else if n, _ := result.RowsAffected(); n == 0 {
				t.Fatalf("%s: nothing was changed", what)
			}
			if err := verify(); errors.Is(err, store.ErrAuditAltered) != (i == 0) {
				t.Errorf("%s, step %d: %v", what, i, err)
			}
		}
	}
}

// When a day is sealed, not even its end can be cut off unnoticed.
//
// WP-521
func TestSealedAudit(t *testing.T) {
	dsn := tolemtest.SQLite(t)
	w := newWorld(t, dsn)
	actor := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works()
	other := w.employ("RABITA", "x.xxx", tolem.RoleOperator).works()
	verify := func() (access.AuditReport, error) { return w.VerifyAudit(t.Context(), byHand, "KAPITAL", today) }
	if report, err := verify(); err != nil || report.Sealed {
		t.Errorf("before: %+v, %v", report, err)
	}
	var group sync.WaitGroup
	for range 4 { // nodes
		group.Go(func() {
			if err := w.SealAudit(t.Context(), "KAPITAL", today); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	w.must(w.SealAudit(t.Context(), "KAPITAL", today+1)) // nothing happened
	if report, err := verify(); err != nil || !report.Sealed {
		t.Errorf("sealed: %+v, %v", report, err)
	}
	w.must(w.Record(t.Context(), actor, access.Event{Action: tolem.ActPrint, Outcome: access.OutcomeOK})) // committed late
	if report, err := verify(); err != nil || !report.Sealed {
		t.Errorf("with a late record: %+v, %v", report, err)
	}
	if report, err := w.VerifyAudit(t.Context(), byHand, "RABITA", today); err != nil || report.Sealed {
		t.Errorf("another bank, which is not sealed: %+v, %v", report, err)
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	w.must(err)
	defer db.Close()
	for _, statement := range []string{"DELETE FROM audit WHERE actor = ? AND number > 1", "DELETE FROM audit WHERE actor = ?"} {
		_, err = db.Exec(statement, string(actor.Person.ID))
		w.must(err)
		if _, err := verify(); !errors.Is(err, store.ErrAuditAltered) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	_, err = db.Exec("DELETE FROM audit WHERE actor = ? AND number = 1", string(other.Person.ID))
	w.must(err)
	if err := w.SealAudit(t.Context(), "RABITA", today); !errors.Is(err, store.ErrAuditAltered) {
		t.Errorf("what was altered is sealed: %v", err)
	}
}

// Names, user names and password hashes cannot be read in the files, and what
// was typed into the field of the user name is nowhere.
func TestPersonalDataAreSealed(t *testing.T) {
	dsn := tolemtest.SQLite(t)
	w := newWorld(t, dsn)
	s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	if _, err := w.SignIn(t.Context(), s.visitor(), "typed-into-the-wrong-field1", access.NewPassword("x")); err == nil {
		t.Fatal("signed in")
	}
	s.works()
	files, err := filepath.Glob(strings.TrimPrefix(dsn, "sqlite:") + "*")
	w.must(err)
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		w.must(err)
		for _, secret := range []string{"Lalə", "Əliyeva", "l.aliyeva", "argon2id", "parol-0001", "typed-into"} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(file), secret)
			}
		}
	}
}

// A login brings the stored hash to today's costs, and nothing else changes.
func TestHashesAreBroughtUpToDate(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		hash := func() (stored string) {
			w.must(w.db.View(t.Context(), func(tx *store.Tx) (err error) {
				_, stored, err = tx.PersonWithPassword("KAPITAL", s.person.ID)
				return err
			}))
			return stored
		}
		session, before := s.works(), s.now()
		w.Access = w.open(access.HashParams{Memory: 9 << 10, Time: 1, Threads: 1})
		if _, err := s.signIn("wrong-0001"); err == nil || !strings.Contains(hash(), "m=8192,") {
			t.Errorf("after a wrong password: %s", hash())
		}
		s.works()
		if !strings.Contains(hash(), "m=9216,") {
			t.Errorf("after a login: %s", hash())
		}
		if p := s.now(); p.Credential != before.Credential || !p.PasswordAt.Equal(before.PasswordAt) {
			t.Errorf("%+v became %+v", before, p)
		}
		if _, err := w.Check(t.Context(), over(s.cert), session.Subject(), ""); err != nil {
			t.Errorf("a session from before: %v", err)
		}
	})
}
