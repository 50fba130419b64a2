package payments

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/store"
)

// word is what a bank's answer comes to.
type word struct {
	states []tolem.AttemptState // the attempt comes through; none: it stays
	reason tolem.RefusalReason
	alarm  string
}

// Alarms.
const (
	alarmAmount      = "the bank approved another amount"
	alarmIncomplete  = "the bank approved without reference or time of payment"
	alarmLate        = "the bank approved an attempt that is over"
	alarmNotNotified = "approved, but its notification does not come"
	alarmNotReversed = "the bank did not give the money back"
	alarmReversed    = "the bank gave the money back unasked"
)

// wordOf decides what an answer, or none, means for an attempt. Silence means
// nothing: only what certainly did not reach the bank, and what the bank has
// said, decides (GW-P34, ACQ-P09).
func wordOf(a tolem.Attempt, op tolem.Operation, auth banks.Authorization, err error) word {
	first := op == opAuthorize || op == opDebit
	unknown := word{}
	if a.State == tolem.AttemptSent {
		unknown.states = []tolem.AttemptState{tolem.AttemptUnknown}
	}
	switch {
	case first && errors.Is(err, banks.ErrNotSent):
		return word{states: []tolem.AttemptState{tolem.AttemptRefused}, reason: tolem.RefusedTechnical}
	case err != nil:
		if errors.Is(err, banks.ErrAmount) {
			unknown.alarm = alarmAmount
		}
		return unknown
	case auth.Check(a.Amount) != nil:
		unknown.alarm = alarmAmount
		return unknown
	}
	switch auth.Outcome {
	case banks.Approved:
		if auth.BankRef == "" || auth.PaidAt.IsZero() {
			unknown.alarm = alarmIncomplete
			return unknown
		}
		return word{states: []tolem.AttemptState{tolem.AttemptApproved}}
	case banks.Refused:
		return word{states: []tolem.AttemptState{tolem.AttemptRefused}, reason: tolem.ParseRefusalReason(string(auth.Reason))}
	case banks.UnknownAttempt:
		if first {
			return unknown
		}
		return word{states: []tolem.AttemptState{tolem.AttemptRefused}, reason: tolem.RefusedTechnical}
	case banks.Reversed:
		return word{states: []tolem.AttemptState{tolem.AttemptRefused}, reason: tolem.RefusedTechnical, alarm: alarmReversed}
	}
	return unknown
}

// settle stores what a call came to: the attempt's new state, its effect on the
// code, and the evidence, in one transaction. If that fails the attempt is asked
// about when its time comes.
func (e *Engine) settle(ctx context.Context, id tolem.AttemptID, op tolem.Operation, auth banks.Authorization, callErr error) {
	event := Event{Operation: op, Err: callErr}
	err := e.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.PayAttempt(id)
		if err != nil {
			return err
		}
		event.Attempt, event.Alarm = seen, ""
		s := settlement{Engine: e, tx: tx, before: seen, after: seen, op: op, auth: auth, err: callErr}
		if err := s.decide(); err != nil {
			return err
		}
		if err := s.keep(); err != nil {
			return err
		}
		if err := s.tell(); err != nil {
			return err
		}
		event.Attempt, event.Alarm = s.after, s.alarm
		return nil
	})
	event.Err = errors.Join(event.Err, err)
	e.config.Observe(event)
}

// settlement is one run of settle.
type settlement struct {
	*Engine
	tx            *store.Tx
	before, after tolem.Attempt
	op            tolem.Operation
	auth          banks.Authorization
	err           error
	alarm         string
}

func (s *settlement) decide() error {
	switch s.before.State {
	case tolem.AttemptSent, tolem.AttemptUnknown:
		return s.decideOpen()
	case tolem.AttemptApproved:
		return s.decideApproved()
	}
	// Somebody was faster. What is over stays over.
	if s.err == nil && s.auth.Outcome == banks.Approved {
		s.alarm = alarmLate
	}
	return nil
}

// decideOpen settles an attempt whose fate was open.
func (s *settlement) decideOpen() error {
	now := s.tx.Now()
	w := wordOf(s.before, s.op, s.auth, s.err)
	s.alarm = w.alarm
	s.after.BankCode, s.after.BankText = clean(s.auth.BankCode), clean(s.auth.BankText)
	for _, state := range w.states {
		var err error
		if s.after, err = s.after.Become(state, now); err != nil {
			return err
		}
	}
	switch s.after.State {
	case tolem.AttemptUnknown:
		s.askLater()
	case tolem.AttemptRefused:
		s.after.Reason = w.reason
		if err := s.inputAgain(); err != nil {
			return err
		}
	case tolem.AttemptApproved:
		s.after.BankRef, s.after.PaidAt, s.after.Asked = s.auth.BankRef, s.auth.PaidAt.UTC().Truncate(time.Microsecond), 0
		if err := s.approve(); err != nil {
			return err
		}
	}
	return s.change(w.states)
}

// askLater has the bank asked again, the later the more questions have decided
// nothing. A question whose answer died with this process is none of them.
func (s *settlement) askLater() {
	if s.op == opStatus || s.op == opReverse {
		s.after.Asked++
	}
	s.after.AskAt = s.tx.Now().Add(backOff(s.after.Asked))
}

// change stores the attempt.
func (s *settlement) change(states []tolem.AttemptState) error {
	if len(states) == 0 {
		s.after.Version++
	}
	return s.tx.ChangePayAttempt(s.before, s.after, states...)
}

// tell has whoever wants to know take part in a decision.
func (s *settlement) tell() error {
	if s.after.State == s.before.State || !s.after.State.Decided() {
		return nil
	}
	return s.config.Decided(s.tx, s.after)
}

// inputAgain lets the payer try again after a refusal (ACQ-P06).
func (s *settlement) inputAgain() error {
	c, err := s.tx.Checkout(s.before.Payment)
	if err != nil {
		return err
	}
	c.InputBy = s.tx.Now().Add(tolem.InputTTL)
	return s.tx.ChangeCheckout(c)
}

// approve brings about what follows from an approval. Of a card nothing does:
// the bank's notification makes the code PAID (ACQ-P14), and if it does not come
// the bank is asked. Of an account the code comes into being, paid (GW-072).
func (s *settlement) approve() error {
	if s.before.Method == tolem.MethodAccount {
		return s.debited()
	}
	came, err := paid(s.tx, s.before)
	if err == nil && !came {
		s.after.AskAt = s.tx.Now().Add(s.config.CallTimeout)
	}
	return err
}

// debited makes the code of a payment from an account (GW-072, GW-102, GW-103).
func (s *settlement) debited() error {
	c, err := s.tx.Checkout(s.before.Payment)
	if err != nil {
		return err
	}
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		return err
	}
	p := tolem.Payment{
		Code: number, Bank: s.before.Bank, BankRef: s.after.BankRef, Amount: s.before.Amount, PaidAt: s.after.PaidAt, ReceivedAt: s.tx.Now(),
		Channel: tolem.ChannelAccount, Recipient: c.Recipient, RecipientName: c.RecipientName, Service: c.Service, Provider: c.Provider,
		Account: s.purchase(c).Account, NotifiedBy: s.before.Bank,
	}
	d := tolem.Debited(tolem.Code{
		Number: number, Service: c.Service, Provider: c.Provider, Amount: c.Amount, Channel: tolem.ChannelAccount,
		Recipient: c.Recipient, RecipientName: c.RecipientName, Requester: c.Participant, RequestNo: c.RequestNo,
	}, p, s.tx.Now())
	if err := errors.Join(s.tx.InsertCode(d), s.tx.InsertPayment(p)); err != nil {
		return err
	}
	c.Code, s.after.Code = number, number
	raw, err := archive.DebitDocument(p, c.ID, s.before.ID)
	if err != nil {
		return err
	}
	return errors.Join(s.tx.ChangeCheckout(c), s.internal(raw))
}

// decideApproved settles what a bank says of an attempt that it has approved:
// whether its money went back, or whether its notification is still to come.
func (s *settlement) decideApproved() error {
	now := s.tx.Now()
	switch {
	case s.op != opReverse && s.op != opStatus:
		return nil // the answer to the first call, after Status had told it
	case s.err != nil || s.auth.Outcome == banks.Pending:
		s.askLater()
	case s.auth.Outcome == banks.Reversed, s.op == opReverse && s.auth.Outcome == banks.UnknownAttempt:
		if s.op != opReverse {
			s.alarm = alarmReversed
		}
		var err error
		if s.after, err = s.after.Become(tolem.AttemptReversed, now); err != nil {
			return err
		}
		return s.change([]tolem.AttemptState{tolem.AttemptReversed})
	case s.op == opReverse:
		s.alarm = alarmNotReversed
		s.after.ReverseBy, s.after.ReverseWhy, s.after.AskAt = "", "", time.Time{}
		if err := s.keptByBank(); err != nil {
			return err
		}
	default:
		came, err := paid(s.tx, s.before)
		if err != nil {
			return err
		}
		s.after.AskAt = time.Time{}
		if !came {
			s.alarm = alarmNotNotified
			s.askLater()
		}
	}
	return s.change(nil)
}

// keptByBank stores that the bank has said no: what it keeps of a refunded
// payment is claimed from it (GW-186). Of a code that nobody has refunded it
// keeps what it may still notify.
func (s *settlement) keptByBank() error {
	if s.before.Code == 0 {
		return nil
	}
	c, err := s.tx.Code(s.before.Code)
	if err != nil || c.State != tolem.StateRefunded {
		return err
	}
	p, err := s.tx.Payment(s.before.Code)
	if err != nil {
		return err
	}
	return s.tx.AddUnreturned(store.Unreturned{Code: c.Number, Bank: p.Bank, BankRef: p.BankRef, Amount: p.Amount})
}

// maxBankText bounds the bank's own words, in bytes.
const maxBankText = 500

// clean makes a bank's words fit to be kept: nothing in them is a card number.
func clean(text string) string {
	text = tolem.Redact(text)
	if len(text) > maxBankText {
		text = text[:maxBankText]
	}
	return string([]rune(text))
}

// attemptRecord is what the gateway writes down of a call besides the messages:
// what they were hashed to before card data were cut out.
type attemptRecord struct {
	Event       string    `json:"event"`
	Attempt     string    `json:"attempt"`
	Payment     string    `json:"payment"`
	Code        string    `json:"code,omitempty"`
	Bank        string    `json:"bank"`
	Operation   string    `json:"operation"`
	RequestID   string    `json:"requestId,omitempty"`
	From        string    `json:"from"`
	Result      string    `json:"result"` // the state after it
	Reason      string    `json:"reason,omitempty"`
	RequestHash string    `json:"requestSHA256,omitempty"`
	Redacted    bool      `json:"requestRedacted,omitempty"`
	AnswerHash  string    `json:"answerSHA256,omitempty"`
	AnswerCut   bool      `json:"answerRedacted,omitempty"`
	Alarm       string    `json:"alarm,omitempty"`
	At          time.Time `json:"at"`
}

// eventAttempt is the event of an attemptRecord.
const eventAttempt = "attempt"

// keep adds the evidence: what was sent, without card data, and the bank's
// signed answer, each with its time (GW-P35, GW-P36), and what was made of them.
func (s *settlement) keep() error {
	ev := s.auth.Evidence
	record := attemptRecord{
		Event: eventAttempt, Attempt: string(s.before.ID), Payment: string(s.before.Payment), Bank: string(s.before.Bank),
		Operation: string(s.op), RequestID: string(ev.RequestID), From: string(s.before.State), Result: string(s.after.State),
		Reason: string(s.after.Reason), Alarm: s.alarm, At: s.tx.Now(),
	}
	if s.after.Code != 0 {
		record.Code = s.after.Code.String()
	}
	if ev.Request != nil {
		record.RequestHash, record.Redacted = hex.EncodeToString(ev.RequestHash[:]), ev.Redacted
		entry := []archive.Record{{
			ID: archive.NewMessageID(s.tx.Now()), Direction: archive.Out, At: ev.SentAt.UTC().Truncate(time.Microsecond), Participant: s.before.Bank,
			Operation: s.op, Code: s.after.Code, RequestID: ev.RequestID, Class: classOf(ev.Redacted), Raw: ev.Request,
		}}
		if ev.Answer != nil {
			record.AnswerHash, record.AnswerCut = hex.EncodeToString(ev.AnswerHash[:]), ev.AnswerRedacted
			entry = append(entry, archive.Record{
				ID: archive.NewMessageID(s.tx.Now()), Direction: archive.In, At: ev.AnsweredAt.UTC().Truncate(time.Microsecond), Participant: s.before.Bank,
				Operation: s.op, Code: s.after.Code, RequestID: ev.RequestID, Class: classOf(ev.AnswerRedacted), Raw: ev.Answer, Certificate: ev.Certificate, Trust: ev.Trust,
			})
		}
		if err := s.evidence.Add(s.tx, entry...); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("record of an attempt: %w", err)
	}
	return s.internal(raw)
}

// classOf tells a message that is kept without its card data.
func classOf(redacted bool) string {
	if redacted {
		return archive.ClassRedacted
	}
	return ""
}

func (s *settlement) internal(raw []byte) error {
	return s.evidence.Add(s.tx, archive.Record{
		ID: archive.NewMessageID(s.tx.Now()), Direction: archive.Internal, At: s.tx.Now(), Code: s.after.Code, Raw: raw,
	})
}
