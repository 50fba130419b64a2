package trust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// VerifyConnection admits a TLS client whose certificate leads to an anchor, is
// for clients and is not revoked. It belongs into tls.Config.VerifyConnection
// beside ClientAuth: tls.RequireAnyClientCert, and is asked at resumptions too.
// Without a certificate it refuses.
func (s *Store) VerifyConnection(cs tls.ConnectionState) error {
	return s.verifyPeer(cs, forClient)
}

// VerifyIfGiven is VerifyConnection for listeners that also serve what needs no
// certificate, beside ClientAuth: tls.RequestClientCert. The handler must then
// refuse calls on connections without one.
func (s *Store) VerifyIfGiven(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return nil
	}
	return s.VerifyConnection(cs)
}

// VerifyServer is for a client: it checks that the server's certificate leads
// to an anchor, names the host, is for servers and is not revoked.
func (s *Store) VerifyServer(cs tls.ConnectionState, host string) error {
	if err := s.verifyPeer(cs, forServer); err != nil {
		return err
	}
	if err := cs.PeerCertificates[0].VerifyHostname(host); err != nil {
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return nil
}

func (s *Store) verifyPeer(cs tls.ConnectionState, p purpose) error {
	if len(cs.PeerCertificates) == 0 {
		return fmt.Errorf("%w: none was presented", ErrUntrusted)
	}
	_, err := s.current.Load().check(cs.PeerCertificates[0], p, s.config.Now())
	return err
}

// Pool returns the authorities in use, for tls.Config.ClientCAs, which tells
// clients whose certificates are welcome, and for RootCAs. It holds
// intermediates too, so that a peer need not send its own. What crypto/tls
// finds with it is only the first look; VerifyConnection and VerifyServer
// decide.
func (s *Store) Pool() *x509.CertPool { return s.current.Load().authorities.pool.Clone() }
