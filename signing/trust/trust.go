// Package trust decides whether a certificate is to be believed: it builds the
// path to a configured anchor and asks the revocation list of every issuer on
// it. It fetches the lists, checks them before they are used, keeps them over
// restarts, and refuses when it has none: there is no soft window.
//
// It does not know whose certificate it is (banks does), does not look at
// messages (signing does) and starts no goroutine that outlives a call: the
// caller schedules Refresh, RefreshDue and WatchFiles. Callers are signing, for
// every message; the TLS listeners and the client, for every handshake; and
// the offline verification of the archive.
package trust

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults and limits of a Config.
const (
	DefaultRefresh  = time.Hour
	DefaultTimeout  = time.Minute
	DefaultMaxBytes = 128 << 20 // of one revocation list
	MinRefresh      = time.Second

	// MaxSkew is how far the clock of an authority may be ahead of ours.
	MaxSkew = 5 * time.Minute
)

// Config says whom to trust and where the revocation lists are.
type Config struct {
	// Anchors and Intermediates are PEM or DER files, or folders of them. Paths
	// are built from these alone: what a peer sends beside its certificate is
	// not looked at.
	Anchors, Intermediates []string

	// CRLs are PEM or DER files, folders of them, or http and https addresses.
	// The http distribution points named by the anchors and intermediates are
	// added to them.
	CRLs []string

	// Refresh is the longest time between two fetches of an address; half of
	// what is left of the list's validity may come sooner. DefaultRefresh if 0.
	Refresh time.Duration

	Timeout  time.Duration // of one fetch, whole; DefaultTimeout if 0
	MaxBytes int64         // of one list; DefaultMaxBytes if 0

	Now       func() time.Time  // clock; time.Now if nil
	Transport http.RoundTripper // of fetches; one with proxies from the environment if nil
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Anchors) == 0 {
		return c, errors.New("no trust anchor is configured")
	}
	if c.Refresh == 0 {
		c.Refresh = DefaultRefresh
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Refresh < MinRefresh || c.Timeout < 0 || c.MaxBytes < 0 {
		return c, fmt.Errorf("trust: refresh must be %v or more, timeout and size above zero", MinRefresh)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return c, nil
}

// Store holds the authorities and their revocation lists. Checking reads one
// immutable snapshot and takes no lock; everything else prepares the next.
type Store struct {
	config Config
	keeper Keeper // nil: nothing outlives the process

	current atomic.Pointer[snapshot]

	write sync.Mutex           // held while the next snapshot is made
	marks map[scopeID]mark     // the newest list seen of each issuer
	owed  map[[32]byte]KeptCRL // lists in use that could not be kept, by hash
	certs certFiles

	sources sources
}

// Open reads the certificates, takes up the lists kept from before, reads the
// files and fetches the addresses once. A list that is missing or refused is
// no error here: Ready tells, and Check refuses what needs it. The keeper may
// be nil.
func Open(ctx context.Context, config Config, keeper Keeper) (*Store, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{config: config, keeper: keeper, marks: map[scopeID]mark{}, owed: map[[32]byte]KeptCRL{}}
	if err := s.sources.configure(config.CRLs); err != nil {
		return nil, err
	}
	if err := s.loadCertificates(); err != nil {
		return nil, err
	}
	if err := s.takeKept(ctx); err != nil {
		return nil, fmt.Errorf("kept revocation lists: %w", err)
	}
	if err := s.Refresh(ctx); err != nil && ctx.Err() != nil {
		return nil, err
	}
	return s, nil
}
