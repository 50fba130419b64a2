package workplace

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"tolem/access"
	"tolem/web"
)

// guard stands before every route. Whoever's certificate may not come in sees
// that and nothing else (WP-501, WP-502); who has no session, or one of another
// certificate (WP-504), sees the login page; whose position does not permit the
// route's action, a page that says so.
func (d *desk) guard(r Route) web.Handler {
	return func(x *web.Exchange) error {
		err := d.enter(x, r)
		if key, ok := access.KeyOf(err); ok && key == access.ErrNotRegistered.Key() {
			return x.Render(http.StatusForbidden, "refused", nil)
		}
		return err
	}
}

func (d *desk) enter(x *web.Exchange, r Route) error {
	if x.Request.Method == http.MethodGet {
		x.Back = x.Request.URL.RequestURI()
	}
	if r.Public {
		v, err := d.visitor(x)
		if err != nil {
			return err
		}
		return r.visit(d, x, v)
	}
	by, err := d.actor(x)
	if errors.Is(err, access.ErrSession) {
		return d.toLogin(x)
	}
	if err != nil {
		return err
	}
	n := d.navOf(x, by)
	if r.cards {
		n.Bridge = d.Bridge
	}
	x.Nav = n
	if err := access.May(by, r.Action); err != nil {
		return err
	}
	err = r.act(d, x, by)
	if errors.Is(err, access.ErrSession) { // it ended meanwhile
		return d.toLogin(x)
	}
	return err
}

// visitor is who stands at the other end of the connection.
func (d *desk) visitor(x *web.Exchange) (access.Visitor, error) {
	r, err := d.Access.Verify(x.Request.Context(), connection(x))
	return access.Visitor{Certificate: r, Workstation: workstation(x)}, err
}

// actor is whose session it is, or access.ErrSession.
func (d *desk) actor(x *web.Exchange) (access.Actor, error) {
	s, err := d.Sessions.Find(x)
	if errors.Is(err, web.ErrNoSession) {
		if _, err := d.visitor(x); err != nil {
			return access.Actor{}, err
		}
		return access.Actor{}, access.ErrSession
	}
	if err != nil {
		return access.Actor{}, err
	}
	return d.Access.Check(x.Request.Context(), connection(x), access.Subject(s.Subject), workstation(x))
}

// toLogin ends what is left of a session. What was asked for by a program of
// ours, or was to be printed, is not answered with a page to type into.
func (d *desk) toLogin(x *web.Exchange) error {
	had := false
	if _, err := x.Request.Cookie(d.Sessions.Cookie); err == nil {
		had = true
	}
	if err := d.Sessions.End(x); err != nil {
		return err
	}
	if had {
		return x.See(loginPath + "?" + saidField + "=session.over")
	}
	return x.See(loginPath)
}

// connection is the TLS connection the request came over; none has no
// certificate.
func connection(x *web.Exchange) tls.ConnectionState {
	if x.Request.TLS == nil {
		return tls.ConnectionState{}
	}
	return *x.Request.TLS
}

// workstation is the address of the computer, as the audit has it.
func workstation(x *web.Exchange) string {
	host, _, err := net.SplitHostPort(x.Request.RemoteAddr)
	if err != nil {
		return x.Request.RemoteAddr
	}
	return host
}

// nowhere answers what is no page; who is signed in keeps the menu.
func (d *desk) nowhere(x *web.Exchange, _ access.Visitor) error {
	if by, err := d.actor(x); err == nil {
		x.Nav = d.navOf(x, by)
	}
	return web.ErrNotFound
}

// anyway is a context for what must be done although the browser has gone.
func anyway(x *web.Exchange) context.Context { return context.WithoutCancel(x.Request.Context()) }
