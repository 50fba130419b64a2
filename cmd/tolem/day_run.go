package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"os"

	"tolem"
	"tolem/registry/deliver"
	"tolem/registry/jobs"
	"tolem/store"
)

// dayRun is a node's share of the day's work: it plans what is due, runs what
// it can claim, and pushes documents. However many nodes do so, each job is
// done once.
type dayRun struct {
	dayWork
	runner  *jobs.Runner
	planner jobs.Planner
	courier *deliver.Courier
}

func newDayRun(n *node) (*dayRun, error) {
	c := n.config.Registers
	at, err := c.Clock()
	if err != nil {
		return nil, err
	}
	days, err := jobs.ParseDays(c.Days)
	if err != nil {
		return nil, err
	}
	r := &dayRun{dayWork: dayWork{n.db, n.registry, n.evidence}, planner: jobs.Planner{Calendar: n.registry.Calendar, At: at, Days: days}}
	name := nodeName()
	if r.runner, err = jobs.New(jobs.Config{Node: name, DB: n.db, Kinds: r.kinds(), Report: n.jobDone}); err != nil {
		return nil, err
	}
	transports := map[tolem.DeliveryMethod]deliver.Transport{tolem.ByFolder: deliver.Folder{}, tolem.BySFTP: deliver.SFTP{}}
	post := deliver.PostConfig{Trust: n.trust}
	if pair := n.config.Delivery.TLS; pair.Cert != "" {
		channel, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
		if err != nil {
			return nil, fmt.Errorf("delivery.tls: %w", err)
		}
		post.Certificate = &channel
		transports[tolem.BySOAP] = deliver.NewSOAP(deliver.SOAPConfig{
			Signer: n.signers.RSA, Certificate: channel, Trust: n.trust, Directory: n.directory,
		})
	}
	transports[tolem.ByPost] = deliver.NewPost(post)
	r.courier = deliver.New(deliver.Config{
		DB: n.db, Archive: n.evidence, Documents: r, Transports: transports, Node: name, Spool: n.config.Delivery.Spool, Report: n.delivered,
	})
	return r, nil
}

// nodeName names this process in the history of jobs: machine, process and a
// part that no other has, since machines are cloned.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%.64s-%d-%s", host, os.Getpid(), hex.EncodeToString(random[:]))
}

// look plans what is due and starts what nobody else has started.
func (r *dayRun) look(ctx context.Context) error {
	first, happened, err := r.registry.FirstOpen(ctx)
	if err != nil {
		return err
	}
	if happened {
		planner := r.planner
		planner.First = first
		if _, err := planner.Plan(ctx, r.db, jobSeal); err != nil {
			return err
		}
	}
	if err := r.planLists(ctx); err != nil {
		return err
	}
	_, err = r.runner.StartDue(ctx)
	return err
}

// stop waits until the jobs under way have given up, or the time is over.
func (r *dayRun) stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		r.runner.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("jobs of the day: %w", ctx.Err())
	}
}

// jobDone logs and counts an attempt at a job.
func (n *node) jobDone(e jobs.Event) {
	n.metrics.jobs.WithLabelValues(e.Name, string(e.Outcome)).Observe(e.Took.Seconds())
	line := n.log.Info()
	switch {
	case e.Alarm():
		line = n.log.Error()
	case e.Err != nil:
		line = n.log.Warn()
	}
	line.Str("job", e.Name).Str("slot", e.Slot).Str("outcome", string(e.Outcome)).Int64("attempt", e.Attempt).Dur("took", e.Took).
		Str("result", e.Result).Err(e.Err).Msg("work of the day")
}

// delivered logs and counts an attempt at a delivery.
func (n *node) delivered(e deliver.Event) {
	class := "none"
	if e.Err != nil {
		class = deliver.Class(e.Err)
	}
	n.metrics.deliveries.WithLabelValues(string(e.Outcome), class).Inc()
	line := n.log.Info()
	switch {
	case e.Outcome == store.AttemptDead:
		line = n.log.Error()
	case e.Err != nil:
		line = n.log.Warn()
	}
	d := e.Delivery
	line.Str("participant", string(d.Participant)).Str("target", d.Target).Str("document", d.Ref).Str("form", d.Form).
		Str("outcome", string(e.Outcome)).Dur("took", e.Took).Err(e.Err).Msg("delivery")
}
