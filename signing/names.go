package signing

import "tolem/signing/c14n"

// Namespaces of the message profile.
const (
	soap11URI = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12URI = "http://www.w3.org/2003/05/soap-envelope"
	wsseURI   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsuURI    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	dsURI     = "http://www.w3.org/2000/09/xmldsig#"
	wsa05URI  = "http://www.w3.org/2005/08/addressing"
	wsa04URI  = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
)

// The same as numbers of a document that newDocument made.
const (
	soap11 = c14n.FirstKnown + iota
	soap12
	wsse
	wsu
	ds
	excC14N // the namespace of InclusiveNamespaces is the algorithm's name
	wsa05
	wsa04
)

func newDocument() *c14n.Document {
	return c14n.NewDocument(soap11URI, soap12URI, wsseURI, wsuURI, dsURI, excC14NURI, wsa05URI, wsa04URI)
}

// Names in tokens and key references.
const (
	x509v3Type       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
	x509SKIType      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
	base64BinaryType = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

// Version is a version of SOAP.
type Version int

// The versions of SOAP. The zero Version is SOAP 1.1: it is what a message
// whose version cannot be seen is answered with.
const (
	SOAP11 Version = iota
	SOAP12
)

func (v Version) uri() string {
	if v == SOAP12 {
		return soap12URI
	}
	return soap11URI
}

func (v Version) ns() c14n.NS {
	if v == SOAP12 {
		return soap12
	}
	return soap11
}

// String returns "SOAP 1.1" or "SOAP 1.2".
func (v Version) String() string {
	if v == SOAP12 {
		return "SOAP 1.2"
	}
	return "SOAP 1.1"
}
