package registry

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tolem"
	"tolem/registry/form"
	"tolem/registry/match"
)

// GW-P26: every form shows the same rows and totals. The signed XML is read back
// by our reader; a register submitted as the CSV it was fetched as agrees with
// itself; LibreOffice and pdftotext read the others in package form.
func TestForms(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{branch: "A-1"})
		w.refund(w.paid(pay{amount: 12345_67}).Number)
		w.close(w.paid(pay{provider: "JUSTICE"}).Number)
		w.notify(w.notification(w.issue(pay{bank: "BANK-B"}), pay{}))
		wrong := w.notification(w.issue(pay{}), pay{})
		wrong.Amount.Minor++
		w.notify(wrong)
		w.sealed(testDay)
		reg := w.built(tolem.BankRegister, "BANK-A", testDay)
		rows := w.rows(reg)

		var read []tolem.RegisterRow
		got, err := ReadRegister(bytes.NewReader(w.verified(reg)), func(r tolem.RegisterRow) error {
			read = append(read, r)
			return nil
		})
		if err != nil || got.Number != reg.Number || got.Owner != reg.Owner || got.Day != testDay || got.Revision != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		for i := range rows {
			rows[i].ID = [16]byte{} // tells refused notifications apart inside, and is not told
		}
		if !slices.Equal(read, rows) {
			t.Errorf("read %+v\nwant %+v", read, rows)
		}

		file, err := w.registry.Document(t.Context(), reg, tolem.FormCSV)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		text := make([]byte, file.Size)
		if _, err := file.ReadAt(text, 0); err != nil {
			t.Fatal(err)
		}
		list, err := match.ParseCSV(bytes.NewReader(text), match.Options{Zone: w.registry.Calendar.Zone()})
		if err != nil {
			t.Fatal(err)
		}
		result, err := match.Match(match.Book{Owner: reg.Owner, Day: testDay, From: reg.From, To: reg.To, Rows: match.Rows(w.rows(reg))}, list, nil)
		if err != nil || len(result.Anomalies) != 0 || result.Agreed != 4 {
			t.Errorf("the register does not agree with itself: %+v, %v\n%s", result, err, text)
		}
		for _, f := range []tolem.Form{tolem.FormXLSX, tolem.FormPDF} {
			for _, l := range []form.Language{form.Kazakh, form.Russian, form.English} {
				var one, two bytes.Buffer
				if err := w.registry.Render(t.Context(), &one, reg, f, l, nil); err != nil {
					t.Fatalf("%s in %s: %v", f, l, err)
				}
				if err := w.registry.Render(t.Context(), &two, reg, f, l, nil); err != nil || f == tolem.FormPDF && !bytes.Equal(one.Bytes(), two.Bytes()) {
					t.Errorf("%s in %s differs from itself: %v", f, l, err)
				}
				if dir := os.Getenv("TOLEM_TEST_FORMS"); dir != "" { // to look at
					if err := os.WriteFile(filepath.Join(dir, string(reg.Number)+"-"+string(l)+f.Extension()), one.Bytes(), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

// Every label is there in Kazakh, Russian and English.
func TestWords(t *testing.T) {
	for w, names := range words {
		if names.KK == "" || names.RU == "" || names.EN == "" {
			t.Errorf("%s: %+v", w, names)
		}
	}
}
