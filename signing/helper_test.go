package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/signing/trust"
)

// testTime is the fixed clock of the tests.
var testTime = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

// identity is a key with its certificate.
type identity struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// makeIdentity issues a self-signed certificate, valid around testTime and the
// present.
func makeIdentity(tb testing.TB, name string, key crypto.Signer, usage x509.KeyUsage) *identity {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{`Bank "A", B+C`}, Country: []string{"KZ"}},
		NotBefore:    testTime.AddDate(-1, 0, 0),
		NotAfter:     testTime.AddDate(20, 0, 0),
		KeyUsage:     usage,
		SubjectKeyId: []byte(name + "-ski"),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &identity{key, cert}
}

func rsaKeyOf(bits int) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

func ecKeyOn(c elliptic.Curve) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// The keys of the tests, made when first wanted: RSA keys are slow to make.
var testKeys = map[string]func() crypto.Signer{
	"rsa":     rsaKeyOf(2048),
	"rsa3072": rsaKeyOf(3072),
	"p256":    ecKeyOn(elliptic.P256()),
	"p384":    ecKeyOn(elliptic.P384()),
	"p521":    ecKeyOn(elliptic.P521()),
}

func testIdentity(tb testing.TB, kind string) *identity {
	tb.Helper()
	return makeIdentity(tb, "bank-"+kind, testKeys[kind](), x509.KeyUsageDigitalSignature)
}

func testSigner(tb testing.TB, id *identity) *Signer {
	tb.Helper()
	s, err := NewSigner(id.key, id.cert)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// roster is the Truster and Register of the tests: it trusts the certificates
// it lists.
type roster struct {
	mu       sync.Mutex
	certs    []*x509.Certificate
	refuse   error // instead of trust
	bodyOnly map[tolem.Fingerprint]bool
}

func rosterOf(ids ...*identity) *roster {
	r := &roster{bodyOnly: map[tolem.Fingerprint]bool{}}
	for _, id := range ids {
		r.certs = append(r.certs, id.cert)
	}
	return r
}

func (r *roster) Check(cert *x509.Certificate, now time.Time) (trust.Proof, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return trust.Proof{}, r.refuse
	}
	for _, known := range r.certs {
		if known.Equal(cert) {
			return trust.Proof{ID: [16]byte{1}}, nil
		}
	}
	return trust.Proof{}, trust.ErrUntrusted
}

func (r *roster) BodyOnly(fp tolem.Fingerprint) bool { return r.bodyOnly[fp] }

func (r *roster) BySerial(serial *big.Int) (found [][]byte) {
	for _, c := range r.certs {
		if c.SerialNumber.Cmp(serial) == 0 {
			found = append(found, c.Raw)
		}
	}
	return found
}

func (r *roster) BySubjectKeyID(id []byte) []byte {
	for _, c := range r.certs {
		if string(c.SubjectKeyId) == string(id) {
			return c.Raw
		}
	}
	return nil
}

// wantClass fails the test unless err is an *Error of the class.
func wantClass(tb testing.TB, err error, class Class) {
	tb.Helper()
	var e *Error
	if !errors.As(err, &e) {
		tb.Fatalf("got %v, want class %s", err, class)
	}
	if e.Class != class {
		tb.Fatalf("refused as %s (%v), want %s", e.Class, err, class)
	}
}

// paymentPayload is a request of the ordinary kind, in canonical form.
const paymentPayload = `<t:NotifyPayment xmlns:t="urn:tolem:gateway:v1"><t:requestId>0b7e1c9a-5f43-4d0e-9d5c-0a4f6c1f7a11</t:requestId>` +
	`<t:sentAt>2026-03-14T09:26:53Z</t:sentAt><t:paymentCode>1234567890123456</t:paymentCode><t:bankId>ALFA</t:bankId><t:bankRef>TX-000001</t:bankRef>` +
	`<t:amount>1200.00</t:amount><t:currency>KZT</t:currency><t:recipientName>Әлия &amp; Co &lt;K&gt;</t:recipientName></t:NotifyPayment>`

// paddedPayload is paymentPayload made so long that the signed request is about
// size bytes.
func paddedPayload(size int) []byte {
	const row = `<t:detail><t:name>purpose of payment</t:name><t:value>state duty for a certificate</t:value></t:detail>`
	const fixed = 4250
	n := max(0, size-fixed) / len(row)
	return []byte(strings.Replace(paymentPayload, `</t:NotifyPayment>`, strings.Repeat(row, n)+`</t:NotifyPayment>`, 1))
}

// brokenKey is a key whose device answers wrongly.
type brokenKey struct {
	*identity
	value []byte
	err   error
}

func (k *brokenKey) Public() crypto.PublicKey { return k.key.Public() }

func (k *brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return k.value, k.err }
