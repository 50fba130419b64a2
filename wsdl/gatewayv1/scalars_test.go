package gatewayv1

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"
)

// A float64 would write the second as 1e+06 and round the last.
func TestAmountsKeepEveryDigit(t *testing.T) {
	for _, text := range []string{"0.01", "1000000.00", "1200", "12.5", "1000000000000.00", "9007199254740.93"} {
		a := Amount(text)
		out, err := xml.Marshal(IssueCode{Amount: &a})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), ">"+text+"</amount>") {
			t.Errorf("%s is written as %s", text, out)
		}
		var back IssueCode
		if err := xml.Unmarshal(out, &back); err != nil || *back.Amount != a {
			t.Errorf("%s came back as %v, %v", text, back.Amount, err)
		}
	}
}

func TestBadAmountsAreErrors(t *testing.T) {
	for _, text := range []string{"", "1e+06", "-1.00", "+1.00", ".50", "1.", "1.001", "1,00", "NaN", " 1.00", "٣.00", "10000000000000.00"} {
		if err := new(Amount).UnmarshalText([]byte(text)); !errors.Is(err, ErrBadAmount) {
			t.Errorf("%q read: %v", text, err)
		}
		if _, err := Amount(text).MarshalText(); !errors.Is(err, ErrBadAmount) {
			t.Errorf("%q written: %v", text, err)
		}
	}
}

func TestTimestamps(t *testing.T) {
	want := time.Date(2026, 11, 22, 4, 5, 6, 123456000, time.UTC)
	for _, text := range []string{"2026-11-22T04:05:06.123456Z", "2026-11-22T09:05:06.123456+05:00", "2026-11-22T09:35:06.1234560+05:30", "2026-11-21T23:05:06.123456-05:00"} {
		var ts Timestamp
		if err := ts.UnmarshalText([]byte(text)); err != nil || !ts.Equal(want) {
			t.Errorf("%s is %v, %v", text, ts, err)
		}
	}
	for zone, offset := range map[string]int{"UTC": 0, "+05": 5 * 3600, "-03:30": -12600} {
		out, err := Timestamp{want.In(time.FixedZone(zone, offset))}.MarshalText()
		if err != nil || string(out) != "2026-11-22T04:05:06.123456Z" {
			t.Errorf("in zone %s: %s, %v", zone, out, err)
		}
	}
	if out, _ := (Timestamp{want.Truncate(time.Second)}).MarshalText(); string(out) != "2026-11-22T04:05:06Z" {
		t.Errorf("whole second: %s", out)
	}
}

// gowsdl's own type takes these for the zero time and says nothing.
func TestBadTimestampsAreErrors(t *testing.T) {
	for _, text := range []string{"", "yesterday", "2026-11-22", "2026-11-22T04:05:06", "2026-02-30T04:05:06Z", "2026-11-22T24:05:06Z",
		"2026-11-22T4:05:06Z", "2026-11-22T04:05:06,5Z", "2026-11-22 04:05:06Z", "2026-11-22T04:05:06+5:00", "-2026-11-22T04:05:06Z"} {
		if err := new(Timestamp).UnmarshalText([]byte(text)); !errors.Is(err, ErrBadTimestamp) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, bad := range []time.Time{{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := (Timestamp{bad}).MarshalText(); !errors.Is(err, ErrBadTimestamp) {
			t.Errorf("%v was written: %v", bad, err)
		}
	}
}

func TestBinaryIsBase64(t *testing.T) {
	const answer = `<GetReceiptResponse xmlns="urn:tolem:gateway:v1"><receipt>PGE+
	0pbRqTwvYT4=</receipt></GetReceiptResponse>`
	var got GetReceiptResponse
	if err := xml.Unmarshal([]byte(answer), &got); err != nil || string(got.Receipt) != "<a>Җѩ</a>" {
		t.Errorf("receipt is %q, %v", got.Receipt, err)
	}
	out, err := xml.Marshal(got)
	if err != nil || !strings.Contains(string(out), ">PGE+0pbRqTwvYT4=</receipt>") {
		t.Errorf("written as %s, %v", out, err)
	}
	if err := new(Binary).UnmarshalText([]byte("not base64!")); !errors.Is(err, ErrBadBinary) {
		t.Errorf("bad base64: %v", err)
	}
}

// An element of the right name in another namespace is another element.
func TestForeignNamespaceIsNotRead(t *testing.T) {
	const answer = `<IssueCodeResponse xmlns="urn:tolem:gateway:v1"><x:resultCode xmlns:x="urn:other">OK</x:resultCode></IssueCodeResponse>`
	var got IssueCodeResponse
	if err := xml.Unmarshal([]byte(answer), &got); err != nil || got.ResultCode != nil {
		t.Errorf("result code %v, %v", got.ResultCode, err)
	}
	if err := xml.Unmarshal([]byte(`<IssueCodeResponse xmlns="urn:other"/>`), &got); err == nil {
		t.Error("an answer in another namespace was read")
	}
}
