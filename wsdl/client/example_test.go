package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl/client"
)

// files is where a bank has what it needs to call the gateway.
type files struct {
	anchors, intermediates, crls string // of the National CA
	cert, key                    string // for signing
	tlsCert, tlsKey              string // for the channel
}

// payForService is the example of the documentation: a bank asks for a code,
// takes the money and notifies the payment.
func payForService(ctx context.Context, address string, f files) error {
	signer, err := signing.LoadSigner(f.cert, f.key)
	if err != nil {
		return err
	}
	trusted, err := trust.Open(ctx, trust.Config{
		Anchors: []string{f.anchors}, Intermediates: []string{f.intermediates}, CRLs: []string{f.crls},
	}, nil)
	if err != nil {
		return err
	}
	channel, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return err
	}
	gateway, err := client.New(client.Config{
		Address: address,
		TLS:     &tls.Config{Certificates: []tls.Certificate{channel}, RootCAs: trusted.Pool()},
		Signer:  signer,
		Trust:   trusted,
		Gateway: client.Identity{CommonName: "gateway.example"},
	})
	if err != nil {
		return err
	}
	defer gateway.Close()

	amount, err := tolem.ParseMoney("1200.00", tolem.KZT)
	if err != nil {
		return err
	}
	issued, err := gateway.IssueCode(ctx, client.CodeRequest{
		Service: "PASSPORT", Provider: "MIA", Recipient: "850101300005",
		Amount: amount, Channel: tolem.ChannelInternetBanking,
	})
	if err != nil {
		return err // a *client.Refusal says which rule said no
	}

	// … take the money. Keep the id: after a crash the same call with the same
	// id has no second effect.
	id := client.NewRequestID()
	paid, err := gateway.NotifyPayment(ctx, client.Payment{
		Code: issued.Code, Bank: "BANK1", BankRef: "2026-000123", PaidAt: time.Now(), Account: "KZ86125KZT5004100100",
		Service: "PASSPORT", Provider: "MIA", Recipient: "850101300005", Amount: amount, Channel: tolem.ChannelInternetBanking,
	}, client.WithRequestID(id))
	var undecided *client.Undecided
	if errors.As(err, &undecided) {
		outcome, err := gateway.GetOutcome(ctx, id)
		if err != nil {
			return err // ask again later
		}
		fmt.Println("the payment was recorded before:", outcome.Result)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("payment of", paid.Code.Printed(), "recorded at", paid.ReceivedAt)
	return nil
}

func TestDocumentedExample(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	id := gw.identity("Bank One", pki.RSA2048)
	f := files{
		anchors: filepath.Join(gw.dir, pki.AnchorsDir), intermediates: filepath.Join(gw.dir, pki.IntermediatesDir),
		crls: filepath.Join(gw.dir, pki.CRLsDir),
	}
	var err error
	if f.cert, f.key, err = id.WriteTo(t.TempDir(), "signing"); err != nil {
		t.Fatal(err)
	}
	if f.tlsCert, f.tlsKey, err = gw.tls.WriteTo(t.TempDir(), "tls"); err != nil {
		t.Fatal(err)
	}
	if err := payForService(t.Context(), gw.address(), f); err != nil {
		t.Fatal(err)
	}
	// The answer to the notification gets lost each time: the example asks.
	answer := gw.respond
	gw.respond = func(w http.ResponseWriter, r request) {
		if r.Operation == "NotifyPayment" {
			answer(httptest.NewRecorder(), r)
			cut(w)
			return
		}
		answer(w, r)
	}
	if err := payForService(t.Context(), gw.address(), f); err != nil {
		t.Fatal(err)
	}
	var operations []string
	for _, r := range gw.seen() {
		operations = append(operations, r.Operation)
	}
	const want = "IssueCode NotifyPayment IssueCode NotifyPayment NotifyPayment NotifyPayment GetOutcome"
	if got := strings.Join(operations, " "); got != want {
		t.Errorf("the gateway saw %s, want %s", got, want)
	}
}
