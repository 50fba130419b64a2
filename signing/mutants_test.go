package signing

import (
	"bytes"
	"crypto/x509"
	"math/rand/v2"
	"strings"
	"testing"

	"tolem/internal/bench/naive"
	"tolem/signing/c14n"
)

// mutator damages messages at random.
type mutator struct {
	r    *rand.Rand
	base []byte
	doc  *c14n.Document
}

func newMutator(tb testing.TB, r *rand.Rand, base []byte) *mutator {
	tb.Helper()
	m := &mutator{r, base, newDocument()}
	if err := m.doc.Parse(base); err != nil {
		tb.Fatal(err)
	}
	return m
}

// bytes changes single bytes and short runs.
func (m *mutator) bytes() []byte {
	b := bytes.Clone(m.base)
	for range 1 + m.r.IntN(3) {
		i := m.r.IntN(len(b))
		switch m.r.IntN(5) {
		case 0:
			b[i] ^= 1 << m.r.IntN(8)
		case 1:
			const telling = `<>&"'/=!?:;#[]- aZ09`
			b[i] = telling[m.r.IntN(len(telling))]
		case 2:
			b = append(b[:i:i], b[min(len(b), i+1+m.r.IntN(8)):]...)
		case 3:
			b = append(b[:i:i], append([]byte(m.snippet()), b[i:]...)...)
		default:
			j := min(len(b), i+1+m.r.IntN(40))
			b = append(b[:j:j], b[i:]...)
		}
	}
	return b
}

func (m *mutator) snippet() string {
	list := []string{" ", "\n", "\r\n", "<!-- -->", "<![CDATA[]]>", "&#13;", "&amp;", "<x/>", "<x>", "</x>", ` Id="Body"`, ` wsu:Id="Body"`, ` xml:id="Body"`,
		` xmlns=""`, ` xmlns="urn:x"`, ` xmlns:soap="urn:x"`, `<?x?>`, `<soap:Body/>`, `<!DOCTYPE x>`, "\x00", "\uFEFF", "é", ` soap:actor="x"`}
	return list[m.r.IntN(len(list))]
}

// span returns where an element stands.
func (m *mutator) span(e c14n.Elem) (from, to int) {
	src := m.doc.Source(e)
	from = cap(m.base) - cap(src)
	return from, from + len(src)
}

func (m *mutator) any() c14n.Elem { return c14n.Elem(m.r.IntN(m.doc.Len())) }

// structure moves, copies, drops, renames and wraps whole elements.
func (m *mutator) structure() []byte {
	e := m.any()
	from, to := m.span(e)
	src := string(m.base[from:to])
	at, end := m.span(m.any())
	if m.r.IntN(2) == 0 {
		at = end
	}
	if m.r.IntN(3) == 0 { // inside, before the end tag
		at = strings.LastIndex(string(m.base[:end]), "</")
	}
	base := string(m.base)
	switch m.r.IntN(7) {
	case 0: // copy
		return []byte(base[:at] + src + base[at:])
	case 1: // copy with another amount and perhaps another identifier
		src = strings.NewReplacer("1200.00", "9999.00", `"Body"`, []string{`"Body"`, `"Evil"`}[m.r.IntN(2)]).Replace(src)
		return []byte(base[:at] + src + base[at:])
	case 2: // drop
		return []byte(base[:from] + base[to:])
	case 3: // move
		if at <= from {
			return []byte(base[:at] + src + base[at:from] + base[to:])
		}
		if at >= to {
			return []byte(base[:from] + base[to:at] + src + base[at:])
		}
		return []byte(base[:from] + base[to:])
	case 4: // swap with the next
		next := m.doc.Next(e)
		if next == c14n.None {
			return []byte(base[:from] + src + base[from:])
		}
		f, t := m.span(next)
		return []byte(base[:from] + base[f:t] + base[to:f] + src + base[t:])
	case 5: // wrap, the evil one beside
		name := []string{"x", "wsse:Security", "soap:Header", "soap:Body", "ds:Object", "wsu:Timestamp", "soap:Envelope"}[m.r.IntN(7)]
		evil := strings.Replace(src, "1200.00", "9999.00", 1)
		return []byte(base[:from] + "<" + name + ">" + src + "</" + name + ">" + evil + base[to:])
	default: // exchange one name or value for another, everywhere or once
		words := []string{"soap:Body", "soap:Header", "soap:Envelope", "wsse:Security", "wsu:Timestamp", "ds:Signature", "ds:SignedInfo", "ds:Reference",
			`"#Body"`, `"#TS"`, `"#X509"`, `wsu:Id="Body"`, `wsu:Id="TS"`, "1200.00", "exc-c14n#", "#sha256", "rsa-sha256", "t:amount", "wsu:Id"}
		a, b := words[m.r.IntN(len(words))], words[m.r.IntN(len(words))]
		return []byte(strings.Replace(base, a, b, []int{1, -1}[m.r.IntN(2)]))
	}
}

// newRand returns a source whose seed is in the log.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

// mutantBases are messages of several shapes whose elements can be moved
// without leaving their namespaces behind.
func mutantBases(t *testing.T, rsaID, ecID *identity) [][]byte {
	t.Helper()
	flat := func(id *identity) string {
		s := baseMessage(t, id)
		for _, decl := range []string{` xmlns:wsse="` + wsseURI + `"`, ` xmlns:wsu="` + wsuURI + `"`, ` xmlns:ds="` + dsURI + `"`, ` xmlns:t="urn:tolem:gateway:v1"`} {
			s = strings.ReplaceAll(s, decl, "")
			s = strings.Replace(s, "<soap:Envelope", "<soap:Envelope"+decl, 1)
		}
		return forge(t, s, id)
	}
	signed, err := testSigner(t, rsaID).Sign(SOAP12, []byte(paymentPayload), testTime)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{[]byte(flat(rsaID)), []byte(flat(ecID)), []byte(forge(t, baseMessage(t, rsaID), rsaID)), signed}
}

// GW-P03: no mutant is accepted with another Body. Those that are accepted are
// shown to an implementation that shares no code with ours.
func TestMutants(t *testing.T) {
	count := 60_000
	if testing.Short() {
		count = 4_000
	}
	r := newRand(t)
	rsaID, ecID := testIdentity(t, "rsa"), testIdentity(t, "p256")
	v := NewVerifier(rosterOf(rsaID, ecID), nil)
	roots := x509.NewCertPool()
	roots.AddCert(rsaID.cert)
	roots.AddCert(ecID.cert)
	accepted, other := 0, 0
	for _, base := range mutantBases(t, rsaID, ecID) {
		want, err := v.Verify(base, testTime)
		if err != nil {
			t.Fatalf("base is refused: %v", err)
		}
		m := newMutator(t, r, base)
		for i := range count / 4 {
			mutant := m.bytes
			if i%2 == 0 {
				mutant = m.structure
			}
			raw := mutant()
			got, err := v.Verify(raw, testTime)
			if err != nil {
				continue
			}
			accepted++
			if !bytes.Equal(got.Body, want.Body) || got.SignedInfo != want.SignedInfo || got.Fingerprint != want.Fingerprint {
				t.Fatalf("accepted with another Body:\n%s", raw)
			}
			if _, _, err := naive.Verify(raw, naive.Chains{Roots: roots}, testTime); err != nil {
				other++
				t.Logf("the second opinion differs: %v\n%s", err, firstDifference(base, raw))
			}
		}
	}
	t.Logf("%d mutants, %d accepted with the same Body, %d of them not by the second opinion", count, accepted, other)
	if accepted == 0 || other > accepted/20 {
		t.Error("the mutants or the second opinion say nothing")
	}
}

func firstDifference(a, b []byte) []byte {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return b[max(0, i-30):min(len(b), i+60)]
}
