package main

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tolem"
	"tolem/gateway/soap"
	"tolem/store"
	"tolem/web"
)

// metrics are what an operator's monitoring reads. No label holds anything a
// stranger could choose, and none holds personal data.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	refused     *prometheus.CounterVec
	repeated    prometheus.Counter
	guesses     *prometheus.CounterVec
	groups      prometheus.Histogram
	jobFailures *prometheus.CounterVec
	jobs        *prometheus.HistogramVec
	deliveries  *prometheus.CounterVec
	bankCalls   *prometheus.HistogramVec
	lookups     *prometheus.HistogramVec
	pages       *prometheus.HistogramVec
	redirects   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tolem_requests_total", Help: "Requests by operation and result or fault code.",
		}, []string{"operation", "result"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tolem_request_seconds", Help: "Time from the arrival of a request to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"operation"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tolem_verification_failures_total", Help: "Requests whose signature was not accepted, by class of failure.",
		}, []string{"class"}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tolem_repeated_requests_total", Help: "Requests answered with their stored answer.",
		}),
		guesses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tolem_unknown_codes_total", Help: "Questions about payment codes that do not exist, by participant and whether it was refused to go on asking.",
		}, []string{"participant", "refused"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tolem_commit_group_size", Help: "Transactions committed together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 8),
		}),
		jobFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tolem_job_failures_total", Help: "Background work that failed, by job.",
		}, []string{"job"}),
	}
	m.jobs = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tolem_day_job_seconds", Help: "Attempts at the day's jobs, by job and outcome.",
		Buckets: prometheus.ExponentialBuckets(0.01, 4, 9),
	}, []string{"job", "outcome"})
	m.deliveries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tolem_deliveries_total", Help: "Attempts to push documents, by outcome and class of failure.",
	}, []string{"outcome", "class"})
	m.bankCalls = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tolem_bank_call_seconds", Help: "Calls to banks, by bank, operation and what came of them.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	}, []string{"bank", "operation", "outcome"})
	m.lookups = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tolem_lookup_seconds", Help: "Questions to organisations' own systems, by organisation and what came of them.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 13),
	}, []string{"organisation", "outcome"})
	m.pages = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tolem_page_seconds", Help: "Requests to pages, by route and status.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
	}, []string{"route", "status"})
	m.redirects = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tolem_redirects_total", Help: "Buyers whom merchants sent, by what became of the redirect.",
	}, []string{"outcome"})
	m.registry.MustRegister(m.redirects, m.bankCalls, m.lookups, m.pages, m.jobs, m.deliveries, m.requests, m.latency, m.refused, m.repeated, m.guesses, m.groups, m.jobFailures,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// group notes the size of a commit group.
func (m *metrics) group(size int) { m.groups.Observe(float64(size)) }

// request notes what became of a request.
func (m *metrics) request(e soap.Event) {
	operation := string(e.Operation)
	if operation == "" {
		operation = "none"
	}
	m.requests.WithLabelValues(operation, string(e.Result)).Inc()
	m.latency.WithLabelValues(operation).Observe(e.Took.Seconds())
	if e.Class != "" {
		m.refused.WithLabelValues(e.Class).Inc()
	}
	if e.Repeated {
		m.repeated.Inc()
	}
	switch e.Result {
	case tolem.UnknownCode:
		m.guesses.WithLabelValues(string(e.Participant), "no").Inc()
	case tolem.TooManyUnknown:
		m.guesses.WithLabelValues(string(e.Participant), "yes").Inc()
	}
}

// redirect notes what became of a merchant's redirect.
func (m *metrics) redirect(outcome string) { m.redirects.WithLabelValues(outcome).Inc() }

// page notes what became of a request to a page.
func (m *metrics) page(e web.Event) {
	route := cmp.Or(e.Route, "none")
	m.pages.WithLabelValues(route, strconv.Itoa(e.Status)).Observe(e.Took.Seconds())
}

// watch registers the collector of what is looked up when the metrics are read.
func (m *metrics) watch(n *node) { m.registry.MustRegister(nodeCollector{n}) }

// nodeCollector reads the state of a node when it is asked.
type nodeCollector struct{ n *node }

var (
	crlAge      = prometheus.NewDesc("tolem_crl_age_seconds", "Age of the revocation list in use.", []string{"issuer"}, nil)
	crlLeft     = prometheus.NewDesc("tolem_crl_left_seconds", "Time until the revocation list in use must be replaced.", []string{"issuer"}, nil)
	crlUsable   = prometheus.NewDesc("tolem_crl_usable", "1 if certificates of the issuer can be accepted.", []string{"issuer"}, nil)
	backlogDesc = prometheus.NewDesc("tolem_archive_backlog", "Messages that are stored and not yet sealed.", nil, nil)
	waitingDesc = prometheus.NewDesc("tolem_commits_waiting", "Transactions waiting to be committed.", nil, nil)
	jobsOpen    = prometheus.NewDesc("tolem_day_jobs_open", "The day's jobs that are not done, by job and state; DEAD ones wait for a person.", []string{"job", "state"}, nil)
	outboxDesc  = prometheus.NewDesc("tolem_outbox", "Documents in line to their owners, by state.", []string{"state"}, nil)
	outboxAge   = prometheus.NewDesc("tolem_outbox_oldest_seconds", "How long the oldest document has been waiting.", nil, nil)
	overtaken   = prometheus.NewDesc("tolem_transactions_overtaken_total", "Transactions that were decided again because another came first.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c nodeCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{crlAge, crlLeft, crlUsable, backlogDesc, waitingDesc, overtaken, jobsOpen, outboxDesc, outboxAge} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c nodeCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	for _, l := range c.n.trust.Lists(now) {
		usable := 0.0
		if l.Usable {
			usable = 1
		}
		gauge(crlAge, l.Age.Seconds(), l.Issuer)
		gauge(crlLeft, l.NextUpdate.Sub(now).Seconds(), l.Issuer)
		gauge(crlUsable, usable, l.Issuer)
	}
	ctx, cancel := probeContext()
	defer cancel()
	if backlog, err := c.n.evidence.Backlog(ctx); err == nil {
		gauge(backlogDesc, float64(backlog))
	}
	c.day(ctx, now, gauge)
	stats := c.n.db.Stats()
	gauge(waitingDesc, float64(stats.Waiting))
	out <- prometheus.MustNewConstMetric(overtaken, prometheus.CounterValue, float64(stats.Conflicts))
}

// day tells of what the day's work has left undone.
func (c nodeCollector) day(ctx context.Context, now time.Time, gauge func(*prometheus.Desc, float64, ...string)) {
	_ = c.n.db.View(ctx, func(tx *store.Tx) error { // a database that does not answer shows elsewhere
		open, err := tx.OpenJobs()
		if err != nil {
			return err
		}
		for _, j := range open {
			gauge(jobsOpen, float64(j.Count), j.Name, j.State.String())
		}
		b, err := tx.OutboxBacklog()
		if err != nil {
			return err
		}
		gauge(outboxDesc, float64(b.Waiting), "waiting")
		gauge(outboxDesc, float64(b.Dead), "dead")
		if !b.Oldest.IsZero() {
			gauge(outboxAge, now.Sub(b.Oldest).Seconds())
		}
		return nil
	})
}
