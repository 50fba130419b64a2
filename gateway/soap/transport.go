package soap

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/wsdl"
)

// The media types of SOAP 1.1 and 1.2.
const (
	mediaSOAP11 = "text/xml"
	mediaSOAP12 = "application/soap+xml"
)

// checkTransport refuses what cannot be a SOAP message of the profile, with a
// status and a sentence that say what is wrong.
func checkTransport(r *http.Request) (status int, problem string) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return http.StatusUnsupportedMediaType, "Content-Type cannot be read (a value with a colon, such as action, must be quoted): " + err.Error()
	case media != mediaSOAP11 && media != mediaSOAP12:
		return http.StatusUnsupportedMediaType, "Content-Type must be text/xml; charset=utf-8 (SOAP 1.1) or application/soap+xml (SOAP 1.2)"
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return http.StatusUnsupportedMediaType, "charset must be utf-8"
	case r.Header.Get("Content-Encoding") != "":
		return http.StatusUnsupportedMediaType, "Content-Encoding is not accepted"
	}
	return 0, ""
}

func contentType(v signing.Version) string {
	if v == signing.SOAP12 {
		return mediaSOAP12 + "; charset=utf-8"
	}
	return mediaSOAP11 + "; charset=utf-8"
}

// checkAction refuses a SOAPAction that names something else than the signed
// Body. Empty and absent ones say nothing.
func checkAction(r *http.Request, v signing.Version, op tolem.Operation) error {
	action := strings.Trim(r.Header.Get("SOAPAction"), `"`)
	if v == signing.SOAP12 {
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err == nil && params["action"] != "" {
			action = params["action"]
		}
	}
	if action != "" && action != wsdl.SOAPAction(string(op)) {
		return errAction
	}
	return nil
}

// read takes the request from the wire: at most MaxMessageBytes, within the
// time a body has.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, x *exchange) error {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.BodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if r.ContentLength > MaxMessageBytes {
		return errTooLarge
	}
	raw := make([]byte, 0, max(r.ContentLength, 4096)+1)
	for {
		if len(raw) == cap(raw) {
			raw = append(raw, 0)[:len(raw)]
		}
		n, err := r.Body.Read(raw[len(raw):min(cap(raw), MaxMessageBytes+1)])
		raw = raw[:len(raw)+n]
		switch {
		case len(raw) > MaxMessageBytes:
			return errTooLarge
		case errors.Is(err, io.EOF):
			x.raw = raw
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errSlowMessage
		case err != nil:
			return errHalfMessage
		}
	}
}

// contract answers GET: the WSDL, plain or with its security policy.
func (h *Handler) contract(w http.ResponseWriter, r *http.Request) {
	address := h.Address
	if address == "" {
		address = "https://" + r.Host + r.URL.Path
	}
	var document []byte
	switch query := strings.ToLower(r.URL.RawQuery); query {
	case "wsdl":
		document = wsdl.WSDL(address)
	case "wsdl=policy":
		document = wsdl.PolicyWSDL(address)
	case "xsd":
		document = wsdl.Schema()
	case "xsd=receipt":
		document = wsdl.ReceiptSchema()
	case "xsd=register":
		document = wsdl.RegisterSchema()
	case "xsd=reconciliation":
		document = wsdl.ReconciliationSchema()
	case "xsd=claim":
		document = wsdl.ClaimSchema()
	case "xsd=result":
		document = wsdl.ResultSchema()
	default:
		http.Error(w, "POST a SOAP message here, or GET ?wsdl, ?wsdl=policy, ?xsd, or ?xsd= with receipt, register, reconciliation, claim or result", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	if _, err := w.Write(document); err != nil {
		h.Log.Debug().Err(err).Msg("contract could not be delivered")
	}
}
