package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tolem"
)

// State is how an attempt stands at the bank.
type State string

// The states. Barred is an attempt that was asked about before it came, and so
// never will be carried out.
const (
	Approved State = "APPROVED"
	Refused  State = "REFUSED"
	Pending  State = "PENDING"
	Reversed State = "REVERSED"
	Barred   State = "BARRED"
)

// Kind is the way of paying.
type Kind string

// The kinds.
const (
	KindCard    Kind = "CARD"
	KindAccount Kind = "ACCOUNT"
)

// Order is what was asked for.
type Order struct {
	Kind      Kind              `json:",omitempty"`
	Code      tolem.CodeNumber  `json:",omitempty"`
	Payment   tolem.PaymentID   `json:",omitempty"`
	Masked    string            `json:",omitempty"` // card
	Payer     string            `json:",omitempty"` // account
	Recipient string            `json:",omitempty"`
	Service   tolem.ServiceCode `json:",omitempty"`
	Provider  tolem.ProviderID  `json:",omitempty"`
	Account   string            `json:",omitempty"` // to which the money goes
	Merchant  string            `json:",omitempty"`
	OrderNo   string            `json:",omitempty"`
}

// Entry is an attempt in the book, or a claim.
type Entry struct {
	Attempt  tolem.AttemptID   `json:",omitempty"`
	Claim    tolem.ClaimNumber `json:",omitempty"`
	State    State
	Order    Order
	Minor    int64          `json:",omitempty"`
	Currency tolem.Currency `json:",omitempty"`

	Reason     tolem.RefusalReason `json:",omitempty"`
	BankCode   string              `json:",omitempty"`
	BankText   string              `json:",omitempty"`
	BankRef    tolem.BankRef       `json:",omitempty"`
	AuthCode   string              `json:",omitempty"`
	PaidAt     time.Time           `json:",omitzero"`
	ReversedAt time.Time           `json:",omitzero"`

	At        time.Time // of its first coming
	Behaviour string    `json:",omitempty"`
	Notice    notice    `json:",omitempty"`
	Told      string    `json:",omitempty"` // what the gateway answered to the notification
}

// notice is how far the notification of a payment is.
type notice string

const (
	noticeDue     notice = "due"
	noticeSent    notice = "sent"
	noticeDropped notice = "dropped" // the payment was reversed before
)

// Notified reports whether the gateway has answered the notification.
func (e Entry) Notified() bool { return e.Notice == noticeSent }

// book is the list of attempts and claims. The file has a line for every change;
// the last one of each counts. It outlives the process, which is enough for a bank
// that plays: no line is forced to the disk.
type book struct {
	mu       sync.Mutex
	entries  map[tolem.AttemptID]Entry
	claims   map[tolem.ClaimNumber]Entry
	balances map[string]int64
	spent    map[string]int64
	due      map[tolem.AttemptID]appointment
	file     *os.File
}

func openBook(path string, balances map[string]int64) (*book, error) {
	b := &book{
		entries: make(map[tolem.AttemptID]Entry), claims: make(map[tolem.ClaimNumber]Entry),
		balances: balances, spent: make(map[string]int64), due: make(map[tolem.AttemptID]appointment),
	}
	if path == "" {
		return b, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	whole, err := readBook(f, b.note)
	if err == nil { // a last line that was broken off is overwritten
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b.file = f
	return b, nil
}

// maxLine bounds a line of the book, in bytes.
const maxLine = 64 << 10

// readBook hands on every entry and returns how many bytes are whole lines.
func readBook(r io.Reader, each func(Entry)) (whole int64, err error) {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return whole, nil
		case err != nil:
			return whole, err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return whole, fmt.Errorf("after byte %d: %w", whole, err)
		}
		whole += int64(len(line))
		each(e)
	}
}

// ReadBook reads the attempts in the book of a bank, which may be running.
func ReadBook(path string) ([]Entry, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	entries := make(map[tolem.AttemptID]Entry)
	_, err = readBook(bytes.NewReader(content), func(e Entry) {
		if e.Claim == "" {
			entries[e.Attempt] = e
		}
	})
	return sorted(entries), err
}

// put writes an entry. The lock is the caller's.
func (b *book) put(e Entry) error {
	if b.file != nil {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := b.file.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	b.note(e)
	if e.Notice == noticeDue {
		if _, waits := b.due[e.Attempt]; !waits {
			b.due[e.Attempt] = appointment{}
		}
	}
	return nil
}

// note takes an entry and keeps the balance of its account.
func (b *book) note(e Entry) {
	if e.Claim != "" {
		b.claims[e.Claim] = e
		return
	}
	before := b.entries[e.Attempt]
	for _, x := range []struct {
		e    Entry
		sign int64
	}{{before, -1}, {e, 1}} {
		if x.e.State == Approved && x.e.Order.Kind == KindAccount {
			b.spent[x.e.Order.Payer] += x.sign * x.e.Minor
		}
	}
	b.entries[e.Attempt] = e
}

// covers reports whether the payer's account has the money.
func (b *book) covers(e Entry) bool {
	balance, limited := b.balances[e.Order.Payer]
	return !limited || b.spent[e.Order.Payer]+e.Minor <= balance
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	return err
}

// Entries returns the book, in the order of attempt ids.
func (b *Bank) Entries() []Entry {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	return sorted(b.book.entries)
}

func sorted(entries map[tolem.AttemptID]Entry) []Entry {
	return slices.SortedFunc(maps.Values(entries), func(x, y Entry) int { return strings.Compare(string(x.Attempt), string(y.Attempt)) })
}

// Entry returns one attempt.
func (b *Bank) Entry(attempt tolem.AttemptID) (Entry, bool) {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	e, ok := b.book.entries[attempt]
	return e, ok
}

// Sum is what attempts in one state and currency come to.
type Sum struct {
	Count int
	Minor int64
}

// Sums adds up the book by state and currency: what was taken stands under
// APPROVED.
func Sums(entries []Entry) map[State]map[tolem.Currency]Sum {
	sums := make(map[State]map[tolem.Currency]Sum)
	for _, e := range entries {
		if sums[e.State] == nil {
			sums[e.State] = make(map[tolem.Currency]Sum)
		}
		s := sums[e.State][e.Currency]
		sums[e.State][e.Currency] = Sum{s.Count + 1, s.Minor + e.Minor}
	}
	return sums
}
