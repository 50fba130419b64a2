package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// policy forbids everything that our pages do not use: there is no script at
// all, so none that was smuggled in can run or call out (PCI DSS 6.4.3).
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; " +
	noFrame + "; base-uri 'none'; report-uri " + reportPath

// Who may show a page in a frame.
const (
	noFrame  = "frame-ancestors 'none'"
	ownFrame = "frame-ancestors 'self'"
)

// Leave is what the pages of a route may do that others may not.
type Leave struct {
	Script  bool     // a static file of ours runs, and can still reach nothing
	Connect []string // origins that it may call; "'self'" is ours
	Frames  bool     // shows pages of ours in frames
	Framed  bool     // is shown in a frame of ours
}

// policy is that of all pages, with the leave.
func (l Leave) policy() string {
	p := policy
	if l.Framed {
		p = strings.Replace(p, noFrame, ownFrame, 1)
	}
	if l.Script {
		p += "; script-src 'self'"
	}
	if len(l.Connect) > 0 {
		p += "; connect-src " + strings.Join(l.Connect, " ")
	}
	if l.Frames {
		p += "; frame-src 'self'"
	}
	return p
}

// grant sets the headers of an answer of a route that has leave.
func (l Leave) grant(h http.Header) {
	h.Set("Content-Security-Policy", l.policy())
	if l.Framed {
		h.Set("X-Frame-Options", "SAMEORIGIN")
	}
}

// guard sets the headers of every answer. Pages are never cached: they show
// personal data. Static files set their own Cache-Control.
//
// Referrer-Policy is same-origin and not no-referrer: other sites learn as
// little, but with no-referrer browsers send "Origin: null" with our own forms,
// and those without Sec-Fetch-Site would be refused as foreign.
//
// A sandbox demands no https of later visits: browsers keep that for the host
// whatever its port, and beside a sandbox at localhost stand plain pages.
func guard(h http.Header, sandbox bool) {
	h.Set("Content-Security-Policy", policy)
	if !sandbox {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
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
