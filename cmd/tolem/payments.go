package main

import (
	"context"
	"errors"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/gateway/payments"
)

// How often attempts to pay and visits to the payment page are looked after.
const (
	askEvery     = 2 * time.Second
	abandonEvery = 10 * time.Second
)

// newPayments opens the engine of the payment page over the banks that the
// gateway calls; cards go to the acquirers, the first one that is well.
func newPayments(n *node, connectors map[tolem.ParticipantID]banks.Connector) *payments.Engine {
	c := n.config.Checkout
	acquirers := make([]tolem.ParticipantID, len(c.Acquirers))
	for i, id := range c.Acquirers {
		acquirers[i] = tolem.ParticipantID(id)
	}
	return payments.New(payments.Config{
		Connectors: connectors, Acquirers: acquirers, CallTimeout: c.CallTimeout, Decided: n.results.Decided, Observe: n.observeCall,
	}, n.db, n.gateway, n.evidence, n.directory)
}

// observeCall logs what became of a call to a bank. The attempt's mask and the
// bank's words stay out of the log.
func (n *node) observeCall(e payments.Event) {
	line := n.log.Info()
	switch {
	case e.Alarm != "":
		line = n.log.Error().Str("alarm", e.Alarm)
	case e.Err != nil:
		line = n.log.Warn()
	}
	line.Err(e.Err).Str("attempt", string(e.Attempt.ID)).Str("bank", string(e.Attempt.Bank)).Str("operation", string(e.Operation)).
		Str("state", string(e.Attempt.State)).Str("reason", string(e.Attempt.Reason)).Int("asked", e.Attempt.Asked).Msg("call to a bank")
}

// askBanks asks what became of attempts. Attempts of a bank that is not called
// any more wait for whoever configures it again.
func (n *node) askBanks(ctx context.Context) error {
	err := n.payments.AskDue(ctx)
	if errors.Is(err, payments.ErrBank) {
		n.log.Warn().Err(err).Msg("attempts wait")
		return nil
	}
	return err
}
