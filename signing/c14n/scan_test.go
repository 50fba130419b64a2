package c14n

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func nest(depth int) string {
	return strings.Repeat("<e>", depth) + strings.Repeat("</e>", depth)
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// refusals is one line for each reason to refuse a document, and where it
// matters the nearest neighbour that is accepted (an empty kind).
var refusals = []struct {
	name string
	doc  string
	kind Kind
}{
	{"empty input", "", Syntax},
	{"white space only", " \n", Syntax},
	{"no markup", "text", OutsideRoot},
	{"byte order mark", "\xEF\xBB\xBF<e/>", ""},
	{"UTF-16 little-endian", "\xFF\xFE<\x00e\x00/\x00>\x00", NUL},
	{"UTF-16 mark", "\xFE\xFF", Encoding},
	{"overlong form of <", "<e>\xC0\xBC</e>", Encoding},
	{"encoded surrogate", "<e>\xED\xA0\x80</e>", Encoding},
	{"Latin-1 byte", "<e>\xE4</e>", Encoding},
	{"declared as Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?><e/>`, Encoding},
	{"declared as UTF-8 in capitals and not", `<?xml version="1.0" encoding="Utf-8"?><e/>`, ""},
	{"declared standalone", `<?xml version='1.0' standalone='yes' ?><e/>`, ""},
	{"standalone maybe", `<?xml version='1.0' standalone='maybe'?><e/>`, Syntax},
	{"XML 1.1", `<?xml version="1.1"?><e/>`, Syntax},
	{"no version", `<?xml encoding="UTF-8"?><e/>`, Syntax},
	{"declaration in the wrong order", `<?xml encoding="UTF-8" version="1.0"?><e/>`, Syntax},
	{"declaration with more", `<?xml version="1.0" extra="1"?><e/>`, Syntax},
	{"declaration that does not end", `<?xml version="1.0"`, Syntax},
	{"declaration after white space", ` <?xml version="1.0"?><e/>`, ProcessingInstr},
	{"zero byte", "<e>a\x00b</e>", NUL},
	{"control character in text", "<e>\x01</e>", Character},
	{"control character in a value", "<e a='\x1F'/>", Character},
	{"control character in a comment", "<e><!--\x02--></e>", Character},
	{"control character in CDATA", "<e><![CDATA[\x08]]></e>", Character},
	{"U+FFFE", "<e>\uFFFE</e>", Character},
	{"U+FFFF in a value", "<e a='\uFFFF'/>", Character},
	{"U+FFFD", "<e>\uFFFD</e>", ""},
	{"DOCTYPE", `<!DOCTYPE e><e/>`, DTD},
	{"DOCTYPE with an external subset", `<!DOCTYPE e SYSTEM "http://example.org/e.dtd"><e/>`, DTD},
	{"entity bomb", `<!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><e>&b;</e>`, DTD},
	{"DOCTYPE inside", `<e><!DOCTYPE e></e>`, DTD},
	{"ENTITY inside", `<e><!ENTITY a "b"></e>`, DTD},
	{"stylesheet instruction", `<?xml-stylesheet href="a"?><e/>`, ProcessingInstr},
	{"instruction inside", `<e><?php x ?></e>`, ProcessingInstr},
	{"instruction at the end", `<e/><?x?>`, ProcessingInstr},
	{"unknown entity", `<e>&nbsp;</e>`, Entity},
	{"unknown entity in a value", `<e a="&x;"/>`, Entity},
	{"reference to NUL", `<e>&#0;</e>`, Character},
	{"reference to a control character", `<e>&#x1;</e>`, Character},
	{"reference to a surrogate", `<e>&#xD800;</e>`, Character},
	{"reference beyond Unicode", `<e>&#x110000;</e>`, Character},
	{"reference that overflows", `<e>&#99999999999;</e>`, Character},
	{"reference with a capital X", `<e>&#X41;</e>`, Character},
	{"reference without digits", `<e>&#;</e>`, Character},
	{"bare ampersand", `<e>a & b</e>`, Character},
	{"reference without semicolon", `<e>&amp</e>`, Entity},
	{"carriage return by reference", `<e>&#13;&#xD;</e>`, ""},
	{"two roots", `<e/><e/>`, OutsideRoot},
	{"text after the root", `<e/>x`, OutsideRoot},
	{"text before the root", `x<e/>`, OutsideRoot},
	{"comment before the root", `<!-- c --><e/>`, OutsideRoot},
	{"comment after the root", `<e/><!-- c -->`, OutsideRoot},
	{"CDATA after the root", `<e/><![CDATA[ ]]>`, OutsideRoot},
	{"white space around the root", "\n<e/>\r\n\t", ""},
	{"element not closed", `<e><f></f>`, Syntax},
	{"wrong end tag", `<e><f></e></f>`, Syntax},
	{"end tag with a longer name", `<e></ee>`, Syntax},
	{"end tag with an attribute", `<e></e a="1">`, Syntax},
	{"end tag alone", `</e>`, Syntax},
	{"end tag with space", "<e></e \n>", ""},
	{"tag not finished", `<e a="1"`, Syntax},
	{"input ends at <", `<e><`, Syntax},
	{"slash without >", `<e/ >`, Syntax},
	{"attribute without value", `<e a/>`, Syntax},
	{"attribute without quotes", `<e a=1/>`, Syntax},
	{"attribute quoted with both", `<e a="1'/>`, Syntax},
	{"attributes without space", `<e a="1"b="2"/>`, Syntax},
	{"< in a value", `<e a="<"/>`, Syntax},
	{"> in a value", `<e a=">"/>`, ""},
	{"]]> in text", `<e>]]></e>`, Syntax},
	{"comment with --", `<e><!-- a -- b --></e>`, Syntax},
	{"comment ending in --->", `<e><!-- a ---></e>`, Syntax},
	{"comment that does not end", `<e><!-- `, Syntax},
	{"CDATA that does not end", `<e><![CDATA[ ]]</e>`, Syntax},
	{"CDATA in lower case", `<e><![cdata[ ]]></e>`, Syntax},
	{"conditional section", `<e><![INCLUDE[ ]]></e>`, Syntax},
	{"name starting with a digit", `<1e/>`, Syntax},
	{"name starting with a colon", `<:e/>`, Syntax},
	{"name with an empty local part", `<e: xmlns:e="urn:a"/>`, Syntax},
	{"name with two colons", `<a:b:c xmlns:a="urn:a"/>`, Namespace},
	{"Kazakh name", `<төлем/>`, ""},
	{"name with a multiplication sign", `<a×/>`, Syntax},
	{"attribute twice", `<e a="1" a="2"/>`, DuplicateAttribute},
	{"declaration twice", `<e xmlns:a="urn:a" xmlns:a="urn:a"/>`, DuplicateAttribute},
	{"one expanded name twice", `<e xmlns:a="urn:x" xmlns:b="urn:x" a:i="1" b:i="2"/>`, DuplicateAttribute},
	{"one expanded name twice by reference", `<e xmlns:a="urn:x" xmlns:b="urn:&#x78;" a:i="1" b:i="2"/>`, DuplicateAttribute},
	{"same local name, one without prefix", `<e xmlns="urn:x" xmlns:a="urn:x" a:i="1" i="2"/>`, ""},
	{"undeclared prefix", `<a:e/>`, Namespace},
	{"undeclared prefix of an attribute", `<e a:b="1"/>`, Namespace},
	{"prefix out of scope", `<e><f xmlns:a="urn:a"/><a:g/></e>`, Namespace},
	{"prefix undeclared", `<a:e xmlns:a="urn:a"><a:f xmlns:a=""/></a:e>`, Namespace},
	{"default namespace undeclared", `<e xmlns="urn:a"><f xmlns=""/></e>`, ""},
	{"xml declared", `<e xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`, Namespace},
	{"xml declared as another", `<e xmlns:xml="urn:a"/>`, Namespace},
	{"xmlns declared", `<e xmlns:xmlns="urn:a"/>`, Namespace},
	{"xml's namespace under another prefix", `<e xmlns:a="http://www.w3.org/XML/1998/namespace"/>`, Namespace},
	{"xmlns' namespace as default", `<e xmlns="http://www.w3.org/2000/xmlns/"/>`, Namespace},
	{"element with prefix xmlns", `<xmlns:e/>`, Namespace},
	{"deepest", nest(MaxDepth), ""},
	{"too deep", nest(MaxDepth + 1), Depth},
	{"most elements", "<e>" + strings.Repeat("<f/>", MaxElements-1) + "</e>", ""},
	{"too many elements", "<e>" + strings.Repeat("<f/>", MaxElements) + "</e>", Elements},
	{"too many pieces of text", "<e>" + strings.Repeat("a<!---->", MaxTexts+1) + "</e>", Elements},
	{"most attributes", "<e" + numbered(MaxAttributes, ` a%d=""`) + "/>", ""},
	{"too many attributes", "<e" + numbered(MaxAttributes+1, ` a%d=""`) + "/>", Attributes},
	{"too many attributes and declarations", "<e" + numbered(MaxAttributes, ` xmlns:a%[1]d="urn:%[1]d"`) + ` a=""/>`, Attributes},
	{"longest value", `<e a="` + strings.Repeat("v", MaxValue) + `"/>`, ""},
	{"value too long", `<e a="` + strings.Repeat("v", MaxValue+1) + `"/>`, Value},
	{"longest text", "<e>" + strings.Repeat("v", MaxValue) + "</e>", ""},
	{"text too long", "<e>" + strings.Repeat("v", MaxValue+1) + "</e>", Value},
	{"text too long in pieces", "<e>" + strings.Repeat("v", MaxValue) + "<!-- -->w</e>", Value},
	{"two long texts", "<e>" + strings.Repeat("v", MaxValue) + "<f/>" + strings.Repeat("v", MaxValue) + "</e>", ""},
	{"name too long", "<" + strings.Repeat("n", MaxName) + "/>", Value},
	{"too many namespaces", "<e>" + numbered(MaxNamespaces+1, `<f xmlns="urn:%d"/>`) + "</e>", Namespaces},
	{"too many declarations in scope", strings.Repeat("<e"+numbered(30, ` xmlns:p%d="urn:a"`)+">", 4), Namespaces},
	{"document too large", "<e>" + strings.Repeat(" ", MaxDocument) + "</e>", Size},
}

func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		err := NewDocument().Parse([]byte(r.doc))
		var e *Error
		switch {
		case r.kind == "" && err != nil:
			t.Errorf("%s: refused: %v", r.name, err)
		case r.kind == "":
		case !errors.As(err, &e):
			t.Errorf("%s: got %v, want %s", r.name, err, r.kind)
		case e.Kind != r.kind:
			t.Errorf("%s: refused as %v, want %s", r.name, err, r.kind)
		}
	}
}

// canonicalForms are the cases of the specification that are easy to get
// wrong, with the form it demands.
var canonicalForms = []struct{ doc, local, prefixes, want string }{
	{`<e/>`, "e", "", `<e></e>`},
	{"<e\n b='2'   a='1' >x<!-- c -->y</e >", "e", "", `<e a="1" b="2">xy</e>`},
	{"<e>a\r\nb\rc&#13;d</e>", "e", "", "<e>a\nb\nc&#xD;d</e>"},
	{"<e a='\r\n\t&#10;&#13;&#9;\"'/>", "e", "", `<e a="  &#xA;&#xD;&#x9;&quot;"></e>`},
	{`<e><![CDATA[<&>]]>&lt;&gt;&quot;></e>`, "e", "", `<e>&lt;&amp;&gt;&lt;&gt;"&gt;</e>`},
	// Only what is visibly used is rendered, where it is used.
	{`<a:e xmlns:a="urn:a" xmlns:b="urn:b"><b:f/><b:f/></a:e>`, "e", "",
		`<a:e xmlns:a="urn:a"><b:f xmlns:b="urn:b"></b:f><b:f xmlns:b="urn:b"></b:f></a:e>`},
	// The default namespace of an ancestor comes along.
	{`<e xmlns="urn:a"><f><g xmlns=""/></f></e>`, "f", "", `<f xmlns="urn:a"><g xmlns=""></g></f>`},
	{`<e xmlns=""><f xmlns="urn:a"/></e>`, "e", "", `<e><f xmlns="urn:a"></f></e>`},
	// Attributes are ordered by namespace name, not by prefix.
	{`<e xmlns:a="urn:z" xmlns:z="urn:a" a:i="1" z:i="2" i="3"/>`, "e", "",
		`<e xmlns:a="urn:z" xmlns:z="urn:a" i="3" z:i="2" a:i="1"></e>`},
	// A prefix list brings in what is in scope at the apex, and what changes below.
	{`<e xmlns:b="urn:b" xmlns="urn:d"><f xmlns:c="urn:c"><g xmlns:b="urn:c"/></f></e>`, "f", "b #default",
		`<f xmlns="urn:d" xmlns:b="urn:b"><g xmlns:b="urn:c"></g></f>`},
	// xml: attributes of ancestors do not come along, and xml is never declared.
	{`<e xml:lang="kk"><f xml:space="preserve"/></e>`, "f", "", `<f xml:space="preserve"></f>`},
	// What a namespace name holds is escaped as in any attribute.
	{`<e xmlns="http://e.org/?a=1&amp;b=&quot;2&quot;"/>`, "e", "", `<e xmlns="http://e.org/?a=1&amp;b=&quot;2&quot;"></e>`},
	// One namespace under two prefixes, one prefix for two namespaces.
	{`<a:e xmlns:a="urn:a"><b:f xmlns:b="urn:a"><a:g xmlns:a="urn:b"><a:h/></a:g></b:f></a:e>`, "e", "",
		`<a:e xmlns:a="urn:a"><b:f xmlns:b="urn:a"><a:g xmlns:a="urn:b"><a:h></a:h></a:g></b:f></a:e>`},
}

func TestCanonicalForms(t *testing.T) {
	for _, c := range canonicalForms {
		d := NewDocument()
		if err := d.Parse([]byte(c.doc)); err != nil {
			t.Fatalf("%q: %v", c.doc, err)
		}
		var prefixes [][]byte
		for _, p := range strings.Fields(c.prefixes) {
			prefixes = append(prefixes, []byte(strings.TrimPrefix(p, "#default")))
		}
		got := d.AppendExclusive(nil, find(d, c.local), prefixes)
		if string(got) != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.doc, got, c.want)
		}
	}
}

func find(d *Document, local string) Elem {
	for e := d.Root(); int(e) < d.Len(); e++ {
		if string(d.Local(e)) == local {
			return e
		}
	}
	return None
}

func TestTextAndAttributes(t *testing.T) {
	d := NewDocument("urn:a")
	raw := []byte("<e xmlns:a='urn:a' a:i=' x&#9;y\tz ' i='plain'>one<f>not mine</f>&amp;<![CDATA[&]]>\r\n<!-- c -->two</e>")
	if err := d.Parse(raw); err != nil {
		t.Fatal(err)
	}
	if got := d.Text(d.Root()); string(got) != "one&&\ntwo" {
		t.Errorf("text is %q", got)
	}
	if got, ok := d.Attr(d.Root(), FirstKnown, "i"); !ok || string(got) != " x\ty z " {
		t.Errorf("a:i is %q, %v", got, ok)
	}
	if got, ok := d.Attr(d.Root(), NoNS, "i"); !ok || string(got) != "plain" {
		t.Errorf("i is %q, %v", got, ok)
	}
	if _, ok := d.Attr(d.Root(), XMLNS, "i"); ok {
		t.Error("xml:i is there")
	}
	if f := d.FirstChild(d.Root()); string(d.Source(f)) != "<f>not mine</f>" || d.Next(f) != None || d.Last(d.Root()) != f {
		t.Error("f is not where it stands")
	}
}

// What was canonicalized stays as it is when it is canonicalized again.
func FuzzCanonicalize(f *testing.F) {
	for _, r := range refusals {
		if len(r.doc) < 300 {
			f.Add([]byte(r.doc))
		}
	}
	for _, c := range canonicalForms {
		f.Add([]byte(c.doc))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := NewDocument()
		if d.Parse(raw) != nil {
			return
		}
		once := d.AppendExclusive(nil, d.Root(), nil)
		again := NewDocument()
		if err := again.Parse(once); err != nil {
			var e *Error
			if errors.As(err, &e) && (e.Kind == Size || e.Kind == Value) {
				return // escaping makes longer
			}
			t.Fatalf("canonical form is refused: %v\n%q\n%q", err, raw, once)
		}
		if twice := again.AppendExclusive(nil, again.Root(), nil); !bytes.Equal(once, twice) {
			t.Fatalf("not canonical\nonce  %q\ntwice %q", once, twice)
		}
		for e := d.Root(); int(e) < d.Len(); e++ {
			d.Text(e)
			d.AppendExclusive(nil, e, [][]byte{nil, []byte("a")})
		}
	})
}
