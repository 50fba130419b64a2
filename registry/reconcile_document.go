package registry

import (
	"crypto/sha256"
	"io"
	"slices"
	"strconv"

	"tolem"
	"tolem/signing/c14n"
)

// head writes what stands before the anomalies.
func (c *comparison) head(b *c14n.Builder) {
	s := c.submission
	hash := sha256.Sum256(c.file)
	b.Root("reconciliation", ReconciliationNamespace)
	b.Text("number", string(s.Number))
	b.Text("operator", c.Operator)
	b.Text("kind", string(s.Owner.Kind))
	b.Text("ownerId", s.Owner.ID)
	b.Text("day", s.Day.String())
	b.Text("submissionId", s.ID)
	b.Text("submittedBy", string(s.By))
	b.Time("submittedAt", s.CreatedAt)
	b.Base64("listHash", hash[:])
	b.Text("registerNumber", string(s.Register))
	b.Base64("registerHash", c.register.Hash[:])
	b.Text("refusal", c.refusal)
	b.Text("matched", strconv.FormatInt(c.result.Matched, 10))
	b.Text("agreed", strconv.FormatInt(c.result.Agreed, 10))
	b.Text("noted", strconv.FormatInt(c.result.Noted, 10))
	for _, balance := range c.result.Balances {
		b.Open("balance")
		b.Text("currency", string(balance.Currency))
		for _, side := range []struct {
			name string
			sum  tolem.Sum
		}{{"ours", balance.Ours}, {"theirs", balance.Theirs}, {"matched", balance.Matched}} {
			b.Open(side.name)
			appendSum(b, side.sum)
			b.Close(side.name)
		}
		b.Text("difference", tolem.Money{Minor: balance.Net()}.Decimal())
		b.Close("balance")
	}
	counts := c.result.Counts()
	for _, code := range tolem.AnomalyCodes {
		if counts[code] > 0 {
			b.Open("count")
			b.Text("code", string(code))
			b.Text("severity", string(code.Severity()))
			b.Text("rows", strconv.Itoa(counts[code]))
			b.Close("count")
		}
	}
}

// document writes the report up to its signature.
func (c *comparison) document(w io.Writer) {
	var b c14n.Builder
	c.head(&b)
	b.Open("anomalies")
	for _, a := range c.result.Anomalies {
		appendAnomaly(&b, a)
	}
	b.Close("anomalies")
	_, _ = w.Write(b.Bytes) // to memory
}

func appendAnomaly(b *c14n.Builder, a tolem.Anomaly) {
	b.Open("anomaly")
	b.Text("no", strconv.Itoa(a.No))
	b.Text("code", string(a.Code))
	if a.OurLine > 0 {
		b.Text("registerLine", strconv.Itoa(a.OurLine))
	}
	if a.TheirLine > 0 {
		b.Text("listLine", strconv.Itoa(a.TheirLine))
	}
	if a.PaymentCode != 0 {
		b.Text("paymentCode", a.PaymentCode.String())
	}
	b.Text("bankRef", string(a.BankRef))
	b.Text("ours", a.Ours)
	b.Text("theirs", a.Theirs)
	for _, m := range []struct {
		name  string
		money tolem.Money
	}{{"difference", a.Difference}, {"counter", a.Counter}} {
		if !m.money.IsZero() {
			b.Open(m.name)
			b.Text("amount", m.money.Decimal())
			b.Text("currency", string(m.money.Currency))
			b.Close(m.name)
		}
	}
	b.Close("anomaly")
}

// evidence is what the archive keeps of a report: all but the anomalies, which
// follow from the list and the register, and the signature over the whole.
func (c *comparison) evidence(signature []byte) []byte {
	var b c14n.Builder
	c.head(&b)
	return slices.Concat(b.Bytes, signature, []byte(reconciliationEnd))
}
