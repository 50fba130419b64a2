package workplace

import (
	"errors"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// loginData is what the login page sees (S-04). After a refusal both fields are
// empty (WP-506).
type loginData struct {
	Notice *notice
	Due    bool // the password must be renewed: the page leads to it (S-07)
}

func (d *desk) showLogin(x *web.Exchange, _ access.Visitor) error {
	if by, err := d.actor(x); err == nil {
		return x.See(d.navOf(x, by).first())
	}
	n := arrived(x)
	return x.Render(n.status(), "login", loginData{Notice: n})
}

// login opens a session (WP-011 to WP-017).
func (d *desk) login(x *web.Exchange, v access.Visitor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	by, err := d.Access.SignIn(x.Request.Context(), v, f.Get("user"), access.NewPassword(f.Exactly("password")))
	if n, ok := refusalOf(err); ok {
		if err := d.Sessions.End(x); err != nil {
			return err
		}
		return x.Render(n.status(), "login", loginData{Notice: n, Due: errors.Is(err, access.ErrRenewDue)})
	}
	if err != nil {
		return err
	}
	if err := d.Sessions.Start(x, string(by.Subject())); err != nil {
		return err
	}
	return x.See(d.navOf(x, by).first())
}

// renewalData is what the page sees that renews a password without a session
// (S-08).
type renewalData struct {
	Notice *notice
	User   string
}

func (d *desk) showRenewal(x *web.Exchange, _ access.Visitor) error {
	return x.Render(200, "renew", renewalData{})
}

// renew sets a new password and leads to the login page (WP-173 to WP-175,
// WP-514).
func (d *desk) renew(x *web.Exchange, v access.Visitor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	err = d.Access.Renew(x.Request.Context(), v, f.Get("user"), access.NewPassword(f.Exactly("password")), newPasswords(f))
	if n, ok := refusalOf(err); ok {
		return x.Render(n.status(), "renew", renewalData{Notice: n, User: typedUser(f)})
	}
	if err != nil {
		return err
	}
	return x.See(saying(loginPath, "password.changed"))
}

func newPasswords(f web.Form) access.NewPasswords {
	return access.NewPasswords{New: access.NewPassword(f.Exactly("new")), Again: access.NewPassword(f.Exactly("again"))}
}

// typedUser is a user name to show again, if it looks like one: people type
// passwords into any field.
func typedUser(f web.Form) string {
	name, err := tolem.ParseUserName(f.Get("user"))
	if err != nil {
		return ""
	}
	return string(name)
}

// help tells who helps (S-09, WP-023, WP-176).
func (d *desk) help(x *web.Exchange, _ access.Visitor) error { return x.Render(200, "help", nil) }

// home leads to the first page of the menu.
func (d *desk) home(x *web.Exchange, by access.Actor) error {
	return x.See(d.navOf(x, by).first())
}

// logout ends the session and empties the basket (WP-022, WP-520, WP-530). The
// session ends whatever else fails.
func (d *desk) logout(x *web.Exchange, by access.Actor) error {
	err := d.Sessions.End(x)
	if by.Person.May(tolem.ActPay) {
		err = errors.Join(err, d.Workplace.Empty(anyway(x), by))
	}
	if err := errors.Join(err, d.Access.SignOut(anyway(x), by)); err != nil {
		return err
	}
	return x.See(saying(loginPath, "session.closed"))
}
