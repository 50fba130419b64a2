package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"tolem"
	"tolem/signing"
	"tolem/wsdl/gatewayv1"
)

// ErrDocument reports a file that is not what the gateway announced, or whose
// signature does not hold.
var ErrDocument = errors.New("the document cannot be believed")

// ListRegisters returns the registers that the caller may see, at most 200 at a
// time.
func (c *Client) ListRegisters(ctx context.Context, q RegisterQuery, options ...Option) (RegisterList, error) {
	h := c.head(options)
	request := &gatewayv1.ListRegisters{
		RequestId: h.id(), OnBehalfOf: h.bank(), From: dayOf(q.From), To: dayOf(q.To), Kind: optional[gatewayv1.RegisterKind](q.Kind),
		BranchId: optional[gatewayv1.Identifier](q.Branch), After: optional[gatewayv1.RegisterNumber](q.After),
	}
	var out RegisterList
	err := c.call(ctx, tolem.OpListRegisters, h, func(g gatewayv1.Gateway) error {
		a, err := g.ListRegistersContext(ctx, request)
		if err != nil {
			return err
		}
		var read reader
		out = RegisterList{Answer: answer(a.RequestId, a.ResultText), Next: tolem.RegisterNumber(deref(a.Next))}
		for _, s := range deref(a.Registers).Register {
			out.Registers = append(out.Registers, read.register((*registerHead)(s)))
		}
		return read.err
	})
	return out, err
}

// RegisterRows returns rows of a register, from a line on; at most 500 at a
// time.
func (c *Client) RegisterRows(ctx context.Context, which RegisterChoice, fromLine int, options ...Option) (RegisterRows, error) {
	var out RegisterRows
	request := which.request(gatewayv1.RegisterFormROWS)
	if fromLine > 1 {
		line := gatewayv1.Line(fromLine)
		request.FromLine = &line
	}
	err := c.getRegister(ctx, request, options, func(a *gatewayv1.GetRegisterResponse, read *reader) {
		out = RegisterRows{Answer: answer(a.RequestId, a.ResultText), Register: read.head(a.Register), NextLine: int(deref(a.NextLine))}
		for _, row := range deref(a.Rows).Row {
			out.Rows = append(out.Rows, read.row(row, out.Register.Day))
		}
	})
	return out, err
}

// RegisterPart returns a part of a register's file, counted from 1.
func (c *Client) RegisterPart(ctx context.Context, which RegisterChoice, form tolem.Form, part int, options ...Option) (RegisterPart, error) {
	var out RegisterPart
	request := which.request(gatewayv1.RegisterForm(form))
	number := gatewayv1.PartNumber(max(part, 1))
	request.Part = &number
	err := c.getRegister(ctx, request, options, func(a *gatewayv1.GetRegisterResponse, read *reader) {
		f := read.file(a.File)
		out = RegisterPart{
			Answer: answer(a.RequestId, a.ResultText), Register: read.head(a.Register), FileName: f.name,
			Size: f.size, Part: f.part, Parts: f.parts, Content: f.content,
		}
	})
	return out, err
}

func (c *Client) getRegister(ctx context.Context, request *gatewayv1.GetRegister, options []Option, take func(*gatewayv1.GetRegisterResponse, *reader)) error {
	h := c.head(options)
	request.RequestId, request.OnBehalfOf = h.id(), h.bank()
	return c.call(ctx, tolem.OpGetRegister, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetRegisterContext(ctx, request)
		if err != nil {
			return err
		}
		var read reader
		take(a, &read)
		return read.err
	})
}

// DownloadRegister writes the file of a register to w, fetched part by part. An
// XML document is written only when its signature was verified and its hash is
// the one that the gateway's answers name; it is kept in a temporary file until
// then. After an error, what w holds of another form is not the whole file.
func (c *Client) DownloadRegister(ctx context.Context, number tolem.RegisterNumber, form tolem.Form, w io.Writer) (reg Register, err error) {
	err = c.download(form, w, string(number), func(part int) (filePart, error) {
		p, err := c.RegisterPart(ctx, RegisterChoice{Number: number}, form, part)
		if part == 1 {
			reg = p.Register
		}
		return filePart{
			of: string(p.Register.Number), hash: p.Register.Hash, size: p.Size, part: p.Part, parts: p.Parts, content: p.Content,
		}, err
	})
	return reg, err
}

// filePart is a part of a document's file, with the number and the hash of the
// document.
type filePart struct {
	of, name    string
	hash        [32]byte
	size        int64
	part, parts int
	content     []byte
}

// file reads a part of a file.
func (r *reader) file(p *gatewayv1.FilePart) filePart {
	if p == nil {
		r.fail("file", ErrMissing)
		return filePart{}
	}
	f := filePart{name: string(deref(p.FileName)), size: int64(deref(p.Size)), part: int(deref(p.Part)), parts: int(deref(p.Parts))}
	for _, piece := range p.Content {
		f.content = append(f.content, piece...)
	}
	return f
}

// download writes all parts of the document of that number; XML only if it is
// what was signed.
func (c *Client) download(form tolem.Form, w io.Writer, number string, fetch func(part int) (filePart, error)) error {
	if form != tolem.FormXML {
		_, err := fetchParts(w, number, fetch)
		return err
	}
	held, err := os.CreateTemp("", "document-*.xml")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(held.Close(), os.Remove(held.Name())) }()
	first, err := fetchParts(held, number, fetch)
	if err != nil {
		return err
	}
	if err := c.checkDocument(held, first); err != nil {
		return err
	}
	if _, err := held.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, held)
	return err
}

// fetchParts writes all parts of a file in their order and returns the first.
func fetchParts(w io.Writer, number string, fetch func(part int) (filePart, error)) (first filePart, err error) {
	var written int64
	for part, parts := 1, 1; part <= parts; part++ {
		p, err := fetch(part)
		if err != nil {
			return first, err
		}
		if part == 1 {
			first, parts = p, p.parts
		}
		if p.part != part || p.parts != parts || p.of != number || p.hash != first.hash || p.size != first.size {
			return first, fmt.Errorf("%w: part %d of %d of %s came for part %d of %d", ErrDocument, p.part, p.parts, p.of, part, parts)
		}
		n, err := w.Write(p.content)
		if written += int64(n); err != nil {
			return first, err
		}
	}
	if written != first.size {
		return first, fmt.Errorf("%w: %d bytes of %d", ErrDocument, written, first.size)
	}
	return first, nil
}

// checkDocument verifies that the signature of a document is whole and that it
// has the hash that a verified answer of the gateway names. So it is the
// gateway's, even where the certificate of its day has been replaced since.
func (c *Client) checkDocument(document *os.File, p filePart) error {
	info, err := document.Stat()
	if err != nil {
		return err
	}
	signed, err := signing.VerifyStreamed(document, info.Size(), anyCertificate{}, c.config.Now())
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDocument, err)
	case signed.Digest != p.hash:
		return fmt.Errorf("%w: it is not %s", ErrDocument, p.of)
	}
	return nil
}

// AcknowledgeRegister says that the caller agrees with its register, or, with
// objections, why it does not.
func (c *Client) AcknowledgeRegister(ctx context.Context, number tolem.RegisterNumber, objections []tolem.Objection, options ...Option) (AcknowledgedRegister, error) {
	var f form
	h := c.head(options)
	verdict := gatewayv1.VerdictACK
	request := &gatewayv1.AcknowledgeRegister{
		RequestId: h.id(), OnBehalfOf: h.bank(), Number: required[gatewayv1.RegisterNumber](&f, "number", number), Verdict: &verdict,
	}
	if len(objections) > 0 {
		verdict = gatewayv1.VerdictREJECT
	}
	for _, o := range objections {
		out := &gatewayv1.Objection{Reason: required[gatewayv1.RejectReason](&f, "reason", o.Reason), Text: optional[gatewayv1.Reason](o.Text)}
		if o.Line > 0 {
			line := gatewayv1.Line(o.Line)
			out.Line = &line
		}
		request.Objection = append(request.Objection, out)
	}
	if f.err != nil {
		return AcknowledgedRegister{}, f.err
	}
	var out AcknowledgedRegister
	err := c.call(ctx, tolem.OpAcknowledgeRegister, h, func(g gatewayv1.Gateway) error {
		a, err := g.AcknowledgeRegisterContext(ctx, request)
		if err != nil {
			return err
		}
		out = AcknowledgedRegister{
			Answer: answer(a.RequestId, a.ResultText), Number: tolem.RegisterNumber(deref(a.Number)),
			Standing: string(deref(a.Standing)), At: timeOf(a.At),
		}
		return nil
	})
	return out, err
}

// request asks for the register in a form.
func (r RegisterChoice) request(form gatewayv1.RegisterForm) *gatewayv1.GetRegister {
	return &gatewayv1.GetRegister{
		Number: optional[gatewayv1.RegisterNumber](r.Number), Kind: optional[gatewayv1.RegisterKind](r.Kind), Day: dayOf(r.Day),
		BranchId: optional[gatewayv1.Identifier](r.Branch), Form: &form,
	}
}

func dayOf(d tolem.Day) *gatewayv1.Day {
	if d == 0 {
		return nil
	}
	return pointer[gatewayv1.Day](d.String())
}

func (r *reader) day(name string, p *gatewayv1.Day) tolem.Day {
	if p == nil {
		return 0
	}
	d, err := tolem.ParseDay(string(*p))
	r.fail(name, err)
	return d
}

// registerHead has the fields that a listed register and a single one share.
type registerHead = gatewayv1.RegisterSummary

// head reads a register with its totals in detail.
func (r *reader) head(p *gatewayv1.RegisterHead) Register {
	if p == nil {
		r.fail("register", ErrMissing)
		return Register{}
	}
	reg := r.register(&registerHead{
		Number: p.Number, Kind: p.Kind, OwnerId: p.OwnerId, BankId: p.BankId, Day: p.Day, From: p.From, To: p.To, Revision: p.Revision,
		Reason: p.Reason, Hash: p.Hash, FormedAt: p.FormedAt, FinalAfter: p.FinalAfter, Standing: p.Standing, RowCount: p.RowCount,
		DiscrepancyCount: p.DiscrepancyCount, GrandTotal: p.GrandTotal,
	})
	for _, t := range p.Total {
		reg.Totals.By = append(reg.Totals.By, tolem.Total{
			Currency: tolem.Currency(deref(t.Currency)), Service: tolem.ServiceCode(deref(t.ServiceCode)), Channel: tolem.Channel(deref(t.Channel)),
			Sum: r.sum(t.Count, t.Amount, t.RefundCount, t.RefundAmount),
		})
	}
	return reg
}

func (r *reader) register(p *registerHead) Register {
	reg := Register{
		Register: tolem.Register{
			Number: tolem.RegisterNumber(deref(p.Number)),
			Owner: tolem.Owner{
				Kind: tolem.RegisterKind(deref(p.Kind)), ID: string(deref(p.OwnerId)), Bank: tolem.ParticipantID(deref(p.BankId)),
			},
			Day: r.day("day", p.Day), From: timeOf(p.From), To: timeOf(p.To), Revision: int(deref(p.Revision)), Reason: string(deref(p.Reason)),
			FormedAt: timeOf(p.FormedAt), FinalAfter: timeOf(p.FinalAfter),
			Totals: tolem.Totals{Rows: int64(deref(p.RowCount)), Discrepancies: int64(deref(p.DiscrepancyCount))},
		},
		Standing: string(deref(p.Standing)), Sums: make(map[tolem.Currency]tolem.Sum),
	}
	if reg.Owner.Kind == tolem.BankRegister {
		reg.Owner.Bank = tolem.ParticipantID(reg.Owner.ID)
	}
	reg.Hash = r.hash(p.Hash)
	for _, t := range p.GrandTotal {
		reg.Sums[tolem.Currency(deref(t.Currency))] = r.sum(t.Count, t.Amount, t.RefundCount, t.RefundAmount)
	}
	return reg
}

func (r *reader) sum(count *gatewayv1.Count, amount *gatewayv1.SignedAmount, back *gatewayv1.Count, returned *gatewayv1.SignedAmount) tolem.Sum {
	return tolem.Sum{Count: int64(deref(count)), Minor: r.minor("amount", amount), Back: int64(deref(back)), Return: r.minor("refundAmount", returned)}
}

// minor reads a sum, which may be zero, in minor units.
func (r *reader) minor(name string, p *gatewayv1.SignedAmount) int64 {
	whole, cents, ok := strings.Cut(string(deref(p)), ".")
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	if !ok || len(cents) != 2 || err != nil {
		r.fail(name, fmt.Errorf("%q is no sum", deref(p)))
	}
	return n
}

func (r *reader) row(p *gatewayv1.RegisterRow, day tolem.Day) tolem.RegisterRow {
	row := tolem.RegisterRow{
		Line: int(deref(p.Line)), Kind: tolem.RowKind(deref(p.Kind)), Code: r.code(p.PaymentCode), Bank: tolem.ParticipantID(deref(p.BankId)),
		Branch: tolem.ParticipantID(deref(p.BranchId)), BankRef: tolem.BankRef(deref(p.BankRef)), Service: tolem.ServiceCode(deref(p.ServiceCode)),
		Provider: tolem.ProviderID(deref(p.ProviderId)), Channel: tolem.Channel(deref(p.Channel)), Amount: r.money(p.Amount, p.Currency),
		Fee: r.money(p.Fee, p.Currency), PaidAt: timeOf(p.PaidAt), ReceivedAt: timeOf(p.ReceivedAt), State: r.state(p.State),
		ClosedAt: timeOf(p.ClosedAt), Discrepancy: string(deref(p.Discrepancy)), Belongs: day,
	}
	row.At = row.ReceivedAt
	if row.Kind == tolem.RowRefund {
		row.At = timeOf(p.RefundedAt)
	}
	if p.BelongsTo != nil {
		row.Belongs = r.day("belongsTo", p.BelongsTo)
	}
	return row
}
