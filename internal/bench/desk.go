package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"tolem"
)

// maxDeskTail is the 95th percentile of every action of an operator, in
// milliseconds.
const maxDeskTail = 300

// What desks are measured with.
const (
	deskOrganisation = "XEZER-MOBIL" // one service in advance: a top-up
	deskAccountBase  = 502_000_010   // its accounts, after those that are like no other
	deskReports      = 10            // customers between two looks at the register
	maxDeskPage      = 1 << 20       // bytes
	deskStart        = 4 * time.Minute
)

// The actions of an operator, in the order of a customer. Each is what is done
// and the page that comes of it.
const (
	actSignIn       = "sign in"
	actOrganisation = "organisation"
	actAccount      = "account"
	actCalculate    = "calculate"
	actPay          = "pay"
	actConfirm      = "confirm"
	actReceipt      = "receipt"
	actNext         = "next customer"
	actRegister     = "register"
	actCashOrder    = "cash order"
)

var deskActions = []string{
	actSignIn, actNext, actOrganisation, actAccount, actCalculate, actPay, actConfirm, actReceipt, actRegister, actCashOrder,
}

// desk measures operators at the workplace, all of them at work at once: a
// customer after the other, with the time a person takes between two keys.
func (s *session) desk(ctx context.Context) error {
	s.noteMissing(PartDesk)
	var rows, kinds []Row
	for _, kind := range s.kinds() {
		run, err := s.deskOn(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		rows, kinds = append(rows, run.row(kind)), append(kinds, run.actionRows(kind)...)
		for _, a := range deskActions {
			if l := summary(run.took[a], run.spent); l.requests > 0 {
				s.atMost(PartDesk, kind+": p95 of "+a+" [ms]", l.p95, maxDeskTail)
			}
		}
	}
	s.table(Table{
		Part: PartDesk, Title: fmt.Sprintf("%d operators at the workplace for %s, a customer in %s, %d accounts", s.DeskOperators, s.DeskFor, s.DeskCustomer, s.DeskAccounts),
		Rows: rows,
		Note: "each with an e-token and a TLS connection of its own; CPU of the gateway for a payment with all its pages, and of the operators, who share\n" +
			"this machine. Growth of the database a payment, indexes, evidence and audit included",
	})
	s.table(Table{Part: PartDesk, Title: "Actions of an operator", Rows: kinds, Note: "what is sent and the page that comes of it, as the operator waits for it"})
	return nil
}

// deskRun is the load on one database.
type deskRun struct {
	s      *session
	place  *database
	server *process
	world  deskWorld

	mu     sync.Mutex
	took   map[string][]time.Duration
	paid   int
	spent  time.Duration
	failed error

	gateway, loader time.Duration // CPU
	growth          int64         // bytes
}

// deskWorld is what the sandbox tells of its workplace.
type deskWorld struct {
	Page, Authority string
	People          []struct{ User, Password, Role, Cert, Key string }
}

func (s *session) deskOn(ctx context.Context, kind string) (_ *deskRun, err error) {
	s.Progress("desk: setting up on " + kind)
	run := &deskRun{s: s, took: make(map[string][]time.Duration)}
	if run.place, err = s.newDatabase(ctx, kind, "desk-"+kind); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.place.drop(ctx)) }()
	if err := run.open(ctx, kind); err != nil {
		return nil, err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, run.server.stop())
		}
	}()
	operators, err := run.operators()
	if err != nil {
		return nil, err
	}
	s.Progress(fmt.Sprintf("desk: %d operators on %s", len(operators), kind))
	before, err := run.place.size(ctx, false)
	if err != nil {
		return nil, err
	}
	cpu, own := run.server.cpu(), ownCPU()
	began := time.Now()
	var work sync.WaitGroup
	for i, o := range operators {
		work.Go(func() {
			if err := o.work(ctx, i, began); err != nil {
				run.mu.Lock()
				defer run.mu.Unlock()
				run.failed = errors.Join(run.failed, fmt.Errorf("operator %d: %w", i, err))
			}
		})
	}
	work.Wait()
	run.spent, run.gateway, run.loader = time.Since(began), run.server.cpu()-cpu, ownCPU()-own
	if run.failed != nil {
		return nil, fmt.Errorf("%w\n%s", run.failed, run.server.lastLines())
	}
	stopped = true
	if err := run.server.stop(); err != nil {
		return nil, err
	}
	after, err := run.place.size(ctx, false)
	run.growth = after - before
	return run, err
}

// open starts the sandbox, whose workplace is the one that is measured.
func (r *deskRun) open(ctx context.Context, kind string) error {
	dir := filepath.Join(r.s.Dir, "desk-world-"+kind)
	r.server = &process{log: filepath.Join(r.s.Dir, "desk-"+kind+".log"), exited: make(chan error, 1)}
	file, err := os.Create(r.server.log)
	if err != nil {
		return err
	}
	defer file.Close() // the process has its own descriptor
	r.server.cmd = exec.Command(r.s.Program, "sandbox", "--json", "--ports", "auto", "--parts", "workplace", "--dir", dir, "--workplace-db", r.place.dsn,
		"--accounts", strconv.Itoa(r.s.DeskAccounts), "--operators", strconv.Itoa(r.s.DeskOperators))
	r.server.cmd.Stderr = file
	out, err := r.server.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.server.cmd.Start(); err != nil {
		return err
	}
	told := make(chan error, 1)
	go func() {
		line, err := bufio.NewReader(out).ReadBytes('\n')
		if err == nil {
			var report struct{ Workplace deskWorld }
			err = json.Unmarshal(line, &report)
			r.world = report.Workplace
		}
		told <- err
		_, _ = io.Copy(io.Discard, out) // until it ends
		r.server.exited <- r.server.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, deskStart)
	defer cancel()
	select {
	case err = <-told:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the sandbox does not start: %w\n%s", err, r.server.lastLines()), r.server.stop())
	}
	return nil
}

// deskOperator is an operator with a browser.
type deskOperator struct {
	run            *deskRun
	user, password string
	client         *http.Client
	page           string // the last, as it came
	random         *rand.Rand
}

// operators are those that the sandbox has made.
func (r *deskRun) operators() (list []*deskOperator, err error) {
	authority, err := os.ReadFile(r.world.Authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("the sandbox's authority cannot be read")
	}
	for i, p := range r.world.People {
		if p.Role != string(tolem.RoleOperator) || len(list) == r.s.DeskOperators {
			continue
		}
		token, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, err
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			return nil, err
		}
		list = append(list, &deskOperator{run: r, user: p.User, password: p.Password, random: rand.New(rand.NewPCG(5, uint64(i))), client: &http.Client{
			Jar: jar, Timeout: answerTimeout,
			Transport: &http.Transport{MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{token}, MinVersion: tls.VersionTLS13}},
		}})
	}
	if len(list) < r.s.DeskOperators {
		return nil, fmt.Errorf("the sandbox has %d operators, not %d", len(list), r.s.DeskOperators)
	}
	return list, nil
}

// work is an operator's time: sign in at some moment of a customer's time, then
// one customer after the other until it is over.
func (o *deskOperator) work(ctx context.Context, seat int, began time.Time) error {
	customer := o.run.s.DeskCustomer
	if err := o.pause(ctx, time.Duration(o.random.Int64N(int64(customer)))); err != nil {
		return err
	}
	if err := o.get(ctx, "", "/login"); err != nil {
		return err
	}
	if err := o.send(ctx, actSignIn, "/login", url.Values{"user": {o.user}, "password": {o.password}}, "payments"); err != nil {
		return err
	}
	for n := 1; time.Since(began) < o.run.s.DeskFor; n++ {
		if err := o.serve(ctx, seat); err != nil {
			return err
		}
		if n%deskReports == 0 {
			if err := o.look(ctx); err != nil {
				return err
			}
		}
	}
	return o.look(ctx)
}

// look is what an operator looks at between customers.
func (o *deskOperator) look(ctx context.Context) error {
	return errors.Join(o.get(ctx, actRegister, "/register"), o.get(ctx, actCashOrder, "/cash-order"))
}

var (
	amountIn    = regexp.MustCompile(`name="(amount-\d+)"`)
	receiptIn   = regexp.MustCompile(`/print/receipts/(\d+)\?copies=1`)
	inputIn     = regexp.MustCompile(`<input[^>]*>`)
	attributeIn = regexp.MustCompile(`(name|value|type)="([^"]*)"`)
)

// serve takes a customer's payment, with a person's time between the steps.
func (o *deskOperator) serve(ctx context.Context, seat int) error {
	const steps = 7
	think := func() error {
		return o.pause(ctx, time.Duration(o.random.Int64N(int64(2*o.run.s.DeskCustomer)/steps)))
	}
	if err := o.get(ctx, actNext, "/payments"); err != nil {
		return err
	}
	account := "0" + strconv.Itoa(deskAccountBase+seat)
	for _, step := range []struct {
		action, to string
		fields     func() url.Values
		comes      string // on the page that comes of it
	}{
		{actOrganisation, "/payments/organisation", func() url.Values { return url.Values{"choose": {deskOrganisation}} }, `name="account"`},
		{actAccount, "/payments/account", func() url.Values { return url.Values{"account": {account}} }, `name="amount-`},
		{actCalculate, "/payments/calculate", func() url.Values {
			name := amountIn.FindStringSubmatch(o.page)[1]
			return url.Values{name: {fmt.Sprintf("%d,%02d", 1+o.random.IntN(90), o.random.IntN(100))}}
		}, `formaction="/payments/pay"`},
		{actPay, "/payments/pay", nil, `action="/payments/confirm"`},
		{actConfirm, "/payments/confirm", nil, "/print/receipts/"},
	} {
		if err := think(); err != nil {
			return err
		}
		var fields url.Values
		if step.fields != nil {
			fields = step.fields()
		}
		if err := o.send(ctx, step.action, step.to, fields, step.comes); err != nil {
			return err
		}
	}
	receipt := receiptIn.FindStringSubmatch(o.page)
	if receipt == nil {
		return fmt.Errorf("no receipt: %.2000s", o.page)
	}
	o.run.mu.Lock()
	o.run.paid++
	o.run.mu.Unlock()
	if err := o.get(ctx, actReceipt, "/print/receipts/"+receipt[1]+"?copies=1"); err != nil {
		return err
	}
	return think()
}

func (o *deskOperator) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// send fills in the form of the page at hand and follows to the page that comes
// of it, which holds a text.
func (o *deskOperator) send(ctx context.Context, action, to string, fields url.Values, comes string) error {
	form := make(url.Values)
	for _, input := range inputIn.FindAllString(o.page, -1) {
		at := make(map[string]string)
		for _, m := range attributeIn.FindAllStringSubmatch(input, -1) {
			at[m[1]] = html.UnescapeString(m[2])
		}
		if at["name"] != "" && at["type"] != "checkbox" {
			form.Set(at["name"], at["value"])
		}
	}
	for name, values := range fields {
		form[name] = values
	}
	if err := o.do(ctx, action, http.MethodPost, to, form); err != nil {
		return err
	}
	if !strings.Contains(o.page, comes) {
		return fmt.Errorf("%s: not the page that was to come: %.4000s", action, o.page)
	}
	return nil
}

func (o *deskOperator) get(ctx context.Context, action, path string) error {
	return o.do(ctx, action, http.MethodGet, path, nil)
}

// do makes a request, follows where it leads, and notes how long that took; an
// action without a name is not noted.
func (o *deskOperator) do(ctx context.Context, action, method, path string, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, method, o.run.world.Page+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", o.run.world.Page)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	began := time.Now()
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDeskPage))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: answered with %d: %.2000s", method, path, answer.StatusCode, body)
	}
	o.page = string(body)
	if action != "" {
		o.run.mu.Lock()
		defer o.run.mu.Unlock()
		o.run.took[action] = append(o.run.took[action], time.Since(began))
	}
	return nil
}

// row tells of the whole load.
func (r *deskRun) row(kind string) Row {
	var all []time.Duration
	for _, a := range deskActions {
		all = append(all, r.took[a]...)
	}
	l := summary(all, r.spent)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(max(1, r.paid)) }
	return Row{Case: kind, Values: []Value{
		{"payments", "/s", float64(r.paid) / r.spent.Seconds()}, {"actions", "/s", l.rate}, {"p50", "ms", l.p50}, {"p95", "ms", l.p95}, {"p99", "ms", l.p99},
		{"CPU", "ms", each(r.gateway)}, {"CPU of the operators", "ms", each(r.loader)}, {"growth", "KiB", float64(r.growth) / 1024 / float64(max(1, r.paid))},
	}}
}

func (r *deskRun) actionRows(database string) (rows []Row) {
	for _, a := range deskActions {
		l := summary(r.took[a], r.spent)
		rows = append(rows, Row{Case: database + ", " + a, Values: []Value{{"p50", "ms", l.p50}, {"p95", "ms", l.p95}, {"p99", "ms", l.p99}, {"actions", "", float64(l.requests)}}})
	}
	return rows
}
