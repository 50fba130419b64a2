package bankv1

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tolem"
	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/signing/c14n"
	"tolem/wsdl"
)

// Lengths of the contract, in characters.
const (
	maxReference = 64
	maxAccount   = 34
	maxText      = 500

	saltSize = 32 // bytes
)

var (
	attemptForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	identifierForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
)

// request is a message before it is signed.
type request struct {
	operation string
	id        tolem.RequestID
	attempt   tolem.AttemptID   // or
	claim     tolem.ClaimNumber // what it is about
	amount    tolem.Money       // zero: not of an order
	payload   []byte

	// Of a card: its element as it is sent and as it is kept, and what must be
	// seen nowhere.
	element, kept []byte
	number, cvc   string
	mask          string
}

// writer writes a request and collects what is wrong with its fields.
type writer struct {
	c14n.Builder
	random io.Reader
	err    error
}

func (w *writer) fail(field string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", banks.ErrOrder, field)
	}
}

// begin opens the message and writes what every request begins with.
func (c *Connector) begin(operation string) (*writer, request) {
	w := &writer{random: c.config.Random}
	r := request{operation: operation}
	r.id, w.err = exchange.NewRequestID(w.random)
	w.Root(operation, wsdl.BankNamespace)
	w.Text("requestId", string(r.id))
	return w, r
}

// about begins a request about an attempt.
func (c *Connector) about(operation string, attempt tolem.AttemptID) (*writer, request) {
	w, r := c.begin(operation)
	r.attempt = attempt
	w.form("attemptId", string(attempt), attemptForm, true)
	return w, r
}

func (w *writer) end(r request) (request, error) {
	w.Close(r.operation)
	r.payload = w.Bytes
	if w.err != nil {
		return request{operation: r.operation, attempt: r.attempt, claim: r.claim, id: r.id}, w.err
	}
	return r, nil
}

func (w *writer) form(field, value string, form *regexp.Regexp, required bool) {
	if (required || value != "") && !form.MatchString(value) {
		w.fail(field)
	}
	w.Text(field, value)
}

// line writes a value without control characters that must fit.
func (w *writer) line(field, value string, most int, required bool) {
	control := strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError || r == 0xfffe || r == 0xffff })
	if required && value == "" || control || utf8.RuneCountInString(value) > most {
		w.fail(field)
	}
	w.Text(field, value)
}

// prose writes a text for people, made to fit.
func (w *writer) prose(field, text string) {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(clean); len(runes) > maxText {
		clean = string(runes[:maxText])
	}
	w.Text(field, clean)
}

func (w *writer) money(m tolem.Money) {
	if _, err := tolem.ParseCurrency(string(m.Currency)); err != nil || m.Minor <= 0 || m.Minor > tolem.MaxAmountMinor {
		w.fail("amount")
	}
	w.Text("amount", m.Decimal())
	w.Text("currency", string(m.Currency))
}

func (w *writer) what(p banks.Purchase) {
	if p.Recipient != "" {
		if _, err := tolem.ParseIIN(p.Recipient.Reveal()); err != nil {
			w.fail("recipientIIN")
		}
	}
	w.Text("recipientIIN", p.Recipient.Reveal())
	w.form("serviceCode", string(p.Service), identifierForm, false)
	w.form("providerId", string(p.Provider), identifierForm, false)
	w.line("accountNo", p.Account, maxAccount, false)
	w.form("merchantCode", string(p.Merchant), identifierForm, false)
	w.line("orderNo", p.OrderNo, maxReference, false)
	w.prose("description", p.Description)
}

func (c *Connector) cardRequest(o banks.CardOrder) (request, error) {
	w, r := c.about(wsdl.BankAuthorizeCard, o.Attempt)
	r.amount = o.Amount
	w.money(o.Amount)
	if o.Code != 0 {
		w.Text("paymentCode", o.Code.String())
		if o.Recipient == "" || o.Service == "" || o.Provider == "" || o.Account == "" {
			w.fail("what the bank must know to notify the payment of a code")
		}
	}
	w.what(o.Purchase)
	number, holder, cvc, month, year := o.Card.Reveal()
	if number == "" || cvc == "" {
		w.fail("card")
	}
	r.number, r.cvc, r.mask = number, cvc, o.Card.Masked()
	var salt [saltSize]byte
	if _, err := io.ReadFull(w.random, salt[:]); err != nil && w.err == nil {
		w.err = errors.New("random numbers cannot be had")
	}
	from := len(w.Bytes)
	w.Open("card")
	w.Text("number", number)
	w.Text("expiryMonth", fmt.Sprintf("%02d", month))
	w.Text("expiryYear", strconv.Itoa(year))
	w.Text("holderName", holder)
	w.Text("cvc", cvc)
	w.Text("salt", hex.EncodeToString(salt[:]))
	w.Close("card")
	r.element = append([]byte(nil), w.Bytes[from:]...)
	r.kept = []byte("<card><number>" + r.mask + "</number></card>")
	return w.end(r)
}

func (c *Connector) accountRequest(o banks.AccountOrder) (request, error) {
	w, r := c.about(wsdl.BankDebitAccount, o.Attempt)
	r.amount = o.Amount
	w.form("paymentId", string(o.Payment), attemptForm, true)
	w.money(o.Amount)
	w.line("payerAccount", o.From, maxAccount, true)
	w.what(o.Purchase)
	return w.end(r)
}

func (c *Connector) statusRequest(attempt tolem.AttemptID) (request, error) {
	w, r := c.about(wsdl.BankGetStatus, attempt)
	return w.end(r)
}

func (c *Connector) reversalRequest(attempt tolem.AttemptID, reason string) (request, error) {
	w, r := c.about(wsdl.BankReversePayment, attempt)
	w.prose("reason", reason)
	return w.end(r)
}

func (c *Connector) claimRequest(o banks.ClaimOrder) (request, error) {
	w, r := c.begin(wsdl.BankPayClaim)
	r.claim, r.amount = o.Number, o.Amount
	if _, err := tolem.ParseClaimNumber(string(o.Number)); err != nil || o.Number.Bank() != c.config.Bank {
		w.fail("claimNumber")
	}
	if o.DueAt.IsZero() || o.Count < 0 {
		w.fail("dueAt or count")
	}
	w.Text("claimNumber", string(o.Number))
	w.Text("kind", string(o.Number.Kind()))
	w.Text("day", o.Day.String())
	w.Time("dueAt", o.DueAt)
	w.Text("count", strconv.FormatInt(o.Count, 10))
	w.money(o.Amount)
	w.line("accountNo", o.Account, maxAccount, false)
	w.Text("registerNumber", string(o.Register))
	if code := o.Number.Code(); code != 0 {
		w.Text("paymentCode", code.String())
	}
	w.line("bankRef", string(o.BankRef), maxReference, false)
	return w.end(r)
}
