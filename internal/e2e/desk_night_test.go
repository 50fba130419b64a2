package e2e

import (
	"crypto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/internal/tolemtest"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/store"
)

// baku is the zone of the workplace in the sandbox.
func baku(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Asia/Baku")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// How long a test at the desks may take, whose register shows one day.
const (
	longestDesk     = 5 * time.Minute
	longestDeskPart = 150 * time.Second
)

// deskDay waits until such a test ends on the day it began.
func deskDay(t *testing.T) {
	t.Helper()
	longest := longestDesk
	if os.Getenv(wholeTests) == "" {
		longest = longestDeskPart
	}
	tolemtest.WithinOneDay(t, baku(t), longest)
}

// night seals the day of the payments, under the clock of the day after the
// next, and forms its registers. What they come to is what the cashiers have
// counted, without what awaits a decision.
func (d *desks) night(ledger []paid) {
	d.t.Helper()
	calendar := tolem.NewCalendar(baku(d.t), nil, nil)
	today := calendar.DayOf(time.Now())
	r, end := d.registry(calendar, func() time.Time { return time.Now().Add(48 * time.Hour) })
	defer end()
	if _, err := r.Seal(d.t.Context(), today, nil); err != nil {
		d.t.Fatal(err)
	}
	owners, err := r.Owners(d.t.Context(), today)
	if err != nil {
		d.t.Fatal(err)
	}
	sums := make(map[tolem.RegisterKind]tolem.Sum)
	for _, o := range owners {
		reg, err := r.Build(d.t.Context(), o, today, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		sum := sums[o.Kind]
		for _, total := range reg.Totals.By {
			sum = sum.Plus(total.Sum)
		}
		sums[o.Kind] = sum
	}
	var want tolem.Sum
	var fees int64
	for _, p := range ledger {
		if p.Status != awaiting {
			want = want.Plus(tolem.Sum{Count: 1, Minor: p.Amount})
			fees += p.Fee
		}
		if p.Status == cancelled {
			want = want.Plus(tolem.Sum{Back: 1, Return: p.Amount})
		}
	}
	for _, kind := range []tolem.RegisterKind{tolem.BankRegister, tolem.BranchRegister, tolem.ProviderRegister} {
		if sums[kind] != want {
			d.t.Errorf("registers %s come to %+v, the cashiers to %+v", kind, sums[kind], want)
		}
	}
	db := openRaw(d.t, "sqlite:"+filepath.Join(d.Dir, "tolem.db"))
	defer db.Close()
	each(d.t, db, `SELECT COALESCE(SUM(fee), 0) FROM day_row WHERE kind = 1`, func(scan func(...any) error) error {
		var sealed int64
		err := scan(&sealed)
		if sealed != fees {
			d.t.Errorf("the fees of the sealed day come to %d, those of the cashiers to %d", sealed, fees)
		}
		return err
	})
	if out := string(command(d.t, "doctor", "--config", filepath.Join(d.Dir, "tolem.yaml"), "--from", today.String(), "--to", today.String())); !strings.Contains(out, " 0 findings") {
		d.t.Errorf("the doctor says %s", out)
	}
}

// registry opens the registers of the sandbox under another clock.
func (d *desks) registry(calendar *tolem.Calendar, clock func() time.Time) (r *registry.Registry, end func()) {
	d.t.Helper()
	must := func(err error) {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
	}
	file := func(name string) string { return filepath.Join(d.Dir, "keys", name) }
	key, err := signing.LoadKey(file("vault.key"))
	must(err)
	wrapped, err := signing.ReadSecret(file("vault-1.wrapped"))
	must(err)
	vault, err := store.OpenVault(key.(crypto.Decrypter), wrapped)
	must(err)
	db, err := store.Open(d.t.Context(), "sqlite:"+filepath.Join(d.Dir, "tolem.db"), store.Options{Vault: vault, Clock: clock})
	must(err)
	evidence, err := archive.New(db, archive.Options{Origin: "tolem-sandbox-workplace"})
	must(err)
	directory, err := banks.Open(d.t.Context(), db)
	must(err)
	signer, err := signing.LoadSigner(file("signing-rsa.pem"), file("signing-rsa.key"))
	must(err)
	return registry.New(registry.Config{
		Calendar: calendar, FinalAfter: 3, ClaimsDueAfter: 2, Folder: d.t.TempDir(), Language: form.English, Currency: tolem.AZN, Clock: clock,
	}, db, evidence, directory, signer), func() { must(db.Close()) }
}
