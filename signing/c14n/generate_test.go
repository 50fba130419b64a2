package c14n

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random documents that are well-formed and
// namespace-well-formed, and as odd as that allows.
type generator struct {
	r        *rand.Rand
	b        strings.Builder
	elements int
	left     int
}

var (
	genPrefixes = []string{"", "a", "b", "c", "soap", "xyz"}
	genURIs     = []string{"urn:a", "urn:b", "http://example.org/c", "http://example.org/?q=&#x31;", "urn:x&#x41;y", "urn:a&#97;", "http://www.w3.org/2000/09/xmldsig#"}
	genLocals   = []string{"e", "Body", "x-y.z", "_u", "Әлем", "id", "value"}
	genAttrs    = []string{"id", "Id", "q", "z", "a", "ä", "value"}
	genTexts    = []string{"", " ", "text", "a &amp; b", "&lt;tag&gt;", "x>y", "\n\t", "line\r\nend", "\r", "&#13;", "&#xD;\n", "\"quotes' ",
		"Қазақстан", "&#x1F600;", "&#65;&apos;", "]]", "1200.00", "\u2028\u00a0", "tab\there"}
	genValues = []string{"", "v", " lead and trail ", "a\tb\nc\r\nd", "&#9;&#10;&#13;", "&lt;&amp;&gt;>", "&quot;", "Ө", "&#x41;", "\r", "#id"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (g *generator) document() string {
	g.b.Reset()
	g.elements, g.left = 0, 1+g.r.IntN(24)
	if g.r.IntN(4) == 0 {
		g.b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + pick(g.r, []string{"", "\n", "\r\n"}))
	}
	g.element(0, map[string]string{})
	if g.r.IntN(4) == 0 {
		g.b.WriteByte('\n')
	}
	return g.b.String()
}

func (g *generator) element(depth int, outer map[string]string) {
	g.elements++
	g.left--
	scope := make(map[string]string, len(outer)+2)
	for p, uri := range outer {
		scope[p] = uri
	}
	decls := g.declarations(scope)
	var bound []string
	for _, p := range genPrefixes[1:] {
		if scope[p] != "" {
			bound = append(bound, p)
		}
	}
	name := pick(g.r, genLocals)
	if len(bound) > 0 && g.r.IntN(3) > 0 {
		name = pick(g.r, bound) + ":" + name
	}
	parts := append(decls, g.attributes(scope, bound)...)
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	g.b.WriteString("<" + name)
	for _, p := range parts {
		g.b.WriteString(pick(g.r, []string{" ", " ", " ", "\n", "\t ", "  "}) + p)
	}
	g.b.WriteString(pick(g.r, []string{"", "", " ", "\n"}))
	if g.r.IntN(6) == 0 {
		g.b.WriteString("/>")
		return
	}
	g.b.WriteByte('>')
	g.content(depth, scope)
	g.b.WriteString("</" + name + pick(g.r, []string{"", "", " "}) + ">")
}

func (g *generator) declarations(scope map[string]string) (decls []string) {
	for _, p := range genPrefixes {
		if g.r.IntN(4) > 0 {
			continue
		}
		if p == "" {
			uri := pick(g.r, append([]string{""}, genURIs...))
			scope[p] = uri
			decls = append(decls, g.attribute("xmlns", uri))
			continue
		}
		uri := pick(g.r, genURIs)
		scope[p] = uri
		decls = append(decls, g.attribute("xmlns:"+p, uri))
	}
	return decls
}

// plainURI is the namespace name a declaration's text stands for.
func plainURI(text string) string {
	return strings.NewReplacer("&#x41;", "A", "&#97;", "a", "&#x31;", "1").Replace(text)
}

func (g *generator) attributes(scope map[string]string, bound []string) (attrs []string) {
	used := map[string]bool{}
	for range g.r.IntN(4) {
		name := pick(g.r, genAttrs)
		expanded := name
		switch k := g.r.IntN(6); {
		case k == 0:
			name = pick(g.r, []string{"xml:lang", "xml:space", "xml:id", "xml:base"})
			expanded = name
			if name == "xml:id" || name == "xml:space" {
				name, expanded = "xml:lang", "xml:lang"
			}
		case k < 4 && len(bound) > 0:
			p := pick(g.r, bound)
			expanded = plainURI(scope[p]) + " " + name
			name = p + ":" + name
		}
		if !used[expanded] {
			used[expanded] = true
			attrs = append(attrs, g.attribute(name, pick(g.r, genValues)))
		}
	}
	return attrs
}

func (g *generator) attribute(name, value string) string {
	eq := pick(g.r, []string{"=", "=", "=", " = ", "\n="})
	if g.r.IntN(3) == 0 && !strings.Contains(value, "'") {
		return name + eq + "'" + value + "'"
	}
	return name + eq + `"` + strings.ReplaceAll(value, `"`, "&quot;") + `"`
}

func (g *generator) content(depth int, scope map[string]string) {
	for range g.r.IntN(6) {
		switch k := g.r.IntN(10); {
		case k < 4 && depth < MaxDepth-2 && g.left > 0:
			g.element(depth+1, scope)
		case k == 4:
			fmt.Fprintf(&g.b, "<!--%s-->", pick(g.r, []string{"", " comment ", "<x>&y;", "\r\n"}))
		case k == 5:
			fmt.Fprintf(&g.b, "<![CDATA[%s]]>", pick(g.r, []string{"", "<a>&amp;", "x]]y", "\r\n\r", "plain", ">"}))
		default:
			g.b.WriteString(pick(g.r, genTexts))
		}
	}
}

// prefixList returns a random InclusiveNamespaces PrefixList.
func (g *generator) prefixList() string {
	var list []string
	for _, p := range append([]string{"#default", "nosuch"}, genPrefixes[1:]...) {
		if g.r.IntN(4) == 0 {
			list = append(list, p)
		}
	}
	return strings.Join(list, " ")
}

// mutate changes a few bytes of a document.
func (g *generator) mutate(doc string) string {
	b := []byte(doc)
	for range 1 + g.r.IntN(3) {
		i := g.r.IntN(len(b))
		switch g.r.IntN(4) {
		case 0:
			b[i] = pick(g.r, []byte(`<>&"'/=!?:;#[]x0 -`))
		case 1:
			b = append(b[:i:i], b[i+1:]...)
		case 2:
			j := min(len(b), i+1+g.r.IntN(12))
			b = append(b[:j:j], b[i:]...)
		default:
			b[i] = byte(g.r.IntN(256))
		}
		if len(b) == 0 {
			return "x"
		}
	}
	return string(b)
}
