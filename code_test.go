package tolem_test

import (
	"bufio"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tolem"
)

// start is when the codes of these tests are issued.
func start() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

// order is what the portal orders with and the bank pays.
const (
	bank    tolem.ParticipantID = "BANK1"
	other   tolem.ParticipantID = "BANK2"
	portal  tolem.ParticipantID = "PORTAL"
	someone tolem.IIN           = "900101300017"
	another tolem.IIN           = "100000000001"
)

// issued is a code that the bank requested, as it stands in the store.
func issued() tolem.Code {
	return tolem.Issued(tolem.Code{
		Number:    100000000000003,
		Service:   "PASSPORT",
		Provider:  "MIA",
		Amount:    tolem.Money{Minor: 120000, Currency: tolem.KZT},
		Channel:   tolem.ChannelATM,
		Recipient: someone,
		Requester: bank,
		Bank:      bank,
		ExpiresAt: start().Add(24 * time.Hour),
	}, start()).Code
}

// payment is the notification that fits issued.
func payment() tolem.Payment {
	c := issued()
	return tolem.Payment{
		Code: c.Number, Bank: bank, BankRef: "REF-1", Amount: c.Amount, PaidAt: start().Add(time.Minute),
		Channel: c.Channel, Recipient: c.Recipient, RecipientName: "Айгүл Серікова", Service: c.Service,
		Provider: c.Provider, Account: "KZ000000000000000001", NotifiedBy: bank,
	}
}

// in brings a code into the state, with the payment that was accepted for it.
func in(state tolem.State) (tolem.Code, *tolem.Payment) {
	c, p, now := issued(), payment(), start().Add(time.Hour)
	switch state {
	case tolem.StateIssued:
		return c, nil
	case tolem.StateExpired:
		return c.Expire(c.ExpiresAt).Code, nil
	case tolem.StateCancelled:
		return c.Cancel(bank, now).Code, nil
	}
	c = c.Notify(p, nil, now).Code
	switch state {
	case tolem.StateClosed:
		c = c.Close(tolem.Closing{ID: "close-1", Centre: "C1", Operator: "O1", By: portal}, now).Code
	case tolem.StateRefunded:
		c = c.Refund(now).Code
	}
	return c, &p
}

// expectation is a cell of testdata/states.txt.
type expectation struct {
	impossible  bool
	result      tolem.ResultCode
	to          string // empty: stays
	discrepancy bool
}

// stateTable reads testdata/states.txt.
func stateTable(t *testing.T) (states []string, table map[string]map[string]expectation) {
	t.Helper()
	table = make(map[string]map[string]expectation)
	for _, fields := range lines(t, "testdata/states.txt", "|") {
		event, cells := fields[0], fields[1:]
		if event == "event" {
			states = cells
			continue
		}
		table[event] = make(map[string]expectation)
		for i, cell := range cells {
			e := expectation{impossible: cell == "-", discrepancy: strings.HasSuffix(cell, "!")}
			result, to, _ := strings.Cut(strings.TrimSuffix(cell, "!"), ">")
			e.result, e.to = tolem.ResultCode(strings.TrimSpace(result)), strings.TrimSpace(to)
			table[event][states[i]] = e
		}
	}
	return states, table
}

// lines reads a table in text: fields between separators, comments left out.
func lines(t *testing.T, path, separator string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		fields := strings.Split(s.Text(), separator)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		rows = append(rows, fields)
	}
	return rows
}

// allStates and allEvents are those that have a name.
func allStates() (states []tolem.State) {
	for s := tolem.State(0); !strings.HasPrefix(s.String(), "State("); s++ {
		states = append(states, s)
	}
	return states
}

func allEvents() (events []tolem.Event) {
	for e := tolem.Event(0); !strings.HasPrefix(e.String(), "Event("); e++ {
		events = append(events, e)
	}
	return events
}

// The program's table is the requirements' table, cell for cell.
//
// GW-159, GW-160, GW-175, GW-178, GW-P12 to GW-P17, GW-P20, GW-P39
func TestStateTable(t *testing.T) {
	states, want := stateTable(t)
	if len(states) != len(allStates()) || len(want) != len(allEvents()) {
		t.Fatalf("the file has %d states and %d events, the program %d and %d", len(states), len(want), len(allStates()), len(allEvents()))
	}
	for _, event := range allEvents() {
		for _, state := range allStates() {
			e, ok := want[event.String()][state.String()]
			if !ok {
				t.Errorf("%s in %s is not in the file", event, state)
				continue
			}
			got := tolem.CellOf(event, state)
			if e.impossible {
				e.result = tolem.Internal
			}
			if e.to == "" {
				e.to = state.String()
			}
			if got.Result != e.result || got.To.String() != e.to || got.Discrepancy != e.discrepancy {
				t.Errorf("%s in %s: got %v, want %+v", event, state, got, e)
			}
		}
	}
}

// Each method makes of what it is shown the event it is: every possible cell is
// reached through the methods that the operations call.
//
// GW-159, GW-160, GW-175, GW-P11, GW-P13 to GW-P20, GW-P39
func TestMethodsReachEveryCell(t *testing.T) {
	_, want := stateTable(t)
	now := start().Add(2 * time.Hour)
	change := func(f func(*tolem.Payment)) func(tolem.Code, *tolem.Payment, time.Time) tolem.Decision {
		return func(c tolem.Code, accepted *tolem.Payment, now time.Time) tolem.Decision {
			p := payment()
			f(&p)
			return c.Notify(p, accepted, now)
		}
	}
	validate := func(p tolem.Presentation) func(tolem.Code, *tolem.Payment, time.Time) tolem.Decision {
		return func(c tolem.Code, _ *tolem.Payment, now time.Time) tolem.Decision { return c.Validate(p, now) }
	}
	closing := func(cl tolem.Closing) func(tolem.Code, *tolem.Payment, time.Time) tolem.Decision {
		return func(c tolem.Code, _ *tolem.Payment, now time.Time) tolem.Decision { return c.Close(cl, now) }
	}
	for name, act := range map[string]func(tolem.Code, *tolem.Payment, time.Time) tolem.Decision{
		"notify":                       change(func(p *tolem.Payment) { p.BankRef = "REF-2" }),
		"notify-again":                 change(func(*tolem.Payment) {}),
		"notify-differing amount":      change(func(p *tolem.Payment) { p.Amount.Minor++ }),
		"notify-differing currency":    change(func(p *tolem.Payment) { p.Amount.Currency = tolem.UZS }),
		"notify-differing recipient":   change(func(p *tolem.Payment) { p.Recipient = another }),
		"notify-differing service":     change(func(p *tolem.Payment) { p.Service = "LICENCE" }),
		"notify-differing provider":    change(func(p *tolem.Payment) { p.Provider = "MOJ" }),
		"notify-differing channel":     change(func(p *tolem.Payment) { p.Channel = tolem.ChannelInfokiosk }),
		"notify-foreign":               change(func(p *tolem.Payment) { p.Bank = other }),
		"validate on the portal":       validate(tolem.Presentation{RequestNo: "R1", Recipient: someone, Service: "PASSPORT", By: portal}),
		"validate at a centre":         validate(tolem.Presentation{By: portal}),
		"validate-iin":                 validate(tolem.Presentation{RequestNo: "R1", Recipient: another, Service: "PASSPORT", By: portal}),
		"validate-service":             validate(tolem.Presentation{RequestNo: "R1", Recipient: someone, Service: "LICENCE", By: portal}),
		"validate-service at a centre": validate(tolem.Presentation{Service: "LICENCE", By: portal}),
		"close at a centre":            closing(tolem.Closing{ID: "close-2", Centre: "C1", Operator: "O1", By: portal}),
		"close-unbound":                closing(tolem.Closing{ID: "close-3", RequestNo: "R9", By: portal}),
		"cancel":                       func(c tolem.Code, _ *tolem.Payment, now time.Time) tolem.Decision { return c.Cancel(bank, now) },
		"cancel-foreign":               func(c tolem.Code, _ *tolem.Payment, now time.Time) tolem.Decision { return c.Cancel(other, now) },
		"refund":                       func(c tolem.Code, _ *tolem.Payment, now time.Time) tolem.Decision { return c.Refund(now) },
	} {
		event, _, _ := strings.Cut(name, " ")
		for _, state := range allStates()[1:] {
			e := want[event][state.String()]
			if e.impossible {
				continue
			}
			c, accepted := in(state)
			if c.State != state {
				t.Fatalf("cannot bring a code into %s, it is %s", state, c.State)
			}
			d := act(c, accepted, now)
			if e.to == "" {
				e.to = state.String()
			}
			if d.Result != e.result || d.Code.State.String() != e.to || d.Discrepancy != e.discrepancy {
				t.Errorf("%s in %s: got %s, %s, listed %v; want %+v", name, state, d.Result, d.Code.State, d.Discrepancy, e)
			}
		}
	}
}

// GW-P12: the term counts although no timer has come by; the step is dated when
// it happened, not when it was noticed.
func TestTermRunsOutWithoutATimer(t *testing.T) {
	c := issued()
	before, after := c.ExpiresAt.Add(-time.Microsecond), c.ExpiresAt
	if got := c.At(before).State; got != tolem.StateIssued {
		t.Errorf("a moment before its end: %s", got)
	}
	if got := c.At(after).State; got != tolem.StateExpired {
		t.Errorf("at its end: %s", got)
	}
	if d := c.Expire(before); d.Changed() {
		t.Errorf("expired too early: %+v", d)
	}
	d := c.Expire(after.Add(time.Hour))
	want := []tolem.Step{{Event: tolem.EventExpire, From: tolem.StateIssued, To: tolem.StateExpired, At: c.ExpiresAt}}
	if !reflect.DeepEqual(d.Steps, want) || d.Code.Version != c.Version+1 {
		t.Errorf("got %+v", d)
	}
	if d := c.Validate(tolem.Presentation{By: portal}, after); d.Result != tolem.Expired || d.Changed() {
		t.Errorf("validation: got %+v", d)
	}
	if d := c.Cancel(bank, after); d.Result != tolem.OK || d.Changed() {
		t.Errorf("cancellation: got %+v", d)
	}
}

// GW-P12: a paid code does not expire.
func TestPaidCodeDoesNotExpire(t *testing.T) {
	c, _ := in(tolem.StatePaid)
	years := c.ExpiresAt.AddDate(20, 0, 0)
	if c.At(years).State != tolem.StatePaid || c.Expire(years).Changed() {
		t.Error("a paid code expires")
	}
	if d := c.Validate(tolem.Presentation{By: portal}, years); d.Result != tolem.OK {
		t.Errorf("validation after twenty years: %s", d.Result)
	}
}

// GW-P17, GW-135
func TestNotifyMarksWhatCameLate(t *testing.T) {
	for _, c := range []struct {
		state tolem.State
		at    time.Time
		late  bool
		steps int
	}{
		{tolem.StateIssued, start().Add(time.Hour), false, 1},
		{tolem.StateIssued, start().Add(25 * time.Hour), true, 2}, // the term ran out unnoticed
		{tolem.StateExpired, start().Add(25 * time.Hour), true, 1},
		{tolem.StateCancelled, start().Add(time.Hour), true, 1},
	} {
		code, _ := in(c.state)
		d := code.Notify(payment(), nil, c.at)
		if d.Code.State != tolem.StatePaid || d.Code.Late != c.late || len(d.Steps) != c.steps {
			t.Errorf("%s at %s: got late %v, steps %+v", c.state, c.at, d.Code.Late, d.Steps)
		}
		if d.Code.Version != code.Version+1 || !d.Code.PaidAt.Equal(payment().PaidAt) {
			t.Errorf("%s: version %d after %d, paid at %s", c.state, d.Code.Version, code.Version, d.Code.PaidAt)
		}
	}
}

// GW-P22: the name comes with the code or with the payment.
func TestNotifyBringsTheName(t *testing.T) {
	c := issued()
	if d := c.Notify(payment(), nil, start()); d.Code.RecipientName != "Айгүл Серікова" {
		t.Errorf("got %q", d.Code.RecipientName)
	}
	c.RecipientName = "Ержан Серіков"
	if d := c.Notify(payment(), nil, start()); d.Code.RecipientName != "Ержан Серіков" {
		t.Errorf("the name given at issue is lost: %q", d.Code.RecipientName)
	}
}

// A notification is the accepted one again only if every detail is equal; when
// it arrived, through whom, and a missing name make no difference.
//
// GW-P16
func TestSamePayment(t *testing.T) {
	p := payment()
	same := p
	same.ReceivedAt, same.NotifiedBy, same.RecipientName = start().Add(time.Hour), "PROCESSING", ""
	same.PaidAt = p.PaidAt.In(time.FixedZone("Almaty", 5*3600))
	if !p.SameAs(same) {
		t.Error("the same payment is taken for another")
	}
	for name, change := range map[string]func(*tolem.Payment){
		"code":      func(p *tolem.Payment) { p.Code++ },
		"bank":      func(p *tolem.Payment) { p.Bank = other },
		"reference": func(p *tolem.Payment) { p.BankRef = "REF-2" },
		"amount":    func(p *tolem.Payment) { p.Amount.Minor++ },
		"currency":  func(p *tolem.Payment) { p.Amount.Currency = tolem.AZN },
		"time":      func(p *tolem.Payment) { p.PaidAt = p.PaidAt.Add(time.Microsecond) },
		"channel":   func(p *tolem.Payment) { p.Channel = tolem.ChannelInfokiosk },
		"recipient": func(p *tolem.Payment) { p.Recipient = another },
		"service":   func(p *tolem.Payment) { p.Service = "LICENCE" },
		"provider":  func(p *tolem.Payment) { p.Provider = "MOJ" },
		"account":   func(p *tolem.Payment) { p.Account = "KZ000000000000000002" },
	} {
		q := payment()
		change(&q)
		if p.SameAs(q) {
			t.Errorf("a payment with another %s is taken for the same", name)
		}
	}
}

// GW-P14: before a bank was called for a code of the portal, no bank may
// notify its payment.
func TestNoBankMayPayAPortalsCodeUninvited(t *testing.T) {
	c := issued()
	c.Requester, c.Bank = portal, ""
	if d := c.Notify(payment(), nil, start()); d.Result != tolem.WrongBank || d.Changed() || !d.Discrepancy {
		t.Errorf("got %+v", d)
	}
}

// GW-P18, GW-178: validation never closes; the last request number holds.
func TestValidationBinds(t *testing.T) {
	c, _ := in(tolem.StatePaid)
	show := func(no tolem.RequestNo) tolem.Decision {
		d := c.Validate(tolem.Presentation{RequestNo: no, Recipient: someone, Service: "PASSPORT", By: portal}, start().Add(time.Hour))
		c = d.Code
		return d
	}
	for _, no := range []tolem.RequestNo{"R1", "R2"} {
		version := c.Version
		if d := show(no); d.Result != tolem.OK || d.Code.Bound != no || len(d.Steps) != 1 || d.Code.Version != version+1 {
			t.Errorf("%s: got %+v", no, d)
		}
		if d := show(no); d.Result != tolem.OK || d.Changed() || c.Bound != no {
			t.Errorf("%s again: got %+v", no, d)
		}
	}
	if d := c.Validate(tolem.Presentation{By: portal}, start()); d.Changed() || d.Code.Bound != "R2" {
		t.Errorf("at a service centre: got %+v", d)
	}
	if d := c.Validate(tolem.Presentation{RequestNo: "R3", Recipient: another, By: portal}, start()); d.Changed() || d.Code.Bound != "R2" {
		t.Errorf("a refused validation binds: %+v", d)
	}
	if d := c.Close(tolem.Closing{ID: "1", RequestNo: "R1", By: portal}, start()); d.Result != tolem.BoundToOtherRequest || d.Changed() {
		t.Errorf("close by the number that was replaced: %+v", d)
	}
	if d := c.Close(tolem.Closing{ID: "1", RequestNo: "R2", By: portal}, start()); d.Result != tolem.OK || d.Code.State != tolem.StateClosed {
		t.Errorf("close by the bound number: %+v", d)
	}
}

// GW-178, GW-179: an order that could not be fulfilled on the portal is made
// again at a service centre, with the same code.
func TestRepeatedOrderAtAServiceCentre(t *testing.T) {
	c, _ := in(tolem.StatePaid)
	c = c.Validate(tolem.Presentation{RequestNo: "R1", Recipient: someone, Service: "PASSPORT", By: portal}, start()).Code
	d := c.Validate(tolem.Presentation{Service: "PASSPORT", By: portal}, start().Add(time.Hour))
	if d.Result != tolem.OK || d.Code.Recipient != someone {
		t.Errorf("the centre cannot validate: %+v", d)
	}
	d = d.Code.Close(tolem.Closing{ID: "1", Centre: "C1", Operator: "O1", By: portal}, start().Add(2*time.Hour))
	if d.Result != tolem.OK || d.Code.State != tolem.StateClosed {
		t.Errorf("the centre cannot close: %+v", d)
	}
	if again := d.Code.Close(tolem.Closing{ID: "2", RequestNo: "R1", By: portal}, start().Add(3*time.Hour)); again.Changed() || again.Result == tolem.OK {
		t.Errorf("and the portal closes once more: %+v", again)
	}
}

// GW-P20: the same act of closing again is no second closing.
func TestCloseAgain(t *testing.T) {
	c, _ := in(tolem.StateClosed)
	now := start().Add(5 * time.Hour)
	if d := c.Close(tolem.Closing{ID: "close-1", Centre: "C1", Operator: "O1", By: portal}, now); d.Result != tolem.OK || d.Changed() {
		t.Errorf("the same closing: %+v", d)
	}
	if d := c.Close(tolem.Closing{ID: "close-2", By: portal}, now); d.Result != tolem.AlreadyUsed || d.Changed() {
		t.Errorf("another closing: %+v", d)
	}
	if d := c.Close(tolem.Closing{ID: "close-1", By: other}, now); d.Result != tolem.AlreadyUsed || d.Changed() {
		t.Errorf("the same id of another caller: %+v", d)
	}
}

// GW-174, GW-175: who closed, where and when is recorded.
func TestClosingIsRecorded(t *testing.T) {
	c, _ := in(tolem.StateClosed)
	at := start().Add(time.Hour)
	if c.ClosedBy != portal || c.ClosedCentre != "C1" || c.ClosedByWho != "O1" || c.CloseID != "close-1" || !c.ClosedAt.Equal(at) {
		t.Errorf("got %+v", c)
	}
}
