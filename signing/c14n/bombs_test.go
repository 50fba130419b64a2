package c14n

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fill repeats a piece until the document is as large as allowed.
func fill(head, piece, tail string, most int) string {
	n := min(most, (MaxDocument-len(head)-len(tail))/len(piece))
	return head + strings.Repeat(piece, n) + tail
}

// bombs are documents as large as allowed, each made so that one of the
// quadratic-looking steps of the scan has as much to do as the limits let it.
func bombs() map[string]string {
	var scope strings.Builder // as many declarations in scope as allowed, all of one length
	for i := 0; i < MaxScope; i += 24 {
		scope.WriteString("<e")
		for j := i; j < i+24; j++ {
			fmt.Fprintf(&scope, ` xmlns:p%02d="urn:%02d"`, j, j%MaxNamespaces)
		}
		scope.WriteString(">")
	}
	head, tail := scope.String(), strings.Repeat("</e>", MaxScope/24)
	var spread strings.Builder // prefixes of attributes alternate
	for i := range MaxAttributes {
		fmt.Fprintf(&spread, ` p0%d:%c%c=""`, i%10, 'a'+i/26, 'a'+i%26)
	}
	var same strings.Builder
	for i := range MaxAttributes {
		fmt.Fprintf(&same, ` %c%c=""`, 'a'+i/26, 'a'+i%26)
	}
	return map[string]string{
		"far prefixes of elements":   fill(head, `<p00:e/>`, tail, MaxElements-10),
		"far prefixes of attributes": fill(head, `<e`+spread.String()+`/>`, tail, MaxElements-10),
		"attributes to compare":      fill("<e>", `<e`+same.String()+`/>`, "</e>", MaxElements-10),
		"namespaces to compare":      fill(head[:strings.LastIndex(head, "<e")], `<e xmlns="urn:63"/>`, strings.Repeat("</e>", MaxScope/24-1), MaxElements-10),
		"references":                 fill("<e>", strings.Repeat("&#13;", 20_000)+"<f/>", "</e>", MaxElements-10),
		"pieces of text":             fill("<e>", "a<!---->", "</e>", MaxTexts-10),
		"elements":                   fill("<e>", "<e/>", "</e>", MaxElements-10),
		"attribute to escape":        `<e a="` + strings.Repeat("&#9;", MaxValue/4) + `"/>`,
	}
}

// No document is so made that reading and writing it takes unreasonably long.
// The limit is far above what it takes: the machine may be busy.
func TestBombs(t *testing.T) {
	const limit = 2 * time.Second
	for name, doc := range bombs() {
		d := NewDocument()
		start := time.Now()
		if err := d.Parse([]byte(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		read := time.Since(start)
		d.AppendExclusive(nil, d.Root(), [][]byte{[]byte("p00"), []byte("p01"), nil})
		took := time.Since(start)
		t.Logf("%-28s %7d bytes: read in %v, written in %v", name, len(doc), read, took-read)
		if took > limit {
			t.Errorf("%s took %v", name, took)
		}
	}
}
