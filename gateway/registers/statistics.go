package registers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"tolem"
	"tolem/gateway"
	"tolem/registry/form"
	"tolem/registry/report"
	"tolem/store"
)

// FormJSON is a form of reports for programs, besides those of registers.
const FormJSON tolem.Form = "JSON"

// ReportForms lists the forms of a report.
var ReportForms = []tolem.Form{tolem.FormCSV, tolem.FormXLSX, tolem.FormPDF, FormJSON}

// The words of a report's question.
var (
	Periods    = report.Periods
	Dimensions = report.Dimensions
)

// Statistics asks for a report (GW-P29, GW-P30).
type Statistics struct {
	From, To tolem.Day
	Period   report.Period
	By       []report.Dimension
	tolem.Direction
	Form     tolem.Form
	Language string // kk, ru or en; empty: English
}

func (s Statistics) query() report.Query {
	return report.Query{From: s.From, To: s.To, Period: s.Period, By: s.By, Direction: s.Direction}
}

// StatisticsResult is a report as a file.
type StatisticsResult struct {
	gateway.Outcome
	Complete bool      // every day of it is counted
	Open     tolem.Day // otherwise: the first that is not; the report ends before it
	File     *Part
}

// Statistics makes a report about the sender's own payments. It may tell more
// tomorrow, so it comes in one part, as large as an answer may be.
func (d *Desk) Statistics(ctx context.Context, m gateway.Message, in Statistics, render gateway.Render[StatisticsResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	if !slices.Contains(ReportForms, in.Form) {
		return gateway.Reply{}, badForm("no form %q", in.Form)
	}
	answer, err := d.statistics(ctx, sender, in, m)
	if errors.Is(err, report.ErrQuery) {
		return gateway.Reply{}, badForm("%v", err)
	}
	result, ok := refusal(err, "")
	if !ok || result == "" {
		return gateway.Reply{}, err
	}
	if result != tolem.OK {
		answer = StatisticsResult{}
	}
	answer.Result = result
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(*store.Tx) (StatisticsResult, error) { return answer, nil })
}

func (d *Desk) statistics(ctx context.Context, sender tolem.Participant, in Statistics, m gateway.Message) (r StatisticsResult, err error) {
	query, err := in.query().For(sender)
	if err != nil {
		return r, err
	}
	made, err := d.reports.Make(ctx, query)
	if err != nil {
		return r, err
	}
	if in.Language == "" {
		in.Language = string(form.English)
	}
	var file bytes.Buffer
	if err := d.write(&file, made, in, m); err != nil {
		return r, err
	}
	if file.Len() > PartBytes {
		return r, fmt.Errorf("%d bytes: %w", file.Len(), report.ErrTooLarge)
	}
	r.Complete, r.Open = made.Complete, made.Open
	r.File = &Part{
		Name: fmt.Sprintf("report-%s-%s%s", in.From, in.To, in.Form.Extension()), Form: in.Form, Size: int64(file.Len()),
		Part: 1, Parts: 1, Content: file.Bytes(),
	}
	return r, nil
}

func (d *Desk) write(w io.Writer, made *report.Report, in Statistics, m gateway.Message) error {
	if in.Form == FormJSON {
		return made.WriteJSON(w)
	}
	sheet, err := made.Sheet(form.Language(in.Language), d.registry.Calendar.Zone(), m.Record.At, nil)
	if err != nil {
		return err
	}
	switch in.Form {
	case tolem.FormCSV:
		return form.WriteCSV(w, sheet)
	case tolem.FormXLSX:
		return form.WriteXLSX(w, sheet)
	}
	return form.WritePDF(w, sheet)
}
