package gateway

import (
	"context"
	"time"

	"tolem"
	"tolem/store"
)

// Issue asks for a payment code (GW-067 to GW-071).
type Issue struct {
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Recipient     string // IIN or BIN as sent; its check digit is verified here
	RecipientName string
	Amount        tolem.Money
	Channel       tolem.Channel
	RequestNo     tolem.RequestNo
}

// IssueResult is a new code, or why there is none.
type IssueResult struct {
	Outcome
	IssuedAt, ExpiresAt time.Time
}

// IssueCode creates a payment code, bound to recipient, service, amount and
// channel (GW-001, GW-P09, GW-P11).
func (g *Gateway) IssueCode(ctx context.Context, m Message, in Issue, render Render[IssueResult]) (Reply, error) {
	bank, err := m.bank()
	if err != nil {
		return Reply{}, err
	}
	return Perform(ctx, g, m, NoCode, render, func(tx *store.Tx) (IssueResult, error) {
		recipient, refusal := g.checkIssue(in)
		if refusal != "" {
			return IssueResult{Outcome: Outcome{Result: refusal}}, nil
		}
		number, err := drawCode()
		if err != nil {
			return IssueResult{}, err
		}
		d := tolem.Issued(tolem.Code{
			Number: number, Service: in.Service, Provider: in.Provider, Amount: in.Amount, Channel: in.Channel,
			Recipient: recipient, RecipientName: in.RecipientName,
			Requester: m.Sender.ID, Bank: bank, RequestNo: in.RequestNo, ExpiresAt: tx.Now().Add(g.config.CodeTTL),
		}, tx.Now())
		if err := tx.InsertCode(d); err != nil {
			return IssueResult{}, err
		}
		return IssueResult{
			Outcome:  Outcome{Result: d.Result, Code: number},
			IssuedAt: d.Code.IssuedAt, ExpiresAt: d.Code.ExpiresAt,
		}, nil
	})
}

// checkIssue returns the recipient, or the reason why no code can be issued.
func (g *Gateway) checkIssue(in Issue) (tolem.IIN, tolem.ResultCode) {
	recipient, err := tolem.ParseIIN(in.Recipient)
	if err != nil {
		return "", tolem.InvalidIIN
	}
	service, ok := g.directory.Service(in.Service)
	if _, offered := g.offers(service); !ok || !offered {
		return "", tolem.UnknownService
	}
	switch {
	case service.Provider != in.Provider:
		return "", tolem.ServiceMismatch
	case in.Amount.Currency != g.config.Currency || !service.Price.Allows(in.Amount):
		return "", tolem.AmountNotAllowed
	}
	return recipient, ""
}
