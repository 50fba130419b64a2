package workplace

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// Limits of S-44.
const (
	shownPeople    = 200     // of one search; who is not among them is found by typing more
	maxCertificate = 8 << 10 // characters that are pasted
)

// peopleData is what the list of people sees (S-44).
type peopleData struct {
	Notice   *notice
	Text     string
	Branch   tolem.ParticipantID
	Branches []choice
	People   []personRow
	More     bool // there are others that were found
}

// personRow is somebody of a list.
type personRow struct {
	tolem.Person
	BranchName string
	State      string // key of the text
}

// choice is an option of a list to choose from.
type choice struct{ ID, Name string }

// people lists and searches (WP-515 to WP-518).
func (d *desk) people(x *web.Exchange, by access.Actor) error {
	q := x.Request.URL.Query()
	s := access.Search{Text: q.Get("text"), Branch: tolem.ParticipantID(q.Get("branch"))}
	found, err := d.Access.People(x.Request.Context(), by, "", s)
	if err != nil {
		return err
	}
	v := peopleData{Notice: arrived(x), Text: s.Text, Branch: s.Branch, Branches: d.branchesOf(by.Person.Bank), More: len(found) > shownPeople}
	for _, p := range found[:min(len(found), shownPeople)] {
		v.People = append(v.People, personRow{p, d.nameOf(p.Branch), d.stateOf(p)})
	}
	return x.Render(200, "people", v)
}

// stateOf is the key of how somebody stands.
func (d *desk) stateOf(p tolem.Person) string {
	switch now := d.clock(); {
	case p.Suspended:
		return "people.state.suspended"
	case p.Locked(now):
		return "people.state.locked"
	case p.Temporary:
		return "people.state.temporary"
	case p.Due(now, d.zone):
		return "people.state.due"
	}
	return "people.state.active"
}

// branchesOf lists the branches of a bank, by name.
func (d *desk) branchesOf(bank tolem.ParticipantID) []choice {
	var list []choice
	for _, p := range d.Names.Participants() {
		if p.Kind == tolem.KindBranch && slices.Contains(p.ActsFor, bank) {
			list = append(list, choice{string(p.ID), p.Name})
		}
	}
	slices.SortFunc(list, func(a, b choice) int {
		return cmp.Or(cmp.Compare(tolem.SortKey(a.Name), tolem.SortKey(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// profileData is what the parts of a profile's form see.
type profileData struct {
	Typed    tolem.Profile
	Branches []choice
	Points   []choice
	Roles    []tolem.Role // that a security administrator gives
}

func (d *desk) profileForm(ctx context.Context, by access.Actor, typed tolem.Profile) (profileData, error) {
	points, err := d.Bills.AsanPoints(ctx)
	v := profileData{Typed: typed, Branches: d.branchesOf(by.Person.Bank), Roles: []tolem.Role{tolem.RoleOperator, tolem.RoleBankAdmin}}
	for _, p := range points {
		v.Points = append(v.Points, choice{string(p.ID), p.Name})
	}
	return v, err
}

// readProfile reads the form. What a role does not have is left out of it.
func readProfile(f web.Form) tolem.Profile {
	p := tolem.Profile{
		UserName: tolem.UserName(f.Get("user")), FirstName: f.Get("first-name"), Surname: f.Get("surname"), Role: tolem.Role(f.Get("role")),
		Branch: tolem.ParticipantID(f.Get("branch")),
	}
	if name, err := tolem.ParseUserName(f.Get("user")); err == nil {
		p.UserName = name
	}
	if p.Role == tolem.RoleOperator {
		p.AsanPoint = tolem.AsanPointID(f.Get("asan-point"))
	}
	return p
}

// newPersonData is what the page sees on which somebody is added.
type newPersonData struct {
	Notice  *notice
	Profile profileData
}

func (d *desk) newPerson(x *web.Exchange, by access.Actor) error {
	return d.renderNewPerson(x, by, nil, tolem.Profile{Role: tolem.RoleOperator})
}

func (d *desk) renderNewPerson(x *web.Exchange, by access.Actor, n *notice, typed tolem.Profile) error {
	form, err := d.profileForm(x.Request.Context(), by, typed)
	if err != nil {
		return err
	}
	return x.Render(n.status(), "person_new", newPersonData{n, form})
}

// addPerson registers somebody and shows the temporary password, once: reload
// does not show it again, since the page answers a POST.
func (d *desk) addPerson(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	in := readProfile(f)
	p, temporary, err := d.Access.AddPerson(x.Request.Context(), by, "", in)
	if n, ok := refusalOf(err); ok {
		return d.renderNewPerson(x, by, n, in)
	}
	if err != nil {
		return err
	}
	return x.Render(200, "temporary", temporaryData{p, temporary.Reveal()})
}

// temporaryData is what the page sees that shows a temporary password.
type temporaryData struct {
	Person   tolem.Person
	Password string
}

// personData is what the page of a person sees.
type personData struct {
	Notice  *notice
	Person  tolem.Person
	State   string
	Locked  bool
	Tokens  []tolem.EToken
	Profile profileData
	Managed bool   // the actor may change the person
	Pasted  string // a certificate that was refused
}

func (d *desk) person(x *web.Exchange, by access.Actor) error {
	return d.renderPerson(x, by, arrived(x), nil, "")
}

// renderPerson shows a person, with a profile that was typed and not taken.
func (d *desk) renderPerson(x *web.Exchange, by access.Actor, n *notice, typed *tolem.Profile, pasted string) error {
	card, err := d.Access.Card(x.Request.Context(), by, "", personOf(x))
	if err != nil {
		return err
	}
	if typed == nil {
		typed = &card.Person.Profile
	}
	form, err := d.profileForm(x.Request.Context(), by, *typed)
	if err != nil {
		return err
	}
	p := card.Person
	slices.Reverse(card.Tokens) // the newest first
	return x.Render(n.status(), "person", personData{
		Notice: n, Person: p, State: d.stateOf(p), Locked: p.Locked(d.clock()), Tokens: card.Tokens, Profile: form,
		Managed: p.ID != by.Person.ID && p.Role != tolem.RoleBankSecurityAdmin, Pasted: pasted,
	})
}

func personOf(x *web.Exchange) tolem.PersonID { return tolem.PersonID(x.Request.PathValue("person")) }

// toPerson leads back to the person's page, with a message.
func toPerson(x *web.Exchange, key string) error {
	return x.See(saying(peoplePath+"/"+string(personOf(x)), key))
}

// done answers a change of a person: the message of the refusal on the person's
// page, or its address.
func (d *desk) done(x *web.Exchange, by access.Actor, err error, key string) error {
	if n, ok := refusalOf(err); ok {
		return d.renderPerson(x, by, n, nil, "")
	}
	if err != nil {
		return err
	}
	return toPerson(x, key)
}

func (d *desk) changePerson(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	in := readProfile(f)
	_, err = d.Access.ChangePerson(x.Request.Context(), by, "", personOf(x), in)
	if n, ok := refusalOf(err); ok {
		return d.renderPerson(x, by, n, &in, "")
	}
	return d.done(x, by, err, "people.changed")
}

func (d *desk) suspend(x *web.Exchange, by access.Actor) error {
	return d.done(x, by, d.Access.Suspend(x.Request.Context(), by, "", personOf(x)), "people.suspended")
}

func (d *desk) resume(x *web.Exchange, by access.Actor) error {
	return d.done(x, by, d.Access.Resume(x.Request.Context(), by, "", personOf(x)), "people.resumed")
}

// unlock lifts the lock of wrong passwords (WP-517).
func (d *desk) unlock(x *web.Exchange, by access.Actor) error {
	return d.done(x, by, d.Access.Unlock(x.Request.Context(), by, "", personOf(x)), "people.unlocked")
}

// setPassword shows a temporary password, once (WP-518).
func (d *desk) setPassword(x *web.Exchange, by access.Actor) error {
	temporary, err := d.Access.SetTemporaryPassword(x.Request.Context(), by, "", personOf(x))
	if err != nil {
		return d.done(x, by, err, "")
	}
	card, err := d.Access.Card(x.Request.Context(), by, "", personOf(x))
	if err != nil {
		return err
	}
	return x.Render(200, "temporary", temporaryData{card.Person, temporary.Reveal()})
}

// registerToken registers the certificate that was pasted (WP-515).
func (d *desk) registerToken(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxCertificate)
	if err != nil {
		return err
	}
	pasted := f.Get("certificate")
	cert, err := readCertificate(pasted)
	if err != nil {
		return d.renderPerson(x, by, bad("people.certificate_unreadable"), nil, pasted)
	}
	_, err = d.Access.RegisterToken(x.Request.Context(), by, "", personOf(x), cert)
	return d.done(x, by, err, "people.token_registered")
}

// readCertificate reads PEM, or the same in base 64 without its frame.
func readCertificate(text string) (*x509.Certificate, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return x509.ParseCertificate(block.Bytes)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// revokeToken ends a registration (WP-516).
func (d *desk) revokeToken(x *web.Exchange, by access.Actor) error {
	var f tolem.Fingerprint
	if raw, err := hex.DecodeString(x.Request.PathValue("token")); err != nil || copy(f[:], raw) != len(f) || len(raw) != len(f) {
		return web.ErrNotFound
	}
	return d.done(x, by, d.Access.RevokeToken(x.Request.Context(), by, "", personOf(x), f), "people.token_revoked")
}
