package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "../.." // from here

// Counts of the requirements of each list: those taken from the texts that the
// gateway is made after, and the rules proposed where they are silent.
func TestListsAreComplete(t *testing.T) {
	rows, err := readLists(module)
	if err != nil {
		t.Fatal(err)
	}
	type count struct{ fromText, binding, proposed int }
	got := make(map[string]count)
	for _, r := range rows {
		c := got[r.series()]
		switch {
		case r.proposed():
			c.proposed++
		default:
			c.fromText++
			if r.binds == bindsGateway {
				c.binding++
			}
		}
		got[r.series()] = c
		if r.later != "" && r.binds != bindsGateway {
			t.Errorf("%s binds the %s and waits for %s", r.id, r.binds, r.later)
		}
	}
	if want := (map[string]count{"GW": {187, 116, 44}, "ACQ": {27, 20, 14}, "WP": {176, 166, 95}}); !maps.Equal(got, want) {
		t.Errorf("from the text, of them binding the gateway, proposed: %v; want %v", got, want)
	}
}

// No test names a requirement that does not exist.
func TestTestsNameRequirementsThatExist(t *testing.T) {
	rows, err := readLists(module)
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := findProofs(os.DirFS(module))
	if err != nil {
		t.Fatal(err)
	}
	if len(proofs) == 0 {
		t.Fatal("no test names a requirement")
	}
	for _, p := range judge(rows, proofs).unknown {
		t.Errorf("%s names %s", p, p.id)
	}
}

func TestIDsInComments(t *testing.T) {
	for comment, want := range map[string]string{
		"GW-131":                             "GW-131",
		"GW-135 to GW-137, GW-P36: kept":     "GW-135 GW-136 GW-137 GW-P36",
		"GW-P08 to\nGW-P10 and GW-001":       "GW-P08 GW-P09 GW-P10 GW-001",
		"GW-001 to GW-P03":                   "GW-001", // a range of two series is none
		"see GW-1, GWX-131, GW-1234, gw-131": "",
		"ACQ-008 to ACQ-010 and ACQ-P14":     "ACQ-008 ACQ-009 ACQ-010 ACQ-P14",
		"WP-055 to WP-057, WP-501, WP-P01":   "WP-055 WP-056 WP-057 WP-501", // what is proposed there has a number
		"GW-001 to ACQ-003, XACQ-001":        "GW-001",                      // and a range of two lists is none
		"GW-137 to GW-135 runs backwards":    "",
		"":                                   "",
	} {
		if got := strings.Join(idsIn(comment), " "); got != want {
			t.Errorf("%q: got %q, want %q", comment, got, want)
		}
	}
}

func TestProofsStandAboveOrInTests(t *testing.T) {
	const text = `package x

// GW-001 explains this package and proves nothing.

// GW-002
func TestAbove(t *testing.T) {}

func TestInside(t *testing.T) {
	t.Run("a", func(t *testing.T) {
		// GW-003, GW-003
	})
}

// GW-004
func helper() {}

// GW-005
func FuzzIt(f *testing.F) {}

// GW-006
func (x suite) TestMethod() {}
`
	proofs, err := proofsIn("a/x_test.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []proof{
		{"GW-002", "TestAbove", "a/x_test.go"}, {"GW-003", "TestInside", "a/x_test.go"}, {"GW-005", "FuzzIt", "a/x_test.go"},
	}
	if !slices.Equal(proofs, want) {
		t.Errorf("got %v, want %v", proofs, want)
	}
}

// tree makes a module of the list of requirements and one test.
func tree(t *testing.T, rows, test string) string {
	t.Helper()
	root := t.TempDir()
	const head = "id,binds,requirement,later\n"
	for name, text := range map[string]string{lists[0].path: head + rows, lists[1].path: head + "ACQ-001,participant,one,\n", lists[2].path: head + "WP-004,bank,one,\nWP-007,browser,two,\n", "x_test.go": test} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReport(t *testing.T) {
	const test = "package x\n\n// GW-001\nfunc TestIt(t *testing.T) {}\n"
	for name, c := range map[string]struct {
		rows, test string
		ok         bool
		says       []string
	}{
		"proved":      {"GW-001,gateway,one,", test, true, []string{"TestIt (x_test.go)", "1 proved by tests, 0 for later capabilities, 0 open"}},
		"later":       {"GW-001,gateway,one,\nGW-002,gateway,two,reports", test, true, []string{"later: reports"}},
		"participant": {"GW-001,gateway,one,\nGW-002,participant,two,", test, true, []string{"1 requirements"}},
		"open":        {"GW-001,gateway,one,\nGW-002,gateway,two,", test, false, []string{"OPEN", "1 open"}},
		"unknown":     {"GW-002,gateway,two,later", test, false, []string{"TestIt (x_test.go) names GW-001, which is no requirement"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			ok, err := run(&out, tree(t, c.rows+"\n", c.test), false)
			if err != nil || ok != c.ok {
				t.Errorf("got %v, %v", ok, err)
			}
			for _, s := range c.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("%q is missing in\n%s", s, &out)
				}
			}
		})
	}
}

func TestOnlyWhatIsOpen(t *testing.T) {
	var out bytes.Buffer
	root := tree(t, "GW-001,gateway,one,\nGW-002,gateway,two,\n", "package x\n\n// GW-001\nfunc TestIt(t *testing.T) {}\n")
	if _, err := run(&out, root, true); err != nil || strings.Contains(out.String(), "GW-001") || !strings.Contains(out.String(), "GW-002") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestListOutOfOrder(t *testing.T) {
	for _, rows := range []string{
		"GW-002,gateway,two,\nGW-001,gateway,one,", "GW-001,gateway,one,\nGW-001,gateway,one,", "GW-1,gateway,one,",
		"GW-001,nobody,one,", "ACQ-001,gateway,one,", "WP-001,gateway,one,", "WP-P01,gateway,one,", "GW-001,gateway,,", "GW-001,gateway",
	} {
		if _, err := run(&bytes.Buffer{}, tree(t, rows+"\n", "package x\n"), false); err == nil {
			t.Errorf("%q is accepted", rows)
		}
	}
}

// Every requirement that binds the gateway has a test that proves it, or waits
// for a capability that is named.
func TestEveryRequirementIsProved(t *testing.T) {
	rows, err := readLists(module)
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := findProofs(os.DirFS(module))
	if err != nil {
		t.Fatal(err)
	}
	r := judge(rows, proofs)
	for _, l := range lists {
		if open := r.openIDs(l.series); len(open) > 0 {
			t.Errorf("%d requirements of %s have no test; make spec ARGS=-open says what they are:\n%s", len(open), l.about, strings.Join(open, " "))
		}
	}
	for _, p := range r.unknown {
		t.Errorf("%s names %s", p, p.id)
	}
}
