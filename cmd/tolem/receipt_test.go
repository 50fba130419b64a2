package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"tolem"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/internal/tolemtest"
	"tolem/store"
	"tolem/web"
	"tolem/web/checkout"
)

// paidVisit is a payment as the page sees it once it is paid.
func (w *demoWorld) paidVisit(ctx context.Context, t *testing.T) payments.View {
	t.Helper()
	number := w.paid(ctx, t, demoBankA, demoBankA, internet)
	v := payments.View{PaidHere: true}
	v.Checkout.Language, v.Last = "ru", &tolem.Attempt{Masked: "411111******1111"}
	err := w.node.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.Code, err = tx.Code(number); err != nil {
			return err
		}
		p, err := tx.Payment(number)
		v.Payment = &p
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	service, _ := w.node.directory.Service(v.Code.Service)
	provider, _ := w.node.directory.Provider(v.Code.Provider)
	v.Service, v.Provider = service.Names, provider.Names
	return v
}

// receiptDesk is a gateway with a page, a payment, and what makes its receipts.
func receiptDesk(t *testing.T) (context.Context, *demoWorld, *receipts, payments.View) {
	t.Helper()
	ctx, w := stage(t)
	w.node.config.Checkout.PublicAddress = "https://pay.example.kz"
	r, err := newReceipts(w.node)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, w, r, w.paidVisit(ctx, t)
}

func (s *shell) write(name string, content []byte) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

func (s *shell) tool(name string, args ...string) string {
	s.t.Helper()
	out, err := exec.Command(tolemtest.RequireTool(s.t, name), args...).Output() // what it says besides is of no interest
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// The first file of a form is the original and the next ones say which copy they
// are, in the payer's language; the XML is the same bytes each time, and fits its
// schema. The QR code on paper, and the XML, are verified by command and have
// every field. GW-140 to GW-148, GW-150, GW-P44, UC1.28, UC2.17
func TestSavedReceipts(t *testing.T) {
	ctx, w, r, v := receiptDesk(t)
	s := newShell(t)
	save := func(as checkout.ReceiptForm, l web.Language) []byte {
		t.Helper()
		f, err := r.save(ctx, v, as, l)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name != "receipt-"+v.Code.Number.String()+"."+string(as) {
			t.Errorf("saved as %s", f.Name)
		}
		return f.Content
	}
	document := save(checkout.ReceiptXML, web.Russian)
	for _, c := range []struct {
		l    web.Language
		mark string
	}{{web.Russian, "Оригинал"}, {web.Russian, "Копия № 1, "}, {web.English, "Copy No. 2, "}, {web.Kazakh, "№ 3 көшірме, "}} {
		file := s.write("receipt.pdf", save(checkout.ReceiptPDF, c.l))
		text := s.tool("pdftotext", "-layout", file, "-")
		for _, want := range []string{c.mark, v.Code.Number.Printed(), string(demoCitizen), "Ахметова Айгүл", "REQ-7", demoAccount, "1 200,00", "REF-INTERNET_BANKING", "Bank A", "411111******1111"} {
			if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
				t.Errorf("%s does not say %q:\n%s", c.mark, want, text)
			}
		}
	}
	if again := save(checkout.ReceiptXML, web.Kazakh); !bytes.Equal(again, document) {
		t.Error("the XML is another one the second time")
	}
	file := s.write("receipt.xml", document)
	s.tool("xmllint", "--noout", "--nonet", "--schema", "../../wsdl/receipt-v1.xsd", file)

	s.tool("pdftoppm", "-r", "150", "-png", "-singlefile", s.path("receipt.pdf"), s.path("scan"))
	content := strings.TrimSpace(s.tool("zbarimg", "-q", "--raw", s.path("scan.png")))
	if !strings.HasPrefix(content, "https://pay.example.kz/receipt#TOLEM1.") {
		t.Errorf("the code says %s", content)
	}
	certs := s.write("certificates.pem", w.publishedCertificates(t, r))
	for _, args := range [][]string{{"--qr", content}, {"--qr-file", s.write("code.txt", []byte(content+"\n"))}, {file}} {
		got := decode[verifiedReceipt](t, s.must(append([]string{"verify", "receipt", "--json", "--cert", certs}, args...)...))
		want := *viewReceipt(receiptOf(w.node.directory, v))
		if !got.Genuine || got.Key == "" {
			t.Fatalf("%v: %+v", args, got)
		}
		if len(args) == 1 { // the schema has no place for the card
			want.Masked = ""
		} else {
			want.PaidAt, want.ReceivedAt = want.PaidAt.Truncate(1e9), want.ReceivedAt.Truncate(1e9)
			want.ServiceName, want.ProviderName = got.Receipt.ServiceName, got.Receipt.ProviderName
		}
		if *got.Receipt != want || want.ServiceName == "" {
			t.Errorf("%v:\nread %+v\nwant %+v", args[0], *got.Receipt, want)
		}
	}
	if out := s.must("verify", "receipt", file, "--cert", certs, "--language", "ru"); !strings.Contains(out, "Код оплаты") || !strings.Contains(out, v.Code.Number.Printed()) {
		t.Errorf("for people:\n%s", out)
	}
	s.must("verify", "receipt", "--qr", content, "--config", w.dir+"/tolem.yaml")
}

// publishedCertificates is what the page offers to save.
func (w *demoWorld) publishedCertificates(t *testing.T, r *receipts) []byte {
	t.Helper()
	answer := httptest.NewRecorder()
	w.receiptShell(t).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/receipt/certificates.pem", nil))
	return answer.Body.Bytes()
}

func (w *demoWorld) receiptShell(t *testing.T) *web.Shell {
	t.Helper()
	page, err := w.node.newShell()
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Altered in any field, the XML is not genuine; altered in any letter, the code
// is not. Nothing of either is printed as if it were.
func TestAlteredReceiptsAreRefused(t *testing.T) {
	ctx, w, r, v := receiptDesk(t)
	s := newShell(t)
	saved, err := r.save(ctx, v, checkout.ReceiptXML, web.Kazakh)
	if err != nil {
		t.Fatal(err)
	}
	document := saved.Content
	certs := s.write("certificates.pem", w.publishedCertificates(t, r))
	body, _, _ := bytes.Cut(document, []byte("<ds:Signature"))
	fields := regexp.MustCompile(`>([^<>]+)</`).FindAllSubmatchIndex(body, -1)
	if len(fields) < 18 {
		t.Fatalf("only %d fields in\n%s", len(fields), document)
	}
	for _, at := range fields {
		altered := bytes.Clone(document)
		last := at[3] - 1
		altered[last] = map[bool]byte{true: '1', false: '0'}[altered[last] == '0']
		if altered[last] < 0x80 && document[last] >= 0x80 { // within a letter of two bytes
			altered[last-1] = '0'
		}
		s.refused(exitFailed, "NOT GENUINE", "verify", "receipt", s.write("altered.xml", altered), "--cert", certs)
	}
	qr := r.shown(v).QR
	for at := strings.Index(qr, "#") + 1; at < len(qr); at++ {
		altered := []byte(qr)
		altered[at] = map[bool]byte{true: 'B', false: 'A'}[altered[at] == 'A']
		code, out, _ := s.run("verify", "receipt", "--qr", string(altered), "--cert", certs)
		if code != exitFailed || !strings.HasPrefix(out, "NOT GENUINE") || strings.Contains(out, string(demoCitizen)) {
			t.Fatalf("letter %d altered: exit %d\n%s", at, code, out)
		}
	}
	s.must("verify", "receipt", "--qr", qr, "--cert", certs)
	other := w.node.config.SOAP.TLS.Cert
	s.refused(exitFailed, "unknown key", "verify", "receipt", "--qr", qr, "--cert", other)
	s.refused(exitFailed, "none of those", "verify", "receipt", s.write("r.xml", document), "--cert", other)
	s.refused(exitUsage, "name one receipt", "verify", "receipt")
	s.refused(exitUsage, "name one receipt", "verify", "receipt", "a.xml", "--qr", qr)
	s.refused(exitUsage, "--cert is missing", "verify", "receipt", "--qr", qr, "--anchor", certs)
	s.refused(exitUsage, "--language", "verify", "receipt", "--qr", qr, "--language", "de")
	var verdict map[string]any
	_, out, _ := s.run("verify", "receipt", "--json", "--qr", "TOLEM1.AAAA", "--cert", certs)
	if err := json.Unmarshal([]byte(out), &verdict); err != nil || verdict["genuine"] != false || verdict["receipt"] != nil {
		t.Errorf("for machines: %s, %v", out, err)
	}
}

// With anchors the certificate of a QR code must lead to one of them.
func TestReceiptUnderAnAnchor(t *testing.T) {
	_, w, r, v := receiptDesk(t)
	s := newShell(t)
	certs, pki := s.write("certificates.pem", w.publishedCertificates(t, r)), w.dir+"/"+pkiDir
	args := []string{
		"verify", "receipt", "--qr", r.shown(v).QR, "--cert", certs,
		"--anchor", pki + "/anchors", "--intermediate", pki + "/intermediates", "--crl", pki + "/crls",
	}
	s.must(args...)
	s.must("init", "--dir", s.path("other"), "--test-pki")
	s.refused(exitFailed, "NOT GENUINE", append(args[:7:7], s.path("other", "pki", "anchors"), "--crl", s.path("other", "pki", "crls"))...)
}

// The node's page checks the node's receipts and knows what has become of them.
func TestPageChecksReceipts(t *testing.T) {
	ctx, w, r, v := receiptDesk(t)
	page, qr := w.receiptShell(t), r.shown(v).QR
	check := func(text, want string) {
		t.Helper()
		q := httptest.NewRequest(http.MethodPost, "/receipt", strings.NewReader(url.Values{"receipt": {text}}.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Accept-Language", "en")
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, q)
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%d, it does not say %q:\n%s", answer.Code, want, answer.Body)
		}
	}
	check(qr, "The receipt is genuine<")
	check(qr, v.Code.Number.Printed())
	check(qr[:len(qr)-2]+"AA", "not genuine")
	stranger := v
	stranger.Code.Number = 1234567890123428
	check(r.shown(stranger).QR, "no such payment was found")
	if _, err := w.node.gateway.RefundCode(ctx, gateway.Refund{Code: v.Code.Number, By: "operator", Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	check(qr, "the money has been returned since")
}
