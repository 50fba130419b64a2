package uddi

import "encoding/xml"

// disposition is why an inquiry failed, with number and name of UDDI's error
// catalogue.
type disposition struct {
	number int
	code   string
	text   string
}

func invalidKey(key string) *disposition {
	return &disposition{10210, "E_invalidKeyPassed", "no such key: " + clip(key)}
}

func unsupported(what string) *disposition {
	return &disposition{10050, "E_unsupported", "not supported: " + clip(what)}
}

// clip bounds what is repeated of a request.
func clip(s string) string {
	const most = 100
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

type soapFault struct {
	XMLName xml.Name          `xml:"soap:Fault"`
	Code    string            `xml:"faultcode"`
	Text    string            `xml:"faultstring"`
	Report  dispositionReport `xml:"detail>dispositionReport"`
}

type dispositionReport struct {
	XMLName xml.Name `xml:"urn:uddi-org:api_v3 dispositionReport"`
	Result  result   `xml:"result"`
}

type result struct {
	Number int     `xml:"errno,attr"`
	Info   errInfo `xml:"errInfo"`
}

type errInfo struct {
	Code string `xml:"errCode,attr"`
	Text string `xml:",chardata"`
}

func newFault(code string, d *disposition) soapFault {
	return soapFault{
		Code: code, Text: "Client Error",
		Report: dispositionReport{Result: result{Number: d.number, Info: errInfo{Code: d.code, Text: d.text}}},
	}
}
