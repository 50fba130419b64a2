package client_test

import (
	"context"
	"testing"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

// feedBills is the example of the documentation: a provider says what is owed on
// an account.
func feedBills(ctx context.Context, provider *client.Client, owed tolem.Money) (client.SubmittedBills, error) {
	fed, err := provider.SubmitBills(ctx, client.BillBatch{
		AsOf: time.Now(), Currency: tolem.AZN,
		Accounts: []tolem.Snapshot{{
			Account: tolem.AccountID{Number: "A-100"}, Particulars: tolem.Particulars{Holder: "Əliyev İlham"},
			Bills: []tolem.Bill{{Service: "LIGHT", Invoice: "2026-10/1", Period: "2026-10", Amount: owed}},
		}},
	})
	return fed, err
}

func TestDocumentedExampleOfBills(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	fed, err := feedBills(t.Context(), gw.client(nil), tolem.Money{Minor: 1250, Currency: tolem.AZN})
	if err != nil || fed.Taken != 1 {
		t.Errorf("%+v, %v", fed, err)
	}
	conforms(t, gw.seen())
}
