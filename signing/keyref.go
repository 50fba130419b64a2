package signing

import (
	"math/big"

	"tolem"
	"tolem/signing/c14n"
)

// Register is what the register of participants tells about certificates. It
// must not search anywhere else: a certificate that only a message names is a
// stranger's.
type Register interface {
	// BodyOnly reports whether the owner of the certificate may leave the
	// Timestamp out and sign the Body only.
	BodyOnly(fp tolem.Fingerprint) bool
	// BySerial returns the DER of every registered certificate with this
	// serial number; issuers give numbers independently of each other, so there
	// may be several.
	BySerial(serial *big.Int) [][]byte
	// BySubjectKeyID returns the DER of the registered certificate with this
	// subject key identifier, nil if there is none or more than one.
	BySubjectKeyID(id []byte) []byte
}

// noRegister is a Register that knows nobody.
type noRegister struct{}

func (noRegister) BodyOnly(tolem.Fingerprint) bool { return false }
func (noRegister) BySerial(*big.Int) [][]byte      { return nil }
func (noRegister) BySubjectKeyID([]byte) []byte    { return nil }

// findKey finds the signer's certificate by the one reference KeyInfo holds
// and checks that its key fits the signature method.
func (v *Verifier) findKey(m *message) (*certificate, *Error) {
	cert, err := v.referencedKey(m)
	if err != nil {
		return nil, err
	}
	if cert.family == noKey || cert.family != m.method.family {
		return nil, fail(ClassKey, "key does not fit the signature method")
	}
	return cert, nil
}

func (v *Verifier) referencedKey(m *message) (*certificate, *Error) {
	d := m.doc
	str := m.onlyChild(m.keyInfo)
	if str == c14n.None || !d.Is(str, wsse, "SecurityTokenReference") {
		return nil, fail(ClassKeyReference, "KeyInfo is not one SecurityTokenReference")
	}
	ref := m.onlyChild(str)
	switch {
	case ref == c14n.None:
		return nil, fail(ClassKeyReference, "SecurityTokenReference does not hold one reference")
	case d.Is(ref, wsse, "Reference"):
		return v.byToken(m, ref)
	case d.Is(ref, wsse, "KeyIdentifier"):
		return v.byKeyIdentifier(m, ref)
	case d.Is(ref, ds, "X509Data"):
		return v.byX509Data(m, ref)
	}
	return nil, fail(ClassKeyReference, "unknown form of reference")
}

// onlyChild returns the child of e if it has exactly one and no text.
func (m *message) onlyChild(e c14n.Elem) c14n.Elem {
	child := m.doc.FirstChild(e)
	if child == c14n.None || m.doc.Next(child) != c14n.None || m.doc.Stray(e) {
		return c14n.None
	}
	return child
}

// byToken follows a reference to the BinarySecurityToken of this message.
func (v *Verifier) byToken(m *message, ref c14n.Elem) (*certificate, *Error) {
	d := m.doc
	uri, _ := d.Attr(ref, c14n.NoNS, "URI")
	if m.token == c14n.None || len(uri) < 2 || uri[0] != '#' || !m.hasID(m.token, uri[1:]) {
		return nil, fail(ClassKeyReference, "reference is not to the token of this message")
	}
	if t, ok := d.Attr(ref, c14n.NoNS, "ValueType"); ok && string(t) != x509v3Type {
		return nil, fail(ClassKeyReference, "reference to a token of another type")
	}
	if t, _ := d.Attr(m.token, c14n.NoNS, "ValueType"); string(t) != x509v3Type {
		return nil, fail(ClassToken, "token of another type")
	}
	if !m.isBase64(m.token) {
		return nil, fail(ClassToken, "token in another encoding")
	}
	return v.fromText(m, m.token)
}

// isBase64 reports whether the encoding of e is base64, which is the default.
func (m *message) isBase64(e c14n.Elem) bool {
	t, ok := m.doc.Attr(e, c14n.NoNS, "EncodingType")
	return !ok || string(t) == base64BinaryType
}

func (v *Verifier) byKeyIdentifier(m *message, ref c14n.Elem) (*certificate, *Error) {
	if !m.isBase64(ref) {
		return nil, fail(ClassKeyReference, "KeyIdentifier in another encoding")
	}
	switch t, _ := m.doc.Attr(ref, c14n.NoNS, "ValueType"); string(t) {
	case x509v3Type:
		return v.fromText(m, ref)
	case x509SKIType:
		return v.bySubjectKeyID(m, ref)
	}
	return nil, fail(ClassKeyReference, "KeyIdentifier of another type")
}

func (v *Verifier) bySubjectKeyID(m *message, e c14n.Elem) (*certificate, *Error) {
	if m.doc.FirstChild(e) != c14n.None || !m.decode(e) {
		return nil, fail(ClassKeyReference, "malformed key identifier")
	}
	der := v.register.BySubjectKeyID(m.decoded)
	if der == nil {
		return nil, fail(ClassUnknownToken, "no registered certificate with this key identifier")
	}
	return v.fromRegister(der)
}

// byX509Data takes the certificate that stands in X509Data. Names and numbers
// beside it say nothing it does not say itself.
func (v *Verifier) byX509Data(m *message, data c14n.Elem) (*certificate, *Error) {
	d := m.doc
	found, issuerSerial, ski := c14n.None, c14n.None, c14n.None
	for e := d.FirstChild(data); e != c14n.None; e = d.Next(e) {
		switch {
		case d.Is(e, ds, "X509Certificate"):
			if found != c14n.None {
				return nil, fail(ClassKeyReference, "more than one X509Certificate")
			}
			found = e
		case d.Is(e, ds, "X509IssuerSerial"):
			issuerSerial = e
		case d.Is(e, ds, "X509SKI"):
			ski = e
		case d.Is(e, ds, "X509SubjectName"):
		default:
			return nil, fail(ClassKeyReference, "unknown content of X509Data")
		}
	}
	switch {
	case d.Stray(data):
		return nil, fail(ClassKeyReference, "text in X509Data")
	case found != c14n.None:
		return v.fromText(m, found)
	case issuerSerial != c14n.None:
		return v.byIssuerSerial(m, issuerSerial)
	case ski != c14n.None:
		return v.bySubjectKeyID(m, ski)
	}
	return nil, fail(ClassKeyReference, "X509Data without a certificate or its number")
}

func (v *Verifier) byIssuerSerial(m *message, e c14n.Elem) (*certificate, *Error) {
	var parts [2]c14n.Elem
	if !m.children(e, parts[:], "X509IssuerName", "X509SerialNumber") {
		return nil, fail(ClassKeyReference, "malformed X509IssuerSerial")
	}
	text := m.doc.Text(parts[1])
	serial, ok := new(big.Int), len(text) <= MaxSerialDigits
	if ok {
		_, ok = serial.SetString(string(text), 10)
	}
	if !ok {
		return nil, fail(ClassKeyReference, "malformed X509SerialNumber")
	}
	issuer := string(m.doc.Text(parts[0]))
	for _, der := range v.register.BySerial(serial) {
		cert, err := v.fromRegister(der)
		if err != nil {
			return nil, err
		}
		if sameName(issuer, cert.x509.RawIssuer) {
			return cert, nil
		}
	}
	return nil, fail(ClassUnknownToken, "no registered certificate of this issuer and number")
}

// fromText returns the certificate that stands as base64 text in e.
func (v *Verifier) fromText(m *message, e c14n.Elem) (*certificate, *Error) {
	if m.doc.FirstChild(e) != c14n.None {
		return nil, fail(ClassToken, "element inside a certificate")
	}
	text := m.doc.Text(e)
	if len(text) > MaxToken {
		return nil, fail(ClassToken, "certificate is too long")
	}
	if cert := v.certs.find(text); cert != nil {
		return cert, nil
	}
	if !m.decode(e) {
		return nil, fail(ClassToken, "certificate is not base64")
	}
	cert, err := parseCertificate(append([]byte(nil), m.decoded...))
	if err != nil {
		return nil, err
	}
	cert.key = string(text)
	return cert, nil
}

// fromRegister returns the certificate the register holds as DER.
func (v *Verifier) fromRegister(der []byte) (*certificate, *Error) {
	if cert := v.certs.find(der); cert != nil {
		return cert, nil
	}
	cert, err := parseCertificate(der)
	if err != nil {
		return nil, err
	}
	cert.key = string(der)
	return cert, nil
}
