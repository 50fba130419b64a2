// Package naive is the straightforward way to do in Go what the gateway does:
// parse a message into a tree with etree, find by path, canonicalize with
// goxmldsig, parse the certificate and verify its chain each time, and store
// what came of it in one database transaction a call. It is what the benchmarks
// compare the gateway with, and an independent second opinion on the messages
// that package signing accepts.
//
// It is correct for honest messages and no more: it has none of the defences of
// the gateway. Nothing but benchmarks and tests may call it.
package naive

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	wsseNS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuNS  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	dsNS   = dsig.Namespace

	x509v3     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
	base64Type = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	sha256Alg  = "http://www.w3.org/2001/04/xmlenc#sha256"
	rsaAlg     = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	ecdsaAlg   = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

	maxAge   = 10 * time.Minute
	maxSkew  = time.Minute
	lifetime = 5 * time.Minute
)

// ErrRefused reports a message that does not verify.
var ErrRefused = errors.New("message does not verify")

// Chains are the certificates that signers' certificates must lead to.
type Chains struct{ Roots, Intermediates *x509.CertPool }

// Verify verifies a message at a time and returns its Body and the signer's
// certificate. It asks no revocation list; see Trust.
func Verify(raw []byte, chains Chains, now time.Time) (*etree.Element, *x509.Certificate, error) {
	return verify(raw, now, func(cert *x509.Certificate) error {
		_, err := chains.of(cert, now)
		return err
	})
}

// of returns the chains of a certificate.
func (c Chains) of(cert *x509.Certificate, now time.Time) ([][]*x509.Certificate, error) {
	return cert.Verify(x509.VerifyOptions{
		Roots: c.Roots, Intermediates: c.Intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
}

// verify verifies a message whose certificate passes the check.
func verify(raw []byte, now time.Time, check func(*x509.Certificate) error) (*etree.Element, *x509.Certificate, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, nil, err
	}
	root := doc.Root()
	if root == nil {
		return nil, nil, refused("empty document")
	}
	header, err := child(root, root.NamespaceURI(), "Header")
	if err != nil {
		return nil, nil, err
	}
	body, err := child(root, root.NamespaceURI(), "Body")
	if err != nil {
		return nil, nil, err
	}
	security, err := child(header, wsseNS, "Security")
	if err != nil {
		return nil, nil, err
	}
	cert, err := certificate(security, check)
	if err != nil {
		return nil, nil, err
	}
	signature, err := child(security, dsNS, "Signature")
	if err != nil {
		return nil, nil, err
	}
	if err := verifySignature(signature, cert); err != nil {
		return nil, nil, err
	}
	if err := verifyReferences(root, signature, body); err != nil {
		return nil, nil, err
	}
	return body, cert, verifyTimestamp(security, now)
}

func refused(text string) error { return fmt.Errorf("%w: %s", ErrRefused, text) }

// child returns the first child of an element with an expanded name.
func child(el *etree.Element, ns, tag string) (*etree.Element, error) {
	for _, c := range el.ChildElements() {
		if c.Tag == tag && c.NamespaceURI() == ns {
			return c, nil
		}
	}
	return nil, refused("no " + tag)
}

func path(el *etree.Element, ns string, tags ...string) (*etree.Element, error) {
	for _, tag := range tags {
		var err error
		if el, err = child(el, ns, tag); err != nil {
			return nil, err
		}
	}
	return el, nil
}

func decode(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

func certificate(security *etree.Element, check func(*x509.Certificate) error) (*x509.Certificate, error) {
	token, err := child(security, wsseNS, "BinarySecurityToken")
	if err != nil {
		return nil, err
	}
	der, err := decode(token.Text())
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return cert, check(cert)
}

// canonical returns the exclusive canonical form of an element in its place.
func canonical(el *etree.Element) ([]byte, error) {
	ctx, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, err
	}
	detached, err := etreeutils.NSDetatch(ctx, el)
	if err != nil {
		return nil, err
	}
	return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
}

func verifySignature(signature *etree.Element, cert *x509.Certificate) error {
	signedInfo, err := child(signature, dsNS, "SignedInfo")
	if err != nil {
		return err
	}
	data, err := canonical(signedInfo)
	if err != nil {
		return err
	}
	valueEl, err := child(signature, dsNS, "SignatureValue")
	if err != nil {
		return err
	}
	value, err := decode(valueEl.Text())
	if err != nil {
		return err
	}
	digest := sha256.Sum256(data)
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], value)
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(value[:len(value)/2]), new(big.Int).SetBytes(value[len(value)/2:])
		if ecdsa.Verify(key, digest[:], r, s) {
			return nil
		}
	}
	return refused("signature")
}

func verifyReferences(root, signature, body *etree.Element) error {
	signedInfo, err := child(signature, dsNS, "SignedInfo")
	if err != nil {
		return err
	}
	bodySigned := false
	for _, ref := range signedInfo.ChildElements() {
		if ref.Tag != "Reference" {
			continue
		}
		target := findByID(root, strings.TrimPrefix(ref.SelectAttrValue("URI", ""), "#"))
		if target == nil {
			return refused("reference to nothing")
		}
		bodySigned = bodySigned || target == body
		data, err := canonical(target)
		if err != nil {
			return err
		}
		valueEl, err := child(ref, dsNS, "DigestValue")
		if err != nil {
			return err
		}
		want, err := decode(valueEl.Text())
		if err != nil {
			return err
		}
		if got := sha256.Sum256(data); !bytes.Equal(got[:], want) {
			return refused("digest")
		}
	}
	if !bodySigned {
		return refused("Body is not signed")
	}
	return nil
}

// findByID searches the tree for an element with a wsu:Id.
func findByID(root *etree.Element, id string) *etree.Element {
	path, err := etree.CompilePath("//*[@Id='" + id + "']")
	if err != nil {
		return nil
	}
	for _, el := range root.FindElementsPath(path) {
		for _, a := range el.Attr {
			if a.Key == "Id" && a.Value == id && a.NamespaceURI() == wsuNS {
				return el
			}
		}
	}
	return nil
}

func verifyTimestamp(security *etree.Element, now time.Time) error {
	created, err := path(security, wsuNS, "Timestamp", "Created")
	if err != nil {
		return err
	}
	expires, err := path(security, wsuNS, "Timestamp", "Expires")
	if err != nil {
		return err
	}
	from, err := time.Parse(time.RFC3339Nano, created.Text())
	if err != nil {
		return err
	}
	to, err := time.Parse(time.RFC3339Nano, expires.Text())
	if err != nil {
		return err
	}
	if from.After(now.Add(maxSkew)) || now.Sub(from) > maxAge || !to.After(now.Add(-maxSkew)) {
		return refused("expired")
	}
	return nil
}

// Sign returns a signed SOAP 1.1 envelope around payload, the Body's child.
func Sign(payload []byte, key crypto.Signer, cert *x509.Certificate, now time.Time) ([]byte, error) {
	content := etree.NewDocument()
	if err := content.ReadFromBytes(payload); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	envelope := element(&doc.Element, "soap:Envelope", "xmlns:soap", soapNS)
	header := element(envelope, "soap:Header")
	security := element(header, "wsse:Security", "xmlns:wsse", wsseNS, "xmlns:wsu", wsuNS)
	body := element(envelope, "soap:Body", "xmlns:wsu", wsuNS, "wsu:Id", "Body")
	body.AddChild(content.Root())
	token := element(security, "wsse:BinarySecurityToken", "EncodingType", base64Type, "ValueType", x509v3, "wsu:Id", "Token")
	token.SetText(base64.StdEncoding.EncodeToString(cert.Raw))
	timestamp := element(security, "wsu:Timestamp", "wsu:Id", "Timestamp")
	const format = "2006-01-02T15:04:05.000Z"
	element(timestamp, "wsu:Created").SetText(now.UTC().Format(format))
	element(timestamp, "wsu:Expires").SetText(now.UTC().Add(lifetime).Format(format))
	if err := addSignature(security, key, timestamp, body); err != nil {
		return nil, err
	}
	return doc.WriteToBytes()
}

// element adds a child with attributes, given as names and values in turn.
func element(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	el := parent.CreateElement(tag)
	for i := 0; i < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

func addSignature(security *etree.Element, key crypto.Signer, targets ...*etree.Element) error {
	method := rsaAlg
	if _, ec := key.Public().(*ecdsa.PublicKey); ec {
		method = ecdsaAlg
	}
	signature := element(security, "ds:Signature", "xmlns:ds", dsNS)
	signedInfo := element(signature, "ds:SignedInfo")
	element(signedInfo, "ds:CanonicalizationMethod", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
	element(signedInfo, "ds:SignatureMethod", "Algorithm", method)
	for _, target := range targets {
		data, err := canonical(target)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(data)
		ref := element(signedInfo, "ds:Reference", "URI", "#"+target.SelectAttrValue("wsu:Id", ""))
		element(element(ref, "ds:Transforms"), "ds:Transform", "Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
		element(ref, "ds:DigestMethod", "Algorithm", sha256Alg)
		element(ref, "ds:DigestValue").SetText(base64.StdEncoding.EncodeToString(digest[:]))
	}
	data, err := canonical(signedInfo)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(data)
	value, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if method == ecdsaAlg {
		if value, err = fixedWidth(value, key.Public().(*ecdsa.PublicKey)); err != nil {
			return err
		}
	}
	element(signature, "ds:SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	str := element(element(signature, "ds:KeyInfo"), "wsse:SecurityTokenReference")
	element(str, "wsse:Reference", "URI", "#Token", "ValueType", x509v3)
	return nil
}

// fixedWidth turns an ECDSA signature in DER into r‖s.
func fixedWidth(der []byte, key *ecdsa.PublicKey) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	width := (key.Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*width)
	sig.R.FillBytes(out[:width])
	sig.S.FillBytes(out[width:])
	return out, nil
}
