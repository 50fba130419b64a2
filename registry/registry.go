// Package registry makes the day: it seals a business day, forms the registers
// of providers, banks and branches from what was sealed, signs them, keeps
// what their owners say of them, issues them anew, and rebuilds them from the
// evidence alone (GW-060, GW-061, GW-P25 to GW-P28, GW-P40).
//
// It decides nothing about payments: what it shows was decided by package
// gateway. It speaks no SOAP and knows no schedule: gateway/soap answers with
// what it returns, package registry/jobs says when it works, registry/deliver
// brings its documents to their owners, and registry/form gives them their
// other forms.
//
// # The order of a day
//
//  1. collect: facts that were committed, whose moment lies before the day's
//     end and that no day has yet, are added to the day. Repeating it adds
//     nothing twice, whichever node does it.
//  2. seal: one row says that the day is complete, with a hash over its facts,
//     together with a document in the evidence. This is the point of no
//     return: what commits later goes into the next day.
//  3. build: one register an owner, from the facts alone. The document is a
//     function of the sealed day, so nodes that build it twice make the same
//     one, and the first to store it has stored it for all.
package registry

import (
	"context"
	"errors"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/store"
)

// Errors of this package, wrapped with what was asked.
var (
	// ErrTooEarly: the day is not over, or what happened in it may still be
	// under way.
	ErrTooEarly = errors.New("the day cannot be sealed yet")
	// ErrNotSealed: registers are formed of sealed days only.
	ErrNotSealed = errors.New("the day is not sealed")
	// ErrForeign: the register belongs to somebody else (GW-P27).
	ErrForeign = errors.New("not the sender's register")
	// ErrFinal: the register can no longer be rejected.
	ErrFinal = errors.New("the register is final")
	// ErrAltered: what is stored does not make the document that was signed.
	ErrAltered = errors.New("the register is not what was signed")
)

// Limits of the day.
const (
	// Settle is how long after its end a day may still be moving: longer than
	// any operation takes. What commits even later goes into the next day.
	Settle = 2 * time.Minute
	// Stragglers is how far before a day its seal looks for facts that came too
	// late for theirs, and behind its end for decisions about what arrived in it.
	Stragglers = time.Hour

	pageRows = 1000 // facts in memory at the same time, and in one transaction
)

// Config holds what an operator may choose.
type Config struct {
	Calendar *tolem.Calendar
	// FinalAfter is the number of workdays after a register's day in which it
	// can be rejected.
	FinalAfter int
	// Operator names the gateway operator in documents, OperatorAccount is
	// where claims are paid to.
	Operator, OperatorAccount string
	// ClaimsDueAfter is the number of workdays after its day in which a claim
	// is to be paid.
	ClaimsDueAfter int
	// Language is that of documents for people.
	Language form.Language
	// Currency is that of amounts in submitted lists that name none.
	Currency tolem.Currency
	// Folder is where rendered documents are kept for readers who come page by
	// page. It may be emptied at any time.
	Folder string
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
}

// Names tells how owners are called; package banks knows.
type Names interface {
	Participant(tolem.ParticipantID) (tolem.Participant, bool)
	Participants() []tolem.Participant
	Provider(tolem.ProviderID) (tolem.Provider, bool)
	Providers() []tolem.Provider
}

// Registry seals days and forms registers. It is safe for concurrent use.
type Registry struct {
	Config
	db       *store.DB
	evidence *archive.Archive
	names    Names
	signer   *signing.Signer // RSA
	files    files
	marks    marks
}

// New returns a registry over an open database and its archive.
func New(c Config, db *store.DB, evidence *archive.Archive, names Names, signer *signing.Signer) *Registry {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Registry{
		Config: c, db: db, evidence: evidence, names: names, signer: signer,
		files: files{folder: c.Folder, pending: make(map[string]*rendering), busy: make(chan struct{}, renderings)},
	}
}

// Progress is told how far a long piece of work has come: rows done so far. It
// may be nil.
type Progress func(rows int64)

func (p Progress) report(rows int64) {
	if p != nil {
		p(rows)
	}
}

// view reads.
func (r *Registry) view(ctx context.Context, fn func(*store.Tx) error) error {
	return r.db.View(ctx, fn)
}
