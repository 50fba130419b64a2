package bankv1_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/exchange"
	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/signing/trust"
	"tolem/wsdl/channel"
)

// GW-083 GW-085: why an answer is not believed can be told apart, and a server
// that is not the one named, or whose certificate is revoked, is sent no card.
func TestWhoIsBelieved(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	b := w.connector(o, nil)
	for name, want := range map[string]error{
		"signed by another participant":         banks.ErrSigner,
		"signed with a revoked certificate":     trust.ErrRevoked,
		"wrong amount in the answer":            banks.ErrAmount,
		"bad signature":                         channel.ErrAnswer,
		"page for people in place of an answer": channel.ErrAnswer,
		"done, answer lost":                     channel.ErrLost,
	} {
		if _, err := pay(t, b, sandbox.KindCard, attempts(), sandbox.CaseNamed(name).Card(), "", amount); !errors.Is(err, want) || !errors.Is(err, banks.ErrNoAnswer) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	before := len(o.Entries())
	elsewhere := w.connector(o, func(c *bankv1.Config) { c.Address = strings.Replace(c.Address, "127.0.0.1", "localhost", 1) })
	if _, err := pay(t, elsewhere, sandbox.KindCard, attempts(), goodCard, "", amount); !errors.Is(err, banks.ErrNotSent) {
		t.Errorf("another server: %v", err)
	}
	w.pki.Withdraw(w.host, pki.KeyCompromise, time.Time{})
	if err := w.trust.WatchFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh := w.connector(o, nil)
	if _, err := pay(t, fresh, sandbox.KindCard, attempts(), goodCard, "", amount); !errors.Is(err, banks.ErrNotSent) {
		t.Errorf("revoked server: %v", err)
	}
	if len(o.Entries()) != before {
		t.Error("the bank was sent something")
	}
}

// An answer that is late counts if it is waited for.
func TestLateAnswerCounts(t *testing.T) {
	w, offices := newWorld(t)
	b := w.connector(offices[bank], func(c *bankv1.Config) { c.Timeout = 20 * time.Second })
	a, err := pay(t, b, sandbox.KindCard, attempts(), sandbox.CaseNamed("late answer").Card(), "", amount)
	if err != nil || a.Outcome != banks.Approved {
		t.Errorf("%s, %v", a.Outcome, err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	w, offices := newWorld(t)
	sound := bankv1.Config{}
	w.connector(offices[bank], func(c *bankv1.Config) { sound = *c })
	for name, spoil := range map[string]func(*bankv1.Config){
		"http":      func(c *bankv1.Config) { c.Address = "http://127.0.0.1/bank/v1" },
		"query":     func(c *bankv1.Config) { c.Address += "?a=b" },
		"user":      func(c *bankv1.Config) { c.Address = "https://a:b@127.0.0.1/" },
		"no bank":   func(c *bankv1.Config) { c.Bank = "" },
		"no signer": func(c *bankv1.Config) { c.Signer = nil },
		"no trust":  func(c *bankv1.Config) { c.Trust = nil },
	} {
		c := sound
		spoil(&c)
		if _, err := bankv1.New(c); !errors.Is(err, exchange.ErrAddress) && !errors.Is(err, exchange.ErrConfig) && !errors.Is(err, bankv1.ErrNoBank) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
