package tolem_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
)

// rightsTable reads testdata/rights.txt: the operations of each group.
func rightsTable(t *testing.T) map[tolem.Group][]tolem.Operation {
	t.Helper()
	table := make(map[tolem.Group][]tolem.Operation)
	for _, fields := range lines(t, "testdata/rights.txt", ":") {
		var ops []tolem.Operation
		for _, op := range strings.Fields(strings.ReplaceAll(fields[1], "|", " ")) {
			ops = append(ops, tolem.Operation(op))
		}
		table[tolem.Group(fields[0])] = ops
	}
	return table
}

// Each group may call what the requirements list for it and nothing else.
//
// GW-049, GW-052 to GW-055, GW-P42
func TestRightsOfGroups(t *testing.T) {
	want := rightsTable(t)
	if len(want) != len(tolem.Groups()) {
		t.Errorf("the file has %d groups, the program %v", len(want), tolem.Groups())
	}
	for _, group := range tolem.Groups() {
		for _, op := range tolem.Operations {
			if got := group.Permits(op); got != slices.Contains(want[group], op) {
				t.Errorf("%s, %s: permitted %v", group, op, got)
			}
		}
		if len(group.Permitted()) != len(want[group]) {
			t.Errorf("%s: %v, want %v", group, group.Permitted(), want[group])
		}
	}
	if tolem.Group("nobody").Permits(tolem.OpIssueCode) || tolem.GroupPortal.Permits("DropTables") {
		t.Error("what is not listed is permitted")
	}
}

// A participant may do what one of its groups may, and without a group nothing.
//
// GW-053, GW-055
func TestRightsOfAParticipant(t *testing.T) {
	p := tolem.Participant{Kind: tolem.KindBank}
	if p.May(tolem.OpIssueCode) {
		t.Error("without a group it may issue codes")
	}
	p.Groups = []tolem.Group{tolem.GroupProvider, tolem.GroupBank}
	if !p.May(tolem.OpNotifyPayment) || p.May(tolem.OpCloseCode) {
		t.Error("its rights are not those of its groups")
	}
}

// A copy of the rights is handed out, not the rights.
//
// GW-054
func TestRightsCannotBeChangedByCallers(t *testing.T) {
	ops := tolem.GroupPortal.Permitted()
	ops[0] = "DropTables"
	if tolem.GroupPortal.Permits("DropTables") {
		t.Error("a caller has changed the table of rights")
	}
}

// GW-P41
func TestOnlyAnActiveContractLetsCall(t *testing.T) {
	from, until := start(), start().AddDate(1, 0, 0)
	active := tolem.Participant{ContractNo: "7", ContractFrom: from, ContractUntil: until}
	open, suspended, none := active, active, active
	open.ContractUntil = time.Time{}
	suspended.Suspended = true
	none.ContractFrom = time.Time{}
	for name, c := range map[string]struct {
		p    tolem.Participant
		at   time.Time
		want bool
	}{
		"first moment":        {active, from, true},
		"a moment before":     {active, from.Add(-1), false},
		"last moment":         {active, until.Add(-1), true},
		"ended":               {active, until, false},
		"open end":            {open, until.AddDate(10, 0, 0), true},
		"suspended":           {suspended, from, false},
		"without a contract":  {none, from, false},
		"nothing known of it": {tolem.Participant{}, from, false},
	} {
		if got := c.p.MayCallAt(c.at); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestParseKindAndGroup(t *testing.T) {
	for _, k := range tolem.Kinds {
		if got, err := tolem.ParseKind(string(k)); err != nil || got != k {
			t.Errorf("%s: %v, %v", k, got, err)
		}
		if g, err := tolem.ParseGroup(string(k.DefaultGroup())); err != nil {
			t.Errorf("%s joins %s, which is no group: %v", k, g, err)
		}
	}
	if _, err := tolem.ParseKind("Bank"); err == nil || !strings.Contains(err.Error(), "service-centre") {
		t.Errorf("an unknown kind does not name the known: %v", err)
	}
	if _, err := tolem.ParseGroup("everyone"); err == nil {
		t.Error("an unknown group is accepted")
	}
}

func TestFingerprint(t *testing.T) {
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // SHA-256 of "abc", FIPS 180-2
	if got := tolem.FingerprintOf([]byte("abc")).String(); got != abc {
		t.Errorf("got %s", got)
	}
}
