// Package bridge is the card bridge: the small program on the computer of a
// bank's desk through which the workplace's page reaches the card reader
// (operator-workplace.md, 8.2). It serves HTTP and one WebSocket on loopback,
// to the pages of configured origins alone, carries out tickets that the
// gateway signed, each at most once, and signs what it answers.
//
// It knows no payment and calls nobody. What reads and writes cards is a Reader;
// bridge/simulator plays one. cmd/tolem runs it, smartcard/desk is the other end.
//
// # At most once
//
// The journal is written and flushed before a card is touched, and again after:
//
//	begun    flushed ← from here on the ticket is never begun again
//	change   the card takes the amount and the ticket's name in one step
//	written  flushed ← from here on the answer is known without the card
//	answer
//
// Whoever dies between begun and written reads the card when it is asked again:
// the ticket is on it or not.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"tolem/smartcard"
)

// Reader is a card reader with an operator card. The bridge calls it from one
// goroutine at a time. The contexts end after Config.ReaderTimeout.
type Reader interface {
	// Status says what stands ready.
	Status(ctx context.Context) (smartcard.Presence, error)
	// Read returns what stands on the customer's card. A *smartcard.Failure says
	// why that cannot be read; any other error counts as CardUnreadable.
	Read(ctx context.Context) (smartcard.Card, error)
	// Change carries a ticket out: it writes the amount to the card, or takes it
	// off again, and the ticket's name with it, all or nothing. A
	// *smartcard.Failure says that the card is as it was; after any other error
	// the card is read to find out. When Change has returned, nothing of it
	// happens any more.
	Change(ctx context.Context, t smartcard.Ticket) error
}

// Limits and timings of a bridge.
const (
	maxBody       = 32 << 10
	maxRequests   = 32 // at the same time
	maxListeners  = 8  // of events
	maxOrigins    = 16
	readerTimeout = 12 * time.Second                       // of one operation at the reader
	answerTimeout = smartcard.AnswerWithin - 1*time.Second // of one request; the page waits AnswerWithin
	pollEvery     = 300 * time.Millisecond                 // the reader, while somebody listens to events
	pingEvery     = 20 * time.Second                       // a listener
	sendTimeout   = 5 * time.Second                        // to a listener
	statusWait    = 500 * time.Millisecond                 // for the reader, before the last status is told
	journalName   = "tickets.journal"
	identityName  = "identity.json"
)

// Config says how a bridge works.
type Config struct {
	Dir     string   // where identity and journal are kept; made if it is not there
	Origins []string // of the pages that may call, like https://workplace.bank.az
	Reader  Reader
	Version string

	// Simulator marks every answer as simulated and serves the scene under
	// /sim/. A bridge with one refuses origins that are not this machine's.
	Simulator http.Handler

	Clock         func() time.Time // nil: time.Now
	ReaderTimeout time.Duration    // 0: 12 s
	Log           zerolog.Logger
}

// Errors of this package.
var (
	// ErrConfig: the bridge cannot work like that.
	ErrConfig = errors.New("card bridge cannot be set up")
	// ErrInUse: another bridge works in this folder.
	ErrInUse = errors.New("another card bridge works in this folder")
	// ErrJournal: what stands in the journal cannot be read.
	ErrJournal = errors.New("journal of the card bridge is damaged")
)

// Bridge is a card bridge. Handler serves it.
type Bridge struct {
	config   Config
	journal  *journal
	identity *identities
	card     chan struct{} // who holds it has the reader
	last     lastStatus
	requests chan struct{}
	listen   chan struct{}
}

// Open opens the bridge that is kept in a folder.
func Open(c Config) (*Bridge, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.ReaderTimeout == 0 {
		c.ReaderTimeout = readerTimeout
	}
	switch {
	case c.Reader == nil:
		return nil, fmt.Errorf("%w: no reader", ErrConfig)
	case c.ReaderTimeout < 0 || c.ReaderTimeout > readerTimeout:
		return nil, fmt.Errorf("%w: an operation must end within %s", ErrConfig, readerTimeout)
	}
	if err := checkOrigins(c.Origins, c.Simulator != nil); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	j, err := openJournal(c.Dir, c.Log)
	if err != nil {
		return nil, err
	}
	ids, err := openIdentities(c.Dir, c.Simulator != nil)
	if err == nil && j.isNew && ids.now() != nil {
		err = fmt.Errorf("%w: it is gone from %s; move %s away and pair the bridge anew", ErrJournal, c.Dir, identityName)
	}
	if err != nil {
		return nil, errors.Join(err, j.close())
	}
	b := &Bridge{
		config: c, journal: j, identity: ids, card: make(chan struct{}, 1),
		requests: make(chan struct{}, maxRequests), listen: make(chan struct{}, maxListeners),
	}
	return b, nil
}

// Close waits for the reader and closes the journal.
func (b *Bridge) Close() error {
	b.card <- struct{}{} // for good
	return b.journal.close()
}

// checkOrigins refuses what browsers never send as an origin, and pages that
// are not this machine's where cards are simulated.
func checkOrigins(origins []string, simulated bool) error {
	if len(origins) == 0 || len(origins) > maxOrigins {
		return fmt.Errorf("%w: 1 to %d origins are needed", ErrConfig, maxOrigins)
	}
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o || o != strings.ToLower(o) || u.User != nil {
			return fmt.Errorf("%w: %q is no origin: scheme, host and port in small letters, like https://workplace.bank.az", ErrConfig, o)
		}
		local := isLocal(u.Hostname())
		switch {
		case u.Scheme != "https" && (u.Scheme != "http" || !local):
			return fmt.Errorf("%w: %s must be https", ErrConfig, o)
		case simulated && !local:
			return fmt.Errorf("%w: cards are simulated for pages of this machine only (localhost), not for %s", ErrConfig, o)
		}
	}
	return nil
}

func isLocal(host string) bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) || strings.HasSuffix(host, ".localhost")
}

// clock returns the time in seconds. It never runs backwards, not even over a
// restart: what was said of a ticket at a time stays true.
func (b *Bridge) clock() int64 { return max(b.config.Clock().Unix(), b.journal.latest()) }

// stamp is clock for what is signed: it is kept before it is said.
func (b *Bridge) stamp() (int64, error) {
	at := b.clock()
	return at, b.journal.mark(at)
}

// take waits for the reader.
func (b *Bridge) take(ctx context.Context) bool {
	select {
	case b.card <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (b *Bridge) release() { <-b.card }
