package tolem_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tolem"
)

func draw(t *testing.T) tolem.CodeNumber {
	t.Helper()
	n, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bits is a random source that gives the value and then fails.
func bits(values ...uint64) io.Reader {
	var b bytes.Buffer
	for _, v := range values {
		b.Write(binary.BigEndian.AppendUint64(nil, v<<2))
	}
	return &b
}

// GW-P09
func TestCodeNumberCheckDigits(t *testing.T) {
	// 794 has the check digits 44 by the example in ISO/IEC 7064.
	for payload, want := range map[uint64]string{
		794:                "0000000000079444",
		1:                  "0000000000000195",
		99_999_999_999_999: "9999999999999990", // checked below by long division
	} {
		n, err := tolem.DrawCodeNumber(bits(payload))
		if err != nil {
			t.Fatal(err)
		}
		if payload == 99_999_999_999_999 {
			if remainder(n.String()) != 1 {
				t.Errorf("%s leaves %d, want 1", n, remainder(n.String()))
			}
			continue
		}
		if n.String() != want {
			t.Errorf("payload %d: got %s, want %s", payload, n, want)
		}
	}
}

// remainder divides a number in text by 97, digit by digit as on paper.
func remainder(digits string) int {
	r := 0
	for _, d := range digits {
		r = (r*10 + int(d-'0')) % 97
	}
	return r
}

// Every wrong digit and every swap of neighbours is found.
//
// GW-P09
func TestCodeNumberFindsTypingErrors(t *testing.T) {
	for range 500 {
		good := draw(t).String()
		for i := range good {
			for d := byte('0'); d <= '9'; d++ {
				if d != good[i] {
					refuse(t, good, good[:i]+string(d)+good[i+1:])
				}
			}
			if i > 0 && good[i] != good[i-1] {
				refuse(t, good, good[:i-1]+string(good[i])+string(good[i-1])+good[i+1:])
			}
		}
	}
}

func refuse(t *testing.T, good, bad string) {
	t.Helper()
	if n, err := tolem.ParseCodeNumber(bad); !errors.Is(err, tolem.ErrBadCodeNumber) {
		t.Fatalf("%s mistyped as %s is taken for %v", good, bad, n)
	}
}

// A payload has one pair of check digits: a number that differs from a drawn
// one by a multiple of 97 in them is not one.
//
// GW-P09
func TestCodeNumberHasOneForm(t *testing.T) {
	valid := 0
	for check := range tolem.CodeNumber(100) {
		for _, payload := range []tolem.CodeNumber{1, 32, 65, 97, 98, 12345678901234} {
			if (payload*100 + check).Valid() {
				valid++
			}
		}
	}
	if valid != 6 {
		t.Errorf("6 payloads have %d valid numbers", valid)
	}
	for _, n := range []tolem.CodeNumber{0, 1, 98, -97 * 100, 10_000_000_000_000_000 + 1} {
		if n.Valid() {
			t.Errorf("%d is valid", int64(n))
		}
	}
}

// GW-P09
func TestParseCodeNumber(t *testing.T) {
	n, _ := tolem.DrawCodeNumber(bits(12345678901234))
	s := n.String()
	for _, form := range []string{
		s, n.Printed(), strings.ReplaceAll(n.Printed(), "-", " "), s[:8] + " " + s[8:], s[:1] + "-" + s[1:],
	} {
		if got, err := tolem.ParseCodeNumber(form); err != nil || got != n {
			t.Errorf("%q: got %v, %v", form, got, err)
		}
	}
	for _, form := range []string{
		"", s[:15], s + "0", "0" + s, s[:15] + "x", s[:8] + "\t" + s[8:], s[:8] + "." + s[8:], "١" + s[1:],
		s[:8] + "\u00a0" + s[8:], s + "\n", strings.Repeat(" ", 17) + s, "-" + strings.Repeat("-", 40) + s, strings.Repeat("0", 16),
	} {
		if got, err := tolem.ParseCodeNumber(form); !errors.Is(err, tolem.ErrBadCodeNumber) {
			t.Errorf("%q: got %v, %v", form, got, err)
		}
	}
	if want := s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]; n.Printed() != want {
		t.Errorf("printed %s, want %s", n.Printed(), want)
	}
}

// GW-P09
func FuzzParseCodeNumber(f *testing.F) {
	f.Add("0000-0000-0007-9444")
	f.Add("0000000000079444")
	f.Add("----------------")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := tolem.ParseCodeNumber(s)
		if err != nil {
			return
		}
		if digits := strings.NewReplacer(" ", "", "-", "").Replace(s); !n.Valid() || n.String() != digits {
			t.Fatalf("%q is read as %s", s, n)
		}
	})
}

// GW-P09
func TestDrawnNumbersAreValidAndRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.Uint64Range(1, 99_999_999_999_999).Draw(t, "payload")
		n, err := tolem.DrawCodeNumber(bits(payload))
		if err != nil || !n.Valid() || remainder(n.String()) != 1 || uint64(n)/100 != payload {
			t.Fatalf("%d gives %s, %v", payload, n, err)
		}
		if again, err := tolem.ParseCodeNumber(n.Printed()); err != nil || again != n {
			t.Fatalf("%s is read as %s, %v", n.Printed(), again, err)
		}
	})
}

// Values that would favour small payloads, and payload 0, are drawn again; a
// broken random source is an error, never a weak number.
//
// GW-001, GW-P09
func TestDrawIsFair(t *testing.T) {
	const limit = 100_000_000_000_000
	fair := uint64(1<<62) / limit * limit
	n, err := tolem.DrawCodeNumber(bits(fair, 1<<62-1, 0, limit, fair-1))
	if err != nil || uint64(n)/100 != limit-1 {
		t.Errorf("got %s, %v, want the payload of the last value", n, err)
	}
	if _, err := tolem.DrawCodeNumber(bits(fair)); !errors.Is(err, io.EOF) {
		t.Errorf("source ended: got %v", err)
	}
	if _, err := tolem.DrawCodeNumber(strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("source ended early: got %v", err)
	}
}

// The first four digits of 100,000 numbers spread evenly: chi-square over 100
// classes stays below what one run in a million million exceeds.
//
// GW-P09
func TestDrawIsUniform(t *testing.T) {
	const draws, classes = 100_000, 100
	var count [classes]int
	for range draws {
		count[int64(draw(t))/(10_000_000_000_000_000/classes)]++
	}
	chi := 0.0
	for _, c := range count {
		d := float64(c) - draws/classes
		chi += d * d / (draws / classes)
	}
	if chi > 225 { // 99 degrees of freedom
		t.Errorf("chi-square %.1f: %v", chi, count)
	}
}
