package signing

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"tolem/signing/trust"
)

const receipt = `<?xml version="1.0" encoding="UTF-8"?>
<r:Receipt xmlns:r="urn:tolem:receipt:v1" xmlns:unused="urn:x"><r:code>1234567890123456</r:code>
<r:name lang="kk">Әлия &amp; &lt;K&gt; "q"&#13;</r:name><empty a='1' xmlns='urn:other'/></r:Receipt>`

func signReceipt(t *testing.T, id *identity) []byte {
	t.Helper()
	signed, err := testSigner(t, id).SignEnveloped([]byte(receipt))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// GW-P44: a receipt verifies, and what is handed on is what was signed.
func TestEnveloped(t *testing.T) {
	id := testIdentity(t, "rsa")
	signed := signReceipt(t, id)
	got, err := VerifyEnveloped(signed, rosterOf(id), testTime)
	if err != nil {
		t.Fatalf("%v\n%s", err, signed)
	}
	want, err := Canonicalize([]byte(receipt))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Content, want) {
		t.Fatalf("content\n%s\nwant\n%s", got.Content, want)
	}
	if !got.Certificate.Equal(id.cert) || got.Trust.ID == [16]byte{} {
		t.Error("wrong signer or no proof of trust")
	}
}

func TestXmlsec1VerifiesEnveloped(t *testing.T) {
	needTool(t, "xmlsec1", "--version")
	id := testIdentity(t, "rsa")
	cert, _ := id.files(t)
	if _, err := xmlsec1(t, signReceipt(t, id), "--verify", "--trusted-pem", cert, "--verification-gmt-time", "2026-03-14 10:00:00"); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("xmlsec1", "--verify", "/nonexistent").Run(); err == nil {
		t.Error("xmlsec1 verifies nothing at all: this test proves nothing")
	}
}

func TestEnvelopedRefusals(t *testing.T) {
	id, stranger := testIdentity(t, "rsa"), testIdentity(t, "rsa3072")
	signed := string(signReceipt(t, id))
	r := rosterOf(id)
	replace := func(old, text string) string {
		t.Helper()
		if !strings.Contains(signed, old) {
			t.Fatalf("no %s in\n%s", old, signed)
		}
		return strings.Replace(signed, old, text, 1)
	}
	from, to := strings.Index(signed, "<ds:Signature "), strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>")
	signature, without := signed[from:to], signed[:from]+signed[to:]
	for name, c := range map[string]struct {
		document string
		class    Class
	}{
		"content changed":      {replace("1234567890123456", "1234567890123457"), ClassSignature},
		"by a stranger":        {string(signReceipt(t, stranger)), ClassUntrusted},
		"not signed":           {receipt, ClassUnsigned},
		"document type":        {"<!DOCTYPE x>" + signed, ClassDTD},
		"two roots":            {signed + "<x/>", ClassOutsideRoot},
		"attribute twice":      {replace(`lang="kk"`, `lang="kk" lang="ru"`), ClassDuplicateAttribute},
		"two signatures":       {replace("<ds:Signature ", signature+"<ds:Signature "), ClassWrapping},
		"signature deeper":     {strings.Replace(without, "</r:Receipt>", "<x>"+signature+"</x></r:Receipt>", 1), ClassWrapping},
		"wrapped":              {"<x>" + signed + "</x>", ClassWrapping},
		"moved into another":   {`<r:Receipt xmlns:r="urn:tolem:receipt:v1">` + signature + `</r:Receipt>`, ClassSignature},
		"identifier on root":   {replace("<r:Receipt ", `<r:Receipt ID="a" `), ClassReference},
		"SHA-1 signature":      {replace(rsaSHA256URI, rsaSHA1URI), ClassAlgorithm},
		"SHA-512 signature":    {replace(rsaSHA256URI, rsaSHA512URI), ClassAlgorithm},
		"SHA-1 digest":         {replace(sha256URI, sha1URI), ClassAlgorithm},
		"inclusive form":       {replace(excC14NURI, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), ClassAlgorithm},
		"with comments":        {strings.ReplaceAll(signed, excC14NURI+`"></ds:Transform>`, excC14NURI+`WithComments"></ds:Transform>`), ClassTransform},
		"other transform":      {replace(envelopedURI, "http://www.w3.org/TR/1999/REC-xslt-19991116"), ClassTransform},
		"reference elsewhere":  {replace(`URI=""`, `URI="#a"`), ClassReference},
		"reference missing":    {replace(` URI=""`, ``), ClassReference},
		"no certificate":       {replace("<ds:X509Certificate>", "<ds:X509Certificate>%"), ClassToken},
		"signature value gone": {replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"), ClassSignature},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := VerifyEnveloped([]byte(c.document), r, testTime)
			if err == nil {
				t.Fatalf("accepted: %s", got.Content)
			}
			wantClass(t, err, c.class)
		})
	}
	r.refuse = trust.ErrRevoked
	_, err := VerifyEnveloped([]byte(signed), r, testTime)
	wantClass(t, err, ClassRevoked)
}

// The library beneath takes SHA-1; what is in front of it must not.
func TestEnvelopedRefusesGoodSHA1(t *testing.T) {
	id := testIdentity(t, "rsa")
	ctx, err := dsig.NewSigningContext(id.key, [][]byte{id.cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(dsig.RSASHA1SignatureMethod); err != nil {
		t.Fatal(err)
	}
	tree := etree.NewDocument()
	if err := tree.ReadFromString(receipt); err != nil {
		t.Fatal(err)
	}
	signed, err := ctx.SignEnveloped(tree.Root())
	if err != nil {
		t.Fatal(err)
	}
	tree.SetRoot(signed)
	raw, err := tree.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	_, err = VerifyEnveloped(raw, rosterOf(id), testTime)
	wantClass(t, err, ClassAlgorithm)
}

func TestSignEnvelopedRefusesInput(t *testing.T) {
	rsaSigner, ecSigner := testSigner(t, testIdentity(t, "rsa")), testSigner(t, testIdentity(t, "p256"))
	if _, err := ecSigner.SignEnveloped([]byte(receipt)); !errors.Is(err, ErrEnveloped) {
		t.Errorf("EC key: %v", err)
	}
	for _, doc := range []string{`<x ID="a"/>`, `<x><ds:Signature xmlns:ds="` + dsURI + `"/></x>`} {
		if _, err := rsaSigner.SignEnveloped([]byte(doc)); !errors.Is(err, ErrEnveloped) {
			t.Errorf("%s: %v", doc, err)
		}
	}
	_, err := rsaSigner.SignEnveloped([]byte(`<x>`))
	wantClass(t, err, ClassSyntax)
}

// No damaged receipt verifies with other content.
func TestEnvelopedMutants(t *testing.T) {
	count := 6_000
	if testing.Short() {
		count = 500
	}
	id := testIdentity(t, "rsa")
	base := signReceipt(t, id)
	r := rosterOf(id)
	want, err := VerifyEnveloped(base, r, testTime)
	if err != nil {
		t.Fatal(err)
	}
	m := newMutator(t, newRand(t), base)
	start := time.Now()
	for range count {
		raw := m.bytes()
		if got, err := VerifyEnveloped(raw, r, testTime); err == nil && !bytes.Equal(got.Content, want.Content) {
			t.Fatalf("accepted with other content:\n%s", raw)
		}
	}
	t.Logf("%d in %v", count, time.Since(start))
}
