package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
)

// Days that passed while nobody was there are closed by the running gateway:
// sealed in order, registers and claims made, documents delivered; and every
// command of the day tells of it, to people and to machines.
//
// GW-060 GW-061 GW-P25 GW-P26 GW-P27 GW-P28 GW-P29 GW-P30 GW-P40
func TestDayOfTheProgram(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel() // most of it is waiting
		w := newWorld(t, database)
		w.withOwners()
		folder := w.folder(bank1, "xml,csv")
		last, days := w.lastDue(), tolem.Day(2)
		p := w.openPast(database)
		for day := last - days + 1; day <= last; day++ {
			p.play(day, 30)
		}
		p.close()
		w.serve()
		w.daysAreClosed(last-days+1, last, time.Minute)
		w.checkDelivered(folder, int(days)*(2+2), 0) // a register and a claim in two forms each
		w.checkDayCommands(last)
		w.checkSloppyUsers(last)
	})
}

type registerLine struct {
	Number, Kind, Owner, Bank, Day, Standing, Hash string
	Revision, Rows                                 int
}

type jobLine struct{ Name, Slot, State, Error string }

// daysAreClosed waits until the jobs of days are done, and looks at what there
// is: each register once, none missing, and nothing that the doctor finds.
func (w *world) daysAreClosed(first, last tolem.Day, within time.Duration) {
	w.t.Helper()
	var want []string
	for day := first; day <= last; day++ {
		want = append(want, number(tolem.ProviderRegister, provider, day), number(tolem.BankRegister, bank1, day),
			number(tolem.BankRegister, bank2, day), number(tolem.BranchRegister, branch, day))
	}
	slices.Sort(want)
	var jobs []jobLine
	eventually(w.t, within, "the jobs of the days are done", func() bool {
		jobs = list[jobLine](w, "jobs", "--limit", "1000")
		done := 0
		for _, j := range jobs {
			if day := j.Slot[:min(len(j.Slot), 10)]; j.State == "DONE" && day >= first.String() && day <= last.String() {
				done++
			}
		}
		return done == len(want)+2*int(last-first+1) // each day and its audit are sealed
	})
	var have []string
	for _, r := range list[registerLine](w, "register", "list", "--from", first.String(), "--to", last.String()) {
		have = append(have, r.Number)
	}
	if slices.Sort(have); !slices.Equal(have, want) {
		w.t.Errorf("registers\n%v\nwant\n%v", have, want)
	}
	if out, code := w.try("doctor", "--from", first.String(), "--to", last.String()); code != 0 || !strings.Contains(out, " 0 findings") {
		w.t.Errorf("the doctor ends with %d: %s", code, out)
	}
}

type deliveryLine struct {
	Number, Form, State string
	Attempts            int
}

// checkDelivered waits until everything is delivered, each once and in one
// file. What a dead node had begun waits for its lease; so many may.
func (w *world) checkDelivered(folder string, want, mayWait int) {
	w.t.Helper()
	var lines []deliveryLine
	waiting := 0
	eventually(w.t, time.Minute, "documents are delivered", func() bool {
		lines, waiting = list[deliveryLine](w, "delivery", "list"), 0
		begun := true
		for _, d := range lines {
			if d.State == "waiting" {
				waiting++
				begun = begun && d.Attempts > 0
			}
		}
		return len(lines) == want && waiting <= mayWait && begun
	})
	names := make(map[deliveryLine]bool)
	for _, d := range lines {
		if d.Attempts = 0; names[d] {
			w.t.Errorf("%s is in line twice as %s", d.Number, d.Form)
		}
		names[d] = true
	}
	files := 0
	err := filepath.WalkDir(folder, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
		}
		return err
	})
	if err != nil || files > want || files < want-waiting {
		w.t.Errorf("%d files for %d deliveries, %d of them begun by nodes that died; %v", files, want, waiting, err)
	}
}

// checkDayCommands runs what an operator looks at a day with.
func (w *world) checkDayCommands(day tolem.Day) {
	w.t.Helper()
	bank, claim := number(tolem.BankRegister, bank1, day), string(tolem.NewClaimNumber(bank1, day, tolem.KZT))
	dir := w.t.TempDir()
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"register list", 0, bank},
		{"register list --kind bank --owner BANK1", 0, bank},
		{"register show " + bank + " --rows 3", 0, "REF-"},
		{"register show " + number(tolem.ProviderRegister, provider, day), 0, "JUSTICE"},
		{"register replay " + bank, 0, "the same bytes"},
		{"register replay " + number(tolem.ProviderRegister, provider, day), 0, "the same bytes"},
		{"register replay " + number(tolem.BranchRegister, branch, day), 0, "the same bytes"},
		{"register build --day " + day.String(), 0, bank}, // there already
		{"claim list", 0, claim},
		{"claim show " + claim, 0, "SENT"},
		{"jobs", 0, "seal-day"},
		{"jobs show seal-day " + day.String(), 0, "DONE"},
		{"delivery list --state delivered", 0, bank},
		{"report --from " + day.String() + " --to " + day.String(), 0, "KZT"},
		{"doctor", 0, "0 findings"},
	} {
		args := strings.Fields(c.line)
		out, code := w.try(args...)
		if code != c.code || !strings.Contains(out, c.says) {
			w.t.Errorf("tolem %s ends with %d, want %d and %q:\n%s", c.line, code, c.code, c.says, out)
		}
		asJSON := append(args, "--json")
		if args[0] == "report" {
			asJSON = append(args, "--format", "json")
		}
		if out, code := w.try(asJSON...); code != c.code || !json.Valid([]byte(out)) {
			w.t.Errorf("tolem %s for machines ends with %d:\n%s", c.line, code, out)
		}
	}
	for _, form := range []string{"xml", "csv", "xlsx", "pdf"} {
		if out, code := w.try("register", "export", bank, "--format", form, "--out", filepath.Join(dir, "r."+form)); code != 0 {
			w.t.Errorf("export as %s: %d %s", form, code, out)
		}
	}
	if out, code := w.try("register", "verify", filepath.Join(dir, "r.xml")); code != 0 || !strings.Contains(out, "genuine") {
		w.t.Errorf("verify: %d %s", code, out)
	}
	w.checkReconciliation(day, filepath.Join(dir, "r.csv"))
	for _, c := range []struct {
		amount string
		code   int
		says   string
	}{{"1.00", 0, "1.00 of"}, {"99999999.00", 1, "more than was claimed"}, {"-5", 2, "--amount"}, {"many", 2, "--amount"}} {
		out, code := w.try("claim", "paid", claim, "--amount="+c.amount, "--reference", "MT103", "--by", "clerk")
		if code != c.code || !strings.Contains(out, c.says) {
			w.t.Errorf("claim paid %s: %d %s", c.amount, code, out)
		}
	}
}

// checkReconciliation submits the bank's own register as its list, whole and
// spoilt.
func (w *world) checkReconciliation(day tolem.Day, csv string) {
	w.t.Helper()
	submit := func(file string) (string, int) {
		return w.try("reconcile", "submit", file, "--kind", "bank", "--owner", bank1, "--day", day.String(), "--by", "clerk", "--json")
	}
	out, code := submit(csv)
	if code != 0 {
		w.t.Errorf("the register against itself: %d %s", code, out)
	}
	content, err := os.ReadFile(csv)
	if err != nil {
		w.t.Fatal(err)
	}
	spoilt := csv + ".csv"
	if err := os.WriteFile(spoilt, []byte(strings.Replace(string(content), "1200.00", "1200.01", 1)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, code = submit(spoilt); code != 1 || !strings.Contains(out, "AMOUNT_DIFFERS") {
		w.t.Errorf("a spoilt list: %d %s", code, out)
	}
	n := "R" + number(tolem.BankRegister, bank1, day)
	n = n[:len(n)-1] + "2"
	if out, code = w.try("reconcile", "show", n); code != 1 || !strings.Contains(out, "AMOUNT_DIFFERS") {
		w.t.Errorf("reconcile show: %d %s", code, out)
	}
	if out, code = w.try("reconcile", "export", n, "--format", "pdf", "--out", csv+".pdf"); code != 0 {
		w.t.Errorf("reconcile export: %d %s", code, out)
	}
}

// checkSloppyUsers gives the commands what they cannot work with: each says
// what is wrong in one line, ends as it should, and leaves nothing half done.
func (w *world) checkSloppyUsers(day tolem.Day) {
	w.t.Helper()
	dir := w.t.TempDir()
	file := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			w.t.Fatal(err)
		}
		return name
	}
	bank := number(tolem.BankRegister, bank1, day)
	today := tolem.NewCalendar(zone, nil, nil).DayOf(time.Now())
	submit := "reconcile submit %s --kind bank --owner BANK1 --by clerk --day " + day.String()
	// A link, so that a program that replaces what it should write to does no
	// harm to the machine.
	full := filepath.Join(dir, "full")
	if err := os.Symlink("/dev/full", full); err != nil {
		w.t.Fatal(err)
	}
	list := func(name string) string { return strings.Replace(submit, "%s", name, 1) }
	size := 100 << 20
	if testing.Short() {
		size = 1 << 20
	}
	garbage := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(garbage)
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"register export " + bank + " --out " + full, 1, "no space left"},
		{"register export " + bank + " --format xlsx --out " + full, 1, "no space left"},
		{"register export " + bank + " --out " + dir + "/nowhere/r.xml", 1, "no such file"},
		{"register export " + bank + " --out " + dir, 1, "directory"},
		{"register export " + bank + " --format pdf --lang xx --out " + dir + "/x.pdf", 2, "--lang"},
		{"register export " + bank + " --format doc --out " + dir + "/x.doc", 2, "--format"},
		{"register export B-20260101-NOBODY-1", 1, "no register B-20260101-NOBODY-1"},
		{"register export nonsense", 2, "nonsense"},
		{"register show B-99999999-BANK1-1", 2, "B-99999999-BANK1-1"},
		{"register replay B-20260101-NOBODY-1", 1, "no evidence"},
		{"register replay x", 2, "x"},
		{"register verify " + file("r.xml", []byte("<register/>")), 1, "NOT GENUINE"},
		{"register verify " + file("empty.xml", nil), 1, "NOT GENUINE"},
		{"register verify " + dir + "/nothing.xml", 1, "no such file"},
		{"register build --day " + today.String(), 1, "until " + (today + 1).String()},
		{"register build --day 2099-01-01", 1, "until 2099-01-02"},
		{"register build --day 2026-02-30", 2, "--day"},
		{"register list --kind bank", 2, "--owner"},
		{"register list --kind shop --owner BANK1", 2, "--kind"},
		{"register list --kind bank --owner NOBODY", 1, "no bank NOBODY"},
		{"register diff " + bank + " " + number(tolem.BankRegister, bank2, day), 1, "not revisions of one register"},
		{"register reissue " + bank, 2, "--reason"},
		{list(file("list.pdf", []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"))), 1, "could not be read"},
		{list(file("empty.csv", nil)), 1, "empty"},
		{list(file("garbage.csv", garbage)), 1, "could not be read"},
		{list(dir + "/nothing.csv"), 1, "no such file"},
		{list(dir), 1, "directory"},
		{"reconcile submit x.csv --kind bank --owner BANK1 --by clerk --day 2099-01-01", 1, ""},
		{"reconcile show RB-20260101-BANK1-1", 1, "no list"},
		{"reconcile show x", 2, "x"},
		{"claim show C-20260101-BANK1-KZT", 1, "no claim"},
		{"claim show x", 2, "x"},
		{"jobs show seal-day 2001-01-01", 1, "2001-01-01"},
		{"jobs --state odd", 2, "--state"},
		{"delivery list --state odd", 2, "--state"},
		{"report --from 2026-13-01", 2, "--from"},
		{"report --format odd", 2, "--format"},
		{"report --lang xx", 2, "--lang"},
		{"report --format csv --out " + full, 1, "no space left"},
		{"doctor --from tomorrow", 2, "--from"},
		{"doctor --from 2026-02-01 --to 2026-01-01", 2, "--from"},
	} {
		begin := time.Now()
		out, code := w.try(strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(out, c.says) {
			w.t.Errorf("tolem %.120s ends with %d, want %d and %q:\n%.2000s", c.line, code, c.code, c.says, out)
		}
		if strings.Contains(out, "panic") || strings.Contains(out, "goroutine ") || strings.Contains(out, "SQL") {
			w.t.Errorf("tolem %.120s shows its inside:\n%.2000s", c.line, out)
		}
		if took := time.Since(begin); took > 20*time.Second {
			w.t.Errorf("tolem %.120s took %v", c.line, took)
		}
	}
	if info, err := os.Stat(full); err != nil || info.Mode()&os.ModeDevice == 0 {
		w.t.Errorf("the device was replaced: %v, %v", info, err)
	}
	left, err := filepath.Glob(dir + "/.tolem*")
	more, errMore := filepath.Glob(dir + "/x.*")
	if len(left)+len(more) > 0 || err != nil || errMore != nil {
		w.t.Errorf("left behind: %v %v", left, more)
	}
	w.daysAreClosed(day, day, time.Minute)
}
