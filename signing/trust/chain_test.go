package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"tolem/internal/pki"
)

// made is a certificate with its key, made without the manners of a PKI.
type made struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (w *world) make(issuer *made, change func(*x509.Certificate)) *made {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		w.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: serial.String()},
		NotBefore: begin.Add(-time.Hour), NotAfter: begin.Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	change(tmpl)
	parent, signer := tmpl, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return &made{cert, key}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func both(fs ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, f := range fs {
			f(c)
		}
	}
}

func plain(*x509.Certificate) {}

// emptyList puts an empty list of the authority in use.
func (w *world) emptyList(s *Store, ca *made) {
	w.t.Helper()
	list := craft{this: begin, next: begin.Add(100 * 24 * time.Hour), extensions: numberExtension(1)}.sign(w.t, ca.cert, ca.key)
	if err := s.take(w.t.(*testing.T).Context(), list, "test"); err != nil {
		w.t.Fatal(err)
	}
}

// GW-043 GW-044 GW-P02: what leads to no anchor in a sound way is refused, and for the
// reason it was made for.
func TestPaths(t *testing.T) {
	w := newWorld(t)
	root := w.make(nil, asCA)
	middle := w.make(root, asCA)
	dir := t.TempDir()
	narrow := w.make(root, both(asCA, func(c *x509.Certificate) { c.MaxPathLenZero = true }))
	below := w.make(narrow, asCA)
	named := w.make(root, both(asCA, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"bank.example"}
	}))
	stale := w.make(root, both(asCA, func(c *x509.Certificate) { c.NotAfter = begin.Add(time.Hour) }))
	fresh := w.make(root, both(asCA, func(c *x509.Certificate) { c.NotBefore = begin.Add(time.Hour) }))
	clientsOnly := w.make(root, both(asCA, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }))
	stranger := w.make(nil, asCA)
	impostor := w.make(nil, both(asCA, func(c *x509.Certificate) { c.Subject = middle.cert.Subject }))
	unlisted := w.make(root, asCA)

	all := []*made{middle, narrow, below, named, stale, fresh, clientsOnly, unlisted}
	var intermediates []byte
	for _, m := range all {
		intermediates = append(intermediates, m.cert.Raw...)
	}
	writeFile(t, filepath.Join(dir, "root.der"), root.cert.Raw)
	writeFile(t, filepath.Join(dir, "intermediates.der"), intermediates)
	s := w.open(Config{
		Anchors: []string{filepath.Join(dir, "root.der")}, Intermediates: []string{filepath.Join(dir, "intermediates.der")}, Now: w.clock,
	}, nil)
	for _, m := range append([]*made{root}, all[:len(all)-1]...) {
		w.emptyList(s, m)
	}

	usage := func(u x509.KeyUsage) func(*x509.Certificate) { return func(c *x509.Certificate) { c.KeyUsage = u } }
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	dns := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = []string{name} }
	}
	for _, c := range []struct {
		why  string
		cert *made
		at   time.Duration
		want error
	}{
		{"sound", w.make(middle, plain), 0, nil},
		{"directly below the anchor", w.make(root, plain), 0, nil},
		{"nonRepudiation alone", w.make(middle, usage(x509.KeyUsageContentCommitment)), 0, nil},
		{"for TLS clients, which says nothing against signing", w.make(middle, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), 0, nil},
		{"keyEncipherment alone", w.make(middle, usage(x509.KeyUsageKeyEncipherment)), 0, ErrUsage},
		{"no key usage at all", w.make(middle, usage(0)), 0, ErrUsage},
		{"an authority", w.make(middle, both(asCA, usage(x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign))), 0, ErrUsage},
		{"the anchor itself", root, 0, ErrUsage},
		{"self-signed", w.make(nil, plain), 0, ErrUntrusted},
		{"of a stranger", w.make(stranger, plain), 0, ErrUntrusted},
		{"of an impostor with the name of an intermediate", w.make(impostor, plain), 0, ErrUntrusted},
		{"by a certificate that is no authority", w.make(w.make(middle, plain), plain), 0, ErrUntrusted},
		{"by an unknown intermediate", w.make(w.make(middle, asCA), plain), 0, ErrUntrusted},
		{"path too long", w.make(below, plain), 0, ErrUntrusted},
		{"name outside the constraints", w.make(named, dns("shop.example")), 0, ErrUntrusted},
		{"name within the constraints", w.make(named, dns("a.bank.example")), 0, nil},
		{"unknown critical extension", w.make(middle, critical), 0, ErrUntrusted},
		{"last second", w.make(middle, plain), 99 * 24 * time.Hour, nil},
		{"expired", w.make(middle, func(c *x509.Certificate) { c.NotAfter = begin.Add(-time.Second) }), 0, ErrExpired},
		{"in its last second", w.make(middle, func(c *x509.Certificate) { c.NotAfter = begin }), 0, nil},
		{"not yet valid", w.make(middle, func(c *x509.Certificate) { c.NotBefore = begin.Add(time.Second) }), 0, ErrNotYetValid},
		{"in its first second", w.make(middle, func(c *x509.Certificate) { c.NotBefore = begin }), 0, nil},
		{"authority valid", w.make(stale, plain), 0, nil},
		{"authority expired", w.make(stale, plain), 2 * time.Hour, ErrExpired},
		{"authority not yet valid", w.make(fresh, plain), 0, ErrNotYetValid},
		{"authority valid by then", w.make(fresh, plain), 2 * time.Hour, nil},
		{"never valid as a whole", w.make(stale, func(c *x509.Certificate) { c.NotBefore = begin.Add(2 * time.Hour) }), 3 * time.Hour, ErrExpired},
		{"authority without a list", w.make(unlisted, plain), 0, ErrCRLUnavailable},
		{"expired counts before a list that is missing", w.make(unlisted, func(c *x509.Certificate) { c.NotAfter = begin.Add(-time.Second) }), 0, ErrExpired},
		{"lists run out", w.make(middle, plain), 101 * 24 * time.Hour, ErrCRLUnavailable},
	} {
		for range 2 { // the second answer is the remembered one
			if _, err := s.Check(c.cert.cert, begin.Add(c.at)); !isCheckClass(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.why, err, c.want)
			}
		}
	}
}

func isCheckClass(err, want error) bool {
	return isOneOf(err, want, ErrUntrusted, ErrExpired, ErrNotYetValid, ErrRevoked, ErrCRLUnavailable, ErrUsage)
}

// GW-P03: a chain with a SHA-1 signature or a short key is no chain.
func TestWeakCertificates(t *testing.T) {
	w := newWorld(t)
	root := w.make(nil, asCA)
	path := filepath.Join(w.dir, "weak-root.der")
	writeFile(t, path, root.cert.Raw)
	s := w.open(Config{Anchors: []string{path}, Now: w.clock}, nil)
	w.emptyList(s, root)

	forged := w.make(root, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })
	if _, err := s.Check(forged.cert, begin); !isCheckClass(err, ErrUntrusted) {
		t.Errorf("SHA-1: %v", err)
	}
	w.wantCheck(s, w.make(root, plain).cert, nil)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "short"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: begin.Add(-time.Hour), NotAfter: begin.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, root.cert, short.Public(), root.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(cert, begin); !isCheckClass(err, ErrUntrusted) {
		t.Errorf("RSA-1024: %v", err)
	}
}

// The cache must not change an answer, and must not grow without end.
func TestCacheIsBounded(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.config(), nil)
	var c cache
	for i := range 10 * cacheShards * shardSize {
		key := cacheKey{}
		key.print[0], key.print[1], key.print[2] = byte(i), byte(i>>8), byte(i>>16)
		c.put(key, &chain{})
		if c.get(key) == nil {
			t.Fatal("just put, and gone")
		}
	}
	for i := range c {
		if n := len(*c[i].Load()); n > shardSize {
			t.Fatalf("shard %d holds %d", i, n)
		}
	}
	stranger := newWorld(t).issue(pki.Spec{})
	w.wantCheck(s, stranger, ErrUntrusted)
	if s.current.Load().cache.get(cacheKey{print: fingerprintOf(stranger)}) != nil {
		t.Error("a certificate without a path is remembered")
	}
}
