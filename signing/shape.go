package signing

import "tolem/signing/c14n"

// checkEnvelope finds Header and Body: the envelope holds exactly these, the
// Body exactly one element.
func (m *message) checkEnvelope() *Error {
	d := m.doc
	root := d.Root()
	switch {
	case d.Is(root, soap11, "Envelope"):
		m.version = SOAP11
	case d.Is(root, soap12, "Envelope"):
		m.version = SOAP12
	case string(d.Local(root)) == "Envelope":
		return fail(ClassVersion, "envelope in another namespace")
	default:
		return fail(ClassNotSOAP, "root is not a SOAP envelope")
	}
	soap := m.version.ns()
	m.header = d.FirstChild(root)
	if m.header == c14n.None || !d.Is(m.header, soap, "Header") {
		if m.header != c14n.None && d.Is(m.header, soap, "Body") && d.Next(m.header) == c14n.None {
			return fail(ClassUnsigned, "no Header")
		}
		return fail(ClassEnvelope, "first child is not Header")
	}
	m.bodyElem = d.Next(m.header)
	if m.bodyElem == c14n.None || !d.Is(m.bodyElem, soap, "Body") {
		return fail(ClassEnvelope, "second child is not Body")
	}
	if d.Next(m.bodyElem) != c14n.None {
		return fail(ClassEnvelope, "content after Body")
	}
	if d.Stray(root) {
		return fail(ClassEnvelope, "text in Envelope")
	}
	child := d.FirstChild(m.bodyElem)
	if child == c14n.None || d.Next(child) != c14n.None || d.Stray(m.bodyElem) {
		return fail(ClassBody, "Body does not hold exactly one element")
	}
	return nil
}

// checkPlaces refuses every envelope part, Security and Signature that does not
// stand where the one of its kind must stand, wherever that may be. What moved
// elsewhere and was replaced is a wrapping attack.
func (m *message) checkPlaces() *Error {
	d := m.doc
	for e := d.Root() + 1; int(e) < d.Len(); e++ {
		switch d.NS(e) {
		case soap11, soap12:
			if e != m.header && e != m.bodyElem && isEnvelopePart(d.Local(e)) {
				return fail(ClassWrapping, "second Envelope, Header or Body")
			}
		case wsse:
			if string(d.Local(e)) == "Security" && d.Parent(e) != m.header {
				return fail(ClassWrapping, "Security outside Header")
			}
		case ds:
			if string(d.Local(e)) == "Signature" && !m.inSecurity(e) {
				return fail(ClassWrapping, "Signature outside Security")
			}
		}
	}
	return nil
}

func isEnvelopePart(local []byte) bool {
	switch string(local) {
	case "Envelope", "Header", "Body":
		return true
	}
	return false
}

// inSecurity reports whether e is a child of a Security header block.
func (m *message) inSecurity(e c14n.Elem) bool {
	parent := m.doc.Parent(e)
	return m.doc.Is(parent, wsse, "Security") && m.doc.Parent(parent) == m.header
}

// checkIDs refuses identifiers that could be taken for one another. wsu:Id and
// xml:id identify everywhere; a plain Id does in the header, while inside the
// payload it is data.
func (m *message) checkIDs() *Error {
	d := m.doc
	for e := d.Root(); int(e) < d.Len(); e++ {
		for i := range d.Attrs(e) {
			ns, local := d.AttrName(e, i)
			if !isID(ns, local, e > m.bodyElem) {
				continue
			}
			if err := m.addID(d.AttrValue(e, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func isID(ns c14n.NS, local []byte, payload bool) bool {
	switch ns {
	case wsu:
		return string(local) == "Id"
	case c14n.XMLNS:
		return string(local) == "id"
	case c14n.NoNS:
		return !payload && len(local) == 2 && local[0]|0x20 == 'i' && local[1]|0x20 == 'd'
	}
	return false
}

func (m *message) addID(id []byte) *Error {
	if len(id) == 0 || len(id) > MaxIDLength {
		return fail(ClassIDs, "identifier is empty or too long")
	}
	for _, c := range id {
		if c <= ' ' {
			return fail(ClassIDs, "white space in an identifier")
		}
	}
	if len(m.ids) == MaxIDs {
		return fail(ClassIDs, "too many identifiers")
	}
	for _, known := range m.ids {
		if string(known) == string(id) {
			return fail(ClassIDs, "identifier stands twice")
		}
	}
	m.ids = append(m.ids, id)
	return nil
}

// checkHeader accepts one Security and blocks of WS-Addressing, for us.
func (m *message) checkHeader() *Error {
	d := m.doc
	if d.Stray(m.header) {
		return fail(ClassHeader, "text in Header")
	}
	m.security = c14n.None
	for e := d.FirstChild(m.header); e != c14n.None; e = d.Next(e) {
		if m.isForeign(e) {
			return fail(ClassActor, "header block for another actor")
		}
		switch {
		case d.Is(e, wsse, "Security"):
			if m.security != c14n.None {
				return fail(ClassHeader, "second Security")
			}
			m.security = e
		case d.NS(e) == wsa05 || d.NS(e) == wsa04:
		case m.mustUnderstand(e):
			return fail(ClassMustUnderstand, "header block is not understood")
		default:
			return fail(ClassHeader, "unknown header block")
		}
	}
	if m.security == c14n.None {
		return fail(ClassUnsigned, "no Security")
	}
	return m.checkMandatory()
}

// isForeign reports whether a header block names an actor or role, of either
// version of SOAP: whoever it names, we are addressed without.
func (m *message) isForeign(e c14n.Elem) bool {
	_, actor := m.doc.Attr(e, soap11, "actor")
	_, role := m.doc.Attr(e, soap12, "role")
	return actor || role
}

func (m *message) mustUnderstand(e c14n.Elem) bool {
	value, _ := m.doc.Attr(e, m.version.ns(), "mustUnderstand")
	return string(value) == "1" || string(value) == "true"
}

// checkMandatory allows Security to be mandatory or to say nothing about it.
func (m *message) checkMandatory() *Error {
	value, ok := m.doc.Attr(m.security, m.version.ns(), "mustUnderstand")
	if !ok || string(value) == "1" || m.version == SOAP12 && string(value) == "true" {
		return nil
	}
	return fail(ClassHeader, "mustUnderstand of Security is not 1")
}

// checkSecurity finds the parts of Security, each at most once. Their order is
// free.
func (m *message) checkSecurity() *Error {
	d := m.doc
	m.token, m.timestamp, m.signature = c14n.None, c14n.None, c14n.None
	for e := d.FirstChild(m.security); e != c14n.None; e = d.Next(e) {
		var part *c14n.Elem
		switch {
		case d.Is(e, wsse, "BinarySecurityToken"):
			part = &m.token
		case d.Is(e, wsu, "Timestamp"):
			part = &m.timestamp
		case d.Is(e, ds, "Signature"):
			part = &m.signature
		default:
			return fail(ClassSecurity, "unknown content of Security")
		}
		if *part != c14n.None {
			return fail(ClassSecurity, "content of Security stands twice")
		}
		*part = e
	}
	if d.Stray(m.security) {
		return fail(ClassSecurity, "text in Security")
	}
	if m.signature == c14n.None {
		return fail(ClassUnsigned, "no Signature")
	}
	return nil
}
