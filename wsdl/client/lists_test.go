package client_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

const (
	reconciliationFields = "<reconciliation><number>RB-20261121-BANK1-1</number><listId>list 1</listId><submittedBy>BANK1</submittedBy>" +
		"<submittedAt>2026-11-22T05:00:00Z</submittedAt><kind>bank</kind><ownerId>BANK1</ownerId><day>2026-11-21</day>" +
		"<registerNumber>B-20261121-BANK1-1</registerNumber><madeAt>2026-11-22T05:01:00Z</madeAt><hash>" + noHash + "</hash>" +
		"<matched>3</matched><agreed>2</agreed><anomalies>1</anomalies></reconciliation><anomalyList><anomaly><no>1</no><code>AMOUNT_DIFFERS</code>" +
		"<severity>MONEY</severity><registerLine>2</registerLine><listLine>3</listLine><bankRef>r</bankRef><ours>1200.00</ours><theirs>1100.00</theirs>" +
		"<difference><amount>-100.00</amount><currency>KZT</currency></difference></anomaly></anomalyList><nextNo>2</nextNo>"
	claimFields = "<claim><number>C-20261121-BANK1-KZT</number><day>2026-11-21</day><registerNumber>B-20261121-BANK1-1</registerNumber><count>3</count>" +
		"<amount>3600.00</amount><currency>KZT</currency><madeAt>2026-11-22T05:00:00Z</madeAt><dueAt>2026-11-24T19:00:00Z</dueAt><state>SENT</state>" +
		"<since>2026-11-22T05:00:00Z</since><paid>0.00</paid><document>PGNsYWltLz4=</document></claim>"
)

func TestListsClaimsAndReports(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	c := gw.client(nil)
	day := tolem.DayOf(2026, time.November, 21)

	large := bytes.Repeat([]byte("1234567890123456;1200.00;KZT\r\n"), 30_000) // two parts
	sent, err := c.SubmitRegister(t.Context(), "list 1", day, large)
	if err != nil || sent.Number != "RB-20261121-BANK1-1" || sent.Register != registerNumber {
		t.Fatalf("%+v, %v", sent, err)
	}
	if n := len(gw.seen()); n != 2 || gw.seen()[0].ID == gw.seen()[1].ID || !strings.Contains(gw.seen()[1].Body, "<part>2</part>") {
		t.Errorf("%d requests", n)
	}
	if _, err := c.SubmitRegister(t.Context(), "list 1", day, nil); !errors.Is(err, client.ErrList) {
		t.Error(err)
	}
	if _, err := c.SubmitRegister(t.Context(), "", day, large); !errors.Is(err, client.ErrMissing) {
		t.Error(err)
	}

	found, err := c.Anomalies(t.Context(), sent.Number, 2)
	if err != nil || found.NextNo != 2 || found.Reconciliation.Matched != 3 || found.Reconciliation.Hash[31] != 0xff || len(found.Anomalies) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if a := found.Anomalies[0]; a.Code != tolem.AmountDiffers || a.OurLine != 2 || a.TheirLine != 3 || a.Difference != (tolem.Money{Minor: -100_00, Currency: tolem.KZT}) {
		t.Errorf("%+v", a)
	}

	claims, err := c.ListClaims(t.Context(), client.ClaimQuery{From: day, To: day, After: "C-20261120-BANK1-KZT"})
	if err != nil || len(claims.Claims) != 1 || claims.Next == "" {
		t.Fatalf("%+v, %v", claims, err)
	}
	if claim := claims.Claims[0]; claim.Bank != "BANK1" || claim.State != tolem.ClaimSent || claim.Amount.Minor != 3600_00 || claim.Paid != 0 || string(claim.Document) != "<claim/>" {
		t.Errorf("%+v", claim)
	}
	said, err := c.AnswerClaim(t.Context(), claims.Claims[0].Number, tolem.ClaimDisputed, "one was returned")
	if err != nil || said.State != tolem.ClaimDisputed {
		t.Errorf("%+v, %v", said, err)
	}

	query := client.ReportQuery{From: day, To: day, Period: "week", By: []string{"bank", "hour"}, Direction: tolem.Direction{Bank: "BANK1"}, Form: "CSV", Language: "kk"}
	report, err := c.GetReport(t.Context(), query)
	if err != nil || report.Complete || report.Open != day+1 || string(report.Content) != "a;b\n" {
		t.Errorf("%+v, %v", report, err)
	}
	query.Period = ""
	if _, err := c.GetReport(t.Context(), query); !errors.Is(err, client.ErrMissing) {
		t.Error(err)
	}
	conforms(t, slices.DeleteFunc(gw.seen(), func(r request) bool { return len(r.Body) > 1<<20 }))
}

// A report on a comparison is checked as a register is.
//
// GW-P28
func TestDownloadReconciliation(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) {
		head, _, _ := strings.Cut(reconciliationFields, "<anomalyList>")
		gw.answer(w, r, head+filePart(1, 1, 10, "not signed"))
	}
	c := gw.client(nil)
	var out bytes.Buffer
	if rec, err := c.DownloadReconciliation(t.Context(), "RB-20261121-BANK1-1", tolem.FormCSV, &out); err != nil || out.String() != "not signed" || rec.Matched != 3 {
		t.Errorf("%q, %+v, %v", out.String(), rec, err)
	}
	out.Reset()
	if _, err := c.DownloadReconciliation(t.Context(), "RB-20261121-BANK1-1", tolem.FormXML, &out); !errors.Is(err, client.ErrDocument) || out.Len() > 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
	if _, err := c.DownloadReconciliation(t.Context(), "RB-20261121-BANK1-2", tolem.FormCSV, &out); !errors.Is(err, client.ErrDocument) {
		t.Error(err)
	}
}
