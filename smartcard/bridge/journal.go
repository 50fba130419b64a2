package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/smartcard"
)

// entry is a line of the journal: a ticket in a state, or the time alone.
type entry struct {
	Ticket *smartcard.Ticket `json:"ticket,omitempty"`
	State  state             `json:"state,omitempty"`
	Begun  bool              `json:"begun,omitempty"`
	Code   smartcard.Code    `json:"code,omitempty"`
	At     int64             `json:"at"`
}

type state string

const (
	stateBegun    state = "begun"
	stateWritten  state = "written"
	stateReversed state = "reversed"
	stateFailed   state = "failed"
)

// final reports whether the card need not be asked.
func (s state) final() bool { return s != "" && s != stateBegun }

// journal is what a bridge knows of tickets, in a file that is only added to.
// Nothing is forgotten: a ticket that is not in it was never begun here.
type journal struct {
	log  zerolog.Logger
	lock io.Closer

	mu     sync.Mutex
	file   *os.File
	isNew  bool // there was none in the folder
	known  map[tolem.TicketID]entry
	at     int64 // the latest time in it
	broken error // a write failed: nothing more is begun
}

// openJournal reads the journal of a folder and makes sure that nobody else
// writes it.
func openJournal(dir string, log zerolog.Logger) (*journal, error) {
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	j := &journal{log: log, lock: lock, known: make(map[tolem.TicketID]entry)}
	if err := j.open(filepath.Join(dir, journalName)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return j, nil
}

func (j *journal) open(name string) (err error) {
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	j.isNew = err != nil
	whole, lines, err := j.replay(text)
	if err != nil {
		return err
	}
	if whole < len(text) {
		j.log.Warn().Int("bytes", len(text)-whole).Msg("the last line of the journal was not finished; its ticket was not begun")
	}
	// Lines that later ones made superfluous go, and with them a line that was
	// not finished.
	if whole < len(text) || lines > 2*len(j.known)+sweepAfter || j.isNew {
		if err := writeFile(name, j.all()); err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
	}
	j.file, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

// sweepAfter is how many superfluous lines are left standing.
const sweepAfter = 1000

// replay reads the lines and returns how many bytes are whole lines.
func (j *journal) replay(text []byte) (whole, lines int, err error) {
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' {
			return whole, lines, nil
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, 0, fmt.Errorf("%w: line %d", ErrJournal, lines+1)
		}
		j.apply(e)
		whole, lines = whole+len(line), lines+1
	}
	return whole, lines, nil
}

func (j *journal) apply(e entry) {
	j.at = max(j.at, e.At)
	if e.Ticket != nil {
		j.known[e.Ticket.ID] = e
	}
}

// all writes what is known anew.
func (j *journal) all() []byte {
	var b bytes.Buffer
	for _, e := range j.known {
		b.Write(line(e))
	}
	b.Write(line(entry{At: j.at}))
	return b.Bytes()
}

func line(e entry) []byte {
	text, _ := json.Marshal(e) // strings, numbers and a flag
	return append(text, '\n')
}

// find returns what is known of a ticket.
func (j *journal) find(id tolem.TicketID) (entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.known[id]
	return e, ok
}

// latest is the latest time in the journal.
func (j *journal) latest() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.at
}

// mark keeps a time.
func (j *journal) mark(at int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if at <= j.at {
		return nil
	}
	return j.append(entry{At: at})
}

// begin keeps that a ticket is begun, unless it has expired: now, or at a time
// that the bridge has already told somebody.
func (j *journal) begin(t smartcard.Ticket, now int64) (begun bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := max(now, j.at)
	if at >= t.ExpiresAt {
		return false, nil
	}
	return true, j.append(entry{Ticket: &t, State: stateBegun, Begun: true, At: at})
}

// add keeps how a ticket stands. When it returns without error that is on the
// disk.
func (j *journal) add(e entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.append(e)
}

// append writes a line and flushes it. After an error nobody knows what is on
// the disk, so nothing more is written before the bridge is started again and
// reads it.
func (j *journal) append(e entry) error {
	if j.broken != nil {
		return j.broken
	}
	_, err := j.file.Write(line(e))
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("journal: %w", err)
		j.log.Error().Err(err).Msg("the journal cannot be written; no card is changed until the bridge is started again")
		return j.broken
	}
	j.apply(e)
	return nil
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = os.ErrClosed
	return errors.Join(j.file.Close(), j.lock.Close())
}

// writeFile replaces a file so that it is the old or the new one, whatever
// happens.
func writeFile(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil || runtime.GOOS == "windows" { // which flushes no folders
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
