package tolem

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func redirectOf(no string) OrderRedirect {
	return OrderRedirect{
		Merchant: "SHOP", OrderNo: RequestNo(no), Amount: Money{Minor: 120_000, Currency: KZT}, Return: "https://shop.kz/o?a=1&b=2",
		Issued: time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC), Language: "ru", Key: strings.Repeat("0a", 32),
	}
}

// The text that is signed is what the documentation shows. ACQ-P05
func TestRedirectText(t *testing.T) {
	want := `tolem-redirect-v1
merchant=SHOP
order=A-1001
amount=1200.00
currency=KZT
service=
return=https://shop.kz/o?a=1&b=2
issued=2026-11-22T10:30:00Z
language=ru
key=0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
`
	if got := string(redirectOf("A-1001").Text()); got != want {
		t.Errorf("got\n%s", got)
	}
}

// The moment is told to the second or to the millisecond, and signed as it is
// spelled. ACQ-P05
func TestRedirectTellsMilliseconds(t *testing.T) {
	query, err := url.ParseQuery(redirectOf("A-1001").Query([]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	for spelled, good := range map[string]bool{
		"2026-11-22T10:30:00Z": true, "2026-11-22T10:30:00.000Z": true, "2026-11-22T10:30:00.250Z": true,
		"2026-11-22T10:30:00.25Z": false, "2026-11-22T10:30:00.2500Z": false, "2026-11-22T10:30:00.0005Z": false, "2026-11-22T10:30:00,250Z": false,
	} {
		query.Set("issued", spelled)
		o, _, err := ParseOrderRedirect(query)
		if (err == nil) != good || good && !strings.Contains(string(o.Text()), "issued="+spelled+"\n") {
			t.Errorf("%s: %v\n%s", spelled, err, o.Text())
		}
	}
}

// Whatever is read is what was written, and nothing is read that could have been
// written in another way: one text, one meaning. ACQ-P05
func FuzzParseOrderRedirect(f *testing.F) {
	f.Add(redirectOf("A-1001").Query([]byte{1, 2, 3}))
	f.Add(redirectOf("INV/2026-1").Query(make([]byte, 256)) + "&service=S1")
	f.Add("merchant=SHOP&order=A&amount=1.0&currency=KZT&return=https://h/&issued=2026-11-22T10:30:00Z&key=0a0a0a0a0a0a0a0a&signature=AQ")
	f.Add("merchant=SHOP&order=A&amount=1.00&currency=KZT&return=https://h/&issued=2026-11-22T10:30:00.000Z&key=0a0a0a0a0a0a0a0a&signature=AQ")
	f.Add("merchant=SHOP\n&order=a%0aamount=1.00")
	f.Fuzz(func(t *testing.T, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		o, signature, err := ParseOrderRedirect(query)
		if err != nil {
			if !errors.Is(err, ErrRedirect) {
				t.Errorf("%v", err)
			}
			return
		}
		if text, kept, ok := SplitSignedRedirect(SignedRedirect(o.Text(), signature)); !ok || string(text) != string(o.Text()) || string(kept) != string(signature) {
			t.Errorf("kept, %q and %q", text, kept)
		}
		if lines := strings.Count(string(o.Text()), "\n"); lines != len(redirectFields)+1 {
			t.Errorf("%d lines in\n%s", lines, o.Text())
		}
		if again, err := url.ParseQuery(o.Query(signature)); err != nil || again.Encode() != query.Encode() {
			t.Errorf("%s is written %s", raw, o.Query(signature))
		}
	})
}

func TestMerchantCheck(t *testing.T) {
	good := Merchant{Participant: "SHOP", BIN: "990240001237", Services: []ServiceCode{"A", "B"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Merchant){
		"id":         func(m *Merchant) { m.Participant = "a b" },
		"BIN":        func(m *Merchant) { m.BIN = "990240001238" },
		"no service": func(m *Merchant) { m.Services = nil },
		"twice":      func(m *Merchant) { m.Services = []ServiceCode{"A", "A"} },
		"too many":   func(m *Merchant) { m.Services = make([]ServiceCode, maxMerchantServices+1) },
		"code":       func(m *Merchant) { m.Services = []ServiceCode{"a b"} },
	} {
		m := good
		spoil(&m)
		if err := m.Check(); !errors.Is(err, ErrMerchant) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for named, want := range map[ServiceCode]bool{"": true, "A": true, "B": true, "C": false} {
		if got, ok := good.Sells(named); ok != want || named == "" && got != "A" {
			t.Errorf("%q: %s, %v", named, got, ok)
		}
	}
}

func TestStandingOfOrder(t *testing.T) {
	attempt := func(states ...AttemptState) (list []Attempt) {
		for _, s := range states {
			list = append(list, Attempt{State: s})
		}
		return list
	}
	for _, c := range []struct {
		code     State
		attempts []Attempt
		want     string
	}{
		{StateIssued, nil, "OPEN"},
		{StateIssued, attempt(AttemptRedirected), "OPEN"},
		{StateIssued, attempt(AttemptRedirected, AttemptUnknown), "UNKNOWN"},
		{StateIssued, attempt(AttemptAbandoned, AttemptApproved), "AUTHORISED"},
		{StateIssued, attempt(AttemptRefused, AttemptAbandoned), "REFUSED"},
		{StateExpired, attempt(AttemptSent), "SENT"},
		{StateExpired, attempt(AttemptRefused), "EXPIRED"},
		{StatePaid, attempt(AttemptUnknown), "PAID"},
		{StateClosed, nil, "PAID"},
		{StateRefunded, attempt(AttemptReversed), "REFUNDED"},
	} {
		if got := StandingOfOrder(Code{State: c.code}, c.attempts); got != c.want {
			t.Errorf("%s with %v: %s, want %s", c.code, c.attempts, got, c.want)
		}
	}
}
