package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tolem"
)

// ErrInvalid is wrapped by every error of Validate.
var ErrInvalid = errors.New("invalid configuration")

// FieldError says what is wrong with one setting.
type FieldError struct {
	Key     string
	Problem string
}

// Error names the key and the problem.
func (e *FieldError) Error() string { return e.Key + ": " + e.Problem }

// Unwrap makes every FieldError an ErrInvalid.
func (e *FieldError) Unwrap() error { return ErrInvalid }

// Validate returns every setting that cannot work as a FieldError, joined, or
// nil. It looks at the settings only: whether files exist and keys fit is
// found by those who open them.
func (c *Config) Validate() error {
	var v validator
	c.checkDatabase(&v)
	c.checkSOAP(&v)
	c.checkKeys(&v)
	c.checkTrust(&v)
	v.address("ops.listen", c.Ops.Listen)
	if c.Zone == "" || c.Zone == "Local" {
		v.add("zone", "name a time zone, like Asia/Almaty")
	} else if _, err := time.LoadLocation(c.Zone); err != nil {
		v.add("zone", "unknown time zone %q", c.Zone)
	}
	if _, err := tolem.ParseCurrency(string(c.Currency)); err != nil {
		v.add("currency", "%v", err)
	}
	c.checkNumbers(&v)
	c.checkRegisters(&v)
	c.checkCheckout(&v)
	c.checkWorkplace(&v)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "json", "text")
	return errors.Join(v.problems...)
}

func (c *Config) checkDatabase(v *validator) {
	if path, ok := strings.CutPrefix(c.Database, sqliteScheme); ok {
		if path == "" {
			v.add("database", "sqlite: needs the path of a file")
		}
		return
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		v.add("database", "not an address") // the parser's words would show the password
		return
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		v.add("database", "must be sqlite:PATH or postgres://USER@HOST/NAME")
	}
}

func (c *Config) checkSOAP(v *validator) {
	v.address("soap.listen", c.SOAP.Listen)
	if c.SOAP.PublicAddress != "" {
		u, err := url.Parse(c.SOAP.PublicAddress)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			v.add("soap.public_address", "must be an address like https://pay.example.kz/soap/v1")
		}
	}
	if v.pair("soap.tls", c.SOAP.TLS) {
		v.add("soap.tls.cert", "needed: the listener speaks TLS only")
	}
}

func (c *Config) checkKeys(v *validator) {
	for _, needed := range []struct {
		key, why string
		pair     KeyPair
	}{
		{"signing.rsa", "every answer is signed, with RSA unless the caller signed with EC", c.Signing.RSA},
		{"signing.ec", "requests signed with EC are answered with EC", c.Signing.EC},
		{"vault", "personal data is encrypted at rest", KeyPair{Cert: c.Vault.Cert, Key: c.Vault.Key}},
	} {
		if v.pair(needed.key, needed.pair) {
			v.add(needed.key+".cert", "needed: %s", needed.why)
		}
	}
	if len(c.Vault.Keys) == 0 {
		v.add("vault.keys", "needed: personal data is encrypted at rest")
	}
	if c.Archive.CheckpointKey == "" {
		v.add("archive.checkpoint_key", "needed: the archive's checkpoints are signed")
	}
	if c.Archive.Origin == "" || strings.ContainsAny(c.Archive.Origin, " +\n\t\r") {
		v.add("archive.origin", "must be a name without spaces and plus signs; it stands in every checkpoint")
	}
}

func (c *Config) checkTrust(v *validator) {
	if len(c.Trust.Anchors) == 0 {
		v.add("trust.anchors", "needed: without an anchor no certificate can be accepted")
	}
	v.entries("trust.anchors", c.Trust.Anchors, false)
	v.entries("trust.intermediates", c.Trust.Intermediates, false)
	v.entries("trust.crls", c.Trust.CRLs, true)
}

func (c *Config) checkCheckout(v *validator) {
	p := c.Checkout
	banks, err := p.BankAddresses()
	v.found(err)
	for i, id := range p.Acquirers {
		if banks[tolem.ParticipantID(id)] == "" {
			v.add(fmt.Sprintf("checkout.acquirers[%d]", i), "%s is not one of checkout.banks", id)
		}
	}
	if len(banks) > 0 && c.Delivery.TLS.Cert == "" {
		v.add("delivery.tls", "needed: it is what the gateway shows the banks of checkout.banks")
	}
	if p.CallTimeout < time.Second || p.CallTimeout > 5*time.Minute {
		v.add("checkout.call_timeout", "%s is not between 1s and 5m", p.CallTimeout)
	}
	if p.Listen == "" {
		return
	}
	plain := p.Sandbox && p.TLS == (KeyPair{}) && onLoopback(p.Listen)
	scheme := "https"
	if plain {
		scheme = "http" // browsers trust this machine itself
	}
	if u, err := url.Parse(p.PublicAddress); err != nil || u.Scheme != scheme || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		v.add("checkout.public_address", "must be an %s address, as payers' browsers reach the page", scheme)
	}
	if !plain && (p.TLS.Cert == "" || p.TLS.Key == "") {
		v.add("checkout.tls", "needed: without it only a sandbox serves, and only this machine")
	}
}

func (c *Config) checkWorkplace(v *validator) {
	w := c.Workplace
	v.address("workplace.card_bridge", w.CardBridge)
	if !onLoopback(w.CardBridge) {
		v.add("workplace.card_bridge", "must be an address of the desk's own computer, like 127.0.0.1:47123")
	}
	none := v.pair("workplace.tls", w.TLS)
	if len(w.OtherTickets) > 0 && w.TicketKey == "" {
		v.add("workplace.ticket_key", "needed beside workplace.other_ticket_keys")
	}
	organisations, err := w.OrganisationAddresses()
	v.found(err)
	if len(organisations) > 0 && c.Delivery.TLS.Cert == "" {
		v.add("delivery.tls", "needed: it is what the gateway shows the organisations of workplace.organisations")
	}
	if w.Listen == "" {
		return
	}
	v.address("workplace.listen", w.Listen)
	if none {
		v.add("workplace.tls.cert", "needed: people sign in with certificates")
	}
}

// onLoopback reports whether only this machine reaches an address.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// maxLookup is how long a customer may be let wait for an organisation's own
// system (WP-527).
const maxLookup = 10 * time.Second

// maxAccount is as long as the longest IBAN.
const maxAccount = 34

func (c *Config) checkRegisters(v *validator) {
	r := c.Registers
	if _, err := r.Clock(); err != nil {
		v.add("registers.at", "%v", err)
	}
	for key, list := range map[string][]string{"registers.holidays": r.Holidays, "registers.workdays": r.Workdays} {
		for i, day := range list {
			if _, err := tolem.ParseDay(day); err != nil {
				v.add(fmt.Sprintf("%s[%d]", key, i), "%v", err)
			}
		}
	}
	for key, n := range map[string]int{"registers.final_after": r.FinalAfter, "registers.claims_due_after": r.ClaimsDueAfter} {
		if n < 1 || n > 60 {
			v.add(key, "%d is not between 1 and 60 workdays", n)
		}
	}
	if r.Days != "every" && r.Days != "workdays" {
		v.add("registers.days", "%q is neither every nor workdays", r.Days)
	}
	if !slices.Contains([]string{"kk", "ru", "en"}, r.Language) {
		v.add("registers.language", "%q is not kk, ru or en", r.Language)
	}
	if (c.Delivery.TLS.Cert == "") != (c.Delivery.TLS.Key == "") {
		v.add("delivery.tls", "cert and key go together")
	}
	if r.Operator == "" || strings.ContainsFunc(r.Operator, unicode.IsControl) {
		v.add("registers.operator", "needed: it stands in every register")
	}
	if len(r.OperatorAccount) > maxAccount || strings.ContainsFunc(r.OperatorAccount, unicode.IsControl) {
		v.add("registers.operator_account", "must be an account number of at most %d characters", maxAccount)
	}
	if r.Folder == "" {
		v.add("registers.folder", "needed: documents are rendered into it")
	}
}

func (c *Config) checkNumbers(v *validator) {
	const day = 24 * time.Hour
	for _, d := range []struct {
		key      string
		is       time.Duration
		min, max time.Duration
	}{
		{"soap.timeouts.header", c.SOAP.Timeouts.Header, 100 * time.Millisecond, time.Minute},
		{"soap.timeouts.body", c.SOAP.Timeouts.Body, 100 * time.Millisecond, 5 * time.Minute},
		{"soap.timeouts.operation", c.SOAP.Timeouts.Operation, 100 * time.Millisecond, 5 * time.Minute},
		{"soap.timeouts.write", c.SOAP.Timeouts.Write, 100 * time.Millisecond, 5 * time.Minute},
		{"soap.timeouts.idle", c.SOAP.Timeouts.Idle, time.Second, day},
		{"trust.refresh", c.Trust.Refresh, time.Second, 7 * day},
		{"codes.ttl", c.Codes.TTL, time.Second, 366 * day},
		{"codes.expire_every", c.Codes.ExpireEvery, 100 * time.Millisecond, day},
		{"workplace.lookup_timeout", c.Workplace.LookupTimeout, 100 * time.Millisecond, maxLookup},
		{"archive.seal_every", c.Archive.SealEvery, 10 * time.Millisecond, time.Hour},
		{"shutdown.grace", c.Shutdown.Grace, time.Second, 10 * time.Minute},
	} {
		if d.is < d.min || d.is > d.max {
			v.add(d.key, "%v is not between %v and %v", d.is, d.min, d.max)
		}
	}
	for _, n := range []struct {
		key string
		is  int
	}{
		{"soap.max_connections", c.SOAP.MaxConnections},
		{"limits.rate_per_second", c.Limits.RatePerSecond},
		{"limits.burst", c.Limits.Burst},
		{"limits.concurrent", c.Limits.Concurrent},
		{"checkout.rate_per_second", c.Checkout.RatePerSecond},
		{"checkout.burst", c.Checkout.Burst},
		{"workplace.rate_per_second", c.Workplace.RatePerSecond},
		{"workplace.burst", c.Workplace.Burst},
		{"limits.unknown_codes_per_minute", c.Limits.UnknownCodesPerMinute},
	} {
		if n.is < 1 || n.is > 1_000_000 {
			v.add(n.key, "%d is not between 1 and 1000000", n.is)
		}
	}
}

// validator gathers problems.
type validator struct{ problems []error }

func (v *validator) add(key, format string, args ...any) {
	v.problems = append(v.problems, &FieldError{Key: key, Problem: fmt.Sprintf(format, args...)})
}

// found adds a problem that was found elsewhere.
func (v *validator) found(err error) {
	if err != nil {
		v.problems = append(v.problems, err)
	}
}

func (v *validator) address(key, s string) {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		v.add(key, "%q is not HOST:PORT", s)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		v.add(key, "%q is not a port number", port)
	}
}

// pair reports whether no key pair is given; half of one is a problem.
func (v *validator) pair(key string, p KeyPair) (none bool) {
	switch {
	case p.Cert == "" && p.Key != "":
		v.add(key+".cert", "needed beside %s.key", key)
	case p.Cert != "" && p.Key == "":
		v.add(key+".key", "needed beside %s.cert", key)
	}
	return p == KeyPair{}
}

// entries checks a list of files, folders and, for revocation lists, http
// addresses. http is enough for them: they are signed.
func (v *validator) entries(key string, list []string, addresses bool) {
	for i, entry := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		scheme, rest, isURL := strings.Cut(entry, "://")
		switch {
		case entry == "":
			v.add(at, "is empty")
		case isURL && !addresses:
			v.add(at, "must be a file or a folder, not an address")
		case isURL && (scheme != "http" && scheme != "https" || rest == ""):
			v.add(at, "%q is not an http address", entry)
		}
	}
}

func (v *validator) oneOf(key, is string, allowed ...string) {
	if !slices.Contains(allowed, is) {
		v.add(key, "%q is not one of %s", is, strings.Join(allowed, ", "))
	}
}
