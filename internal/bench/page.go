package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/store"
	sdk "tolem/wsdl/client"
)

// The limits of the payment page.
const (
	maxPageTail   = 3    // p99 of the median of its requests
	minPageRate   = 0.97 // payments finished a second, of those begun
	maxPageGrowth = 1.10 // memory in the last fifth, of that in the middle fifth
)

// What the page is measured with.
const (
	pageLatency  = 300 * time.Millisecond // of the simulated bank
	pagePortals  = 32                     // connections of the portal
	pageWarm     = 3 * time.Second        // before anything is measured, at most
	pageUnderWay = 8192                   // payments at once; more of them are not begun
	pageLook     = 250 * time.Millisecond // between two looks at the memory
	pageReturn   = "https://portal.example.kz/back"
)

// page measures payments by card through the payment page: so many begin every
// second whether or not others have ended.
func (s *session) page(ctx context.Context) error {
	s.noteMissing(PartPage)
	var rows, kinds []Row
	for _, kind := range s.kinds() {
		run, err := s.pageOn(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		rows, kinds = append(rows, run.row(kind)), append(kinds, run.kindRows(kind)...)
		run.check(s, kind)
	}
	s.table(Table{
		Part: PartPage, Title: fmt.Sprintf("Payments by card through the page, %.0f/s for %s, bank at %s", s.PageRate, s.PageFor, pageLatency), Rows: rows,
		Note: "one TLS connection for each payer; latency of every request to the page, measured by the payer; CPU of the gateway alone for a payment,\n" +
			"and of payers, portal and bank together; all of them share this machine. Memory of the gateway at the start, in the middle, at the end",
	})
	s.table(Table{Part: PartPage, Title: "Requests of a payment", Rows: kinds, Note: "start: signed StartCardPayment of the portal; connect: the payer's TLS handshake"})
	return nil
}

// pageRun is the load on one database.
type pageRun struct {
	in      *installation
	server  *process
	address string // of the page
	payers  *tls.Config
	bank    *sandbox.Bank
	portal  gunner
	portals chan *client // its connections; nil: not made yet
	shots   supply[shot]

	mu     sync.Mutex
	took   map[string][]time.Duration // by kind of request
	paid   int
	failed error

	spent           time.Duration
	memory          []float64
	gateway, loader time.Duration // CPU
	payments        int
}

func (s *session) pageOn(ctx context.Context, kind string) (_ *pageRun, err error) {
	s.Progress("page: setting up on " + kind)
	in, err := s.install(ctx, kind, "page-"+kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.place.drop(ctx)) }()
	if err := in.run(ctx, "participant", "return-address", "add", string(benchPortal), pageReturn, "--config", in.config); err != nil {
		return nil, err
	}
	run := &pageRun{in: in, portals: make(chan *client, pagePortals), took: make(map[string][]time.Duration)}
	run.payers = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: in.trust.Pool(), ServerName: "localhost"}
	closeBank, err := run.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeBank()
	defer func() { err = errors.Join(err, run.server.stop()) }()
	warm := min(pageWarm, s.PageFor)
	if err := run.prepare(ctx, int(s.PageRate*(s.PageFor+warm).Seconds())+1); err != nil {
		return nil, err
	}
	defer run.closePortals()
	s.Progress("page: warming up on " + kind)
	if err := run.fire(ctx, s.PageRate/2, warm); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, run.server.lastLines())
	}
	s.Progress(fmt.Sprintf("page: %.0f payments a second on %s", s.PageRate, kind))
	if err := run.measure(ctx, s.PageRate, s.PageFor); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, run.server.lastLines())
	}
	return run, nil
}

// open starts the bank and the gateway that calls it.
func (r *pageRun) open(ctx context.Context) (stop func(), err error) {
	authority, err := pki.Open(filepath.Join(r.in.dir, "pki"), pki.Options{})
	if err != nil {
		return nil, err
	}
	host, err := authority.Issue(pki.Spec{CommonName: "127.0.0.1", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		return nil, err
	}
	var free [2]string
	for i := range free {
		if free[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", free[1])
	if err != nil {
		return nil, err
	}
	r.address = free[0]
	r.server, err = r.in.start(ctx, "gateway", "serve", "TOLEM_CHECKOUT_LISTEN="+r.address, "TOLEM_CHECKOUT_PUBLIC_ADDRESS=https://"+r.address,
		"TOLEM_CHECKOUT_BANKS="+string(benchBank)+"=https://"+free[1]+"/bank/v1", "TOLEM_CHECKOUT_ACQUIRERS="+string(benchBank),
		"TOLEM_CHECKOUT_RATE_PER_SECOND=1000000", "TOLEM_CHECKOUT_BURST=1000000")
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if r.bank, err = r.newBank(); err != nil {
		return nil, errors.Join(err, listener.Close(), r.server.stop())
	}
	server := &http.Server{
		Handler: r.bank, ReadHeaderTimeout: answerTimeout, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{host.TLS()}, ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: r.in.trust.VerifyConnection,
		},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { _ = server.ServeTLS(listener, "", "") }) // it ends with Close
	work.Go(func() { r.bank.Run(ctx) })
	return func() {
		cancel()
		_ = server.Close()
		work.Wait()
	}, nil
}

// newBank plays the bank that takes the cards.
func (r *pageRun) newBank() (*sandbox.Bank, error) {
	var prints []tolem.Fingerprint
	for _, name := range []string{"signing-rsa", "signing-ec"} {
		key, err := signing.LoadSigner(filepath.Join(r.in.dir, "keys", name+".pem"), filepath.Join(r.in.dir, "keys", name+".key"))
		if err != nil {
			return nil, err
		}
		prints = append(prints, tolem.FingerprintOf(key.Certificate().Raw))
	}
	bank := r.in.callers[benchBank]
	notifier, err := newNotifier(r.in, bank, "https://"+r.server.address+soapPath, prints)
	if err != nil {
		return nil, err
	}
	return sandbox.New(sandbox.Config{
		Bank: bank.id, Signer: bank.signer, Verifier: r.in.verifier, Latency: pageLatency, Notifier: notifier,
		Gateway: func(v *signing.Verified) bool { return slices.Contains(prints, v.Fingerprint) },
	})
}

func newNotifier(in *installation, c *caller, address string, prints []tolem.Fingerprint) (*sdk.Client, error) {
	return sdk.New(sdk.Config{
		Address: address, Signer: c.signer, Trust: in.trust, Gateway: sdk.Identity{Fingerprints: prints}, TLS: in.channel(c.id),
	})
}

// prepare has codes and signed requests ready, and places for the portal's
// connections. One is made when it is first needed: the gateway does not wait for
// the request of one that nobody uses.
func (r *pageRun) prepare(ctx context.Context, n int) error {
	numbers, err := drawCodes(n)
	if err != nil {
		return err
	}
	db, _, err := r.in.s.Open(ctx, r.in.config)
	if err != nil {
		return err
	}
	if err := errors.Join(seedForPage(ctx, db, numbers), db.Close()); err != nil {
		return err
	}
	portal := r.in.callers[benchPortal]
	shots := make([]shot, n)
	for i, number := range numbers {
		if shots[i], err = portal.startCard(number); err != nil {
			return err
		}
	}
	r.shots.refill(shots)
	r.portal = gunner{address: r.server.address, tls: r.in.channel(benchPortal), verifier: r.in.verifier}
	for range pagePortals {
		r.portals <- nil
	}
	runtime.GC() // not while the page is measured
	return nil
}

func (r *pageRun) closePortals() {
	for range pagePortals {
		if c := <-r.portals; c != nil {
			_ = c.conn.Close() // every answer is in
		}
	}
}

// seedForPage stores codes that the portal issued to be paid by card.
func seedForPage(ctx context.Context, db *store.DB, numbers []tolem.CodeNumber) error {
	for batch := range slices.Chunk(numbers, seedBatch) {
		err := db.Update(ctx, func(tx *store.Tx) error {
			for _, number := range batch {
				d := issued(number, "", tx.Now())
				d.Code.Channel = tolem.ChannelAcquiring
				if err := tx.InsertCode(d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("seed codes: %w", err)
		}
	}
	return nil
}

// startCard is the request by which the portal sends a payer to the page.
func (c *caller) startCard(number tolem.CodeNumber) (shot, error) {
	id := uuid.NewString()
	http, _, err := c.envelop(tolem.OpStartCardPayment, payload(tolem.OpStartCardPayment,
		"requestId", id, "paymentCode", number.String(), "recipientIIN", benchRecipient.Reveal(), "serviceCode", string(benchService),
		"amount", tolem.Money{Minor: benchAmount}.Decimal(), "currency", string(tolem.KZT), "returnAddress", pageReturn, "language", "en"), "")
	return shot{http: http, want: []byte(id)}, err
}

// measure fires and looks at the gateway's memory and processor time meanwhile.
func (r *pageRun) measure(ctx context.Context, rate float64, each time.Duration) error {
	r.took, r.paid = make(map[string][]time.Duration), 0
	cpu, own := r.server.cpu(), ownCPU()
	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			now, _ := r.server.memory()
			r.memory = append(r.memory, now)
			select {
			case <-stop:
				return
			case <-time.After(pageLook):
			}
		}
	}()
	began := time.Now()
	err := r.fire(ctx, rate, each)
	r.spent = time.Since(began)
	close(stop)
	<-looked
	r.gateway, r.loader = r.server.cpu()-cpu, ownCPU()-own
	return err
}

// ownCPU is the processor time that this process has taken.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fire begins payments at a rate and waits until all have ended.
func (r *pageRun) fire(ctx context.Context, rate float64, each time.Duration) error {
	var under sync.WaitGroup
	places := make(chan struct{}, pageUnderWay)
	began := time.Now()
	n := int(rate * each.Seconds())
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		if ctx.Err() != nil || r.problem() != nil {
			break
		}
		places <- struct{}{}
		under.Go(func() {
			defer func() { <-places }()
			if err := r.pay(ctx); err != nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.failed = errors.Join(r.failed, err)
			}
		})
	}
	under.Wait()
	r.payments = n
	return errors.Join(ctx.Err(), r.problem())
}

func (r *pageRun) problem() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// note keeps how long a request took.
func (r *pageRun) note(kind string, began time.Time) {
	took := time.Since(began)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took[kind] = append(r.took[kind], took)
}

// The kinds of requests; those of the page in the order in which a payer makes
// them.
const (
	kindStart   = "start"
	kindConnect = "connect"
)

var pageKinds = []string{"open", "form", "confirm", "waiting", "paid"}

// row tells of the whole load.
func (r *pageRun) row(kind string) Row {
	var all []time.Duration
	for _, k := range pageKinds {
		all = append(all, r.took[k]...)
	}
	l := summary(all, r.spent)
	first, middle, last := r.memories()
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(max(1, r.paid)) }
	return Row{Case: kind, Values: []Value{
		{"paid", "/s", r.rate()}, {"page requests", "/s", l.rate}, {"p50", "ms", l.p50}, {"p95", "ms", l.p95}, {"p99", "ms", l.p99}, {"p99 : p50", "×", l.p99 / l.p50},
		{"CPU", "ms", each(r.gateway)}, {"CPU of the others", "ms", each(r.loader)}, {"at first", "MiB", first}, {"in the middle", "MiB", middle}, {"in the end", "MiB", last},
	}}
}

// rate is how many payments ended a second, the time left out in which the last
// of them waited for their page to look again.
func (r *pageRun) rate() float64 {
	return float64(r.paid) / max(r.spent-refreshed, time.Millisecond).Seconds()
}

// kindRows tell of each kind of request.
func (r *pageRun) kindRows(database string) (rows []Row) {
	for _, k := range append([]string{kindStart, kindConnect}, pageKinds...) {
		l := summary(r.took[k], r.spent)
		rows = append(rows, Row{Case: database + ", " + k, Values: []Value{{"p50", "ms", l.p50}, {"p95", "ms", l.p95}, {"p99", "ms", l.p99}, {"requests", "", float64(l.requests)}}})
	}
	return rows
}

// memories returns the resident memory in MiB: the first look, and the means of
// the middle and of the last fifth.
func (r *pageRun) memories() (first, middle, last float64) {
	mean := func(part []float64) float64 {
		sum := 0.0
		for _, m := range part {
			sum += m
		}
		return sum / float64(max(1, len(part)))
	}
	n := len(r.memory)
	if n == 0 {
		return 0, 0, 0
	}
	return r.memory[0], mean(r.memory[n*2/5 : max(n*2/5+1, n*3/5)]), mean(r.memory[min(n-1, n*4/5):])
}

func (r *pageRun) check(s *session, kind string) {
	var all []time.Duration
	for _, k := range pageKinds {
		all = append(all, r.took[k]...)
	}
	l := summary(all, r.spent)
	_, middle, last := r.memories()
	s.atLeast(PartPage, kind+": payments ended : begun, a second", r.rate()/s.PageRate, minPageRate)
	s.atMost(PartPage, kind+": p99 : median of the page's requests", l.p99/l.p50, maxPageTail)
	s.atMost(PartPage, kind+": memory in the end : in the middle", last/max(middle, 1), maxPageGrowth)
}
