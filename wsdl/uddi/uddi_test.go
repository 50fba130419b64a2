package uddi

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tolem"
)

func sample() Snapshot {
	return Snapshot{
		Domain: "gateway.example", Address: "https://gateway.example/soap/v1?a&b", Operator: "Operator & Co",
		Providers: []Provider{
			{ID: "MIA", Names: tolem.Names{KK: "ІІМ", RU: "МВД"}, Services: []Service{
				{Code: "PASSPORT", Names: tolem.Names{RU: "Паспорт", EN: "Passport"}},
				{Code: "VISA", Names: tolem.Names{EN: "Visa 100%"}},
			}},
			{ID: "TAX", Services: []Service{{Code: "FINE_1", Names: tolem.Names{EN: "Fine"}}}},
		},
	}
}

// GW-028 GW-P38: businessService and bindingTemplate as one static document.
func TestDescription(t *testing.T) {
	document, err := Description(sample())
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		XMLName  xml.Name
		Entities []businessEntity `xml:"businessEntity"`
	}
	if err := xml.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	if d.XMLName.Space != Namespace || d.XMLName.Local != "businessDetail" || len(d.Entities) != 3 {
		t.Fatalf("document is %s", document)
	}
	gateway := d.Entities[0].Services[0]
	if gateway.Key != "uddi:gateway.example:operator:gateway" || gateway.Bindings[0].AccessPoint.URL != sample().Address ||
		gateway.Bindings[0].Models[0].Key != "uddi:gateway.example:gateway-v1" {
		t.Errorf("gateway is %+v", gateway)
	}
	mia := d.Entities[1]
	if mia.Key != "uddi:gateway.example:provider:mia" || fmt.Sprint(mia.Names) != "[{kk ІІМ} {ru МВД}]" || len(mia.Services) != 2 {
		t.Errorf("provider is %+v", mia)
	}
	if tax := d.Entities[2]; tax.Names[0].Value != "TAX" {
		t.Errorf("a provider without a name is called %+v", tax.Names)
	}
}

func post(t testing.TB, body string) (int, string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/uddi", strings.NewReader(body))
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	w := httptest.NewRecorder()
	Handler(sample).ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func envelope(inquiry string) string {
	return `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header/><e:Body>` + inquiry + `</e:Body></e:Envelope>`
}

func ask(t testing.TB, name, attributes, content string) string {
	t.Helper()
	status, answer := post(t, envelope(`<`+name+` xmlns="urn:uddi-org:api_v3" `+attributes+`>`+content+`</`+name+`>`))
	want := http.StatusOK
	if strings.Contains(answer, "faultcode") {
		want = http.StatusInternalServerError
	}
	if status != want {
		t.Errorf("%s: status %d", name, status)
	}
	if err := xml.Unmarshal([]byte(answer), new(struct{})); err != nil {
		t.Errorf("%s: answer is not XML: %v\n%s", name, err, answer)
	}
	return answer
}

const approximate = "<findQualifiers><findQualifier>approximateMatch</findQualifier></findQualifiers>"

// GW-028
func TestInquiries(t *testing.T) {
	cases := []struct {
		name, attributes, content string
		want, not                 []string
	}{
		{"find_business", "", "<name>МВД</name>", []string{`<businessList xmlns="urn:uddi-org:api_v3">`, `businessKey="uddi:gateway.example:provider:mia"`, `<name xml:lang="kk">ІІМ</name>`, "serviceInfo "}, []string{"tax"}},
		{"find_business", "", "<name>мвд</name>", []string{"<businessList"}, []string{"businessInfos"}},
		{"find_business", "", "<findQualifiers><findQualifier>uddi:uddi.org:findqualifier:caseinsensitivematch</findQualifier></findQualifiers><name>мвд</name>", []string{"provider:mia"}, nil},
		{"find_business", "", "", []string{"<businessList"}, []string{"businessInfo"}},
		{"find_business", `maxRows="1"`, approximate + "<name>%</name>", []string{`truncated="true"`, "operator"}, []string{"provider:mia"}},
		{"find_business", `maxRows="1" listHead="3"`, approximate + "<name>%</name>", []string{"provider:mia"}, []string{"truncated"}},
		{"find_business", `listHead="9"`, approximate + "<name>%</name>", nil, []string{"businessInfo "}},
		{"find_business", "", approximate + "<name>%</name><tModelBag><tModelKey>uddi:other</tModelKey></tModelBag>", nil, []string{"businessInfo "}},
		{"find_service", `businessKey="UDDI:gateway.example:PROVIDER:MIA"`, "", []string{"service:passport", "service:visa"}, []string{"fine"}},
		{"find_service", "", approximate + "<name>Pass%</name>", []string{"service:passport"}, []string{"visa"}},
		{"find_service", "", approximate + `<name>%100\%</name>`, []string{"service:visa"}, []string{"passport"}},
		{"find_service", `businessKey="uddi:nobody"`, "", []string{"faultcode", `<dispositionReport xmlns="urn:uddi-org:api_v3">`, `errno="10210"`, "E_invalidKeyPassed"}, nil},
		{"find_binding", `serviceKey="uddi:gateway.example:service:visa"`, "", []string{"<bindingDetail", "service:visa:binding", ">https://gateway.example/soap/v1?a&amp;b</accessPoint>"}, []string{"passport"}},
		{"find_binding", "", "<tModelBag><tModelKey>uddi:gateway.example:gateway-v1</tModelKey></tModelBag>", []string{"service:visa:binding", "operator:gateway:binding"}, nil},
		{"get_businessDetail", "", "<businessKey>uddi:gateway.example:operator</businessKey><businessKey>uddi:gateway.example:provider:tax</businessKey>", []string{"Operator &amp; Co", "service:fine_1"}, []string{"mia"}},
		{"get_businessDetail", "", "<businessKey>uddi:gateway.example:operator</businessKey><businessKey>uddi:x</businessKey>", []string{"E_invalidKeyPassed"}, []string{"businessEntity"}},
		{"get_serviceDetail", "", "<serviceKey>uddi:gateway.example:service:passport</serviceKey>", []string{"<serviceDetail", ">Паспорт<", "bindingTemplate "}, nil},
		{"get_bindingDetail", "", "<bindingKey>uddi:gateway.example:service:passport:binding</bindingKey>", []string{"<bindingDetail", "accessPoint"}, nil},
		{"get_tModelDetail", "", "<tModelKey>uddi:gateway.example:gateway-v1</tModelKey>", []string{"<tModelDetail", "urn:tolem:gateway:v1", "?wsdl"}, nil},
		{"get_serviceDetail", "", "", []string{"E_fatalError"}, nil},
		{"save_business", "", "", []string{"E_unsupported"}, nil},
		{"find_business", "", "<categoryBag><keyedReference/></categoryBag>", []string{"E_unsupported"}, nil},
		{"find_business", "", "<findQualifiers><findQualifier>soundex&lt;</findQualifier></findQualifiers><name>x</name>", []string{"E_unsupported", "soundex&lt;"}, nil},
		{"find_business", "", strings.Repeat("<name>x</name>", MaxNames+1), []string{"E_tooManyOptions"}, nil},
		{"find_business", "", "<name>" + strings.Repeat("x", MaxNameLength+1) + "</name>", []string{"E_nameTooLong"}, nil},
		{"find_business", `maxRows="-1"`, "", []string{"E_fatalError"}, nil},
	}
	for _, c := range cases {
		answer := ask(t, c.name, c.attributes, c.content)
		for _, want := range c.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s %s %s: no %q in\n%s", c.name, c.attributes, c.content, want, answer)
			}
		}
		for _, not := range c.not {
			if strings.Contains(answer, not) {
				t.Errorf("%s %s %s: %q in\n%s", c.name, c.attributes, c.content, not, answer)
			}
		}
	}
}

func TestHandlerRefuses(t *testing.T) {
	cases := []struct {
		method, contentType, body string
		want                      int
	}{
		{"PUT", "text/xml", "", http.StatusMethodNotAllowed},
		{"POST", "application/json", "{}", http.StatusUnsupportedMediaType},
		{"POST", "text/xml", strings.Repeat(" ", MaxRequestBytes+1), http.StatusRequestEntityTooLarge},
		{"POST", "text/xml", "not XML", http.StatusInternalServerError},
		{"POST", "text/xml", envelope(""), http.StatusInternalServerError},
		{"POST", "text/xml", envelope(`<find_business xmlns="urn:uddi-org:api_v2"/>`), http.StatusInternalServerError},
		{"POST", "text/xml", `<!DOCTYPE x [<!ENTITY e "x">]>` + envelope(`<find_business xmlns="urn:uddi-org:api_v3"><name>&e;</name></find_business>`), http.StatusInternalServerError},
		{"GET", "", "", http.StatusOK},
	}
	for _, c := range cases {
		req := httptest.NewRequest(c.method, "/uddi", strings.NewReader(c.body))
		req.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		Handler(sample).ServeHTTP(w, req)
		if w.Code != c.want {
			t.Errorf("%s %s %.40q: status %d, want %d", c.method, c.contentType, c.body, w.Code, c.want)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{"", "", true}, {"", "%", true}, {"a", "", false}, {"abc", "a%", true}, {"abc", "%c", true}, {"abc", "a%d", false},
		{"abc", "a_c", true}, {"Қыз", "_ыз", true}, {"abcbc", "a%bc", true}, {"a%c", `a\%c`, true}, {"abc", `a\%c`, false},
		{strings.Repeat("a", 200), strings.Repeat("%a", 100) + "%b", false}, {`a\`, `a\\`, true}, {`a`, `a\`, false},
	} {
		if got := like([]rune(c.name), []rune(c.pattern)); got != c.want {
			t.Errorf("like(%q, %q) is %t", c.name, c.pattern, got)
		}
	}
}

// Whatever comes in, XML goes out, and nothing panics.
func FuzzInquiry(f *testing.F) {
	f.Add(envelope(`<find_business xmlns="urn:uddi-org:api_v3" maxRows="2"><name>%</name></find_business>`))
	f.Add(envelope(`<get_serviceDetail xmlns="urn:uddi-org:api_v3"><serviceKey>k</serviceKey></get_serviceDetail>`))
	f.Add(`<a><b/></a>`)
	f.Fuzz(func(t *testing.T, body string) {
		status, answer := post(t, body)
		if status != http.StatusOK && status != http.StatusInternalServerError && status != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", status)
		}
		if status == http.StatusRequestEntityTooLarge {
			return
		}
		d := xml.NewDecoder(strings.NewReader(answer))
		for {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatalf("%v in %s", err, answer)
			}
		}
	})
}
