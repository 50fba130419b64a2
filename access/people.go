package access

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"tolem"
	"tolem/store"
)

// Search narrows a list of people. The zero Search is everybody.
type Search struct {
	Text   string // part of the user name, the first name or the surname
	Branch tolem.ParticipantID
}

// Limits of lists of people.
const (
	peoplePage = 500
	maxPeople  = 10_000 // of one bank that are looked through
)

// People returns the people of the actor's bank, by surname. Names are sealed
// in the database, so they are looked through here. The gateway's operator names
// the bank; it is ignored for others.
func (a *Access) People(ctx context.Context, by Actor, bank tolem.ParticipantID, s Search) (list []tolem.Person, err error) {
	if bank, err = a.scope(by, bank, tolem.ActListPeople); err != nil {
		return nil, err
	}
	for seen, after := 0, tolem.PersonID(""); seen < maxPeople; {
		var page []tolem.Person
		err = a.view(ctx, "list people", func(tx *store.Tx) error {
			page, err = tx.People(bank, after, peoplePage)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			if s.finds(p) {
				list = append(list, p)
			}
		}
		if len(page) < peoplePage {
			break
		}
		seen, after = seen+len(page), page[len(page)-1].ID
	}
	slices.SortFunc(list, func(a, b tolem.Person) int {
		return cmp.Or(cmp.Compare(tolem.SortKey(a.Surname), tolem.SortKey(b.Surname)), cmp.Compare(tolem.SortKey(a.FirstName), tolem.SortKey(b.FirstName)), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func (s Search) finds(p tolem.Person) bool {
	if s.Branch != "" && p.Branch != s.Branch {
		return false
	}
	text := folded(strings.TrimSpace(s.Text))
	return text == "" || strings.Contains(string(p.UserName), text) || strings.Contains(folded(p.FirstName+" "+p.Surname), text) ||
		strings.Contains(folded(p.Surname+" "+p.FirstName), text)
}

// folded makes letters the same that a person who searches does not tell apart:
// case, and all four of i, İ, ı, I.
func folded(s string) string { return strings.ToLower(sameI.Replace(s)) }

var sameI = strings.NewReplacer("İ", "i", "I", "i", "ı", "i")

// Card is a person with the e-tokens that were ever registered, oldest first.
type Card struct {
	Person tolem.Person
	Tokens []tolem.EToken
}

// Card returns a person of the actor's bank. The gateway's operator names the
// bank; it is ignored for others.
func (a *Access) Card(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID) (c Card, err error) {
	return a.card(ctx, by, bank, func(tx *store.Tx, bank tolem.ParticipantID) (tolem.Person, error) { return tx.Person(bank, id) })
}

// CardOf is Card by the user name.
func (a *Access) CardOf(ctx context.Context, by Actor, bank tolem.ParticipantID, name tolem.UserName) (c Card, err error) {
	return a.card(ctx, by, bank, func(tx *store.Tx, bank tolem.ParticipantID) (tolem.Person, error) { return tx.PersonNamed(bank, name) })
}

func (a *Access) card(ctx context.Context, by Actor, bank tolem.ParticipantID, find func(*store.Tx, tolem.ParticipantID) (tolem.Person, error)) (c Card, err error) {
	if bank, err = a.scope(by, bank, tolem.ActListPeople); err != nil {
		return c, err
	}
	err = a.view(ctx, "read person", func(tx *store.Tx) error {
		if c.Person, err = find(tx, bank); errors.Is(err, store.ErrNotFound) {
			return ErrNoPerson
		}
		if err == nil {
			c.Tokens, err = tx.TokensOf(bank, c.Person.ID)
		}
		return err
	})
	return c, err
}
