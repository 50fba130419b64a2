package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hooklift/gowsdl/soap"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// Option changes one call.
type Option func(*head)

// WithRequestID repeats an earlier call: the same id with the same content has
// one effect and gets the same answer, however often it is sent.
func WithRequestID(id tolem.RequestID) Option { return func(h *head) { h.requestID = id } }

// OnBehalfOf names the bank for which this call is made, in place of
// Config.OnBehalfOf.
func OnBehalfOf(bank tolem.ParticipantID) Option { return func(h *head) { h.onBehalfOf = bank } }

// head is what opens every request.
type head struct {
	requestID  tolem.RequestID
	onBehalfOf tolem.ParticipantID
}

func (c *Client) head(options []Option) head {
	h := head{onBehalfOf: c.config.OnBehalfOf}
	for _, set := range options {
		set(&h)
	}
	if h.requestID == "" {
		h.requestID = NewRequestID()
	}
	return h
}

func (h head) id() *gatewayv1.RequestId    { return pointer[gatewayv1.RequestId](h.requestID) }
func (h head) bank() *gatewayv1.Identifier { return optional[gatewayv1.Identifier](h.onBehalfOf) }

// call sends one request until an answer to it has been verified, at most
// Config.Attempts times. Every attempt carries the same request id, so that
// however many of them arrive, they have one effect (GW-P08).
func (c *Client) call(ctx context.Context, op tolem.Operation, h head, once func(gatewayv1.Gateway) error) error {
	mayHaveArrived := false
	for attempt := 1; ; attempt++ {
		x := &exchange{client: c, operation: op, requestID: h.requestID}
		err := once(gatewayv1.NewGateway(soap.NewClient(c.config.Address, soap.WithHTTPClient(x))))
		c.config.Observe(x.seen(attempt, err))

		last := attempt == c.config.Attempts || !worthRepeating(err) || c.pause(ctx, attempt) != nil
		if last {
			return outcome(err, op, h.requestID, attempt, mayHaveArrived, x.connected)
		}
		mayHaveArrived = mayHaveArrived || x.connected && !answered(err)
	}
}

// outcome decides what the caller learns after the last attempt. A refusal is
// the outcome of the request whatever came before. A fault is not: an earlier
// attempt whose answer was lost may have succeeded.
func outcome(err error, op tolem.Operation, id tolem.RequestID, attempts int, before, now bool) error {
	var refusal *Refusal
	var fault *Fault
	switch {
	case err == nil, errors.As(err, &refusal):
		return err
	case errors.As(err, &fault) && fault.Retry != RetryStatus && !before:
		return err
	case !before && !now:
		return fmt.Errorf("%s: %w", op, err)
	}
	return &Undecided{Operation: op, RequestID: id, Attempts: attempts, Err: err}
}

// answered reports whether err is the gateway's word that the request had no
// effect.
func answered(err error) bool {
	var fault *Fault
	return errors.As(err, &fault)
}

// worthRepeating tells lost answers and faults of the moment from everything
// that would fail again. An answer that cannot be believed is not asked for
// again: whoever forged it would forge the next one.
func worthRepeating(err error) bool {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault.Retry == RetrySame || fault.Retry == RetryLater
	}
	return errors.Is(err, ErrLost) || errors.Is(err, ErrUnreachable)
}

// unusable returns err unless it stems from an answer that was verified.
func unusable(err error) error {
	var refusal *Refusal
	var fault *Fault
	if errors.As(err, &refusal) || errors.As(err, &fault) {
		return nil
	}
	return err
}

// pause waits before the next attempt, longer each time and never exactly as
// long as other clients, or returns the error of a context that ended.
func (c *Client) pause(ctx context.Context, attempt int) error {
	wait := min(c.config.Backoff<<(attempt-1), maxBackoff)
	wait += rand.N(wait/2 + 1)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
