package client_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl"
	"tolem/wsdl/client"
)

// counterpart stands in for the gateway: real TLS, real verification of what
// the client sends, real signatures on what it gets, and on demand every
// misbehaviour a network or a forger is capable of. What it answers is
// canned; the gateway itself is tested with this client elsewhere.
type counterpart struct {
	t      testing.TB
	pki    *pki.PKI
	server *httptest.Server
	rsa    *signing.Signer
	ec     *signing.Signer
	verify *signing.Verifier
	dir    string // of the PKI's files
	roots  *x509.CertPool
	tls    *pki.Identity

	mu       sync.Mutex
	requests []request
	respond  func(http.ResponseWriter, request)
}

// request is what reached the counterpart, verified.
type request struct {
	Operation string
	ID        string
	Body      string
	Signer    string
	Version   signing.Version
	EC        bool
	Action    string
	Type      string
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newCounterpart(t testing.TB) *counterpart {
	t.Helper()
	authority := must(pki.New(pki.Options{}))
	c := &counterpart{t: t, pki: authority, roots: x509.NewCertPool(), dir: t.TempDir()}
	c.roots.AddCert(authority.Root.Cert)
	if err := authority.WriteTo(c.dir); err != nil {
		t.Fatal(err)
	}
	c.rsa = c.signer("gateway.example", pki.RSA2048)
	c.ec = c.signer("gateway.example", pki.P256)
	c.tls = must(authority.Issue(pki.Spec{CommonName: "bank", Usage: pki.TLSClient, Key: pki.P256}))
	c.verify = signing.NewVerifier(c.trust(), nil)
	c.respond = func(w http.ResponseWriter, r request) { c.answer(w, r, "") }
	c.start(must(authority.Issue(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256})))
	return c
}

func (c *counterpart) start(id *pki.Identity) {
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(c.serve))
	c.server.Config.ErrorLog = quiet()
	c.server.TLS = &tls.Config{
		Certificates: []tls.Certificate{id.TLS()}, ClientCAs: c.roots, ClientAuth: tls.VerifyClientCertIfGiven,
	}
	c.server.StartTLS()
	c.t.Cleanup(c.server.Close)
}

// trust opens a trust store with the lists as they are now.
func (c *counterpart) trust() *trust.Store {
	c.t.Helper()
	store, err := trust.Open(c.t.Context(), trust.Config{
		Anchors:       []string{filepath.Join(c.dir, pki.AnchorsDir)},
		Intermediates: []string{filepath.Join(c.dir, pki.IntermediatesDir)},
		CRLs:          []string{filepath.Join(c.dir, pki.CRLsDir)},
	}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return store
}

// revoke puts a signing certificate on the list.
func (c *counterpart) revoke(s *signing.Signer) {
	c.t.Helper()
	if err := c.pki.Revoke(s.Certificate(), pki.KeyCompromise); err != nil {
		c.t.Fatal(err)
	}
	if err := c.pki.WriteCRLs(c.dir, time.Time{}); err != nil {
		c.t.Fatal(err)
	}
}

// rsaKey is shared by all RSA certificates of the tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func (c *counterpart) identity(name string, key pki.KeyKind) *pki.Identity {
	spec := pki.Spec{CommonName: name, Usage: pki.Signing, Key: key}
	if key == pki.RSA2048 {
		return must(c.pki.Intermediate.Certify(rsaKey(), spec))
	}
	return must(c.pki.Issue(spec))
}

func (c *counterpart) signer(name string, key pki.KeyKind) *signing.Signer {
	id := c.identity(name, key)
	return must(signing.NewSigner(id.Key, id.Cert))
}

func (c *counterpart) address() string { return c.server.URL + "/soap/v1" }

// config is a client's configuration that works.
func (c *counterpart) config() client.Config {
	return client.Config{
		Address: c.address(),
		TLS:     &tls.Config{RootCAs: c.roots, Certificates: []tls.Certificate{c.tls.TLS()}},
		Signer:  c.signer("Bank One", pki.P256),
		Trust:   c.trust(),
		Gateway: client.Identity{CommonName: "gateway.example"},
		Backoff: time.Millisecond,
	}
}

func (c *counterpart) client(change func(*client.Config)) *client.Client {
	c.t.Helper()
	config := c.config()
	if change != nil {
		change(&config)
	}
	cl, err := client.New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	return cl
}

func (c *counterpart) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(wsdl.WSDL(c.address()))
		return
	}
	raw := must(io.ReadAll(r.Body))
	verified, err := c.verify.Verify(raw, time.Now())
	if err != nil {
		c.refuse(w, err)
		return
	}
	if len(r.TLS.PeerCertificates) == 0 {
		http.Error(w, "client certificate required", http.StatusForbidden)
		return
	}
	req := request{
		Body: string(verified.Body), Signer: verified.Certificate.Subject.CommonName, Version: verified.Version,
		EC: verified.EC, Action: r.Header.Get("SOAPAction"), Type: r.Header.Get("Content-Type"),
	}
	req.Operation, req.ID = head(verified.Body)
	c.mu.Lock()
	c.requests = append(c.requests, req)
	respond := c.respond
	c.mu.Unlock()
	respond(w, req)
}

// seen returns what reached the counterpart so far.
func (c *counterpart) seen() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]request(nil), c.requests...)
}

func head(body []byte) (operation, id string) {
	var b struct {
		Content struct {
			XMLName xml.Name
			ID      string `xml:"urn:tolem:gateway:v1 requestId"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(body, &b); err != nil {
		panic(err)
	}
	return b.Content.XMLName.Local, b.Content.ID
}

// answer answers OK with further fields, which are written as XML.
func (c *counterpart) answer(w http.ResponseWriter, r request, fields string) {
	c.send(w, http.StatusOK, r, c.signed(r, time.Now(), payload(r, "OK", fields)))
}

func payload(r request, code, fields string) string {
	return fmt.Sprintf(`<%sResponse xmlns="urn:tolem:gateway:v1"><requestId>%s</requestId><resultCode>%s</resultCode><resultText>as asked</resultText>%s</%sResponse>`,
		r.Operation, r.ID, code, fields, r.Operation)
}

func (c *counterpart) signed(r request, at time.Time, payload string) []byte {
	signer := c.rsa
	if r.EC {
		signer = c.ec
	}
	return must(signer.Sign(r.Version, must(signing.Canonicalize([]byte(payload))), at))
}

func (c *counterpart) send(w http.ResponseWriter, status int, r request, content []byte) {
	kind := "text/xml; charset=utf-8"
	if r.Version == signing.SOAP12 {
		kind = "application/soap+xml; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

func detail(id, code, retry string) string {
	if id != "" {
		id = "<requestId>" + id + "</requestId>"
	}
	return `<GatewayFault xmlns="urn:tolem:gateway:v1"><code>` + code + `</code><message>generic &amp; safe</message>` + id +
		`<incidentId>inc-1</incidentId><retry>` + retry + `</retry></GatewayFault>`
}

func (c *counterpart) fault(w http.ResponseWriter, r request, faultCode, detail string) {
	fault := signing.AppendFault(nil, r.Version, signing.Fault{Code: faultCode, Reason: "generic", Detail: []byte(detail)})
	signer := c.rsa
	if r.EC {
		signer = c.ec
	}
	c.send(w, http.StatusInternalServerError, r, must(signer.Sign(r.Version, fault, time.Now())))
}

// refuse answers what could not be verified.
func (c *counterpart) refuse(w http.ResponseWriter, err error) {
	refused := err.(*signing.Error)
	c.fault(w, request{Version: refused.Version}, refused.FaultCode(), detail("", string(refused.Result()), "no"))
}

// cut breaks the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

var (
	code   = must(tolem.DrawCodeNumber(strings.NewReader("0123456789abcdef")))
	wanted = client.CodeRequest{
		Service: "PASSPORT", Provider: "MIA", Recipient: "850101300005", RecipientName: "Әлия & <Co> \U0001F600",
		Amount: tolem.Money{Minor: 1_000_000_00, Currency: tolem.KZT}, Channel: tolem.ChannelATM,
	}
)

func codeField() string { return "<paymentCode>" + code.String() + "</paymentCode>" }
