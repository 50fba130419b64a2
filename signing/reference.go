package signing

import (
	"bytes"
	"crypto/subtle"

	"tolem/signing/c14n"
)

// checkReferences digests what the signature refers to. A reference is not
// looked up: it must carry the identifier of one of the few elements that may
// be signed, which the steps before have found by their place.
func (m *message) checkReferences() *Error {
	var seen [MaxReferences]c14n.Elem
	for i, ref := range m.references[:m.referenceCount] {
		target, err := m.target(ref)
		if err != nil {
			return err
		}
		for _, before := range seen[:i] {
			if before == target {
				return fail(ClassReference, "two references to one element")
			}
		}
		seen[i] = target
		if err := m.checkReference(ref, target); err != nil {
			return err
		}
	}
	if !m.signedBody {
		return fail(ClassCoverage, "Body is not signed")
	}
	if m.timestamp != c14n.None && !m.signedTimestamp {
		return fail(ClassCoverage, "Timestamp is not signed")
	}
	return nil
}

// target returns the element a reference is for.
func (m *message) target(ref c14n.Elem) (c14n.Elem, *Error) {
	d := m.doc
	uri, ok := d.Attr(ref, c14n.NoNS, "URI")
	if !ok || len(uri) < 2 || uri[0] != '#' {
		return c14n.None, fail(ClassReference, "reference without #identifier")
	}
	id := uri[1:]
	for _, e := range [...]c14n.Elem{m.bodyElem, m.timestamp, m.token} {
		if e != c14n.None && m.hasID(e, id) {
			return e, nil
		}
	}
	for e := d.FirstChild(m.header); e != c14n.None; e = d.Next(e) {
		if e != m.security && m.hasID(e, id) { // checkHeader left only wsa blocks
			return e, nil
		}
	}
	return c14n.None, fail(ClassReference, "reference to something that may not be signed here")
}

// hasID reports whether e has the identifier, as wsu:Id or, since that is what
// Node's signer writes unless told otherwise, as a plain Id. Both stand in the
// one table that checkIDs has seen to, and e was found by its place.
func (m *message) hasID(e c14n.Elem, id []byte) bool {
	if value, ok := m.doc.Attr(e, wsu, "Id"); ok && bytes.Equal(value, id) {
		return true
	}
	value, ok := m.doc.Attr(e, c14n.NoNS, "Id")
	return ok && bytes.Equal(value, id)
}

// checkReference compares a digest and keeps the canonical bytes it was made
// of.
func (m *message) checkReference(ref, target c14n.Elem) *Error {
	d := m.doc
	var parts [3]c14n.Elem
	if !m.children(ref, parts[:], "Transforms", "DigestMethod", "DigestValue") {
		return fail(ClassTransform, "children of Reference")
	}
	transforms, methodElem, valueElem := parts[0], parts[1], parts[2]
	if !m.checkTransforms(transforms) {
		return fail(ClassTransform, "not exclusive canonicalization")
	}
	uri, _ := d.Attr(methodElem, c14n.NoNS, "Algorithm")
	method := digestMethodOf(uri)
	if method == nil || d.FirstChild(methodElem) != c14n.None || d.Stray(methodElem) {
		return fail(ClassAlgorithm, "digest method")
	}
	if d.FirstChild(valueElem) != c14n.None || !m.decode(valueElem) {
		return fail(ClassDigest, "DigestValue is not base64")
	}
	m.canon = d.AppendExclusive(m.canon[:0], target, m.prefixes)
	m.digest = method.sum(m.digest[:0], m.canon)
	if subtle.ConstantTimeCompare(m.digest, m.decoded) != 1 {
		return fail(ClassDigest, "digest differs")
	}
	switch target {
	case m.bodyElem:
		m.signedBody = true
		m.body = bytes.Clone(m.canon)
	case m.timestamp:
		m.signedTimestamp = true
		return m.readTimestamp()
	}
	return nil
}

// checkTransforms accepts exclusive canonicalization, alone or after the
// enveloped signature transform. The latter takes nothing away here: none of
// the elements that may be signed holds the Signature.
func (m *message) checkTransforms(e c14n.Elem) bool {
	d := m.doc
	t := d.FirstChild(e)
	if t == c14n.None || d.Stray(e) || !d.Is(t, ds, "Transform") {
		return false
	}
	if uri, _ := d.Attr(t, c14n.NoNS, "Algorithm"); string(uri) == envelopedURI {
		if d.FirstChild(t) != c14n.None || d.Stray(t) {
			return false
		}
		if t = d.Next(t); t == c14n.None || !d.Is(t, ds, "Transform") {
			return false
		}
	}
	return d.Next(t) == c14n.None && m.isExclusive(t)
}
