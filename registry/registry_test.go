package registry

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

var testDay = tolem.DayOf(2026, time.November, 20) // a Friday

// eachWorld runs a test on both databases; the clock stands at 10:00 of testDay.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		test(t, newWorld(t, dsn, zone, time.Date(2026, time.November, 20, 10, 0, 0, 0, zone)))
	})
}

// GW-060 GW-061 GW-P26 GW-P28: what happened in a day stands in the registers of
// its provider, its bank and its branch; refused notifications in the bank's.
func TestDay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		plain := w.paid(pay{branch: "A-1"})
		closed := w.paid(pay{provider: "JUSTICE", amount: 500_00})
		w.close(closed.Number)
		refunded := w.paid(pay{branch: "A-2", amount: 70_00})
		w.refund(refunded.Number)
		other := w.paid(pay{bank: "BANK-B", amount: 1})
		wrong := w.notification(w.issue(pay{}), pay{})
		wrong.Amount.Minor++
		if got := w.notify(wrong); got != tolem.Mismatch {
			t.Fatal(got)
		}
		sealed := w.sealed(testDay)
		if sealed.Facts != 6 {
			t.Errorf("%d facts", sealed.Facts)
		}

		bank := w.rows(w.built(tolem.BankRegister, "BANK-A", testDay))
		if len(bank) != 5 || bank[0].Code != plain.Number || bank[4].Discrepancy != string(tolem.Mismatch) || bank[4].Kind != tolem.RowDiscrepancy {
			t.Errorf("bank's rows: %+v", bank)
		}
		if bank[1].State != tolem.StateClosed || bank[1].ClosedAt.IsZero() || bank[2].State != tolem.StateRefunded || bank[3].Kind != tolem.RowRefund {
			t.Errorf("states: %+v", bank)
		}
		provider := w.built(tolem.ProviderRegister, "TAX", testDay)
		if got := w.rows(provider); len(got) != 4 || got[3].Code != other.Number {
			t.Errorf("provider's rows: %+v", got)
		}
		sum := provider.Totals.ByCurrency()[tolem.KZT]
		if want := (tolem.Sum{Count: 3, Minor: 1200_00 + 70_00 + 1, Back: 1, Return: 70_00}); sum != want || sum.Net() != 1200_01 {
			t.Errorf("provider's sum %+v, want %+v", sum, want)
		}
		if got := w.rows(w.built(tolem.BranchRegister, "A-1", testDay)); len(got) != 1 || got[0].Code != plain.Number {
			t.Errorf("branch's rows: %+v", got)
		}
		// GW-P25: also when there were no operations.
		empty := w.built(tolem.BankRegister, "BANK-B", testDay)
		if empty.Totals.Rows != 1 {
			t.Errorf("%+v", empty.Totals)
		}
	})
}

// GW-P25: the register of a day without operations is formed too.
func TestEmptyRegister(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{})
		w.sealed(testDay)
		owners, err := w.registry.Owners(t.Context(), testDay)
		if err != nil || len(owners) != 6 {
			t.Fatalf("%v, %v", owners, err)
		}
		for _, o := range owners {
			reg, err := w.registry.Build(t.Context(), o, testDay, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.verified(reg)
		}
		if reg := w.built(tolem.ProviderRegister, "JUSTICE", testDay); reg.Totals.Rows != 0 {
			t.Errorf("%+v", reg.Totals)
		}
	})
}

// verified writes a register and returns the document when our verifier takes it.
func (w *world) verified(reg store.StoredRegister) []byte {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.registry.WriteXML(w.t.Context(), &b, reg, nil); err != nil {
		w.t.Fatal(err)
	}
	if _, err := signing.VerifyStreamed(bytes.NewReader(b.Bytes()), int64(b.Len()), anyTrust{}, w.clock.Now()); err != nil {
		w.t.Fatalf("%v\n%s", err, b.Bytes())
	}
	return b.Bytes()
}

// GW-P26: a register is signed; xmlsec1 verifies it and refuses it altered.
func TestRegisterVerifiesWithXmlsec1(t *testing.T) {
	xmlsec1 := tolemtest.RequireTool(t, "xmlsec1")
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{branch: "A-1"})
		w.sealed(testDay)
		document := w.verified(w.built(tolem.BankRegister, "BANK-A", testDay))
		check := func(document []byte) error {
			file := filepath.Join(t.TempDir(), "register.xml")
			if err := os.WriteFile(file, document, 0o600); err != nil {
				t.Fatal(err)
			}
			return exec.Command(xmlsec1, "--verify", "--insecure", file).Run()
		}
		if err := check(document); err != nil {
			t.Errorf("xmlsec1: %v\n%s", err, document)
		}
		if check(bytes.Replace(document, []byte("1200.00"), []byte("1200.01"), 1)) == nil {
			t.Error("xmlsec1 verifies an altered register: this test proves nothing")
		}
	})
}

// GW-P26: nothing that is stored can be changed without the document showing it.
func TestAlteredRegister(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{})
		w.sealed(testDay)
		reg := w.built(tolem.BankRegister, "BANK-A", testDay)
		reg.Head = bytes.Replace(reg.Head, []byte("BANK-A"), []byte("BANK-B"), 1)
		if err := w.registry.WriteXML(t.Context(), &bytes.Buffer{}, reg, nil); !errors.Is(err, ErrAltered) {
			t.Errorf("%v", err)
		}
	})
}

// GW-P26: repeating a seal or a register changes nothing, and what happens
// later stands in the next day's.
func TestLaterFacts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.paid(pay{})
		if _, err := w.registry.Seal(t.Context(), testDay, nil); !errors.Is(err, ErrTooEarly) {
			t.Errorf("sealed a day that is not over: %v", err)
		}
		if _, err := w.registry.Build(t.Context(), tolem.Owner{Kind: tolem.BankRegister, ID: "BANK-A", Bank: "BANK-A"}, testDay, nil); !errors.Is(err, ErrNotSealed) {
			t.Errorf("register of an open day: %v", err)
		}
		// A notification that arrived before midnight and was decided after the
		// seal: the gateway had hung.
		slow := w.issue(pay{amount: 5_00})
		w.clock.Set(w.registry.Calendar.End(testDay).Add(-time.Second))
		late := w.notification(slow, pay{})
		first := w.sealed(testDay)
		reg := w.built(tolem.BankRegister, "BANK-A", testDay)
		w.notify(late)
		w.refund(c.Number)
		if again := w.sealed(testDay); again != first {
			t.Errorf("sealed again: %+v, was %+v", again, first)
		}
		if again := w.built(tolem.BankRegister, "BANK-A", testDay); again.Hash != reg.Hash || !again.FormedAt.Equal(reg.FormedAt) {
			t.Error("a register was formed twice")
		}
		w.sealed(testDay + 1)
		next := w.built(tolem.BankRegister, "BANK-A", testDay+1)
		rows := w.rows(next)
		if len(rows) != 2 || rows[0].Code != slow.Number || rows[0].Belongs != testDay || rows[1].Kind != tolem.RowRefund || rows[1].Belongs != testDay {
			t.Fatalf("rows of the next day: %+v", rows)
		}
		if !bytes.Contains(w.verified(next), []byte("<belongsTo>2026-11-20</belongsTo>")) {
			t.Error("the day it belongs to is not named")
		}
	})
}

// GW-P17 GW-P28: the payment of an expired code counts and is marked.
func TestLatePaymentIsMarked(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.issue(pay{})
		w.clock.Advance(30 * time.Hour)
		w.notify(w.notification(c, pay{}))
		w.sealed(testDay + 1)
		rows := w.rows(w.built(tolem.BankRegister, "BANK-A", testDay+1))
		if len(rows) != 1 || rows[0].Discrepancy != tolem.DiscrepancyLate || rows[0].Kind != tolem.RowPayment {
			t.Errorf("%+v", rows)
		}
	})
}

// GW-P26 GW-P25: on random days, across changes of the zone, the leap day and
// midnight, each accepted payment stands in exactly one register of a provider
// and one of a bank, and the sums are equal.
func TestEachPaymentOnce(t *testing.T) {
	for _, c := range []struct {
		zone  string
		begin time.Time
		days  int
	}{
		{"Asia/Almaty", time.Date(2024, time.February, 27, 12, 0, 0, 0, time.UTC), 6},  // leap day, then +06 becomes +05
		{"America/New_York", time.Date(2026, time.March, 6, 12, 0, 0, 0, time.UTC), 4}, // a day of 23 hours
		{"America/New_York", time.Date(2026, time.October, 30, 12, 0, 0, 0, time.UTC), 4},
		{"Africa/Cairo", time.Date(2026, time.April, 22, 12, 0, 0, 0, time.UTC), 4}, // midnight is skipped
		{"Asia/Tashkent", time.Date(2026, time.December, 30, 12, 0, 0, 0, time.UTC), 4},
	} {
		t.Run(c.zone, func(t *testing.T) {
			tolemtest.Databases(t, func(t *testing.T, dsn string) {
				zone, err := time.LoadLocation(c.zone)
				if err != nil {
					t.Fatal(err)
				}
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				eachPaymentOnce(t, newWorld(t, dsn, zone, c.begin), rand.New(rand.NewPCG(seed, 1)), c.days)
			})
		})
	}
}

func eachPaymentOnce(t *testing.T, w *world, random *rand.Rand, days int) {
	calendar := w.registry.Calendar
	first := calendar.DayOf(w.clock.Now())
	payments := make(map[tolem.CodeNumber]int64)
	var open []tolem.CodeNumber
	var total, back int64
	for day := first; day < first+tolem.Day(days); day++ {
		moments := []time.Time{calendar.Start(day), calendar.Start(day).Add(time.Microsecond), calendar.End(day).Add(-time.Microsecond)}
		for range 8 {
			moments = append(moments, calendar.Start(day).Add(time.Duration(random.Int64N(int64(calendar.End(day).Sub(calendar.Start(day)))))))
		}
		slices.SortFunc(moments, time.Time.Compare)
		for _, at := range moments {
			if at = at.Truncate(time.Microsecond); at.Before(w.clock.Now()) {
				continue
			}
			w.clock.Set(at)
			p := pay{amount: 1 + random.Int64N(1_000_000)}
			p.bank = []tolem.ParticipantID{"BANK-A", "BANK-B", "BANK-NEW"}[random.IntN(3)]
			p.provider = []tolem.ProviderID{"TAX", "JUSTICE", "NEW"}[random.IntN(3)]
			number := w.paid(p).Number
			payments[number] = p.amount
			total += p.amount
			if open = append(open, number); random.IntN(4) == 0 {
				i := random.IntN(len(open))
				w.refund(open[i])
				back += payments[open[i]]
				open = slices.Delete(open, i, i+1)
			}
		}
	}
	seen := map[tolem.RegisterKind]map[tolem.CodeNumber]int{tolem.BankRegister: {}, tolem.ProviderRegister: {}, tolem.BranchRegister: {}}
	sums := make(map[tolem.RegisterKind]tolem.Sum)
	for day := first; day <= first+tolem.Day(days); day++ { // a refund may fall behind the last midnight
		w.sealed(day)
		owners, err := w.registry.Owners(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range owners {
			reg, err := w.registry.Build(t.Context(), o, day, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range w.rows(reg) {
				if row.Kind == tolem.RowPayment {
					seen[o.Kind][row.Code]++
				}
				if calendar.DayOf(row.At) != day {
					t.Errorf("%s of %s stands in %s", row.Code, row.At.In(calendar.Zone()), reg.Number)
				}
			}
			sums[o.Kind] = sums[o.Kind].Plus(reg.Totals.ByCurrency()[tolem.KZT])
		}
	}
	checkup, err := w.registry.Check(t.Context(), first, first+tolem.Day(days), nil)
	if err != nil || !checkup.OK() || checkup.Facts == 0 {
		t.Errorf("the doctor finds %+v, %v", checkup, err)
	}
	for _, kind := range []tolem.RegisterKind{tolem.BankRegister, tolem.ProviderRegister} {
		for number := range payments {
			if seen[kind][number] != 1 {
				t.Errorf("%s stands in %d registers of a %s", number, seen[kind][number], kind)
			}
		}
		if s := sums[kind]; s.Count != int64(len(payments)) || s.Minor != total || s.Return != back {
			t.Errorf("%s registers come to %+v; paid %d in %d payments, refunded %d", kind, s, total, len(payments), back)
		}
	}
}

// GW-P27: an owner speaks for its own register only; a final one is not
// rejected.
func TestAcknowledge(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{branch: "A-1"})
		w.sealed(testDay)
		reg := w.built(tolem.BankRegister, "BANK-A", testDay)
		branch := w.built(tolem.BranchRegister, "A-1", testDay)
		say := func(who tolem.ParticipantID, n tolem.RegisterNumber, verdict tolem.Verdict, line int) (standing Standing, err error) {
			p, _ := w.names.Participant(who)
			err = w.db.Update(t.Context(), func(tx *store.Tx) error {
				standing, err = w.registry.Acknowledge(tx, p, tolem.Acknowledgement{
					Number: n, Verdict: verdict, Objections: []tolem.Objection{{Reason: tolem.RejectAmount, Line: line}},
				}, store.MessageID{byte(w.clock.Now().Unix())})
				return err
			})
			w.clock.Advance(time.Second)
			return standing, err
		}
		for _, c := range []struct {
			who     tolem.ParticipantID
			n       tolem.RegisterNumber
			verdict tolem.Verdict
			line    int
			want    error
		}{
			{"BANK-B", reg.Number, tolem.Acknowledged, 0, ErrForeign},
			{"A-1", reg.Number, tolem.Acknowledged, 0, ErrForeign},
			{"A-2", branch.Number, tolem.Acknowledged, 0, ErrForeign},
			{"BANK-A", branch.Number, tolem.Acknowledged, 0, ErrForeign}, // it sees it, and does not speak for it
			{"A-1", branch.Number, tolem.Rejected, 2, ErrNoRow},
			{"A-1", branch.Number, tolem.Rejected, 1, nil},
			{"BANK-A", reg.Number, tolem.Rejected, 1, nil},
			{"BANK-A", reg.Number, tolem.Acknowledged, 0, nil},
			{"BANK-A", "B-20261120-BANK-Z-1", tolem.Acknowledged, 0, ErrForeign}, // whether it is there or not
			{"BANK-A", "B-20261121-BANK-A-1", tolem.Acknowledged, 0, store.ErrNotFound},
		} {
			if _, err := say(c.who, c.n, c.verdict, c.line); !errors.Is(err, c.want) {
				t.Errorf("%s says %s of %s: %v, want %v", c.who, c.verdict, c.n, err, c.want)
			}
		}
		// Friday's register: three workdays later is Wednesday.
		if got := w.registry.Calendar.DayOf(reg.FinalAfter.Add(-time.Second)); got != testDay+5 {
			t.Errorf("final after %s", got)
		}
		w.clock.Set(reg.FinalAfter)
		if standing, err := say("A-1", branch.Number, tolem.Rejected, 1); !errors.Is(err, ErrFinal) || standing != FinalByTime {
			t.Errorf("%s, %v", standing, err)
		}
	})
}

// said has a participant say something of a register.
func (w *world) said(p tolem.Participant, n tolem.RegisterNumber, verdict tolem.Verdict) (standing Standing, err error) {
	err = w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		standing, err = w.registry.Acknowledge(tx, p, tolem.Acknowledgement{Number: n, Verdict: verdict}, store.MessageID{1})
		return err
	})
	return standing, err
}

// GW-P26: a row that was given to another branch moves when the registers are issued
// anew, and earlier revisions stay readable.
func TestReissue(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.paid(pay{branch: "A-1"})
		w.clock.Advance(time.Minute)
		stays := w.paid(pay{branch: "A-1"})
		w.sealed(testDay)
		one, two := w.built(tolem.BranchRegister, "A-1", testDay), w.built(tolem.BranchRegister, "A-2", testDay)
		before := w.verified(one)
		if _, err := w.registry.Correct(t.Context(), testDay, c.Number, "A-2", "operator", "wrong branch"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.registry.Correct(t.Context(), testDay, c.Number, "A-2", "operator", "again"); !errors.Is(err, ErrNoChange) {
			t.Errorf("%v", err)
		}
		for _, moved := range []struct {
			old  store.StoredRegister
			want string
			rows []tolem.CodeNumber
		}{{one, Removed, []tolem.CodeNumber{stays.Number}}, {two, Added, []tolem.CodeNumber{c.Number}}} {
			again, err := w.registry.Reissue(t.Context(), moved.old.Owner, testDay, "wrong <branch>", nil)
			if err != nil {
				t.Fatal(err)
			}
			if stored, err := w.registry.Find(t.Context(), again.Number); err != nil || stored.Reason != "wrong <branch>" {
				t.Errorf("stored for the reason %q, %v", stored.Reason, err)
			}
			if again.Revision != 2 || !bytes.Contains(w.verified(again), []byte("<reason>wrong &lt;branch&gt;</reason>")) {
				t.Errorf("%+v", again.Register)
			}
			rows := w.rows(again)
			if len(rows) != len(moved.rows) || rows[0].Code != moved.rows[0] {
				t.Errorf("%s: %+v", again.Number, rows)
			}
			changes := 0
			for change, err := range w.registry.Diff(t.Context(), moved.old, again) {
				if changes++; err != nil || change.What != moved.want {
					t.Errorf("%+v, %v", change, err)
				}
			}
			if changes != 1 {
				t.Errorf("%d changes", changes)
			}
		}
		branch, _ := w.names.Participant("A-1")
		if _, err := w.said(branch, one.Number, tolem.Acknowledged); !errors.Is(err, ErrFinal) {
			t.Errorf("a superseded revision was acknowledged: %v", err)
		}
		if !bytes.Equal(w.verified(one), before) {
			t.Error("an earlier revision changed")
		}
	})
}

// anyTrust believes every certificate: who signed is not what these tests are
// about.
type anyTrust struct{ signing.Truster }

func (anyTrust) Check(cert *x509.Certificate, _ time.Time) (trust.Proof, error) {
	return trust.Proof{ID: [16]byte{1}}, nil
}

// A batch of facts that comes while a day is summed up is in its sum, or not
// in the day.
func TestNoBatchSlipsIn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first := w.paid(pay{})
		w.clock.Set(w.registry.Calendar.End(testDay).Add(time.Hour))
		if err := w.registry.collect(t.Context(), testDay, nil); err != nil {
			t.Fatal(err)
		}
		var seen int64
		if err := w.db.View(t.Context(), func(tx *store.Tx) (err error) {
			seen, err = tx.DayBatches(testDay)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		row := w.rowOf(first.Number)
		row.Code++ // a fact that another node has found
		add := func() error {
			return w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddDayRows(testDay, []tolem.RegisterRow{row}) })
		}
		if err := add(); err != nil {
			t.Fatal(err)
		}
		moved := errors.New("moved")
		err := w.db.Update(t.Context(), func(tx *store.Tx) error {
			if tx.Again() {
				return moved
			}
			return tx.SealDay(store.SealedDay{Day: testDay, SealedAt: tx.Now()}, seen)
		})
		if !errors.Is(err, moved) {
			t.Errorf("sealed although a batch had come: %v", err)
		}
		if sealed := w.sealed(testDay); sealed.Facts != 2 {
			t.Errorf("%d facts", sealed.Facts)
		}
		row.Code++
		if err := add(); !errors.Is(err, store.ErrDaySealed) {
			t.Errorf("a sealed day took a fact: %v", err)
		}
	})
}

// rowOf returns the payment of a code as a fact.
func (w *world) rowOf(n tolem.CodeNumber) (row tolem.RegisterRow) {
	w.t.Helper()
	err := w.db.View(w.t.Context(), func(tx *store.Tx) error {
		facts, err := tx.FactsOf([]tolem.CodeNumber{n})
		if err == nil && len(facts) > 0 {
			row = facts[0].RegisterRow
		}
		return err
	})
	if err != nil || row.Code != n {
		w.t.Fatalf("%+v, %v", row, err)
	}
	return row
}
