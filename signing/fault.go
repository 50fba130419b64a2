package signing

import "strings"

// Fault is a SOAP fault before it is written in one version or the other.
type Fault struct {
	// Code is the fault code of SOAP 1.1 as Error.FaultCode returns it: one of
	// soap:Client, soap:Server, soap:MustUnderstand and soap:VersionMismatch, or
	// a code of WS-Security with the prefix wsse or wsu.
	Code   string
	Reason string // in English
	Detail []byte // one element in exclusive canonical form, or nil
}

// AppendFault appends the Fault element as Sign takes it: with the prefix soap
// left to the envelope. The prefixes wsse and wsu of a code are declared by the
// envelope too.
func AppendFault(dst []byte, v Version, f Fault) []byte {
	if v == SOAP12 {
		return appendFault12(dst, f)
	}
	dst = append(dst, "<soap:Fault><faultcode>"...)
	dst = append(dst, f.Code...)
	dst = append(dst, "</faultcode><faultstring>"...)
	dst = appendEscaped(dst, f.Reason)
	dst = append(dst, "</faultstring>"...)
	dst = appendDetail(dst, "detail", f.Detail)
	return append(dst, "</soap:Fault>"...)
}

// appendFault12 writes a fault of SOAP 1.2. Its own codes are fixed; the code
// of WS-Security becomes the subcode.
func appendFault12(dst []byte, f Fault) []byte {
	code, subcode := f.Code, ""
	switch {
	case code == faultClient:
		code = "soap:Sender"
	case code == faultServer:
		code = "soap:Receiver"
	case !strings.HasPrefix(code, "soap:"):
		code, subcode = "soap:Sender", code
	}
	dst = append(dst, "<soap:Fault><soap:Code><soap:Value>"...)
	dst = append(dst, code...)
	dst = append(dst, "</soap:Value>"...)
	if subcode != "" {
		dst = append(dst, "<soap:Subcode><soap:Value>"...)
		dst = append(dst, subcode...)
		dst = append(dst, "</soap:Value></soap:Subcode>"...)
	}
	dst = append(dst, `</soap:Code><soap:Reason><soap:Text xml:lang="en">`...)
	dst = appendEscaped(dst, f.Reason)
	dst = append(dst, "</soap:Text></soap:Reason>"...)
	dst = appendDetail(dst, "soap:Detail", f.Detail)
	return append(dst, "</soap:Fault>"...)
}

func appendDetail(dst []byte, name string, detail []byte) []byte {
	if len(detail) == 0 {
		return dst
	}
	dst = append(append(append(dst, '<'), name...), '>')
	dst = append(dst, detail...)
	return append(append(append(dst, "</"...), name...), '>')
}

// appendEscaped appends text in canonical form. What XML cannot hold becomes a
// space.
func appendEscaped(dst []byte, text string) []byte {
	for _, r := range text {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r < ' ' || r == 0xFFFE || r == 0xFFFF:
			dst = append(dst, ' ')
		default:
			dst = append(dst, string(r)...)
		}
	}
	return dst
}
