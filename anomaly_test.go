package tolem_test

import (
	"slices"
	"testing"

	"tolem"
)

// Every anomaly has a text in each language and a severity, and is found by its
// name.
func TestAnomalyCodes(t *testing.T) {
	seen := make(map[string]bool)
	for _, code := range tolem.AnomalyCodes {
		names := code.Texts()
		for _, text := range []string{names.KK, names.RU, names.EN} {
			if text == "" || seen[text] {
				t.Errorf("%s has no text of its own in some language: %q", code, text)
			}
			seen[text] = true
		}
		if s := code.Severity(); s != tolem.SeverityMoney && s != tolem.SeverityInformation {
			t.Errorf("%s has the severity %q", code, s)
		}
		if got, err := tolem.ParseAnomalyCode(string(code)); err != nil || got != code {
			t.Errorf("%s is read as %q, %v", code, got, err)
		}
	}
	if _, err := tolem.ParseAnomalyCode("MISSING"); err == nil {
		t.Error("an unknown code is read")
	}
}

// Anomalies stand in the order of the list, then of the register; what stands in
// neither comes last.
func TestOrderOfAnomalies(t *testing.T) {
	want := []tolem.Anomaly{
		{Code: tolem.OtherService, TheirLine: 1, OurLine: 9},
		{Code: tolem.AmountDiffers, TheirLine: 1, OurLine: 9},
		{Code: tolem.CodeUnknown, TheirLine: 2},
		{Code: tolem.MissingThere, OurLine: 1},
		{Code: tolem.MissingThere, OurLine: 2},
		{Code: tolem.WrongCount},
		{Code: tolem.WrongTotal, Ours: "1.00 KZT"},
		{Code: tolem.WrongTotal, Ours: "1.00 UZS"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, tolem.Anomaly.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
