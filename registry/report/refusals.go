package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/store"
)

// Refusals tells which requests were refused in a time: whose, to do what, and
// why. Of its query only time and period count.
type Refusals struct {
	Span
	Rows  []RefusalRow
	Total int64
}

// RefusalRow counts refused requests of one kind.
type RefusalRow struct {
	From, To    tolem.Day
	Label       string // of the period
	Complete    bool
	Participant tolem.ParticipantID
	Operation   tolem.Operation
	Result      tolem.ResultCode
	Requests    int64
}

// Refusals answers which requests were refused: those of one participant, which
// is all that one may see, or of everybody.
func (d *Desk) Refusals(ctx context.Context, q Query, of tolem.ParticipantID) (*Refusals, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r := &Refusals{Span: Span{Query: Query{From: q.From, To: q.To, Period: q.Period}}}
	rows := make(map[RefusalRow]int64)
	err := d.db.View(ctx, func(tx *store.Tx) error {
		if err := r.completeness(tx); err != nil {
			return err
		}
		list, err := tx.SumRefusals(store.RefusalFilter{From: q.From, To: r.last(), Participant: of}, false, maxRead+1)
		if len(list) > maxRead {
			return ErrTooLarge
		}
		for _, t := range list {
			p := r.Query.stretchOf(t.Day)
			rows[RefusalRow{
				From: p.from, To: p.to, Label: r.Query.label(p), Complete: p.to <= r.last(), Participant: t.Participant, Operation: t.Operation, Result: t.Result,
			}] += t.Requests
			r.Total += t.Requests
		}
		return err
	})
	if err == nil && len(rows) > MaxRows {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("refusals from %s to %s: %w", q.From, q.To, err)
	}
	for row, requests := range rows {
		row.Requests = requests
		r.Rows = append(r.Rows, row)
	}
	slices.SortFunc(r.Rows, func(a, b RefusalRow) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Participant, b.Participant), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Result, b.Result))
	})
	return r, nil
}

// refusalColumns are the names and labels of the columns; the last is a number.
var refusalColumns = []struct {
	name  string
	label word
}{{"period", wordPeriod}, {"participant", wordParticipant}, {"operation", wordOperation}, {"result", wordResult}, {"requests", wordRequests}}

func (r RefusalRow) words() []string {
	return []string{r.Label, string(r.Participant), string(r.Operation), string(r.Result)}
}

// Sheet returns the refusals as a table that package form renders. It draws no
// chart.
func (r *Refusals) Sheet(l form.Language, zone *time.Location, printed time.Time, _ *form.Chart) (form.Sheet, error) {
	say, err := speakerOf(l)
	if err != nil {
		return form.Sheet{}, err
	}
	s := form.Sheet{
		Language: l, Title: say[wordRefusals], Head: append(r.Query.head(say), r.lacking(say)...), RowCount: int64(len(r.Rows)), Zone: zone, Printed: printed,
		Totals: []form.TotalRow{{Name: "refused", Label: say[wordTotal], Count: r.Total, Strong: true}},
		Rows: func(yield func([]form.Cell, error) bool) {
			for _, row := range r.Rows {
				var cells []form.Cell
				for _, text := range row.words() {
					cells = append(cells, form.String(text))
				}
				if !yield(append(cells, form.Int(row.Requests)), nil) {
					return
				}
			}
		},
	}
	for i, c := range refusalColumns {
		kind := form.Code
		if i == len(refusalColumns)-1 {
			kind = form.Integer
		}
		s.Columns = append(s.Columns, form.Column{Name: c.name, Label: say[c.label], Kind: kind})
	}
	return s, nil
}

// Table returns the refusals as text for a terminal, the last line their sum.
func (r *Refusals) Table(l form.Language) (header []string, rows [][]string, err error) {
	say, err := speakerOf(l)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range refusalColumns {
		header = append(header, say[c.label])
	}
	for _, row := range r.Rows {
		rows = append(rows, append(row.words(), l.Integer(row.Requests)))
	}
	return header, append(rows, []string{say[wordTotal], "", "", "", l.Integer(r.Total)}), nil
}

// RefusalsView is Refusals as machines read it.
type RefusalsView struct {
	From     string           `json:"from"`
	To       string           `json:"to"`
	Period   Period           `json:"period"`
	Complete bool             `json:"complete"`
	OpenFrom string           `json:"openFrom,omitempty"`
	Rows     []RefusalRowView `json:"rows"`
	Total    int64            `json:"total"`
}

// RefusalRowView is a row as machines read it.
type RefusalRowView struct {
	Period      string `json:"period"`
	From        string `json:"from"`
	To          string `json:"to"`
	Complete    bool   `json:"complete"`
	Participant string `json:"participant"`
	Operation   string `json:"operation"`
	Result      string `json:"result"`
	Requests    int64  `json:"requests"`
}

// View returns the refusals as machines read them.
func (r *Refusals) View() RefusalsView {
	v := RefusalsView{
		From: r.Query.From.String(), To: r.Query.To.String(), Period: r.Query.Period, Complete: r.Complete, Total: r.Total,
		Rows: make([]RefusalRowView, len(r.Rows)),
	}
	if !r.Complete {
		v.OpenFrom = r.Open.String()
	}
	for i, row := range r.Rows {
		v.Rows[i] = RefusalRowView{
			Period: row.Label, From: row.From.String(), To: row.To.String(), Complete: row.Complete,
			Participant: string(row.Participant), Operation: string(row.Operation), Result: string(row.Result), Requests: row.Requests,
		}
	}
	return v
}

// WriteJSON writes the refusals as one JSON value.
func (r *Refusals) WriteJSON(w io.Writer) error { return writeJSON(w, r.View()) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
