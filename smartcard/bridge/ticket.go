package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/smartcard"
)

// refused is an answer that nothing is signed for: the bridge has done nothing
// and will remember nothing.
type refused struct{ code smartcard.Code }

func (r *refused) Error() string { return string(r.code) }

func refuse(code smartcard.Code) error { return &refused{code} }

// run carries a ticket out and returns its result, signed or to be signed by the
// caller. The card is not given up because a page has gone.
func (b *Bridge) run(ctx context.Context, op tolem.TicketOp, document string) (entry, error) {
	me := b.identity.now()
	if me == nil {
		return entry{}, refuse(smartcard.NotPaired)
	}
	t, err := smartcard.OpenTicket(smartcard.KeysOf(me.Gateway...), document)
	if err != nil || t.Operation != op || t.Workstation != me.Workstation || t.Bridge != me.signer.Public.ID {
		return entry{}, refuse(smartcard.TicketInvalid)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if !b.take(ctx) {
		return entry{}, refuse(smartcard.Busy)
	}
	type outcome struct {
		entry entry
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		defer b.release()
		e, err := b.carry(t)
		done <- outcome{e, err}
	}()
	select {
	case o := <-done:
		return o.entry, o.err
	case <-ctx.Done():
		known, _ := b.journal.find(t.ID)
		return entry{Ticket: &t, State: known.State, Begun: known.Begun}, nil
	}
}

// carry does the work, with the reader in hand.
func (b *Bridge) carry(t smartcard.Ticket) (result entry, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.config.ReaderTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			b.config.Log.Error().Str("ticket", string(t.ID)).Any("panic", p).Msg("the reader's driver")
			result, err = entry{}, refuse(smartcard.Broken)
		}
	}()
	known, ok := b.journal.find(t.ID)
	switch {
	case ok && *known.Ticket != t:
		return entry{}, refuse(smartcard.TicketInvalid) // the gateway makes no two of one name
	case known.State.final():
		return known, nil
	case ok:
		return b.resolve(ctx, t)
	}
	if t.Issued().Sub(time.Unix(b.clock(), 0)) > smartcard.MaxSkew {
		return entry{}, refuse(smartcard.ClockWrong)
	}
	done, code := b.ready(ctx, t)
	switch {
	case done:
		return b.finish(t, doneState(t), "", true)
	case code != "":
		return b.finish(t, stateFailed, code, false)
	}
	switch begun, err := b.journal.begin(t, b.config.Clock().Unix()); {
	case err != nil:
		return entry{}, refuse(smartcard.Broken)
	case !begun: // reading took a while
		return b.finish(t, stateFailed, smartcard.TicketExpired, false)
	}
	err = b.change(ctx, t)
	var failure *smartcard.Failure
	switch {
	case err == nil:
		return b.finish(t, doneState(t), "", true)
	case errors.As(err, &failure):
		return b.finish(t, stateFailed, ofCard(failure.Code, smartcard.WriteFailed), true)
	}
	b.config.Log.Warn().Err(err).Str("ticket", string(t.ID)).Msg("the reader did not say what became of the card")
	again, cancel2 := context.WithTimeout(context.Background(), b.config.ReaderTimeout)
	defer cancel2()
	return b.resolve(again, t)
}

// change calls the driver; a panic of it says nothing about the card.
func (b *Bridge) change(ctx context.Context, t smartcard.Ticket) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("driver: %v", p)
		}
	}()
	return b.config.Reader.Change(ctx, t)
}

func doneState(t smartcard.Ticket) state {
	if t.Operation == tolem.TicketReverse {
		return stateReversed
	}
	return stateWritten
}

// ready returns what stands against carrying out a ticket that was not begun, or
// that the card holds it all the same.
func (b *Bridge) ready(ctx context.Context, t smartcard.Ticket) (done bool, code smartcard.Code) {
	if b.clock() >= t.ExpiresAt {
		return false, smartcard.TicketExpired
	}
	card, err := b.readCard(ctx)
	switch {
	case err != nil:
		return false, codeOf(err)
	case card.No != t.Card || card.Organisation != t.Organisation:
		return false, smartcard.CardMismatch
	case card.LastTicket == t.ID:
		// Somebody has put an old journal in the place of this one. What is on the
		// card is on the card.
		return true, ""
	case t.Operation == tolem.TicketReverse && (card.LastTicket != t.Reverses || card.LastLoaded):
		return false, smartcard.WriteFailed // there is nothing left to take back
	}
	return false, ""
}

// resolve finds out what became of a ticket that was begun: it is on the card,
// or was not written and never will be. Without the card nobody knows.
func (b *Bridge) resolve(ctx context.Context, t smartcard.Ticket) (entry, error) {
	card, err := b.readCard(ctx)
	switch {
	case err != nil || card.No != t.Card || card.Organisation != t.Organisation:
		return entry{Ticket: &t, State: stateBegun, Begun: true}, nil
	case card.LastTicket == t.ID:
		return b.finish(t, doneState(t), "", true)
	}
	return b.finish(t, stateFailed, smartcard.WriteFailed, true)
}

// finish keeps a result, and only then is it told. What cannot be kept is found
// out after a restart.
func (b *Bridge) finish(t smartcard.Ticket, s state, code smartcard.Code, begun bool) (entry, error) {
	e := entry{Ticket: &t, State: s, Begun: begun, Code: code, At: b.clock()}
	b.config.Log.Info().Str("ticket", string(t.ID)).Str("operation", string(t.Operation)).Str("result", string(s)).Str("code", string(code)).Msg("ticket")
	if err := b.journal.add(e); err != nil {
		return entry{}, refuse(smartcard.Broken)
	}
	return e, nil
}

// readCard reads the customer's card if all is ready for it. It needs the reader
// in hand.
func (b *Bridge) readCard(ctx context.Context) (smartcard.Card, error) {
	presence, err := b.look(ctx)
	if err != nil {
		return smartcard.Card{}, &smartcard.Failure{Code: smartcard.ReaderNotReady}
	}
	if code := presence.Code(); code != "" {
		return smartcard.Card{}, &smartcard.Failure{Code: code}
	}
	card, err := b.config.Reader.Read(ctx)
	if err == nil {
		err = card.Check()
	}
	return card, err
}

func codeOf(err error) smartcard.Code {
	var failure *smartcard.Failure
	if errors.As(err, &failure) {
		return ofCard(failure.Code, smartcard.CardUnreadable)
	}
	return smartcard.CardUnreadable
}

// ofCard keeps a driver from saying what is not its to say.
func ofCard(code, otherwise smartcard.Code) smartcard.Code {
	if code.OfCard() {
		return code
	}
	return otherwise
}

// about returns what the bridge knows of a ticket, and finds out what it can.
func (b *Bridge) about(ctx context.Context, id tolem.TicketID) entry {
	known, ok := b.journal.find(id)
	if !ok {
		return entry{Ticket: &smartcard.Ticket{ID: id}}
	}
	if known.State.final() {
		return known
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.config.ReaderTimeout)
	defer cancel()
	if !b.take(ctx) {
		return known
	}
	defer b.release()
	if known, _ = b.journal.find(id); known.State.final() {
		return known
	}
	if e, err := b.resolve(ctx, *known.Ticket); err == nil {
		return e
	}
	return known
}

// result makes the signed answer about a ticket.
//
// The time is kept first, and what is known is looked up after it: once the
// bridge has said at a time that it never began with a ticket, it does not begin
// with it if the ticket has expired by then.
func (b *Bridge) result(e entry) (smartcard.Result, string, error) {
	me := b.identity.now()
	if me == nil {
		return smartcard.Result{}, "", refuse(smartcard.NotPaired)
	}
	at, err := b.stamp()
	if err != nil {
		return smartcard.Result{}, "", refuse(smartcard.Broken)
	}
	if known, ok := b.journal.find(e.Ticket.ID); ok {
		e = known
	}
	r := smartcard.Result{
		Ticket: e.Ticket.ID, Workstation: me.Workstation, Outcome: smartcard.Outcome(e.State), Code: e.Code, Begun: e.Begun, At: at,
		Simulated: b.config.Simulator != nil,
	}
	if !e.State.final() {
		r.Outcome = smartcard.Unknown
	}
	document, err := me.signer.SignResult(r)
	return r, document, err
}

// read reads the card for a challenge and signs what stands on it. The time is
// kept before the card is read, with the reader in hand: what the card does not
// hold then, no ticket that has expired by then puts on it.
func (b *Bridge) read(ctx context.Context, challenge string) (smartcard.Read, string, error) {
	me := b.identity.now()
	if me == nil {
		return smartcard.Read{}, "", refuse(smartcard.NotPaired)
	}
	if smartcard.CheckChallenge(challenge) != nil {
		return smartcard.Read{}, "", refuse(smartcard.ChallengeInvalid)
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.ReaderTimeout)
	defer cancel()
	if !b.take(ctx) {
		return smartcard.Read{}, "", refuse(smartcard.Busy)
	}
	defer b.release()
	at, err := b.stamp()
	if err != nil {
		return smartcard.Read{}, "", refuse(smartcard.Broken)
	}
	card, err := b.readCard(ctx)
	if err != nil {
		return smartcard.Read{}, "", refuse(codeOf(err))
	}
	r := smartcard.Read{Challenge: challenge, Workstation: me.Workstation, Card: card, At: at, Simulated: b.config.Simulator != nil}
	document, err := me.signer.SignRead(r)
	return r, document, err
}
