package archive

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"tolem"
)

// noDocuments knows no documents: for records without certificates.
type noDocuments struct{}

func (noDocuments) named([refSize]byte) (id, data []byte, err error) { return nil, nil, ErrAltered }

// Whatever a message looks like, it comes back byte for byte, with all that is
// recorded of it.
func TestPackingLosesNothing(t *testing.T) {
	p, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		code := tolem.CodeNumber(rapid.SampledFrom([]int64{0, 1234567890123456}).Draw(t, "code"))
		records := rapid.SliceOfN(drawRecord(code), 1, maxRecords).Draw(t, "records")
		x, _, err := p.pack(append([]Record{}, records...))
		if err != nil {
			t.Fatal(err)
		}
		defer p.release(x)
		got, err := p.unpack(bytes.Clone(x.plain), code, records[len(records)-1].ID, noDocuments{})
		if err != nil || len(got) != len(records) {
			t.Fatalf("%d records, %v", len(got), err)
		}
		for i := range records {
			want, _ := entryLeaf(nil, records[i:i+1])
			have, _ := entryLeaf(nil, got[i:i+1])
			if want != have {
				t.Fatalf("record %d: %+v, want %+v", i, got[i], records[i])
			}
		}
	})
}

// drawRecord draws messages of pieces that the packer looks for, in forms it
// knows and in forms that come close.
func drawRecord(code tolem.CodeNumber) *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		at := time.UnixMicro(rapid.Int64Range(1, 1<<51).Draw(t, "at")).UTC()
		id := NewMessageID(at.Add(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "skew"))))
		request := rapid.SampledFrom([]string{"", "not a uuid", NewMessageID(at).String(), strings.ToUpper(NewMessageID(at).String())}).Draw(t, "request")
		random := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "random")
		b64 := base64.StdEncoding.EncodeToString(random)
		text := rapid.SampledFrom([]string{
			"", ">", "<", "</a><b>", "<soap:Body wsu:Id=\"Body\">", b64, b64[:len(b64)/2], lines(b64, 64, false), lines(b64, 76, true), lines(b64, 5, true), "\n" + b64 + "\n",
			b64 + "\n\n", "&#13;" + b64, request, code.String(), at.Format(time.RFC3339), at.Format("2006-01-02T15:04:05.000Z"), at.Format("2006-01-02T15:04:05.000000000Z"),
			at.Format("2006-01-02t15:04:05z"), "2026-02-30T25:61:00Z", "2016-12-31T23:59:60.5Z", string(random), "аәбвгғдеёжзийкқлм", "0000000000000000",
		})
		var raw strings.Builder
		for _, piece := range rapid.SliceOfN(text, 0, 12).Draw(t, "pieces") {
			raw.WriteString(rapid.SampledFrom([]string{"", "<x>"}).Draw(t, "open") + piece + rapid.SampledFrom([]string{"", "</x>"}).Draw(t, "close"))
		}
		return Record{
			ID: id, Direction: Direction(rapid.IntRange(1, 3).Draw(t, "direction")), At: at, Code: code, Raw: []byte(raw.String()),
			Participant: tolem.ParticipantID(rapid.SampledFrom([]string{"", "bank-a"}).Draw(t, "participant")),
			Operation:   tolem.Operation(rapid.SampledFrom([]string{"", "NotifyPayment", "Unheard"}).Draw(t, "operation")),
			RequestID:   tolem.RequestID(request), Class: "refused", // no certificate is looked for
		}
	})
}

func lines(s string, width int, trail bool) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + "\n")
		s = s[width:]
	}
	b.WriteString(s)
	if trail {
		b.WriteByte('\n')
	}
	return b.String()
}

// Bytes that pack did not write are refused, whatever they are.
func FuzzUnpack(f *testing.F) {
	p, err := newPacker()
	if err != nil {
		f.Fatal(err)
	}
	x, _, err := p.pack([]Record{{Direction: In, Class: "x", Raw: []byte("<a>" + strings.Repeat("AAAA", 20) + "</a>")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(x.plain))
	f.Fuzz(func(t *testing.T, plain []byte) {
		records, err := p.unpack(plain, 0, MessageID{}, noDocuments{})
		if err == nil && (len(records) == 0 || len(records) > maxRecords) {
			t.Errorf("%d records", len(records))
		}
	})
}

// The frontier gives the same roots as the reference implementation.
func TestFrontierAgreesWithTlog(t *testing.T) {
	edge := &frontier{}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for n := range int64(300) {
		leaf := tlog.RecordHash([]byte{byte(n), byte(n >> 8)})
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		edge.append(leaf)
		parsed, err := parseFrontier(edge.size, edge.bytes())
		if err != nil {
			t.Fatal(err)
		}
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.root(); err != nil || got != want {
			t.Fatalf("root of %d leaves: %v, %v", n+1, got, err)
		}
	}
}

// Every byte of a checkpoint counts, the unused bits of its Base64 included.
func TestCheckpointHasOneSpelling(t *testing.T) {
	key, public, err := note.GenerateKey(rand.Reader, "tolem.test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Head{Origin: "tolem.test", Size: 42, Root: tlog.RecordHash(nil)}.sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := OpenCheckpoint(signed, verifier); err != nil || h.Size != 42 {
		t.Fatalf("%+v, %v", h, err)
	}
	for i := range signed {
		for b := range 256 {
			changed := bytes.Clone(signed)
			changed[i] = byte(b)
			if _, err := OpenCheckpoint(changed, verifier); err == nil && byte(b) != signed[i] {
				t.Fatalf("byte %d: %q for %q passes", i, byte(b), signed[i])
			}
		}
	}
}
