package stub

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/web"
	"tolem/wsdl/client"
)

// request is a citizen's request for a service, as the portal knows it.
type request struct {
	No       string
	At       time.Time
	Method   tolem.Method
	Service  tolem.ServiceCode
	Provider tolem.ProviderID
	Names    tolem.Names
	Amount   tolem.Money
	IIN      string
	Name     string

	// What the gateway has said.
	Code    tolem.CodeNumber `json:",omitempty"`
	State   string           `json:",omitempty"` // of the code
	Payment tolem.PaymentID  `json:",omitempty"`
	Page    string           `json:",omitempty"` // where the citizen pays
	Stage   tolem.Stage      `json:",omitempty"`
	Refusal tolem.RefusalReason
	Bank    tolem.ParticipantID
	BankRef tolem.BankRef
	PaidAt  time.Time
	Calls   []call
}

// call is a line of what the portal asked the gateway.
type call struct {
	At        time.Time
	Operation tolem.Operation
	Result    string
	Text      string `json:",omitempty"`
}

// maxCalls is how many lines are kept of one request.
const maxCalls = 40

func (r request) path() string { return ReturnPath + "/" + r.No }

// waits reports whether the answer may be another one in a few seconds.
func (r request) waits() bool {
	switch r.Stage {
	case tolem.StageStarted, tolem.StageForm, tolem.StageWaiting, tolem.StageUnknown, tolem.StageApproved:
		return true
	}
	return false
}

// Waits, MayPay, MayContinue, MayCancel, MayClose and Paid say what its page
// offers. A new payment is begun only where the gateway says that none is under
// way.
func (r request) Waits() bool { return r.waits() }

// MayContinue reports whether the citizen may go on at the payment page.
func (r request) MayContinue() bool {
	return r.Stage == tolem.StageStarted || r.Stage == tolem.StageForm
}

// MayPay reports whether a payment may be begun.
func (r request) MayPay() bool {
	switch r.Stage {
	case "", tolem.StageRefused, tolem.StageAbandoned:
		return r.State != tolem.StateCancelled.String()
	}
	return false
}

// MayCancel reports whether the portal may take its code back.
func (r request) MayCancel() bool {
	return r.State == tolem.StateIssued.String() && r.Stage != tolem.StageWaiting && r.Stage != tolem.StageUnknown && r.Stage != tolem.StageApproved
}

// MayClose reports whether the service may be rendered.
func (r request) MayClose() bool { return r.State == tolem.StatePaid.String() }

// Paid reports whether there is a receipt.
func (r request) Paid() bool { return r.Stage == tolem.StagePaid }

// Tone is the colour of its page.
func (r request) Tone() string {
	switch r.Stage {
	case tolem.StagePaid:
		return "good"
	case tolem.StageRefused, tolem.StageExpired, tolem.StageCancelled:
		return "bad"
	case tolem.StageWaiting, tolem.StageUnknown, tolem.StageApproved, tolem.StageRefunded:
		return "wait"
	}
	return ""
}

// Told is how its stage is called in the texts.
func (r request) Told() string {
	if r.Stage == "" {
		return "NONE"
	}
	return string(r.Stage)
}

// note writes down a call. A refusal or fault of the gateway is an outcome that
// the page shows; anything else stays an error.
func (r *request) note(now time.Time, op tolem.Operation, err error) error {
	c := call{At: now, Operation: op, Result: string(tolem.OK)}
	var refusal *client.Refusal
	var fault *client.Fault
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		c.Result, c.Text = string(refusal.Code), refusal.Text
	case errors.As(err, &fault):
		c.Result, c.Text = string(fault.Code), fault.Message
	default:
		return err
	}
	if n := len(r.Calls); n > 0 && r.Calls[n-1].Operation == op && r.Calls[n-1].Result == c.Result {
		r.Calls[n-1] = c // asked again, told the same
	} else if n < maxCalls {
		r.Calls = append(r.Calls, c)
	}
	return nil
}

// start has a payment begun: by card for a code, from an account without one
// (GW-077, GW-094).
func (p *portal) start(ctx context.Context, r *request, l tolem.Language) error {
	r.Page = ""
	if r.Method == tolem.MethodAccount {
		return p.startAccount(ctx, r, l)
	}
	if r.Code == 0 {
		issued, err := p.Gateway.IssueCode(ctx, client.CodeRequest{
			Service: r.Service, Provider: r.Provider, Recipient: tolem.IIN(r.IIN), RecipientName: r.Name, Amount: r.Amount,
			Channel: tolem.ChannelAcquiring, RequestNo: tolem.RequestNo(r.No),
		})
		if noted := r.note(p.Clock(), tolem.OpIssueCode, err); err != nil {
			return noted
		}
		r.Code, r.State = issued.Code, tolem.StateIssued.String()
	}
	started, err := p.Gateway.StartCardPayment(ctx, client.CardCheckout{
		Code: r.Code, Recipient: tolem.IIN(r.IIN), Service: r.Service, Amount: r.Amount, ReturnAddress: p.Address + r.path(), Language: l,
	})
	return r.begun(p.Clock(), tolem.OpStartCardPayment, started, err)
}

func (p *portal) startAccount(ctx context.Context, r *request, l tolem.Language) error {
	started, err := p.Gateway.StartAccountPayment(ctx, client.AccountCheckout{
		Service: r.Service, Provider: r.Provider, Recipient: tolem.IIN(r.IIN), RecipientName: r.Name, Amount: r.Amount,
		RequestNo: tolem.RequestNo(r.No), ReturnAddress: p.Address + r.path(), Language: l,
	})
	return r.begun(p.Clock(), tolem.OpStartAccountPayment, started, err)
}

func (r *request) begun(now time.Time, op tolem.Operation, s client.StartedPayment, err error) error {
	if noted := r.note(now, op, err); err != nil {
		return noted
	}
	r.Payment, r.Page, r.Stage = s.Payment, s.Address, tolem.StageStarted
	return nil
}

// ask asks the gateway how the payment stands: only its answer counts, not that
// the citizen has come back.
func (p *portal) ask(ctx context.Context, r *request) error {
	c, err := p.Gateway.GetCheckout(ctx, r.Payment)
	if noted := r.note(p.Clock(), tolem.OpGetCheckout, err); err != nil {
		return noted
	}
	r.Stage, r.Refusal, r.Bank, r.BankRef, r.PaidAt = c.Stage, c.Refusal, c.Bank, c.BankRef, c.PaidAt
	if c.Code == 0 {
		return nil
	}
	r.Code = c.Code
	state, err := p.Gateway.GetPayment(ctx, r.Code)
	if noted := r.note(p.Clock(), tolem.OpGetPayment, err); err != nil {
		return noted
	}
	r.State = state.State.String()
	return nil
}

// cancelCode takes back a code that nobody has paid.
func (p *portal) cancelCode(ctx context.Context, r *request) error {
	_, err := p.Gateway.CancelCode(ctx, r.Code, "cancelled at the portal")
	return r.note(p.Clock(), tolem.OpCancelCode, err)
}

// serve validates the code for this request and closes it: the service was
// rendered.
func (p *portal) serve(ctx context.Context, r *request) error {
	_, err := p.Gateway.ValidateCode(ctx, client.Validation{
		Code: r.Code, RequestNo: tolem.RequestNo(r.No), Recipient: tolem.IIN(r.IIN), Service: r.Service,
	})
	if noted := r.note(p.Clock(), tolem.OpValidateCode, err); err != nil {
		return noted
	}
	_, err = p.Gateway.CloseCode(ctx, client.Closing{Code: r.Code, ID: tolem.CloseID("close-" + r.No), RequestNo: tolem.RequestNo(r.No)})
	return r.note(p.Clock(), tolem.OpCloseCode, err)
}

// receiptData is what the template of a receipt sees.
type receiptData struct {
	request
	Fields []field
	Signer string
}

// field is an element of a receipt.
type field struct{ Name, Value string }

// fetchReceipt gets the signed receipt; none if the gateway has refused.
func (p *portal) fetchReceipt(x *web.Exchange) (request, []byte, error) {
	r, err := p.find(x)
	if err != nil {
		return r, nil, err
	}
	got, err := p.Gateway.GetReceipt(x.Request.Context(), r.Code)
	err = r.note(p.Clock(), tolem.OpGetReceipt, err)
	return r, got.Document, errors.Join(err, p.keep(r))
}

// readReceipt verifies a receipt and returns its elements, and who signed.
func (p *portal) readReceipt(document []byte) ([]field, string, error) {
	signed, err := signing.VerifyEnveloped(document, p.Trust, p.Clock())
	if err != nil {
		return nil, "", err
	}
	fields, err := elements(signed.Content)
	return fields, signed.Certificate.Subject.CommonName, err
}

// elements lists the elements of a document that hold text.
func elements(document []byte) (fields []field, err error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	var path []string
	var text string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			path, text = append(path, t.Name.Local), ""
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if text = strings.TrimSpace(text); text != "" {
				fields = append(fields, field{strings.Join(path[1:], " "), text})
			}
			path, text = path[:len(path)-1], ""
		}
	}
}
