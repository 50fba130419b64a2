package tolem

import "testing"

// GW-P40, GW-186: a claim's number says whose it is and what it is for.
func TestClaimNumbers(t *testing.T) {
	day, err := ParseDay("2026-11-21")
	if err != nil {
		t.Fatal(err)
	}
	code, err := ParseCodeNumber("0000000000000195")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		number ClaimNumber
		bank   ParticipantID
		kind   ClaimKind
		code   CodeNumber
	}{
		{NewClaimNumber("BANK-A", day, KZT), "BANK-A", ClaimOfDay, 0},
		{"C-20261121-HALYK-KZT", "HALYK", ClaimOfDay, 0},
		{NewRefundClaimNumber("BANK-A", code, KZT), "BANK-A", ClaimOfRefund, code},
		{"R-0000000000000195-HALYK-KZT", "HALYK", ClaimOfRefund, code},
	} {
		n, err := ParseClaimNumber(string(c.number))
		if err != nil || n.Bank() != c.bank || n.Kind() != c.kind || n.Code() != c.code {
			t.Errorf("%s: %s, %s, %s, %v", c.number, n.Bank(), n.Kind(), n.Code(), err)
		}
	}
	for _, bad := range []string{"", "C-2026112-HALYK-KZT", "R-20261121-HALYK-KZT", "R-0000000000000196-HALYK-KZT", "B-20261121-HALYK-1", "C-20261121-HALYK-KZT\n"} {
		if n, err := ParseClaimNumber(bad); err == nil {
			t.Errorf("%q is taken for %s", bad, n)
		}
	}
}
