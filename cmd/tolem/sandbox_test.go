package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tolem/banks/sandbox"
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

func TestSandboxPaysAtThePortal(t *testing.T) {
	s := startSandbox(t)
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
}
