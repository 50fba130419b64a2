package workplace

import (
	"net/http"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// maxDocument bounds what a card bridge has signed, in characters.
const maxDocument = 16 << 10

// pair hands the enrolment of a card bridge to the core and the grant back to
// the page, which brings it to the bridge. static/pairing.js calls it.
func (d *desk) pair(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxDocument)
	if err != nil {
		return err
	}
	grant, err := d.Workplace.Pair(x.Request.Context(), by, f.Get("enrolment"))
	return answerGrant(x, grant, err)
}

// bridgeKeys brings a paired bridge the keys that tickets are signed with.
func (d *desk) bridgeKeys(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	grant, err := d.Workplace.BridgeKeys(x.Request.Context(), by, tolem.WorkstationID(f.Get("workstation")))
	return answerGrant(x, grant, err)
}

func answerGrant(x *web.Exchange, grant string, err error) error {
	if n, ok := refusalOf(err); ok {
		return answerJSON(x, http.StatusUnprocessableEntity, map[string]string{"refused": n.Key})
	}
	if err != nil {
		return err
	}
	return answerJSON(x, http.StatusOK, map[string]string{"grant": grant})
}
