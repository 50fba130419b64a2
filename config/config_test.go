package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zone is checked on machines without a database of zones too

	"pgregory.net/rapid"

	"tolem"
	"tolem/config"
)

// write puts a configuration file into a fresh folder.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tolem.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(write(t, text), environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSampleLoadsToTheDefaults(t *testing.T) {
	sample, err := config.Sample(config.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, string(sample))
	got, err := config.Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.Database = "sqlite:" + filepath.Join(filepath.Dir(path), "tolem.db")
	want.Registers.Folder = filepath.Join(filepath.Dir(path), "registers-cache")
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %s\nwant %s", got.Print(), want.Print())
	}
}

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	path := write(t, "# nothing\n")
	got, err := config.Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Defaults()
	want.Database = "sqlite:" + filepath.Join(filepath.Dir(path), "tolem.db")
	want.Registers.Folder = filepath.Join(filepath.Dir(path), "registers-cache")
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %s\nwant %s", got.Print(), want.Print())
	}
}

// Whatever the settings are, the file init writes says them.
func TestSampleSaysEverySetting(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := config.Defaults()
		text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("a:#{}[]\"'\\\t\n %@&*!|>-,төлем")), rapid.Rune()))
		path := rapid.Map(text, func(s string) string { return "/" + strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "") })
		duration := rapid.Map(rapid.Int64Range(1, 1e6), func(n int64) time.Duration { return time.Duration(n) * time.Millisecond })
		want.Database = "sqlite:" + path.Draw(t, "database")
		want.SOAP.TLS = config.KeyPair{Cert: path.Draw(t, "cert"), Key: path.Draw(t, "key")}
		want.Trust.CRLs = rapid.SliceOfN(path, 0, 3).Draw(t, "crls")
		want.Vault = config.Vault{Cert: path.Draw(t, "vault cert"), Key: path.Draw(t, "vault key"), Keys: rapid.SliceOfN(path, 0, 3).Draw(t, "vault keys")}
		want.SOAP.PublicAddress = rapid.SampledFrom([]string{"", "https://pay.example.kz/soap/v1"}).Draw(t, "address")
		want.SOAP.Timeouts.Idle = duration.Draw(t, "idle")
		want.Limits.Burst = rapid.IntRange(1, 1e6).Draw(t, "burst")
		want.Registers.Folder = path.Draw(t, "folder")
		want.Registers.Operator = path.Draw(t, "operator")
		want.Registers.Holidays = rapid.SliceOfN(rapid.SampledFrom([]string{"2026-03-21", "2026-12-16"}), 0, 3).Draw(t, "holidays")
		want.Zone = rapid.SampledFrom([]string{"Asia/Almaty", "no", "12", "0x1", "~", "1e3", "on"}).Draw(t, "zone")
		want.Trust.Anchors, want.Trust.Intermediates = clean(want.Trust.Anchors), clean(want.Trust.Intermediates)

		sample, err := config.Sample(want)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "tolem.yaml")
		if err := os.WriteFile(file, sample, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := config.Load(file, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, sample)
		}
		// filepath.Join is not applied to absolute paths, so nothing may differ
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("got  %q\nwant %q", got.Print(), want.Print())
		}
	})
}

func clean(list []string) []string { return append([]string{}, list...) }

func TestEveryKeyStandsInTheSample(t *testing.T) {
	c := config.Defaults()
	sample, err := config.Sample(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range config.Keys() {
		last := key[strings.LastIndexByte(key, '.')+1:]
		if !bytes.Contains(sample, []byte(last+": ")) {
			t.Errorf("%s is not in the sample", key)
		}
	}
}

// The later source wins: defaults, file, environment, command line.
func TestOrderOfSources(t *testing.T) {
	path := write(t, "soap:\n  listen: :1\nops:\n  listen: :2\ncodes.ttl: 3h\nlog: {level: debug}\n")
	c, err := config.Load(path,
		[]string{"TOLEM_OPS_LISTEN=:22", "TOLEM_CODES_TTL=4h", "PATH=/bin", "TOLEM_ZONE="},
		map[string]string{"codes.ttl": "5h"})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.SOAP.Listen, c.Ops.Listen, c.Codes.TTL, c.Log.Level, c.Zone, c.Currency}
	want := []any{":1", ":22", 5 * time.Hour, "debug", "Asia/Almaty", tolem.KZT}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestListsFromTheEnvironment(t *testing.T) {
	c := load(t, "", "TOLEM_TRUST_CRLS=http://ca.example/a.crl, /etc/crl")
	if want := []string{"http://ca.example/a.crl", "/etc/crl"}; !reflect.DeepEqual(c.Trust.CRLs, want) {
		t.Errorf("got %q, want %q", c.Trust.CRLs, want)
	}
}

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	load(t, "", "TOLEM_TEST_POSTGRES=postgres://x", "TOLEM_SERVICE_HOST=10.0.0.1", "TOLEM_PORT=tcp://10.0.0.1:80", "TOLEM_PORT_80_TCP=x")
}

func TestPathsAreTakenFromTheFolderOfTheFile(t *testing.T) {
	path := write(t, `
database: sqlite:data/tolem.db
soap: {tls: {cert: tls.crt, key: /abs/tls.key}}
trust: {anchors: [pki/root.crt], crls: [http://ca.example/a.crl, crl]}
`)
	dir := filepath.Dir(path)
	c, err := config.Load(path, []string{"TOLEM_SIGNING_RSA_KEY=rsa.key"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Database, c.SOAP.TLS.Cert, c.SOAP.TLS.Key, c.Trust.Anchors, c.Trust.CRLs, c.Signing.RSA.Key}
	want := []any{
		"sqlite:" + dir + "/data/tolem.db", dir + "/tls.crt", "/abs/tls.key",
		[]string{dir + "/pki/root.crt"}, []string{"http://ca.example/a.crl", dir + "/crl"},
		"rsa.key", // from the environment: as the working folder has it
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		environ []string
		flags   map[string]string
		is      error
		says    []string
	}{
		"misspelt key":          {file: "soap: {lissten: x}", is: config.ErrUnknownKey, says: []string{"soap.lissten", "did you mean soap.listen?"}},
		"section forgotten":     {file: "listen: :1", is: config.ErrUnknownKey, says: []string{"listen", "did you mean"}},
		"section misspelt":      {file: "sopa: {tls: {cert: x}}", is: config.ErrUnknownKey, says: []string{"sopa.tls.cert", "did you mean soap.tls.cert?"}},
		"every unknown key":     {file: "a: 1\nb: 2", is: config.ErrUnknownKey, says: []string{"unknown key a;", "unknown key b;"}},
		"section with a value":  {file: "soap: 8443", is: config.ErrBadValue, says: []string{"soap is a section"}},
		"value with a section":  {file: "zone: {}", is: config.ErrBadValue, says: []string{"zone needs a value"}},
		"key without value":     {file: "zone:", is: config.ErrBadValue, says: []string{"zone needs a value"}},
		"duration without unit": {file: "codes: {ttl: 30}", is: config.ErrBadValue, says: []string{"codes.ttl", "30s"}},
		"duration of words":     {file: "codes: {ttl: soon}", is: config.ErrBadValue, says: []string{"codes.ttl"}},
		"number of words":       {file: "limits: {burst: many}", is: config.ErrBadValue, says: []string{"limits.burst"}},
		"key twice":             {file: "zone: a\nzone: b", says: []string{"zone", "already defined"}},
		"key twice with dots":   {file: "ops: {listen: a}\nops.listen: b", is: config.ErrBadValue, says: []string{"twice"}},
		"not YAML":              {file: "\tzone: x", says: []string{"tolem.yaml"}},
		"variable misspelt":     {environ: []string{"TOLEM_DATABSE=x"}, is: config.ErrUnknownKey, says: []string{"TOLEM_DATABSE", "did you mean TOLEM_DATABASE?"}},
		"flag misspelt":         {flags: map[string]string{"zoen": "x"}, is: config.ErrUnknownKey, says: []string{"command line", "zoen", "did you mean zone?"}},
		"database twice":        {file: "database: sqlite:x\ndatabase_file: y", is: config.ErrBadValue, says: []string{"not both"}},
		"database file missing": {file: "database_file: nowhere", is: os.ErrNotExist, says: []string{"database_file"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(write(t, c.file), c.environ, c.flags)
			if err == nil {
				t.Fatal("no error")
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestDatabaseAddressFromItsOwnFile(t *testing.T) {
	path := write(t, "database: sqlite:x.db")
	secret := filepath.Join(filepath.Dir(path), "database.url")
	if err := os.WriteFile(secret, []byte("postgres://tolem:hush@db/tolem\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"TOLEM_DATABASE_FILE=" + secret}
	c, err := config.Load(path, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database != "postgres://tolem:hush@db/tolem" {
		t.Errorf("got %q", c.Database)
	}
	if c, err = config.Load(path, environ, map[string]string{"database": "sqlite:/y.db"}); err != nil || c.Database != "sqlite:/y.db" {
		t.Errorf("the command line does not win: %v, %v", c, err)
	}
	if err := os.Chmod(secret, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(path, environ, nil); !errors.Is(err, config.ErrBadValue) {
		t.Errorf("a secret everyone may read: %v", err)
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	for _, address := range []string{
		"postgres://tolem:hush@db/tolem?sslmode=verify-full",
		"postgres://db/tolem?user=tolem&password=hush",
		"host=db password=hush",
		"postgres://tolem:hush@db:port%zz/",
	} {
		c := config.Defaults()
		c.Database = address
		if out := string(c.Print()); strings.Contains(out, "hush") {
			t.Errorf("%s: password shown in\n%s", address, out)
		}
	}
}

// usable is the least a gateway needs.
func usable() config.Config {
	c := config.Defaults()
	c.SOAP.TLS = config.KeyPair{Cert: "tls.crt", Key: "tls.key"}
	c.Signing.RSA = config.KeyPair{Cert: "rsa.crt", Key: "rsa.key"}
	c.Signing.EC = config.KeyPair{Cert: "ec.crt", Key: "ec.key"}
	c.Vault = config.Vault{Cert: "vault.crt", Key: "vault.key", Keys: []string{"vault-1.wrapped"}}
	c.Archive.CheckpointKey = "checkpoint.key"
	c.Trust.Anchors = []string{"root.crt"}
	return c
}

// Days may stand in quotes or without: YAML takes the latter for times.
func TestBusinessCalendar(t *testing.T) {
	c := load(t, "registers:\n  at: 02:30\n  holidays: [2026-11-23, \"2026-11-24\"]\n  workdays: [2026-11-22]\n")
	calendar, err := c.Registers.Calendar(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	sunday := tolem.DayOf(2026, time.November, 22)
	for day, want := range map[tolem.Day]bool{sunday - 1: false, sunday: true, sunday + 1: false, sunday + 2: false, sunday + 3: true} {
		if calendar.IsWorkday(day) != want {
			t.Errorf("%s: workday %v", day, !want)
		}
	}
	if at, err := c.Registers.Clock(); err != nil || at != 150*time.Minute {
		t.Errorf("at %v, %v", at, err)
	}
	c.Registers.Holidays = []string{"soon"}
	if _, err := c.Registers.Calendar(time.UTC); err == nil {
		t.Error("soon is a holiday")
	}
}

// asks has organisations' own systems asked.
func asks(c *config.Config, organisations ...string) {
	c.Workplace.Organisations, c.Delivery.TLS = organisations, config.KeyPair{Cert: "channel.pem", Key: "channel.key"}
}

// Where an organisation's own system is reached is checked before anything is
// opened, and an error says which entry is wrong and how.
//
// WP-033 WP-527
func TestAddressesOfOrganisations(t *testing.T) {
	c := usable()
	asks(&c, "SU=https://su.example:8446/provider/v1", "QAZ=https://qaz.example")
	known, err := c.Workplace.OrganisationAddresses()
	if c.Validate() != nil || err != nil || len(known) != 2 || known["SU"] != "https://su.example:8446/provider/v1" || c.Workplace.LookupTimeout != 10*time.Second {
		t.Errorf("%v, %v, %v", known, err, c.Validate())
	}
	for entry, want := range map[string]string{
		"SU=http://su.example/v1":     "is not ORGANISATION=https://HOST/PATH",
		"SU=https:///v1":              "is not ORGANISATION=https://HOST/PATH",
		"SU=https://su.example/v1?a":  "is not ORGANISATION=https://HOST/PATH",
		"SU=https://a:b@su.example/":  "is not ORGANISATION=https://HOST/PATH",
		"S U=https://su.example/v1":   "is not ORGANISATION=https://HOST/PATH",
		"https://su.example/v1":       "is not ORGANISATION=https://HOST/PATH",
		"QAZ=https://other.example/1": "QAZ stands there twice",
	} {
		asks(&c, "QAZ=https://qaz.example", entry)
		if err := c.Validate(); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "workplace.organisations[1]: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", entry, err)
		}
	}
	c.Workplace.Organisations, c.Delivery.TLS = []string{"SU=https://su.example/v1"}, config.KeyPair{}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "delivery.tls: needed") {
		t.Errorf("without a certificate to show: %v", err)
	}
}

func TestValidateNamesTheBadField(t *testing.T) {
	if c := usable(); c.Validate() != nil {
		t.Fatalf("a usable configuration: %v", c.Validate())
	}
	for key, change := range map[string]func(*config.Config){
		"database":                        func(c *config.Config) { c.Database = "mysql://x" },
		"soap.listen":                     func(c *config.Config) { c.SOAP.Listen = "8443" },
		"soap.public_address":             func(c *config.Config) { c.SOAP.PublicAddress = "http://x" },
		"soap.tls.cert":                   func(c *config.Config) { c.SOAP.TLS = config.KeyPair{} },
		"soap.tls.key":                    func(c *config.Config) { c.SOAP.TLS.Key = "" },
		"soap.max_connections":            func(c *config.Config) { c.SOAP.MaxConnections = 0 },
		"soap.timeouts.header":            func(c *config.Config) { c.SOAP.Timeouts.Header = 0 },
		"signing.rsa.cert":                func(c *config.Config) { c.Signing.RSA = config.KeyPair{} },
		"signing.ec.cert":                 func(c *config.Config) { c.Signing.EC.Cert = "" },
		"trust.anchors":                   func(c *config.Config) { c.Trust.Anchors = nil },
		"trust.anchors[0]":                func(c *config.Config) { c.Trust.Anchors = []string{"http://x/root.crt"} },
		"trust.crls[1]":                   func(c *config.Config) { c.Trust.CRLs = []string{"x", "ldap://x/crl"} },
		"trust.refresh":                   func(c *config.Config) { c.Trust.Refresh = time.Millisecond },
		"ops.listen":                      func(c *config.Config) { c.Ops.Listen = "localhost:http2" },
		"zone":                            func(c *config.Config) { c.Zone = "Asia/Atlantis" },
		"currency":                        func(c *config.Config) { c.Currency = "USD" },
		"codes.ttl":                       func(c *config.Config) { c.Codes.TTL = -time.Hour },
		"limits.unknown_codes_per_minute": func(c *config.Config) { c.Limits.UnknownCodesPerMinute = -1 },
		"checkout.rate_per_second":        func(c *config.Config) { c.Checkout.RatePerSecond = 0 },
		"checkout.burst":                  func(c *config.Config) { c.Checkout.Burst = -1 },
		"workplace.listen":                func(c *config.Config) { c.Workplace = workplace(); c.Workplace.Listen = "9443" },
		"workplace.tls.cert":              func(c *config.Config) { c.Workplace = workplace(); c.Workplace.TLS = config.KeyPair{} },
		"workplace.tls.key":               func(c *config.Config) { c.Workplace.TLS.Cert = "a.pem" },
		"workplace.ticket_key":            func(c *config.Config) { c.Workplace.OtherTickets = []string{"next.pem"} },
		"workplace.card_bridge":           func(c *config.Config) { c.Workplace.CardBridge = "192.0.2.1:47123" },
		"workplace.rate_per_second":       func(c *config.Config) { c.Workplace.RatePerSecond = 0 },
		"workplace.burst":                 func(c *config.Config) { c.Workplace.Burst = -1 },
		"workplace.organisations[1]":      func(c *config.Config) { asks(c, "SU=https://su.example/v1", "QAZ") },
		"workplace.lookup_timeout":        func(c *config.Config) { c.Workplace.LookupTimeout = 11 * time.Second },
		"checkout.banks[0]":               func(c *config.Config) { c.Checkout.Banks = []string{"BANK1=http://bank.example"} },
		"vault.cert":                      func(c *config.Config) { c.Vault.Cert, c.Vault.Key = "", "" },
		"vault.keys":                      func(c *config.Config) { c.Vault.Keys = nil },
		"archive.origin":                  func(c *config.Config) { c.Archive.Origin = "two words" },
		"registers.days":                  func(c *config.Config) { c.Registers.Days = "sundays" },
		"registers.language":              func(c *config.Config) { c.Registers.Language = "xx" },
		"delivery.tls":                    func(c *config.Config) { c.Delivery.TLS.Key = "a.key" },
		"registers.at":                    func(c *config.Config) { c.Registers.At = "25:00" },
		"registers.final_after":           func(c *config.Config) { c.Registers.FinalAfter = 0 },
		"registers.claims_due_after":      func(c *config.Config) { c.Registers.ClaimsDueAfter = 99 },
		"registers.holidays[1]":           func(c *config.Config) { c.Registers.Holidays = []string{"2026-03-21", "21.03.2026"} },
		"registers.workdays[0]":           func(c *config.Config) { c.Registers.Workdays = []string{"2026-02-30"} },
		"registers.operator":              func(c *config.Config) { c.Registers.Operator = "" },
		"registers.operator_account":      func(c *config.Config) { c.Registers.OperatorAccount = strings.Repeat("K", 35) },
		"registers.folder":                func(c *config.Config) { c.Registers.Folder = "" },
		"log.level":                       func(c *config.Config) { c.Log.Level = "loud" },
		"log.format":                      func(c *config.Config) { c.Log.Format = "xml" },
		"shutdown.grace":                  func(c *config.Config) { c.Shutdown.Grace = 0 },
	} {
		t.Run(key, func(t *testing.T) {
			c := usable()
			change(&c)
			err := c.Validate()
			var field *config.FieldError
			if !errors.As(err, &field) || field.Key != key || !errors.Is(err, config.ErrInvalid) {
				t.Errorf("got %v, want a problem of %s", err, key)
			}
		})
	}
}

// workplace is one that can be served.
func workplace() config.Workplace {
	w := config.Defaults().Workplace
	w.Listen, w.TLS = ":9443", config.KeyPair{Cert: "workplace.pem", Key: "workplace.key"}
	return w
}

func TestUsableWorkplace(t *testing.T) {
	c := usable()
	c.Workplace = workplace()
	c.Workplace.TicketKey, c.Workplace.OtherTickets = "tickets.key", []string{"next.pem"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesEveryBadField(t *testing.T) {
	c := config.Config{}
	err := c.Validate()
	for _, key := range []string{"database", "soap.listen", "soap.tls.cert", "trust.anchors", "zone", "log.level"} {
		if !strings.Contains(err.Error(), "\n"+key+":") && !strings.HasPrefix(err.Error(), key+":") {
			t.Errorf("%s is not named in\n%v", key, err)
		}
	}
}
