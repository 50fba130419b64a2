package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

const registerNumber tolem.RegisterNumber = "B-20261121-BANK1-1"

// registerFields is the head of a register as the gateway writes it.
const registerFields = "<number>B-20261121-BANK1-1</number><kind>bank</kind><ownerId>BANK1</ownerId><day>2026-11-21</day>" +
	"<from>2026-11-20T19:00:00Z</from><to>2026-11-21T19:00:00Z</to><revision>1</revision><hash>" + noHash + "</hash>" +
	"<formedAt>2026-11-21T20:00:00Z</formedAt><finalAfter>2026-11-26T19:00:00Z</finalAfter><standing>OPEN</standing><rowCount>2</rowCount>" +
	"<discrepancyCount>1</discrepancyCount><grandTotal><currency>KZT</currency>" + registerSum + "</grandTotal>"

const (
	registerSum = "<count>1</count><amount>1200.00</amount><refundCount>2</refundCount><refundAmount>1200.05</refundAmount><net>-0.05</net>"
	noHash      = "00000000000000000000000000000000000000000000000000000000000000ff"
)

func registerRows() string {
	return "<rows><row><line>1</line><kind>PAYMENT</kind>" + codeField() + "<bankId>BANK1</bankId><branchId>ALM01</branchId><bankRef>a &amp; b</bankRef>" +
		"<serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId><channel>ATM</channel><amount>1200.00</amount><currency>KZT</currency><fee>12.50</fee>" +
		"<paidAt>2026-11-21T04:05:06Z</paidAt><receivedAt>2026-11-21T04:05:07Z</receivedAt><state>PAID</state></row>" +
		"<row><line>2</line><kind>REFUND</kind>" + codeField() + "<bankId>BANK1</bankId><bankRef>b</bankRef>" +
		"<serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId><channel>ATM</channel><amount>1200.00</amount><currency>KZT</currency>" +
		"<paidAt>2026-11-20T04:05:06Z</paidAt><receivedAt>2026-11-20T04:05:07Z</receivedAt><refundedAt>2026-11-21T05:00:00Z</refundedAt>" +
		"<state>REFUNDED</state><belongsTo>2026-11-20</belongsTo></row></rows>"
}

// registerFile is what the canned file holds, in two parts of two pieces.
const registerFile = "line;code\r\n1;2\r\n" // of an even length

// registerAnswer answers GetRegister as it was asked.
func registerAnswer(body string) string {
	head := "<register>" + registerFields + "<total><currency>KZT</currency><serviceCode>PASSPORT</serviceCode><channel>ATM</channel>" + registerSum + "</total></register>"
	if strings.Contains(body, "ROWS<") {
		return head + registerRows() + "<nextLine>3</nextLine>"
	}
	part := 1
	if strings.Contains(body, "part>2<") {
		part = 2
	}
	half := len(registerFile) / 2
	return head + filePart(part, 2, len(registerFile), registerFile[(part-1)*half:][:half])
}

func filePart(part, parts, size int, content string) string {
	half := len(content) / 2
	return fmt.Sprintf("<file><fileName>x.csv</fileName><form>CSV</form><size>%d</size><part>%d</part><parts>%d</parts><content>%s</content><content>%s</content></file>",
		size, part, parts, base64.StdEncoding.EncodeToString([]byte(content[:half])), base64.StdEncoding.EncodeToString([]byte(content[half:])))
}

func TestRegisters(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	c := gw.client(nil)
	day := tolem.DayOf(2026, time.November, 21)

	list, err := c.ListRegisters(t.Context(), client.RegisterQuery{From: day - 7, To: day, Kind: tolem.BankRegister, After: registerNumber})
	if err != nil || len(list.Registers) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	reg := list.Registers[0]
	if reg.Number != registerNumber || reg.Owner != (tolem.Owner{Kind: tolem.BankRegister, ID: "BANK1", Bank: "BANK1"}) || reg.Day != day || reg.Standing != "OPEN" ||
		reg.Hash[31] != 0xff || reg.Totals.Rows != 2 || reg.Totals.Discrepancies != 1 {
		t.Errorf("listed %+v", reg)
	}
	if sum := reg.Sums[tolem.KZT]; sum != (tolem.Sum{Count: 1, Minor: 1200_00, Back: 2, Return: 1200_05}) || sum.Net() != -5 {
		t.Errorf("sums %+v", sum)
	}

	page, err := c.RegisterRows(t.Context(), client.RegisterChoice{Kind: tolem.BankRegister, Day: day}, 2)
	if err != nil || len(page.Rows) != 2 || page.NextLine != 3 || len(page.Register.Totals.By) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if row := page.Rows[0]; row.Line != 1 || row.Code != code || row.Branch != "ALM01" || row.BankRef != "a & b" || row.Fee.Minor != 12_50 || row.Belongs != day ||
		row.At != row.ReceivedAt || row.State != tolem.StatePaid {
		t.Errorf("row %+v", row)
	}
	if row := page.Rows[1]; row.Kind != tolem.RowRefund || row.Belongs != day-1 || row.At.Hour() != 5 || !row.Fee.IsZero() {
		t.Errorf("row %+v", row)
	}

	var file bytes.Buffer
	if reg, err := c.DownloadRegister(t.Context(), registerNumber, tolem.FormCSV, &file); err != nil || file.String() != registerFile || reg.Number != registerNumber {
		t.Errorf("%q, %v", file.String(), err)
	}
	said, err := c.AcknowledgeRegister(t.Context(), registerNumber, []tolem.Objection{{Reason: tolem.RejectAmount, Line: 2, Text: "<1300"}, {Reason: tolem.RejectTotals}})
	if err != nil || said.Standing != "REJECTED" || said.Number != registerNumber || said.At.IsZero() {
		t.Errorf("%+v, %v", said, err)
	}
	if _, err := c.AcknowledgeRegister(t.Context(), registerNumber, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.AcknowledgeRegister(t.Context(), "", nil); !errors.Is(err, client.ErrMissing) {
		t.Error(err)
	}
	if body := gw.seen()[len(gw.seen())-2].Body; !strings.Contains(body, "<verdict>REJECT</verdict>") || !strings.Contains(body, "<line>2</line>") {
		t.Errorf("sent %s", body)
	}
	conforms(t, gw.seen())
}

// What the gateway did not sign, or did not announce, is not handed out.
//
// GW-P26
func TestDownloadIsChecked(t *testing.T) {
	gw := newCounterpart(t)
	content := []byte(`<register xmlns="urn:tolem:register:v1"><number>B-20261121-BANK1-1</number></register>`)
	hash := sha256.Sum256(content)
	signature := must(gw.rsa.SignDigest(hash))
	document := func(content []byte) string {
		return strings.TrimSuffix(string(content), "</register>") + string(signature) + "</register>"
	}
	for name, c := range map[string]struct {
		document string
		size     int
		hash     string
		parts    int
		want     error
	}{
		"sound":           {document: document(content)},
		"altered":         {document: document(bytes.Replace(content, []byte("BANK1"), []byte("BANK2"), 1)), want: client.ErrDocument},
		"another":         {document: document(content), hash: noHash, want: client.ErrDocument},
		"not signed":      {document: string(content), want: client.ErrDocument},
		"too short":       {document: document(content), size: 1 << 20, want: client.ErrDocument},
		"parts of others": {document: document(content), parts: 2, want: client.ErrDocument},
	} {
		t.Run(name, func(t *testing.T) {
			if c.hash == "" {
				c.hash = hex.EncodeToString(hash[:])
			}
			if c.size == 0 {
				c.size = len(c.document)
			}
			gw.respond = func(w http.ResponseWriter, r request) {
				gw.answer(w, r, "<register>"+strings.Replace(registerFields, noHash, c.hash, 1)+"</register>"+filePart(1, max(c.parts, 1), c.size, c.document))
			}
			var out bytes.Buffer
			reg, err := gw.client(nil).DownloadRegister(t.Context(), registerNumber, tolem.FormXML, &out)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if whole := out.String() == c.document; whole != (c.want == nil) || !whole && out.Len() > 0 {
				t.Errorf("%d bytes were handed out", out.Len())
			}
			if c.want == nil && reg.Number != registerNumber {
				t.Errorf("%+v", reg)
			}
		})
	}
}
