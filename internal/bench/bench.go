// Package bench measures the gateway: verifying and signing, committing, whole
// calls over the wire, what the evidence costs on disk, and the work of a day.
// Everything is measured beside a yardstick in the same run, in rounds that take turns: the
// bare cryptographic operation, or the straightforward way kept in package
// naive. A machine that is busy or slow then changes both alike, and the ratio
// stays.
//
// It drives the gateway as its users do, through the program and the wire; only
// seeding and the check of restored messages open the database. `tolem bench`
// calls it. It proves nothing about correctness beyond checking every answer
// that it times.
package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// The parts of the benchmark.
const (
	PartSigning   = "signing"
	PartStorage   = "storage"
	PartGateway   = "gateway"
	PartCost      = "cost"
	PartRegisters = "registers"
	PartPage      = "page"
	PartDesk      = "desk"
)

// Parts are all parts, in the order they run.
var Parts = [...]string{PartSigning, PartStorage, PartGateway, PartCost, PartRegisters, PartPage, PartDesk}

// Options says what is measured and for how long.
type Options struct {
	// Program is the path of the tolem binary that is measured.
	Program string
	// Open opens the database and the archive of a configuration file, for
	// seeding and for reading back. The caller closes the database.
	Open func(ctx context.Context, configFile string) (*store.DB, *archive.Archive, error)
	// Calendar returns the business calendar of a configuration file.
	Calendar func(configFile string) (*tolem.Calendar, error)
	// Dir is an existing folder for keys, databases and logs.
	Dir string
	// Postgres is the address of a PostgreSQL in which a schema can be created;
	// empty leaves PostgreSQL out.
	Postgres string
	// Only names the parts to run; empty means all.
	Only []string
	// Each is how long one case of the gateway is measured, all rounds together;
	// the other parts take a fitting share of it.
	Each time.Duration
	// Rounds is how often the cases take turns.
	Rounds int
	// Connections is the number of clients that call the gateway at once.
	Connections int
	// Lives is the number of codes whose whole life is stored to weigh it.
	Lives int
	// Rows is the length of the long register; the short ones have a tenth of it.
	Rows int
	// PageRate is how many payments begin on the payment page every second, for
	// PageFor.
	PageRate float64
	PageFor  time.Duration
	// DeskOperators work at the workplace for DeskFor, each with a customer in
	// DeskCustomer; organisations have DeskAccounts accounts, at least a thousand.
	DeskOperators         int
	DeskAccounts          int
	DeskFor, DeskCustomer time.Duration
	// Progress, if set, is told what is being done.
	Progress func(what string)
}

// Report is what was measured.
type Report struct {
	OK      bool     `json:"ok"` // every limit was met
	Machine Machine  `json:"machine"`
	Tables  []Table  `json:"tables"`
	Checks  []Check  `json:"checks"`
	LeftOut []string `json:"leftOut,omitempty"`
	Seconds float64  `json:"seconds"`
}

// Machine is where it was measured.
type Machine struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// Table holds the cases of a part.
type Table struct {
	Part  string `json:"part"`
	Title string `json:"title"`
	Rows  []Row  `json:"rows"`
	Note  string `json:"note,omitempty"`
}

// Row is one case: medians over the rounds.
type Row struct {
	Case   string  `json:"case"`
	Values []Value `json:"values"`
}

// Value is a measured quantity.
type Value struct {
	Name string  `json:"name"`
	Unit string  `json:"unit,omitempty"`
	N    float64 `json:"value"`
}

// Check compares what was measured with its limit.
type Check struct {
	Part    string  `json:"part"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"atLeast"` // else at most
	OK      bool    `json:"ok"`
}

// session is a benchmark under way.
type session struct {
	Options
	report Report
}

// Run measures what the options ask for.
func Run(ctx context.Context, o Options) (Report, error) {
	s := &session{Options: o.withDefaults()}
	s.report.Machine = Machine{CPUs: runtime.GOMAXPROCS(0), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	began := time.Now()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{PartSigning, s.signing}, {PartStorage, s.storage}, {PartGateway, s.gateway}, {PartCost, s.cost},
		{PartRegisters, s.registers}, {PartPage, s.page}, {PartDesk, s.desk},
	} {
		if len(s.Only) > 0 && !slices.Contains(s.Only, part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return s.report, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	s.report.Seconds = time.Since(began).Seconds()
	s.report.OK = !slices.ContainsFunc(s.report.Checks, func(c Check) bool { return !c.OK })
	return s.report, nil
}

func (o Options) withDefaults() Options {
	if o.Each <= 0 {
		o.Each = 4 * time.Second
	}
	if o.Rounds <= 0 {
		o.Rounds = 3
	}
	if o.Connections <= 0 {
		o.Connections = 64
	}
	if o.Lives <= 0 {
		o.Lives = 2000
	}
	if o.Rows <= 0 {
		o.Rows = 1_000_000
	}
	if o.PageRate <= 0 {
		o.PageRate = 200
	}
	if o.PageFor <= 0 {
		o.PageFor = 30 * time.Second
	}
	if o.DeskOperators <= 0 {
		o.DeskOperators = 200
	}
	if o.DeskAccounts <= 0 {
		o.DeskAccounts = 100_000
	}
	if o.DeskFor <= 0 {
		o.DeskFor = 2 * time.Minute
	}
	if o.DeskCustomer <= 0 {
		o.DeskCustomer = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

func (s *session) table(t Table) { s.report.Tables = append(s.report.Tables, t) }

func (s *session) leaveOut(what string) { s.report.LeftOut = append(s.report.LeftOut, what) }

func (s *session) atLeast(part, what string, value, limit float64) {
	s.report.Checks = append(s.report.Checks, Check{Part: part, What: what, Value: value, Limit: limit, AtLeast: true, OK: value >= limit})
}

func (s *session) atMost(part, what string, value, limit float64) {
	s.report.Checks = append(s.report.Checks, Check{Part: part, What: what, Value: value, Limit: limit, OK: value <= limit})
}
