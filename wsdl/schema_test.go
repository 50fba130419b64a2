package wsdl_test

import (
	"encoding/xml"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tolem/internal/tolemtest"
	"tolem/wsdl"
)

// The parts of a schema that the rules of the contract speak of.
type (
	schema struct {
		XMLName            xml.Name      `xml:"http://www.w3.org/2001/XMLSchema schema"`
		TargetNamespace    string        `xml:"targetNamespace,attr"`
		ElementFormDefault string        `xml:"elementFormDefault,attr"`
		Elements           []element     `xml:"element"`
		SimpleTypes        []simpleType  `xml:"simpleType"`
		ComplexTypes       []complexType `xml:"complexType"`
	}
	element struct {
		Name      string       `xml:"name,attr"`
		Type      string       `xml:"type,attr"`
		MinOccurs string       `xml:"minOccurs,attr"`
		MaxOccurs string       `xml:"maxOccurs,attr"`
		Doc       string       `xml:"annotation>documentation"`
		Inline    *complexType `xml:"complexType"`
	}
	complexType struct {
		Name   string    `xml:"name,attr"`
		Doc    string    `xml:"annotation>documentation"`
		Fields []element `xml:"sequence>element"`
	}
	simpleType struct {
		Name string `xml:"name,attr"`
		Doc  string `xml:"annotation>documentation"`
		Enum []struct {
			Value string `xml:"value,attr"`
			Doc   string `xml:"annotation>documentation"`
		} `xml:"restriction>enumeration"`
	}
)

func readSchema(t *testing.T) schema {
	t.Helper()
	var s schema
	if err := xml.Unmarshal(wsdl.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// documented wants a sentence about every type, message and field.
func (s schema) documented(t *testing.T) {
	t.Helper()
	want := func(what, doc string) {
		if doc = strings.TrimSpace(doc); len(doc) < 8 || !strings.HasSuffix(doc, ".") {
			t.Errorf("%s is not documented: %q", what, doc)
		}
	}
	for _, x := range s.SimpleTypes {
		want(x.Name, x.Doc)
		for _, v := range x.Enum {
			want(x.Name+" "+v.Value, v.Doc)
		}
	}
	for _, x := range s.ComplexTypes {
		want(x.Name, x.Doc)
		for _, f := range x.Fields {
			want(x.Name+"/"+f.Name, f.Doc)
		}
	}
	for _, e := range s.Elements {
		want(e.Name, e.Doc)
		for _, f := range e.Inline.Fields {
			want(e.Name+"/"+f.Name, f.Doc)
		}
	}
}

// builds has a toolkit that is not ours read a contract, which must be one file,
// and wants these words in what it makes of it.
func builds(t *testing.T, doc []byte, want ...string) {
	t.Helper()
	eachElement(t, doc, func(e xml.StartElement) {
		if e.Name.Local == "include" || e.Name.Local == "import" {
			t.Errorf("the contract has an xs:%s", e.Name.Local)
		}
	})
	python := tolemtest.RequirePython(t, "zeep")
	script := `import sys, zeep
zeep.Client(sys.argv[1]).wsdl.dump()`
	out, err := exec.Command(python, "-c", script, write(t, "contract.wsdl", string(doc))).CombinedOutput()
	for _, w := range want {
		if err != nil || !strings.Contains(string(out), w) {
			t.Errorf("zeep: no %s: %v\n%s", w, err, out)
		}
	}
}

func (s schema) fieldsOf(name string) (fields []element, found bool) {
	for _, e := range s.Elements {
		if e.Name == name && e.Inline != nil {
			return e.Inline.Fields, true
		}
	}
	for _, c := range s.ComplexTypes {
		if c.Name == name {
			return c.Fields, true
		}
	}
	return nil, false
}

const (
	requestHead = "requestId sentAt? onBehalfOf? "
	answerHead  = "requestId resultCode resultText "

	registerHead = "number kind ownerId bankId? day from to revision reason? hash formedAt finalAfter standing rowCount discrepancyCount grandTotal*"
	sum          = "count amount refundCount refundAmount net"
)

// contractFields is the contract in the order of the wire; ? marks what may be
// absent, * what may repeat. A change here is a change of the contract.
var contractFields = map[string]string{
	"IssueCode":             requestHead + "serviceCode providerId recipientIIN recipientName? amount currency channel requestNo?",
	"IssueCodeResponse":     answerHead + "paymentCode? issuedAt? expiresAt?",
	"NotifyPayment":         requestHead + "paymentCode bankId bankRef amount currency paidAt channel recipientIIN recipientName? serviceCode providerId accountNo branchId? fee?",
	"NotifyPaymentResponse": answerHead + "paymentCode? receivedAt? state? late? branchId?",
	"ValidateCode":          requestHead + "paymentCode requestNo? recipientIIN? serviceCode? centreId? operatorId?",
	"ValidateCodeResponse":  answerHead + "paymentCode? state? recipientIIN? recipientName? serviceCode? amount? currency? paidAt? boundRequestNo?",
	"CloseCode":             requestHead + "paymentCode closeId requestNo? centreId? operatorId?",
	"CloseCodeResponse":     answerHead + "paymentCode? state? closedAt?",
	"CancelCode":            requestHead + "paymentCode reason?",
	"CancelCodeResponse":    answerHead + "paymentCode? state? cancelledAt?",
	"GetPayment":            requestHead + "paymentCode",
	"GetPaymentResponse": answerHead + "paymentCode? state? serviceCode? providerId? amount? currency? channel? issuedAt? expiresAt? paidAt? " +
		"receivedAt? bankId? bankRef? late? boundRequestNo? closedAt?",
	"GetReceipt":                  requestHead + "paymentCode",
	"GetReceiptResponse":          answerHead + "paymentCode? receipt?",
	"ListServices":                requestHead + "providerId?",
	"ListServicesResponse":        answerHead + "services?",
	"GetOutcome":                  requestHead + "ofRequestId",
	"GetOutcomeResponse":          answerHead + "operation? ofResultCode? answeredAt? answer?",
	"ListRegisters":               requestHead + "from? to? kind? branchId? after?",
	"ListRegistersResponse":       answerHead + "registers? next?",
	"GetRegister":                 requestHead + "number? kind? day? branchId? form part? fromLine? maxRows?",
	"GetRegisterResponse":         answerHead + "register? file? rows? nextLine?",
	"AcknowledgeRegister":         requestHead + "number verdict objection*",
	"AcknowledgeRegisterResponse": answerHead + "number? standing? at?",
	"SubmitRegister":              requestHead + "listId day part parts content*",
	"SubmitRegisterResponse":      answerHead + "number? registerNumber? received? parts?",
	"GetReconciliation":           requestHead + "number? listId? form part? fromNo? maxRows?",
	"GetReconciliationResponse":   answerHead + "reconciliation? file? anomalyList? nextNo?",
	"ListClaims":                  requestHead + "from? to? after?",
	"ListClaimsResponse":          answerHead + "claims? next?",
	"AnswerClaim":                 requestHead + "number answer note?",
	"AnswerClaimResponse":         answerHead + "number? state? at?",
	"GetReport":                   requestHead + "from to period by* bankId? providerId? serviceCode? channel? currency? form language?",
	"GetReportResponse":           answerHead + "complete? openDay? file?",
	"StartCardPayment":            requestHead + "paymentCode recipientIIN serviceCode amount currency details? returnAddress language?",
	"StartCardPaymentResponse":    answerHead + "paymentCode? paymentId? redirectAddress? expiresAt?",
	"StartAccountPayment":         requestHead + "serviceCode providerId recipientIIN recipientName? amount currency requestNo? details? returnAddress language?",
	"StartAccountPaymentResponse": answerHead + "paymentId? redirectAddress? expiresAt?",
	"GetCheckout":                 requestHead + "paymentId",
	"GetCheckoutResponse":         answerHead + "paymentId? stage? method? paymentCode? bankId? bankRef? paidAt? refusal? bankErrorCode? bankErrorText?",
	"SubmitBills":                 requestHead + "asOf paidUntil? currency account*",
	"SubmitBillsResponse":         answerHead + "batchId? accounts? taken? same? older? rejected*",
	"BillAccount":                 "number closed? holder? address? detail* bill*",
	"AccountDetail":               "label value?",
	"Bill":                        "serviceCode amount invoiceNo? period?",
	"RejectedAccount":             "no code text?",
	"Reconciliation":              "number listId submittedBy submittedAt kind ownerId day registerNumber madeAt hash refusal? matched agreed anomalies",
	"Anomaly":                     "no code severity registerLine? listLine? paymentCode? bankRef? ours? theirs? difference? counter?",
	"AnomalyPage":                 "anomaly*",
	"Difference":                  "amount currency",
	"Claim":                       "number day registerNumber? count amount currency madeAt dueAt state since paid document",
	"ClaimList":                   "claim*",
	"RegisterList":                "register*",
	"RegisterSummary":             registerHead,
	"RegisterHead":                registerHead + " total*",
	"GrandTotal":                  "currency " + sum,
	"Total":                       "currency serviceCode channel " + sum,
	"RowPage":                     "row*",
	"RegisterRow": "line kind paymentCode bankId branchId? bankRef serviceCode providerId channel amount currency fee? paidAt receivedAt " +
		"refundedAt? state? closedAt? discrepancy? belongsTo?",
	"FilePart":      "fileName form size part parts content*",
	"Objection":     "reason line? text?",
	"GatewayFault":  "code message requestId? incidentId retry",
	"ServiceList":   "service*",
	"Service":       "serviceCode providerId name providerName? fixedAmount? minAmount? maxAmount? currency",
	"LocalizedName": "kk? ru? en?",
}

func TestFieldsStandInTheOrderOfTheContract(t *testing.T) {
	s := readSchema(t)
	for name, want := range contractFields {
		fields, found := s.fieldsOf(name)
		if !found {
			t.Errorf("%s is not in the schema", name)
			continue
		}
		if got := describe(fields); got != strings.TrimSpace(want) {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
	if n := len(s.Elements) + len(s.ComplexTypes); n != len(contractFields) {
		t.Errorf("the schema has %d messages and types, the table %d", n, len(contractFields))
	}
}

func describe(fields []element) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
		switch {
		case f.MaxOccurs == "unbounded":
			names[i] += "*"
		case f.MinOccurs == "0":
			names[i] += "?"
		}
	}
	return strings.Join(names, " ")
}

// The schema keeps to what every toolkit that was tried understands.
func TestSchemaUsesElementsOnly(t *testing.T) {
	s := readSchema(t)
	if s.TargetNamespace != wsdl.Namespace || s.ElementFormDefault != "qualified" {
		t.Errorf("namespace %q, elementFormDefault %q", s.TargetNamespace, s.ElementFormDefault)
	}
	allowed := []string{"schema", "annotation", "documentation", "element", "complexType", "sequence", "simpleType",
		"restriction", "enumeration", "pattern", "maxLength", "minInclusive", "maxInclusive", "fractionDigits"}
	eachElement(t, wsdl.Schema(), func(e xml.StartElement) {
		if !slices.Contains(allowed, e.Name.Local) {
			t.Errorf("the schema uses xs:%s", e.Name.Local)
		}
	})
	for _, e := range s.Elements {
		for _, f := range e.Inline.Fields {
			if f.Type == "" || f.Inline != nil {
				t.Errorf("%s/%s has no named type", e.Name, f.Name)
			}
		}
	}
}

// GW-027
func TestEverythingIsDocumented(t *testing.T) {
	s := readSchema(t)
	s.documented(t)
	for name := range contractFields {
		if _, found := s.fieldsOf(name); !found {
			t.Errorf("the schema has no %s", name)
		}
	}
}

// Closed lists stand only where the caller writes, or where the list is part of
// the state machine; a caller's program must survive a new result code.
func TestEnumerations(t *testing.T) {
	want := map[string]string{
		"Channel": "ACQUIRING ACCOUNT INTERNET_BANKING MOBILE_BANKING ATM INFOKIOSK",
		"State":   "ISSUED PAID CLOSED EXPIRED CANCELLED REFUNDED",
		"Retry":   "no same later status",

		"RegisterKind": "provider bank branch",
		"RegisterForm": "ROWS XML CSV XLSX PDF",
		"Verdict":      "ACK REJECT",
		"ClaimAnswer":  "ACKNOWLEDGED DISPUTED",
		"Period":       "day week month whole",
		"Dimension":    "channel bank provider service hour weekday",
		"ReportForm":   "CSV XLSX PDF JSON",
		"Language":     "kk ru en",
		"PageLanguage": "kk ru en az uz",
		"RejectReason": "MISSING_ROW SURPLUS_ROW AMOUNT SERVICE BRANCH TOTALS OTHER",
	}
	for _, st := range readSchema(t).SimpleTypes {
		values := make([]string, len(st.Enum))
		for i, v := range st.Enum {
			values[i] = v.Value
		}
		if got := strings.Join(values, " "); got != want[st.Name] {
			t.Errorf("%s lists %q, want %q", st.Name, got, want[st.Name])
		}
	}
}

func eachElement(t *testing.T, doc []byte, visit func(xml.StartElement)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(doc)))
	for {
		tok, err := d.Token()
		if tok == nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return
		}
		if e, ok := tok.(xml.StartElement); ok {
			visit(e)
		}
	}
}
