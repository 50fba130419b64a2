package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tolem"
)

// ErrSigner reports a key and a certificate that cannot sign messages.
var ErrSigner = errors.New("key and certificate cannot sign messages")

// Signer signs messages with one key. The key may live in a device: only
// crypto.Signer is asked of it. A Signer is safe for concurrent use if its key
// is.
type Signer struct {
	key         crypto.Signer
	certificate *x509.Certificate
	fingerprint tolem.Fingerprint
	method      *signatureMethod
	width       int // of an ECDSA coordinate; zero for RSA
	head        [2][]byte
	pool        sync.Pool
}

// NewSigner returns a Signer that signs with RSA-SHA256 if the key is RSA, and
// with ECDSA and the hash that fits the curve if it is elliptic.
func NewSigner(key crypto.Signer, cert *x509.Certificate) (*Signer, error) {
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("%w: the certificate is of another key", ErrSigner)
	}
	s := &Signer{key: key, certificate: cert, fingerprint: tolem.FingerprintOf(cert.Raw)}
	s.pool.New = func() any { return new(assembly) }
	switch familyOf(cert) {
	case rsaKey:
		s.method = signatureMethodOf([]byte(rsaSHA256URI))
	case ecKey:
		curve := cert.PublicKey.(*ecdsa.PublicKey).Curve
		s.width = coordinateWidth(curve)
		s.method = signatureMethodOf([]byte(ecdsaMethodFor(s.width)))
	default:
		return nil, fmt.Errorf("%w: want RSA of %d to %d bits, or P-256, P-384 or P-521", ErrSigner, MinRSABits, MaxRSABits)
	}
	for _, v := range [...]Version{SOAP11, SOAP12} {
		s.head[v] = envelopeHead(v, cert)
	}
	return s, nil
}

func ecdsaMethodFor(width int) string {
	switch width {
	case 48:
		return ecdsaSHA384URI
	case maxCoordinate:
		return ecdsaSHA512URI
	}
	return ecdsaSHA256URI
}

// Certificate returns the certificate that goes into every message.
func (s *Signer) Certificate() *x509.Certificate { return s.certificate }

// Fingerprint returns the fingerprint of Certificate.
func (s *Signer) Fingerprint() tolem.Fingerprint { return s.fingerprint }

// EC reports whether the key is an elliptic curve key.
func (s *Signer) EC() bool { return s.width > 0 }

// The envelope is written from these constants. The three prefixes are declared
// at its root so that a QName inside a value, such as a fault code, can be
// resolved; exclusive canonicalization then renders soap and wsu again at each
// signed element, which is the difference between the bytes that are sent and
// the bytes that are digested.
const (
	xmlnsWSU = ` xmlns:wsu="` + wsuURI + `"`

	tokenID     = "Token"
	timestampID = "Timestamp"
	bodyID      = "Body"

	tokenStart = `<wsse:BinarySecurityToken EncodingType="` + base64BinaryType + `" ValueType="` + x509v3Type + `" wsu:Id="` + tokenID + `">`
	tokenEnd   = `</wsse:BinarySecurityToken>`

	timestampTag   = `<wsu:Timestamp`
	timestampStart = ` wsu:Id="` + timestampID + `"><wsu:Created>`
	timestampMid   = `</wsu:Created><wsu:Expires>`
	timestampEnd   = `</wsu:Expires></wsu:Timestamp>`

	signatureStart = `<ds:Signature xmlns:ds="` + dsURI + `">`
	signedInfoTag  = `<ds:SignedInfo`
	xmlnsDS        = ` xmlns:ds="` + dsURI + `"`
	signedInfo1    = `><ds:CanonicalizationMethod Algorithm="` + excC14NURI + `"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="`
	signedInfo2    = `"></ds:SignatureMethod><ds:Reference URI="#` + timestampID + `">` + referenceMid
	referenceMid   = `<ds:Transforms><ds:Transform Algorithm="` + excC14NURI + `"></ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + sha256URI + `"></ds:DigestMethod><ds:DigestValue>`
	referenceEnd  = `</ds:DigestValue></ds:Reference>`
	signedInfo3   = referenceEnd + `<ds:Reference URI="#` + bodyID + `">` + referenceMid
	signedInfoEnd = referenceEnd + `</ds:SignedInfo>`
	valueStart    = `<ds:SignatureValue>`
	signatureEnd  = `</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#` + tokenID +
		`" ValueType="` + x509v3Type + `"></wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>`

	headerEnd   = `</wsse:Security></soap:Header>`
	bodyTag     = `<soap:Body`
	bodyStart   = ` wsu:Id="` + bodyID + `">`
	bodyEnd     = `</soap:Body>`
	envelopeEnd = `</soap:Envelope>`
)

func xmlnsSOAP(v Version) string { return ` xmlns:soap="` + v.uri() + `"` }

func envelopeStart(v Version) string {
	return `<soap:Envelope` + xmlnsSOAP(v) + ` xmlns:wsse="` + wsseURI + `"` + xmlnsWSU + `>`
}

// envelopeHead is everything up to the Timestamp.
func envelopeHead(v Version, cert *x509.Certificate) []byte {
	return []byte(envelopeStart(v) + `<soap:Header><wsse:Security>` +
		tokenStart + base64.StdEncoding.EncodeToString(cert.Raw) + tokenEnd)
}

// assembly is the scratch of one signature.
type assembly struct {
	timestamp, signedInfo, body, digest []byte
	times                               [2][]byte
}

// Sign returns a signed envelope around payload, which must be one element in
// exclusive canonical form (see Canonicalize) and may use the prefix soap of
// the envelope without declaring it. Body and Timestamp are signed.
func (s *Signer) Sign(v Version, payload []byte, now time.Time) ([]byte, error) {
	if v != SOAP12 {
		v = SOAP11
	}
	a := s.pool.Get().(*assembly)
	defer s.pool.Put(a)
	if err := a.canonicalBody(v, payload); err != nil {
		return nil, err
	}
	a.canonicalTimestamp(now)
	a.canonicalSignedInfo(s.method.uri)
	value, err := s.signatureValue(a)
	if err != nil {
		return nil, err
	}
	return s.assemble(v, a, payload, value), nil
}

// canonicalBody leaves the bytes to digest in a.body.
func (a *assembly) canonicalBody(v Version, payload []byte) error {
	// A payload that declares what the Body declares already loses its
	// declaration in canonical form; then the canonicalizer has to look. Text
	// that merely reads like a declaration only costs that look.
	if bytes.Contains(payload, []byte("xmlns:soap=")) || bytes.Contains(payload, []byte("xmlns:wsu=")) {
		return a.canonicalizeBody(v, payload)
	}
	a.body = append(a.body[:0], bodyTag...)
	a.body = append(a.body, xmlnsSOAP(v)...)
	a.body = append(a.body, xmlnsWSU+bodyStart...)
	a.body = append(a.body, payload...)
	a.body = append(a.body, bodyEnd...)
	return nil
}

func (a *assembly) canonicalizeBody(v Version, payload []byte) error {
	d := newDocument()
	document := append([]byte(envelopeStart(v)), bodyTag+bodyStart...)
	document = append(document, payload...)
	document = append(document, bodyEnd+envelopeEnd...)
	if err := d.Parse(document); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	a.body = d.AppendExclusive(a.body[:0], d.FirstChild(d.Root()), nil)
	return nil
}

// instantFormat writes milliseconds: some stacks refuse more, some fewer.
const instantFormat = "2006-01-02T15:04:05.000Z"

func (a *assembly) canonicalTimestamp(now time.Time) {
	now = now.UTC()
	a.times[0] = now.AppendFormat(a.times[0][:0], instantFormat)
	a.times[1] = now.Add(AnswerLifetime).AppendFormat(a.times[1][:0], instantFormat)
	a.timestamp = append(a.timestamp[:0], timestampTag+xmlnsWSU+timestampStart...)
	a.timestamp = a.appendTimes(a.timestamp)
}

func (a *assembly) appendTimes(dst []byte) []byte {
	dst = append(dst, a.times[0]...)
	dst = append(dst, timestampMid...)
	dst = append(dst, a.times[1]...)
	return append(dst, timestampEnd...)
}

func (a *assembly) canonicalSignedInfo(methodURI string) {
	a.signedInfo = append(a.signedInfo[:0], signedInfoTag+xmlnsDS+signedInfo1...)
	a.signedInfo = append(a.signedInfo, methodURI...)
	a.signedInfo = append(a.signedInfo, signedInfo2...)
	a.digest = appendSHA256(a.digest[:0], a.timestamp)
	a.signedInfo = base64.StdEncoding.AppendEncode(a.signedInfo, a.digest)
	a.signedInfo = append(a.signedInfo, signedInfo3...)
	a.digest = appendSHA256(a.digest[:0], a.body)
	a.signedInfo = base64.StdEncoding.AppendEncode(a.signedInfo, a.digest)
	a.signedInfo = append(a.signedInfo, signedInfoEnd...)
}

// signatureValue signs the canonical SignedInfo.
func (s *Signer) signatureValue(a *assembly) ([]byte, error) {
	a.digest = s.method.digest.sum(a.digest[:0], a.signedInfo)
	value, err := s.key.Sign(rand.Reader, a.digest, s.method.digest.hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if s.width == 0 {
		return value, nil
	}
	a.digest, err = appendECDSAFixed(a.digest[:0], value, s.width)
	return a.digest, err
}

// assemble writes the envelope: the same parts as were digested, without the
// declarations its root makes.
func (s *Signer) assemble(v Version, a *assembly, payload, value []byte) []byte {
	signedInfo := a.signedInfo[len(signedInfoTag+xmlnsDS):]
	size := len(s.head[v]) + len(a.timestamp) + len(signedInfo) + base64.StdEncoding.EncodedLen(len(value)) + len(payload) +
		len(signatureStart+signedInfoTag+valueStart+signatureEnd+headerEnd+bodyTag+bodyStart+bodyEnd+envelopeEnd)
	out := make([]byte, 0, size)
	out = append(out, s.head[v]...)
	out = append(out, timestampTag+timestampStart...)
	out = a.appendTimes(out)
	out = append(out, signatureStart+signedInfoTag...)
	out = append(out, signedInfo...)
	out = append(out, valueStart...)
	out = base64.StdEncoding.AppendEncode(out, value)
	out = append(out, signatureEnd+headerEnd+bodyTag+bodyStart...)
	out = append(out, payload...)
	return append(out, bodyEnd+envelopeEnd...)
}

// Canonicalize returns the exclusive canonical form of a document: what Sign
// wants as payload.
func Canonicalize(document []byte) ([]byte, error) {
	d := newDocument()
	if err := d.Parse(document); err != nil {
		return nil, fromScan(err)
	}
	return d.AppendExclusive(nil, d.Root(), nil), nil
}

// SignDetached returns a signature over data that stands beside it: what is not
// XML and has no room for a certificate. Context says what the data are, so that
// a signature of one thing never passes for that of another; what is signed is
// the context, a zero byte, and the data. The signature has the form it has in
// XML Signature: with ECDSA r and s of fixed width, one after the other.
func (s *Signer) SignDetached(context string, data []byte) ([]byte, error) {
	if context == "" || context[0] == '<' || strings.ContainsRune(context, 0) {
		return nil, fmt.Errorf("%w: %q says nothing of what is signed", ErrSigner, context)
	}
	a := s.pool.Get().(*assembly)
	defer s.pool.Put(a)
	a.signedInfo = append(append(append(a.signedInfo[:0], context...), 0), data...)
	value, err := s.signatureValue(a)
	return bytes.Clone(value), err
}
