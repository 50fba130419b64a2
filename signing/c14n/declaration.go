package c14n

import "bytes"

// xmlDeclaration reads the XML declaration at p, if there is one, and returns
// where it ends. It is the one thing of this shape that is not a processing
// instruction, and it may stand only here.
func (d *Document) xmlDeclaration(p int) (int, error) {
	rest := d.raw[p:]
	if !bytes.HasPrefix(rest, []byte("<?xml")) || len(rest) < 6 || !isSpace(rest[5]) {
		return p, nil
	}
	n := bytes.Index(rest, []byte("?>"))
	if n < 0 {
		return 0, refuse(Syntax, p, "XML declaration does not end")
	}
	s := rest[5:n]
	s, version := pseudoAttribute(s, "version")
	s, encoding := pseudoAttribute(s, "encoding")
	s, standalone := pseudoAttribute(s, "standalone")
	if string(version) != "1.0" || !isBlank(s) {
		return 0, refuse(Syntax, p, "malformed XML declaration")
	}
	if encoding != nil && !bytes.EqualFold(encoding, []byte("UTF-8")) {
		return 0, refuse(Encoding, p, "encoding other than UTF-8")
	}
	if standalone != nil && string(standalone) != "yes" && string(standalone) != "no" {
		return 0, refuse(Syntax, p, "malformed XML declaration")
	}
	return p + n + len("?>"), nil
}

// pseudoAttribute takes name="value" off the front of s. If s starts with
// something else it is returned as it is, with a nil value.
func pseudoAttribute(s []byte, name string) (rest, value []byte) {
	t := bytes.TrimLeft(s, " \t\r\n")
	if len(t) == len(s) || !bytes.HasPrefix(t, []byte(name)) {
		return s, nil
	}
	t = bytes.TrimLeft(t[len(name):], " \t\r\n")
	if len(t) == 0 || t[0] != '=' {
		return s, nil
	}
	t = bytes.TrimLeft(t[1:], " \t\r\n")
	if len(t) == 0 || t[0] != '"' && t[0] != '\'' {
		return s, nil
	}
	end := bytes.IndexByte(t[1:], t[0])
	if end < 0 {
		return s, nil
	}
	return t[end+2:], t[1 : end+1]
}
