// Package signing is the WS-Security layer of the gateway: bytes of a signed
// SOAP message in, its verified Body and the signer's certificate out; a Body
// in, a signed envelope out.
//
// Verify makes one pass over the bytes and hands on nothing but what was
// signed. It does not know participants, operations or replays: the caller maps
// the certificate to a participant, checks names and values inside the Body and
// keeps the SignedInfo hashes. Sign builds an envelope straight in canonical
// form. SignEnveloped and VerifyEnveloped do the same for stored documents such
// as receipts.
//
// The gateway's SOAP handler and the client SDK call this package. Trust in
// certificates is package trust's business, reached through Truster.
package signing

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"

	"tolem"
	"tolem/signing/c14n"
	"tolem/signing/trust"
)

// Verified is what is left of a message once it was verified. It shares no
// memory with the input.
type Verified struct {
	Body        []byte            // the soap:Body element in the canonical form that was digested
	Certificate *x509.Certificate // of the signer; shared, not to be changed
	Fingerprint tolem.Fingerprint // of Certificate
	Trust       trust.Proof       // with what the certificate was found good
	SignedInfo  [sha256.Size]byte // SHA-256 of the canonical SignedInfo, the key against replays
	Version     Version           // of the envelope
	EC          bool              // signed with an elliptic curve key
	Created     time.Time         // of the Timestamp; zero when the sender signs the Body only
	Expires     time.Time         // of the Timestamp; zero when the sender signs the Body only
}

// Truster says whether a certificate is good at a time. It is called for every
// message, so it keeps what it found out. Its errors wrap the sentinels of
// package trust.
type Truster interface {
	Check(cert *x509.Certificate, now time.Time) (trust.Proof, error)
}

// Verifier verifies messages. It is safe for concurrent use.
type Verifier struct {
	trust    Truster
	register Register
	certs    certificates
	pool     sync.Pool
}

// NewVerifier returns a Verifier. The register may be nil: then no sender may
// omit the Timestamp and every message must carry its certificate.
func NewVerifier(t Truster, r Register) *Verifier {
	if r == nil {
		r = noRegister{}
	}
	return &Verifier{trust: t, register: r, pool: sync.Pool{New: func() any { return newMessage() }}}
}

// Verify checks a message in the order of the profile and returns what was
// signed. The caller still owes the check against replays. The error is an
// *Error.
func (v *Verifier) Verify(raw []byte, now time.Time) (*Verified, error) {
	m := v.pool.Get().(*message)
	defer func() {
		m.release()
		v.pool.Put(m)
	}()
	verified, err := v.verify(m, raw, now)
	if err != nil {
		err.Version = m.version
		return nil, err
	}
	return verified, nil
}

func (v *Verifier) verify(m *message, raw []byte, now time.Time) (*Verified, *Error) {
	if err := m.doc.Parse(raw); err != nil {
		return nil, fromScan(err)
	}
	for _, step := range [...]func(*message) *Error{
		(*message).checkEnvelope,
		(*message).checkPlaces,
		(*message).checkIDs,
		(*message).checkHeader,
		(*message).checkSecurity,
		(*message).checkSignature,
	} {
		if err := step(m); err != nil {
			return nil, err
		}
	}
	cert, err := v.findKey(m)
	if err != nil {
		return nil, err
	}
	// The signature comes before any digest: what SignedInfo asks for is not
	// done for strangers.
	out := &Verified{}
	if out.SignedInfo, err = m.checkSignatureValue(cert); err != nil {
		return nil, err
	}
	if err := m.checkReferences(); err != nil {
		return nil, err
	}
	if err := m.checkFreshness(now, v.register.BodyOnly(cert.fingerprint)); err != nil {
		return nil, err
	}
	proof, err := v.checkCertificate(cert, now)
	if err != nil {
		return nil, err
	}
	v.certs.keep(cert)
	out.Body, out.Version, out.Trust = m.body, m.version, proof
	out.Certificate, out.Fingerprint, out.EC = cert.x509, cert.fingerprint, cert.family == ecKey
	out.Created, out.Expires = m.created, m.expires
	return out, nil
}

// message is a message on its way through the steps: where its parts are, and
// the scratch the steps share. It is pooled.
type message struct {
	doc     *c14n.Document
	excerpt *c14n.Document // a signed part, read again from its canonical bytes

	version                                                 Version
	header, bodyElem, security, token, timestamp, signature c14n.Elem
	signedInfo, signatureValue, keyInfo                     c14n.Elem
	references                                              [MaxReferences]c14n.Elem
	referenceCount                                          int
	method                                                  *signatureMethod
	ids                                                     [][]byte

	prefixes [][]byte
	canon    []byte // the canonical form at hand
	decoded  []byte // the base64 value at hand
	digest   []byte

	body             []byte // the canonical Body, for the caller to keep
	signedBody       bool
	signedTimestamp  bool
	created, expires time.Time
}

func newMessage() *message { return &message{doc: newDocument(), excerpt: newDocument()} }

// maxKeptScratch bounds the buffers that go back to the pool.
const maxKeptScratch = 128 << 10

func (m *message) release() {
	m.doc.Release()
	m.excerpt.Release()
	kept := message{doc: m.doc, excerpt: m.excerpt, digest: m.digest[:0]}
	clear(m.ids[:cap(m.ids)]) // parts of the input
	clear(m.prefixes[:cap(m.prefixes)])
	kept.ids, kept.prefixes = m.ids[:0], m.prefixes[:0]
	if cap(m.canon) <= maxKeptScratch {
		kept.canon = m.canon[:0]
	}
	if cap(m.decoded) <= maxKeptScratch {
		kept.decoded = m.decoded[:0]
	}
	*m = kept
}
