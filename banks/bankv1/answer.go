package bankv1

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/signing"
	"tolem/wsdl/channel"
)

// resultMismatch: the bank knows the attempt with another content.
const resultMismatch = "MISMATCH"

// bad reports a verified answer that does not follow the contract. Its text
// quotes nothing of the answer.
func bad(problem string) error { return fmt.Errorf("%w: %s", channel.ErrAnswer, problem) }

// fields are the texts of an answer by their names.
type fields map[string]string

// read reads a verified answer. What is wrong with it makes it no answer.
func (c *Connector) read(r request, body []byte) (banks.Authorization, error) {
	name, list, err := c.reader.Read(body)
	if err != nil || name != r.operation+"Response" {
		return banks.Authorization{}, bad("a fault, or another message")
	}
	f, err := collect(list)
	if err != nil {
		return banks.Authorization{}, err
	}
	a := banks.Authorization{BankText: f["bankText"]}
	switch {
	case !strings.EqualFold(f["requestId"], string(r.id)):
		return a, bad("it is for another request")
	case f["attemptId"] != string(r.attempt):
		return a, bad("it is about another attempt")
	case f["claimNumber"] != string(r.claim):
		return a, bad("it is about another claim")
	case f["resultCode"] == resultMismatch:
		return a, banks.ErrOtherContent
	}
	a.Outcome = banks.Outcome(f["resultCode"])
	if !slices.Contains(mayAnswer[r.operation], a.Outcome) {
		return a, bad("its resultCode is not known here")
	}
	return a, errors.Join(r.fill(&a, f), wrongAmount(r, a))
}

// mayAnswer says which outcomes may be answered to what.
var mayAnswer = map[string][]banks.Outcome{
	"AuthorizeCard":  {banks.Approved, banks.Refused, banks.Pending, banks.Reversed},
	"DebitAccount":   {banks.Approved, banks.Refused, banks.Pending, banks.Reversed},
	"GetStatus":      {banks.Approved, banks.Refused, banks.Pending, banks.Reversed, banks.UnknownAttempt},
	"ReversePayment": {banks.Approved, banks.Refused, banks.Reversed, banks.UnknownAttempt},
	"PayClaim":       {banks.Accepted, banks.Paid, banks.Refused, banks.Pending},
}

// collect refuses a field that comes twice or has fields inside.
func collect(list []signing.Field) (fields, error) {
	f := make(fields, len(list))
	for _, x := range list {
		if _, twice := f[x.Name]; twice || x.Fields != nil {
			return nil, bad("a field twice, or not a text")
		}
		f[x.Name] = x.Value
	}
	return f, nil
}

// fill reads the fields that go with the outcome.
func (r *request) fill(a *banks.Authorization, f fields) (err error) {
	a.BankCode, a.AuthCode, a.BankRef = f["bankCode"], f["authCode"], tolem.BankRef(f["bankRef"])
	if len([]rune(a.BankCode)) > maxReference || len([]rune(a.AuthCode)) > maxReference || len([]rune(f["bankRef"])) > maxReference {
		return bad("a reference is too long")
	}
	if len([]rune(a.BankText)) > maxText {
		return bad("bankText is too long")
	}
	switch {
	case a.Outcome == banks.Refused && r.claim != "":
		if a.BankText == "" {
			return bad("a claim is refused without a word")
		}
	case a.Outcome == banks.Refused:
		a.Reason = tolem.ParseRefusalReason(f["reason"])
	}
	if s := f["amount"]; s != "" {
		currency, err := tolem.ParseCurrency(f["currency"])
		if err != nil {
			return bad("currency")
		}
		if a.Amount, err = tolem.ParseMoney(s, currency); err != nil {
			return bad("amount")
		}
	}
	if s := f["paidAt"]; s != "" {
		if a.PaidAt, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return bad("paidAt")
		}
		a.PaidAt = a.PaidAt.UTC()
	}
	taken := a.Outcome == banks.Approved || a.Outcome == banks.Reversed || a.Outcome == banks.Paid
	if taken && (a.BankRef == "" || a.PaidAt.IsZero() || a.Amount.IsZero()) {
		return bad("bankRef, paidAt or amount is missing")
	}
	return nil
}

// wrongAmount compares the answer to an order with the order.
func wrongAmount(r request, a banks.Authorization) error {
	if r.amount.IsZero() {
		return nil
	}
	if err := a.Check(r.amount); err != nil {
		return banks.ErrAmount
	}
	return nil
}
