package c14n

import (
	"bytes"
	"unicode/utf8"
)

const byteOrderMark = "\xEF\xBB\xBF"

// Parse reads a document. The Document refers to raw until the next Parse or
// Release; raw must not change meanwhile. The error is an *Error.
func (d *Document) Parse(raw []byte) error {
	d.reset(raw)
	if len(raw) > MaxDocument {
		return refuse(Size, MaxDocument, "document is too large")
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return refuse(NUL, i, "zero byte")
	}
	if !utf8.Valid(raw) {
		return refuse(Encoding, 0, "not UTF-8")
	}
	p := 0
	if bytes.HasPrefix(raw, []byte(byteOrderMark)) {
		p = len(byteOrderMark)
	}
	p, err := d.xmlDeclaration(p)
	for err == nil && p < len(raw) {
		if raw[p] == '<' {
			p, err = d.markup(p)
		} else {
			p, err = d.text(p)
		}
	}
	switch {
	case err != nil:
		return err
	case d.depth > 0:
		return refuse(Syntax, len(raw), "document ends inside an element")
	case len(d.elements) == 0:
		return refuse(Syntax, len(raw), "no root element")
	}
	return nil
}

// markup reads the tag, comment or section that starts at p.
func (d *Document) markup(p int) (int, error) {
	if p+1 == len(d.raw) {
		return 0, refuse(Syntax, p, "document ends inside a tag")
	}
	switch d.raw[p+1] {
	case '/':
		return d.endTag(p)
	case '?':
		return 0, refuse(ProcessingInstr, p, "processing instruction")
	case '!':
		return d.declarationOrComment(p)
	}
	return d.startTag(p)
}

func (d *Document) declarationOrComment(p int) (int, error) {
	rest := d.raw[p:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return d.comment(p)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return d.cdata(p)
	case len(rest) > 2 && nameClass[rest[2]]&nameStart != 0:
		return 0, refuse(DTD, p, "markup declaration")
	}
	return 0, refuse(Syntax, p, "malformed markup")
}

// comment skips a comment. One inside a text does not end the text: what a
// reader takes for the value is all of it.
func (d *Document) comment(p int) (int, error) {
	if d.depth == 0 {
		return 0, refuse(OutsideRoot, p, "comment outside the root element")
	}
	from := p + len("<!--")
	n := bytes.Index(d.raw[from:], []byte("--"))
	if n < 0 || !bytes.HasPrefix(d.raw[from+n:], []byte("-->")) {
		return 0, refuse(Syntax, p, "malformed comment")
	}
	body := d.raw[from : from+n]
	if !wellFormed(body, classify(body)) {
		return 0, refuse(Character, from, "character not allowed in XML")
	}
	return from + n + len("-->"), nil
}

func (d *Document) cdata(p int) (int, error) {
	if d.depth == 0 {
		return 0, refuse(OutsideRoot, p, "CDATA section outside the root element")
	}
	from := p + len("<![CDATA[")
	n := bytes.Index(d.raw[from:], []byte("]]>"))
	if n < 0 {
		return 0, refuse(Syntax, p, "CDATA section does not end")
	}
	return from + n + len("]]>"), d.piece(cdataEvent, from, from+n)
}

// text reads character data up to the next markup.
func (d *Document) text(p int) (int, error) {
	end := len(d.raw)
	if n := bytes.IndexByte(d.raw[p:], '<'); n >= 0 {
		end = p + n
	}
	if d.depth == 0 {
		if !isBlank(d.raw[p:end]) {
			return 0, refuse(OutsideRoot, p, "text outside the root element")
		}
		return end, nil
	}
	return end, d.piece(textEvent, p, end)
}

// piece checks and records a piece of text.
func (d *Document) piece(kind eventKind, from, to int) error {
	text := d.raw[from:to]
	class := classify(text)
	if !wellFormed(text, class) {
		return refuse(Character, from, "character not allowed in XML")
	}
	if d.run += len(text); d.run > MaxValue {
		return refuse(Value, from, "text is too long")
	}
	if d.pieces++; d.pieces > MaxTexts {
		return refuse(Elements, from, "too many pieces of text")
	}
	if kind == textEvent {
		if class&hasGreater != 0 && bytes.Contains(text, []byte("]]>")) {
			return refuse(Syntax, from, "]]> in text")
		}
		if class&hasRef != 0 {
			if i := badReference(text); i >= 0 {
				return refuse(badReferenceKind(text[i:]), from+i, "reference not allowed")
			}
		}
	}
	if el := &d.elements[d.open[d.depth-1].elem]; !el.stray && !isBlank(text) {
		el.stray = true
	}
	d.events = append(d.events, event{kind, class, uint32(from), uint32(to)})
	return nil
}

func (d *Document) endTag(p int) (int, error) {
	if d.depth == 0 {
		return 0, refuse(Syntax, p, "end tag without start tag")
	}
	f := &d.open[d.depth-1]
	el := &d.elements[f.elem]
	name := d.bytes(el.name)
	q := p + 2
	if !bytes.HasPrefix(d.raw[q:], name) {
		return 0, refuse(Syntax, p, "end tag does not match")
	}
	q = d.skipSpace(q + len(name))
	if q == len(d.raw) || d.raw[q] != '>' {
		return 0, refuse(Syntax, p, "malformed end tag")
	}
	d.closeElement(q + 1)
	return q + 1, nil
}

// closeElement ends the innermost open element; its end tag ends at to.
func (d *Document) closeElement(to int) {
	d.depth--
	d.run = 0
	f := &d.open[d.depth]
	el := &d.elements[f.elem]
	el.last = Elem(len(d.elements) - 1)
	el.close = int32(len(d.events))
	d.events = append(d.events, event{endEvent, 0, uint32(f.elem), uint32(to)})
	d.scope = d.scope[:f.scope]
}

func (d *Document) startTag(p int) (int, error) {
	if d.depth == 0 && len(d.elements) > 0 {
		return 0, refuse(OutsideRoot, p, "second root element")
	}
	if d.depth == MaxDepth {
		return 0, refuse(Depth, p, "elements nest too deep")
	}
	if len(d.elements) == MaxElements {
		return 0, refuse(Elements, p, "too many elements")
	}
	name, prefix, err := d.qname(p + 1)
	if err != nil {
		return 0, err
	}
	e := Elem(len(d.elements))
	d.elements = append(d.elements, element{
		name: name, prefix: prefix, parent: None, child: None, next: None,
		attr: uint32(len(d.attributes)), decl: uint32(len(d.bindings)), open: int32(len(d.events)),
	})
	d.link(e)
	d.events = append(d.events, event{startEvent, 0, uint32(e), 0})
	d.run = 0
	q, err := d.attributeList(int(name.to))
	if err != nil {
		return 0, err
	}
	if err := d.resolve(e); err != nil {
		return 0, err
	}
	if d.raw[q] == '>' {
		return q + 1, nil
	}
	if q+1 == len(d.raw) || d.raw[q+1] != '>' {
		return 0, refuse(Syntax, q, "malformed empty-element tag")
	}
	d.closeElement(q + 2)
	return q + 2, nil
}

// link puts e under the innermost open element and opens it.
func (d *Document) link(e Elem) {
	if d.depth > 0 {
		f := &d.open[d.depth-1]
		if f.last == None {
			d.elements[f.elem].child = e
		} else {
			d.elements[f.last].next = e
		}
		f.last = e
		d.elements[e].parent = f.elem
	}
	d.open[d.depth] = frame{elem: e, last: None, scope: len(d.scope)}
	d.depth++
}

// attributeList reads attributes from p up to the '>' or '/' it returns.
func (d *Document) attributeList(p int) (int, error) {
	for count := 0; ; count++ {
		q := d.skipSpace(p)
		if q == len(d.raw) {
			return 0, refuse(Syntax, p, "document ends inside a tag")
		}
		if c := d.raw[q]; c == '>' || c == '/' {
			return q, nil
		}
		if q == p {
			return 0, refuse(Syntax, p, "malformed tag")
		}
		if count == MaxAttributes {
			return 0, refuse(Attributes, q, "too many attributes")
		}
		var err error
		if p, err = d.attribute(q); err != nil {
			return 0, err
		}
	}
}

// attribute reads one attribute or namespace declaration.
func (d *Document) attribute(p int) (int, error) {
	name, prefix, err := d.qname(p)
	if err != nil {
		return 0, err
	}
	q := d.skipSpace(int(name.to))
	if q == len(d.raw) || d.raw[q] != '=' {
		return 0, refuse(Syntax, p, "attribute without a value")
	}
	if q = d.skipSpace(q + 1); q == len(d.raw) || d.raw[q] != '"' && d.raw[q] != '\'' {
		return 0, refuse(Syntax, p, "attribute value is not quoted")
	}
	n := bytes.IndexByte(d.raw[q+1:], d.raw[q])
	if n < 0 {
		return 0, refuse(Syntax, p, "attribute value does not end")
	}
	value := span{uint32(q + 1), uint32(q + 1 + n)}
	class, err := d.checkValue(value)
	if err != nil {
		return 0, err
	}
	if raw := d.bytes(name); prefix == 0 && string(raw) == "xmlns" || prefix == 5 && string(raw[:5]) == "xmlns" {
		err = d.declare(name, prefix, value, class)
	} else {
		err = d.addAttribute(attribute{name: name, value: value, prefix: prefix, class: class})
	}
	return int(value.to) + 1, err
}

func (d *Document) checkValue(s span) (class uint8, err error) {
	value := d.bytes(s)
	if len(value) > MaxValue {
		return 0, refuse(Value, int(s.from), "attribute value is too long")
	}
	class = classify(value)
	if class&hasLess != 0 {
		return 0, refuse(Syntax, int(s.from), "< in an attribute value")
	}
	if !wellFormed(value, class) {
		return 0, refuse(Character, int(s.from), "character not allowed in XML")
	}
	if class&hasRef != 0 {
		if i := badReference(value); i >= 0 {
			return 0, refuse(badReferenceKind(value[i:]), int(s.from)+i, "reference not allowed")
		}
	}
	return class, nil
}

// addAttribute records an attribute of the innermost element.
func (d *Document) addAttribute(a attribute) error {
	el := &d.elements[len(d.elements)-1]
	a.local = keyOf(localName(d.bytes(a.name), a.prefix))
	for i := el.attr; i < uint32(len(d.attributes)); i++ {
		if b := &d.attributes[i]; b.local == a.local && bytes.Equal(d.bytes(b.name), d.bytes(a.name)) {
			return refuse(DuplicateAttribute, int(a.name.from), "attribute stands twice")
		}
	}
	d.attributes = append(d.attributes, a)
	el.nattr++
	return nil
}

// qname reads a qualified name and says how long its prefix is.
func (d *Document) qname(p int) (name span, prefix uint16, err error) {
	q, err := d.ncname(p)
	if err != nil {
		return span{}, 0, err
	}
	if q < len(d.raw) && d.raw[q] == ':' {
		prefix = uint16(q - p)
		if q, err = d.ncname(q + 1); err != nil {
			return span{}, 0, err
		}
	}
	if q < len(d.raw) && d.raw[q] == ':' {
		return span{}, 0, refuse(Namespace, q, "name with two colons")
	}
	return span{uint32(p), uint32(q)}, prefix, nil
}

// ncname reads a name without colons and returns where it ends.
func (d *Document) ncname(p int) (int, error) {
	want := nameStart
	q := p
	for q < len(d.raw) {
		class := nameClass[d.raw[q]]
		if class == nameWide {
			r, n := utf8.DecodeRune(d.raw[q:])
			if !isWideNameChar(r, want == nameStart) {
				break
			}
			q += n
		} else if class&want != 0 {
			q++
		} else {
			break
		}
		want = nameChar
	}
	if q == p {
		return 0, refuse(Syntax, p, "malformed name")
	}
	if q-p > MaxName/2 {
		return 0, refuse(Value, p, "name is too long")
	}
	return q, nil
}

func (d *Document) skipSpace(p int) int {
	for p < len(d.raw) && isSpace(d.raw[p]) {
		p++
	}
	return p
}
