package wsdl_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"tolem"
	"tolem/wsdl"
)

const address = "https://gateway.example/soap/v1?a=1&b=2"

type definitions struct {
	Messages []struct {
		Name string `xml:"name,attr"`
		Part struct {
			Element string `xml:"element,attr"`
		} `xml:"part"`
	} `xml:"message"`
	PortType struct {
		Operations []struct {
			Name  string `xml:"name,attr"`
			Doc   string `xml:"documentation"`
			Fault struct {
				Message string `xml:"message,attr"`
			} `xml:"fault"`
		} `xml:"operation"`
	} `xml:"portType"`
	Bindings []struct {
		Binding struct {
			XMLName xml.Name
			Style   string `xml:"style,attr"`
		} `xml:"binding"`
		Policy struct {
			URI string `xml:"URI,attr"`
		} `xml:"PolicyReference"`
		Operations []struct {
			Name string `xml:"name,attr"`
			SOAP struct {
				Action string `xml:"soapAction,attr"`
			} `xml:"operation"`
		} `xml:"operation"`
	} `xml:"binding"`
	Ports []struct {
		Name    string `xml:"name,attr"`
		Address struct {
			Location string `xml:"location,attr"`
		} `xml:"address"`
	} `xml:"service>port"`
	Policies []struct {
		ID string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Id,attr"`
	} `xml:"http://www.w3.org/ns/ws-policy Policy"`
}

func readWSDL(t *testing.T, doc []byte) definitions {
	t.Helper()
	var d definitions
	if err := xml.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// GW-027 GW-026
func TestWSDLDescribesEveryOperation(t *testing.T) {
	d := readWSDL(t, wsdl.WSDL(address))
	parts := map[string]string{}
	for _, m := range d.Messages {
		parts[m.Name] = m.Part.Element
	}
	if len(d.PortType.Operations) != len(tolem.Operations) {
		t.Fatalf("%d operations, want %d", len(d.PortType.Operations), len(tolem.Operations))
	}
	for i, op := range tolem.Operations {
		got, name := d.PortType.Operations[i], string(op)
		if got.Name != name || got.Doc == "" || got.Fault.Message != "tns:GatewayFault" {
			t.Errorf("operation %d is %+v, want %s with documentation and fault", i, got, name)
		}
		if parts[name+"Request"] != "tns:"+name || parts[name+"Response"] != "tns:"+name+"Response" {
			t.Errorf("%s is not wrapped in its own name", name)
		}
		for _, b := range d.Bindings {
			if b.Operations[i].Name != name || b.Operations[i].SOAP.Action != wsdl.SOAPAction(name) {
				t.Errorf("binding of %s: %+v", name, b.Operations[i])
			}
		}
	}
}

// SOAP 1.1 is the profile: toolkits take the first port.
func TestSOAP12StandsLast(t *testing.T) {
	d := readWSDL(t, wsdl.WSDL(address))
	if len(d.Bindings) != 2 || len(d.Ports) != 2 {
		t.Fatalf("%d bindings, %d ports, want 2 and 2", len(d.Bindings), len(d.Ports))
	}
	for i, space := range []string{"http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/"} {
		if b := d.Bindings[i].Binding; b.XMLName.Space != space || b.Style != "document" {
			t.Errorf("binding %d is %+v", i, b)
		}
		if got := d.Ports[i].Address.Location; got != address {
			t.Errorf("address of port %d is %q", i, got)
		}
	}
}

func TestWSDLIsOneFile(t *testing.T) {
	for name, doc := range map[string][]byte{"WSDL": wsdl.WSDL(address), "PolicyWSDL": wsdl.PolicyWSDL(address)} {
		schemas, imports := 0, 0
		eachElement(t, doc, func(e xml.StartElement) {
			switch e.Name.Local {
			case "schema":
				schemas++
			case "include", "import":
				imports++
			}
		})
		if schemas != 1 || imports != 0 {
			t.Errorf("%s has %d schemas and %d imports, want 1 and 0", name, schemas, imports)
		}
		if !bytes.Contains(doc, []byte(`<xs:element name="GetOutcomeResponse">`)) {
			t.Errorf("%s does not hold the messages", name)
		}
		if strings.Contains(string(doc), "localhost") {
			t.Errorf("%s keeps the sample address", name)
		}
	}
}

func TestPolicyIsReferencedByBothBindings(t *testing.T) {
	d := readWSDL(t, wsdl.PolicyWSDL(address))
	if len(d.Policies) != 1 {
		t.Fatalf("%d policies, want 1", len(d.Policies))
	}
	for i, b := range d.Bindings {
		if b.Policy.URI != "#"+d.Policies[0].ID {
			t.Errorf("binding %d refers to %q, the policy is %q", i, b.Policy.URI, d.Policies[0].ID)
		}
	}
	if n := len(readWSDL(t, wsdl.WSDL(address)).Policies); n != 0 {
		t.Errorf("the plain WSDL holds %d policies", n)
	}
}

// The codes are no enumeration in the schema, so their documentation must not
// fall behind.
func TestEveryCodeIsDocumented(t *testing.T) {
	schema := string(wsdl.Schema())
	results, faults := section(schema, "ResultCode"), section(schema, "FaultCode")
	for _, c := range []tolem.ResultCode{tolem.OK, tolem.UnknownCode, tolem.NotPaid, tolem.AlreadyPaid, tolem.AlreadyUsed, tolem.Expired,
		tolem.Cancelled, tolem.Refunded, tolem.IINMismatch, tolem.ServiceMismatch, tolem.BoundToOtherRequest, tolem.Mismatch,
		tolem.DuplicatePayment, tolem.WrongBank, tolem.InvalidIIN, tolem.UnknownService, tolem.AmountNotAllowed, tolem.NotOwner,
		tolem.UnknownRequest, tolem.UnknownRegister, tolem.RegisterFinal, tolem.NotSealed, tolem.BadRow,
		tolem.BadPart, tolem.UnknownList, tolem.TooManyLists, tolem.NotReady, tolem.UnknownClaim, tolem.ClaimStateRefused, tolem.ReportTooLarge, tolem.BillsRefused} {
		if !strings.Contains(results, string(c)) {
			t.Errorf("result code %s is not documented", c)
		}
	}
	for _, c := range []tolem.ResultCode{tolem.BadRequest, tolem.BadSignature, tolem.CertUntrusted, tolem.CertExpired, tolem.CertRevoked,
		tolem.CRLUnavailable, tolem.MessageExpired, tolem.Replay, tolem.Forbidden, tolem.UnknownOperation, tolem.TooLarge,
		tolem.TooManyRequests, tolem.TooManyUnknown, tolem.Unavailable, tolem.Internal} {
		if !strings.Contains(faults, string(c)) {
			t.Errorf("fault code %s is not documented", c)
		}
	}
}

func section(schema, simpleType string) string {
	_, after, _ := strings.Cut(schema, `<xs:simpleType name="`+simpleType+`">`)
	body, _, _ := strings.Cut(after, "</xs:simpleType>")
	return body
}
