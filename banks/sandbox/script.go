package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"tolem/wsdl"
)

// script is what was said about the bank's behaviour from outside. It comes
// before the Table.
type script struct {
	mu     sync.Mutex
	down   bool
	next   map[string][]Behaviour // by operation, "" any
	always map[string]Behaviour
	rules  map[string]Behaviour // by card, account or attempt
	table  map[string]Behaviour // what orders ask for by themselves; never changed
}

// Down lets every connection break from now on, or no more.
func (b *Bank) Down(down bool) {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	b.script.down = down
}

func (s *script) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// Next says how the bank treats the next requests of an operation, one each; ""
// is any operation.
func (b *Bank) Next(operation string, how ...Behaviour) {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	if b.script.next == nil {
		b.script.next = make(map[string][]Behaviour)
	}
	b.script.next[operation] = append(b.script.next[operation], how...)
}

// Always says how it treats all requests of an operation, or with nil that it
// goes by the Table again.
func (b *Bank) Always(operation string, how *Behaviour) {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	if how == nil {
		delete(b.script.always, operation)
		return
	}
	if b.script.always == nil {
		b.script.always = make(map[string]Behaviour)
	}
	b.script.always[operation] = *how
}

// For says how it treats the first order with this card number, account or
// attempt id, or the claim of this number when it first comes.
func (b *Bank) For(key string, how Behaviour) {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	if b.script.rules == nil {
		b.script.rules = make(map[string]Behaviour)
	}
	b.script.rules[key] = how
}

// pick chooses the behaviour for a request. Rules and the Table are for an
// order's first coming; a repetition of it is answered well.
func (s *script) pick(q request, first bool) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range []string{q.operation, ""} {
		if queue := s.next[op]; len(queue) > 0 {
			s.next[op] = queue[1:]
			return queue[0]
		}
	}
	for _, op := range []string{q.operation, ""} {
		if how, ok := s.always[op]; ok {
			return how
		}
	}
	well := Behaviour{Effect: EffectApprove, Manner: MannerWell, Notify: NotifyWell}
	if !first {
		return well
	}
	if q.claim != "" {
		if how, ok := s.rules[string(q.claim)]; ok {
			return how
		}
		return well
	}
	for _, rules := range []map[string]Behaviour{s.rules, s.table} {
		for _, key := range []string{string(q.attempt), q.cardNo, q.what.Payer, digits(q.amount.Minor)} {
			if how, ok := rules[key]; ok && key != "" {
				return how
			}
		}
	}
	return well
}

// Limits of a script file.
const maxScriptLines = 10_000

// ErrScript reports a line of a script that cannot be understood.
var ErrScript = errors.New("script")

// LoadScript replaces what was said so far by a script: one line each,
//
//	next OPERATION BEHAVIOUR     the next request of it, lines one after the other
//	always OPERATION BEHAVIOUR   every request of it
//	for KEY BEHAVIOUR            the first order with this card, account or attempt, or the claim
//	down                         every connection breaks
//
// where OPERATION is one of the contract or *, and # begins a comment. If a
// line is wrong, nothing changes.
func (b *Bank) LoadScript(r io.Reader) error {
	s := script{next: make(map[string][]Behaviour), always: make(map[string]Behaviour), rules: make(map[string]Behaviour)}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if err := s.line(strings.TrimSpace(text)); err != nil || n > maxScriptLines {
			return fmt.Errorf("%w: line %d: %w", ErrScript, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrScript, err)
	}
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	b.script.down, b.script.next, b.script.always, b.script.rules = s.down, s.next, s.always, s.rules
	return nil
}

var errLine = errors.New("want next, always, for or down")

func (s *script) line(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	what, behaviour, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch {
	case text == "":
		return nil
	case text == "down":
		s.down = true
		return nil
	case verb != "next" && verb != "always" && verb != "for" || what == "" || behaviour == "":
		return errLine
	}
	how, err := ParseBehaviour(behaviour)
	if err != nil {
		return err
	}
	if verb == "for" {
		s.rules[what] = how
		return nil
	}
	if what == "*" {
		what = ""
	} else if !slices.Contains(wsdl.BankOperations, what) {
		return fmt.Errorf("%w: no operation %q", errLine, what)
	}
	if verb == "next" {
		s.next[what] = append(s.next[what], how)
	} else {
		s.always[what] = how
	}
	return nil
}
