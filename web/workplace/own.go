package workplace

import (
	"errors"
	"time"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// passwordData is what the page sees that changes the password (S-41).
type passwordData struct{ Notice *notice }

func (d *desk) showPassword(x *web.Exchange, _ access.Actor) error {
	n := arrived(x)
	return x.Render(n.status(), "password", passwordData{n})
}

// changePassword keeps the session, under a new token; the person's other ones
// are over (WP-166 to WP-170).
func (d *desk) changePassword(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	after, err := d.Access.ChangePassword(x.Request.Context(), by, access.NewPassword(f.Exactly("password")), newPasswords(f))
	if errors.Is(err, access.ErrLocked) {
		if err := d.Sessions.End(x); err != nil {
			return err
		}
		return x.See(saying(loginPath, "session.over"))
	}
	if n, ok := refusalOf(err); ok {
		return x.Render(n.status(), "password", passwordData{n})
	}
	if err != nil {
		return err
	}
	if err := d.Sessions.Start(x, string(after.Subject())); err != nil {
		return err
	}
	return x.See(saying(passwordPath, "password.changed"))
}

// userData is what the page about the user sees (S-42, WP-591).
type userData struct {
	Person       tolem.Person
	Bank, Branch string
	Point        string // ASAN service point; empty: none
	Until        time.Time
}

func (d *desk) user(x *web.Exchange, by access.Actor) error {
	u := userData{Person: by.Person, Bank: d.nameOf(by.Person.Bank), Branch: d.nameOf(by.Person.Branch), Until: by.Token.NotAfter}
	if by.Person.IsAsan() {
		points, err := d.Bills.AsanPoints(x.Request.Context())
		if err != nil {
			return err
		}
		u.Point = string(by.Person.AsanPoint)
		for _, p := range points {
			if p.ID == by.Person.AsanPoint {
				u.Point = p.Name
			}
		}
	}
	return x.Render(200, "user", u)
}

// nameOf is the name of a bank or branch.
func (d *desk) nameOf(id tolem.ParticipantID) string {
	if p, ok := d.Names.Participant(id); ok {
		return p.Name
	}
	return string(id)
}
