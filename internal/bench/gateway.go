package bench

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"time"

	"tolem"
	"tolem/internal/bench/naive"
	"tolem/store"
)

// The limits of whole calls, on PostgreSQL.
const (
	minGatewayOfPlain = 5    // requests a second, of the straightforward gateway
	maxTailOfMedian   = 4    // p99 of p50
	maxMemory         = 100  // MiB resident, at the highest
	minRSAOfRaw       = 0.60 // answers signed with RSA, of the bare signatures of all processors
)

// gateway measures whole notifications: mutual TLS, RSA-2048 request, everything
// stored, signed answer.
func (s *session) gateway(ctx context.Context) error {
	s.noteMissing(PartGateway)
	for _, kind := range s.kinds() {
		if err := s.gatewayOn(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// target is a server under load.
type target struct {
	name    string
	server  *process
	bank    *caller
	gun     gunner
	seed    func(context.Context, []tolem.CodeNumber) error
	shots   supply[shot]
	rounds  []load
	allocs  float64 // per request, over all rounds
	calls   int
	mallocs float64
	cpu     time.Duration
}

func (s *session) gatewayOn(ctx context.Context, kind string) (err error) {
	s.Progress("gateway: setting up on " + kind)
	in, err := s.install(ctx, kind, "gateway-"+kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.place.drop(ctx)) }()
	db, _, err := s.Open(ctx, in.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ours, err := in.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	place, err := s.newDatabase(ctx, kind, "plain-"+kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.drop(ctx)) }()
	plain, err := in.servePlain(ctx, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.stop()) }()
	targets := []*target{in.target("tolem", ours, benchBank, db), nil, in.target("tolem, RSA answers", ours, benchBankRSA, db)}
	if targets[1], err = in.plainTarget(ctx, plain, place); err != nil {
		return err
	}
	raw, err := s.gatewayRounds(ctx, kind, targets)
	if err != nil {
		return err
	}
	s.gatewayReport(kind, targets, raw)
	return nil
}

// target aims at the gateway, as a bank.
func (in *installation) target(name string, p *process, bank tolem.ParticipantID, db *store.DB) *target {
	return &target{
		name: name, server: p, bank: in.callers[bank], gun: gunner{address: p.address, tls: in.channel(bank), verifier: in.verifier},
		seed: func(ctx context.Context, numbers []tolem.CodeNumber) error { return seed(ctx, db, bank, numbers) },
	}
}

// plainTarget aims at the straightforward gateway.
func (in *installation) plainTarget(ctx context.Context, p *process, place *database) (*target, error) {
	t := in.target("straightforward", p, benchBank, nil)
	t.seed = func(ctx context.Context, numbers []tolem.CodeNumber) error {
		db, err := place.open(1)
		if err != nil {
			return err
		}
		defer db.Close()
		store, err := naive.Opened(ctx, db, bytesType(place.dsn))
		if err != nil {
			return err
		}
		codes := make([]naive.Code, len(numbers))
		for i, n := range numbers {
			codes[i] = naive.Code{
				Number: int64(n), Bank: string(benchBank), Service: string(benchService), Provider: string(benchProvider),
				Recipient: benchRecipient.Reveal(), Amount: benchAmount, Currency: string(tolem.KZT),
			}
		}
		return store.AddCodes(ctx, codes)
	}
	return t, nil
}

// gatewayRounds measures the targets in turns, and the bare RSA signature of
// all processors before the target that answers with RSA.
func (s *session) gatewayRounds(ctx context.Context, kind string, targets []*target) (raw []float64, err error) {
	bare, err := bareRSA()
	if err != nil {
		return nil, err
	}
	each := s.Each / time.Duration(s.Rounds)
	for round := range s.Rounds {
		for i, t := range targets {
			if i == len(targets)-1 {
				rate, err := measureParallel(each/4, bare)
				if err != nil {
					return nil, err
				}
				raw = append(raw, rate)
			}
			s.Progress(fmt.Sprintf("gateway: %s, %s, round %d of %d", kind, t.name, round+1, s.Rounds))
			if err := t.round(ctx, s.Connections, each, round == 0); err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", t.name, err, t.server.lastLines())
			}
		}
	}
	return raw, nil
}

// bareRSA signs like the gateway's key does.
func bareRSA() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("digest"))
	return func() error { _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); return err }, nil
}

// round measures the target once. Before the first round it is warmed up, which
// also tells how many requests a round will take.
func (t *target) round(ctx context.Context, connections int, each time.Duration, first bool) error {
	if first {
		if err := t.prepare(ctx, 1000*each.Seconds()/4+float64(connections)); err != nil {
			return err
		}
		warm, err := t.gun.fire(ctx, connections, each/4, &t.shots)
		if err != nil {
			return err
		}
		t.rounds = []load{warm}
	}
	fastest := 0.0
	for _, l := range t.rounds {
		fastest = max(fastest, l.rate)
	}
	if first {
		t.rounds = nil
	}
	const spare = 1.3
	if err := t.prepare(ctx, fastest*spare*each.Seconds()+float64(connections)); err != nil {
		return err
	}
	before, err := t.server.mallocs(ctx)
	if err != nil {
		return err
	}
	cpu := t.server.cpu()
	l, err := t.gun.fire(ctx, connections, each, &t.shots)
	if err != nil {
		return err
	}
	t.cpu += t.server.cpu() - cpu
	after, err := t.server.mallocs(ctx)
	if err != nil {
		return err
	}
	t.rounds, t.calls, t.mallocs = append(t.rounds, l), t.calls+l.requests, t.mallocs+after-before
	t.allocs = t.mallocs / float64(max(t.calls, 1))
	return nil
}

// prepare has as many signed requests wait as the next round may take.
func (t *target) prepare(ctx context.Context, wanted float64) error {
	missing := int(wanted) - t.shots.left()
	if missing <= 0 {
		return nil
	}
	numbers, err := drawCodes(missing)
	if err != nil {
		return err
	}
	if err := t.seed(ctx, numbers); err != nil {
		return err
	}
	more, err := t.bank.notifications(numbers)
	if err != nil {
		return err
	}
	t.shots.refill(more)
	runtime.GC() // not while the servers are measured
	return nil
}

// medians returns the values of a target's row.
func (t *target) medians() (rate, p50, p95, p99 float64) {
	pick := func(f func(load) float64) float64 {
		var values []float64
		for _, l := range t.rounds {
			values = append(values, f(l))
		}
		return median(values)
	}
	return pick(func(l load) float64 { return l.rate }), pick(func(l load) float64 { return l.p50 }),
		pick(func(l load) float64 { return l.p95 }), pick(func(l load) float64 { return l.p99 })
}

func (t *target) rates() (rates []float64) {
	for _, l := range t.rounds {
		rates = append(rates, l.rate)
	}
	return rates
}

func (s *session) gatewayReport(kind string, targets []*target, raw []float64) {
	ours, plain, withRSA := targets[0], targets[1], targets[2]
	var rows []Row
	for _, t := range targets {
		rate, p50, p95, p99 := t.medians()
		_, peak := t.server.memory()
		rows = append(rows, Row{Case: t.name, Values: []Value{
			{"requests", "/s", rate}, {"p50", "ms", p50}, {"p95", "ms", p95}, {"p99", "ms", p99},
			{"allocations", "", t.allocs}, {"CPU", "µs", float64(t.cpu.Microseconds()) / float64(max(t.calls, 1))}, {"memory", "MiB", peak}, {"of straightforward", "×", ratio(t.rates(), plain.rates())},
		}})
	}
	times, ofRaw := ratio(ours.rates(), plain.rates()), ratio(withRSA.rates(), raw)
	s.table(Table{
		Part: PartGateway, Title: "NotifyPayment over mutual TLS, " + kind, Rows: rows,
		Note: fmt.Sprintf("%d connections, request of %d bytes signed with RSA-2048, answer with P-256 unless it says RSA; memory at its highest;\n"+
			"allocations and CPU of the server alone, per request;\n"+
			"bare RSA-2048 signatures of all processors: %.0f/s, RSA answers come to %.2f of it; no allocations are known of the straightforward gateway",
			s.Connections, messageSize(ours), median(raw), ofRaw),
	})
	if kind == postgresKind {
		s.gatewayChecks(ours, times, ofRaw)
	}
}

// gatewayChecks holds what was measured on PostgreSQL against the limits.
func (s *session) gatewayChecks(ours *target, times, ofRaw float64) {
	_, p50, _, p99 := ours.medians()
	_, peak := ours.server.memory()
	s.atLeast(PartGateway, "NotifyPayment : straightforward", times, minGatewayOfPlain)
	s.atMost(PartGateway, "NotifyPayment: p99 : median", p99/p50, maxTailOfMedian)
	s.atMost(PartGateway, "memory of the gateway in MiB", peak, maxMemory)
	s.atLeast(PartGateway, "RSA answers : bare RSA signatures", ofRaw, minRSAOfRaw)
}

// messageSize is the length of a target's requests without the HTTP head.
func messageSize(t *target) int {
	if len(t.shots.things) == 0 {
		return 0
	}
	return bodyLength(t.shots.things[0].http)
}
