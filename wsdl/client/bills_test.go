package client_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

const billsTaken = "<batchId>0b9a2f6e-8f0a-4d0e-9a55-27d1a3a9d001</batchId><accounts>2</accounts><taken>1</taken><same>1</same><older>0</older>"

func billBatch() client.BillBatch {
	azn := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }
	return client.BillBatch{
		AsOf: time.Now(), PaidUntil: time.Now().Add(-time.Hour), Currency: tolem.AZN,
		Accounts: []tolem.Snapshot{
			{
				Account:     tolem.AccountID{Number: "A-100"},
				Particulars: tolem.Particulars{Holder: "Ə & B", Address: "Bakı", Details: []tolem.Detail{{Label: "Sayğac", Value: "7"}, {Label: "Qeyd"}}},
				Bills:       []tolem.Bill{{Service: "LIGHT", Invoice: "7", Period: "2026-10", Amount: azn(1250)}, {Service: "FINE", Amount: azn(1)}},
			},
			{Account: tolem.AccountID{Number: "A-200"}, Closed: true},
		},
	}
}

func TestSubmitBills(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	c := gw.client(nil)
	got, err := c.SubmitBills(t.Context(), billBatch())
	if err != nil || got.Accounts != 2 || got.Taken != 1 || got.Same != 1 || got.Older != 0 || got.Batch == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if body := gw.seen()[0].Body; !strings.Contains(body, "<amount>12.50</amount>") || !strings.Contains(body, "<closed>true</closed>") {
		t.Error(body)
	}
	for _, b := range []client.BillBatch{{}, {AsOf: time.Now(), Currency: tolem.AZN}, {AsOf: time.Now(), Currency: tolem.AZN, Accounts: make([]tolem.Snapshot, 1)}} {
		if _, err := c.SubmitBills(t.Context(), b); !errors.Is(err, client.ErrMissing) {
			t.Errorf("%+v: %v", b, err)
		}
	}
	gw.respond = func(w http.ResponseWriter, r request) {
		rejected := "<rejected><no>2</no><code>CLOSED_OWES</code><text>a closed account has no bills</text></rejected>"
		gw.send(w, http.StatusOK, r, gw.signed(r, time.Now(), payload(r, "BILLS_REFUSED", rejected)))
	}
	_, err = c.SubmitBills(t.Context(), billBatch())
	var refusal *client.Refusal
	want := []client.RejectedAccount{{No: 2, Problem: tolem.ProblemClosed, Text: "a closed account has no bills"}}
	if !errors.As(err, &refusal) || refusal.Code != tolem.BillsRefused || !slices.Equal(refusal.Rejected, want) {
		t.Errorf("%v", err)
	}
}
