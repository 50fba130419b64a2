package uddi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// MaxRequestBytes bounds an inquiry.
const MaxRequestBytes = 64 << 10

const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/"

// Description returns the static description: every business with its services
// and bindings, as one UDDI v3 businessDetail.
func Description(s Snapshot) ([]byte, error) {
	r := newRegistry(s)
	document, err := xml.MarshalIndent(businessDetail{Entities: r.businesses}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(document, '\n')...), nil
}

// Handler answers GET with the description and POST with the answer to a UDDI
// v3 inquiry. It asks for a snapshot on every request.
func Handler(snapshot func() Snapshot) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.Method {
		case http.MethodGet, http.MethodHead:
			describe(w, snapshot())
		case http.MethodPost:
			inquire(w, req, snapshot())
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		}
	})
}

func describe(w http.ResponseWriter, s Snapshot) {
	document, err := Description(s)
	if err != nil {
		http.Error(w, "no description", http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, document)
}

func inquire(w http.ResponseWriter, req *http.Request, s Snapshot) {
	if kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind != "text/xml" {
		http.Error(w, "send text/xml", http.StatusUnsupportedMediaType)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxRequestBytes))
	if err != nil {
		http.Error(w, fmt.Sprintf("send at most %d bytes", MaxRequestBytes), http.StatusRequestEntityTooLarge)
		return
	}
	q, err := parse(raw)
	if err != nil {
		writeEnvelope(w, http.StatusInternalServerError, newFault("soap:Client", &disposition{10500, "E_fatalError", err.Error()}))
		return
	}
	answer, d := newRegistry(s).answer(q)
	if d != nil {
		writeEnvelope(w, http.StatusInternalServerError, newFault("soap:Client", d))
		return
	}
	writeEnvelope(w, http.StatusOK, answer)
}

// The reasons for which a request is not taken for an inquiry.
var (
	errNotSOAP     = errors.New("send one SOAP 1.1 envelope with one UDDI v3 inquiry in its Body")
	errDeclaration = errors.New("document type declarations are not accepted")
)

// parse reads the inquiry in a SOAP envelope. Parts of other namespaces, SOAP
// headers among them, mean nothing here.
func parse(raw []byte) (*inquiry, error) {
	if bytes.Contains(raw, []byte("<!DOCTYPE")) || bytes.Contains(raw, []byte("<!ENTITY")) {
		return nil, errDeclaration
	}
	var envelope struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Body    []struct {
			Content []anyInquiry `xml:",any"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal(raw, &envelope); err != nil {
		return nil, errNotSOAP
	}
	if len(envelope.Body) != 1 || len(envelope.Body[0].Content) != 1 {
		return nil, errNotSOAP
	}
	content := envelope.Body[0].Content[0]
	if content.XMLName.Space != Namespace {
		return nil, errNotSOAP
	}
	content.inquiry.name = content.XMLName.Local
	return &content.inquiry, nil
}

type anyInquiry struct {
	XMLName xml.Name
	inquiry
}

func writeEnvelope(w http.ResponseWriter, status int, content any) {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<soap:Envelope xmlns:soap="` + soapNamespace + `"><soap:Body>`)
	if err := xml.NewEncoder(&b).Encode(content); err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	b.WriteString("</soap:Body></soap:Envelope>\n")
	write(w, status, b.Bytes())
}

// write sends XML. An error of the connection concerns nobody but the caller
// who closed it.
func write(w http.ResponseWriter, status int, content []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}
