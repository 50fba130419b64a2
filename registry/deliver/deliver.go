// Package deliver pushes signed documents — registers, reports, claims, results
// of orders — to their owners: as signed SOAP messages, into a folder, to an
// SFTP server, or as they are to a web server.
// What is to be pushed stands in the outbox, put there by Enqueue, as often as
// whoever makes documents likes: what is in line is not put there twice. A
// Courier takes what is due, renders
// it, hands it to the transport of the target, and marks it delivered when the
// receiver has confirmed it. Whatever fails is tried again, later and later,
// until it is dead and somebody has to look.
//
// It makes no document and decides nothing about one. It logs nothing: every
// attempt is told to Config.Report. The node runs the courier; the commands
// list, show and resend.
//
// # Once
//
// Before a receiver has confirmed, a delivery may be repeated: after a lost
// answer, after a crash between sending and marking. So transports are made
// such that a repetition has no second effect: a file is put in its place once
// and whole, and a receiver knows a document by number, form and hash.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// Limits of the courier.
const (
	MaxDocument        = 4 << 30 // bytes of a rendering
	DefaultMaxAttempts = 150     // with the default back-off about three days

	maxTargets     = 16 // targets served at the same time
	batch          = 64 // deliveries read at once for one target
	renderTimeout  = 10 * time.Minute
	carryTimeout   = 2 * time.Minute // of an attempt to push, and
	slowestRate    = 128 << 10       // bytes a second more for its size
	leaseMargin    = time.Minute     // by which a lease outlasts the attempt
	bookTimeout    = 30 * time.Second
	breakAfter     = 3 // failures of a target in a row, until it is left alone for a while
	maxSafeName    = 128
	copyBufferSize = 256 << 10
)

// Errors of an attempt; each has a stable name, see Class.
var (
	// ErrDocument: the document could not be rendered.
	ErrDocument = errors.New("document cannot be rendered")
	// ErrTarget: the target could not be reached, or did not do its part. Other
	// deliveries to it would fail too.
	ErrTarget = errors.New("target does not take deliveries")
	// ErrRefused: the receiver has answered that it does not take this document.
	ErrRefused = errors.New("receiver refuses the document")
	// ErrOtherContent: there is other content under the same name. It is not
	// overwritten.
	ErrOtherContent = errors.New("receiver holds other content under this name")
	// ErrSettings: the target is set up in a way that cannot work.
	ErrSettings = errors.New("target is set up wrongly")
	// ErrRemoved: the target is not in use any more.
	ErrRemoved = errors.New("target was removed")
	// ErrInterrupted: the courier was stopped.
	ErrInterrupted = errors.New("courier was stopped")
)

// Class returns the stable name of why an attempt failed, for metrics.
func Class(err error) string {
	for _, c := range [...]struct {
		err  error
		name string
	}{
		{store.ErrLease, "lease"}, {ErrInterrupted, "interrupted"}, {ErrRemoved, "removed"}, {ErrSettings, "settings"}, {ErrDocument, "document"},
		{ErrOtherContent, "other-content"}, {ErrRefused, "refused"}, {ErrTarget, "target"},
	} {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "internal"
}

// Document is a rendering to push, with what its receiver is told about it.
type Document struct {
	Name     string // of the file: letters, digits, '.', '_' and '-'
	Owner    string // identifier of whose it is
	Day      tolem.Day
	Revision int // from 1
	Content  io.ReadCloser
}

// Documents renders what is to be pushed.
type Documents interface {
	// Open renders a document. It gives the same bytes every time: a rendering
	// that differed from the one of an earlier attempt would be another
	// document to its receiver.
	Open(ctx context.Context, kind, ref, form string) (*Document, error)
}

// Parcel is a rendering on its way, complete and with its hash.
type Parcel struct {
	Delivery store.Delivery
	Name     string
	Owner    string
	Day      tolem.Day
	Revision int
	Size     int64
	SHA256   [32]byte

	content io.ReaderAt
}

// Content returns a reader of the whole content.
func (p *Parcel) Content() *io.SectionReader { return io.NewSectionReader(p.content, 0, p.Size) }

// Progress notes that the receiver has confirmed so many parts, and keeps what
// was said as evidence, in one transaction. An error means that the delivery is
// not the courier's any more.
type Progress func(ctx context.Context, parts int64, evidence ...archive.Record) error

// Transport hands parcels over.
type Transport interface {
	// Deliver returns nil when the receiver has confirmed that it holds the
	// whole parcel durably. The evidence, of failures too, is kept in the
	// transaction that notes the outcome. It ends with ctx.
	Deliver(ctx context.Context, t tolem.DeliveryTarget, p *Parcel, progress Progress) (evidence []archive.Record, err error)
}

// Event is an attempt that has ended.
type Event struct {
	Delivery store.Delivery // as it is now
	Outcome  store.DeliveryOutcome
	Err      error // nil if delivered
	Took     time.Duration
}

// Config says what a courier works with.
type Config struct {
	DB         *store.DB
	Archive    *archive.Archive
	Documents  Documents
	Transports map[tolem.DeliveryMethod]Transport
	Node       string           // who holds a delivery; one courier a node
	Clock      func() time.Time // the store's

	Backoff     Backoff                 // DefaultBackoff if zero
	MaxAttempts int64                   // DefaultMaxAttempts if zero
	Spool       string                  // folder for renderings under way; the system's if empty
	Report      func(Event)             // told of every attempt; called from several goroutines
	Random      func(below int64) int64 // spreads repetitions; math/rand if nil
}

// Courier pushes what is due. It is safe for concurrent use.
type Courier struct {
	Config
	breakers breakers
	lanes    chan struct{}
}

// New returns a courier.
func New(c Config) *Courier {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Backoff == (Backoff{}) {
		c.Backoff = DefaultBackoff
	}
	if c.MaxAttempts <= 0 {
		c.MaxAttempts = DefaultMaxAttempts
	}
	if c.Report == nil {
		c.Report = func(Event) {}
	}
	if c.Random == nil {
		c.Random = rand.Int64N
	}
	return &Courier{Config: c, lanes: make(chan struct{}, maxTargets), breakers: breakers{targets: make(map[store.DueTarget]*breaker)}}
}

// Enqueue puts each form that the participant's targets want of a document in
// line and returns how many there are. What is in line already stays as it is.
// If forms are named, the document has no others.
func Enqueue(tx *store.Tx, participant tolem.ParticipantID, kind, ref string, forms ...string) (int, error) {
	if !safeName.MatchString(ref) {
		return 0, fmt.Errorf("%w: number %.64q", ErrDocument, ref)
	}
	targets, err := tx.DeliveryTargetsOf(participant)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, t := range targets {
		if !t.Active {
			continue
		}
		for _, form := range t.Forms {
			if len(forms) > 0 && !slices.Contains(forms, form) {
				continue
			}
			err := tx.Enqueue(store.Delivery{
				ID: archive.NewMessageID(tx.Now()), Participant: participant, Target: t.Name, Kind: kind, Ref: ref, Form: form,
			})
			if err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// safeName is what may name a document or a file: nothing that leads out of a
// folder, hides a file, or needs escaping anywhere.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,` + fmt.Sprint(maxSafeName-1) + `}$`)

// Run pushes what is due, each target's deliveries one after the other and
// different targets side by side, and returns when all of it was tried once.
// What fails is told to Report; an error means that the database failed. Run
// may be called while an earlier call is under way: it leaves the targets
// alone that are being served, so that a slow one holds up nobody.
func (c *Courier) Run(ctx context.Context) error {
	var due []store.DueTarget
	var start time.Time
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		start = tx.Now()
		due, err = tx.DueTargets()
		return err
	})
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	errs := make([]error, len(due))
	for i, t := range due {
		select {
		case c.lanes <- struct{}{}:
		case <-ctx.Done():
			group.Wait()
			return errors.Join(append(errs, ctx.Err())...)
		}
		group.Go(func() {
			defer func() { <-c.lanes }()
			errs[i] = c.serve(ctx, t, start)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
