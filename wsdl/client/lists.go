package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// Sizes of a list on its way.
const (
	listPart  = 640 << 10 // bytes of a part
	listPiece = 64 << 10  // bytes of an element
	maxParts  = 1000
)

// ErrList reports a list that cannot be submitted.
var ErrList = fmt.Errorf("a list has 1 byte to %d MiB", maxParts*listPart>>20)

// SubmitRegister submits the caller's own list of payments of a day, a table in
// CSV, to be compared with its register. Id names the list: submitting the same
// list under the same id again is the way to go on after a failure.
func (c *Client) SubmitRegister(ctx context.Context, id string, day tolem.Day, list []byte, options ...Option) (SubmittedList, error) {
	if len(list) == 0 || len(list) > maxParts*listPart {
		return SubmittedList{}, ErrList
	}
	var out SubmittedList
	parts := slices.Collect(slices.Chunk(list, listPart))
	for i, content := range parts {
		var err error
		if out, err = c.submitPart(ctx, id, day, i+1, len(parts), content, options); err != nil {
			return out, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
	}
	return out, nil
}

func (c *Client) submitPart(ctx context.Context, id string, day tolem.Day, part, parts int, content []byte, options []Option) (SubmittedList, error) {
	var f form
	h := c.head(options)
	if parts > 1 { // each part is a request of its own
		h.requestID = NewRequestID()
	}
	no, of := gatewayv1.ListPartNumber(part), gatewayv1.ListPartNumber(parts)
	request := &gatewayv1.SubmitRegister{
		RequestId: h.id(), OnBehalfOf: h.bank(), ListId: required[gatewayv1.Reference](&f, "listId", id), Day: dayOf(day), Part: &no, Parts: &of,
	}
	for piece := range slices.Chunk(content, listPiece) {
		request.Content = append(request.Content, piece)
	}
	if f.err != nil {
		return SubmittedList{}, f.err
	}
	var out SubmittedList
	err := c.call(ctx, tolem.OpSubmitRegister, h, func(g gatewayv1.Gateway) error {
		a, err := g.SubmitRegisterContext(ctx, request)
		if err != nil {
			return err
		}
		out = SubmittedList{
			Answer: answer(a.RequestId, a.ResultText), Number: tolem.ReconciliationNumber(deref(a.Number)),
			Register: tolem.RegisterNumber(deref(a.RegisterNumber)), Received: int(deref(a.Received)), Parts: int(deref(a.Parts)),
		}
		return nil
	})
	return out, err
}

// Anomalies returns what the comparison of a list found, from an anomaly on; at
// most 200 at a time. A *Refusal with NOT_READY means that it is not compared
// yet.
func (c *Client) Anomalies(ctx context.Context, number tolem.ReconciliationNumber, fromNo int, options ...Option) (Anomalies, error) {
	form := gatewayv1.RegisterFormROWS
	request := &gatewayv1.GetReconciliation{Number: optional[gatewayv1.ReconciliationNumber](number), Form: &form}
	if fromNo > 1 {
		no := gatewayv1.Line(fromNo)
		request.FromNo = &no
	}
	var out Anomalies
	err := c.getReconciliation(ctx, request, options, func(a *gatewayv1.GetReconciliationResponse, read *reader) {
		out = Anomalies{Answer: answer(a.RequestId, a.ResultText), Reconciliation: read.reconciliation(a.Reconciliation), NextNo: int(deref(a.NextNo))}
		for _, p := range deref(a.AnomalyList).Anomaly {
			out.Anomalies = append(out.Anomalies, read.anomaly(p))
		}
	})
	return out, err
}

// DownloadReconciliation writes the report on a comparison to w. An XML
// document is written only when its signature and its hash were checked, as
// DownloadRegister does.
func (c *Client) DownloadReconciliation(ctx context.Context, number tolem.ReconciliationNumber, form tolem.Form, w io.Writer) (Reconciliation, error) {
	var out Reconciliation
	err := c.download(form, w, string(number), func(no int) (filePart, error) {
		kind, part := gatewayv1.RegisterForm(form), gatewayv1.PartNumber(no)
		request := &gatewayv1.GetReconciliation{Number: optional[gatewayv1.ReconciliationNumber](number), Form: &kind, Part: &part}
		var p filePart
		err := c.getReconciliation(ctx, request, nil, func(a *gatewayv1.GetReconciliationResponse, read *reader) {
			out = read.reconciliation(a.Reconciliation)
			p = read.file(a.File)
			p.of, p.hash = string(out.Number), out.Hash
		})
		return p, err
	})
	return out, err
}

func (c *Client) getReconciliation(ctx context.Context, request *gatewayv1.GetReconciliation, options []Option, take func(*gatewayv1.GetReconciliationResponse, *reader)) error {
	h := c.head(options)
	request.RequestId, request.OnBehalfOf = h.id(), h.bank()
	return c.call(ctx, tolem.OpGetReconciliation, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetReconciliationContext(ctx, request)
		if err != nil {
			return err
		}
		var read reader
		take(a, &read)
		return read.err
	})
}

// ListClaims returns the operator's claims to the bank that calls, at most 100
// at a time.
func (c *Client) ListClaims(ctx context.Context, q ClaimQuery, options ...Option) (ClaimList, error) {
	h := c.head(options)
	request := &gatewayv1.ListClaims{
		RequestId: h.id(), OnBehalfOf: h.bank(), From: dayOf(q.From), To: dayOf(q.To), After: optional[gatewayv1.ClaimNumber](q.After),
	}
	var out ClaimList
	err := c.call(ctx, tolem.OpListClaims, h, func(g gatewayv1.Gateway) error {
		a, err := g.ListClaimsContext(ctx, request)
		if err != nil {
			return err
		}
		var read reader
		out = ClaimList{Answer: answer(a.RequestId, a.ResultText), Next: tolem.ClaimNumber(deref(a.Next))}
		for _, p := range deref(a.Claims).Claim {
			out.Claims = append(out.Claims, read.claim(p))
		}
		return read.err
	})
	return out, err
}

// AnswerClaim says that the bank acknowledges a claim, or, with a note that says
// why, disputes it.
func (c *Client) AnswerClaim(ctx context.Context, number tolem.ClaimNumber, state tolem.ClaimState, note string, options ...Option) (AnsweredClaim, error) {
	var f form
	h := c.head(options)
	request := &gatewayv1.AnswerClaim{
		RequestId: h.id(), OnBehalfOf: h.bank(), Number: required[gatewayv1.ClaimNumber](&f, "number", number),
		Answer: required[gatewayv1.ClaimAnswer](&f, "answer", state), Note: optional[gatewayv1.Reason](note),
	}
	if f.err != nil {
		return AnsweredClaim{}, f.err
	}
	var out AnsweredClaim
	err := c.call(ctx, tolem.OpAnswerClaim, h, func(g gatewayv1.Gateway) error {
		a, err := g.AnswerClaimContext(ctx, request)
		if err != nil {
			return err
		}
		out = AnsweredClaim{
			Answer: answer(a.RequestId, a.ResultText), Number: tolem.ClaimNumber(deref(a.Number)), State: tolem.ClaimState(deref(a.State)), At: timeOf(a.At),
		}
		return nil
	})
	return out, err
}

// GetReport returns statistics of the caller's own payments as a file.
func (c *Client) GetReport(ctx context.Context, q ReportQuery, options ...Option) (Report, error) {
	var f form
	h := c.head(options)
	request := &gatewayv1.GetReport{
		RequestId: h.id(), OnBehalfOf: h.bank(), From: dayOf(q.From), To: dayOf(q.To), Period: required[gatewayv1.Period](&f, "period", q.Period),
		BankId: optional[gatewayv1.Identifier](q.Bank), ProviderId: optional[gatewayv1.Identifier](q.Provider),
		ServiceCode: optional[gatewayv1.Identifier](q.Service), Channel: optional[gatewayv1.ChannelName](q.Channel),
		Currency: optional[gatewayv1.Currency](q.Currency), Form: required[gatewayv1.ReportForm](&f, "form", q.Form),
		Language: optional[gatewayv1.Language](q.Language),
	}
	for _, d := range q.By {
		request.By = append(request.By, pointer[gatewayv1.Dimension](d))
	}
	if q.From == 0 || q.To == 0 {
		f.missing("from and to")
	}
	if f.err != nil {
		return Report{}, f.err
	}
	var out Report
	err := c.call(ctx, tolem.OpGetReport, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetReportContext(ctx, request)
		if err != nil {
			return err
		}
		var read reader
		file := read.file(a.File)
		out = Report{
			Answer: answer(a.RequestId, a.ResultText), Complete: a.Complete, Open: read.day("openDay", a.OpenDay), FileName: file.name, Content: file.content,
		}
		return read.err
	})
	return out, err
}

func (r *reader) reconciliation(p *gatewayv1.Reconciliation) Reconciliation {
	if p == nil {
		r.fail("reconciliation", ErrMissing)
		return Reconciliation{}
	}
	return Reconciliation{
		Number: tolem.ReconciliationNumber(deref(p.Number)), List: string(deref(p.ListId)), SubmittedBy: tolem.ParticipantID(deref(p.SubmittedBy)),
		SubmittedAt: timeOf(p.SubmittedAt), Day: r.day("day", p.Day), Register: tolem.RegisterNumber(deref(p.RegisterNumber)), MadeAt: timeOf(p.MadeAt),
		Hash: r.hash(p.Hash), Refusal: string(deref(p.Refusal)), Matched: int64(deref(p.Matched)), Agreed: int64(deref(p.Agreed)),
		Anomalies: int64(deref(p.Anomalies)),
	}
}

func (r *reader) hash(p *gatewayv1.Digest) (hash [32]byte) {
	text, err := hex.DecodeString(string(deref(p)))
	if err == nil && len(text) != len(hash) {
		err = errors.New("not 64 hexadecimal digits")
	}
	r.fail("hash", err)
	copy(hash[:], text)
	return hash
}

func (r *reader) anomaly(p *gatewayv1.Anomaly) tolem.Anomaly {
	a := tolem.Anomaly{
		No: int(deref(p.No)), Code: tolem.AnomalyCode(deref(p.Code)), OurLine: int(deref(p.RegisterLine)), TheirLine: int(deref(p.ListLine)),
		BankRef: tolem.BankRef(deref(p.BankRef)), Ours: string(deref(p.Ours)), Theirs: string(deref(p.Theirs)),
		Difference: r.difference(p.Difference), Counter: r.difference(p.Counter),
	}
	if p.PaymentCode != nil {
		a.PaymentCode = r.code(p.PaymentCode)
	}
	return a
}

func (r *reader) difference(p *gatewayv1.Difference) tolem.Money {
	if p == nil {
		return tolem.Money{}
	}
	return tolem.Money{Minor: r.minor("difference", p.Amount), Currency: tolem.Currency(deref(p.Currency))}
}

func (r *reader) claim(p *gatewayv1.Claim) Claim {
	return Claim{
		Claim: tolem.Claim{
			Number: tolem.ClaimNumber(deref(p.Number)), Day: r.day("day", p.Day), Bank: tolem.ClaimNumber(deref(p.Number)).Bank(),
			Register: tolem.RegisterNumber(deref(p.RegisterNumber)), Count: int64(deref(p.Count)), Amount: r.money(p.Amount, p.Currency),
			MadeAt: timeOf(p.MadeAt), DueAt: timeOf(p.DueAt),
		},
		ClaimStanding: tolem.ClaimStanding{State: tolem.ClaimState(deref(p.State)), Since: timeOf(p.Since), Paid: r.minor("paid", p.Paid)},
		Document:      p.Document,
	}
}
