package signing

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strings"
)

// maxNameParts bounds the attributes of a distinguished name.
const maxNameParts = 32

// namePart is one attribute of a distinguished name.
type namePart struct{ oid, value string }

// nameTypes are the short names stacks write for attribute types.
var nameTypes = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "SURNAME": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7",
	"ST": "2.5.4.8", "S": "2.5.4.8", "STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "T": "2.5.4.12", "TITLE": "2.5.4.12",
	"G": "2.5.4.42", "GN": "2.5.4.42", "GIVENNAME": "2.5.4.42", "POSTALCODE": "2.5.4.17", "BUSINESSCATEGORY": "2.5.4.15",
	"ORGANIZATIONIDENTIFIER": "2.5.4.97", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"E": "1.2.840.113549.1.9.1", "EMAIL": "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
}

// sameName reports whether text, a distinguished name as a message spells it
// (RFC 4514), is the name in der. Stacks disagree about the order, so both are
// tried; the certificate is one the register holds, and the signature still has
// to verify with its key.
func sameName(text string, der []byte) bool {
	var rdns pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdns); err != nil || len(rest) != 0 {
		return false
	}
	var want []namePart
	for _, rdn := range rdns {
		for _, a := range rdn {
			value, ok := a.Value.(string)
			if !ok {
				return false
			}
			want = append(want, namePart{a.Type.String(), value})
		}
	}
	got, ok := parseName(text)
	if !ok {
		return false
	}
	if slices.Equal(got, want) {
		return true
	}
	slices.Reverse(got)
	return slices.Equal(got, want)
}

// parseName splits a distinguished name into its attributes, in the order of
// the text.
func parseName(text string) (parts []namePart, ok bool) {
	for _, one := range splitName(text) {
		kind, value, found := strings.Cut(one, "=")
		kind = strings.TrimSpace(kind)
		if !found || len(parts) == maxNameParts {
			return nil, false
		}
		oid, known := nameTypes[strings.ToUpper(kind)]
		if !known {
			oid = strings.TrimPrefix(strings.ToUpper(kind), "OID.")
		}
		if value, found = unescapeName(strings.TrimLeft(value, " ")); !found {
			return nil, false
		}
		parts = append(parts, namePart{oid, value})
	}
	return parts, len(parts) > 0
}

// splitName splits at separators that are neither escaped nor quoted.
func splitName(text string) (parts []string) {
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || c == '+'):
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// unescapeName resolves quotes, escapes and the hexadecimal form of a value.
func unescapeName(v string) (string, bool) {
	if strings.HasPrefix(v, "#") {
		der, err := hex.DecodeString(strings.TrimRight(v[1:], " "))
		var s string
		if err != nil {
			return "", false
		}
		rest, err := asn1.Unmarshal(der, &s)
		return s, err == nil && len(rest) == 0
	}
	var out bytes.Buffer
	keep := 0 // white space up to here was escaped or quoted and stays
	quoted := false
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '"':
			quoted = !quoted
			keep = out.Len()
		case v[i] == '\\' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]):
			b, _ := hex.DecodeString(v[i+1 : i+3])
			out.Write(b)
			i += 2
			keep = out.Len()
		case v[i] == '\\' && i+1 < len(v):
			i++
			out.WriteByte(v[i])
			keep = out.Len()
		default:
			out.WriteByte(v[i])
			if quoted {
				keep = out.Len()
			}
		}
	}
	s := out.String()
	return s[:keep] + strings.TrimRight(s[keep:], " "), !quoted
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
