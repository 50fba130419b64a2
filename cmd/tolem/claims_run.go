package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/registry/collect"
	"tolem/registry/deliver"
	"tolem/store"
)

// claimsEvery is how often claims are looked after.
const claimsEvery = 5 * time.Second

// newCollector opens what presents claims to the banks that the gateway calls.
func newCollector(n *node, connectors map[tolem.ParticipantID]banks.Connector) *collect.Collector {
	payers := make(map[tolem.ParticipantID]banks.ClaimPayer)
	for id, c := range connectors {
		if payer, ok := c.(banks.ClaimPayer); ok {
			payers[id] = payer
		}
	}
	return collect.New(collect.Config{Payers: payers, CallTimeout: n.config.Checkout.CallTimeout, Observe: n.claimPresented},
		n.db, n.registry, n.evidence, n.directory)
}

// claimPresented logs what a bank said of a claim.
func (n *node) claimPresented(e collect.Event) {
	line := n.log.Info()
	switch {
	case e.Alarm != "":
		line = n.log.Error().Str("alarm", e.Alarm)
	case e.Err != nil:
		line = n.log.Warn()
	}
	line.Err(e.Err).Str("claim", string(e.Claim)).Str("outcome", string(e.Outcome)).Int("tried", e.Tried).Msg("claim presented to a bank")
}

// claims makes the claims for refunds that banks did not carry out, and presents
// what is due.
func (n *node) claims(ctx context.Context) error {
	return errors.Join(n.day.claimRefunds(ctx), n.collector.Run(ctx))
}

// claimRefunds claims what banks keep of refunded payments, and puts the claims
// in line to them.
func (w dayWork) claimRefunds(ctx context.Context) error {
	kept, err := w.registry.Unclaimed(ctx)
	if err != nil {
		return err
	}
	for _, u := range kept {
		if _, err := w.claimRefund(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// claimRefund may be done again: the number names the claim.
func (w dayWork) claimRefund(ctx context.Context, u store.Unreturned) (store.StoredClaim, error) {
	c, err := w.registry.ClaimRefund(ctx, u)
	if err != nil {
		return c, fmt.Errorf("claim the refund of %s: %w", u.Code, err)
	}
	return c, w.db.Update(ctx, func(tx *store.Tx) error {
		_, err := deliver.Enqueue(tx, c.Bank, tolem.DeliverClaim, string(c.Number))
		return errors.Join(err, tx.SetClaimed(u.Code, c.Number))
	})
}
