package bankv1

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"tolem"
	"tolem/banks"
	"tolem/signing/c14n"
)

// errOutside: the number of the card stands in another field too, where it
// could not be cut out.
var errOutside = fmt.Errorf("%w: card number outside the card's element", banks.ErrOrder)

// keep puts the request into the evidence, in the form that may be kept.
func (r *request) keep(e *banks.Evidence, message []byte) error {
	e.RequestHash = sha256.Sum256(message)
	if r.element == nil {
		e.Request = message
		return nil
	}
	e.Request, e.Redacted = bytes.Replace(message, r.element, r.kept, 1), true
	if bytes.Count(message, r.element) != 1 || r.seen(string(e.Request)) {
		return errOutside
	}
	return nil
}

// forget overwrites the buffers from which the message was signed. The message
// itself is the HTTP client's until it lets go of it, which may be later.
func (r *request) forget() {
	clear(r.payload)
	clear(r.element)
}

// keepAnswer puts a verified answer into the evidence. A bank may not repeat
// card data; one that does has them cut out, and if they are spelt in a way in
// which they are not found in the bytes, the canonical Body is kept.
func (r *request) keepAnswer(e *banks.Evidence, answer, body []byte, bankText string) {
	e.Answer, e.AnswerHash = answer, sha256.Sum256(answer)
	if r.number == "" {
		return
	}
	text, cleanText := spelt(bankText), spelt(r.cutWords(bankText))
	clean := func(b []byte) []byte {
		s := string(b)
		if text != cleanText {
			s = strings.ReplaceAll(s, text, cleanText)
		}
		return []byte(r.cut(s))
	}
	cleanBody := clean(body)
	if bytes.Equal(cleanBody, body) {
		return
	}
	e.AnswerRedacted = true
	if e.Answer = clean(answer); bytes.Equal(e.Answer, answer) {
		e.Answer = cleanBody
	}
}

func spelt(s string) string { return string(c14n.AppendText(nil, s)) }

// clean cuts card data out of what the bank has said.
func (r *request) clean(a *banks.Authorization) {
	a.BankText, a.BankCode = r.cutWords(a.BankText), r.cut(a.BankCode)
	a.AuthCode = r.cut(a.AuthCode)
	a.BankRef = tolem.BankRef(r.cut(string(a.BankRef)))
}

// seen reports whether the card's number stands in a text.
func (r *request) seen(s string) bool { return r.cut(s) != s }

// cut replaces the number of the card by its mask, also with single spaces or
// dashes between its digits.
func (r *request) cut(s string) string {
	if r.number == "" {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := match(s[i:], r.number); n > 0 {
			b.WriteString(r.mask)
			i += n
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// match returns how many bytes of s spell the number, 0 if s does not begin
// with it.
func match(s, number string) int {
	at := 0
	for i := range len(number) {
		if i > 0 && at < len(s) && (s[at] == ' ' || s[at] == '-') {
			at++
		}
		if at == len(s) || s[at] != number[i] {
			return 0
		}
		at++
	}
	return at
}

// cutWords cuts the number and, where it stands alone, the security code.
func (r *request) cutWords(s string) string {
	s = r.cut(s)
	if r.cvc == "" {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
		if n < 0 {
			n = len(s)
		}
		switch {
		case n == 0:
			b.WriteByte(s[0])
			n = 1
		case s[:n] == r.cvc:
			b.WriteString("***")
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
