package archive_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
)

// WP-595: what is written down of a payment at a desk is read back as it was.
func TestDeskDocument(t *testing.T) {
	azn := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }
	at := time.Date(2026, 11, 22, 6, 0, 0, 123_000, time.UTC)
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, fee := range []tolem.Money{{}, azn(20)} {
		p := tolem.Payment{
			Code: number, Bank: "KAPITAL", BankRef: "0000000007", Amount: azn(12_50), PaidAt: at, ReceivedAt: at, Channel: tolem.ChannelDesk,
			Recipient: "990240001237", RecipientName: "Azərsu <İdarəsi> & Ə", Service: "SUPPLY", Provider: "AZERSU", Account: "A-1", NotifiedBy: "KAPITAL",
			Branch: "GNC01", Fee: fee,
		}
		raw, err := archive.DeskDocument(p, tolem.DeskPayment{
			ID: "id", By: "person", Asan: true, Fee: tolem.Money{Minor: fee.Minor, Currency: tolem.AZN}, CardWrite: tolem.CardWritePending, Invoice: "7",
		})
		if err != nil || !bytes.HasPrefix(raw, []byte(archive.DeskPrefix)) {
			t.Fatalf("%s, %v", raw, err)
		}
		for _, part := range []string{"<operatorId>person</operatorId>", "<cardWrite>pending</cardWrite>", "<receiptNo>0000000007</receiptNo>", "<invoice>7</invoice>"} {
			if !bytes.Contains(raw, []byte(part)) {
				t.Errorf("%s lacks %s", raw, part)
			}
		}
		if back, err := archive.ReadDesk(raw); err != nil || back != p {
			t.Errorf("read back as %+v, %v", back, err)
		}
	}
	if _, err := archive.ReadDesk([]byte("<deskPayment>")); err == nil {
		t.Error("half a document was read")
	}
}
