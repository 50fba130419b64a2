package e2e

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/banks/sandbox"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/store"
)

// traces tells card data from everything else in bytes of any kind.
type traces struct {
	numbers map[string]bool // every card number that a test enters
	lengths []int
	names   [][]byte
	code    []byte
}

// cardTraces are what the payers of these tests enter.
var cardTraces = func() traces {
	t := traces{numbers: map[string]bool{strings.ReplaceAll(plainCard, " ", ""): true}, names: [][]byte{[]byte(holder)}, code: []byte(cvc)}
	for _, c := range sandbox.Table {
		t.numbers[c.Card()] = true
	}
	for n := range t.numbers {
		if !slices.Contains(t.lengths, len(n)) {
			t.lengths = append(t.lengths, len(n))
		}
	}
	return t
}()

// How card data may be wrapped.
const (
	deepest    = 2  // a message in base64 in a document in base64
	shortHex   = 24 // characters; a card number has at least twelve digits
	shortBase  = 16
	textAround = 3 // bytes on either side that make a place text
)

// in returns what card data stand in the bytes, plainly, with separators, in
// hexadecimal or in base64.
func (t traces) in(data []byte) []string {
	found := make(map[string]bool)
	t.search(data, deepest, found)
	return slices.Sorted(maps.Keys(found))
}

func (t traces) search(data []byte, deep int, found map[string]bool) {
	t.digits(data, found)
	for _, name := range t.names {
		if bytes.Contains(data, name) {
			found["the holder's name"] = true
		}
	}
	t.codes(data, found)
	if deep == 0 {
		return
	}
	for run := range runs(data, isHex, shortHex) {
		for from := range 2 { // whichever half of a byte it begins with
			b := make([]byte, len(run)/2)
			n, _ := hex.Decode(b, run[from:len(run)-(len(run)-from)%2])
			t.search(b[:n], 0, found)
		}
	}
	for run := range runs(data, isBase64, shortBase) {
		standard := bytes.Map(func(r rune) rune {
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, run)
		for from := range 4 { // whichever sextet it begins with
			part := standard[from:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			b := make([]byte, base64.RawStdEncoding.DecodedLen(len(part)))
			n, _ := base64.RawStdEncoding.Decode(b, part)
			t.search(b[:n], deep-1, found)
		}
	}
}

// runs yields stretches of bytes of a class that are not shorter than that.
func runs(data []byte, class [256]bool, short int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for i := 0; i < len(data); i++ {
			from := i
			for i < len(data) && class[data[i]] {
				i++
			}
			if i-from >= short && !yield(data[from:i]) {
				return
			}
		}
	}
}

func class(members string) (c [256]bool) {
	for i := range len(members) {
		c[members[i]] = true
	}
	return c
}

const (
	decimals = "0123456789"
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

var (
	isDigit  = class(decimals)
	isHex    = class(decimals + "abcdefABCDEF")
	isBase64 = class(decimals + letters + "+/-_")
	// What may stand between the digits of a card number; zeros, for UTF-16.
	isBetween = class(" -.\x00\xa0\xc2\n")
	// Beside these the digits are a part of something else: of a longer number,
	// a UUID, a fraction of a second, a text in base64.
	isPart = class(decimals + letters + "-._+/")
)

// digits looks for card numbers among the digits, with at most two separators
// in a row between them.
func (t traces) digits(data []byte, found map[string]bool) {
	run := make([]byte, 0, 64)
	gap := 0
	for i := 0; ; i++ {
		switch {
		case i < len(data) && isDigit[data[i]]:
			run, gap = append(run, data[i]), 0
			continue
		case i < len(data) && len(run) > 0 && gap < 2 && isBetween[data[i]]:
			gap++
			continue
		}
		for _, n := range t.lengths {
			for from := 0; from+n <= len(run); from++ {
				if t.numbers[string(run[from:from+n])] {
					found["card number …"+string(run[from+n-4:from+n])] = true
				}
			}
		}
		if run, gap = run[:0], 0; i >= len(data) {
			return
		}
	}
}

// codes looks for the security code where it is a value of its own in a text.
// It begins with a zero, which no number does that a program prints; within
// UUIDs, fractions, base64 and ciphertext its four digits come by chance.
func (t traces) codes(data []byte, found map[string]bool) {
	for i := 0; ; i++ {
		n := bytes.Index(data[i:], t.code)
		if n < 0 {
			return
		}
		i += n
		before, after := data[max(0, i-textAround):i], data[i+len(t.code):min(len(data), i+len(t.code)+textAround)]
		alone := (len(before) == 0 || !isPart[before[len(before)-1]]) && (len(after) == 0 || !isPart[after[0]])
		if alone && isText(before) && isText(after) {
			found["security code"] = true
		}
	}
}

func isText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c != '\n' && c != '\t' && (c < ' ' || c > '~') })
}

// The scan finds what it looks for, however it is wrapped, and takes nothing
// else for it.
//
// GW-P31
func TestCardDataWouldBeFound(t *testing.T) {
	number := strings.ReplaceAll(plainCard, " ", "")
	wide := strings.Join(strings.Split(number, ""), "\x00")
	wrapped := base64.StdEncoding.EncodeToString([]byte(`<m>` + base64.StdEncoding.EncodeToString([]byte(`<card>`+number+`</card>`)) + `</m>`))
	for _, text := range []string{
		number, "x" + number + "y", "99" + number + "7", plainCard, strings.ReplaceAll(plainCard, " ", "-"), strings.ReplaceAll(plainCard, " ", "\u00a0"), wide,
		hex.EncodeToString([]byte(number)), "a" + strings.ToUpper(hex.EncodeToString([]byte("card "+number))), `\x` + hex.EncodeToString([]byte(plainCard)),
		base64.StdEncoding.EncodeToString([]byte(number)), "qq" + base64.URLEncoding.EncodeToString([]byte("1"+number)), wrapped,
		sandbox.Table[3].Card(), holder, "\x00\x01" + holder,
		cvc, `{"cvc":"` + cvc + `"}`, "cvc=" + cvc + "&x=1", "<cvc>" + cvc + "</cvc>", hex.EncodeToString([]byte("<card><cvc>" + cvc + "</cvc>")),
		base64.StdEncoding.EncodeToString([]byte("card-cvc=" + cvc)),
	} {
		if len(cardTraces.in([]byte(text))) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	for _, text := range []string{
		"4929123456781237", "492912******1236", "1" + cvc, cvc + "1", "0b6c1e0a-" + cvc + "-4d5e-9a51-0d5a60a6a001", "10:11:12." + cvc, "\xf1\x02" + cvc + "\x99", "",
	} {
		if found := cardTraces.in([]byte(text)); len(found) > 0 {
			t.Errorf("%v found in %q", found, text)
		}
	}
}

// metrics is what the gateway tells whoever watches it.
func (h *hall) metrics() string {
	h.t.Helper()
	_, text := h.probe("/metrics")
	if !strings.Contains(text, "tolem_") {
		h.t.Errorf("no metrics: %.200s", text)
	}
	return text
}

// checkNoCards looks for card data in everything that the gateway, which does
// not run any more, has left behind, and then plants some, to be found.
func (h *hall) checkNoCards(database string, since time.Time, metrics string) {
	h.t.Helper()
	begin := time.Now()
	size, places := int64(0), make(map[string]int)
	found := h.traces(cardTraces, database, since, metrics, func(place string, data []byte) {
		kind, _, _ := strings.Cut(place, " ")
		places[kind]++
		size += int64(len(data))
	})
	for _, f := range found {
		h.t.Errorf("card data: %s", f)
	}
	h.t.Logf("%d MiB looked through in %v: %v", size>>20, time.Since(begin).Round(time.Millisecond), places)
	for _, kind := range []string{"file", "table", "log", "metrics", "message", "export", "document", "book"} {
		if places[kind] == 0 {
			h.t.Errorf("nothing was looked through of the kind %s", kind)
		}
	}
	h.plant(database, since, metrics)
}

// plant puts card data where a mistake might, and wants them found there. It is
// a card of its own: the server's log of changes is that of other tests too.
func (h *hall) plant(database string, since time.Time, metrics string) {
	h.t.Helper()
	number := fmt.Sprintf("49%013d", rand.Int64N(1e13))
	for digit := range 10 {
		if _, err := tolem.NewCard(fmt.Sprint(number, digit), expiry, holder, cvc, time.Now()); err == nil {
			number = fmt.Sprint(number, digit)
			break
		}
	}
	planted := traces{numbers: map[string]bool{number: true}, lengths: []int{len(number)}, code: []byte(cvc)}
	h.command("service", "add", "--code", "PLANTED", "--provider", provider, "--name", "Card "+number)
	p := h.openPast(database)
	p.now.Store(time.Now().UnixMicro())
	p.update(func(tx *store.Tx) error {
		return p.evidence.Add(tx, archive.Record{
			ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Raw: []byte(`{"card":{"cvc":"` + cvc + `"}}`),
		})
	})
	p.close()
	card := "card number …" + number[len(number)-4:]
	want := map[string]string{"table service": card, "message": "security code"}
	if strings.HasPrefix(database, "sqlite:") {
		want["file "+filepath.Base(strings.TrimPrefix(database, "sqlite:"))] = card
	}
	found := h.traces(planted, database, since, metrics, func(string, []byte) {})
	for place, what := range want {
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, place) && strings.Contains(f, what) }) {
			h.t.Errorf("%s was planted in %s and is not found: %v", what, place, found)
		}
	}
}

// traces goes through every place and returns where the card data stand. Seen is
// told of every place.
func (h *hall) traces(what traces, database string, since time.Time, metrics string, seen func(place string, data []byte)) (found []string) {
	h.t.Helper()
	at := func(place string, data []byte) {
		seen(place, data)
		if seen := what.in(data); len(seen) > 0 {
			found = append(found, fmt.Sprintf("%s: %v", place, seen))
		}
	}
	h.eachFile(h.dir, time.Time{}, at)
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		h.eachFile(filepath.Dir(path), time.Time{}, at)
	} else {
		h.eachServerFile(database, since, at)
	}
	h.eachValue(database, at)
	at("log", []byte(h.written()))
	at("metrics", []byte(metrics))
	h.eachMessage(database, at)
	for id, b := range h.tellers {
		book, err := json.Marshal(b.Entries())
		if err != nil {
			h.t.Fatal(err)
		}
		at("book of "+string(id), book)
	}
	return found
}

func (h *hall) eachFile(dir string, since time.Time, at func(string, []byte)) {
	h.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.ModTime().Before(since) {
			return nil // gone, or older than these tests
		}
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		at("file "+d.Name(), content)
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
}

// eachServerFile goes through the files of the database server that were
// written since, its log among them, if they may be read here.
func (h *hall) eachServerFile(database string, since time.Time, at func(string, []byte)) {
	h.t.Helper()
	db := openRaw(h.t, database)
	defer db.Close()
	var folder string
	for _, q := range []string{"CHECKPOINT", "SHOW data_directory"} {
		if err := db.QueryRowContext(h.t.Context(), q).Scan(&folder); err != nil && q != "CHECKPOINT" {
			h.t.Fatal(err)
		}
	}
	if _, err := os.ReadDir(folder); err != nil {
		h.t.Logf("the files of the server cannot be read here, its tables are: %v", err)
		return
	}
	h.eachFile(folder, since, at)
}

// eachValue goes through every value of every table, numbers written out.
func (h *hall) eachValue(database string, at func(string, []byte)) {
	h.t.Helper()
	db := openRaw(h.t, database)
	defer db.Close()
	for _, table := range tables(h.t, db, database) {
		rows, err := db.QueryContext(h.t.Context(), `SELECT * FROM `+table)
		if err != nil {
			h.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			h.t.Fatal(err)
		}
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				h.t.Fatal(err)
			}
			for i, v := range values {
				at("table "+table+", "+columns[i], v)
			}
		}
		if err := rows.Err(); err != nil {
			h.t.Fatal(err)
		}
		_ = rows.Close()
	}
}

// eachMessage opens every message that is kept, and has some exported.
func (h *hall) eachMessage(database string, at func(string, []byte)) {
	h.t.Helper()
	p := h.openPast(database)
	defer p.close()
	exported := 0
	err := p.evidence.Walk(h.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		for _, r := range records {
			at(fmt.Sprintf("message %s of %s", r.Operation, r.Participant), r.Raw)
			rest := r
			rest.Raw = nil
			at("message record", fmt.Appendf(nil, "%+v", rest))
			if exported < exports && r.Operation == "AuthorizeCard" {
				exported++
				at("export of a message", command(h.t, "archive", "export", "--config", h.config, "--code", r.Code.String(), "--id", r.ID.String()))
			}
		}
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
	for _, d := range h.documents {
		at("document "+d.name, d.content)
	}
}

// exports is how many messages are exported with the program, which takes its
// time; what an export holds is what was looked through anyway.
const exports = 5

// document is what the gateway hands out of a day.
type document struct {
	name    string
	content []byte
}

// checkDays closes the days of the test under a clock of tomorrow: the registers
// of banks come to what the banks have taken and notified, and the doctor finds
// nothing. Their documents are kept to be looked through.
func (h *hall) checkDays(database string) {
	h.t.Helper()
	p := h.openPast(database)
	defer p.close()
	today := p.calendar.DayOf(time.Now())
	p.now.Store(p.calendar.Start(today + 1).Add(2 * time.Hour).UnixMicro())
	directory, err := banks.Open(h.t.Context(), p.db)
	if err != nil {
		h.t.Fatal(err)
	}
	signer, err := signing.LoadSigner(h.path("keys", "signing-rsa.pem"), h.path("keys", "signing-rsa.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	r := registry.New(registry.Config{
		Calendar: p.calendar, FinalAfter: 3, Operator: "Operator", ClaimsDueAfter: 2, Language: form.Language("ru"), Currency: tolem.KZT,
		Folder: h.t.TempDir(), Clock: p.time,
	}, p.db, p.evidence, directory, signer)
	sums := make(map[string]sandbox.Sum)
	first, found, err := r.FirstOpen(h.t.Context())
	if err != nil || !found {
		h.t.Fatalf("no day to close: %v", err)
	}
	for day := first; day <= today; day++ {
		if _, err := r.Seal(h.t.Context(), day, nil); err != nil {
			h.t.Fatal(err)
		}
		owners, err := r.Owners(h.t.Context(), day)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, o := range owners {
			s := h.registerOf(r, o, day)
			sums[o.ID] = sandbox.Sum{Count: sums[o.ID].Count + s.Count, Minor: sums[o.ID].Minor + s.Minor}
		}
	}
	for bank, b := range h.tellers {
		var notified sandbox.Sum
		for _, e := range b.Entries() {
			if e.State == sandbox.Approved && !neverNotified(e) {
				notified.Count, notified.Minor = notified.Count+1, notified.Minor+e.Minor
			}
		}
		if sums[string(bank)] != notified {
			h.t.Errorf("the registers of %s come to %+v, its book to %+v", bank, sums[string(bank)], notified)
		}
	}
	if out, code := h.try("doctor", "--from", first.String(), "--to", today.String()); code != 0 || !strings.Contains(out, " 0 findings") {
		h.t.Errorf("the doctor ends with %d: %s", code, out)
	}
}

// registerOf forms a register, keeps its documents, and returns what was paid.
func (h *hall) registerOf(r *registry.Registry, o tolem.Owner, day tolem.Day) (paid sandbox.Sum) {
	h.t.Helper()
	reg, err := r.Build(h.t.Context(), o, day, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for row, err := range r.Rows(h.t.Context(), reg) {
		if err != nil {
			h.t.Fatal(err)
		}
		if row.Kind == tolem.RowPayment {
			paid.Count, paid.Minor = paid.Count+1, paid.Minor+row.Amount.Minor
		}
	}
	for _, f := range tolem.Forms {
		d, err := r.Document(h.t.Context(), reg, f)
		if err != nil {
			h.t.Fatal(err)
		}
		content, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size))
		if err != nil {
			h.t.Fatal(err)
		}
		_ = d.Close()
		h.documents = append(h.documents, document{d.Name, content})
		for _, inner := range inflated(content) {
			h.documents = append(h.documents, document{d.Name + " inflated", inner})
		}
	}
	return paid
}

// inflated returns what is compressed in a document: the files of a workbook,
// the streams of a PDF.
func inflated(content []byte) (parts [][]byte) {
	if archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err == nil {
		for _, f := range archive.File {
			if r, err := f.Open(); err == nil {
				b, _ := io.ReadAll(r)
				parts = append(parts, b)
				_ = r.Close()
			}
		}
	}
	if bytes.HasPrefix(content, []byte("%PDF")) {
		for rest := content; ; {
			_, after, ok := bytes.Cut(rest, []byte("stream\n"))
			if !ok {
				break
			}
			if r, err := zlib.NewReader(bytes.NewReader(after)); err == nil {
				b, _ := io.ReadAll(r)
				parts = append(parts, b)
			}
			rest = after
		}
	}
	return parts
}
