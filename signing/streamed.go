package signing

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"tolem/signing/c14n"
)

// A document too large for a tree is signed by its hash: whoever writes it in
// canonical form (no declaration, no attributes but one default namespace on
// the root, no comments) hashes what it writes, and puts the element that
// SignDigest returns before the root's end tag. What stands in the file is then
// an ordinary enveloped signature, as SignEnveloped makes it.

// maxSignature bounds the Signature element at the end of a streamed document.
const maxSignature = 32 << 10

const (
	envelopedInfo = signedInfo1 + rsaSHA256URI + `"></ds:SignatureMethod><ds:Reference URI="">` +
		`<ds:Transforms><ds:Transform Algorithm="` + envelopedURI + `"></ds:Transform>` +
		`<ds:Transform Algorithm="` + excC14NURI + `"></ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + sha256URI + `"></ds:DigestMethod><ds:DigestValue>`
	envelopedKey    = `</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>`
	envelopedKeyEnd = `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`
)

// SignDigest returns the Signature element for a document whose canonical form
// has this SHA-256. It needs an RSA key, as SignEnveloped does.
func (s *Signer) SignDigest(digest [sha256.Size]byte) ([]byte, error) {
	if s.EC() {
		return nil, fmt.Errorf("%w: the key is not RSA", ErrEnveloped)
	}
	info := envelopedInfo + base64.StdEncoding.EncodeToString(digest[:]) + signedInfoEnd
	hash := sha256.Sum256([]byte(signedInfoTag + xmlnsDS + info))
	value, err := s.key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	out := []byte(signatureStart + signedInfoTag + info + valueStart)
	out = base64.StdEncoding.AppendEncode(out, value)
	out = append(out, envelopedKey...)
	out = base64.StdEncoding.AppendEncode(out, s.certificate.Raw)
	return append(out, envelopedKeyEnd...), nil
}

// VerifyStreamed verifies a document that was signed by SignDigest without
// holding it: what is between the signature and the end is the root's end tag,
// and all other bytes are hashed as they stand. A document that was written
// anew, in another form of the same content, does not verify here; it does
// with VerifyEnveloped. Content of the result is empty. The error is an *Error.
func VerifyStreamed(document io.ReaderAt, size int64, t Truster, now time.Time) (*Enveloped, error) {
	start := max(0, size-maxSignature)
	tail := make([]byte, size-start)
	if _, err := document.ReadAt(tail, start); err != nil && err != io.EOF {
		return nil, &Error{Class: ClassInternal, Err: err}
	}
	at := bytes.LastIndex(tail, []byte(signatureStart))
	if at < 0 {
		return nil, fail(ClassUnsigned, "no Signature at the end")
	}
	length := bytes.Index(tail[at:], []byte("</ds:Signature>"))
	if length < 0 {
		return nil, fail(ClassSyntax, "Signature without end")
	}
	signature := tail[at : at+length+len("</ds:Signature>")]
	rest := tail[at+len(signature):]
	if !bytes.HasPrefix(rest, []byte("</")) || bytes.IndexByte(rest, '>') != len(rest)-1 {
		return nil, fail(ClassWrapping, "Signature is not the last child of the root")
	}
	content := sha256.New()
	if _, err := io.Copy(content, io.NewSectionReader(document, 0, start+int64(at))); err != nil {
		return nil, &Error{Class: ClassInternal, Err: err}
	}
	content.Write(rest)
	digest := [sha256.Size]byte(content.Sum(nil))
	cert, fault := verifyDetached(signature, digest)
	if fault != nil {
		return nil, fault
	}
	proof, fault := (&Verifier{trust: t}).checkCertificate(cert, now)
	if fault != nil {
		return nil, fault
	}
	return &Enveloped{Certificate: cert.x509, Fingerprint: cert.fingerprint, Trust: proof, Digest: digest}, nil
}

// verifyDetached verifies a Signature element, taken out of its document, for
// a document with this digest.
func verifyDetached(signature []byte, digest [sha256.Size]byte) (*certificate, *Error) {
	document := append([]byte("<document>"), signature...)
	document = append(document, "</document>"...)
	m := newMessage()
	d := m.doc
	if err := d.Parse(document); err != nil {
		return nil, fromScan(err)
	}
	m.signature = d.FirstChild(d.Root())
	if m.signature == c14n.None || !d.Is(m.signature, ds, "Signature") || d.Next(m.signature) != c14n.None {
		return nil, fail(ClassSignatureShape, "not one Signature")
	}
	for _, step := range [...]func(*message) *Error{(*message).checkSignature, (*message).checkEnvelopedMethods} {
		if err := step(m); err != nil {
			return nil, err
		}
	}
	cert, fault := m.envelopedCertificate()
	if fault != nil {
		return nil, fault
	}
	if _, fault := m.checkSignatureValue(cert); fault != nil {
		return nil, fault
	}
	if !m.decode(m.digestValue()) || !bytes.Equal(m.decoded, digest[:]) {
		return nil, fail(ClassDigest, "the document is not the one that was signed")
	}
	return cert, nil
}

// digestValue returns the DigestValue of the one reference, whose children were
// checked.
func (m *message) digestValue() c14n.Elem {
	d := m.doc
	return d.Next(d.Next(d.FirstChild(m.references[0])))
}
