package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/gateway"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/store"
	"tolem/wsdl/client"
)

// demoOperator is who does what no participant asks for.
const demoOperator = tolem.ParticipantID("GATEWAY")

// demoBranch is the branch of bank A that takes cash.
const demoBranch = "BRANCH-A1"

// demoDayScript is the day after the last message: seal, registers, what their
// owners say, and a list that does not agree.
var demoDayScript = []demoStep{
	{"late-issue", "code that is cancelled and paid all the same", demoBankA, "OK", lateCode},
	{"late-payment", "notifies its payment", demoBankA, "OK", notify("late", demoBankA, demoService, 120_000, internet, nil)},
	{"at-the-desk", "payments taken at the desks of a branch", demoBankA, "OK", atTheDesk},
	{"refund", "marks a payment as refunded", demoOperator, "OK", refundOne},
	{"seal", "seals the day", demoOperator, "OK", sealDay},
	{"register-provider", "fetches its register and verifies it", demoProvider, "OK", fetchRegister(tolem.ProviderRegister, demoProvider)},
	{"register-bank", "fetches its register and verifies it", demoBankA, "OK", fetchRegister(tolem.BankRegister, demoBankA)},
	{"register-branch", "fetches its register and verifies it", demoBranch, "OK", fetchRegister(tolem.BranchRegister, demoBranch)},
	{"register-foreign", "asks for the bank's register", demoProvider, "NOT_OWNER", foreignRegister},
	{"acknowledge", "acknowledges its register", demoProvider, "OK", acknowledge},
	{"forms", "writes the registers as XML, CSV, XLSX and PDF", demoOperator, "OK", writeForms},
	{"replay", "rebuilds the bank's register from the evidence alone", demoOperator, "OK", replayRegister},
	{"claim", "claims the day's money from the banks", demoOperator, "OK", showClaims},
	{"doctor", "checks that the day adds up", demoOperator, "OK", checkDay},
	{"after-the-seal", "a payment that the next day's register will show", demoBankA, "OK", afterTheSeal},
	{"reconcile", "compares the bank's own list, with one defect of each kind", demoOperator, "OK", reconcileList},
}

// morning is the registry as it will be an hour after midnight: the
// demonstration does not wait for it.
func (w *demoWorld) morning() (dayWork, tolem.Day, error) {
	r, err := openRegistry(w.node.desk, w.node.evidence, w.node.directory, w.node.signers.RSA)
	if err != nil {
		return dayWork{}, 0, err
	}
	if w.today == 0 {
		w.today = r.Calendar.DayOf(time.Now())
	}
	after := r.Calendar.End(w.today).Add(time.Hour)
	r.Clock = func() time.Time { return after }
	return dayWork{w.node.db, r, w.node.evidence}, w.today, nil
}

func lateCode(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	if _, err := issue("late", demoService, 120_000, internet)(ctx, w, a); err != nil {
		return "", err
	}
	r, err := a.client.CancelCode(ctx, w.codes["late"], "card refused")
	return r.State.String(), err
}

// deskPayments is how many payments the branch takes.
const deskPayments = 8

func atTheDesk(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	for i := range deskPayments {
		name := fmt.Sprintf("desk-%d", i)
		if _, err := issue(name, demoFee, int64(1000_00+i), internet)(ctx, w, a); err != nil {
			return "", err
		}
		fee := func(p *client.Payment) { p.Branch, p.Fee = demoBranch, demoAmount(50_00) }
		if _, err := notify(name, demoBankA, demoFee, int64(1000_00+i), internet, fee)(ctx, w, a); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d payments", deskPayments), nil
}

func refundOne(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	g := gateway.New(gateway.Config{}, w.node.db, w.node.evidence, w.node.directory)
	r, err := g.RefundCode(ctx, gateway.Refund{Code: w.codes["desk-7"], By: "demo", Reason: "paid by mistake"})
	if err == nil && r.Result != tolem.OK {
		err = codeError(r.Result)
	}
	return r.State.String(), err
}

func sealDay(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	work, day, err := w.morning()
	if err != nil {
		return "", err
	}
	if err := work.closeDay(ctx, day, nil); err != nil {
		return "", err
	}
	var sealed store.SealedDay
	var registers []store.StoredRegister
	err = w.node.db.View(ctx, func(tx *store.Tx) error {
		if sealed, err = tx.SealedDay(day); err != nil {
			return err
		}
		registers, err = tx.RegistersOfDay(day)
		return err
	})
	return fmt.Sprintf("%s, %d facts, %d registers", day, sealed.Facts, len(registers)), err
}

func demoNumber(kind tolem.RegisterKind, id string, day tolem.Day) tolem.RegisterNumber {
	return tolem.NewRegisterNumber(tolem.Owner{Kind: kind, ID: id}, day, 1)
}

// fetchRegister has a participant fetch its own register and check it.
func fetchRegister(kind tolem.RegisterKind, id string) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		work, day, err := w.morning()
		if err != nil {
			return "", err
		}
		var document bytes.Buffer
		if _, err := a.client.DownloadRegister(ctx, demoNumber(kind, id, day), tolem.FormXML, &document); err != nil {
			return "", err
		}
		if _, err := signing.VerifyStreamed(bytes.NewReader(document.Bytes()), int64(document.Len()), w.node.trust, time.Now()); err != nil {
			return "", err
		}
		reg, err := registry.ReadRegister(&document, func(tolem.RegisterRow) error { return nil })
		if err != nil {
			return "", err
		}
		found, err := work.registry.Find(ctx, reg.Number)
		if err != nil {
			return "", err
		}
		w.tables = append(w.tables, found)
		return fmt.Sprintf("%s, %d rows, %s", reg.Number, reg.Totals.Rows, netOf(reg.Totals)), nil
	}
}

func foreignRegister(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	_, day, err := w.morning()
	if err != nil {
		return "", err
	}
	_, err = a.client.DownloadRegister(ctx, demoNumber(tolem.BankRegister, demoBankA, day), tolem.FormXML, io.Discard)
	return "", err
}

func acknowledge(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	_, day, err := w.morning()
	if err != nil {
		return "", err
	}
	r, err := a.client.AcknowledgeRegister(ctx, demoNumber(tolem.ProviderRegister, demoProvider, day), nil)
	return string(r.Standing), err
}

func writeForms(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	work, _, err := w.morning()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(w.dir, "registers")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	files := 0
	for _, reg := range w.tables {
		for _, f := range tolem.Forms {
			name := filepath.Join(folder, string(reg.Number)+f.Extension())
			err := writeFile(name, func(out io.Writer) error { return work.registry.Render(ctx, out, reg, f, form.English, nil) })
			if err != nil {
				return "", err
			}
			files++
		}
	}
	return fmt.Sprintf("%d files in %s", files, folder), nil
}

func replayRegister(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	work, day, err := w.morning()
	if err != nil {
		return "", err
	}
	replayed, err := work.registry.Replay(ctx, io.Discard, demoNumber(tolem.BankRegister, demoBankA, day))
	if err == nil && !replayed.OK() {
		err = codeError("DIFFERENT")
	}
	return replayed.String(), err
}

func afterTheSeal(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	if _, err := issue("tomorrow", demoFee, 2000_00, internet)(ctx, w, a); err != nil {
		return "", err
	}
	return notify("tomorrow", demoBankA, demoFee, 2000_00, internet, nil)(ctx, w, a)
}

// demoDefects are the anomalies of the bank's list.
var demoDefects = []tolem.AnomalyCode{
	tolem.AmountDiffers, tolem.DuplicateThere, tolem.MissingThere, tolem.MissingHere, tolem.OtherDay, tolem.OtherService, tolem.CodeUnknown,
	tolem.NotPaidHere, tolem.RefundedHere, tolem.LatePayment, tolem.WrongBankRow, tolem.BankRefDiffers, tolem.RefusedHere, tolem.UnreadableRow,
	tolem.WrongCount, tolem.WrongTotal,
}

// bankList is bank A's own list of the day, spoilt in every way.
func (w *demoWorld) bankList(rows []tolem.RegisterRow) []byte {
	var b strings.Builder
	b.WriteString("record;code;reference;amount;currency;service;paid at;count\r\n")
	line := func(code tolem.CodeNumber, ref tolem.BankRef, minor int64, service tolem.ServiceCode) {
		number := ""
		if code != 0 {
			number = code.Printed()
		}
		fmt.Fprintf(&b, "ROW;%s;%s;%s;KZT;%s;%s;\r\n", number, ref, decimal(minor), service, rows[0].PaidAt.Format(time.RFC3339))
	}
	for _, r := range rows {
		if r.Kind != tolem.RowPayment {
			continue
		}
		ref, minor, service := r.BankRef, r.Amount.Minor, r.Service
		switch r.Code {
		case w.codes["desk-0"]:
			continue // missing in the list
		case w.codes["desk-1"]:
			minor += 5
		case w.codes["desk-2"]:
			line(r.Code, ref, minor, service) // twice
		case w.codes["desk-3"]:
			service = demoService
		case w.codes["desk-4"]:
			ref = "REF-other"
		}
		line(r.Code, ref, minor, service)
	}
	line(0, "REF-nobody-knows", 700_00, demoFee)
	line(w.codes["tomorrow"], "REF-tomorrow", 2000_00, demoFee)
	line(w.codes["unknown"], "REF-unknown", 100_00, demoFee)
	line(w.codes["tampered"], "REF-unpaid", 5_000_00, demoFee)
	line(w.codes["atm"], "REF-of-bank-b", 120_000, demoService)
	line(w.codes["unpaid"], "REF-unpaid", 119_999, demoService)
	b.WriteString("ROW;;REF-when;300.00;KZT;;some day;\r\n")
	b.WriteString("TOTAL;;;1.00;KZT;;;3\r\n")
	return []byte(b.String())
}

func reconcileList(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	work, day, err := w.morning()
	if err != nil {
		return "", err
	}
	owner := tolem.Owner{Kind: tolem.BankRegister, ID: demoBankA, Bank: demoBankA}
	reg, err := work.registry.Find(ctx, demoNumber(owner.Kind, owner.ID, day))
	if err != nil {
		return "", err
	}
	var rows []tolem.RegisterRow
	for row, err := range work.registry.Rows(ctx, reg) {
		if err != nil {
			return "", err
		}
		rows = append(rows, row)
	}
	s, err := work.registry.SubmitFile(ctx, owner, day, w.bankList(rows), "demo")
	if err != nil {
		return "", err
	}
	rec, err := work.registry.Reconcile(ctx, s.Number)
	if err != nil {
		return "", err
	}
	found, err := registry.Anomalies(rec)
	if err != nil {
		return "", err
	}
	w.anomalies = found
	for _, code := range demoDefects {
		if !slices.ContainsFunc(found, func(a tolem.Anomaly) bool { return a.Code == code }) {
			return "", fmt.Errorf("%s was not found", code)
		}
	}
	return fmt.Sprintf("%s: %d pairs, %d anomalies of %d kinds", rec.Number, rec.Matched, rec.Anomalies, len(demoDefects)), nil
}

func showClaims(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	_, day, err := w.morning()
	if err != nil {
		return "", err
	}
	var parts []string
	err = w.node.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Claims("", day, day, "", maxListed)
		for _, c := range list {
			parts = append(parts, fmt.Sprintf("%s %s", c.Number, c.Amount))
		}
		return err
	})
	if err == nil && len(parts) == 0 {
		err = errors.New("no claims were made")
	}
	return strings.Join(parts, ", "), err
}

func checkDay(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
	work, day, err := w.morning()
	if err != nil {
		return "", err
	}
	checkup, err := work.registry.Check(ctx, day, day, nil)
	if err != nil {
		return "", err
	}
	if !checkup.OK() {
		return "", fmt.Errorf("%+v", checkup.Findings)
	}
	b := checkup.Balances[0]
	return fmt.Sprintf("%d issued = %d paid + %d expired + %d cancelled + %d open", b.Issued, b.Paid, b.Expired, b.Cancelled, b.Open), nil
}

// demoRows is how many rows of a register are shown.
const demoRows = 8

// printDay shows the registers and the anomalies as tables.
func (w *demoWorld) printDay(ctx context.Context, io streams) error {
	work, _, err := w.morning()
	if err != nil {
		return err
	}
	o := office{desk: w.node.desk, registry: work.registry}
	for _, reg := range w.tables {
		fmt.Fprintln(io.out)
		if err := o.printRegister(ctx, io, reg, demoRows); err != nil {
			return err
		}
	}
	fmt.Fprintln(io.out)
	t := newTable(io, "no", "anomaly", "meaning", "register", "list", "ours", "theirs", "difference")
	row := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	for _, a := range w.anomalies {
		difference := ""
		if !a.Difference.IsZero() {
			difference = a.Difference.String()
		}
		t.row(fmt.Sprint(a.No), string(a.Code), a.Code.Texts().EN, row(a.OurLine), row(a.TheirLine), a.Ours, a.Theirs, difference)
	}
	t.print()
	return nil
}
