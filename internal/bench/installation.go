package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
)

// installation is a gateway set up with the program's own commands: a folder
// with its configuration, a test authority, and the participants that call.
type installation struct {
	s        *session
	dir      string
	config   string
	place    *database
	trust    *trust.Store
	verifier *signing.Verifier // of answers
	callers  map[tolem.ParticipantID]*caller
}

// caller is a participant with its keys.
type caller struct {
	id     tolem.ParticipantID
	signer *signing.Signer
	tls    tls.Certificate
}

// install sets a gateway up on an empty database.
func (s *session) install(ctx context.Context, kind, name string) (_ *installation, err error) {
	in := &installation{s: s, dir: filepath.Join(s.Dir, name), callers: make(map[tolem.ParticipantID]*caller)}
	in.config = filepath.Join(in.dir, "tolem.yaml")
	if in.place, err = s.newDatabase(ctx, kind, name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.place.drop(ctx))
		}
	}()
	if err := in.run(ctx, "init", "--dir", in.dir, "--db", in.place.dsn, "--test-pki", "--origin", "tolem-bench"); err != nil {
		return nil, err
	}
	if err := in.register(ctx); err != nil {
		return nil, err
	}
	authority := filepath.Join(in.dir, "pki")
	in.trust, err = trust.Open(ctx, trust.Config{
		Anchors: []string{filepath.Join(authority, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(authority, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(authority, pki.CRLsDir)},
	}, nil)
	if err != nil {
		return nil, err
	}
	in.verifier = signing.NewVerifier(in.trust, nil)
	return in, nil
}

// run runs the program.
func (in *installation) run(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, in.s.Program, args...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("tolem %s: %w: %s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}

// register registers the participants, a provider and a service.
func (in *installation) register(ctx context.Context) error {
	authority, err := pki.Open(filepath.Join(in.dir, "pki"), pki.Options{})
	if err != nil {
		return err
	}
	for _, p := range []struct {
		id              tolem.ParticipantID
		kind, answerKey string
		rsa             bool
	}{
		{benchPortal, "portal", "ec", false}, {benchBank, "bank", "ec", true}, {benchBankRSA, "bank", "rsa", true},
	} {
		c, certs, err := in.newCaller(authority, p.id, p.rsa)
		if err != nil {
			return err
		}
		in.callers[p.id] = c
		if err := in.run(ctx, "participant", "add", "--config", in.config, "--id", string(p.id), "--kind", p.kind, "--name", string(p.id),
			"--answer-key", p.answerKey, "--cert", certs[0], "--cert", certs[1]); err != nil {
			return err
		}
	}
	if err := in.run(ctx, "provider", "add", "--config", in.config, "--id", string(benchProvider), "--bin", "990240001237",
		"--name", "Ministry of Justice", "--account", benchAccount); err != nil {
		return err
	}
	return in.run(ctx, "service", "add", "--config", in.config, "--code", string(benchService), "--provider", string(benchProvider),
		"--name", "Birth certificate", "--amount", tolem.Money{Minor: benchAmount, Currency: tolem.KZT}.Decimal())
}

// newCaller makes the keys of a participant and writes its certificates.
func (in *installation) newCaller(authority *pki.PKI, id tolem.ParticipantID, withRSA bool) (*caller, [2]string, error) {
	var files [2]string
	channel, err := authority.Issue(pki.Spec{CommonName: string(id) + " channel", Org: string(id), Usage: pki.TLSClient, Key: pki.P256})
	if err != nil {
		return nil, files, err
	}
	spec := pki.Spec{CommonName: string(id) + " signing", Org: string(id), Usage: pki.Signing, Key: pki.P256}
	identity, err := authority.Issue(spec)
	if withRSA {
		spec.Key = pki.RSA2048
		key, err := newMultiPrimeKey()
		if err != nil {
			return nil, files, err
		}
		identity, err = authority.Intermediate.Certify(key, spec)
		if err != nil {
			return nil, files, err
		}
	}
	if err != nil {
		return nil, files, err
	}
	signer, err := signing.NewSigner(identity.Key, identity.Cert)
	if err != nil {
		return nil, files, err
	}
	for i, content := range [][]byte{identity.CertPEM(), channel.CertPEM()} {
		files[i] = filepath.Join(in.dir, fmt.Sprintf("%s-%d.pem", id, i))
		if err := os.WriteFile(files[i], content, 0o644); err != nil {
			return nil, files, err
		}
	}
	return &caller{id: id, signer: signer, tls: channel.TLS()}, files, nil
}

// channel returns how a participant opens its connections.
func (in *installation) channel(id tolem.ParticipantID) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: in.trust.Pool(), ServerName: "localhost",
		Certificates: []tls.Certificate{in.callers[id].tls},
	}
}

// freePort returns an address of loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
