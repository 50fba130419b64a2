// Package desk is the gateway's side of the SMART cards (operator-workplace.md,
// 8.2): it knows the workstations and their bridges' keys, gives out challenges
// and tickets, verifies what bridges answer, and decides what became of a
// ticket. Everything it is told is kept as evidence.
//
// It shows nothing, speaks no HTTP and knows no payment: the workplace's core
// calls it inside the transaction in which it changes the payment, so that a
// payment and its ticket never disagree.
//
// # At most once
//
// A ticket is stored before it is given out, names one workstation, and has one
// result. While it is open no other is given out for its payment or its card.
// What decides it, and nothing else does:
//
//   - the workstation's bridge says, signed, what it did;
//   - a card that was read holds the ticket: it is done;
//   - a card that was read does not hold it, and the bridge can carry it out no
//     more, because by the same bridge's clock, which never runs backwards, it
//     has expired: it failed. Of another bridge of the bank the word counts when
//     the ticket has long expired.
//
// An answer that does not come, or says that the bridge does not know, decides
// nothing.
package desk

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/store"
)

// Timings, unless the configuration says otherwise.
const (
	defaultTicketLife    = time.Minute
	defaultChallengeLife = 2 * time.Minute
	defaultPairingLife   = 24 * time.Hour
	// longExpired is how long after a ticket's end no clock of a branch can still
	// be before it.
	longExpired = 10 * time.Minute
)

// Names of the documents in the evidence.
const (
	opTicket  tolem.Operation = "CardTicket"
	opRead    tolem.Operation = "CardRead"
	opResult  tolem.Operation = "CardResult"
	opPairing tolem.Operation = "CardPairing"
)

// What a step of a ticket rests on.
const (
	BasisIssued = "issued"
	BasisAnswer = "answer" // the bridge's word about the ticket
	BasisRead   = "read"   // what a card that was read holds
)

// Contradiction is the class, in the evidence, of an answer that says otherwise
// than what is decided.
const Contradiction = "CONTRADICTION"

// Errors of this package.
var (
	// ErrConfig: the desk cannot work with this configuration.
	ErrConfig = errors.New("card desk cannot be set up")
	// ErrWorkstation: there is no such workstation of the bank, or it is not
	// paired, or withdrawn.
	ErrWorkstation = errors.New("no workstation of the bank with a card bridge")
	// ErrPairing: nothing waits to be paired, or it waited too long.
	ErrPairing = errors.New("no pairing waits at this workstation")
	// ErrSimulated: a simulator answers, and this is no sandbox.
	ErrSimulated = errors.New("the cards of this workstation are simulated")
	// ErrReplayed: the card was not read for a challenge that is still good.
	ErrReplayed = errors.New("not an answer to an open challenge")
	// ErrOpen: a ticket of the payment or the card is not decided yet.
	ErrOpen = errors.New("a ticket is open for this payment or card")
	// ErrDone: the payment is on the card, or was taken off it.
	ErrDone = errors.New("the payment was written to the card before")
	// ErrNotWritten: there is nothing to take off the card.
	ErrNotWritten = errors.New("the payment is not on the card")
)

// Config says how a desk works. A zero duration is the usual one.
type Config struct {
	// Signer is the P-256 key that signs tickets; it may live in a hardware module.
	Signer crypto.Signer
	// Others are keys that will sign after it, or did before: bridges that are
	// paired now trust them too.
	Others []crypto.PublicKey
	// TicketLife is how long a ticket may be carried out; ChallengeLife how long a
	// card may be read for a challenge; PairingLife how long a pairing code is good.
	TicketLife, ChallengeLife, PairingLife time.Duration
	// Sandbox lets simulated cards count.
	Sandbox bool
}

// Desk is the gateway's side. It is safe for concurrent use.
type Desk struct {
	config   Config
	signer   *smartcard.Signer
	keys     []smartcard.PublicKey
	evidence *archive.Archive
}

// New returns a desk.
func New(c Config, evidence *archive.Archive) (*Desk, error) {
	if c.Signer == nil {
		return nil, fmt.Errorf("%w: no key for tickets", ErrConfig)
	}
	signer, err := smartcard.NewSigner(c.Signer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	d := &Desk{config: c, signer: signer, keys: []smartcard.PublicKey{signer.Public}, evidence: evidence}
	for _, other := range c.Others {
		key, err := smartcard.NewPublicKey(other)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		d.keys = append(d.keys, key)
	}
	for life, usual := range map[*time.Duration]time.Duration{
		&d.config.TicketLife: defaultTicketLife, &d.config.ChallengeLife: defaultChallengeLife, &d.config.PairingLife: defaultPairingLife,
	} {
		if *life == 0 {
			*life = usual
		}
		if *life < time.Second {
			return nil, fmt.Errorf("%w: a time is shorter than a second", ErrConfig)
		}
	}
	if d.config.TicketLife > smartcard.MaxTicketLife {
		return nil, fmt.Errorf("%w: bridges accept tickets of at most %s", ErrConfig, smartcard.MaxTicketLife)
	}
	return d, nil
}

// keep stores a document as evidence.
func (d *Desk) keep(tx *store.Tx, dir archive.Direction, op tolem.Operation, bank tolem.ParticipantID, about, class, document string) (archive.MessageID, error) {
	id := archive.NewMessageID(tx.Now())
	return id, d.evidence.Add(tx, archive.Record{
		ID: id, Direction: dir, At: tx.Now(), Participant: bank, Operation: op, RequestID: tolem.RequestID(about), Class: class, Raw: []byte(document),
	})
}

// Challenge is what a card is to be read for. The page hands it to the bridge.
type Challenge struct {
	Value string
	Until time.Time
}

// NewChallenge gives a session of a bank's person a challenge. It is good once,
// for this session, for a short time.
func (d *Desk) NewChallenge(tx *store.Tx, bank tolem.ParticipantID, session string) (Challenge, error) {
	c := Challenge{Value: rand.Text(), Until: tx.Now().Add(d.config.ChallengeLife)}
	return c, tx.InsertChallenge(c.Value, bank, session, c.Until)
}

// CardState is what a bridge has read off a card, and what the gateway knows of
// it.
type CardState struct {
	smartcard.Card
	Workstation tolem.Workstation
	ReadAt      time.Time // by the bridge's clock

	// LastPayment is the payment of the card's last ticket and LastOp what that
	// did, if the gateway gave it out. It may be another bank's: not to be shown.
	LastPayment tolem.PaymentID
	LastOp      tolem.TicketOp
	// Decided are tickets that the reading decided, each with an Event for its
	// payment, which is to be changed in the same transaction. They may be
	// another bank's.
	Decided []tolem.CardTicket
}

// Outstanding reports whether the last payment written to the card was neither
// loaded into the meter nor cancelled: no other may be made for it now (WP-079,
// WP-544). Cancelled says whether LastPayment is.
func (s CardState) Outstanding(cancelled bool) bool {
	return s.LastTicket != "" && !s.LastLoaded && s.LastOp != tolem.TicketReverse && !cancelled
}

// Check returns the code of what stands against writing a payment for an account
// and a card to the card that was read: another card, or none (WP-548, WP-550).
// An empty number of the card means any of the account.
func (s CardState) Check(organisation tolem.ProviderID, account string, card tolem.SmartCardNo) smartcard.Code {
	if s.Organisation != organisation || s.Account != account || card != "" && s.No != card {
		return smartcard.CardMismatch
	}
	return ""
}

// VerifyRead verifies the answer to a challenge of the session, keeps it, and
// decides the ticket that is open for the card as far as the reading can
// (WP-551). The errors are ErrReplayed, ErrWorkstation, ErrSimulated, and those
// of smartcard; then nothing is stored. Whether the challenge was used at the
// same time by another is known when the transaction ends: store.ErrUsed.
func (d *Desk) VerifyRead(tx *store.Tx, bank tolem.ParticipantID, session string, answer []byte) (CardState, error) {
	document, err := smartcard.Signature(answer)
	if err != nil {
		return CardState{}, err
	}
	w, keys, err := d.signerOf(tx, bank, document)
	if err != nil {
		return CardState{}, err
	}
	r, key, err := smartcard.OpenRead(keys, document)
	if err != nil {
		return CardState{}, err
	}
	if err := d.comesFrom(w, r.Workstation, r.Simulated); err != nil {
		return CardState{}, err
	}
	if err := tx.UseChallenge(r.Challenge, bank, session); err != nil {
		return CardState{}, err
	}
	message, err := d.keep(tx, archive.In, opRead, bank, r.Challenge, "", document)
	if err != nil {
		return CardState{}, err
	}
	s := CardState{Card: r.Card, Workstation: w, ReadAt: r.AtTime()}
	if err := d.last(tx, &s); err != nil {
		return CardState{}, err
	}
	return s, d.decideByReading(tx, &s, key, message)
}

// signerOf finds the workstation that a document says it comes from, and its
// key. Only the key it has now counts.
func (d *Desk) signerOf(tx *store.Tx, bank tolem.ParticipantID, document string) (tolem.Workstation, smartcard.Keys, error) {
	kid, err := smartcard.SignedBy(document)
	if err != nil {
		return tolem.Workstation{}, nil, err
	}
	stored, err := tx.BridgeKey(kid)
	if errors.Is(err, store.ErrNotFound) {
		return tolem.Workstation{}, nil, ErrWorkstation
	}
	if err != nil {
		return tolem.Workstation{}, nil, err
	}
	w, err := d.usable(tx, bank, stored.Workstation)
	if err != nil {
		return w, nil, err
	}
	if w.Key != kid {
		return w, nil, fmt.Errorf("a key it had before: %w", ErrWorkstation)
	}
	key, err := smartcard.ParsePublicKey(stored.Point)
	return w, smartcard.KeysOf(key), err
}

// usable returns a workstation of the bank at which cards can be written.
func (d *Desk) usable(tx *store.Tx, bank tolem.ParticipantID, id tolem.WorkstationID) (tolem.Workstation, error) {
	w, err := tx.Workstation(bank, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return w, ErrWorkstation
	case err != nil:
		return w, err
	case !w.Usable():
		return w, fmt.Errorf("%s: %w", id, ErrWorkstation)
	}
	return w, nil
}

// comesFrom checks what an answer says of where it comes from.
func (d *Desk) comesFrom(w tolem.Workstation, said tolem.WorkstationID, simulated bool) error {
	switch {
	case said != w.ID:
		return fmt.Errorf("it says it comes from %s: %w", said, ErrWorkstation)
	case simulated && !d.config.Sandbox:
		return ErrSimulated
	}
	return nil
}

// last looks the card's last ticket up.
func (d *Desk) last(tx *store.Tx, s *CardState) error {
	if s.LastTicket == "" {
		return nil
	}
	t, err := tx.CardTicket(s.LastTicket)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil // another system wrote the card
	case err != nil:
		return err
	case t.Card == s.No:
		s.LastPayment, s.LastOp = t.Payment, t.Op
	}
	return nil
}
