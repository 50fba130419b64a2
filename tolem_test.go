package tolem_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tolem"
)

func TestCheckIdentifier(t *testing.T) {
	for _, s := range []string{"A", "bank-1", "0", "a.b_c-d", strings.Repeat("x", tolem.MaxIdentifierLength)} {
		if err := tolem.CheckIdentifier(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "-a", ".a", "_a", "a b", "ä", "a\n", "a/b", strings.Repeat("x", tolem.MaxIdentifierLength+1)} {
		if err := tolem.CheckIdentifier(s); !errors.Is(err, tolem.ErrBadIdentifier) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// GW-P08
func FuzzCheckRequestID(f *testing.F) {
	uuid := regexp.MustCompile(`\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z`)
	for _, s := range []string{
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b8109dad11d180b400c04fd430c8",
		"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "", "------------------------------------",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := tolem.CheckRequestID(s), uuid.MatchString(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	})
}

// GW-007 to GW-011
func TestChannels(t *testing.T) {
	if len(tolem.Channels) != 7 {
		t.Errorf("%d channels", len(tolem.Channels))
	}
	for _, c := range tolem.Channels {
		if got, err := tolem.ParseChannel(string(c)); err != nil || got != c {
			t.Errorf("%s: %v, %v", c, got, err)
		}
		if c.Offered() == (c == tolem.ChannelDesk) {
			t.Errorf("%s offered to participants: %v", c, c.Offered())
		}
	}
	for _, s := range []string{"", "atm", "CASH"} {
		if _, err := tolem.ParseChannel(s); err == nil {
			t.Errorf("%q is a channel", s)
		}
	}
}

// constants returns the values of the string constants of a type in a file.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typ {
			return true
		}
		for _, v := range spec.Values {
			if text, err := strconv.Unquote(v.(*ast.BasicLit).Value); err == nil {
				values = append(values, text)
			}
		}
		return true
	})
	return values
}

// The codes of the requirements' catalogue are there, and each code has its own
// sentence, which tells nothing of the inside.
//
// GW-138, GW-162
func TestResultCodes(t *testing.T) {
	codes := constants(t, "result.go", "ResultCode")
	for _, code := range strings.Fields(`OK UNKNOWN_CODE NOT_PAID ALREADY_PAID ALREADY_USED EXPIRED CANCELLED REFUNDED
		IIN_MISMATCH SERVICE_MISMATCH BOUND_TO_OTHER_REQUEST MISMATCH DUPLICATE_PAYMENT WRONG_BANK INVALID_IIN BAD_REQUEST
		BAD_SIGNATURE CERT_UNTRUSTED CERT_EXPIRED CERT_REVOKED CRL_UNAVAILABLE REPLAY FORBIDDEN INTERNAL`) {
		if tolem.ResultCode(code).Text() == "" {
			t.Errorf("%s of the catalogue is missing", code)
		}
	}
	texts := make(map[string]string)
	for _, code := range codes {
		text := tolem.ResultCode(code).Text()
		if text == "" {
			t.Errorf("%s has no text", code)
		}
		if twin, ok := texts[text]; ok {
			t.Errorf("%s and %s say the same", code, twin)
		}
		texts[text] = code
	}
	if tolem.ResultCode("NONSENSE").Text() != "" {
		t.Error("a code that does not exist has a text")
	}
}

func TestEveryOperationIsListed(t *testing.T) {
	if got := len(constants(t, "result.go", "Operation")); got != len(tolem.Operations) {
		t.Errorf("%d constants, %d in the list", got, len(tolem.Operations))
	}
}

func TestNamesOfStatesAndEvents(t *testing.T) {
	if s := tolem.State(200).String(); s != "State(200)" {
		t.Error(s)
	}
	if s := tolem.Event(200).String(); s != "Event(200)" {
		t.Error(s)
	}
}
