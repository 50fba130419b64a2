package signing

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

const streamedHead = `<register xmlns="urn:tolem:register:v1"><number>B-20261121-BANK-1</number><rows><row><ref>Әлия &amp; &lt;K&gt; "q"&#xD;</ref></row></rows>`

// signStreamed signs a document by its hash, as a writer of large ones does.
func signStreamed(t *testing.T, id *identity) string {
	t.Helper()
	const end = "</register>"
	signature, err := testSigner(t, id).SignDigest(sha256.Sum256([]byte(streamedHead + end)))
	if err != nil {
		t.Fatal(err)
	}
	return streamedHead + string(signature) + end
}

func verifyStreamed(document string, t Truster) (*Enveloped, error) {
	return VerifyStreamed(strings.NewReader(document), int64(len(document)), t, testTime)
}

// GW-P26: what is signed by its hash is an ordinary enveloped signature: both
// verifiers of ours and xmlsec1 take it.
func TestSignDigest(t *testing.T) {
	id := testIdentity(t, "rsa")
	signed := signStreamed(t, id)
	got, err := verifyStreamed(signed, rosterOf(id))
	if err != nil || !got.Certificate.Equal(id.cert) || got.Trust.ID == ([16]byte{}) {
		t.Fatalf("%+v, %v", got, err)
	}
	whole, err := VerifyEnveloped([]byte(signed), rosterOf(id), testTime)
	if err != nil || !bytes.Equal(whole.Content, []byte(streamedHead+"</register>")) {
		t.Fatalf("%v\n%s", err, signed)
	}
	needTool(t, "xmlsec1", "--version")
	cert, _ := id.files(t)
	if _, err := xmlsec1(t, []byte(signed), "--verify", "--trusted-pem", cert, "--verification-gmt-time", "2026-03-14 10:00:00"); err != nil {
		t.Fatal(err)
	}
}

func TestStreamedRefusals(t *testing.T) {
	id, stranger := testIdentity(t, "rsa"), testIdentity(t, "rsa3072")
	signed := signStreamed(t, id)
	from, to := strings.Index(signed, "<ds:Signature "), strings.Index(signed, "</register>")
	signature := signed[from:to]
	for name, c := range map[string]struct {
		document string
		class    Class
	}{
		"content changed":  {strings.Replace(signed, "BANK", "BANC", 1), ClassDigest},
		"content added":    {strings.Replace(signed, "<rows>", "<rows> ", 1), ClassDigest},
		"end tag changed":  {strings.Replace(signed, "</register>", "</Register>", 1), ClassDigest},
		"by a stranger":    {signStreamed(t, stranger), ClassUntrusted},
		"not signed":       {streamedHead + "</register>", ClassUnsigned},
		"content behind":   {signed[:to] + "<row></row></register>", ClassWrapping},
		"text behind":      {signed[:to] + "x</register>", ClassWrapping},
		"two signatures":   {signed[:from] + signature + signed[from:], ClassDigest},
		"cut":              {signed[:to-20], ClassSyntax},
		"SHA-1 signature":  {strings.Replace(signed, rsaSHA256URI, rsaSHA1URI, 1), ClassAlgorithm},
		"other reference":  {strings.Replace(signed, `URI=""`, `URI="#a"`, 1), ClassReference},
		"another document": {`<register xmlns="urn:tolem:register:v1">` + signature + `</register>`, ClassDigest},
		"value of nothing": {strings.Replace(signed, "<ds:SignatureValue>", "<ds:SignatureValue>AAAA", 1), ClassSignature},
		"empty":            {"", ClassUnsigned},
		"signature alone":  {signature, ClassWrapping},
		"document type":    {"<!DOCTYPE register>" + signed, ClassDigest},
		"comment in it":    {strings.Replace(signed, "<rows>", "<rows><!-- -->", 1), ClassDigest},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := verifyStreamed(c.document, rosterOf(id)); err == nil {
				t.Fatalf("accepted: %+v", got)
			} else {
				wantClass(t, err, c.class)
			}
		})
	}
	for i := range signed {
		changed := signed[:i] + string(signed[i]^1) + signed[i+1:]
		if got, err := verifyStreamed(changed, rosterOf(id)); err == nil && !bytes.Equal(got.Certificate.Raw, id.cert.Raw) {
			t.Errorf("accepted with byte %d changed", i)
		} else if err == nil && i < from {
			t.Errorf("accepted with byte %d of the content changed", i)
		}
	}
}

func TestSignDigestNeedsRSA(t *testing.T) {
	if _, err := testSigner(t, testIdentity(t, "p256")).SignDigest([32]byte{}); err == nil {
		t.Error("an EC key signed a document that is to be kept")
	}
}
