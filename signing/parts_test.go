package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem/signing/trust"
)

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-14T09:26:53Z":                                 "2026-03-14T09:26:53Z",
		"2026-03-14T09:26:53.5Z":                               "2026-03-14T09:26:53.5Z",
		"2026-03-14T09:26:53.123456789Z":                       "2026-03-14T09:26:53.123456789Z",
		"2026-03-14T09:26:53.1234567899Z":                      "2026-03-14T09:26:53.123456789Z",
		"2026-03-14T09:26:53+05:00":                            "2026-03-14T04:26:53Z",
		"2026-03-14T23:59:59.999-03:30":                        "2026-03-15T03:29:59.999Z",
		"2024-02-29T00:00:00Z":                                 "2024-02-29T00:00:00Z",
		"2026-03-14T09:26:53+00:00":                            "2026-03-14T09:26:53Z",
		"2026-02-29T00:00:00Z":                                 "",
		"2026-03-14T09:26:53":                                  "", // no zone
		"2026-03-14 09:26:53Z":                                 "",
		"2026-03-14T09:26:53z":                                 "",
		"2026-3-14T09:26:53Z":                                  "",
		"2026-03-14T24:00:00Z":                                 "",
		"2026-03-14T09:60:00Z":                                 "",
		"2026-03-14T09:26:60Z":                                 "",
		"2026-00-14T09:26:53Z":                                 "",
		"2026-13-14T09:26:53Z":                                 "",
		"0000-03-14T09:26:53Z":                                 "",
		"-2026-03-14T09:26:53Z":                                "",
		"12026-03-14T09:26:53Z":                                "",
		"2026-03-14T09:26:53.Z":                                "",
		"2026-03-14T09:26:53,5Z":                               "",
		"2026-03-14T09:26:53+15:00":                            "",
		"2026-03-14T09:26:53+0500":                             "",
		"2026-03-14T09:26:53Z ":                                "",
		" 2026-03-14T09:26:53Z":                                "",
		"2026-03-14T09:26:53." + strings.Repeat("1", 40) + "Z": "",
		"": "",
	} {
		got, ok := parseInstant([]byte(text))
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %v, %v, want %q", text, got, ok, want)
		}
	}
}

func TestECDSAForms(t *testing.T) {
	for _, kind := range []string{"p256", "p384", "p521"} {
		key := testKeys[kind]().(*ecdsa.PrivateKey)
		width := coordinateWidth(key.Curve)
		for i := range 40 {
			digest := sha256.Sum256([]byte{byte(i)})
			der, err := key.Sign(nil, digest[:], crypto.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			fixed, err := appendECDSAFixed(nil, der, width)
			if err != nil || len(fixed) != 2*width {
				t.Fatalf("%s: %v, %d bytes", kind, err, len(fixed))
			}
			if back := appendECDSADER(nil, fixed[:width], fixed[width:]); !bytes.Equal(back, der) {
				t.Fatalf("%s: %x became %x", kind, der, back)
			}
			for cut := range len(der) {
				if _, err := appendECDSAFixed(nil, der[:cut], width); !errors.Is(err, errBadECDSADER) {
					t.Fatalf("cut at %d: %v", cut, err)
				}
			}
		}
	}
	long := appendECDSADER(nil, bytes.Repeat([]byte{1}, 40), bytes.Repeat([]byte{1}, 40))
	if _, err := appendECDSAFixed(nil, long, 32); !errors.Is(err, errBadECDSADER) {
		t.Errorf("number wider than the curve: %v", err)
	}
}

func TestSameName(t *testing.T) {
	der := testIdentity(t, "p256").cert.RawIssuer // CN=bank-p256, O=Bank "A", B+C, C=KZ
	for text, want := range map[string]bool{
		`CN=bank-p256,O=Bank \"A\"\, B\+C,C=KZ`:                              true,
		`C=KZ, O=Bank \"A\"\, B\+C, CN=bank-p256`:                            true,
		`CN=bank-p256; O="Bank \"A\", B+C"; C=KZ`:                            true,
		`cn = bank-p256 , o = Bank \22A\22\2C B\2BC , c = KZ `:               true,
		`2.5.4.3=bank-p256,OID.2.5.4.10=Bank \"A\"\, B\+C,2.5.4.6=#0c024b5a`: true,
		`CN=bank-p256,O=Bank \"A\"\, B\+C`:                                   false,
		`CN=bank-p384,O=Bank \"A\"\, B\+C,C=KZ`:                              false,
		`CN=bank-p256,OU=Bank \"A\"\, B\+C,C=KZ`:                             false,
		`O=Bank \"A\"\, B\+C,CN=bank-p256,C=KZ`:                              false,
		`CN=bank-p256,O="Bank,C=KZ`:                                          false,
		`CN`:                                                                 false,
		``:                                                                   false,
		strings.Repeat("CN=a,", 100) + "CN=a":                                false,
	} {
		if got := sameName(text, der); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if sameName("CN=a", []byte{0x30, 0x05}) {
		t.Error("malformed DER equals a name")
	}
}

func TestBase64(t *testing.T) {
	for text, want := range map[string]string{
		"QUJD": "ABC", " QU\r\nJD\t": "ABC", "QUI=": "AB", "Q U I =": "AB", "QQ==": "A",
		"": "", "  ": "", "QUJ": "", "QUI": "", "QUJ=": "", "QUJDQ": "", "QU-D": "", "QUI=QUI=": "", "====": "",
	} {
		got, ok := appendBase64(nil, []byte(text))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
}

// The certificates of participants stay, whatever strangers send.
func TestCertificatesAreBounded(t *testing.T) {
	var c certificates
	for i := range 3 * MaxCertificates {
		c.keep(&certificate{x509: &x509.Certificate{}, key: fmt.Sprint(i)})
	}
	if n := len(c.young) + len(c.older); n > MaxCertificates {
		t.Errorf("%d kept", n)
	}
	if c.find(fmt.Append(nil, 3*MaxCertificates-1)) == nil || c.find([]byte("0")) != nil {
		t.Error("the oldest is kept, or the youngest is not")
	}
	id := testIdentity(t, "p256")
	v := NewVerifier(rosterOf(), nil)
	_, err := v.Verify(request(t, id), testTime)
	wantClass(t, err, ClassUntrusted)
	if len(v.certs.young) != 0 {
		t.Error("the certificate of a stranger is kept")
	}
	v = NewVerifier(rosterOf(id), nil)
	for range 2 {
		if _, err := v.Verify(request(t, id), testTime); err != nil {
			t.Fatal(err)
		}
	}
	if kept := v.certs.find([]byte(base64.StdEncoding.EncodeToString(id.cert.Raw))); kept == nil || len(v.certs.young) != 1 {
		t.Error("the certificate of a participant is not kept")
	}
}

// One Verifier and one Signer serve many goroutines; what one got does not
// change when others go on.
func TestConcurrentUse(t *testing.T) {
	id := testIdentity(t, "p256")
	v, s := NewVerifier(rosterOf(id), rosterOf(id)), testSigner(t, id)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			var kept []*Verified
			var bodies [][]byte
			for i := range 25 {
				payload := fmt.Sprintf(`<x xmlns="urn:x"><n>%d-%d</n></x>`, g, i)
				raw, err := s.Sign(Version(i%2), []byte(payload), testTime)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := v.Verify(raw, testTime)
				if err != nil || !bytes.Contains(got.Body, []byte(payload)) {
					t.Errorf("%s: %v", payload, err)
					return
				}
				clear(raw) // what was handed on must not be part of it
				kept, bodies = append(kept, got), append(bodies, bytes.Clone(got.Body))
				if _, err := v.Verify([]byte("<x/>"), testTime); err == nil {
					t.Error("accepted")
				}
			}
			for i := range kept {
				if !bytes.Equal(kept[i].Body, bodies[i]) {
					t.Error("a Body changed after it was handed on")
				}
			}
		})
	}
	wg.Wait()
}

// A message that fails still tells its version, so that it is answered in it.
func TestErrorTellsVersion(t *testing.T) {
	id := testIdentity(t, "p256")
	raw, err := testSigner(t, id).Sign(SOAP12, []byte(paymentPayload), testTime)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewVerifier(rosterOf(), nil).Verify(raw, testTime)
	var e *Error
	if !errors.As(err, &e) || e.Version != SOAP12 || !errors.Is(err, trust.ErrUntrusted) {
		t.Errorf("got %#v", err)
	}
	_, err = NewVerifier(rosterOf(), nil).Verify([]byte("x"), testTime)
	if !errors.As(err, &e) || e.Version != SOAP11 {
		t.Errorf("got %#v", err)
	}
}

// Without a register only a certificate in the message leads to a key.
func TestNoRegister(t *testing.T) {
	r := noRegister{}
	if r.BySerial(big.NewInt(1)) != nil || r.BySubjectKeyID([]byte{1}) != nil || r.BodyOnly([32]byte{}) {
		t.Error("no register knows somebody")
	}
}

// A key that fails or lies does not make a message.
func TestSignerReportsKeyFailure(t *testing.T) {
	id := testIdentity(t, "p256")
	for name, key := range map[string]*brokenKey{
		"failing":   {id, nil, errors.New("device gone")},
		"malformed": {id, []byte{0x30, 0x01}, nil},
	} {
		s, err := NewSigner(key, id.cert)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := s.Sign(SOAP11, []byte(paymentPayload), testTime); err == nil {
			t.Errorf("%s key: %s", name, raw)
		}
	}
}

func TestSignRefusesBrokenPayload(t *testing.T) {
	s := testSigner(t, testIdentity(t, "p256"))
	if raw, err := s.Sign(SOAP11, []byte(`<x xmlns:soap="urn:x">`), testTime); err == nil {
		t.Errorf("signed %s", raw)
	}
	if _, err := Canonicalize([]byte(`<!DOCTYPE x><x/>`)); err == nil {
		t.Error("canonicalized a document type")
	}
}

func TestBenchmarkMessageHasItsSize(t *testing.T) {
	_, id, _ := realTrust(t, "rsa")
	if n := len(request(t, id)); n < benchSize*9/10 || n > benchSize*11/10 {
		t.Errorf("%d bytes, want about %d", n, benchSize)
	}
}
