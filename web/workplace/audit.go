package workplace

import (
	"net/url"
	"strconv"
	"strings"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// auditPage is how many records a page of the audit has.
const auditPage = 100

// auditData is what the page of the audit sees.
type auditData struct {
	Day    tolem.Day
	Person tolem.PersonID
	People []choice
	Rows   []auditRow
	Next   string // address of the next page; empty: this is the last
}

// auditRow is a record as it is shown.
type auditRow struct {
	Time                string // to the second
	Name                string // of who did it
	Action              tolem.Action
	Subject, Outcome    string
	OutcomeKey          string // of the text of a refusal
	Workstation, Serial string
}

// audit shows what the people of the bank have done on a day (WP-521).
func (d *desk) audit(x *web.Exchange, by access.Actor) error {
	q := x.Request.URL.Query()
	day, err := tolem.ParseDay(q.Get("day"))
	if err != nil {
		day = d.Calendar.DayOf(x.Now())
	}
	people, err := d.Access.People(x.Request.Context(), by, "", access.Search{})
	if err != nil {
		return err
	}
	v, names := auditData{Day: day, Person: tolem.PersonID(q.Get("person"))}, make(map[string]string, len(people))
	for _, p := range people {
		names[string(p.ID)] = p.FullName()
		v.People = append(v.People, choice{string(p.ID), p.FullName()})
	}
	number, _ := strconv.ParseInt(q.Get("number"), 10, 64)
	after := access.Mark{Actor: q.Get("actor"), Number: number}
	list, err := d.Access.AuditOf(x.Request.Context(), by, "", day, v.Person, after, auditPage)
	if err != nil {
		return err
	}
	for _, r := range list {
		row := auditRow{
			Time: r.At.In(d.zone).Format("02.01.2006 15:04:05"), Name: names[r.Actor], Action: r.Action, Subject: named(r.Subject, names),
			Outcome: r.Outcome, Workstation: r.Workstation, Serial: r.Serial,
		}
		if row.Name == "" {
			row.Name = r.Actor
		}
		if isMessage(r.Outcome) {
			row.OutcomeKey = r.Outcome
		}
		v.Rows = append(v.Rows, row)
	}
	if len(list) == auditPage {
		last := list[len(list)-1]
		v.Next = auditPath + "?" + url.Values{
			"day": {day.String()}, "person": {string(v.Person)}, "actor": {last.Actor}, "number": {strconv.FormatInt(last.Number, 10)},
		}.Encode()
	}
	return x.Render(200, "audit", v)
}

// named puts the name of a person in the place of the id with which a subject
// begins.
func named(subject string, names map[string]string) string {
	id, rest, _ := strings.Cut(subject, " ")
	if name, ok := names[id]; ok {
		return strings.TrimSpace(name + " " + rest)
	}
	return subject
}
