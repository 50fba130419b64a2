package stub

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"tolem"
	"tolem/web"
	"tolem/wsdl/client"
)

// The portal's page for the operator of a service centre: somebody has come
// with a code that was paid at a bank or a terminal (use case 7).
const (
	centrePath = "/centre"

	centre   = "27"
	operator = "5"
)

// centreData is what the template of that page sees.
type centreData struct {
	Code    string // as typed
	Result  string // result code of the gateway, "" before anything was asked
	Text    string
	Valid   *client.ValidCode
	Service tolem.Names
	Done    bool // the code was closed just now
	Samples []string
}

func (p *portal) centre(x *web.Exchange) error {
	return x.Render(http.StatusOK, "portal_centre", centreData{Samples: p.Samples})
}

// atCentre checks a code, or hands over what was paid with it.
func (p *portal) atCentre(x *web.Exchange) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	d := centreData{Code: f.Get("code"), Samples: p.Samples}
	code, err := tolem.ReadCodeNumber(d.Code)
	if err != nil {
		d.Result = string(tolem.UnknownCode)
		return x.Render(http.StatusUnprocessableEntity, "portal_centre", d)
	}
	d.Code = code.Printed()
	if f.Get("do") == "close" {
		_, err = p.Gateway.CloseCode(x.Request.Context(), client.Closing{Code: code, ID: tolem.CloseID("centre-" + code.String()), Centre: centre, Operator: operator})
		d.Done = err == nil
	} else {
		err = p.validate(x.Request.Context(), code, &d)
	}
	if d.Result, d.Text, err = answerOf(err); err != nil {
		return err
	}
	return x.Render(http.StatusOK, "portal_centre", d)
}

// validate asks who has paid what with a code.
func (p *portal) validate(ctx context.Context, code tolem.CodeNumber, d *centreData) error {
	v, err := p.Gateway.ValidateCode(ctx, client.Validation{Code: code, Centre: centre, Operator: operator})
	if err != nil {
		return err
	}
	d.Valid, d.Service = &v, tolem.Names{RU: string(v.Service)}
	services, err := p.Gateway.ListServices(ctx, "")
	i := slices.IndexFunc(services.Services, func(s client.Service) bool { return s.Code == v.Service })
	if i >= 0 {
		d.Service = services.Services[i].Names
	}
	return err
}

// answerOf is what the gateway said: OK, a refusal or a fault. Anything else stays
// an error.
func answerOf(err error) (result, text string, failure error) {
	var refusal *client.Refusal
	var fault *client.Fault
	switch {
	case err == nil:
		return string(tolem.OK), "", nil
	case errors.As(err, &refusal):
		return string(refusal.Code), refusal.Text, nil
	case errors.As(err, &fault):
		return string(fault.Code), fault.Message, nil
	}
	return "", "", err
}
