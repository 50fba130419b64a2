package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tolem/signing"
)

// probeTimeout bounds what a probe may take.
const probeTimeout = 2 * time.Second

func probeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), probeTimeout)
}

// newOpsServer serves health, readiness and metrics, away from the network of
// the participants.
func (n *node) newOpsServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, true, map[string]string{"process": "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, parts := n.ready()
		writeStatus(w, ready, parts)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.metrics.registry, promhttp.HandlerOpts{}))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: probeTimeout, ReadTimeout: probeTimeout, WriteTimeout: 10 * probeTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: quietLog(n.log),
	}
}

// ready tells whether the node can do its work, part by part.
func (n *node) ready() (bool, map[string]string) {
	ctx, cancel := probeContext()
	defer cancel()
	now := time.Now()
	ready, parts := true, map[string]string{}
	part := func(name string, err error) {
		parts[name] = "ok"
		if err != nil {
			ready, parts[name] = false, err.Error()
		}
	}
	part("database", n.db.Ping(ctx))
	part("revocation lists", n.trust.Ready(now))
	part("signing.rsa", n.canSign(n.signers.RSA, now))
	part("signing.ec", n.canSign(n.signers.EC, now))
	if n.workplace.server != nil {
		part("workplace.tls", n.workplace.certificateReady(now))
	}
	if n.draining.Load() {
		ready, parts["process"] = false, "shutting down"
	}
	return ready, parts
}

// canSign reports whether a key answers, and whether others would believe its
// certificate.
func (n *node) canSign(s *signing.Signer, now time.Time) error {
	if _, err := n.trust.Check(s.Certificate(), now); err != nil {
		return err
	}
	_, err := s.Sign(signing.SOAP11, []byte(`<probe></probe>`), now)
	return err
}

func writeStatus(w http.ResponseWriter, ok bool, parts map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	body, err := json.Marshal(map[string]any{"ok": ok, "parts": parts})
	if err != nil {
		return
	}
	w.Write(append(body, '\n')) //nolint:errcheck // the prober has hung up
}
