package main

import (
	"errors"
	"strings"
	"testing"
)

// The committed package is what the contract gives, so that nobody edits it and
// nobody forgets to make it again.
func TestGeneratedCodeIsUpToDate(t *testing.T) {
	if err := run("../..", true); err != nil {
		t.Fatal(err)
	}
}

const generated = "package p\n\n// Money.\n\ntype Amount float64\n\n// Time.\n\ntype Timestamp soap.XSDDateTime\n\n// Kept.\n\ntype Kept struct {\n\tLate bool `xml:\"late,omitempty\" json:\"late,omitempty\"`\n}\n"

func TestRepair(t *testing.T) {
	code, err := repair([]byte(generated))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"// Kept.\ntype Kept struct", "`xml:\"urn:tolem:gateway:v1 late,omitempty\"`"} {
		if !strings.Contains(string(code), want) {
			t.Errorf("no %q in\n%s", want, code)
		}
	}
	if strings.Contains(string(code), "Amount") || strings.Contains(string(code), "Money.") {
		t.Errorf("a type made by hand is left:\n%s", code)
	}
}

func TestRepairRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := repair([]byte(generated + "\ntype Rate float32\n")); !errors.Is(err, errUnfit) {
		t.Errorf("a new floating-point type: %v, want errUnfit", err)
	}
	if _, err := repair([]byte("package p\n")); err == nil {
		t.Error("output without the types made by hand was accepted")
	}
}
