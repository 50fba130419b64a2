package registers

import (
	"context"
	"fmt"
	"io"

	"tolem"
	"tolem/gateway"
	"tolem/registry"
	"tolem/store"
)

// Order asks for a register: by its number, or the newest of a day. In a form
// it comes in parts; without one it comes as typed rows.
type Order struct {
	Number tolem.RegisterNumber // or:
	Kind   tolem.RegisterKind
	Day    tolem.Day
	Branch string // with kind branch, asked for by its bank

	Form tolem.Form // empty: rows
	Part int        // of the file, from 1

	FromLine, MaxRows int // of the rows
}

// check says what does not go together.
func (o Order) check() error {
	switch {
	case (o.Number == "") == (o.Kind == "" && o.Day == 0):
		return badForm("send either number, or kind and day")
	case o.Number == "" && (o.Kind == "" || o.Day == 0):
		return badForm("kind and day go together")
	case o.Branch != "" && o.Kind != tolem.BranchRegister:
		return badForm("branchId goes with kind branch")
	case o.Form == "" && o.Part != 0:
		return badForm("part goes with a form other than ROWS")
	case o.Form != "" && (o.FromLine != 0 || o.MaxRows != 0):
		return badForm("fromLine and maxRows go with the form ROWS")
	}
	return nil
}

// GetResult is a register, with some of its rows or a part of its file.
type GetResult struct {
	gateway.Outcome
	Register Register
	Rows     []tolem.RegisterRow
	NextLine int   // to be sent as FromLine; 0: there are no more
	File     *Part // nil: rows were asked for
}

// Part is a piece of a rendered document.
type Part struct {
	Name        string
	Form        tolem.Form
	Size        int64 // of the whole file
	Part, Parts int
	Content     []byte
}

// Get returns a register. What is read of it never changes, so it is read, and
// rendered if need be, before the transaction begins.
func (d *Desk) Get(ctx context.Context, m gateway.Message, in Order, render gateway.Render[GetResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	if err := in.check(); err != nil {
		return gateway.Reply{}, err
	}
	var read GetResult
	reg, err := d.find(ctx, sender, in)
	if err == nil {
		err = d.read(ctx, reg, in, &read)
	}
	result, ok := refusal(err, tolem.UnknownRegister)
	if !ok {
		return gateway.Reply{}, err
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (GetResult, error) {
		if result != tolem.OK {
			return GetResult{Outcome: gateway.Outcome{Result: result}}, nil
		}
		answer := read
		answer.Result = tolem.OK
		answer.Register, err = d.standing(tx, reg)
		return answer, err
	})
}

// find returns the register that is meant, if the sender may see it.
func (d *Desk) find(ctx context.Context, sender tolem.Participant, in Order) (store.StoredRegister, error) {
	if in.Number != "" {
		return d.registry.See(ctx, sender, in.Number)
	}
	for _, o := range d.registry.OwnersOf(sender) {
		if o.Kind == in.Kind && (o.Kind != tolem.BranchRegister || in.Branch == "" && sender.Kind == tolem.KindBranch || o.ID == in.Branch) {
			return d.registry.Latest(ctx, sender, o, in.Day)
		}
	}
	return store.StoredRegister{}, fmt.Errorf("%s register for %s: %w", in.Kind, sender.ID, registry.ErrForeign)
}

// read fills in what was asked for.
func (d *Desk) read(ctx context.Context, reg store.StoredRegister, in Order, r *GetResult) error {
	if in.Form != "" {
		return d.part(ctx, reg, in, r)
	}
	from, most := max(in.FromLine, 1), in.MaxRows
	if most == 0 {
		most = MaxRows
	}
	if from > 1 && int64(from) > reg.Totals.Rows {
		return fmt.Errorf("%s, row %d: %w", reg.Number, from, registry.ErrNoRow)
	}
	for row, err := range d.registry.RowsFrom(ctx, reg, from) {
		if err != nil {
			return err
		}
		if r.Rows = append(r.Rows, row); len(r.Rows) == most {
			break
		}
	}
	if last := from + len(r.Rows) - 1; int64(last) < reg.Totals.Rows {
		r.NextLine = last + 1
	}
	return nil
}

// part reads a part of the rendered document.
func (d *Desk) part(ctx context.Context, reg store.StoredRegister, in Order, r *GetResult) error {
	file, err := d.registry.Document(ctx, reg, in.Form)
	if err != nil {
		return err
	}
	r.File, err = partOf(file, in.Part)
	return err
}

// partOf reads a part of a file, the first if part is 0, and closes the file.
func partOf(file *registry.File, part int) (*Part, error) {
	defer file.Close()
	part = max(part, 1)
	parts := int((file.Size + PartBytes - 1) / PartBytes)
	if part > parts {
		return nil, fmt.Errorf("%s, part %d of %d: %w", file.Name, part, parts, registry.ErrNoRow)
	}
	content, err := io.ReadAll(io.NewSectionReader(file, int64(part-1)*PartBytes, PartBytes))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file.Name, err)
	}
	return &Part{Name: file.Name, Form: file.Form, Size: file.Size, Part: part, Parts: parts, Content: content}, nil
}
