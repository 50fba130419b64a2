package signing

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"tolem"
	"tolem/signing/c14n"
	"tolem/signing/trust"
)

// ErrEnveloped reports a document that cannot be signed by an enveloped
// signature.
var ErrEnveloped = errors.New("document cannot be signed")

// Enveloped is what an enveloped signature was verified to cover.
type Enveloped struct {
	Content     []byte            // the document without its Signature, in canonical form
	Certificate *x509.Certificate // of the signer
	Fingerprint tolem.Fingerprint
	Trust       trust.Proof
	Digest      [32]byte // SHA-256 of Content; VerifyStreamed sets it
}

// SignEnveloped signs a whole document by a signature inside its root element
// and returns it. It needs an RSA key: that is what every verifier of stored
// documents, on paper or in a browser, understands alike.
func (s *Signer) SignEnveloped(document []byte) ([]byte, error) {
	if s.EC() {
		return nil, fmt.Errorf("%w: the key is not RSA", ErrEnveloped)
	}
	canonical, err := plainCanonical(document)
	if err != nil {
		return nil, err
	}
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(canonical); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnveloped, err)
	}
	ctx, err := dsig.NewSigningContext(s.key, [][]byte{s.certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnveloped, err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(rsaSHA256URI); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnveloped, err)
	}
	signed, err := ctx.SignEnveloped(tree.Root())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnveloped, err)
	}
	tree.SetRoot(signed)
	tree.WriteSettings = etree.WriteSettings{CanonicalEndTags: true, CanonicalText: true, CanonicalAttrVal: true}
	return tree.WriteToBytes()
}

// plainCanonical returns the canonical form of a document that has neither a
// signature nor an identifier on its root: the signature is over all of it.
func plainCanonical(document []byte) ([]byte, error) {
	d := newDocument()
	if err := d.Parse(document); err != nil {
		return nil, fromScan(err)
	}
	for e := d.Root(); int(e) < d.Len(); e++ {
		if d.Is(e, ds, "Signature") {
			return nil, fmt.Errorf("%w: it has a signature", ErrEnveloped)
		}
	}
	if hasPlainID(d, d.Root()) {
		return nil, fmt.Errorf("%w: its root has an identifier", ErrEnveloped)
	}
	return d.AppendExclusive(nil, d.Root(), nil), nil
}

func hasPlainID(d *c14n.Document, e c14n.Elem) bool {
	for i := range d.Attrs(e) {
		if ns, local := d.AttrName(e, i); isID(ns, local, false) {
			return true
		}
	}
	return false
}

// VerifyEnveloped verifies a document that SignEnveloped signed and returns
// what was signed. The shape and the algorithms are pinned to what
// SignEnveloped writes before anything else looks at the document: the library
// beneath would take more. The error is an *Error.
func VerifyEnveloped(document []byte, t Truster, now time.Time) (*Enveloped, error) {
	cert, fault := envelopedSigner(document)
	if fault != nil {
		return nil, fault
	}
	content, fault := envelopedContent(document, cert.x509)
	if fault != nil {
		return nil, fault
	}
	proof, fault := (&Verifier{trust: t}).checkCertificate(cert, now)
	if fault != nil {
		return nil, fault
	}
	return &Enveloped{Content: content, Certificate: cert.x509, Fingerprint: cert.fingerprint, Trust: proof}, nil
}

// envelopedSigner checks the shape of the one signature and returns the
// certificate in it.
func envelopedSigner(document []byte) (*certificate, *Error) {
	m := newMessage()
	d := m.doc
	if err := d.Parse(document); err != nil {
		return nil, fromScan(err)
	}
	m.signature = c14n.None
	for e := d.Root(); int(e) < d.Len(); e++ {
		if !d.Is(e, ds, "Signature") {
			continue
		}
		if m.signature != c14n.None || d.Parent(e) != d.Root() {
			return nil, fail(ClassWrapping, "a Signature that is not the only child of its kind of the root")
		}
		m.signature = e
	}
	if m.signature == c14n.None {
		return nil, fail(ClassUnsigned, "no Signature")
	}
	if hasPlainID(d, d.Root()) {
		return nil, fail(ClassReference, "the root has an identifier")
	}
	if err := m.checkSignature(); err != nil {
		return nil, err
	}
	if err := m.checkEnvelopedMethods(); err != nil {
		return nil, err
	}
	return m.envelopedCertificate()
}

// checkEnvelopedMethods pins the algorithms and the one reference, to the
// whole document.
func (m *message) checkEnvelopedMethods() *Error {
	d := m.doc
	if m.method.uri != rsaSHA256URI || len(m.prefixes) != 0 {
		return fail(ClassAlgorithm, "not RSA-SHA256 with plain exclusive canonicalization")
	}
	ref := m.references[0]
	if uri, ok := d.Attr(ref, c14n.NoNS, "URI"); m.referenceCount != 1 || !ok || len(uri) != 0 {
		return fail(ClassReference, "not one reference to the whole document")
	}
	var parts [3]c14n.Elem
	if !m.children(ref, parts[:], "Transforms", "DigestMethod", "DigestValue") {
		return fail(ClassTransform, "children of Reference")
	}
	var transforms [2]c14n.Elem
	if !m.children(parts[0], transforms[:], "Transform", "Transform") {
		return fail(ClassTransform, "not two transforms")
	}
	first, _ := d.Attr(transforms[0], c14n.NoNS, "Algorithm")
	second, _ := d.Attr(transforms[1], c14n.NoNS, "Algorithm")
	if string(first) != envelopedURI || string(second) != excC14NURI ||
		d.FirstChild(transforms[0]) != c14n.None || d.FirstChild(transforms[1]) != c14n.None {
		return fail(ClassTransform, "not the enveloped signature and exclusive canonicalization")
	}
	if uri, _ := d.Attr(parts[1], c14n.NoNS, "Algorithm"); string(uri) != sha256URI || d.FirstChild(parts[1]) != c14n.None {
		return fail(ClassAlgorithm, "digest method")
	}
	return nil
}

func (m *message) envelopedCertificate() (*certificate, *Error) {
	data := m.onlyChild(m.keyInfo)
	if data == c14n.None || !m.doc.Is(data, ds, "X509Data") {
		return nil, fail(ClassKeyReference, "KeyInfo is not one X509Data")
	}
	e := m.onlyChild(data)
	if e == c14n.None || !m.doc.Is(e, ds, "X509Certificate") || m.doc.FirstChild(e) != c14n.None {
		return nil, fail(ClassKeyReference, "X509Data is not one X509Certificate")
	}
	if len(m.doc.Text(e)) > MaxToken || !m.decode(e) {
		return nil, fail(ClassToken, "certificate is not base64")
	}
	cert, err := parseCertificate(bytes.Clone(m.decoded))
	if err != nil {
		return nil, err
	}
	if cert.family != rsaKey {
		return nil, fail(ClassKey, "key does not fit the signature method")
	}
	return cert, nil
}

// envelopedContent verifies the signature with the certificate and returns
// what it covers, which is read again from the canonical bytes.
func envelopedContent(document []byte, cert *x509.Certificate) ([]byte, *Error) {
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(document); err != nil {
		return nil, &Error{Class: ClassSyntax, Err: err}
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	// Whether the certificate is valid now is package trust's to say.
	ctx.Clock = dsig.NewFakeClockAt(cert.NotBefore)
	root, err := ctx.Validate(tree.Root())
	if err != nil {
		return nil, &Error{Class: ClassSignature, Err: err}
	}
	content, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(root)
	if err != nil {
		return nil, &Error{Class: ClassInternal, Err: err}
	}
	return content, nil
}
