package archive_test

import (
	"bytes"
	"testing"

	"tolem/archive"
	"tolem/store"
)

// GW-P36, GW-137: every signed message comes back byte for byte with what is
// known of it.
func TestMessagesComeBackByteForByte(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		code, records := w.life(t)
		for _, r := range records {
			w.add(t, r)
		}
		err := w.db.View(t.Context(), func(tx *store.Tx) error {
			for _, want := range records {
				got, err := w.a.Load(tx, code, want.ID)
				if err != nil {
					return err
				}
				if !bytes.Equal(got.Raw, want.Raw) {
					t.Errorf("%s %s: message differs", want.Direction, want.Operation)
				}
				if got.Direction != want.Direction || !got.At.Equal(want.At) || got.Participant != want.Participant ||
					got.Operation != want.Operation || got.RequestID != want.RequestID || got.Code != code {
					t.Errorf("record = %+v", got)
				}
				if want.Direction == archive.Out && got.Fingerprint != w.gateway.Fingerprint() {
					t.Error("the answer's certificate was not found in it")
				}
			}
			all, err := w.a.LoadCode(tx, code)
			if err == nil && len(all) != len(records) {
				t.Errorf("%d messages of the code, want %d", len(all), len(records))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestSealAndVerify(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *world) {
		for range 3 {
			_, records := w.life(t)
			w.add(t, records...)
			if n, err := w.a.Seal(t.Context()); err != nil || n < len(records) {
				t.Fatalf("sealed %d, %v", n, err)
			}
		}
		_, records := w.life(t)
		w.add(t, records...)
		if n, err := w.a.Backlog(t.Context()); err != nil || n != 8 {
			t.Errorf("backlog %d, %v; want 8", n, err)
		}
		report, err := w.a.VerifyAll(t.Context(), archive.Check{Verifier: w.verifier})
		if err != nil {
			t.Fatal(err)
		}
		if !report.OK() || report.Messages != 32 || report.Sealed != 26 || report.Pending != 8 || report.Checkpoints != 3 || report.Documents != 2 {
			t.Errorf("report = %+v", report)
		}
	})
}
