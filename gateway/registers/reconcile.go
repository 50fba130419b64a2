package registers

import (
	"context"

	"tolem"
	"tolem/gateway"
	"tolem/registry"
	"tolem/store"
)

// Piece is a part of a list that the sender keeps for a day.
type Piece struct {
	List        string // its id, chosen by the sender
	Day         tolem.Day
	Part, Parts int
	Content     []byte
}

// SubmitResult says what has come of a list.
type SubmitResult struct {
	gateway.Outcome
	Number   tolem.ReconciliationNumber
	Register tolem.RegisterNumber // with which it is compared
	Received int                  // parts
	Parts    int
}

// Submit takes a part of the sender's own list of a day (GW-P28). When all parts
// have come, in whatever order, the list is compared in the background.
func (d *Desk) Submit(ctx context.Context, m gateway.Message, in Piece, render gateway.Render[SubmitResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	switch n := len(in.Content); {
	case in.Part > in.Parts:
		return gateway.Reply{}, badForm("part %d of %d", in.Part, in.Parts)
	case n == 0 || n > registry.MaxPartBytes:
		return gateway.Reply{}, badForm("content has %d bytes; a part has 1 to %d", n, registry.MaxPartBytes)
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (SubmitResult, error) {
		owners := d.registry.OwnersOf(sender)
		if len(owners) == 0 {
			return SubmitResult{Outcome: gateway.Outcome{Result: tolem.NotOwner}}, nil
		}
		s, have, err := d.registry.Submit(tx, sender, registry.Part{
			ID: in.List, Owner: owners[0], Day: in.Day, No: in.Part, Of: in.Parts, Data: in.Content,
		})
		result, ok := refusal(err, tolem.UnknownList)
		switch {
		case !ok:
			return SubmitResult{}, err
		case result != tolem.OK:
			return SubmitResult{Outcome: gateway.Outcome{Result: result}}, nil
		}
		return SubmitResult{
			Outcome: gateway.Outcome{Result: tolem.OK}, Number: s.Number, Register: s.Register, Received: have, Parts: s.Parts,
		}, nil
	})
}

// ReportOrder asks what the comparison of a list came to: by its number, or by
// the id that the sender gave it.
type ReportOrder struct {
	Number tolem.ReconciliationNumber
	List   string

	Form tolem.Form // empty: anomalies one by one
	Part int

	FromNo, MaxRows int // of the anomalies
}

func (o ReportOrder) check() error {
	switch {
	case (o.Number == "") == (o.List == ""):
		return badForm("send either number or listId")
	case o.Form == "" && o.Part != 0:
		return badForm("part goes with a form other than ROWS")
	case o.Form != "" && (o.FromNo != 0 || o.MaxRows != 0):
		return badForm("fromNo and maxRows go with the form ROWS")
	}
	return nil
}

// ReportResult is what a comparison came to.
type ReportResult struct {
	gateway.Outcome
	List      store.Submission
	Report    store.Reconciliation
	Anomalies []tolem.Anomaly
	NextNo    int   // 0: there are no more
	File      *Part // nil: anomalies were asked for
}

// Report returns what a comparison came to, to whoever may see the register. It
// never changes, so it is read before the transaction begins.
func (d *Desk) Report(ctx context.Context, m gateway.Message, in ReportOrder, render gateway.Render[ReportResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	if err := in.check(); err != nil {
		return gateway.Reply{}, err
	}
	answer, err := d.report(ctx, sender, in)
	result, ok := refusal(err, tolem.UnknownList)
	if !ok {
		return gateway.Reply{}, err
	}
	if result != tolem.OK {
		answer = ReportResult{}
	}
	answer.Result = result
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(*store.Tx) (ReportResult, error) { return answer, nil })
}

func (d *Desk) report(ctx context.Context, sender tolem.Participant, in ReportOrder) (r ReportResult, err error) {
	if r.List, r.Report, err = d.registry.SeeReport(ctx, sender, in.Number, in.List); err != nil {
		return r, err
	}
	if in.Form != "" {
		file, err := d.registry.ReportDocument(ctx, r.List, r.Report, in.Form)
		if err != nil {
			return r, err
		}
		r.File, err = partOf(file, in.Part)
		return r, err
	}
	all, err := registry.Anomalies(r.Report)
	if err != nil {
		return r, err
	}
	from, most := max(in.FromNo, 1), in.MaxRows
	if most == 0 {
		most = MaxAnomalies
	}
	if from > 1 && from > len(all) {
		return r, registry.ErrNoRow
	}
	to := min(from-1+most, len(all))
	if r.Anomalies = all[from-1 : to]; to < len(all) {
		r.NextNo = to + 1
	}
	return r, nil
}
