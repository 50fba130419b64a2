package soap_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/bills"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/store"
)

func submission(asOf time.Time, accounts ...string) []string {
	fields := []string{"asOf", asOf.UTC().Format(time.RFC3339Nano), "currency", "KZT"}
	for _, a := range accounts {
		fields = append(fields, "account", a)
	}
	return fields
}

func accountXML(number, bills string) string {
	return "<number>" + number + "</number><holder>Ә &amp; B</holder><address>Баку</address><detail><label>meter</label><value>7</value></detail>" + bills
}

func billXML(service, amount, invoice string) string {
	return "<bill><serviceCode>" + service + "</serviceCode><amount>" + amount + "</amount><invoiceNo>" + invoice + "</invoiceNo><period>2026-10</period></bill>"
}

// A provider feeds its accounts, whole batches or nothing; a repetition has no
// second effect, and all of it is kept as evidence. Nobody feeds another's.
func TestSubmitBills(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		err := w.db.Update(t.Context(), func(tx *store.Tx) error {
			o := tolem.Organisation{Provider: tolem.Provider{ID: justiceID}, Name: "Ədliyyə", Smart: tolem.SmartNone}
			return errors.Join(tx.PutOrganisation(o), tx.PutDeskService(tolem.DeskService{Service: tolem.Service{Code: "BIRTH"}, Advance: true}))
		})
		if err != nil {
			t.Fatal(err)
		}
		a, now := w.actors[justiceID], time.Now()
		counts := func(r reply) string {
			return strings.Join([]string{r.result(), r.field("accounts"), r.field("taken"), r.field("same"), r.field("older")}, " ")
		}
		first := accountXML("a-1", billXML("BIRTH", "12.50", "7"))
		for _, c := range []struct {
			fields []string
			want   string
		}{
			{submission(now, first, accountXML("A-2", "")), "OK 2 2 0 0"},
			{submission(now.Add(-time.Hour), accountXML("A-1", billXML("BIRTH", "99", "7"))), "OK 1 0 0 1"},
			{submission(now.Add(time.Second), first), "OK 1 0 1 0"},
			{submission(now.Add(time.Hour), first), "BAD_REQUEST    "},
			{submission(now.Add(2*time.Second), accountXML("A 1", "")), "BAD_REQUEST    "},
			{submission(now.Add(2*time.Second), accountXML("A1", billXML("BIRTH", "-1", "7"))), "BAD_REQUEST    "},
			{submission(now.Add(2*time.Second), accountXML("A1", "<closed>yes</closed>")), "BAD_REQUEST    "},
			{submission(now.Add(2 * time.Second)), "BAD_REQUEST    "},
			{append([]string{"asOf", now.UTC().Format(time.RFC3339Nano)}, submission(now, first)[2:]...), "OK 1 0 1 0"},
		} {
			got := a.do("SubmitBills", c.fields...)
			if counts(got) != c.want {
				t.Errorf("%.200q: %q, want %q: %s", c.fields, counts(got), c.want, got.body)
			}
			if got.result() == "OK" {
				w.conforms(got)
			}
		}
		refused := a.do("SubmitBills", submission(now.Add(3*time.Second), accountXML("A-9", ""), accountXML("A-1", billXML("BIRTH", "1", "1")+billXML("TAX", "1", "1")), accountXML("A-9", ""))...)
		w.conforms(refused)
		if refused.result() != "BILLS_REFUSED" || fmt.Sprint(refused.all("no"), refused.all("code")) != "[2 3] [UNKNOWN_SERVICE ACCOUNT_TWICE]" {
			t.Errorf("%s", refused.body)
		}
		for who, want := range map[string]string{taxID: "NOT_OWNER", bankID: "FORBIDDEN", portalID: "FORBIDDEN"} {
			if got := w.actors[who].do("SubmitBills", submission(now, first)...); got.result() != want {
				t.Errorf("%s: %s", who, got.body)
			}
		}
		message := a.sign(signing.SOAP11, request("SubmitBills", "0b9a2f6e-8f0a-4d0e-9a55-27d1a3a9d007", submission(now.Add(4*time.Second), accountXML("A-3", ""))...))
		once, again := a.post(message, nil), a.post(message, nil)
		if once.body != again.body || counts(once) != "OK 1 1 0 0" {
			t.Errorf("%s\n%s", once.body, again.body)
		}
		desk := bills.New(bills.Config{Currency: tolem.KZT, Calendar: w.registry.Calendar}, w.db)
		found, err := desk.Lookup(t.Context(), bankID, justiceID, "A-1")
		if err != nil || found.Outcome != bills.FoundDebts || found.Debts[0].Open != 1250 || found.Account.Particulars.Holder != "Ә & B" {
			t.Errorf("%+v, %v", found, err)
		}
		w.keptAsEvidence(t, once.field("requestId"))
	})
}

// keptAsEvidence looks a request and its answer up in the archive.
func (w *world) keptAsEvidence(t *testing.T, id string) {
	t.Helper()
	evidence := must(archive.New(w.db, archive.Options{Origin: "test"}))
	err := w.db.View(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Request(justiceID, tolem.RequestID(id))
		if err != nil {
			return err
		}
		_, err = evidence.Load(tx, r.Code, r.Answer)
		return err
	})
	if err != nil {
		t.Errorf("evidence of %s: %v", id, err)
	}
}
