package soap

import (
	"testing"

	"tolem/signing"
)

// GW-P08
func TestContentTellsRepetitionFromReuse(t *testing.T) {
	base := []signing.Field{{Name: "requestId", Value: "1"}, {Name: "amount", Value: "1200.00"}, {Name: "currency", Value: "KZT"}}
	with := func(change func([]signing.Field) []signing.Field) [32]byte {
		return contentOf("IssueCode", change(append([]signing.Field(nil), base...)))
	}
	want := contentOf("IssueCode", base)
	if got := with(func(l []signing.Field) []signing.Field {
		return append([]signing.Field{l[0], {Name: sentAt, Value: "2026-01-31T00:00:00Z"}}, l[1:]...)
	}); got != want {
		t.Error("the time of sending counts as content")
	}
	for name, change := range map[string]func([]signing.Field) []signing.Field{
		"a value":  func(l []signing.Field) []signing.Field { l[1].Value = "1200.01"; return l },
		"a name":   func(l []signing.Field) []signing.Field { l[1].Name = "amounts"; return l },
		"one less": func(l []signing.Field) []signing.Field { return l[:2] },
		"one more": func(l []signing.Field) []signing.Field {
			return append(l, signing.Field{Name: "requestNo", Value: "7"})
		},
		"another order": func(l []signing.Field) []signing.Field { l[1], l[2] = l[2], l[1]; return l },
		"a moved border": func(l []signing.Field) []signing.Field {
			l[1] = signing.Field{Name: "amount1", Value: "200.00"}
			return l
		},
	} {
		if with(change) == want {
			t.Errorf("%s makes no difference", name)
		}
	}
	list := func(in ...signing.Field) [32]byte {
		return contentOf("AcknowledgeRegister", []signing.Field{{Name: "objection", Fields: in}})
	}
	a, b := signing.Field{Name: "reason", Value: "AMOUNT"}, signing.Field{Name: "line", Value: "1"}
	if list(a, b) == list(b, a) || list(a) == list(a, b) || list(a) == contentOf("AcknowledgeRegister", []signing.Field{{Name: "objection"}, a}) ||
		list(a, b) == contentOf("AcknowledgeRegister", []signing.Field{{Name: "objection", Fields: []signing.Field{a}}, b}) {
		t.Error("what is inside a field makes no difference")
	}
	if list(a, signing.Field{Name: "line", Value: " 1\n"}) != list(a, b) {
		t.Error("white space makes a difference")
	}
	if contentOf("CloseCode", base) == want {
		t.Error("the operation makes no difference")
	}
}
