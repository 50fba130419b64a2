package tolem

import (
	"errors"
	"testing"
)

// WP-119, WP-123, WP-125, WP-126, WP-541, WP-563, WP-570, WP-571: 7.1, every pair
// of state and event.
func TestDeskStatus(t *testing.T) {
	want := map[DeskStatus]map[DeskEvent]DeskStatus{
		DeskPlanned:   {DeskRequest: DeskAwaiting, DeskReverse: DeskCancelled, DeskSettle: DeskSettled},
		DeskAwaiting:  {DeskApprove: DeskCancelled, DeskReject: DeskPlanned},
		DeskCancelled: {},
		DeskSettled:   {},
	}
	for _, s := range DeskStatuses {
		for _, e := range DeskEvents {
			next, ok := want[s][e]
			got, err := s.On(e)
			if ok && (got != next || err != nil) || !ok && (got != s || !errors.Is(err, ErrDeskMove)) {
				t.Errorf("%s on %s: %s, %v", e, s, got, err)
			}
		}
		if back, err := ParseDeskStatus(string(s)); err != nil || back != s {
			t.Errorf("%s: %v", s, err)
		}
		if s.Counts() != (s == DeskPlanned || s == DeskSettled) { // WP-588
			t.Errorf("%s counts: %v", s, s.Counts())
		}
	}
	if _, err := ParseDeskStatus("paid"); err == nil {
		t.Error("paid is a status")
	}
}

// WP-105, WP-161
func TestReceiptNo(t *testing.T) {
	for typed, want := range map[string]ReceiptNo{"1": 1, "0000000042": 42, " 00 0000 0042\n": 42, "9999999999": 9_999_999_999} {
		n, err := ParseReceiptNo(typed)
		if err != nil || n != want {
			t.Errorf("%q: %d, %v", typed, n, err)
		}
		if again, err := ParseReceiptNo(n.String()); err != nil || again != n || len(n.String()) != 10 {
			t.Errorf("%s: %d, %v", n, again, err)
		}
	}
	for _, typed := range []string{"", " ", "0", "0000000000", "-1", "+1", "1.0", "12a", "10000000000", "١٢", "1e3"} {
		if n, err := ParseReceiptNo(typed); !errors.Is(err, ErrBadReceiptNo) {
			t.Errorf("%q: %d, %v", typed, n, err)
		}
	}
}
