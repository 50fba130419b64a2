package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/exchange"
	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/store"
	"tolem/wsdl/client"
)

// bankSim runs `tolem bank-sim` as BANK-B beside a gateway; stop ends it.
func (w *demoWorld) bankSim(ctx context.Context, t *testing.T, extra ...string) (address string, stop func()) {
	t.Helper()
	file := func(id *pki.Identity, name string) (cert, key string) {
		t.Helper()
		cert, key, err := id.WriteTo(w.dir, name)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	host, err := w.authority.Issue(pki.Spec{CommonName: "bank-b", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	hostCert, hostKey := file(host, "bank-host")
	signCert, signKey := file(w.actors[demoBankB].signing, "bank-sign")
	tlsCert, tlsKey := file(w.actors[demoBankB].tls, "bank-tls")
	config := fmt.Sprintf(`
bank: %s
listen: 127.0.0.1:0
tls: {cert: %s, key: %s}
signing: {cert: %s, key: %s}
trust:
  anchors: [%s]
  intermediates: [%s]
  crls: [%s]
gateway:
  certificates: [%s, %s]
  address: %s
  tls: {cert: %s, key: %s}
book: book.jsonl
balances: {KZ86125KZT5004100100: "2000.00"}
timings: {late: 1s, hang: 1m, notify_late: 1s}
`, demoBankB, hostCert, hostKey, signCert, signKey,
		filepath.Join(pkiDir, pki.AnchorsDir), filepath.Join(pkiDir, pki.IntermediatesDir), filepath.Join(pkiDir, pki.CRLsDir),
		w.node.config.Signing.RSA.Cert, w.node.config.Signing.EC.Cert, w.node.address(), tlsCert, tlsKey)
	name := filepath.Join(w.dir, "bank.yaml")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	out, printed := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run(ctx, append([]string{"bank-sim", "--config", name}, extra...), streams{in: strings.NewReader(""), out: printed, err: io.Discard})
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), " answers at ")
	if err != nil || !found {
		t.Fatalf("bank-sim printed %q, %v", line, err)
	}
	stop = func() {
		t.Helper()
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("bank-sim ended with %d", code)
		}
	}
	return address, stop
}

// connector is the gateway's connector to BANK-B.
func (w *demoWorld) connector(t *testing.T, address string) *bankv1.Connector {
	t.Helper()
	channel, err := w.authority.Issue(pki.Spec{CommonName: "gateway", Usage: pki.TLSClient, Key: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bankv1.New(bankv1.Config{Bank: demoBankB, Address: address, Config: exchange.Config{
		Signer: w.node.signers.EC, Certificate: channel.TLS(), Trust: w.node.trust, Directory: w.node.directory, Timeout: 5 * time.Second,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// until waits for something that happens in the background.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come about", what)
		}
	}
}

// GW-083 GW-085 GW-086 GW-099 GW-130 ACQ-P14: the simulated bank, run as an
// operator runs it, authorises a card; its own notification makes the code PAID
// at the gateway. Its book outlives it.
func TestBankSimPaysACode(t *testing.T) {
	ctx, w := stage(t)
	script := filepath.Join(w.dir, "script.txt")
	if err := os.WriteFile(script, []byte("for A-2 approve; lost; notify-late\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, stop := w.bankSim(ctx, t, "--script", script)
	b := w.connector(t, address)
	card, err := tolem.NewCard("4111 1111 1111 1111", "12/30", "AIGUL A", "123", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issuer := w.actors[demoBankB].client // so that the code is this bank's
	pay := func(attempt tolem.AttemptID) (tolem.CodeNumber, banks.Authorization, error) {
		t.Helper()
		issued, err := issuer.IssueCode(ctx, client.CodeRequest{
			Service: demoService, Provider: demoProvider, Recipient: demoCitizen, Amount: demoAmount(120_000), Channel: tolem.ChannelAcquiring,
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.AuthorizeCard(ctx, banks.CardOrder{
			Attempt: attempt, Code: issued.Code, Amount: demoAmount(120_000), Card: card,
			Purchase: banks.Purchase{Recipient: demoCitizen, Service: demoService, Provider: demoProvider, Account: demoAccount},
		})
		return issued.Code, a, err
	}
	paid := func(code tolem.CodeNumber, ref tolem.BankRef) {
		t.Helper()
		until(t, "payment of the code", func() bool {
			var p tolem.Payment
			err := w.node.db.View(ctx, func(tx *store.Tx) (err error) {
				p, err = tx.Payment(code)
				return err
			})
			return err == nil && p.Bank == demoBankB && p.BankRef == ref
		})
	}
	code, a, err := pay("A-1")
	if err != nil || a.Outcome != banks.Approved {
		t.Fatalf("%s, %v", a.Outcome, err)
	}
	paid(code, a.BankRef)
	code, _, err = pay("A-2") // the script says so
	if !errors.Is(err, banks.ErrNoAnswer) {
		t.Fatal(err)
	}
	if a, err = b.Status(ctx, "A-2"); err != nil || a.Outcome != banks.Approved {
		t.Fatalf("%s, %v", a.Outcome, err)
	}
	paid(code, a.BankRef)

	if err := os.WriteFile(script, []byte("always AuthorizeCard refuse:LIMIT_EXCEEDED # from now on\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	attempt := 2
	until(t, "the new script", func() bool {
		attempt++
		_, a, err := pay(tolem.AttemptID(fmt.Sprintf("A-%d", attempt)))
		return err == nil && a.Reason == tolem.RefusedLimit
	})
	stop()

	address, stop = w.bankSim(ctx, t)
	b = w.connector(t, address)
	if again, err := b.Status(ctx, "A-2"); err != nil || again.BankRef != a.BankRef || again.Outcome != banks.Approved {
		t.Errorf("after a restart: %s, %v", again.Outcome, err)
	}
	debit := banks.AccountOrder{Attempt: "D-1", Payment: "P-1", Amount: demoAmount(120_000), From: demoAccount}
	for i, want := range []banks.Outcome{banks.Approved, banks.Refused} {
		debit.Attempt = tolem.AttemptID(fmt.Sprintf("D-%d", i))
		if a, err := b.DebitAccount(ctx, debit); err != nil || a.Outcome != want {
			t.Errorf("debit %d: %s, %v", i, a.Outcome, err)
		}
	}
	stop()

	s := newShell(t)
	printed := s.must("bank-sim", "book", filepath.Join(w.dir, "book.jsonl"))
	if !strings.Contains(printed, "A-2  CARD  APPROVED  1200.00 KZT") || !strings.Contains(printed, "REFUSED: 2") {
		t.Errorf("book:\n%s", printed)
	}
	if s.must("bank-sim", "book", "--json", filepath.Join(w.dir, "book.jsonl")) == "" {
		t.Error("no JSON")
	}
}

func TestBankSimCommand(t *testing.T) {
	s := newShell(t)
	printed := s.must("bank-sim", "table")
	for _, c := range sandbox.Table {
		if !strings.Contains(printed, c.Card()) || !strings.Contains(printed, c.Account()) || !strings.Contains(printed, c.Name) {
			t.Errorf("the table lacks %s", c.Name)
		}
	}
	s.must("bank-sim", "table", "--json")
	if out := s.must("bank-sim", "contract"); !strings.Contains(out, `name="AuthorizeCard"`) {
		t.Error("no contract")
	}
	file := filepath.Join(s.dir, "bank.yaml")
	sample := s.must("bank-sim", "sample")
	for _, text := range []string{sample, strings.ReplaceAll(sample, "\n#", "\n")} { // with every comment taken as it stands
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := loadBankSim(file); err != nil || c.Book != filepath.Join(s.dir, "bank1.jsonl") {
			t.Errorf("the sample cannot be used: %v", err)
		}
	}
	for _, c := range []struct{ text, word string }{
		{"bank: A\ncolour: blue\n", "colour"},
		{"bank: A\n", "listen is missing"},
		{"bank: A\nlisten: x\ntls: {cert: a, key: b}\nsigning: {cert: a, key: b}\ntrust: {anchors: [a]}\n", "gateway.certificates is missing"},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.refused(exitUsage, c.word, "bank-sim", "--config", file)
	}
	s.refused(exitFailed, "no such file", "bank-sim", "--config", file+"x")
	s.refused(exitUsage, "FILE", "bank-sim", "book")
}
