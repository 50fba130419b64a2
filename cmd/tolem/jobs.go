package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"

	"tolem/archive"
)

// How often the background looks around.
const (
	directoryEvery = time.Second // new participants are known within two
	filesEvery     = 2 * time.Second
	listsEvery     = 5 * time.Second // asks which lists are due; fetching is rarer
	alertEvery     = time.Hour
	dayEvery       = 2 * time.Second // plans and starts the day's jobs
	deliverEvery   = time.Second     // a merchant waits for its result
	expiringSoon   = 30 * 24 * time.Hour
	expireBatch    = 500
	jobStopTimeout = 20 * time.Second
)

// background is the work in the background of a node.
type background struct {
	scheduler gocron.Scheduler
	cancel    context.CancelFunc
}

// startJobs schedules everything a node does unasked. Each job runs alone; one
// that is still running when its time comes again is not started twice.
func startJobs(ctx context.Context, n *node) (*background, error) {
	scheduler, err := gocron.NewScheduler(gocron.WithStopTimeout(jobStopTimeout))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	for _, job := range []struct {
		name  string
		every time.Duration
		run   func(context.Context) error
	}{
		{"participants and services", directoryEvery, n.directory.Refresh},
		{"revocation lists in files", filesEvery, n.trust.WatchFiles},
		{"revocation lists from addresses", listsEvery, n.trust.RefreshDue},
		{"seal the archive", n.config.Archive.SealEvery, n.seal},
		{"expire codes", n.config.Codes.ExpireEvery, n.expire},
		{"certificates that expire soon", alertEvery, n.alert},
		{"attempts to pay", askEvery, n.askBanks},
		{"visits to the payment page", abandonEvery, n.payments.Abandon},
		{"claims to banks", claimsEvery, n.claims},
		{"work of the day", dayEvery, n.day.look},
	} {
		_, err := scheduler.NewJob(gocron.DurationJob(job.every),
			gocron.NewTask(func() { n.report(job.name, job.run(ctx)) }),
			gocron.WithName(job.name), gocron.WithSingletonMode(gocron.LimitModeReschedule), gocron.WithStartAt(gocron.WithStartImmediately()))
		if err != nil {
			cancel()
			return nil, fmt.Errorf("schedule %s: %w", job.name, err)
		}
	}
	// Deliveries overlap: a slow receiver holds up nobody.
	_, err = scheduler.NewJob(gocron.DurationJob(deliverEvery),
		gocron.NewTask(func() { n.report("deliveries", n.day.courier.Run(ctx)) }), gocron.WithName("deliveries"))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("schedule deliveries: %w", err)
	}
	scheduler.Start()
	return &background{scheduler: scheduler, cancel: cancel}, nil
}

func (j *background) stop() error {
	j.cancel()
	return j.scheduler.Shutdown()
}

func (n *node) report(job string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	n.metrics.jobFailures.WithLabelValues(job).Inc()
	n.log.Error().Err(err).Str("job", job).Msg("background work failed; it is tried again")
}

// sealPause stands between two sealings of one run, so that a busy second's
// evidence is sealed beside the payments and not in front of them.
const sealPause = 20 * time.Millisecond

// seal moves new evidence into the Merkle log until none is left.
func (n *node) seal(ctx context.Context) error {
	for {
		sealed, err := n.evidence.Seal(ctx)
		if err != nil || sealed < archive.SealBatch {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(sealPause):
		}
	}
}

// expire moves unpaid codes whose term has run out (GW-P12).
func (n *node) expire(ctx context.Context) error {
	for {
		expired, err := n.db.ExpireDue(ctx, expireBatch)
		if err != nil || expired < expireBatch {
			return err
		}
	}
}

// alert warns of certificates that run out: the gateway's, the authorities'
// and the participants'.
func (n *node) alert(context.Context) error {
	now := time.Now()
	warn := func(what, subject string, notAfter time.Time) {
		if notAfter.Before(now.Add(expiringSoon)) {
			n.log.Warn().Str("certificate", what).Str("subject", subject).Time("not_after", notAfter).Msg("certificate expires soon")
		}
	}
	warn("signing.rsa", "", n.signers.RSA.Certificate().NotAfter)
	warn("signing.ec", "", n.signers.EC.Certificate().NotAfter)
	for _, e := range n.trust.Expiring(now, expiringSoon) {
		warn("trust", e.Subject, e.NotAfter)
	}
	for _, c := range n.directory.Certificates() {
		warn("participant", string(c.Participant), c.NotAfter)
	}
	return nil
}
