package wsdl

import (
	_ "embed" // the contract travels inside the binary
	"strings"
)

// BankNamespace is the target namespace of the contract that banks implement to
// take payments from the payment page.
const BankNamespace = "urn:tolem:bank:v1"

// The operations of the bank's contract.
const (
	BankAuthorizeCard  = "AuthorizeCard"
	BankDebitAccount   = "DebitAccount"
	BankGetStatus      = "GetStatus"
	BankReversePayment = "ReversePayment"
	BankPayClaim       = "PayClaim"
)

// BankOperations lists the operations in the order of the contract.
var BankOperations = []string{BankAuthorizeCard, BankDebitAccount, BankGetStatus, BankReversePayment, BankPayClaim}

// BankAction returns the SOAPAction of an operation of the bank's contract.
func BankAction(operation string) string { return BankNamespace + ":" + operation }

//go:embed bank-v1.wsdl
var bankSource string

//go:embed bank-v1.xsd
var bankSchema string

// BankWSDL returns the contract of banks as one file without imports, for a
// bank to build its service from.
func BankWSDL() []byte {
	_, schema, _ := strings.Cut(bankSchema, "?>\n")
	included := `    <xs:schema targetNamespace="` + BankNamespace + `">
      <xs:include schemaLocation="bank-v1.xsd"/>
    </xs:schema>
`
	return []byte(strings.Replace(bankSource, included, indented(schema), 1))
}

// BankWSDLAt returns the contract with the address in its port.
func BankWSDLAt(address string) []byte {
	return []byte(strings.Replace(string(BankWSDL()), `location="https://localhost:8445/bank/v1"`, `location="`+escaped(address)+`"`, 1))
}

// BankSchema returns the schema of its messages.
func BankSchema() []byte { return []byte(bankSchema) }
