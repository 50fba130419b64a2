package tolem_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
)

// Every role against every action, by a table that knows nothing of the
// program's.
//
// WP-143, WP-515 to WP-518, WP-569
func TestRightsOfRoles(t *testing.T) {
	rows := lines(t, "testdata/roles.txt", ":")
	if len(rows) != len(tolem.Actions) {
		t.Errorf("the file has %d actions, the program %d", len(rows), len(tolem.Actions))
	}
	for i, row := range rows {
		action := tolem.Action(strings.TrimSpace(row[0]))
		if i < len(tolem.Actions) && tolem.Actions[i] != action {
			t.Errorf("line %d is %s, the program has %s there", i+1, action, tolem.Actions[i])
		}
		signs := strings.Fields(row[1])
		if len(signs) != len(tolem.Roles) {
			t.Fatalf("%s: %d roles", action, len(signs))
		}
		for j, role := range tolem.Roles {
			if got := role.Permits(action); got != (signs[j] == "+") {
				t.Errorf("%s, %s: permitted %v", role, action, got)
			}
		}
	}
	for _, role := range tolem.Roles {
		list := role.Permitted()
		slices.Sort(list)
		if len(slices.Compact(list)) != len(role.Permitted()) {
			t.Errorf("%s: an action stands twice", role)
		}
	}
	if tolem.Role("nobody").Permits(tolem.ActSignIn) || tolem.RoleOperator.Permits("drop") {
		t.Error("what is not listed is permitted")
	}
}

// WP-021
func TestAsanOperatorIsAnOperatorWithAPoint(t *testing.T) {
	p := tolem.Person{Profile: tolem.Profile{Role: tolem.RoleOperator}}
	if p.IsAsan() || p.Position() != tolem.RoleOperator || p.May(tolem.ActAsanSummary) {
		t.Error("an operator without a point is one of ASAN")
	}
	p.AsanPoint = "ASAN1"
	if !p.IsAsan() || p.Position() != tolem.RoleAsanOperator || !p.May(tolem.ActAsanSummary) {
		t.Error("an operator with a point is none of ASAN")
	}
	p.Role = tolem.RoleBankAdmin
	if p.IsAsan() || p.May(tolem.ActAsanSummary) {
		t.Error("an administrator is an ASAN operator")
	}
}

// WP-572
func TestFourEyes(t *testing.T) {
	for _, c := range []struct {
		requester, decider tolem.PersonID
		want               bool
	}{{"a", "b", true}, {"a", "a", false}, {"", "b", false}, {"a", "", false}, {"", "", false}} {
		if got := tolem.FourEyes(c.requester, c.decider); got != c.want {
			t.Errorf("%q, %q: %v", c.requester, c.decider, got)
		}
	}
}

// WP-508
func TestMonthAfter(t *testing.T) {
	baku, err := time.LoadLocation("Asia/Baku")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		zone       *time.Location
		from, want string
	}{
		{baku, "2026-01-15 09:30:00", "2026-02-15 09:30:00"},
		{baku, "2026-01-28 09:30:00", "2026-02-28 09:30:00"},
		{baku, "2026-01-29 09:30:00", "2026-02-28 09:30:00"},
		{baku, "2026-01-31 23:59:59", "2026-02-28 23:59:59"},
		{baku, "2028-01-31 00:00:00", "2028-02-29 00:00:00"},
		{baku, "2026-02-28 12:00:00", "2026-03-28 12:00:00"},
		{baku, "2026-03-31 12:00:00", "2026-04-30 12:00:00"},
		{baku, "2026-12-31 12:00:00", "2027-01-31 12:00:00"},
		{baku, "2026-02-01 01:00:00", "2026-03-01 01:00:00"},   // still January in UTC
		{berlin, "2026-03-01 08:00:00", "2026-04-01 08:00:00"}, // the clock, not 744 hours
	} {
		from, err := time.ParseInLocation(time.DateTime, c.from, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := tolem.MonthAfter(from.UTC(), c.zone).In(c.zone).Format(time.DateTime); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.from, c.zone, got, c.want)
		}
	}
}

// WP-508, WP-518
func TestDuePasswords(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	p := tolem.Person{}.WithPassword(at, false)
	due := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	if p.Due(due.Add(-time.Microsecond), time.UTC) || !p.Due(due, time.UTC) {
		t.Errorf("due at %v", p.DueAt(time.UTC))
	}
	temporary := p.WithPassword(at, true)
	if !temporary.Due(at, time.UTC) {
		t.Error("a temporary password opens a session")
	}
	if end := at.Add(tolem.TemporaryTTL); temporary.Locked(end.Add(-time.Microsecond)) || !temporary.Locked(end) || p.Locked(end) {
		t.Error("temporary passwords live as long as others")
	}
}

// WP-507, WP-517
func TestFiveWrongPasswordsLock(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := tolem.Person{}
	for range tolem.MaxWrongPasswords - 1 {
		p = p.WrongPassword(now)
	}
	if p.Locked(now) {
		t.Fatal("locked too early")
	}
	if again := p.RightPassword(); again.Failures != 0 || again.WrongPassword(now).Locked(now) {
		t.Error("a right password does not break the row")
	}
	locked := p.WrongPassword(now)
	if !locked.Locked(now) || locked.Credential != p.Credential+1 {
		t.Errorf("after the fifth: %+v", locked)
	}
	if more := locked.WrongPassword(now.Add(time.Hour)); !more.LockedAt.Equal(now) {
		t.Error("the lock begins anew")
	}
	if free := locked.Unlocked(); free.Locked(now) || free.Failures != 0 {
		t.Errorf("unlocked: %+v", free)
	}
	if reset := locked.WithPassword(now, true); reset.Locked(now) {
		t.Error("a temporary password does not lift the lock of the old one")
	}
}

func TestProfilesAreChecked(t *testing.T) {
	good := tolem.Profile{UserName: "l.aliyeva", FirstName: "Lalə", Surname: "Əliyeva", Role: tolem.RoleOperator, Branch: "GNC01", AsanPoint: "ASAN1"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	with := func(change func(*tolem.Profile)) tolem.Profile {
		p := good
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		p    tolem.Profile
		want error
	}{
		"no user name":         {with(func(p *tolem.Profile) { p.UserName = "" }), tolem.ErrBadUserName},
		"capital letters":      {with(func(p *tolem.Profile) { p.UserName = "Aliyeva" }), tolem.ErrBadUserName},
		"no first name":        {with(func(p *tolem.Profile) { p.FirstName = "" }), tolem.ErrBadName},
		"two lines":            {with(func(p *tolem.Profile) { p.Surname = "a\nb" }), tolem.ErrBadName},
		"too long":             {with(func(p *tolem.Profile) { p.Surname = strings.Repeat("ə", 101) }), tolem.ErrBadName},
		"no branch":            {with(func(p *tolem.Profile) { p.Branch = "" }), tolem.ErrBadPlace},
		"administrator's ASAN": {with(func(p *tolem.Profile) { p.Role = tolem.RoleBankAdmin }), tolem.ErrBadPlace},
		"bad point":            {with(func(p *tolem.Profile) { p.AsanPoint = "a b" }), tolem.ErrBadIdentifier},
	} {
		if err := c.p.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := with(func(p *tolem.Profile) { p.Role = tolem.RoleAsanOperator }).Check(); err == nil {
		t.Error("somebody is registered as an ASAN operator without a point")
	}
	for typed, want := range map[string]tolem.UserName{" L.Aliyeva ": "l.aliyeva", "ABC": "abc", "İbrahim": "", "ab": "", "a b c": ""} {
		if got, err := tolem.ParseUserName(typed); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}
