package web

import (
	"encoding/json"
	"net/http"
)

// policy forbids everything that our pages do not use: there is no script at
// all, so none that was smuggled in can run or call out (PCI DSS 6.4.3).
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; report-uri " + reportPath

// scriptPolicy is that of the few routes that HandleScripted names: a file of
// our own may run there, and can still reach nothing else.
const scriptPolicy = policy + "; script-src 'self'"

// guard sets the headers of every answer. Pages are never cached: they show
// personal data. Static files set their own Cache-Control.
//
// Referrer-Policy is same-origin and not no-referrer: other sites learn as
// little, but with no-referrer browsers send "Origin: null" with our own forms,
// and those without Sec-Fetch-Site would be refused as foreign.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "no-store")
}

// reportPath is where browsers tell what the policy stopped (PCI DSS 11.6.1).
const reportPath = "/csp-report"

// maxReportText is how much of a report's field the log takes.
const maxReportText = 100

// takeReport writes to the log what was stopped. The address of the page is
// left out: it may hold a token.
func takeReport(x *Exchange) error {
	var report struct {
		Body struct {
			Directive string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
		} `json:"csp-report"`
	}
	if err := json.NewDecoder(x.Request.Body).Decode(&report); err != nil {
		return ErrForm
	}
	b := report.Body
	x.shell.Log.Warn().Str("incident", x.ID).Str("directive", clip(b.Directive+b.Violated)).Str("blocked", clip(b.Blocked)).
		Msg("a browser stopped something that does not belong on a page")
	x.WriteHeader(http.StatusNoContent)
	return nil
}

func clip(s string) string { return s[:min(len(s), maxReportText)] }
