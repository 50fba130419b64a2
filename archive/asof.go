package archive

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

// MessageReport is what the verification of one message found.
type MessageReport struct {
	ID          string              `json:"id"`
	Direction   string              `json:"direction"`
	At          time.Time           `json:"at"`
	Participant tolem.ParticipantID `json:"participant"`
	Operation   tolem.Operation     `json:"operation"`
	Code        string              `json:"code"`
	RequestID   tolem.RequestID     `json:"requestId"`
	Refused     string              `json:"refused,omitempty"`  // why the gateway refused it
	Redacted    bool                `json:"redacted,omitempty"` // card data were cut out: the signature is of the original
	Signer      string              `json:"signer,omitempty"`   // subject of the certificate
	Sealed      bool                `json:"sealed"`             // is in the log
	Findings    []string            `json:"findings"`           // what does not hold
}

// OK reports whether everything holds.
func (r *MessageReport) OK() bool { return len(r.Findings) == 0 }

// VerifyMessage verifies one message as of its arrival: that it is the one the
// log holds, that its signature holds, and, with the certificates and
// revocation lists kept since, that its certificate was to be trusted then.
func (a *Archive) VerifyMessage(ctx context.Context, code tolem.CodeNumber, id MessageID, c Check) (*MessageReport, error) {
	b, err := a.Export(ctx, code, id)
	sealed := err == nil
	if errors.Is(err, ErrNotSealed) {
		b, err = a.unsealed(ctx, code, id)
	}
	if err != nil {
		return nil, err
	}
	for i := range b.Records {
		if b.Records[i].ID == id.String() {
			report := b.Records[i].check()
			report.Sealed = sealed
			if sealed {
				report.find("log", b.check(c))
			}
			return report, nil
		}
	}
	return nil, fmt.Errorf("message %s: %w", id, store.ErrNotFound)
}

// VerifyCode verifies every message of a code.
func (a *Archive) VerifyCode(ctx context.Context, code tolem.CodeNumber, c Check) ([]*MessageReport, error) {
	var records []Record
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		records, err = a.LoadCode(tx, code)
		return err
	})
	reports := make([]*MessageReport, len(records))
	for i := range records {
		if err == nil {
			reports[i], err = a.VerifyMessage(ctx, code, records[i].ID, c)
		}
	}
	return reports, err
}

// unsealed is a bundle without proof, of a message that waits for the log.
func (a *Archive) unsealed(ctx context.Context, code tolem.CodeNumber, id MessageID) (*Bundle, error) {
	b := &Bundle{Format: bundleFormat}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		_, records, err := a.entryOf(tx, code, id)
		if err != nil {
			return err
		}
		for _, r := range records {
			br, err := a.bundleRecord(tx, r)
			if err != nil {
				return err
			}
			b.Records = append(b.Records, br)
		}
		return nil
	})
	return b, err
}

// CheckRecords verifies the signatures of a bundle that OpenBundle returned.
func (b *Bundle) CheckRecords() []*MessageReport {
	reports := make([]*MessageReport, len(b.Records))
	for i := range b.Records {
		reports[i] = b.Records[i].check()
		reports[i].Sealed = true
	}
	return reports
}

func (r *MessageReport) find(what string, err error) {
	if err != nil {
		r.Findings = append(r.Findings, what+": "+err.Error())
	}
}

// check verifies the signature of a record as of its time. A refused message
// is evidence of what was sent; nothing is claimed of its signature.
func (b *BundleRecord) check() *MessageReport {
	report := &MessageReport{
		ID: b.ID, Direction: b.Direction.String(), At: b.At, Participant: b.Participant, Operation: b.Operation, Code: b.Code,
		RequestID: b.RequestID, Redacted: b.Class == ClassRedacted, Findings: []string{},
	}
	if !report.Redacted {
		report.Refused = b.Class
	}
	cert, err := x509.ParseCertificate(b.Certificate)
	if err == nil {
		report.Signer = cert.Subject.String()
	}
	if b.Class != "" || b.Direction == Internal {
		return report
	}
	if b.keySigned() {
		report.Signer = "a key without certificate"
		return report
	}
	report.find("certificate", err)
	if err == nil {
		report.find("signature", b.checkSignature())
	}
	return report
}

// checkSignature verifies the signature in the form that the record has it: of
// a redirect over its text, of a document that the gateway sent inside it, of
// all else in the envelope of the message.
func (b *BundleRecord) checkSignature() error {
	if text, signature, ok := tolem.SplitSignedRedirect(b.Raw); ok {
		_, _, err := signing.VerifyText(b.Certificate, text, signature, asOf{b}, b.At)
		return err
	}
	if b.Direction == Out && b.Operation == "" {
		_, err := signing.VerifyEnveloped(b.Raw, asOf{b}, b.At)
		return err
	}
	_, err := signing.NewVerifier(asOf{b}, asOf{b}).Verify(b.Raw, b.At)
	return err
}

// keySigned reports whether a record is a compact JWS: a document of the card
// bridges, signed by a key that their pairing, in this archive too, made known.
// That it is what was stored the log proves; its signature is for smartcard to
// verify.
func (b *BundleRecord) keySigned() bool {
	return len(b.Certificate) == 0 && bytes.HasPrefix(b.Raw, []byte("eyJ")) && bytes.Count(b.Raw, []byte(".")) == 2
}

// asOf answers what signing asks about certificates from the record alone, as
// it was when the message was accepted.
type asOf struct{ b *BundleRecord }

// errOther reports a message that is signed by another certificate than the
// one it was accepted with.
var errOther = errors.New("signed by another certificate than recorded")

// Check implements signing.Truster.
func (a asOf) Check(cert *x509.Certificate, at time.Time) (trust.Proof, error) {
	if tolem.FingerprintOf(cert.Raw) != tolem.FingerprintOf(a.b.Certificate) {
		return trust.Proof{}, errOther
	}
	if a.b.Trust == nil { // our own answer: the certificate is the recorded one, and that is all there is to say
		return trust.Proof{}, nil
	}
	proof, err := trust.CheckAsOf(a.b.Trust.Evidence, at)
	if err == nil && a.b.trustID() != proof.ID {
		err = fmt.Errorf("%w: on other grounds than recorded", trust.ErrUntrusted)
	}
	return proof, err
}

// BodyOnly implements signing.Register: what was accepted then was allowed.
func (asOf) BodyOnly(tolem.Fingerprint) bool { return true }

// BySerial implements signing.Register.
func (a asOf) BySerial(*big.Int) [][]byte { return [][]byte{a.b.Certificate} }

// BySubjectKeyID implements signing.Register.
func (a asOf) BySubjectKeyID([]byte) []byte { return a.b.Certificate }
