package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"tolem/signing/c14n"
)

// checkSignature finds the parts of Signature and of SignedInfo: exactly the
// children the profile names, in its order.
func (m *message) checkSignature() *Error {
	d := m.doc
	var parts [3]c14n.Elem
	if !m.children(m.signature, parts[:], "SignedInfo", "SignatureValue", "KeyInfo") {
		return fail(ClassSignatureShape, "children of Signature")
	}
	m.signedInfo, m.signatureValue, m.keyInfo = parts[0], parts[1], parts[2]
	if d.FirstChild(m.signatureValue) != c14n.None {
		return fail(ClassSignatureShape, "element in SignatureValue")
	}
	return m.checkSignedInfo()
}

// children fills parts with the children of e if they have exactly the given
// names of XML Signature, in this order, and nothing is between them.
func (m *message) children(e c14n.Elem, parts []c14n.Elem, names ...string) bool {
	d := m.doc
	child := d.FirstChild(e)
	for i, name := range names {
		if child == c14n.None || !d.Is(child, ds, name) {
			return false
		}
		parts[i] = child
		child = d.Next(child)
	}
	return child == c14n.None && !d.Stray(e)
}

func (m *message) checkSignedInfo() *Error {
	d := m.doc
	canonicalization := d.FirstChild(m.signedInfo)
	if canonicalization == c14n.None || !d.Is(canonicalization, ds, "CanonicalizationMethod") {
		return fail(ClassSignatureShape, "no CanonicalizationMethod")
	}
	method := d.Next(canonicalization)
	if method == c14n.None || !d.Is(method, ds, "SignatureMethod") {
		return fail(ClassSignatureShape, "no SignatureMethod")
	}
	m.referenceCount = 0
	for e := d.Next(method); e != c14n.None; e = d.Next(e) {
		if !d.Is(e, ds, "Reference") || m.referenceCount == MaxReferences {
			return fail(ClassSignatureShape, "SignedInfo wants 1 to 10 References")
		}
		m.references[m.referenceCount] = e
		m.referenceCount++
	}
	if m.referenceCount == 0 || d.Stray(m.signedInfo) {
		return fail(ClassSignatureShape, "SignedInfo wants 1 to 10 References")
	}
	if !m.isExclusive(canonicalization) {
		return fail(ClassAlgorithm, "canonicalization method")
	}
	// The prefixes are kept for checkSignatureValue.
	uri, _ := d.Attr(method, c14n.NoNS, "Algorithm")
	m.method = signatureMethodOf(uri)
	if m.method == nil || d.FirstChild(method) != c14n.None || d.Stray(method) {
		return fail(ClassAlgorithm, "signature method")
	}
	return nil
}

// isExclusive reports whether e, a CanonicalizationMethod or a Transform, asks
// for exclusive canonicalization, and leaves its prefix list in m.prefixes.
func (m *message) isExclusive(e c14n.Elem) bool {
	d := m.doc
	m.prefixes = m.prefixes[:0]
	if uri, _ := d.Attr(e, c14n.NoNS, "Algorithm"); string(uri) != excC14NURI || d.Stray(e) {
		return false
	}
	child := d.FirstChild(e)
	if child == c14n.None {
		return true
	}
	if !d.Is(child, excC14N, "InclusiveNamespaces") || d.Next(child) != c14n.None ||
		d.FirstChild(child) != c14n.None || d.Stray(child) {
		return false
	}
	list, ok := d.Attr(child, c14n.NoNS, "PrefixList")
	return ok && m.splitPrefixes(list)
}

// splitPrefixes splits a prefix list. The default namespace is "#default" in
// the list and the empty prefix for the canonicalizer.
func (m *message) splitPrefixes(list []byte) bool {
	for {
		list = bytes.TrimLeft(list, " \t\r\n")
		if len(list) == 0 {
			return true
		}
		if len(m.prefixes) == c14n.MaxPrefixes {
			return false
		}
		end := bytes.IndexAny(list, " \t\r\n")
		if end < 0 {
			end = len(list)
		}
		prefix := list[:end:end]
		if string(prefix) == "#default" {
			prefix = nil
		}
		m.prefixes = append(m.prefixes, prefix)
		list = list[end:]
	}
}

// checkSignatureValue verifies the signature over the canonical SignedInfo and
// returns the SHA-256 of that form: unlike the signature value it cannot be
// varied by whoever resends the message.
func (m *message) checkSignatureValue(cert *certificate) (hash [sha256.Size]byte, _ *Error) {
	m.canon = m.doc.AppendExclusive(m.canon[:0], m.signedInfo, m.prefixes)
	hash = sha256.Sum256(m.canon)
	if !m.decode(m.signatureValue) {
		return hash, fail(ClassSignature, "SignatureValue is not base64")
	}
	m.digest = append(m.digest[:0], hash[:]...)
	if m.method.digest != &digestMethods[0] {
		m.digest = m.method.digest.sum(m.digest[:0], m.canon)
	}
	if !m.method.verify(cert, m.method.digest.hash, m.digest, m.decoded) {
		return hash, fail(ClassSignature, "signature does not verify")
	}
	return hash, nil
}

// decode decodes the base64 text of e into m.decoded. White space anywhere is
// allowed, carriage returns included: Java writes them as character references.
func (m *message) decode(e c14n.Elem) bool {
	var ok bool
	m.decoded, ok = appendBase64(m.decoded[:0], m.doc.Text(e))
	return ok
}

// appendBase64 appends to dst, which must be empty, what text stands for.
func appendBase64(dst, text []byte) ([]byte, bool) {
	encoding := base64.StdEncoding.Strict()
	dst = slices.Grow(dst, len(text))[:len(text)]
	n, err := encoding.Decode(dst, text) // which skips line ends, but no other white space
	if err != nil {
		n, err = encoding.Decode(dst, removeSpace(dst[:0], text))
	}
	return dst[:n], err == nil && n > 0
}

// removeSpace appends text without its white space. Its result may be decoded
// in place: base64 is longer than what it stands for.
func removeSpace(dst, text []byte) []byte {
	for _, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
