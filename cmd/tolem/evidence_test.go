package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// GW-137 GW-P36
func TestEvidenceIsProvedOffline(t *testing.T) {
	s := newShell(t)
	report := decode[demoReport](t, s.must("demo", "--json", "--dir", s.path("demo")))
	config, key := s.path("demo", "tolem.yaml"), s.path("demo", "keys", "checkpoint.pub")
	codes := make(map[string]string) // by step
	for _, step := range report.Steps {
		codes[step.Name] = step.Detail
	}
	code := codes["uc3-issue"]
	type messages struct {
		OK       bool `json:"ok"`
		Messages []struct {
			ID, Direction, Signer string
			Sealed, Redacted      bool
		} `json:"messages"`
	}
	all := decode[messages](t, s.must("verify", "message", "--json", "--code", code, "--config", config))
	if !all.OK || len(all.Messages) < 8 {
		t.Fatalf("%d messages of the code, ok %v", len(all.Messages), all.OK)
	}
	for _, m := range all.Messages {
		if !m.Sealed || m.Signer == "" {
			t.Errorf("message %s: %+v", m.ID, m)
		}
	}
	// What went to the bank is kept without the card, and says so (GW-P31).
	paid := decode[messages](t, s.must("verify", "message", "--json", "--code", codes["uc1-issue"], "--config", config))
	redacted := 0
	for _, m := range paid.Messages {
		if m.Redacted {
			redacted++
		}
	}
	if !paid.OK || redacted != 2 {
		t.Errorf("card payment: ok %v, %d of %d messages without card data", paid.OK, redacted, len(paid.Messages))
	}
	s.refused(exitUsage, "--id", "archive", "export", "--code", code, "--config", config)
	s.refused(exitUsage, "say which message", "archive", "export", "--config", config)

	bundle := s.path("proof.json")
	s.must("archive", "export", "--code", code, "--id", all.Messages[2].ID, "--config", config, "--out", bundle)
	s.must("verify", "bundle", bundle, "--key", key)
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Replace(content, []byte(`"participant": "BANK-A"`), []byte(`"participant": "BANK-B"`), 1)
	if err := os.WriteFile(bundle, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(exitFailed, "DOES NOT HOLD", "verify", "bundle", bundle, "--key", key)
	s.refused(exitUsage, "--key is missing", "verify", "bundle", bundle)

	checkpoint, proof := s.path("head.checkpoint"), s.path("extends.json")
	if err := os.WriteFile(checkpoint, []byte(s.must("archive", "checkpoint", "--config", config)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("archive", "extend", checkpoint, "--config", config, "--out", proof)
	if out := s.must("verify", "extension", proof, "--key", key); !strings.Contains(out, "holds") {
		t.Errorf("extension: %s", out)
	}
	s.must("verify", "archive", "--config", config, "--checkpoint", checkpoint)
}

func TestReceiptIsVerifiedByCommand(t *testing.T) {
	ctx, w := stage(t)
	code := w.paid(ctx, t, demoBankA, demoBankA, internet)
	r, err := w.actors[demoPortal].client.GetReceipt(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	file, config := s.path("receipt.xml"), w.dir+"/tolem.yaml"
	if err := os.WriteFile(file, r.Document, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("verify", "receipt", file, "--config", config); !strings.Contains(out, "genuine") {
		t.Errorf("receipt: %s", out)
	}
	if err := os.WriteFile(file, bytes.Replace(r.Document, []byte("1200.00"), []byte("1200.01"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(exitFailed, "NOT GENUINE", "verify", "receipt", file, "--config", config)
}
