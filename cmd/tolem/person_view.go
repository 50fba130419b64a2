package main

import (
	"fmt"
	"time"

	"tolem"
	"tolem/access"
)

// personView is a person as it is shown to people and machines.
type personView struct {
	ID                string      `json:"id"`
	Bank              string      `json:"bank"`
	Branch            string      `json:"branch,omitempty"`
	User              string      `json:"user"`
	FirstName         string      `json:"firstName"`
	Surname           string      `json:"surname"`
	Role              string      `json:"role"`
	AsanPoint         string      `json:"asanPoint,omitempty"`
	State             string      `json:"state"`
	WrongPasswords    int         `json:"wrongPasswords,omitempty"`
	PasswordSet       time.Time   `json:"passwordSet"`
	Added             time.Time   `json:"added"`
	AddedBy           string      `json:"addedBy"`
	Tokens            []tokenView `json:"tokens,omitempty"`
	TemporaryPassword string      `json:"temporaryPassword,omitempty"` // shown once
}

type tokenView struct {
	Fingerprint string     `json:"fingerprint"`
	Serial      string     `json:"serial"`
	NotAfter    time.Time  `json:"notAfter"`
	Added       time.Time  `json:"added"`
	AddedBy     string     `json:"addedBy"`
	Revoked     *time.Time `json:"revoked,omitempty"`
	RevokedBy   string     `json:"revokedBy,omitempty"`
}

func viewPerson(c access.Card, now time.Time) personView {
	p := c.Person
	v := personView{
		ID: string(p.ID), Bank: string(p.Bank), Branch: string(p.Branch), User: string(p.UserName), FirstName: p.FirstName, Surname: p.Surname,
		Role: string(p.Position()), AsanPoint: string(p.AsanPoint), State: personState(p, now), WrongPasswords: p.Failures,
		PasswordSet: p.PasswordAt, Added: p.CreatedAt, AddedBy: p.CreatedBy,
	}
	for _, t := range c.Tokens {
		tv := tokenView{
			Fingerprint: t.Fingerprint.String(), Serial: t.Serial, NotAfter: t.NotAfter, Added: t.RegisteredAt, AddedBy: t.RegisteredBy, RevokedBy: t.RevokedBy,
		}
		if !t.InUse() {
			tv.Revoked = &t.RevokedAt
		}
		v.Tokens = append(v.Tokens, tv)
	}
	return v
}

func personState(p tolem.Person, now time.Time) string {
	switch {
	case p.Suspended:
		return "suspended"
	case p.Locked(now):
		return "locked"
	case p.Temporary:
		return "temporary password"
	}
	return "active"
}

func (v personView) print(io streams) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(io.out, "%-14s %s\n", name, value)
		}
	}
	line("user", v.Bank+"/"+v.User)
	line("name", v.FirstName+" "+v.Surname)
	line("role", v.Role)
	line("branch", v.Branch)
	line("ASAN point", v.AsanPoint)
	line("state", v.State)
	line("password set", v.PasswordSet.Format(time.RFC3339))
	line("added", v.Added.Format(time.RFC3339)+" by "+v.AddedBy)
	line("id", v.ID)
	for _, t := range v.Tokens {
		state := "until " + t.NotAfter.Format(time.DateOnly)
		if t.Revoked != nil {
			state = "revoked " + t.Revoked.Format(time.DateOnly)
		}
		line("e-token", t.Fingerprint+"  "+state+"  serial "+t.Serial)
	}
}
