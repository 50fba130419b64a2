package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/store"
	"tolem/wsdl/client"
)

// The cast of the demonstration.
const (
	demoPortal = "PORTAL"
	demoBankA  = "BANK-A" // internet banking, signs with RSA
	demoBankB  = "BANK-B" // ATM, signs with EC
	demoBankC  = "BANK-C" // its payments come through the processing centre; it is revoked in the end
	demoKiosk  = "KIOSK"  // processing centre of the infokiosks, for BANK-C

	demoProvider  = "JUSTICE"
	demoService   = "BIRTH-CERT"
	demoFee       = "STATE-FEE"
	demoCitizen   = tolem.IIN("850101300124")
	demoNeighbour = tolem.IIN("920715450676")
	demoAccount   = "KZ86125KZT5004100100"
)

// demoActor is a participant with its own client.
type demoActor struct {
	id        tolem.ParticipantID
	signing   *pki.Identity
	tls       *pki.Identity
	client    *client.Client
	transport *http.Client
	last      client.Exchange // the last attempt, as it travelled
}

// demoWorld is the stage: a gateway, its authority and its participants.
type demoWorld struct {
	dir       string
	authority *pki.PKI
	node      *node
	page      *demoPage
	actors    map[tolem.ParticipantID]*demoActor
	verifier  *signing.Verifier // of answers that are looked at as bytes

	codes map[string]tolem.CodeNumber // by the name of the step that got them
	notes map[string]client.Exchange  // exchanges to come back to

	today     tolem.Day
	tables    []store.StoredRegister // fetched by their owners
	anomalies []tolem.Anomaly        // of the bank's list
}

// newDemoWorld sets the stage in a folder.
func newDemoWorld(ctx context.Context, dir string) (_ *demoWorld, err error) {
	file, err := installation{dir: dir, database: "sqlite:tolem.db", testPKI: true, origin: "tolem-demo"}.write()
	if err != nil {
		return nil, err
	}
	w := &demoWorld{
		dir: dir, actors: make(map[tolem.ParticipantID]*demoActor),
		codes: make(map[string]tolem.CodeNumber), notes: make(map[string]client.Exchange),
	}
	if w.authority, err = pki.Open(filepath.Join(dir, pkiDir), pki.Options{}); err != nil {
		return nil, err
	}
	c, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	if w.page, err = openDemoPage(); err != nil {
		return nil, err
	}
	c.SOAP.Listen, c.Ops.Listen = "127.0.0.1:0", "127.0.0.1:0"
	w.page.configure(&c.Checkout)
	if w.node, err = openNode(ctx, c, zerolog.Nop()); err != nil {
		return nil, errors.Join(err, w.page.close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.page.close(), w.node.db.Close())
		}
	}()
	w.node.listen = w.page.listen
	if err := w.populate(ctx); err != nil {
		return nil, err
	}
	if err := w.node.directory.Refresh(ctx); err != nil {
		return nil, err
	}
	if err := w.node.start(ctx); err != nil {
		return nil, err
	}
	w.verifier = signing.NewVerifier(w.node.trust, nil)
	return w, errors.Join(w.connect(), w.page.open(ctx, w))
}

// populate registers participants, a provider and its services.
func (w *demoWorld) populate(ctx context.Context) error {
	cast := []struct {
		p   tolem.Participant
		key pki.KeyKind
	}{
		{tolem.Participant{ID: demoPortal, Kind: tolem.KindPortal, Name: "e-government portal"}, pki.P256},
		{tolem.Participant{ID: demoBankA, Kind: tolem.KindBank, Name: "Bank A"}, pki.RSA2048},
		{tolem.Participant{ID: demoBankB, Kind: tolem.KindBank, Name: "Bank B"}, pki.P256},
		{tolem.Participant{ID: demoBankC, Kind: tolem.KindBank, Name: "Bank C"}, pki.P256},
		{tolem.Participant{ID: demoBranch, Kind: tolem.KindBranch, Name: "Bank A, branch 1", ActsFor: []tolem.ParticipantID{demoBankA}}, pki.P256},
		{tolem.Participant{ID: demoProvider, Kind: tolem.KindProvider, Name: "Ministry of Justice"}, pki.RSA2048},
		{tolem.Participant{ID: demoKiosk, Kind: tolem.KindProcessing, Name: "Kiosk processing", ActsFor: []tolem.ParticipantID{demoBankC}}, pki.P256},
	}
	now := time.Now()
	for i := range cast {
		p := &cast[i].p
		p.Groups, p.ContractNo, p.ContractFrom = []tolem.Group{p.Kind.DefaultGroup()}, "demo", now.Add(-time.Hour)
		actor, err := w.newActor(p.ID, cast[i].key)
		if err != nil {
			return err
		}
		w.actors[p.ID] = actor
	}
	return w.node.db.Update(ctx, func(tx *store.Tx) error {
		for _, c := range cast {
			err := tx.PutParticipant(c.p)
			for _, id := range []*pki.Identity{w.actors[c.p.ID].signing, w.actors[c.p.ID].tls} {
				err = errors.Join(err, tx.PutCertificate(tolem.Certificate{
					Fingerprint: tolem.FingerprintOf(id.Cert.Raw), Participant: c.p.ID, DER: id.Cert.Raw,
					NotAfter: id.Cert.NotAfter, AddedAt: now,
				}))
			}
			if err != nil {
				return err
			}
		}
		return errors.Join(tx.AddReturnAddress(demoPortal, demoReturn), tx.PutProvider(tolem.Provider{
			ID: demoProvider, BIN: "990240001237", Account: demoAccount, Active: true,
			Names: tolem.Names{KK: "Әділет министрлігі", RU: "Министерство юстиции", EN: "Ministry of Justice"},
		}), tx.PutService(tolem.Service{
			Code: demoService, Provider: demoProvider, Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 120_000},
			Names: tolem.Names{KK: "Туу туралы куәлік", RU: "Свидетельство о рождении", EN: "Birth certificate"},
		}), tx.PutService(tolem.Service{
			Code: demoFee, Provider: demoProvider, Active: true, Price: tolem.Price{Currency: tolem.KZT, Min: 10_000, Max: 50_000_000},
			Names: tolem.Names{KK: "Мемлекеттік баж", RU: "Государственная пошлина", EN: "State fee"},
		}))
	})
}

// newActor issues the certificates of a participant.
func (w *demoWorld) newActor(id tolem.ParticipantID, key pki.KeyKind) (*demoActor, error) {
	signer, err := w.authority.Issue(pki.Spec{CommonName: string(id) + " signing", Org: string(id), Usage: pki.Signing, Key: key})
	if err != nil {
		return nil, err
	}
	channel, err := w.authority.Issue(pki.Spec{CommonName: string(id) + " channel", Org: string(id), Usage: pki.TLSClient, Key: pki.P256})
	if err != nil {
		return nil, err
	}
	return &demoActor{id: id, signing: signer, tls: channel}, nil
}

// connect gives every actor its client, as a bank's integrator would make it.
func (w *demoWorld) connect() error {
	for _, a := range w.actors {
		signer, err := signing.NewSigner(a.signing.Key, a.signing.Cert)
		if err != nil {
			return err
		}
		c := w.clientConfig(a, signer)
		c.Observe = func(e client.Exchange) { a.last = e }
		if a.client, err = client.New(c); err != nil {
			return err
		}
		a.transport = &http.Client{Transport: &http.Transport{TLSClientConfig: c.TLS.Clone(), ForceAttemptHTTP2: false}, Timeout: 10 * time.Second}
	}
	return nil
}

// clientConfig is how an actor calls the gateway.
func (w *demoWorld) clientConfig(a *demoActor, signer *signing.Signer) client.Config {
	return client.Config{
		Address: w.node.address(), Signer: signer, Trust: w.node.trust, Attempts: 1,
		TLS:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.node.trust.Pool(), Certificates: []tls.Certificate{a.tls.TLS()}},
		Gateway: client.Identity{Fingerprints: []tolem.Fingerprint{w.node.signers.RSA.Fingerprint(), w.node.signers.EC.Fingerprint()}},
	}
}

// post sends bytes as they are, over the actor's channel, and returns the
// verified answer: what the client would not let an honest caller do.
func (w *demoWorld) post(ctx context.Context, a *demoActor, message []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.node.address(), bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	answer, err := a.transport.Do(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, client.MaxAnswerBytes))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if _, err := w.verifier.Verify(raw, time.Now()); err != nil {
		return nil, fmt.Errorf("answer does not verify: %w", err)
	}
	return raw, nil
}

var faultCodePattern = regexp.MustCompile(`<code>([A-Z_]+)</code>`)

// faultIn returns the gateway's code in a fault, "" if there is none.
func faultIn(message []byte) string {
	if m := faultCodePattern.FindSubmatch(message); m != nil {
		return string(m[1])
	}
	return ""
}

// revoke puts the actor's signing certificate on the list and waits until the
// gateway has taken the new list up.
func (w *demoWorld) revoke(ctx context.Context, a *demoActor) error {
	if err := w.authority.Revoke(a.signing.Cert, pki.KeyCompromise); err != nil {
		return err
	}
	if err := w.authority.WriteCRLs(filepath.Join(w.dir, pkiDir), time.Time{}); err != nil {
		return err
	}
	for {
		if _, err := w.node.trust.Check(a.signing.Cert, time.Now()); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// verifyArchive seals what is left and verifies everything that was kept.
func (w *demoWorld) verifyArchive(ctx context.Context) (archiveReport, error) {
	if err := w.node.seal(ctx); err != nil {
		return archiveReport{}, err
	}
	verifier, err := checkpointVerifier(w.node.desk, "")
	if err != nil {
		return archiveReport{}, err
	}
	return verifyWhole(ctx, w.node.desk, verifier, nil, nil)
}

// close ends the gateway.
func (w *demoWorld) close() error {
	for _, a := range w.actors {
		a.client.Close()
		a.transport.CloseIdleConnections()
	}
	return errors.Join(w.node.stop(), w.page.close())
}
