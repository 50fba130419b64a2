package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tolem/signing/c14n"
)

// The forger signs whatever it is given, allowed or not: a hostile message
// must be refused for what is wrong with it and not because its author could
// not compute a digest.

// Names of what the profile refuses; the forger can do it all the same.
const (
	sha1URI       = "http://www.w3.org/2000/09/xmldsig#sha1"
	rsaSHA1URI    = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	hmacSHA256URI = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
	rsaPSSURI     = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
)

// baseMessage returns the message all vectors start from, not signed yet.
func baseMessage(tb testing.TB, id *identity) string {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "base.xml"))
	if err != nil {
		tb.Fatal(err)
	}
	method := rsaSHA256URI
	if key, ok := id.key.Public().(*ecdsa.PublicKey); ok {
		method = ecdsaMethodFor(coordinateWidth(key.Curve))
	}
	return strings.NewReplacer(
		"{{certificate}}", base64.StdEncoding.EncodeToString(id.cert.Raw),
		"{{method}}", method,
	).Replace(string(raw))
}

const (
	emptyDigest = "<ds:DigestValue></ds:DigestValue>"
	emptyValue  = "<ds:SignatureValue></ds:SignatureValue>"
)

// forge fills the empty DigestValues and the empty SignatureValue of a message.
func forge(tb testing.TB, message string, id *identity) string {
	tb.Helper()
	for strings.Contains(message, emptyDigest) {
		d := parseForgery(tb, message)
		ref := emptyReference(d)
		if ref == c14n.None {
			tb.Fatal("an empty DigestValue that is in no Reference")
		}
		digest := base64.StdEncoding.EncodeToString(forgedDigest(d, ref))
		message = strings.Replace(message, emptyDigest, "<ds:DigestValue>"+digest+"</ds:DigestValue>", 1)
	}
	if strings.Contains(message, emptyValue) {
		d := parseForgery(tb, message)
		value := base64.StdEncoding.EncodeToString(forgedValue(tb, d, id))
		message = strings.Replace(message, emptyValue, "<ds:SignatureValue>"+value+"</ds:SignatureValue>", 1)
	}
	return message
}

func parseForgery(tb testing.TB, message string) *c14n.Document {
	tb.Helper()
	d := newDocument()
	if err := d.Parse([]byte(message)); err != nil {
		tb.Fatalf("recipe makes no document before signing: %v", err)
	}
	return d
}

func emptyReference(d *c14n.Document) c14n.Elem {
	for e := d.Root(); int(e) < d.Len(); e++ {
		if d.Is(e, ds, "DigestValue") && len(d.Text(e)) == 0 {
			return d.Parent(e)
		}
	}
	return c14n.None
}

func descendant(d *c14n.Document, e c14n.Elem, ns c14n.NS, local string) c14n.Elem {
	for c := e; c <= d.Last(e); c++ {
		if d.Is(c, ns, local) {
			return c
		}
	}
	return c14n.None
}

// forgedDigest digests what a Reference points to, whatever that is.
func forgedDigest(d *c14n.Document, ref c14n.Elem) []byte {
	uri, _ := d.Attr(ref, c14n.NoNS, "URI")
	target := d.Root()
	if len(uri) > 1 {
		target = anyWithID(d, string(uri[1:]))
	}
	var data []byte
	if target != c14n.None {
		data = d.AppendExclusive(nil, target, forgedPrefixes(d, ref))
	}
	algorithm, _ := d.Attr(descendant(d, ref, ds, "DigestMethod"), c14n.NoNS, "Algorithm")
	if string(algorithm) == sha1URI {
		sum := sha1.Sum(data)
		return sum[:]
	}
	if method := digestMethodOf(algorithm); method != nil {
		return method.sum(nil, data)
	}
	return appendSHA256(nil, data)
}

func anyWithID(d *c14n.Document, id string) c14n.Elem {
	for e := d.Root(); int(e) < d.Len(); e++ {
		for i := range d.Attrs(e) {
			if ns, local := d.AttrName(e, i); isID(ns, local, false) && string(d.AttrValue(e, i)) == id {
				return e
			}
		}
	}
	return c14n.None
}

// forgedPrefixes returns the prefix list below e.
func forgedPrefixes(d *c14n.Document, e c14n.Elem) (prefixes [][]byte) {
	list := descendant(d, e, excC14N, "InclusiveNamespaces")
	if list == c14n.None {
		return nil
	}
	value, _ := d.Attr(list, c14n.NoNS, "PrefixList")
	for _, p := range bytes.Fields(value) {
		prefixes = append(prefixes, bytes.TrimPrefix(p, []byte("#default")))
	}
	return prefixes
}

// forgedValue signs SignedInfo by the method it names.
func forgedValue(tb testing.TB, d *c14n.Document, id *identity) []byte {
	tb.Helper()
	signedInfo := descendant(d, d.Root(), ds, "SignedInfo")
	data := d.AppendExclusive(nil, signedInfo, forgedPrefixes(d, d.FirstChild(signedInfo)))
	algorithm, _ := d.Attr(descendant(d, signedInfo, ds, "SignatureMethod"), c14n.NoNS, "Algorithm")
	hash, digest := crypto.SHA256, appendSHA256(nil, data)
	var opts crypto.SignerOpts = hash
	switch string(algorithm) {
	case hmacSHA256URI:
		mac := hmac.New(sha256.New, id.cert.RawSubjectPublicKeyInfo)
		mac.Write(data)
		return mac.Sum(nil)
	case rsaSHA1URI:
		sum := sha1.Sum(data)
		digest, opts = sum[:], crypto.SHA1
	case rsaPSSURI:
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	default:
		if method := signatureMethodOf(algorithm); method != nil {
			digest, opts = method.digest.sum(nil, data), method.digest.hash
		}
	}
	value, err := id.key.Sign(rand.Reader, digest, opts)
	if err != nil {
		tb.Fatal(err)
	}
	if key, ok := id.key.Public().(*ecdsa.PublicKey); ok {
		if value, err = appendECDSAFixed(nil, value, coordinateWidth(key.Curve)); err != nil {
			tb.Fatal(err)
		}
	}
	return value
}
