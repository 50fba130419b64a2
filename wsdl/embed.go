// Package wsdl is the published contract of the gateway: one WSDL and one
// schema, embedded, and the renderings of them that the gateway serves. They
// are the truth about the wire; wsdl/gatewayv1 is generated from them and
// gateway/soap is tested against them.
//
// The package parses no message and opens no connection. gateway/soap calls it
// to answer ?wsdl, the tool under internal/generate to make the client's types.
package wsdl

import (
	_ "embed" // the contract travels inside the binary
	"encoding/xml"
	"strings"
)

//go:generate go run ./internal/generate

// Namespace is the target namespace of the contract and of every element in
// it. An incompatible contract gets another one.
const Namespace = "urn:tolem:gateway:v1"

// SOAPAction returns the SOAPAction of an operation as the contract gives it.
func SOAPAction(operation string) string { return Namespace + ":" + operation }

//go:embed gateway-v1.wsdl
var wsdlSource string

//go:embed gateway-v1.xsd
var schemaSource string

//go:embed receipt-v1.xsd
var receiptSchema string

//go:embed registers-v1.xsd
var registerSchema string

//go:embed reconciliation-v1.xsd
var reconciliationSchema string

//go:embed claim-v1.xsd
var claimSchema string

//go:embed result-v1.xsd
var resultSchema string

//go:embed policy.xml
var policySource string

// What the renderings replace in the source; a test holds the contract to
// containing each of them.
const (
	sampleAddress  = "https://localhost:8443/soap/v1"
	includedSchema = `    <xs:schema targetNamespace="urn:tolem:gateway:v1">
      <xs:include schemaLocation="gateway-v1.xsd"/>
    </xs:schema>
`
	afterBinding = `transport="http://schemas.xmlsoap.org/soap/http"/>` + "\n"
	policyUse    = `    <wsp:PolicyReference xmlns:wsp="http://www.w3.org/ns/ws-policy" URI="#GatewaySigning"/>` + "\n"
	endOfWSDL    = "</wsdl:definitions>\n"
)

// WSDL returns the contract as one file without imports, with the address in
// both of its ports.
func WSDL(address string) []byte { return []byte(render(address)) }

// PolicyWSDL returns the contract as WSDL does, with a WS-SecurityPolicy that
// lets toolkits such as CXF and Metro configure signing by themselves.
func PolicyWSDL(address string) []byte {
	s := strings.ReplaceAll(render(address), afterBinding, afterBinding+policyUse)
	return []byte(strings.TrimSuffix(s, endOfWSDL) + "\n" + policySource + endOfWSDL)
}

// Schema returns the schema of all messages.
func Schema() []byte { return []byte(schemaSource) }

func render(address string) string {
	return strings.NewReplacer(
		includedSchema, inlineSchema(),
		`location="`+sampleAddress+`"`, `location="`+escaped(address)+`"`,
	).Replace(wsdlSource)
}

// escaped returns a text as it stands in an attribute.
func escaped(text string) string {
	var b strings.Builder
	// A strings.Builder takes every write, so EscapeText cannot fail here.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// inlineSchema returns the schema as it stands in the types of the WSDL: without
// the XML declaration and indented.
func inlineSchema() string {
	_, schema, _ := strings.Cut(schemaSource, "?>\n")
	return indented(schema)
}

// oneFile returns a contract whose types include a schema as one file without
// imports, for somebody to build a service from.
func oneFile(contract, schema, namespace, schemaFile string) []byte {
	_, content, _ := strings.Cut(schema, "?>\n")
	included := `    <xs:schema targetNamespace="` + namespace + `">
      <xs:include schemaLocation="` + schemaFile + `"/>
    </xs:schema>
`
	return []byte(strings.Replace(contract, included, indented(content), 1))
}

// at returns a contract with another address in its port.
func at(contract []byte, sample, address string) []byte {
	return []byte(strings.Replace(string(contract), `location="`+sample+`"`, `location="`+escaped(address)+`"`, 1))
}

// indented indents a document by as much as the types of a WSDL are.
func indented(schema string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(schema, "\n"), "\n", "\n    ") + "\n"
}

// ReceiptSchema returns the schema of the e-receipt document.
func ReceiptSchema() []byte { return []byte(receiptSchema) }

// RegisterSchema returns the schema of the signed register document.
func RegisterSchema() []byte { return []byte(registerSchema) }

// ReconciliationSchema returns the schema of the signed report on a comparison.
func ReconciliationSchema() []byte { return []byte(reconciliationSchema) }

// ClaimSchema returns the schema of the signed claim to a bank.
func ClaimSchema() []byte { return []byte(claimSchema) }

// ResultNamespace is the namespace of the results that are posted to merchants.
const ResultNamespace = "urn:tolem:result:v1"

// ResultSchema returns the schema of the signed result of a merchant's order.
func ResultSchema() []byte { return []byte(resultSchema) }
