package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/wsdl/client"
)

// stage sets up a gateway with its participants, as the demonstration does.
func stage(t *testing.T) (context.Context, *demoWorld) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w, err := newDemoWorld(ctx, t.TempDir())
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
		cancel()
	})
	return ctx, w
}

// paid issues a code for a birth certificate through a channel and pays it.
func (w *demoWorld) paid(ctx context.Context, t *testing.T, caller, bank tolem.ParticipantID, channel tolem.Channel) tolem.CodeNumber {
	t.Helper()
	a := w.actors[caller]
	var options []client.Option
	if caller != bank {
		options = append(options, client.OnBehalfOf(bank))
	}
	issued, err := a.client.IssueCode(ctx, client.CodeRequest{
		Service: demoService, Provider: demoProvider, Recipient: demoCitizen, RecipientName: "Ахметова Айгүл",
		Amount: demoAmount(120_000), Channel: channel, RequestNo: "REQ-7",
	}, options...)
	if err != nil {
		t.Fatal(err)
	}
	w.codes[string(channel)] = issued.Code
	_, err = a.client.NotifyPayment(ctx, w.payment(string(channel), bank, demoService, 120_000, channel), options...)
	if err != nil {
		t.Fatal(err)
	}
	return issued.Code
}

// GW-003 GW-004 GW-005 GW-006 GW-018 GW-019 GW-020 GW-021 GW-059 GW-068 GW-069 GW-070 GW-071
func TestEveryChannelReachesThePortal(t *testing.T) {
	ctx, w := stage(t)
	portal := w.actors[demoPortal].client
	for _, c := range []struct {
		caller, bank tolem.ParticipantID
		channel      tolem.Channel
	}{
		{demoBankA, demoBankA, tolem.ChannelInternetBanking},
		{demoBankA, demoBankA, tolem.ChannelMobileBanking},
		{demoBankB, demoBankB, tolem.ChannelATM},
		{demoKiosk, demoBankC, tolem.ChannelInfokiosk},
	} {
		code := w.paid(ctx, t, c.caller, c.bank, c.channel)
		p, err := portal.GetPayment(ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		if p.State != tolem.StatePaid || p.Bank != c.bank || p.Channel != c.channel || p.Amount != demoAmount(120_000) || p.PaidAt.IsZero() || p.ReceivedAt.IsZero() {
			t.Errorf("%s: the portal sees %+v", c.channel, p)
		}
	}
}

// GW-013 GW-014 GW-018 GW-162 GW-169 GW-171 GW-174
func TestServiceCentreLearnsWhoPrepaidWhat(t *testing.T) {
	ctx, w := stage(t)
	portal := w.actors[demoPortal].client
	code := w.paid(ctx, t, demoBankB, demoBankB, tolem.ChannelATM)
	v, err := portal.ValidateCode(ctx, client.Validation{Code: code, Centre: "27", Operator: "5"})
	if err != nil {
		t.Fatal(err)
	}
	if v.RecipientName != "Ахметова Айгүл" || v.Recipient != demoCitizen || v.Service != demoService {
		t.Errorf("the operator is shown %+v", v)
	}
	if _, err := portal.CloseCode(ctx, client.Closing{Code: code, ID: "c-1", Centre: "27", Operator: "5"}); err != nil {
		t.Fatal(err)
	}
	if _, err := portal.CloseCode(ctx, client.Closing{Code: code, ID: "c-2", Centre: "27", Operator: "5"}); client.RefusalOf(err) != tolem.AlreadyUsed {
		t.Errorf("closed twice: %v", err)
	}
}

// GW-158 GW-160 GW-P21
func TestNegativeValidationTellsNothingOfThePayment(t *testing.T) {
	ctx, w := stage(t)
	portal := w.actors[demoPortal]
	code := w.paid(ctx, t, demoBankA, demoBankA, tolem.ChannelInternetBanking)
	for _, c := range []struct {
		why  tolem.ResultCode
		with client.Validation
	}{
		{tolem.IINMismatch, client.Validation{Code: code, RequestNo: "1", Recipient: demoNeighbour, Service: demoService}},
		{tolem.ServiceMismatch, client.Validation{Code: code, RequestNo: "1", Recipient: demoCitizen, Service: demoFee}},
	} {
		_, err := portal.client.ValidateCode(ctx, c.with)
		if client.RefusalOf(err) != c.why {
			t.Errorf("got %v, want %s", err, c.why)
		}
		answer := string(portal.last.Answer)
		for _, personal := range []string{string(demoCitizen), "Ахметова", "1200.00", "<paidAt>"} {
			if strings.Contains(answer, personal) {
				t.Errorf("%s: the answer tells %q", c.why, personal)
			}
		}
	}
}

// GW-132 GW-133
func TestNotificationNeedsEveryDetail(t *testing.T) {
	ctx, w := stage(t)
	bank := w.actors[demoBankA]
	if _, err := issue("code", demoService, 120_000, internet)(ctx, w, bank); err != nil {
		t.Fatal(err)
	}
	signer, err := signing.NewSigner(bank.signing.Key, bank.signing.Cert)
	if err != nil {
		t.Fatal(err)
	}
	details := []string{
		"<requestId>6b1f4d2e-0000-4000-8000-000000000001</requestId>", "<paymentCode>" + w.codes["code"].String() + "</paymentCode>",
		"<bankId>BANK-A</bankId>", "<bankRef>R1</bankRef>", "<amount>1200.00</amount>", "<currency>KZT</currency>",
		"<paidAt>2026-01-31T09:30:00+05:00</paidAt>", "<channel>INTERNET_BANKING</channel>", "<recipientIIN>" + string(demoCitizen) + "</recipientIIN>",
		"<serviceCode>BIRTH-CERT</serviceCode>", "<providerId>JUSTICE</providerId>", "<accountNo>KZ1</accountNo>",
	}
	send := func(without int) string {
		body := `<NotifyPayment xmlns="urn:tolem:gateway:v1">`
		for i, d := range details {
			if i != without {
				body += d
			}
		}
		message, err := signer.Sign(signing.SOAP11, []byte(body+"</NotifyPayment>"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := w.post(ctx, bank, message)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for i, d := range details {
		name := d[1:strings.IndexByte(d, '>')]
		if answer := send(i); faultIn([]byte(answer)) != string(tolem.BadRequest) || !strings.Contains(answer, name+" is missing") {
			t.Errorf("without %s: %s", name, answer)
		}
	}
	if answer := send(-1); !strings.Contains(answer, "<state>PAID</state>") {
		t.Errorf("with every detail: %s", answer)
	}
}

// GW-139 GW-140 GW-141 GW-142 GW-143 GW-144 GW-145 GW-146 GW-147 GW-P44
func TestReceiptHoldsWhatWasPaid(t *testing.T) {
	ctx, w := stage(t)
	portal := w.actors[demoPortal].client
	code := w.paid(ctx, t, demoBankA, demoBankA, tolem.ChannelInternetBanking)
	r, err := portal.GetReceipt(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signing.VerifyEnveloped(r.Document, w.node.trust, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var receipt struct {
		XMLName       xml.Name `xml:"urn:tolem:receipt:v1 receipt"`
		PaymentCode   string   `xml:"paymentCode"`
		TransactionNo string   `xml:"transactionNo"`
		BankName      string   `xml:"bankName"`
		RecipientIIN  string   `xml:"recipientIIN"`
		RequestNo     string   `xml:"requestNo"`
		AccountNo     string   `xml:"accountNo"`
		Amount        string   `xml:"amount"`
		PaidAt        string   `xml:"paidAt"`
		Method        struct {
			RU string `xml:"ru"`
		} `xml:"paymentMethodName"`
	}
	if err := xml.Unmarshal(signed.Content, &receipt); err != nil {
		t.Fatal(err)
	}
	if receipt.PaymentCode != code.String() || receipt.TransactionNo != "REF-INTERNET_BANKING" || receipt.BankName != "Bank A" ||
		receipt.RecipientIIN != string(demoCitizen) || receipt.RequestNo != "REQ-7" || receipt.AccountNo != demoAccount ||
		receipt.Amount != "1200.00" || receipt.PaidAt == "" || receipt.Method.RU != "Интернет-банкинг" {
		t.Errorf("the receipt says %+v", receipt)
	}
	again, err := portal.GetReceipt(ctx, code)
	if err != nil || string(again.Document) != string(r.Document) {
		t.Errorf("the same payment has two receipts (%v)", err)
	}
	altered := []byte(strings.Replace(string(r.Document), "<amount>1200.00", "<amount>1200.01", 1))
	if _, err := signing.VerifyEnveloped(altered, w.node.trust, time.Now()); err == nil {
		t.Error("an altered receipt verifies")
	}
	if _, err := issue("unpaid", demoService, 120_000, internet)(ctx, w, w.actors[demoBankA]); err != nil {
		t.Fatal(err)
	}
	if _, err := portal.GetReceipt(ctx, w.codes["unpaid"]); client.RefusalOf(err) != tolem.NotPaid {
		t.Errorf("receipt of an unpaid code: %v", err)
	}
}

// GW-031 GW-033 GW-045 GW-047 GW-P01 GW-P02
func TestChannelIsTLSWithNationalCertificates(t *testing.T) {
	_, w := stage(t)
	address := w.node.soapListener.Addr().String()
	dial := func(change func(*tls.Config)) error {
		c := w.actors[demoBankA].transport.Transport.(*http.Transport).TLSClientConfig.Clone()
		c.ServerName = "localhost"
		change(c)
		conn, err := tls.Dial("tcp", address, c)
		if err != nil {
			return err
		}
		defer conn.Close()
		// A refused client certificate shows at the first read in TLS 1.3.
		if _, err := conn.Write([]byte("GET /soap/v1?wsdl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, conn) // ends when the gateway ends the connection
		return err
	}
	if err := dial(func(*tls.Config) {}); err != nil {
		t.Fatalf("a registered bank: %v", err)
	}
	if err := dial(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	stranger := newShell(t)
	stranger.must("init", "--dir", stranger.path("other"), "--test-pki")
	pair, err := tls.LoadX509KeyPair(stranger.path("other", "keys", "tls.pem"), stranger.path("other", "keys", "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := dial(func(c *tls.Config) {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}); err == nil {
		t.Error("a certificate of another authority was accepted")
	}
}

// GW-P20
func TestClosingTwiceWithOneIdIsOneClosing(t *testing.T) {
	ctx, w := stage(t)
	portal := w.actors[demoPortal].client
	code := w.paid(ctx, t, demoBankA, demoBankA, tolem.ChannelInternetBanking)
	closing := client.Closing{Code: code, ID: "once", Centre: "27", Operator: "5"}
	first, err := portal.CloseCode(ctx, closing)
	second, err2 := portal.CloseCode(ctx, closing)
	if err := errors.Join(err, err2); err != nil || !first.ClosedAt.Equal(second.ClosedAt) {
		t.Errorf("closed at %v and %v: %v", first.ClosedAt, second.ClosedAt, err)
	}
}
