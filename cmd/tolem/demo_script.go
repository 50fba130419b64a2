package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

// demoStep is one line of the script. Run returns what is worth showing of a
// success; a refusal or fault is returned as the client's error.
type demoStep struct {
	name, what string
	who        tolem.ParticipantID
	expected   string // result or fault code
	run        func(ctx context.Context, w *demoWorld, a *demoActor) (detail string, err error)
}

// play performs a step and compares what came out with what must.
func (w *demoWorld) play(ctx context.Context, s demoStep) stepReport {
	began := time.Now()
	detail, err := s.run(ctx, w, w.actors[s.who])
	report := stepReport{
		Name: s.name, Who: string(s.who), What: s.what, Expected: s.expected,
		Outcome: outcomeOf(err), Detail: detail, MS: float64(time.Since(began).Microseconds()) / 1000,
	}
	report.OK = report.Outcome == s.expected
	switch {
	case err != nil && report.OK:
		report.Detail = "" // the outcome says it all
	case err != nil:
		report.Detail = err.Error()
	}
	return report
}

// codeError is an outcome that was read from the bytes of an answer.
type codeError string

func (e codeError) Error() string { return string(e) }

// outcomeOf names what came of a call: a result code, a fault code, or ERROR.
func outcomeOf(err error) string {
	var refusal *client.Refusal
	var fault *client.Fault
	var code codeError
	switch {
	case err == nil:
		return string(tolem.OK)
	case errors.As(err, &refusal):
		return string(refusal.Code)
	case errors.As(err, &fault):
		return string(fault.Code)
	case errors.As(err, &code):
		return string(code)
	}
	return "ERROR"
}

func demoAmount(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.KZT} }

// issue asks for a code and remembers it under a name.
func issue(as string, service tolem.ServiceCode, amount int64, channel tolem.Channel, options ...client.Option) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		r, err := a.client.IssueCode(ctx, client.CodeRequest{
			Service: service, Provider: demoProvider, Recipient: demoCitizen, RecipientName: "Ахметова Айгүл Серікқызы",
			Amount: demoAmount(amount), Channel: channel,
		}, options...)
		if err != nil {
			return "", err
		}
		w.codes[as] = r.Code
		return r.Code.Printed(), nil
	}
}

// payment is a notification that fits a code.
func (w *demoWorld) payment(code string, bank tolem.ParticipantID, service tolem.ServiceCode, amount int64, channel tolem.Channel) client.Payment {
	return client.Payment{
		Code: w.codes[code], Bank: bank, BankRef: tolem.BankRef("REF-" + code), Amount: demoAmount(amount),
		PaidAt: time.Now().UTC().Truncate(time.Second), Channel: channel, Recipient: demoCitizen,
		Service: service, Provider: demoProvider, Account: demoAccount,
	}
}

// notify tells of a payment for a code, changed by the given function if any,
// and remembers the exchange under the code's name.
func notify(code string, bank tolem.ParticipantID, service tolem.ServiceCode, amount int64, channel tolem.Channel, change func(*client.Payment), options ...client.Option) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		p := w.payment(code, bank, service, amount, channel)
		if change != nil {
			change(&p)
		}
		r, err := a.client.NotifyPayment(ctx, p, options...)
		if err != nil {
			return "", err
		}
		w.notes[code] = a.last
		detail := r.State.String()
		if r.Late {
			detail += ", late"
		}
		return detail, nil
	}
}

// validate shows a code at the portal.
func validate(code string, requestNo tolem.RequestNo, recipient tolem.IIN) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		r, err := a.client.ValidateCode(ctx, client.Validation{
			Code: w.codes[code], RequestNo: requestNo, Recipient: recipient, Service: demoService,
		})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, bound to %s", r.State, r.BoundTo), nil
	}
}

// closing closes a code at the portal.
func closing(code string, id tolem.CloseID, requestNo tolem.RequestNo) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		r, err := a.client.CloseCode(ctx, client.Closing{Code: w.codes[code], ID: id, RequestNo: requestNo})
		return r.State.String(), err
	}
}

const (
	internet = tolem.ChannelInternetBanking
	atm      = tolem.ChannelATM
	kiosk    = tolem.ChannelInfokiosk
)

// demoScript is the demonstration: use cases 3 to 7 of the exchange, then what
// is refused.
var demoScript = []demoStep{
	{"services", "lists what can be paid", demoBankA, "OK", listServices},
	{"uc3-issue", "internet banking: code for a birth certificate", demoBankA, "OK", issue("internet", demoService, 120_000, internet)},
	{"uc3-notify", "internet banking: the payment was made", demoBankA, "OK", notify("internet", demoBankA, demoService, 120_000, internet, nil)},
	{"uc4-issue", "ATM: code for a birth certificate", demoBankB, "OK", issue("atm", demoService, 120_000, atm)},
	{"uc4-notify", "ATM: the payment was made", demoBankB, "OK", notify("atm", demoBankB, demoService, 120_000, atm, nil)},
	{"uc5-issue", "infokiosk, for BANK-C: code for a state fee", demoKiosk, "OK", issue("kiosk", demoFee, 2_500_00, kiosk, client.OnBehalfOf(demoBankC))},
	{"uc5-notify", "infokiosk, for BANK-C: the cash was taken", demoKiosk, "OK", notify("kiosk", demoBankC, demoFee, 2_500_00, kiosk, nil, client.OnBehalfOf(demoBankC))},
	{"uc6-validate", "portal: is the certificate prepaid, for order 1001?", demoPortal, "OK", validate("internet", "1001", demoCitizen)},
	{"uc6-close", "portal: order 1001 was served", demoPortal, "OK", closing("internet", "close-1001", "1001")},
	{"uc7-validate", "service centre 27, operator 5: what was prepaid?", demoPortal, "OK", validateAtCentre},
	{"uc7-close", "service centre 27, operator 5: handed over", demoPortal, "OK", closeAtCentre},
	{"payment", "what became of the kiosk payment?", demoPortal, "OK", getPayment},
	{"receipt", "signed e-receipt, verified", demoPortal, "OK", demoReceipt("internet")},
	{"outcome", "answer lost: asks what became of it", demoBankA, "OK", getOutcome},
	{"repeat", "sends the same bytes again: same answer, byte for byte", demoBankA, "OK", resend},
	{"cancel", "authorisation refused: cancels its code", demoBankA, "OK", cancelCode},
	{"late", "and then the money was taken after all", demoBankA, "OK", notify("cancelled", demoBankA, demoService, 120_000, internet, nil)},

	{"second-close", "closes the certificate a second time", demoPortal, "ALREADY_USED", closing("internet", "close-again", "1001")},
	{"paid-twice", "notifies another payment for a paid code", demoBankA, "DUPLICATE_PAYMENT", notify("internet", demoBankA, demoService, 120_000, internet, func(p *client.Payment) { p.BankRef = "REF-other" })},
	{"unpaid-issue", "code that nobody will pay", demoBankA, "OK", issue("unpaid", demoService, 120_000, internet)},
	{"changed-amount", "notifies another amount than issued", demoBankA, "MISMATCH", notify("unpaid", demoBankA, demoService, 119_999, internet, nil)},
	{"wrong-bank", "notifies a payment of another bank's code", demoBankB, "WRONG_BANK", notify("unpaid", demoBankB, demoService, 120_000, internet, nil)},
	{"not-paid", "validates a code nobody paid", demoPortal, "NOT_PAID", validate("unpaid", "1002", demoCitizen)},
	{"other-recipient", "validates for somebody else", demoPortal, "IIN_MISMATCH", validate("cancelled", "1003", demoNeighbour)},
	{"unknown-code", "validates a code that was never issued", demoPortal, "UNKNOWN_CODE", unknownCode},
	{"tampered", "a byte of the signed Body changed on the way", demoBankA, "BAD_SIGNATURE", tampered},
	{"replay", "the same requestId with other content", demoBankA, "REPLAY", replay},
	{"forbidden", "a bank validates a code", demoBankA, "FORBIDDEN", validate("internet", "1004", demoCitizen)},
	{"revoked", "a bank whose certificate was revoked", demoBankC, "CERT_REVOKED", revoked},
}

func listServices(ctx context.Context, _ *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.ListServices(ctx, "")
	names := make([]string, len(r.Services))
	for i, s := range r.Services {
		names[i] = fmt.Sprintf("%s (%s)", s.Names.In("en"), s.Price)
	}
	return strings.Join(names, ", "), err
}

func validateAtCentre(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.ValidateCode(ctx, client.Validation{Code: w.codes["atm"], Centre: "27", Operator: "5"})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s for %s, %s", r.Service, r.RecipientName, r.Amount), nil
}

func closeAtCentre(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.CloseCode(ctx, client.Closing{Code: w.codes["atm"], ID: "centre-27-1", Centre: "27", Operator: "5"})
	return r.State.String(), err
}

func getPayment(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.GetPayment(ctx, w.codes["kiosk"])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s through %s, reference %s", r.State, r.Amount, r.Bank, r.BankRef), nil
}

func getOutcome(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	earlier := w.notes["internet"]
	r, err := a.client.GetOutcome(ctx, earlier.RequestID)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(r.Signed, earlier.Answer) {
		return "", errors.New("the stored answer differs from the one that was sent")
	}
	return fmt.Sprintf("%s of %s, the signed answer byte for byte", r.Result, r.Operation), nil
}

func resend(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	earlier := w.notes["internet"]
	answer, err := w.post(ctx, a, earlier.Request)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(answer, earlier.Answer) {
		return "", errors.New("the answer differs from the first one")
	}
	return "nothing happened twice", nil
}

func cancelCode(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	if _, err := issue("cancelled", demoService, 120_000, internet)(ctx, w, a); err != nil {
		return "", err
	}
	r, err := a.client.CancelCode(ctx, w.codes["cancelled"], "card refused")
	return r.State.String(), err
}

func unknownCode(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		return "", err
	}
	w.codes["unknown"] = number
	return validate("unknown", "1005", demoCitizen)(ctx, w, a)
}

// tampered sends a message of which one digit of the amount was changed.
func tampered(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	if _, err := issue("tampered", demoFee, 5_000_00, internet)(ctx, w, a); err != nil {
		return "", err
	}
	changed := bytes.Replace(a.last.Request, []byte(">5000.00<"), []byte(">5000.01<"), 1)
	if bytes.Equal(changed, a.last.Request) {
		return "", errors.New("nothing was changed")
	}
	answer, err := w.post(ctx, a, changed)
	if err != nil {
		return "", err
	}
	return "", codeError(faultIn(answer))
}

func replay(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	earlier := w.notes["internet"].RequestID
	return issue("replayed", demoService, 120_000, internet, client.WithRequestID(earlier))(ctx, w, a)
}

func revoked(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	if err := w.revoke(ctx, a); err != nil {
		return "", err
	}
	return issue("revoked", demoService, 120_000, internet)(ctx, w, a)
}
