package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tolem/internal/bench/naive"
	"tolem/signing"
)

// Plain says what the straightforward gateway works with: the files of an
// installation that was made for the gateway itself.
type Plain struct {
	Listen                  string
	TLSCert, TLSKey         string
	SigningCert, SigningKey string
	Authority               string // folder of the test authority
	Database                string
}

// plainConnections is the number of connections that the straightforward
// gateway keeps to PostgreSQL: the fastest of 16, 32 and 64 here.
const plainConnections = 32

// ServePlain serves until the context ends.
func ServePlain(ctx context.Context, p Plain) error {
	server, err := p.server(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, p.TLSCert, p.TLSKey) }()
	select {
	case <-ctx.Done():
		return server.Close()
	case err := <-failed:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}
}

func (p Plain) server(ctx context.Context) (*http.Server, error) {
	trust, err := naive.ReadTrust(p.Authority)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	signer, err := signing.LoadSigner(p.SigningCert, p.SigningKey)
	if err != nil {
		return nil, err
	}
	key, err := signing.LoadKey(p.SigningKey)
	if err != nil {
		return nil, err
	}
	db, err := openPlain(p.Database, plainConnections)
	if err != nil {
		return nil, err
	}
	store, err := naive.Opened(ctx, db, bytesType(p.Database))
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Handler:           &naive.Server{Store: store, Trust: trust, Key: key, Cert: signer.Certificate()},
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trust.Authorities()},
	}, nil
}
