package c14n

import "bytes"

// declare records a namespace declaration of the innermost element.
func (d *Document) declare(name span, prefixLen uint16, value span, class uint8) error {
	at := int(name.from)
	prefix := span{name.to, name.to}
	if prefixLen > 0 {
		prefix.from = name.from + uint32(prefixLen) + 1
	}
	el := &d.elements[len(d.elements)-1]
	declared := d.bind(prefix, NoNS)
	for _, b := range d.bindings[el.decl:] {
		if d.samePrefix(b, declared) {
			return refuse(DuplicateAttribute, at, "prefix declared twice")
		}
	}
	uri := d.normalized(value, class)
	switch p := string(d.bytes(prefix)); {
	case p == "xml" || p == "xmlns":
		return refuse(Namespace, at, "reserved prefix declared")
	case string(uri) == xmlURI || string(uri) == xmlnsURI:
		return refuse(Namespace, at, "reserved namespace declared")
	case p != "" && len(uri) == 0:
		return refuse(Namespace, at, "prefix declared as no namespace")
	}
	ns, err := d.intern(uri, at)
	if err != nil {
		return err
	}
	if len(d.scope) == MaxScope {
		return refuse(Namespaces, at, "too many namespace declarations in scope")
	}
	declared.ns = ns
	d.bindings = append(d.bindings, declared)
	d.scope = append(d.scope, declared)
	el.ndecl++
	return nil
}

// intern returns the number of a namespace name.
func (d *Document) intern(uri []byte, at int) (NS, error) {
	if len(uri) == 0 {
		return NoNS, nil
	}
	for i := range d.namespaces[1:] {
		if bytes.Equal(d.namespaces[i+1].uri, uri) {
			return NS(i + 1), nil
		}
	}
	if len(d.namespaces) == d.known+MaxNamespaces {
		return 0, refuse(Namespaces, at, "too many namespaces")
	}
	plain := classify(uri)&(hasRef|hasLess|hasQuote|hasCR|hasTabLF) == 0
	d.namespaces = append(d.namespaces, namespace{uri, plain})
	return NS(len(d.namespaces) - 1), nil
}

// resolve finds the namespaces of an element's name and of its attributes'.
func (d *Document) resolve(e Elem) error {
	el := &d.elements[e]
	ns, ok := d.lookup(prefixOf(el.name, el.prefix))
	if !ok {
		return refuse(Namespace, int(el.name.from), "undeclared prefix")
	}
	el.ns = ns
	list := d.attributes[el.attr:]
	for i := range list {
		a := &list[i]
		if a.prefix == 0 {
			continue // no prefix: no namespace
		}
		if a.ns, ok = d.lookup(prefixOf(a.name, a.prefix)); !ok {
			return refuse(Namespace, int(a.name.from), "undeclared prefix")
		}
		for j := range list[:i] {
			if b := &list[j]; b.local == a.local && b.ns == a.ns && bytes.Equal(localName(d.bytes(b.name), b.prefix), localName(d.bytes(a.name), a.prefix)) {
				return refuse(DuplicateAttribute, int(a.name.from), "two attributes of one expanded name")
			}
		}
	}
	return nil
}

// lookup finds the namespace a prefix is bound to where the scan stands.
func (d *Document) lookup(prefix span) (NS, bool) {
	wanted := d.bind(prefix, NoNS)
	for i := len(d.scope) - 1; i >= 0; i-- {
		if d.samePrefix(d.scope[i], wanted) {
			return d.scope[i].ns, true
		}
	}
	if prefix.from == prefix.to {
		return NoNS, true
	}
	if string(d.bytes(prefix)) == "xml" {
		return XMLNS, true
	}
	return NoNS, false
}

// inScope finds the declaration of a prefix that an element sees, its own or
// an ancestor's. An undeclared default namespace is not found.
func (d *Document) inScope(e Elem, prefix []byte) (binding, bool) {
	for ; e != None; e = d.elements[e].parent {
		el := &d.elements[e]
		for _, b := range d.bindings[el.decl : el.decl+uint32(el.ndecl)] {
			if bytes.Equal(d.bytes(b.prefix), prefix) {
				return b, b.ns != NoNS
			}
		}
	}
	return binding{}, false
}
