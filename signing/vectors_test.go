package signing

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tolem"
	"tolem/signing/c14n"
	"tolem/signing/trust"
)

// The vectors in testdata/vectors are recipes. Each says in its head why it is
// there ("why:") and what must become of it ("expect:", a class or ok), and
// then what to change in testdata/base.xml: "edit" before it is signed, so that
// the signature is good and only the profile stands against it, "tamper" after.
// What stands where is said in braces:
//
//	{{Body}}            the first element of that name, as it stands
//	{{saved}}           the element that was last replaced whole
//	{{certificate}}     the signer's, in base64; also {{issuer}}, {{serial}}, {{ski}}
//	{{stranger}}        the certificate of someone who is not registered
//	{{repeat 3 text}}   {{count 3 <a%d/>}}   {{byte 00}}
//	{{der-value}} …     a SignatureValue that is the present one in another form
//
// Further lines of the head: "key:" kind of the key, "at:" the clock after
// Created, "sender:" who signs, "trust:" what the check of trust says,
// "encode:" how the bytes are encoded at last.
type vector struct {
	name, why, expect                string
	key, at, sender, trusted, encode string
	edits                            []edit
}

type edit struct {
	tamper, all bool
	from, to    string
}

func readVectors(t *testing.T) (vectors []*vector) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := &vector{name: strings.TrimSuffix(filepath.Base(file), ".txt"), key: "rsa", at: "0s"}
		if err := v.parse(string(data)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func (v *vector) parse(text string) error {
	sections := strings.Split("\n"+strings.TrimSuffix(text, "\n"), "\n== ")
	for _, line := range strings.Split(strings.TrimSpace(sections[0]), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		field := map[string]*string{
			"why": &v.why, "expect": &v.expect, "key": &v.key, "at": &v.at,
			"sender": &v.sender, "trust": &v.trusted, "encode": &v.encode,
		}[key]
		if field == nil {
			return fmt.Errorf("unknown line %q", line)
		}
		*field = value
	}
	if v.why == "" || v.expect == "" {
		return errors.New("no why or no expect")
	}
	for i := 1; i+1 < len(sections); i += 2 {
		kind, from, _ := strings.Cut(sections[i], "\n")
		to, text, _ := strings.Cut(sections[i+1], "\n")
		if to != "to" {
			return fmt.Errorf("section %q without a to", kind)
		}
		v.edits = append(v.edits, edit{strings.HasPrefix(kind, "tamper"), strings.HasSuffix(kind, " all"), from, text})
	}
	return nil
}

// bench holds what the vectors share.
type bench struct {
	ids      map[string]*identity
	stranger *identity
}

func (b *bench) identity(t *testing.T, v *vector) *identity {
	t.Helper()
	name := v.key + "/" + v.sender
	if id := b.ids[name]; id != nil {
		return id
	}
	keys := map[string]func() *identity{
		"rsa1024": func() *identity {
			return makeIdentity(t, "weak", rsaKeyOf(1024)(), x509.KeyUsageDigitalSignature)
		},
		"p224": func() *identity {
			return makeIdentity(t, "p224", ecKeyOn(elliptic.P224())(), x509.KeyUsageDigitalSignature)
		},
	}
	usage := x509.KeyUsageContentCommitment
	if v.sender == "encipherment" {
		usage = x509.KeyUsageKeyEncipherment
	}
	var id *identity
	if special := keys[v.key]; special != nil {
		id = special()
	} else {
		id = makeIdentity(t, "bank-"+v.key, testKeys[v.key](), usage)
	}
	b.ids[name] = id
	return id
}

func (b *bench) roster(v *vector, id *identity) *roster {
	r := rosterOf(id)
	switch v.sender {
	case "stranger":
		r = rosterOf()
	case "body-only":
		r.bodyOnly[tolem.FingerprintOf(id.cert.Raw)] = true
	}
	r.refuse = map[string]error{
		"revoked": fmt.Errorf("on the list: %w", trust.ErrRevoked), "expired": trust.ErrExpired, "not-yet": trust.ErrNotYetValid,
		"crl": trust.ErrCRLUnavailable, "broken": errors.New("out of order"),
	}[v.trusted]
	return r
}

// message cooks a vector.
func (b *bench) message(t *testing.T, v *vector, id *identity) []byte {
	t.Helper()
	c := &cook{t: t, v: v, bench: b, id: id, text: baseMessage(t, id)}
	for _, e := range v.edits {
		if !e.tamper {
			c.apply(e)
		}
	}
	c.text = forge(t, c.text, id)
	for _, e := range v.edits {
		if e.tamper {
			c.apply(e)
		}
	}
	if v.encode == "utf-16" {
		out := []byte{0xFF, 0xFE}
		for _, u := range utf16.Encode([]rune(c.text)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return out
	}
	return []byte(c.text)
}

type cook struct {
	t     *testing.T
	v     *vector
	bench *bench
	id    *identity
	text  string
	saved string
}

func (c *cook) apply(e edit) {
	c.t.Helper()
	from := c.expand(e.from)
	if regexp.MustCompile(`^{{[A-Z]\w*}}$`).MatchString(e.from) {
		c.saved = from
	}
	n := strings.Count(c.text, from)
	if n == 0 || n > 1 && !e.all {
		c.t.Fatalf("%q stands %d times", e.from, n)
	}
	c.text = strings.ReplaceAll(c.text, from, c.expand(e.to))
}

var macro = regexp.MustCompile(`(?s){{.*?}}`)

func (c *cook) expand(s string) string {
	return macro.ReplaceAllStringFunc(s, func(m string) string {
		words := strings.SplitN(m[2:len(m)-2], " ", 3)
		switch words[0] {
		case "saved":
			return c.saved
		case "certificate":
			return base64.StdEncoding.EncodeToString(c.id.cert.Raw)
		case "wrapped-certificate":
			return "\n" + regexp.MustCompile(`.{1,64}`).ReplaceAllString(base64.StdEncoding.EncodeToString(c.id.cert.Raw), "\t  $0\r\n")
		case "stranger":
			return base64.StdEncoding.EncodeToString(c.bench.stranger.cert.Raw)
		case "issuer":
			return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(c.id.cert.Issuer.String())
		case "serial":
			return c.id.cert.SerialNumber.String()
		case "ski":
			return base64.StdEncoding.EncodeToString(c.id.cert.SubjectKeyId)
		case "byte":
			n, err := strconv.ParseUint(words[1], 16, 8)
			c.check(err)
			return string([]byte{byte(n)})
		case "repeat":
			n, err := strconv.Atoi(words[1])
			c.check(err)
			return strings.Repeat(words[2], n)
		case "count":
			n, err := strconv.Atoi(words[1])
			c.check(err)
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, words[2], i)
			}
			return b.String()
		}
		if form, ok := strings.CutSuffix(words[0], "-value"); ok {
			return "<ds:SignatureValue>" + c.value(form) + "</ds:SignatureValue>"
		}
		return c.source(words[0])
	})
}

func (c *cook) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cook) source(local string) string {
	c.t.Helper()
	d := parseForgery(c.t, c.text)
	for e := d.Root(); int(e) < d.Len(); e++ {
		if string(d.Local(e)) == local {
			return string(d.Source(e))
		}
	}
	c.t.Fatalf("no %s in the message", local)
	return ""
}

// value returns the present SignatureValue in another form.
func (c *cook) value(form string) string {
	c.t.Helper()
	d := parseForgery(c.t, c.text)
	text := string(d.Text(descendant(d, d.Root(), ds, "SignatureValue")))
	value, err := base64.StdEncoding.DecodeString(text)
	c.check(err)
	switch form {
	case "java":
		return regexp.MustCompile(`.{1,76}`).ReplaceAllString(text, "$0&#13;\n")
	case "der":
		value = appendECDSADER(nil, value[:len(value)/2], value[len(value)/2:])
	case "short":
		value = value[:len(value)-1]
	case "long":
		value = append([]byte{0}, value...)
	case "zero":
		clear(value)
	default:
		c.t.Fatalf("unknown form %q", form)
	}
	return base64.StdEncoding.EncodeToString(value)
}

// GW-037, GW-134, GW-P03, GW-P04, GW-P08: what the profile forbids is refused,
// each for its own reason, and what it allows is accepted.
func TestVectors(t *testing.T) {
	b := &bench{ids: map[string]*identity{}, stranger: testIdentity(t, "rsa3072")}
	seen := map[Class]int{}
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			id := b.identity(t, v)
			offset, err := time.ParseDuration(v.at)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC).Add(offset)
			raw := b.message(t, v, id)
			start := time.Now()
			got, err := NewVerifier(b.roster(v, id), b.roster(v, id)).Verify(raw, now)
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
			if v.expect == "ok" {
				if err != nil {
					t.Fatalf("%s: refused: %v\n%.4000s", v.why, err, raw)
				}
				checkAccepted(t, raw, got)
				return
			}
			if err == nil {
				t.Fatalf("%s: accepted", v.why)
			}
			wantClass(t, err, Class(v.expect))
			seen[Class(v.expect)]++
		})
	}
	for _, class := range Classes() {
		if seen[class] == 0 {
			t.Errorf("no vector is refused as %s", class)
		}
	}
	hostile := 0
	for _, n := range seen {
		hostile += n
	}
	if hostile < 40 {
		t.Errorf("%d hostile vectors", hostile)
	}
}

// checkAccepted compares the Body that was handed on with the one in the
// message.
func checkAccepted(t *testing.T, raw []byte, got *Verified) {
	t.Helper()
	d := newDocument()
	if err := d.Parse(raw); err != nil {
		t.Fatal(err)
	}
	body := d.Next(d.FirstChild(d.Root()))
	again := newDocument()
	if err := again.Parse(got.Body); err != nil {
		t.Fatalf("what was handed on is no document: %v", err)
	}
	want := d.AppendExclusive(nil, body, nil)
	if have := again.AppendExclusive(nil, again.Root(), nil); !bytes.Equal(have, want) {
		t.Fatalf("handed on\n%s\nwant\n%s", have, want)
	}
	if !again.Is(again.Root(), got.Version.ns(), "Body") || again.FirstChild(again.Root()) == c14n.None {
		t.Fatal("handed on something that is not the Body")
	}
}

func TestEveryClassHasAnOutcome(t *testing.T) {
	for _, kind := range c14n.Kinds() {
		if !slices.Contains(Classes(), Class(kind)) {
			t.Errorf("kind %s of the scan has no outcome", kind)
		}
	}
	for _, class := range Classes() {
		e := fail(class, "")
		if e.FaultCode() == "" || e.Result().Text() == "" {
			t.Errorf("%s: fault %q, result %q", class, e.FaultCode(), e.Result())
		}
	}
	if e := fail("unheard of", ""); e.FaultCode() != faultServer || e.Result() != tolem.Internal {
		t.Error("an unknown class does not count as our own failure")
	}
}
