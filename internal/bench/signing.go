package bench

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tolem/internal/bench/naive"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
)

// The limits of signing.
const (
	minVerifyOfRaw   = 0.65 // of the rate of rsa.VerifyPKCS1v15 alone
	minVerifyOfNaive = 6
	minSignECOfRaw   = 0.85 // of the rate of a bare P-256 signature
	maxVerifyAllocs  = 16
)

const (
	messageBytes  = 5200 // of the request that is verified
	signingRounds = 7
)

// signing measures messages one at a time, on one thread.
func (s *session) signing(ctx context.Context) error {
	s.Progress("signing: keys and certificates")
	w, err := newWorkbench(ctx, filepath.Join(s.Dir, "signing"))
	if err != nil {
		return err
	}
	var rows []Row
	for _, kind := range []pki.KeyKind{pki.RSA2048, pki.P256} {
		s.Progress("signing: " + kind.String())
		b, err := w.bench(kind)
		if err != nil {
			return err
		}
		each := s.Each / 40
		if err := takeTurns(ctx, signingRounds, each, b.verify[:]...); err != nil {
			return err
		}
		if err := takeTurns(ctx, signingRounds, each, b.sign[:]...); err != nil {
			return err
		}
		more, err := s.signingRows(kind, b)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	s.table(Table{
		Part: PartSigning, Title: "Verifying and signing a message, one thread", Rows: rows,
		Note: fmt.Sprintf("request of %d bytes, answer of %d; every verification checks the chain and its revocation lists", w.requestBytes, w.answerBytes),
	})
	return nil
}

// signingRows turns what was measured with a kind of key into rows and checks.
func (s *session) signingRows(kind pki.KeyKind, b *signingBench) (rows []Row, err error) {
	for _, group := range []struct {
		what  string
		cases [3]*timed
	}{{"verify", b.verify}, {"sign answer", b.sign}} {
		raw, ours, straight := group.cases[0], group.cases[1], group.cases[2]
		allocs := map[*timed]float64{}
		for _, c := range group.cases {
			if allocs[c], err = allocations(c.op); err != nil {
				return nil, err
			}
			rows = append(rows, Row{Case: fmt.Sprintf("%s %s, %s", group.what, kind, c.name), Values: []Value{
				{"per second", "/s", c.rate()}, {"time", "µs", c.micros()}, {"allocations", "", allocs[c]},
				{"of raw", "×", ratio(c.rates, raw.rates)}, {"of goxmldsig", "×", ratio(c.rates, straight.rates)},
			}})
		}
		switch {
		case group.what == "verify":
			s.atMost(PartSigning, fmt.Sprintf("allocations to verify %s", kind), allocs[ours], maxVerifyAllocs)
			if kind == pki.RSA2048 {
				s.atLeast(PartSigning, "verify RSA-2048 : raw RSA", ratio(ours.rates, raw.rates), minVerifyOfRaw)
				s.atLeast(PartSigning, "verify RSA-2048 : goxmldsig", ratio(ours.rates, straight.rates), minVerifyOfNaive)
			}
		case kind == pki.P256:
			s.atLeast(PartSigning, "signed EC answer : raw P-256", ratio(ours.rates, raw.rates), minSignECOfRaw)
		}
	}
	return rows, nil
}

// workbench has what messages are made and checked with.
type workbench struct {
	authority                 *pki.PKI
	trust                     *trust.Store
	naive                     *naive.Trust
	requestBytes, answerBytes int
}

func newWorkbench(ctx context.Context, dir string) (*workbench, error) {
	authority, err := pki.New(pki.Options{Organization: "Tolem bench"})
	if err != nil {
		return nil, err
	}
	if err := authority.WriteTo(dir); err != nil {
		return nil, err
	}
	w := &workbench{authority: authority}
	w.trust, err = trust.Open(ctx, trust.Config{
		Anchors: []string{filepath.Join(dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(dir, pki.CRLsDir)},
	}, nil)
	if err != nil {
		return nil, err
	}
	w.naive, err = naive.ReadTrust(dir)
	return w, err
}

// signingBench holds the cases of one kind of key: raw, ours, straightforward.
type signingBench struct{ verify, sign [3]*timed }

func (w *workbench) bench(kind pki.KeyKind) (*signingBench, error) {
	id, err := w.authority.Issue(pki.Spec{CommonName: "bench " + kind.String(), Usage: pki.Signing, Key: kind})
	if err != nil {
		return nil, err
	}
	signer, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	request, err := signer.Sign(signing.SOAP11, paddedRequest(messageBytes), now)
	if err != nil {
		return nil, err
	}
	answer, err := signer.Sign(signing.SOAP11, []byte(sampleAnswer), now)
	if err != nil {
		return nil, err
	}
	w.requestBytes, w.answerBytes = max(w.requestBytes, len(request)), max(w.answerBytes, len(answer))
	digest := sha256.Sum256(request)
	value, err := id.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	verifier := signing.NewVerifier(w.trust, nil)
	return &signingBench{
		verify: [3]*timed{
			{name: "raw", op: func() error { return verifyRaw(id.Cert.PublicKey, digest[:], value) }},
			{name: "tolem", op: func() error { _, err := verifier.Verify(request, now); return err }},
			{name: "goxmldsig", op: func() error { _, _, err := w.naive.Verify(request, now); return err }},
		},
		sign: [3]*timed{
			{name: "raw", op: func() error { _, err := id.Key.Sign(rand.Reader, digest[:], crypto.SHA256); return err }},
			{name: "tolem", op: func() error { _, err := signer.Sign(signing.SOAP11, []byte(sampleAnswer), now); return err }},
			{name: "goxmldsig", op: func() error { _, err := naive.Sign([]byte(sampleAnswer), id.Key, id.Cert, now); return err }},
		},
	}, nil
}

func verifyRaw(key crypto.PublicKey, digest, value []byte) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, value)
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, digest, value) {
			return nil
		}
	}
	return errors.New("signature does not verify")
}

// sampleAnswer is an answer to a notification, in canonical form.
const sampleAnswer = `<NotifyPaymentResponse xmlns="urn:tolem:gateway:v1"><requestId>0b7e1c9a-5f43-4d0e-9d5c-0a4f6c1f7a11</requestId>` +
	`<resultCode>OK</resultCode><resultText>Accepted</resultText><paymentCode>1234567890123456</paymentCode>` +
	`<receivedAt>2026-03-14T09:26:53.589793Z</receivedAt><state>PAID</state></NotifyPaymentResponse>`

// paddedRequest is a request whose signed message has about the given size.
func paddedRequest(size int) []byte {
	const open, end = `<t:NotifyPayment xmlns:t="urn:tolem:gateway:v1"><t:requestId>0b7e1c9a-5f43-4d0e-9d5c-0a4f6c1f7a11</t:requestId>`, `</t:NotifyPayment>`
	const row = `<t:detail><t:name>purpose of payment</t:name><t:value>state duty for a certificate</t:value></t:detail>`
	const envelope = 3200 // around it
	return []byte(open + strings.Repeat(row, max(0, size-envelope-len(open)-len(end))/len(row)) + end)
}
