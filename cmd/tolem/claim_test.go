package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tolem"
	"tolem/banks"
	"tolem/banks/sandbox"
	"tolem/store"
)

// A refunded payment that its bank keeps is claimed by a command, presented to the
// bank over the contract, and followed until the money has come; the bank's
// signed answer is in the archive, and the doctor finds nothing.
//
// GW-185, GW-186, GW-P39, GW-P40
func TestRefundIsClaimedFromTheBank(t *testing.T) {
	ctx, w := stage(t)
	code := w.paid(ctx, t, demoBankB, demoBankB, tolem.ChannelATM)
	config := filepath.Join(w.dir, "tolem.yaml")
	s := newShell(t)
	s.refused(exitFailed, "not refunded", "claim", "refund", "--config", config, code.String())
	s.must("code", "refund", "--config", config, "--by", "a.ospanova", "--reason", "service was not rendered", code.String())
	number := string(tolem.NewRefundClaimNumber(demoBankB, code, tolem.KZT))
	for range 2 { // asked twice, claimed once
		if out := s.must("claim", "refund", "--config", config, code.String()); !strings.HasPrefix(out, number+": 1200.00 KZT") {
			t.Fatalf("%s", out)
		}
	}
	if out := s.must("claim", "show", "--config", config, number, "--document"); !strings.Contains(out, "<paymentCode>"+code.String()) {
		t.Errorf("%s", out)
	}

	address, stop := w.bankSim(ctx, t)
	defer stop()
	connector := w.connector(t, address)
	collector := newCollector(w.node, map[tolem.ParticipantID]banks.Connector{demoBankB: connector})
	if err := collector.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := collector.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	show := func() claimView {
		return decode[claimView](t, s.must("claim", "show", "--config", config, "--json", number))
	}
	v := show()
	if v.State != string(tolem.ClaimAcknowledged) || v.Call == nil || v.Call.Outcome != string(banks.Paid) || len(v.Steps) != 2 || !strings.Contains(v.Steps[1].Note, "paid by the bank") {
		t.Errorf("%+v, %+v", v, v.Call)
	}
	if out := s.must("claim", "list", "--config", config); !strings.Contains(out, number) {
		t.Errorf("%s", out)
	}
	s.must("claim", "call", "--config", config, number)
	if v = show(); v.Call.Outcome != "" || v.Call.CallAt.IsZero() {
		t.Errorf("to be called again: %+v", v.Call)
	}
	if err := collector.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := collector.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	s.must("claim", "paid", "--config", config, "--amount", "1200.00", "--reference", "MT103 1", "--by", "clerk", number)
	if v = show(); v.State != string(tolem.ClaimPaid) || len(v.Steps) != 3 {
		t.Errorf("%+v", v)
	}
	s.refused(exitFailed, "PAID", "claim", "call", "--config", config, number)
	s.refused(exitFailed, "no claim", "claim", "call", "--config", config, "C-20200101-"+demoBankB+"-KZT")
	s.refused(exitUsage, "not a claim number", "claim", "call", "--config", config, "x")

	report, err := w.verifyArchive(ctx)
	if err != nil {
		t.Fatalf("%+v, %v", report, err)
	}
	entries, err := sandbox.ReadBook(filepath.Join(w.dir, "book.jsonl"))
	if err != nil || len(entries) != 0 {
		t.Errorf("claims stand among the attempts of the book: %+v, %v", entries, err)
	}
	err = w.node.db.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.Unreturned(code)
		if string(kept.Claim) != number || kept.Bank != demoBankB {
			t.Errorf("%+v", kept)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
