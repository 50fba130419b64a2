package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
	"tolem/sandbox/stub"
)

// sandboxRun is a sandbox that runs, and a person in front of it.
type sandboxRun struct {
	t   *testing.T
	ctx context.Context
	sandboxReport
	*webPayer
	stop func()
}

// startSandbox runs `tolem sandbox --json --ports auto` in this process.
func startSandbox(t *testing.T, args ...string) *sandboxRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	out, printed := io.Pipe()
	ended := make(chan int, 1)
	var errs strings.Builder
	go func() {
		ended <- run(ctx, append([]string{"sandbox", "--json", "--ports", "auto"}, args...), streams{in: strings.NewReader(""), out: printed, err: &errs})
		printed.Close()
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		cancel()
		t.Fatalf("the sandbox ended with %d: %s", <-ended, errs.String())
	}
	s := &sandboxRun{t: t, ctx: ctx}
	if err := json.Unmarshal(line, &s.sandboxReport); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if s.webPayer, err = newWebPayer(&http.Transport{}); err != nil {
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("the sandbox ended with %d: %s", code, errs.String())
		}
	}
	t.Cleanup(s.stop)
	return s
}

// see opens a page or sends a form, which must come out well.
func (s *sandboxRun) see(address string, form url.Values) webPage {
	s.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	page, err := s.send(s.ctx, method, address, form)
	if err != nil || page.status != http.StatusOK {
		s.t.Fatalf("%s: %d, %v\n%s", address, page.status, err, page.body)
	}
	return page
}

// says waits until a page says something that matches and returns the match.
func (s *sandboxRun) says(address, pattern string) []string {
	s.t.Helper()
	want := regexp.MustCompile(pattern)
	var found []string
	var body string
	until(s.t, pattern, func() bool {
		body = s.see(address, nil).body
		found = want.FindStringSubmatch(body)
		return found != nil
	})
	return found
}

// order orders a service at the portal, pays on the page, and returns what the
// page showed and where the portal tells of the request.
func (s *sandboxRun) order(service, method, amount string, typed url.Values) (outcome, request string) {
	s.t.Helper()
	form := url.Values{"iin": {demoCitizen.Reveal()}, "name": {"Ахметова Айгүл"}, "method": {method}, "amount": {amount}}
	page := s.see(s.Portal+"/order/"+service, form)
	if !strings.HasPrefix(page.address.String(), s.Page) {
		s.t.Fatalf("the portal leads to %s\n%s", page.address, page.body)
	}
	outcome, err := s.pay(s.ctx, page, typed)
	if err != nil {
		s.t.Fatal(err)
	}
	back := regexp.MustCompile(`href="(http://localhost:[0-9]+/request/[^"]+)"`).FindStringSubmatch(s.see(s.Page, nil).body)
	if back == nil || !strings.HasPrefix(back[1], s.Portal) {
		s.t.Fatalf("the page does not lead back to the portal: %q", back)
	}
	return outcome, back[1]
}

// GW-072 GW-077 GW-078 GW-094 GW-099 GW-162 ACQ-P14: everybody in the sandbox speaks
// over the wire, and a person pays for a service in both ways.
func TestSandboxPaysAtThePortal(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		payAtThePortal(startSandbox(t, "--parts", "pay", "--dir", t.TempDir(), "--db", dsn))
	})
}

func payAtThePortal(s *sandboxRun) {
	t := s.t
	outcome, request := s.order("BIRTH-CERT", "CARD", "", typedCard(sandboxCard))
	if outcome != "good" {
		t.Errorf("card: %s", outcome)
	}
	s.says(request, `id="stage">PAID<`)
	s.says(request+"/receipt", `id="verified"`)
	s.see(request+"/close", url.Values{})
	s.says(request, `id="state">CLOSED<`)

	outcome, request = s.order("BIRTH-CERT", "CARD", "", typedCard(sandbox.CaseNamed("insufficient funds").Card()))
	if outcome != "bad" {
		t.Errorf("card without funds: %s", outcome)
	}
	s.says(request, `id="refusal">INSUFFICIENT_FUNDS<`)
	s.see(request+"/cancel", url.Values{})
	s.says(request, `id="state">CANCELLED<`)

	outcome, request = s.order("STATE-FEE", "ACCOUNT", "2500.00", typedAccount(sandboxKumis, sandboxAccount))
	if outcome != "good" {
		t.Errorf("account: %s", outcome)
	}
	s.says(request, `id="stage">PAID<`)
	s.says(request, `id="code"><b>[0-9-]+<`)

	code := s.says(s.Portal+"/centre", `<li class="num">([0-9-]+)<`)[1]
	for _, c := range []struct{ do, want string }{{"check", "OK"}, {"close", "OK"}, {"check", "ALREADY_USED"}} {
		if page := s.see(s.Portal+"/centre", url.Values{"code": {code}, "do": {c.do}}); !strings.Contains(page.body, `id="result" class="id">`+c.want+`<`) {
			t.Errorf("%s at the service centre:\n%s", c.do, page.body)
		}
	}
}

// ACQ-003 to ACQ-006, ACQ-P05, ACQ-P12: the shop's signed redirect leads to the
// page, and the shop is told by a signed result, which it acknowledges.
func TestSandboxPaysAtTheShop(t *testing.T) {
	s := startSandbox(t, "--parts", "pay")
	page := s.see(s.Shop+"/cart", url.Values{"tea": {"2"}, "bowl": {"1"}, "book": {"0"}})
	order := page.address.String()
	for _, c := range []struct{ card, outcome, state string }{
		{sandbox.CaseNamed("insufficient funds").Card(), "bad", "REFUSED"},
		{sandboxCard, "good", "PAID"},
	} {
		outcome, err := s.pay(s.ctx, s.see(order+"/pay", url.Values{}), typedCard(c.card))
		if err != nil || outcome != c.outcome {
			t.Fatalf("%s: %s, %v", c.state, outcome, err)
		}
		if back := s.see(s.Page, nil).body; !strings.Contains(back, `href="`+order+`"`) {
			t.Errorf("the page does not lead back to %s", order)
		}
		s.says(order, `id="state">`+c.state+`<`)
		s.says(order, `<b>200</b><br><span class="mono long">R-[0-9a-f-]+-`+c.state)
	}
}

// The program ends at once and well when it is told to, and takes its folder up
// again.
func TestSandboxEndsAndBeginsAgain(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "tolem")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	order := ""
	for range 2 {
		c := exec.CommandContext(t.Context(), program, "sandbox", "--json", "--ports", "auto", "--dir", filepath.Join(dir, "sandbox"))
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		s := &sandboxRun{t: t, ctx: t.Context()}
		if s.webPayer, err = newWebPayer(&http.Transport{}); err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(out).Decode(&s.sandboxReport); err != nil {
			t.Fatal(err)
		}
		for address, says := range map[string]string{
			s.Ops + "/readyz": `"ok":true`, s.Portal: "Birth certificate", s.Portal + "/order/PASSPORT": demoCitizen.Reveal(), s.Shop: "Alatau tea",
		} {
			if body := s.see(address, nil).body; !strings.Contains(body, says) {
				t.Errorf("%s does not say %q:\n%s", address, says, body)
			}
		}
		if order == "" {
			order = s.see(s.Shop+"/cart", url.Values{"book": {"1"}}).address.Path
		}
		s.says(s.Shop+order, "The Path of Abai")
		if page, err := s.get(s.ctx, s.Portal+"/request/none"); err != nil || page.status != http.StatusNotFound {
			t.Errorf("a request that does not exist: %d, %v", page.status, err)
		}
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	}
}

func TestSandboxCommand(t *testing.T) {
	s := newShell(t)
	for _, ports := range []string{"none", "-1", "65535"} {
		s.refused(exitUsage, "--ports", "sandbox", "--ports", ports)
	}
	s.refused(exitUsage, "--dir", "sandbox", "--db", "sqlite:x.db")
	s.refused(exitUsage, "--dir", "sandbox", "--workplace-db", "sqlite:x.db")
	s.refused(exitUsage, "not started", "sandbox", "--parts", "pay", "--dir", "d", "--workplace-db", "sqlite:x.db")
	s.refused(exitUsage, "two databases", "sandbox", "--dir", "d", "--db", "sqlite:x.db", "--workplace-db", "sqlite:x.db")
	s.refused(exitUsage, "--parts", "sandbox", "--parts", "shop")
	s.refused(exitUsage, "--parts", "sandbox", "--parts", "")
	s.refused(exitUsage, "--accounts", "sandbox", "--accounts", "10")
	s.refused(exitUsage, "--operators", "sandbox", "--operators", "-1")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	s.refused(exitFailed, "--ports auto", "sandbox", "--ports", port)

	var out strings.Builder
	report := sandboxReport{Portal: "http://localhost:8080", Banks: map[string]string{}}
	if err := report.print(streams{out: &out}); err != nil || !strings.Contains(out.String(), report.Portal) || !strings.Contains(out.String(), "4111 1111 1111 1111") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// The numbers that README.md has people type are those that the sandbox shows.
func TestReadmeShowsNumbersOfTheSandbox(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([0-9 ]{19})` \\| (?:`(KZ[0-9A-Z]{18})` )?\\|").FindAllStringSubmatch(string(readme), -1)
	if len(rows) == 0 {
		t.Error("README.md shows no cards")
	}
	for _, row := range rows {
		i := slices.IndexFunc(sandboxTrials(), func(trial stub.Trial) bool { return trial.Card == row[1] })
		if i < 0 || row[2] != "" && sandboxTrials()[i].Account != row[2] {
			t.Errorf("README.md shows %q and %q", row[1], row[2])
		}
	}
}
