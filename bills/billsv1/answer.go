package billsv1

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"tolem"
	"tolem/bills"
	"tolem/wsdl"
	"tolem/wsdl/channel"
	"tolem/wsdl/contract"
)

// Result codes of the contract that mean something here. All others, BUSY among
// them, are no answer.
const (
	resultOK      = "OK"
	resultUnknown = "UNKNOWN_ACCOUNT"
)

// maxText is how long resultText may be, in characters.
const maxText = 500

var resultForm = regexp.MustCompile(`^[A-Z_]{2,32}$`)

// bad reports a verified answer that does not follow the contract. Its text
// quotes nothing of the answer but names of elements.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", channel.ErrAnswer, fmt.Sprintf(format, args...))
}

// read reads a verified answer to a question.
func (c *Connector) read(q question, body []byte) (tolem.Snapshot, error) {
	name, list, err := c.reader.Read(body)
	if err != nil || name != wsdl.ProviderLookup+"Response" {
		return tolem.Snapshot{}, bad("a fault, or another message")
	}
	f := contract.NewFields(list)
	id, number := f.RequestID("requestId"), f.AccountNumber("accountNo")
	result := f.Token("resultCode")
	f.Check("resultCode", resultForm.MatchString(result), "2 to 32 capital letters and underlines")
	if f.Has("resultText") {
		f.Check("resultText", utf8.RuneCountInString(f.Required("resultText")) <= maxText, "a text of at most 500 characters")
	}
	asOf, paidUntil := f.OptionalTime("asOf"), f.OptionalTime("paidUntil")
	var currency tolem.Currency
	if f.Has("currency") {
		currency = f.Currency("currency")
	}
	var accounts []tolem.Snapshot
	f.List("account", 1, func(f *contract.Fields) { accounts = append(accounts, f.Account(currency)) })
	if err := f.End(); err != nil {
		return tolem.Snapshot{}, bad("it %v", err)
	}
	switch {
	case !strings.EqualFold(string(id), string(q.id)):
		return tolem.Snapshot{}, bad("it is for another request")
	case number != q.account:
		return tolem.Snapshot{}, bad("it is about another account")
	case (result == resultOK) != (len(accounts) == 1), result == resultOK && (currency == "" || paidUntil.IsZero()):
		return tolem.Snapshot{}, bad("account, currency and paidUntil do not go with resultCode %s", result)
	case result == resultUnknown:
		return tolem.Snapshot{}, bills.ErrNoAccount
	case result != resultOK:
		return tolem.Snapshot{}, bad("it says %s", result)
	case accounts[0].Account.Number != q.account:
		return tolem.Snapshot{}, bad("it describes another account")
	}
	s := accounts[0]
	s.Account.Organisation, s.AsOf, s.PaidUntil = c.config.Organisation, asOf, paidUntil
	return s, nil
}
