package wsdl

import _ "embed" // the contract travels inside the binary

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
func BankWSDL() []byte { return oneFile(bankSource, bankSchema, BankNamespace, "bank-v1.xsd") }

// BankWSDLAt returns the contract with the address in its port.
func BankWSDLAt(address string) []byte {
	return at(BankWSDL(), "https://localhost:8445/bank/v1", address)
}

// BankSchema returns the schema of its messages.
func BankSchema() []byte { return []byte(bankSchema) }
