package soap_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/signing"
)

// piece is the fields of a part of a list.
func piece(id string, day tolem.Day, part, parts int, content string) []string {
	fields := []string{"listId", id, "day", day.String(), "part", fmt.Sprint(part), "parts", fmt.Sprint(parts)}
	for piece := range slices.Chunk([]byte(content), 30) {
		fields = append(fields, "content", base64.StdEncoding.EncodeToString(piece))
	}
	return fields
}

// A bank submits its own list in parts, in any order and more than once; it is
// compared, and the report comes anomaly by anomaly and as the document that was
// signed. Nobody else sees it.
//
// GW-P28 GW-P27 GW-P08
func TestSubmitRegister(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		code := w.paidFor(bankID)
		missing := w.paidFor(bankID)
		day := w.closeDay()
		a := w.actors[bankID]
		list := "paymentCode;bankRef;amount;currency\r\n" + code + ";REF " + code + ";1300.00;KZT\r\n"
		half := len(list) / 2
		for _, c := range []struct {
			fields         []string
			want, received string
		}{
			{piece("L1", day+1, 1, 2, list[:half]), "NOT_SEALED", ""},
			{piece("L1", day, 2, 2, list[half:]), "OK", "1"},
			{piece("L1", day, 2, 2, list[half:]), "OK", "1"},
			{piece("L1", day, 2, 2, list[half+1:]), "BAD_PART", ""},
			{piece("L1", day, 1, 3, list[:half]), "BAD_PART", ""},
			{piece("L1", day, 3, 2, list), "BAD_REQUEST", ""},
			{piece("L1", day, 1, 1001, list), "BAD_REQUEST", ""},
			{piece("L1", day, 1, 2, ""), "BAD_REQUEST", ""},
			{append(piece("L1", day, 1, 2, ""), "content", "%"), "BAD_REQUEST", ""},
			{append(piece("L1", day, 1, 2, ""), slices.Repeat([]string{"content", strings.Repeat("AAAA", 30<<10)}, 8)...), "BAD_REQUEST", ""},
			{piece("L1", day, 1, 2, list[:half]), "OK", "2"},
		} {
			got := a.do("SubmitRegister", c.fields...)
			if got.result() != c.want || got.field("received") != c.received {
				t.Errorf("%.120q: %s", c.fields, got.body)
			}
			if c.want == "OK" {
				w.conforms(got)
			}
		}
		for i := 2; i <= 101; i++ {
			want := "OK"
			if i > 100 {
				want = "TOO_MANY_LISTS"
			}
			if got := a.do("SubmitRegister", piece(fmt.Sprint("M", i), day, 1, 2, "x")...); got.result() != want {
				t.Fatalf("list %d of the day: %s", i, got.body)
			}
		}
		number := "R" + number(tolem.BankRegister, bankID, day)
		if got := a.do("GetReconciliation", "listId", "L1", "form", "ROWS"); got.result() != "NOT_READY" {
			t.Errorf("before it is compared: %s", got.body)
		}
		must(w.registry.Reconcile(t.Context(), tolem.ReconciliationNumber(number)))
		got := a.do("GetReconciliation", "listId", "L1", "form", "ROWS")
		w.conforms(got)
		if codes := got.all("code"); !slices.Equal(codes, []string{"AMOUNT_DIFFERS", "MISSING_THERE"}) || got.field("number") != number || got.field("matched") != "1" {
			t.Errorf("anomalies %q: %s", codes, got.body)
		}
		if !strings.Contains(got.field("anomalyList"), missing) || !strings.Contains(got.body, "<difference><amount>100.00</amount>") {
			t.Errorf("anomalies: %s", got.body)
		}
		if got := a.do("GetReconciliation", "number", number, "form", "ROWS", "maxRows", "1"); got.field("nextNo") != "2" || len(got.all("anomaly")) != 1 {
			t.Errorf("a page: %s", got.body)
		}
		if got := a.do("GetReconciliation", "number", number, "form", "ROWS", "fromNo", "3"); got.result() != "BAD_ROW" {
			t.Errorf("behind the last: %s", got.body)
		}
		file := a.do("GetReconciliation", "number", number, "form", "XML")
		w.conforms(file)
		document := must(base64.StdEncoding.DecodeString(file.field("content")))
		if _, err := signing.VerifyStreamed(bytes.NewReader(document), int64(len(document)), w.trust, time.Now()); err != nil {
			t.Errorf("%v: %s", err, document)
		}
		for who, want := range map[string]string{bank2ID: "NOT_OWNER", justiceID: "NOT_OWNER", branchID: "NOT_OWNER", portalID: "FORBIDDEN"} {
			for _, n := range []string{number, "RB-20260101-" + bankID + "-1"} {
				if got := w.actors[who].do("GetReconciliation", "number", n, "form", "XML"); got.result() != want {
					t.Errorf("%s asks for %s: %s", who, n, got.body)
				}
			}
		}
		for _, c := range [][]string{{"number", "RB-20260101-" + bankID + "-1", "UNKNOWN_LIST"}, {"listId", "L2", "UNKNOWN_LIST"}, {"number", "X", "BAD_REQUEST"}} {
			if got := a.do("GetReconciliation", c[0], c[1], "form", "ROWS"); got.result() != c[2] {
				t.Errorf("%q: %s", c, got.body)
			}
		}
	})
}

// A bank lists the claims to it and answers them; the claims of others are not
// there for it.
//
// GW-185 GW-P40
func TestClaims(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		w.paidFor(bankID)
		w.paidFor(bank2ID)
		day := w.closeDay()
		for _, bank := range []tolem.ParticipantID{bankID, bank2ID} {
			must(w.registry.Claim(t.Context(), bank, day))
		}
		a := w.actors[bankID]
		own := string(tolem.NewClaimNumber(bankID, day, tolem.KZT))
		others := string(tolem.NewClaimNumber(bank2ID, day, tolem.KZT))
		got := a.do("ListClaims", "from", day.String(), "to", day.String())
		w.conforms(got)
		if numbers := got.all("number"); !slices.Equal(numbers, []string{own}) || got.field("amount") != "1200.00" || got.field("state") != "SENT" || got.field("paid") != "0.00" {
			t.Errorf("listed %s", got.body)
		}
		if _, err := signing.VerifyEnveloped(must(base64.StdEncoding.DecodeString(got.field("document"))), w.trust, time.Now()); err != nil {
			t.Errorf("the claim: %v", err)
		}
		for _, c := range []struct{ number, answer, note, want string }{
			{others, "ACKNOWLEDGED", "", "NOT_OWNER"},
			{string(tolem.NewClaimNumber(bank2ID, day+1, tolem.KZT)), "ACKNOWLEDGED", "", "NOT_OWNER"},
			{string(tolem.NewClaimNumber(bankID, day+1, tolem.KZT)), "ACKNOWLEDGED", "", "UNKNOWN_CLAIM"},
			{own, "PAID", "", "BAD_REQUEST"},
			{own, "DISPUTED", "", "BAD_REQUEST"},
			{own, "DISPUTED", "one was returned", "OK"},
			{own, "DISPUTED", "one was returned", "CLAIM_STATE"},
			{own, "ACKNOWLEDGED", "", "OK"},
			{"C-1", "ACKNOWLEDGED", "", "BAD_REQUEST"},
		} {
			fields := []string{"number", c.number, "answer", c.answer}
			if c.note != "" {
				fields = append(fields, "note", c.note)
			}
			got := a.do("AnswerClaim", fields...)
			if got.result() != c.want || c.want == "OK" && got.field("state") != c.answer {
				t.Errorf("%+v: %s", c, got.body)
			}
		}
		if got := a.do("ListClaims"); got.field("state") != "ACKNOWLEDGED" {
			t.Errorf("after the answer: %s", got.body)
		}
		if got := a.do("ListClaims", "after", own); len(got.all("claim")) != 0 || got.result() != "OK" {
			t.Errorf("behind the last: %s", got.body)
		}
		if got := w.actors[justiceID].do("ListClaims"); got.result() != "FORBIDDEN" {
			t.Errorf("a provider: %s", got.body)
		}
	})
}

// Reports tell a bank and a provider of their own payments, and of no others'.
//
// GW-056 GW-P29 GW-P30 GW-P27
func TestGetReport(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	w.paidFor(bankID)
	w.paidFor(bankID)
	w.paidFor(bank2ID)
	day := w.closeDay()
	if err := w.registry.Count(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	ask := func(who string, more ...string) reply {
		return w.actors[who].do("GetReport", append([]string{"from", day.String(), "to", day.String(), "period", "day"}, more...)...)
	}
	for who, paid := range map[string]string{bankID: "2400", bank2ID: "1200", justiceID: "3600"} {
		got := ask(who, "by", "channel", "by", "service", "form", "JSON")
		w.conforms(got)
		content := string(must(base64.StdEncoding.DecodeString(got.field("content"))))
		if got.field("complete") != "true" || !strings.Contains(content, paid) {
			t.Errorf("%s is told %s in %s", who, content, got.body)
		}
	}
	for _, c := range []struct {
		who  string
		more []string
		want string
	}{
		{bankID, []string{"form", "CSV", "language", "kk"}, "OK"},
		{bankID, []string{"form", "XLSX", "language", "ru"}, "OK"},
		{bankID, []string{"form", "PDF"}, "OK"},
		{bankID, []string{"bankId", bankID, "channel", "ATM", "currency", "KZT", "form", "CSV"}, "OK"},
		{bankID, []string{"channel", "BANK_DESK", "form", "CSV"}, "OK"},
		{bankID, []string{"bankId", bank2ID, "form", "CSV"}, "NOT_OWNER"},
		{taxID, []string{"providerId", justiceID, "form", "CSV"}, "NOT_OWNER"},
		{bankID, []string{"form", "ROWS"}, "BAD_REQUEST"},
		{bankID, []string{"by", "moon", "form", "CSV"}, "BAD_REQUEST"},
		{bankID, []string{"by", "bank", "by", "bank", "form", "CSV"}, "BAD_REQUEST"},
		{bankID, []string{"form", "CSV", "language", "fr"}, "BAD_REQUEST"},
		{branchID, []string{"form", "CSV"}, "FORBIDDEN"},
		{portalID, []string{"form", "CSV"}, "FORBIDDEN"},
	} {
		if got := ask(c.who, c.more...); got.result() != c.want {
			t.Errorf("%s %q: %s", c.who, c.more, got.body)
		}
	}
	later := w.actors[bankID].do("GetReport", "from", day.String(), "to", (day + 1).String(), "period", "whole", "form", "CSV")
	w.conforms(later)
	if later.field("complete") != "false" || later.field("openDay") != (day+1).String() {
		t.Errorf("a day that is not over: %s", later.body)
	}
}
