package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/config"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl/client"
)

// Where a simulated bank is called, and how long it waits and finishes.
const (
	bankSimPath     = "/bank/v1"
	bankSimHeader   = 10 * time.Second
	bankSimIdle     = 2 * time.Minute
	bankSimStop     = 5 * time.Second
	bankSimLook     = 500 * time.Millisecond // at the script, whether it has changed
	bankSimAttempts = 1                      // the simulated bank repeats notifications itself
)

func bankSimCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "bank-sim", Short: "Play a bank that implements the contract of the payment page", Args: noArgs,
		Long: `Plays a bank: cards and accounts, approvals, refusals and everything that can go
wrong, with real signatures and a book of what was done. No money is behind it.

How an order is treated it says itself, by its card, its account or the last two
digits of its amount (bank-sim table), unless a script says otherwise. A script is
read again when it changes:

  next AuthorizeCard refuse:CARD_EXPIRED    the next request of this operation
  always GetStatus nothing; lost            every request of it; * is any operation
  for KZ86125KZT5004100100 approve; late    the first order with this card, account or attempt, or the claim
  down                                      every connection breaks`,
		Example: `  tolem bank-sim sample > bank.yaml
  tolem bank-sim --config bank.yaml
  tolem bank-sim --config bank.yaml --script monday.txt
  tolem bank-sim table
  tolem bank-sim contract > bank-v1.wsdl`,
	}
	f := c.Flags()
	file := f.String("config", "bank.yaml", "configuration `file`")
	listen := f.String("listen", "", "address, in place of the configured one")
	script := f.String("script", "", "script `file`, in place of the configured one")
	book := f.String("book", "", "book `file`, in place of the configured one")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := loadBankSim(*file)
		if err != nil {
			return err
		}
		for to, from := range map[*string]*string{&s.Listen: listen, &s.Script: script, &s.Book: book} {
			if *from != "" {
				*to = *from
			}
		}
		return runBankSim(c.Context(), s, io)
	}
	c.AddCommand(bankSimSampleCommand(io), bankSimTableCommand(io), bankSimBookCommand(io), bankSimContractCommand(io))
	return c
}

// runBankSim plays a bank at its address until the context ends.
func runBankSim(ctx context.Context, s *bankSimConfig, io streams) error {
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return errors.Join(playBank(ctx, s, listener, io), ignoreClosed(listener.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// playBank plays a bank behind a listener until the context ends.
func playBank(ctx context.Context, s *bankSimConfig, listener net.Listener, io streams) (err error) {
	log := zerolog.New(zerolog.ConsoleWriter{Out: io.err, NoColor: true}).With().Timestamp().Str("bank", string(s.Bank)).Logger()
	known, err := trust.Open(ctx, trust.Config{Anchors: s.Trust.Anchors, Intermediates: s.Trust.Intermediates, CRLs: s.Trust.CRLs}, nil)
	if err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	settings, err := s.sandbox(known)
	if err != nil {
		return err
	}
	settings.Observe = func(e sandbox.Event) {
		log.Info().Str("operation", e.Operation).Str("attempt", string(e.Attempt)).Str("state", string(e.State)).
			Str("told", e.Told).Stringer("behaviour", e.Behaviour).AnErr("problem", e.Err).Send()
	}
	bank, err := sandbox.New(settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bank.Close()) }()
	follow := &scriptFile{path: s.Script, bank: bank}
	if err := follow.look(); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(s.TLS.Cert, s.TLS.Key)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	server := newPeerServer(bankSimPath, bank, pair, known, log)
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	fmt.Fprintf(io.out, "%s answers at https://%s%s\n", s.Bank, listener.Addr(), bankSimPath)
	return errors.Join(bankSimLoop(ctx, bank, follow, known, failed, log), stopServer(server))
}

// newPeerServer makes the server of a system that the gateway calls.
func newPeerServer(path string, h http.Handler, pair tls.Certificate, known *trust.Store, log zerolog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.Handle(path, h)
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: bankSimHeader, IdleTimeout: bankSimIdle, MaxHeaderBytes: maxHeaderBytes, ErrorLog: quietLog(log),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: known.VerifyConnection,
		},
	}
}

// bankSimLoop notifies, and follows the script and the revocation lists.
func bankSimLoop(ctx context.Context, bank *sandbox.Bank, follow *scriptFile, known *trust.Store, failed <-chan error, log zerolog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	notified := make(chan struct{})
	go func() {
		defer close(notified)
		bank.Run(ctx)
	}()
	defer func() {
		stop()
		<-notified
	}()
	tick := time.NewTicker(bankSimLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-tick.C:
			if err := follow.look(); err != nil {
				log.Warn().Err(err).Msg("the script is not taken; what was said before holds")
			}
			if err := errors.Join(known.WatchFiles(ctx), known.RefreshDue(ctx)); err != nil && ctx.Err() == nil {
				log.Warn().Err(err).Msg("revocation lists")
			}
		}
	}
}

// stopServer lets requests finish for a while; those that are not answered on
// purpose are cut off.
func stopServer(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), bankSimStop)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// sandbox makes the bank's settings of the file's.
func (s *bankSimConfig) sandbox(known *trust.Store) (c sandbox.Config, err error) {
	if c.Balances, err = s.balances(); err != nil {
		return c, err
	}
	gateway, err := fingerprints(s.Gateway.Certificates)
	if err != nil {
		return c, fmt.Errorf("gateway.certificates: %w", err)
	}
	for _, pair := range []struct {
		name string
		from keyPair
		to   **signing.Signer
	}{{"signing", s.Signing, &c.Signer}, {"revoked", s.Revoked, &c.Revoked}, {"stranger", s.Stranger, &c.Stranger}} {
		if pair.from.Cert == "" {
			continue
		}
		if *pair.to, err = signing.LoadSigner(pair.from.Cert, pair.from.Key); err != nil {
			return c, fmt.Errorf("%s: %w", pair.name, err)
		}
	}
	c.Bank, c.Book, c.Verifier = s.Bank, s.Book, signing.NewVerifier(known, nil)
	c.Gateway = func(v *signing.Verified) bool { return slices.Contains(gateway, v.Fingerprint) }
	c.Latency, c.Late, c.Hang, c.NotifyLate = s.Timings.Latency, s.Timings.Late, s.Timings.Hang, s.Timings.NotifyLate
	if s.Gateway.Address == "" {
		return c, nil
	}
	channel, err := tls.LoadX509KeyPair(s.Gateway.TLS.Cert, s.Gateway.TLS.Key)
	if err != nil {
		return c, fmt.Errorf("gateway.tls: %w", err)
	}
	c.Notifier, err = client.New(client.Config{
		Address: s.Gateway.Address, Signer: c.Signer, Trust: known, Gateway: client.Identity{Fingerprints: gateway}, Attempts: bankSimAttempts,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: known.Pool(), Certificates: []tls.Certificate{channel}},
	})
	return c, err
}

func fingerprints(files []string) (list []tolem.Fingerprint, err error) {
	for _, file := range files {
		certificates, err := readCertificates(file)
		if err != nil {
			return nil, err
		}
		list = append(list, tolem.FingerprintOf(certificates[0].Raw))
	}
	return list, nil
}

func isURL(s string) bool { return strings.Contains(s, "://") }

// scriptFile follows a script, which is read again when it changes.
type scriptFile struct {
	path    string
	bank    *sandbox.Bank
	changed time.Time
	size    int64
}

func (s *scriptFile) look() error {
	if s.path == "" {
		return nil
	}
	info, err := os.Stat(s.path)
	if err != nil || info.ModTime().Equal(s.changed) && info.Size() == s.size {
		return err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	s.changed, s.size = info.ModTime(), info.Size()
	if err := s.bank.LoadScript(f); err != nil {
		return fmt.Errorf("%w: %s: %w", config.ErrInvalid, s.path, err)
	}
	return nil
}
