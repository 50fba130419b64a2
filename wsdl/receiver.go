package wsdl

import _ "embed" // the contract travels inside the binary

// ReceiverNamespace is the target namespace of the contract that participants
// implement to have their documents pushed to them.
const ReceiverNamespace = "urn:tolem:receiver:v1"

// ReceiverAction is the SOAPAction of its one operation.
const ReceiverAction = ReceiverNamespace + ":DeliverDocument"

//go:embed receiver-v1.wsdl
var receiverSource string

//go:embed receiver-v1.xsd
var receiverSchema string

// ReceiverWSDL returns the contract of the receiver as one file without
// imports, for a participant to build its service from.
func ReceiverWSDL() []byte {
	return oneFile(receiverSource, receiverSchema, ReceiverNamespace, "receiver-v1.xsd")
}

// ReceiverSchema returns the schema of its messages.
func ReceiverSchema() []byte { return []byte(receiverSchema) }
