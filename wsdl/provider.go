package wsdl

import _ "embed" // the contract travels inside the binary

// ProviderNamespace is the target namespace of the contract that organisations
// implement whose own systems are asked about their accounts.
const ProviderNamespace = "urn:tolem:provider:v1"

// ProviderLookup is its one operation.
const ProviderLookup = "LookupAccount"

// ProviderAction is the SOAPAction of that operation.
const ProviderAction = ProviderNamespace + ":" + ProviderLookup

//go:embed provider-v1.wsdl
var providerSource string

//go:embed provider-v1.xsd
var providerSchema string

// ProviderWSDL returns the contract of organisations as one file without
// imports, for an organisation to build its service from.
func ProviderWSDL() []byte {
	return oneFile(providerSource, providerSchema, ProviderNamespace, "provider-v1.xsd")
}

// ProviderWSDLAt returns the contract with the address in its port.
func ProviderWSDLAt(address string) []byte {
	return at(ProviderWSDL(), "https://localhost:8446/provider/v1", address)
}

// ProviderSchema returns the schema of its messages.
func ProviderSchema() []byte { return []byte(providerSchema) }
