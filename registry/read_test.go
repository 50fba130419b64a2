package registry

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tolem"
	"tolem/signing/c14n"
)

// document writes rows as a register has them.
func document(day tolem.Day, rows ...string) string {
	return `<register xmlns="urn:tolem:register:v1"><number>B-20261121-BANK-A-1</number><kind>bank</kind><ownerId>BANK-A</ownerId><day>` + day.String() +
		`</day><revision>1</revision><rows>` + strings.Join(rows, "") + `</rows><totals><rowCount>` + fmt.Sprint(len(rows)) + `</rowCount></totals></register>`
}

func readAll(document string) (rows []tolem.RegisterRow, reg tolem.Register, err error) {
	reg, err = ReadRegister(strings.NewReader(document), func(r tolem.RegisterRow) error {
		rows = append(rows, r)
		return nil
	})
	return rows, reg, err
}

// Rows are read alike by both readers: a space behind a start tag leaves a row
// to the decoder of XML and changes nothing.
func TestPlainRowsAreReadAsTheDecoderDoes(t *testing.T) {
	day := tolem.DayOf(2026, time.November, 21)
	at := time.Date(2026, 11, 21, 9, 30, 15, 120_000_000, time.UTC)
	row := func(t *rapid.T, line int) string {
		r := tolem.RegisterRow{
			Line: line, Kind: rapid.SampledFrom(tolem.RowKinds).Draw(t, "kind"), Code: 1234567890123456, Bank: "BANK-A",
			Branch:  tolem.ParticipantID(rapid.SampledFrom([]string{"", "A-1"}).Draw(t, "branch")),
			BankRef: tolem.BankRef(rapid.SampledFrom([]string{"R-1", " led", "a & b", "Ұ", "<row>", "]]>", "'\""}).Draw(t, "reference")),
			Service: "TAX-1", Provider: "TAX", Channel: tolem.ChannelATM, Amount: tolem.Money{Minor: rapid.Int64Range(1, 1e9).Draw(t, "amount"), Currency: tolem.KZT},
			PaidAt: at, ReceivedAt: at.Add(time.Second), At: at.Add(time.Minute), State: tolem.StatePaid, Belongs: day - tolem.Day(rapid.IntRange(0, 1).Draw(t, "late")),
		}
		var b c14n.Builder
		appendRow(&b, r, day)
		return string(b.Bytes)
	}
	rapid.Check(t, func(t *rapid.T) {
		var plain, spaced []string
		for line := range rapid.IntRange(0, 5).Draw(t, "rows") {
			text := row(t, line+1)
			if rapid.IntRange(0, 4).Draw(t, "spoil") == 0 { // something is wrong, or only unusual
				from := rapid.IntRange(len("<row>"), len(text)-len("</row>")).Draw(t, "from")
				text = text[:from] + rapid.SampledFrom([]string{"", "<", ">", "&amp;", " ", "\n", "x", "</row>", "<a/>", "<!-- -->", "<b>c</b>"}).Draw(t, "in") +
					text[min(len(text), from+rapid.IntRange(0, 2).Draw(t, "out")):]
			}
			plain, spaced = append(plain, text), append(spaced, strings.Replace(text, "<row>", "<row >", 1))
		}
		rows, reg, err := readAll(document(day, plain...))
		want, wantReg, wantErr := readAll(document(day, spaced...))
		if (err == nil) != (wantErr == nil) || errors.Is(err, ErrDocument) != errors.Is(wantErr, ErrDocument) {
			t.Fatalf("got %v, want %v", err, wantErr)
		}
		if !reflect.DeepEqual(rows, want) || err == nil && !reflect.DeepEqual(reg, wantReg) {
			t.Fatalf("got %+v\n%+v\nwant %+v\n%+v", reg, rows, wantReg, want)
		}
	})
}

// An error of the function ends the reading, whichever reader has the row.
func TestReadingEndsWithTheFunction(t *testing.T) {
	day := tolem.DayOf(2026, time.November, 21)
	stop := errors.New("stop")
	for _, space := range []string{"", " "} {
		row := "<row" + space + "><line>1</line><kind>PAYMENT</kind><paymentCode>1234567890123456</paymentCode><amount>1.00</amount><currency>KZT</currency></row>"
		if _, err := ReadRegister(strings.NewReader(document(day, row, row)), func(tolem.RegisterRow) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("%q: %v", space, err)
		}
	}
}
