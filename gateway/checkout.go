package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/store"
)

// CardOrder asks to send a payer to the payment page for a code that was issued
// before (GW-077, GW-078). What the code is bound to is named once more: a
// portal that mixed up two orders is told so before its citizen pays.
type CardOrder struct {
	Code      tolem.CodeNumber
	Recipient string // IIN or BIN as sent
	Service   tolem.ServiceCode
	Amount    tolem.Money
	Details   string // of the payment, for the payer; optional
	ReturnURL string
	Language  tolem.Language // optional
}

// AccountOrder asks to send a payer to the payment page to pay from an account
// (GW-094). There is no code yet (GW-P33).
type AccountOrder struct {
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Recipient     string
	RecipientName string
	Amount        tolem.Money
	RequestNo     tolem.RequestNo
	Details       string
	ReturnURL     string
	Language      tolem.Language
}

// Redirect is where the payer is to be sent (GW-095, GW-096).
type Redirect struct {
	Outcome
	Payment   tolem.PaymentID
	Address   string
	ExpiresAt time.Time
}

// ErrNoPage: this gateway has no payment page.
var ErrNoPage = errors.New("this gateway has no payment page")

// StartCardPayment opens a visit to the payment page for an unpaid code of the
// caller (GW-077, GW-078, GW-P32). It may be called again for the same code: no
// two attempts to pay it are under way at once, whatever page they come from.
func (g *Gateway) StartCardPayment(ctx context.Context, m Message, in CardOrder, render Render[Redirect]) (Reply, error) {
	if err := g.mayStart(m); err != nil {
		return Reply{}, err
	}
	return Perform(ctx, g, m, in.Code, render, func(tx *store.Tx) (Redirect, error) {
		recipient, err := tolem.ParseIIN(in.Recipient)
		if err != nil {
			return refusedStart(tolem.InvalidIIN), nil
		}
		before, err := code(tx, in.Code)
		if err != nil {
			return Redirect{}, err
		}
		refusal := checkCard(before.At(tx.Now()), m.Sender.ID, recipient, in)
		if refusal == tolem.OK {
			refusal, err = g.checkReturn(tx, m.Sender.ID, in.ReturnURL)
		}
		if err != nil || refusal != tolem.OK {
			r := refusedStart(refusal)
			r.Code = before.Number
			return r, err
		}
		return g.start(tx, tolem.Checkout{
			Kind: tolem.CheckoutCard, Participant: m.Sender.ID, Code: before.Number, Service: before.Service, Provider: before.Provider,
			Amount: before.Amount, Recipient: recipient, RecipientName: before.RecipientName, RequestNo: before.RequestNo,
			Details: in.Details, ReturnURL: in.ReturnURL, Language: in.Language,
		})
	})
}

// checkCard says why a code cannot be paid on the page.
func checkCard(c tolem.Code, by tolem.ParticipantID, recipient tolem.IIN, in CardOrder) tolem.ResultCode {
	cell := tolem.CellOf(tolem.EventCall, c.State)
	switch {
	case c.State == tolem.StateUnknown:
		return cell.Result
	case c.Requester != by:
		return tolem.NotOwner
	case cell.Result != tolem.OK:
		return cell.Result
	case c.Recipient != recipient:
		return tolem.IINMismatch
	case c.Service != in.Service:
		return tolem.ServiceMismatch
	case c.Amount != in.Amount, c.Channel != tolem.ChannelAcquiring:
		return tolem.Mismatch
	}
	return tolem.OK
}

// StartAccountPayment opens a visit to the payment page to pay from a bank
// account (GW-094 to GW-096).
func (g *Gateway) StartAccountPayment(ctx context.Context, m Message, in AccountOrder, render Render[Redirect]) (Reply, error) {
	if err := g.mayStart(m); err != nil {
		return Reply{}, err
	}
	return Perform(ctx, g, m, NoCode, render, func(tx *store.Tx) (Redirect, error) {
		recipient, refusal := g.checkIssue(Issue{
			Service: in.Service, Provider: in.Provider, Recipient: in.Recipient, Amount: in.Amount, Channel: tolem.ChannelAccount,
		})
		if refusal != "" {
			return refusedStart(refusal), nil
		}
		if refusal, err := g.checkReturn(tx, m.Sender.ID, in.ReturnURL); err != nil || refusal != tolem.OK {
			return refusedStart(refusal), err
		}
		return g.start(tx, tolem.Checkout{
			Kind: tolem.CheckoutAccount, Participant: m.Sender.ID, Service: in.Service, Provider: in.Provider, Amount: in.Amount,
			Recipient: recipient, RecipientName: in.RecipientName, RequestNo: in.RequestNo, Details: in.Details,
			ReturnURL: in.ReturnURL, Language: in.Language,
		})
	})
}

func refusedStart(why tolem.ResultCode) Redirect { return Redirect{Outcome: Outcome{Result: why}} }

// mayStart refuses whoever speaks in another's name: the payer returns to the
// one that sent him.
func (g *Gateway) mayStart(m Message) error {
	if g.config.PageAddress == "" {
		return ErrNoPage
	}
	_, err := m.Alone()
	return err
}

func (g *Gateway) checkReturn(tx *store.Tx, by tolem.ParticipantID, address string) (tolem.ResultCode, error) {
	registered, err := tx.ReturnAddresses(by)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(registered, func(r string) bool { return tolem.ReturnsTo(r, address) }) {
		return tolem.ReturnAddress, nil
	}
	return tolem.OK, nil
}

// start stores the checkout and makes the address that leads to it.
func (g *Gateway) start(tx *store.Tx, c tolem.Checkout) (Redirect, error) {
	c.ID, c.Version, c.State, c.CreatedAt = newPaymentID(), 1, tolem.CheckoutStarted, tx.Now()
	c.ExpiresAt = tx.Now().Add(tolem.TokenTTL)
	c.InputBy = c.ExpiresAt
	if c.Language == "" {
		c.Language = tolem.Languages[0]
	}
	token := g.newToken(c.ExpiresAt)
	if err := tx.InsertCheckout(c, sha256.Sum256([]byte(token))); err != nil {
		return Redirect{}, err
	}
	return Redirect{
		Outcome: Outcome{Result: tolem.OK, Code: c.Code}, Payment: c.ID,
		Address: strings.TrimSuffix(g.config.PageAddress, "/") + "/" + token, ExpiresAt: c.ExpiresAt,
	}, nil
}

// newPaymentID draws a UUID of version 4.
func newPaymentID() tolem.PaymentID { return tolem.PaymentID(NewUUID()) }

// NewUUID draws a UUID of version 4, as payments and attempts are named.
func NewUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = 0x40|b[6]&0x0f, 0x80|b[8]&0x3f
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// A token is 16 random bytes, the second at which it expires, and a keyed
// digest of both (GW-P32). It says nothing about the payment; whose it is, is
// known by its hash alone. The digest lets forged tokens be refused before the
// database is asked.
const (
	tokenRandom = 16
	tokenTime   = 8
	tokenMAC    = 16
	tokenBytes  = tokenRandom + tokenTime + tokenMAC
)

var tokenText = base64.RawURLEncoding

func (g *Gateway) newToken(expires time.Time) string {
	b := make([]byte, tokenRandom, tokenBytes)
	_, _ = rand.Read(b) // never fails
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	return tokenText.EncodeToString(append(b, g.tokenMAC(b)...))
}

func (g *Gateway) tokenMAC(b []byte) []byte {
	return g.db.Vault().Index("checkout token", b)[:tokenMAC]
}

// Errors of Open.
var (
	// ErrToken: nobody was given such a token.
	ErrToken = errors.New("the payment page was opened with a token that does not exist")
	// ErrTokenExpired: it is older than 15 minutes.
	ErrTokenExpired = errors.New("the token has expired")
	// ErrTokenUsed: it has brought a browser to the page before. The payment's
	// id comes with it, so that the browser that came finds its page again.
	ErrTokenUsed = errors.New("the token was used before")
)

// Open spends a token and returns the payment that it leads to. From now on the
// payer has 15 minutes to enter something (ACQ-003, ACQ-P11).
func (g *Gateway) Open(ctx context.Context, token string) (id tolem.PaymentID, err error) {
	b, err := tokenText.DecodeString(token)
	// A token has one spelling: what decodes alike is not the same.
	if err != nil || len(b) != tokenBytes || tokenText.EncodeToString(b) != token ||
		subtle.ConstantTimeCompare(g.tokenMAC(b[:tokenRandom+tokenTime]), b[tokenRandom+tokenTime:]) != 1 {
		return "", ErrToken
	}
	err = g.db.Update(ctx, func(tx *store.Tx) error {
		id = ""
		c, err := tx.CheckoutByToken(sha256.Sum256([]byte(token)))
		if errors.Is(err, store.ErrNotFound) {
			return ErrToken
		}
		if err != nil {
			return err
		}
		switch {
		case !c.RedeemedAt.IsZero():
			id = c.ID
			return ErrTokenUsed
		case !tx.Now().Before(c.ExpiresAt):
			return ErrTokenExpired
		}
		id = c.ID
		c.State, c.RedeemedAt, c.InputBy = tolem.CheckoutOpen, tx.Now(), tx.Now().Add(tolem.InputTTL)
		a := tolem.Attempt{
			ID: tolem.AttemptID(NewUUID()), Payment: c.ID, Number: 1, Code: c.Code, Method: methodOf(c.Kind), Amount: c.Amount,
			State: tolem.AttemptRedirected, Version: 1, StartedAt: tx.Now(),
		}
		if err := tx.RedeemCheckout(c); err != nil {
			return err
		}
		return tx.InsertPayAttempt(a, tolem.AttemptRedirected)
	})
	if errors.Is(err, store.ErrTaken) {
		err = ErrTokenUsed
	}
	if err != nil && !errors.Is(err, ErrTokenUsed) {
		return "", err
	}
	return id, err
}

func methodOf(k tolem.CheckoutKind) tolem.Method {
	if k == tolem.CheckoutAccount {
		return tolem.MethodAccount
	}
	return tolem.MethodCard
}

// CheckoutResult is how a payment that the caller started stands.
type CheckoutResult struct {
	Outcome
	Standing Standing
}

// GetCheckout tells the portal how a payment stands that it started: of one
// from an account it learns the code here (GW-072).
func (g *Gateway) GetCheckout(ctx context.Context, m Message, id tolem.PaymentID, render Render[CheckoutResult]) (Reply, error) {
	if _, err := m.Alone(); err != nil {
		return Reply{}, err
	}
	return Perform(ctx, g, m, NoCode, render, func(tx *store.Tx) (CheckoutResult, error) {
		s, err := g.Standing(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && s.Checkout.Participant != m.Sender.ID {
			return CheckoutResult{Outcome: Outcome{Result: tolem.UnknownCheckout}}, nil
		}
		return CheckoutResult{Outcome: Outcome{Result: tolem.OK, Code: s.Code.Number}, Standing: s}, err
	})
}

// Standing is everything there is to know about a payment on the page.
type Standing struct {
	Checkout tolem.Checkout
	Last     *tolem.Attempt // nil: nobody has come
	Stage    tolem.Stage
	Code     tolem.Code     // zero: there is none yet
	Payment  *tolem.Payment // nil: not paid
}

// Standing reads how a payment stands, or store.ErrNotFound.
func (g *Gateway) Standing(tx *store.Tx, id tolem.PaymentID) (s Standing, err error) {
	// Attempts are read before the code: what one of them has brought about is
	// then there.
	if s.Checkout, err = tx.Checkout(id); err != nil {
		return s, err
	}
	if s.Last, err = lastAttempt(tx, s.Checkout); err != nil {
		return s, err
	}
	number := s.Checkout.Code
	if number == 0 && s.Last != nil {
		number = s.Last.Code
	}
	if number != 0 {
		if s.Code, err = code(tx, number); err != nil {
			return s, err
		}
		if s.Payment, err = acceptedPayment(tx, s.Code); err != nil {
			return s, err
		}
		s.Code = s.Code.At(tx.Now())
	}
	s.Stage = s.Checkout.StageAt(s.Last, s.Code, tx.Now())
	return s, nil
}

// latestOf is the last attempt of a page among others, or nil.
func latestOf(id tolem.PaymentID, all []tolem.Attempt) (last *tolem.Attempt) {
	for i := range all {
		if all[i].Payment == id && (last == nil || all[i].Number > last.Number) {
			last = &all[i]
		}
	}
	return last
}

// lastAttempt is the one that is open for the code, whichever page it came
// from; else the last of this page.
func lastAttempt(tx *store.Tx, c tolem.Checkout) (*tolem.Attempt, error) {
	if c.Code != 0 {
		all, err := tx.AttemptsOfCode(c.Code)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if all[i].State.Open() {
				return &all[i], nil
			}
		}
		if own := latestOf(c.ID, all); own != nil {
			return own, nil
		}
	}
	own, err := tx.AttemptsOfCheckout(c.ID)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	return &own[0], nil
}
