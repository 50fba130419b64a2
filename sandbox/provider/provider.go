// Package provider is an organisation's own system, for trying out: it
// implements the contract by which the gateway asks about accounts
// (wsdl/provider-v1.wsdl) with real signatures, knows the accounts that it is
// given, and is silent about those that it is told to be silent about.
//
// Tests and the sandbox run it. The gateway does not. It counts no payments: an
// account owes what it owes until the end of the program.
package provider

import (
	"net/http"
	"slices"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/signing/c14n"
	"tolem/wsdl"
	"tolem/wsdl/channel"
	"tolem/wsdl/contract"
)

// maxSilence is how long a question is held that is not answered, longer than
// the gateway waits.
const maxSilence = 30 * time.Second

// Config says which organisation is played and how.
type Config struct {
	Organisation tolem.ProviderID
	Currency     tolem.Currency
	Signer       *signing.Signer   // of the organisation
	Verifier     *signing.Verifier // of the gateway's messages
	// Gateway says whether the certificate of a verified message is the gateway's.
	Gateway func(*signing.Verified) bool

	Accounts  []tolem.Snapshot
	PaidUntil time.Time             // payments before it are taken off the accounts; required
	Silent    []tolem.AccountNumber // get no answer

	Clock   func() time.Time // time.Now if nil
	Observe func(Event)      // told of every question
}

// Event is one line of what was asked, without personal data.
type Event struct {
	Account tolem.AccountNumber
	Result  string // empty: no answer
	Err     error  // the message is none of the gateway's
}

// Provider is the system: an http.Handler. It is safe for concurrent use.
type Provider struct {
	config   Config
	service  channel.Service
	accounts map[tolem.AccountNumber]tolem.Snapshot
}

// New returns the system of an organisation.
func New(c Config) *Provider {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	p := &Provider{config: c, accounts: make(map[tolem.AccountNumber]tolem.Snapshot, len(c.Accounts)), service: channel.Service{
		Reader: signing.NewReader(wsdl.ProviderNamespace), Signer: c.Signer, Verifier: c.Verifier, Gateway: c.Gateway, Clock: c.Clock,
	}}
	for _, s := range c.Accounts {
		p.accounts[s.Account.Number] = s
	}
	return p
}

// Result codes of the contract.
const (
	resultOK      = "OK"
	resultUnknown = "UNKNOWN_ACCOUNT"
)

// ServeHTTP answers one question, or shows the contract. What is no question of
// the gateway is told so without a signature: an answer is owed to nobody else.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		channel.WriteContract(w, wsdl.ProviderWSDLAt("https://"+r.Host+r.URL.Path))
		return
	}
	operation, fields, err := p.service.Open(w, r)
	var q question
	if err == nil {
		q, err = p.read(operation, fields)
	}
	if err != nil {
		p.config.Observe(Event{Err: err})
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if slices.Contains(p.config.Silent, q.account) {
		p.config.Observe(Event{Account: q.account})
		wait(r)
		panic(http.ErrAbortHandler)
	}
	s, known := p.accounts[q.account]
	result := resultUnknown
	if known {
		result = resultOK
	}
	p.config.Observe(Event{Account: q.account, Result: result})
	p.service.Answer(w, p.answer(q, result, s))
}

// wait says nothing until the caller hangs up.
func wait(r *http.Request) {
	timer := time.NewTimer(maxSilence)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// question is what the gateway asks.
type question struct {
	id      tolem.RequestID
	account tolem.AccountNumber
}

func (p *Provider) read(operation string, list []signing.Field) (q question, err error) {
	f := contract.NewFields(list)
	q.id = f.RequestID("requestId")
	organisation := f.Identifier("providerId")
	q.account = f.AccountNumber("accountNo")
	f.Check("providerId", organisation == string(p.config.Organisation), "that of this organisation")
	if operation != wsdl.ProviderLookup {
		return q, contract.ErrForm
	}
	return q, f.End()
}

// answer is what is signed.
func (p *Provider) answer(q question, result string, s tolem.Snapshot) []byte {
	var w c14n.Builder
	const name = wsdl.ProviderLookup + "Response"
	w.Root(name, wsdl.ProviderNamespace)
	w.Text("requestId", string(q.id))
	w.Text("accountNo", string(q.account))
	w.Text("resultCode", result)
	if result == resultOK {
		w.Time("asOf", p.config.Clock())
		w.Time("paidUntil", p.config.PaidUntil)
		w.Text("currency", string(p.config.Currency))
		writeAccount(&w, s)
	}
	w.Close(name)
	return w.Bytes
}

func writeAccount(w *c14n.Builder, s tolem.Snapshot) {
	w.Open("account")
	w.Text("number", string(s.Account.Number))
	if s.Closed {
		w.Text("closed", "true")
	}
	w.Text("holder", s.Particulars.Holder)
	w.Text("address", s.Particulars.Address)
	for _, d := range s.Particulars.Details {
		w.Open("detail")
		w.Text("label", d.Label)
		w.Text("value", d.Value)
		w.Close("detail")
	}
	for _, b := range s.Bills {
		w.Open("bill")
		w.Text("serviceCode", string(b.Service))
		w.Text("amount", b.Amount.Decimal())
		w.Text("invoiceNo", b.Invoice)
		w.Text("period", b.Period)
		w.Close("bill")
	}
	w.Close("account")
}
