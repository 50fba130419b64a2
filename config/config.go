// Package config reads the gateway's configuration: defaults, then a YAML
// file, then TOLEM_* environment variables, then what the command line says.
// A key it does not know is an error, and so is a value that cannot work; both
// are reported with the key's name before anything is opened.
//
// It opens no database and reads no key or certificate: those who use them do.
// Only cmd/tolem calls it; the other packages take their settings as arguments.
package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tolem"
)

// Config is everything an operator can set. Defaults fills it, Load reads it,
// Validate checks it, Sample writes it as a commented file.
//
// The tag koanf is the name of a key within its section. The tag is says what
// else a value is: a path (relative paths are taken from the file's folder) or
// a secret (masked by Print).
type Config struct {
	Database     string         `koanf:"database" is:"path secret"`
	DatabaseFile string         `koanf:"database_file" is:"path"`
	SOAP         SOAP           `koanf:"soap"`
	Signing      Signing        `koanf:"signing"`
	Trust        Trust          `koanf:"trust"`
	Ops          Ops            `koanf:"ops"`
	Zone         string         `koanf:"zone"`
	Currency     tolem.Currency `koanf:"currency"`
	Codes        Codes          `koanf:"codes"`
	Limits       Limits         `koanf:"limits"`
	Vault        Vault          `koanf:"vault"`
	Archive      Archive        `koanf:"archive"`
	Registers    Registers      `koanf:"registers"`
	Delivery     Delivery       `koanf:"delivery"`
	Checkout     Checkout       `koanf:"checkout"`
	Workplace    Workplace      `koanf:"workplace"`
	Log          Log            `koanf:"log"`
	Shutdown     Shutdown       `koanf:"shutdown"`
}

// SOAP is the listener that banks and the portal call.
type SOAP struct {
	Listen         string   `koanf:"listen"`
	PublicAddress  string   `koanf:"public_address"` // as it stands in the WSDL; empty: as the caller addressed it
	TLS            KeyPair  `koanf:"tls"`
	MaxConnections int      `koanf:"max_connections"`
	Timeouts       Timeouts `koanf:"timeouts"`
}

// Timeouts bound every stage of a call.
type Timeouts struct {
	Header    time.Duration `koanf:"header"`
	Body      time.Duration `koanf:"body"`
	Operation time.Duration `koanf:"operation"`
	Write     time.Duration `koanf:"write"`
	Idle      time.Duration `koanf:"idle"`
}

// KeyPair names the files of a certificate (its chain below it) and its
// private key, both PEM.
type KeyPair struct {
	Cert string `koanf:"cert" is:"path"`
	Key  string `koanf:"key" is:"path"`
}

// Signing holds the gateway's own signing certificates.
type Signing struct {
	RSA    KeyPair  `koanf:"rsa"`
	EC     KeyPair  `koanf:"ec"`
	Former []string `koanf:"former" is:"path"` // certificates that signed receipts before these
}

// Trust says whose certificates are believed and where revocation lists are
// found. Each entry is a PEM or DER file or a folder of them; a revocation
// list may also be an http address.
type Trust struct {
	Anchors       []string      `koanf:"anchors" is:"path"`
	Intermediates []string      `koanf:"intermediates" is:"path"`
	CRLs          []string      `koanf:"crls" is:"path"`
	Refresh       time.Duration `koanf:"refresh"`
}

// Ops is the listener for health, readiness and metrics.
type Ops struct {
	Listen string `koanf:"listen"`
}

// Codes are the rules for payment codes.
type Codes struct {
	TTL         time.Duration `koanf:"ttl"`
	ExpireEvery time.Duration `koanf:"expire_every"`
}

// Limits bound what one participant may ask.
type Limits struct {
	RatePerSecond         int `koanf:"rate_per_second"`
	Burst                 int `koanf:"burst"`
	Concurrent            int `koanf:"concurrent"`
	UnknownCodesPerMinute int `koanf:"unknown_codes_per_minute"`
}

// Vault holds the keys that encrypt personal data at rest: data keys, oldest
// first, each in a file of its own, wrapped for the vault's certificate.
type Vault struct {
	Keys []string `koanf:"keys" is:"path"`
	Cert string   `koanf:"cert" is:"path"`
	Key  string   `koanf:"key" is:"path"`
}

// Archive says how the evidence is sealed.
type Archive struct {
	Origin        string        `koanf:"origin"`
	CheckpointKey string        `koanf:"checkpoint_key" is:"path"`
	SealEvery     time.Duration `koanf:"seal_every"`
}

// Registers say how the day is closed and shown. Days are days of Zone.
type Registers struct {
	At              string   `koanf:"at"`          // time of day at which the day before is closed: 01:00
	FinalAfter      int      `koanf:"final_after"` // workdays in which a register can be rejected
	Holidays        []string `koanf:"holidays"`    // days on which nobody works: 2026-03-21
	Workdays        []string `koanf:"workdays"`    // days of weekends on which people work
	Days            string   `koanf:"days"`        // every or workdays: when days are closed
	Language        string   `koanf:"language"`    // of documents for people: kk, ru or en
	Operator        string   `koanf:"operator"`    // the gateway operator's name in documents
	OperatorAccount string   `koanf:"operator_account"`
	ClaimsDueAfter  int      `koanf:"claims_due_after"` // workdays in which a claim is to be paid
	Folder          string   `koanf:"folder" is:"path"` // of rendered documents; it may be emptied at any time
}

// Clock returns the time of day At as the duration since midnight.
func (r Registers) Clock() (time.Duration, error) {
	t, err := time.Parse("15:04", r.At)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day like 01:00", r.At)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// Calendar returns the business calendar of a zone.
func (r Registers) Calendar(zone *time.Location) (*tolem.Calendar, error) {
	holidays, err := days(r.Holidays)
	if err != nil {
		return nil, fmt.Errorf("registers.holidays: %w", err)
	}
	workdays, err := days(r.Workdays)
	if err != nil {
		return nil, fmt.Errorf("registers.workdays: %w", err)
	}
	return tolem.NewCalendar(zone, holidays, workdays), nil
}

func days(list []string) ([]tolem.Day, error) {
	days := make([]tolem.Day, len(list))
	for i, s := range list {
		d, err := tolem.ParseDay(s)
		if err != nil {
			return nil, err
		}
		days[i] = d
	}
	return days, nil
}

// Delivery says how documents of the day are pushed to their owners.
type Delivery struct {
	TLS   KeyPair `koanf:"tls"`             // of the gateway as a client; needed to push signed SOAP
	Spool string  `koanf:"spool" is:"path"` // folder for documents on their way; empty: the system's
}

// Checkout is the payment page and the banks that it calls.
type Checkout struct {
	Listen        string        `koanf:"listen"`          // empty: there is no payment page
	PublicAddress string        `koanf:"public_address"`  // as payers' browsers reach it: https://pay.example.kz
	TLS           KeyPair       `koanf:"tls"`             // what browsers trust; a sandbox on this machine alone does without
	Banks         []string      `koanf:"banks"`           // BANK=https://HOST/bank/v1
	Acquirers     []string      `koanf:"acquirers"`       // banks that take cards, in the order in which they are asked
	CallTimeout   time.Duration `koanf:"call_timeout"`    // of a call to a bank (GW-P34)
	RatePerSecond int           `koanf:"rate_per_second"` // requests of one address, on average; many payers may share one
	Burst         int           `koanf:"burst"`           // requests at once above the average
	Support       string        `koanf:"support"`         // how payers reach the operator, as shown
	Sandbox       bool          `koanf:"sandbox"`         // every page says that no real money moves
}

// BankAddresses returns the addresses of the banks that are called.
func (c Checkout) BankAddresses() (map[tolem.ParticipantID]string, error) {
	return addresses[tolem.ParticipantID]("checkout.banks", "BANK", c.Banks)
}

// addresses reads a list of NAME=https://HOST/PATH. An error is the FieldError of
// the first entry that is wrong, and tells what NAME is.
func addresses[ID ~string](key, what string, list []string) (map[ID]string, error) {
	known := make(map[ID]string, len(list))
	for i, entry := range list {
		wrong := func(format string, args ...any) error {
			return &FieldError{Key: fmt.Sprintf("%s[%d]", key, i), Problem: fmt.Sprintf(format, args...)}
		}
		id, address, _ := strings.Cut(entry, "=")
		u, err := url.Parse(address)
		switch {
		case err != nil, tolem.CheckIdentifier(id) != nil, u.Scheme != "https", u.Host == "", u.RawQuery != "", u.User != nil:
			return nil, wrong("%q is not %s=https://HOST/PATH", entry, what)
		case known[ID(id)] != "":
			return nil, wrong("%s stands there twice", id)
		}
		known[ID(id)] = address
	}
	return known, nil
}

// Workplace is the pages of banks' desks. Whom a connection is of is told by the
// certificates of Trust.
type Workplace struct {
	Listen        string   `koanf:"listen"`                      // empty: there is no workplace
	TLS           KeyPair  `koanf:"tls"`                         // what browsers trust
	TicketKey     string   `koanf:"ticket_key" is:"path"`        // P-256, signs tickets for SMART cards; empty: none is written
	OtherTickets  []string `koanf:"other_ticket_keys" is:"path"` // public keys or certificates that will sign tickets, or did
	CardBridge    string   `koanf:"card_bridge"`                 // HOST:PORT at which a desk's computer reaches its own card bridge
	RatePerSecond int      `koanf:"rate_per_second"`             // requests of one address, on average; a branch may share one
	Burst         int      `koanf:"burst"`                       // requests at once above the average
	Support       string   `koanf:"support"`                     // how operators reach whoever helps, as shown
	Sandbox       bool     `koanf:"sandbox"`                     // every page says that no real money moves, and simulated cards count

	Organisations []string      `koanf:"organisations"`  // ORGANISATION=https://HOST/provider/v1: those whose own systems are asked
	LookupTimeout time.Duration `koanf:"lookup_timeout"` // of a question to one of them (WP-527)
}

// OrganisationAddresses returns the addresses of the organisations' own systems
// that are asked about accounts.
func (w Workplace) OrganisationAddresses() (map[tolem.ProviderID]string, error) {
	return addresses[tolem.ProviderID]("workplace.organisations", "ORGANISATION", w.Organisations)
}

// Log says what is logged and how.
type Log struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Shutdown says how the gateway ends.
type Shutdown struct {
	Grace time.Duration `koanf:"grace"`
}

// Defaults returns the configuration of an empty file. It lacks what has no
// sensible default: certificates, keys and anchors.
func Defaults() Config {
	return Config{
		Database: "sqlite:tolem.db",
		SOAP: SOAP{
			Listen:         ":8443",
			MaxConnections: 4096,
			Timeouts: Timeouts{
				Header:    5 * time.Second,
				Body:      10 * time.Second,
				Operation: 15 * time.Second,
				Write:     10 * time.Second,
				Idle:      time.Minute,
			},
		},
		Signing: Signing{Former: []string{}},
		Trust: Trust{
			Anchors: []string{}, Intermediates: []string{}, CRLs: []string{},
			Refresh: time.Hour,
		},
		Ops:      Ops{Listen: "127.0.0.1:8081"},
		Zone:     "Asia/Almaty",
		Currency: tolem.KZT,
		Codes:    Codes{TTL: 24 * time.Hour, ExpireEvery: time.Minute},
		Limits:   Limits{RatePerSecond: 5000, Burst: 10000, Concurrent: 256, UnknownCodesPerMinute: 30},
		Vault:    Vault{Keys: []string{}},
		Archive:  Archive{Origin: "tolem", SealEvery: time.Second},
		Registers: Registers{
			At: "01:00", Days: "every", Language: "kk", FinalAfter: 3, Holidays: []string{}, Workdays: []string{}, Operator: "Operator of the payment gateway",
			ClaimsDueAfter: 2, Folder: "registers-cache",
		},
		Checkout: Checkout{Banks: []string{}, Acquirers: []string{}, CallTimeout: 30 * time.Second, RatePerSecond: 20, Burst: 100},
		Workplace: Workplace{
			OtherTickets: []string{}, CardBridge: "127.0.0.1:47123", RatePerSecond: 100, Burst: 500, Organisations: []string{}, LookupTimeout: 10 * time.Second,
		},
		Log:      Log{Level: "info", Format: "json"},
		Shutdown: Shutdown{Grace: 30 * time.Second},
	}
}
