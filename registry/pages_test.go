package registry

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
	"tolem/store"
	"tolem/wsdl"
)

// Pages that begin anywhere have the rows of the whole, in a register that was
// issued anew too, where rows came from another branch.
func TestRowsFrom(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var moved []tolem.CodeNumber
		for i := range 2*markEvery + 20 {
			branch := tolem.ParticipantID("A-1")
			if i%markEvery == 7 {
				branch = "A-2"
			}
			if c := w.paid(pay{branch: branch}); branch == "A-2" {
				moved = append(moved, c.Number)
			}
		}
		w.sealed(testDay)
		first := w.built(tolem.BranchRegister, "A-1", testDay)
		for _, code := range moved {
			if _, err := w.registry.Correct(t.Context(), testDay, code, "A-1", "op", "named the wrong branch"); err != nil {
				t.Fatal(err)
			}
		}
		second, err := w.registry.Reissue(t.Context(), first.Owner, testDay, "corrected", nil)
		if err != nil || second.Totals.Rows != first.Totals.Rows+int64(len(moved)) {
			t.Fatalf("%d rows, %v", second.Totals.Rows, err)
		}
		all := w.rows(second)
		for _, from := range []int{len(all) - 3, 1, 2*markEvery + 1, 2 * markEvery, markEvery + 9, markEvery, 2, len(all), len(all) + 1} {
			var page []tolem.RegisterRow
			for row, err := range w.registry.RowsFrom(t.Context(), second, from) {
				if err != nil {
					t.Fatal(err)
				}
				page = append(page, row)
				if len(page) == 20 {
					break
				}
			}
			if want := all[from-1 : min(from+19, len(all))]; !slices.Equal(page, want) {
				t.Errorf("from line %d: %d rows, the first %+v", from, len(page), page[:min(1, len(page))])
			}
		}
	})
}

// Who asks for a document waits no longer than it wants to; the document is
// rendered all the same, once for all who ask.
func TestRenderingOutlivesWhoAsked(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), time.UTC, time.Now())
	var renders atomic.Int32
	release := make(chan struct{})
	render := func(_ context.Context, out io.Writer) error {
		renders.Add(1)
		<-release
		_, err := io.WriteString(out, "done")
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if _, err := w.registry.files.open(ctx, "x.xml", tolem.FormXML, render); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	close(release)
	file, err := w.registry.files.open(t.Context(), "x.xml", tolem.FormXML, render)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if renders.Load() != 1 || file.Size != 4 {
		t.Errorf("rendered %d times, %d bytes", renders.Load(), file.Size)
	}
}

// GW-P26 GW-P40: each document is as its published schema says, with its signature;
// libxml2 reads both.
func TestDocumentFollowsItsSchema(t *testing.T) {
	xmllint := tolemtest.RequireTool(t, "xmllint")
	w := newWorld(t, tolemtest.SQLite(t), almaty(t), time.Date(2026, time.November, 20, 10, 0, 0, 0, almaty(t)))
	w.paid(pay{branch: "A-1"})
	w.close(w.paid(pay{provider: "JUSTICE"}).Number)
	w.refund(w.paid(pay{}).Number)
	wrong := w.notification(w.issue(pay{}), pay{})
	wrong.Amount.Minor++
	w.notify(wrong)
	w.sealed(testDay)
	dir := t.TempDir()
	follows := func(name string, schema []byte, write func(io.Writer) error) {
		t.Helper()
		schemaFile, file := filepath.Join(dir, name+".xsd"), filepath.Join(dir, name+".xml")
		if err := os.WriteFile(schemaFile, schema, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(file)
		if err == nil {
			err = errors.Join(write(out), out.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		if said, err := exec.Command(xmllint, "--noout", "--schema", schemaFile, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
	register := func(reg store.StoredRegister) {
		t.Helper()
		follows(string(reg.Number), wsdl.RegisterSchema(), func(out io.Writer) error { return w.registry.WriteXML(t.Context(), out, reg, nil) })
	}
	for id, kind := range map[string]tolem.RegisterKind{
		"BANK-A": tolem.BankRegister, "BANK-B": tolem.BankRegister, "A-1": tolem.BranchRegister, "TAX": tolem.ProviderRegister,
	} {
		register(w.built(kind, id, testDay))
	}
	bank := w.built(tolem.BankRegister, "BANK-A", testDay)
	rows := w.rows(bank)
	if _, err := w.registry.Correct(t.Context(), testDay, rows[0].Code, "A-2", "operator", "wrong branch"); err != nil {
		t.Fatal(err)
	}
	again, err := w.registry.Reissue(t.Context(), bank.Owner, testDay, "wrong branch", nil)
	if err != nil {
		t.Fatal(err)
	}
	register(again)

	claims, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	follows("claim", wsdl.ClaimSchema(), func(out io.Writer) error { _, err := out.Write(claims[0].Document); return err })
	back := w.paid(pay{})
	w.refund(back.Number)
	kept, err := w.registry.KeptByBank(t.Context(), back.Number)
	if err != nil {
		t.Fatal(err)
	}
	refund, err := w.registry.ClaimRefund(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	follows("refund", wsdl.ClaimSchema(), func(out io.Writer) error { _, err := out.Write(refund.Document); return err })

	rows[0].Amount.Minor++
	for id, text := range map[string]string{"good": list(rows[:1]...) + "nonsense\r\n", "none": "\x89PNG"} {
		number, err := w.submit(id, "BANK-A", testDay, text, 1000)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := w.registry.Reconcile(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		follows(string(number), wsdl.ReconciliationSchema(), func(out io.Writer) error {
			return w.registry.RenderReport(out, store.Submission{}, rec, tolem.FormXML, form.English)
		})
	}
}
