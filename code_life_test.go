package tolem_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tolem"
)

// life is the life of one code under arbitrary events, and what must hold
// whatever they are.
type life struct {
	code     tolem.Code
	accepted *tolem.Payment
	now      time.Time
	history  []tolem.Step
	closings int
	payments int
	ids      int
}

func begin() *life {
	d := tolem.Issued(issued(), start())
	return &life{code: d.Code, now: start(), history: d.Steps}
}

// choices says how many ways to act there are.
const choices = 14

// act does one thing to the code, chosen by the number.
func (l *life) act(choice int) error {
	l.ids++
	id := fmt.Sprint(l.ids)
	p := payment()
	switch choice {
	case 0:
		l.now = l.now.Add(7 * time.Hour)
		return nil
	case 1:
		return l.notified(p)
	case 2:
		p.BankRef = tolem.BankRef("REF-" + id)
		return l.notified(p)
	case 3:
		p.Amount.Minor++
		return l.notified(p)
	case 4:
		p.Bank = other
		return l.notified(p)
	case 5:
		return l.follow(l.code.Validate(tolem.Presentation{RequestNo: "R1", Recipient: someone, Service: "PASSPORT", By: portal}, l.now))
	case 6:
		return l.follow(l.code.Validate(tolem.Presentation{RequestNo: tolem.RequestNo("R-" + id), Recipient: someone, By: portal}, l.now))
	case 7:
		return l.follow(l.code.Validate(tolem.Presentation{RequestNo: "R2", Recipient: another, By: portal}, l.now))
	case 8:
		return l.follow(l.code.Close(tolem.Closing{ID: tolem.CloseID(id), RequestNo: "R1", By: portal}, l.now))
	case 9:
		return l.follow(l.code.Close(tolem.Closing{ID: "same", By: portal}, l.now))
	case 10:
		return l.follow(l.code.Cancel(bank, l.now))
	case 11:
		return l.follow(l.code.Cancel(portal, l.now))
	case 12:
		return l.follow(l.code.Refund(l.now))
	default:
		return l.follow(l.code.Expire(l.now))
	}
}

// notified keeps the payment as the operation would.
func (l *life) notified(p tolem.Payment) error {
	d := l.code.Notify(p, l.accepted, l.now)
	if d.Changed() {
		l.accepted = &p
	}
	return l.follow(d)
}

// follow checks a decision and takes it over.
func (l *life) follow(d tolem.Decision) error {
	before := l.code.At(l.now)
	switch {
	case d.Result == tolem.Internal:
		return fmt.Errorf("a pair that cannot come about: %+v", d)
	case d.Changed() && d.Result != tolem.OK:
		return fmt.Errorf("refused with %s, and changed: %+v", d.Result, d.Steps)
	case d.Changed() && d.Code.Version != l.code.Version+1:
		return fmt.Errorf("version %d follows %d", d.Code.Version, l.code.Version)
	case !d.Changed() && !reflect.DeepEqual(d.Code, before):
		return fmt.Errorf("changed without a step: %+v becomes %+v", before, d.Code)
	case d.Discrepancy && d.Changed():
		return fmt.Errorf("listed as a discrepancy, and accepted: %+v", d)
	}
	if !d.Changed() {
		return nil
	}
	l.history = append(l.history, d.Steps...)
	l.code = d.Code
	return l.check(d.Steps)
}

func (l *life) check(steps []tolem.Step) error {
	for _, s := range steps {
		switch {
		case s.To == tolem.StateClosed && s.From != tolem.StatePaid:
			return fmt.Errorf("closed from %s", s.From)
		case s.To == tolem.StateExpired && s.From != tolem.StateIssued:
			return fmt.Errorf("expired from %s", s.From)
		case s.From == tolem.StateClosed, s.From == tolem.StateRefunded:
			return fmt.Errorf("%s is no end: %+v", s.From, s)
		}
		if s.To == tolem.StateClosed {
			l.closings++
		}
		if s.To == tolem.StatePaid && s.From != tolem.StatePaid {
			l.payments++
		}
	}
	if l.closings > 1 || l.payments > 1 {
		return fmt.Errorf("%d closings, %d payments", l.closings, l.payments)
	}
	for i, s := range l.history[1:] {
		if s.From != l.history[i].To || s.At.Before(l.history[i].At) {
			return fmt.Errorf("%+v does not follow %+v", s, l.history[i])
		}
	}
	if last := l.history[len(l.history)-1]; last.To != l.code.State {
		return fmt.Errorf("the code is %s, its history ends in %s", l.code.State, last.To)
	}
	return nil
}

// Whatever happens to a code in whatever order: it is closed and paid at most
// once, never expires when paid, its history is a chain, and nothing changes
// without a step.
//
// GW-001, GW-160, GW-175, GW-P12, GW-P16, GW-P20
func TestLifeOfACode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := begin()
		for _, choice := range rapid.SliceOfN(rapid.IntRange(0, choices-1), 1, 60).Draw(t, "choices") {
			if err := l.act(choice); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The same over ten seeds of 10,000 steps each, spread over codes of 40 steps,
// long enough to come to an end and go on being asked.
//
// GW-001, GW-160, GW-175, GW-P12, GW-P16, GW-P20
func TestLivesOfManyCodes(t *testing.T) {
	ends := make(map[tolem.State]int)
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 491))
		for range 250 {
			l := begin()
			for step := range 40 {
				choice := random.IntN(choices)
				if err := l.act(choice); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
			}
			ends[l.code.At(l.now).State]++
		}
	}
	for _, state := range []tolem.State{tolem.StateClosed, tolem.StateRefunded} {
		if ends[state] == 0 {
			t.Errorf("no life ended %s: %v", state, ends)
		}
	}
}
