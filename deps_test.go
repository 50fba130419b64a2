package tolem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// module is the path every import of our own begins with.
const module = "tolem"

// imports says which packages a package may import besides the standard
// library; "." is the root. A name ending in /... covers what lies below.
// So a page cannot reach the database, an operation sees neither XML nor HTTP,
// signing knows nothing of money, and only the edges log.
//
// This is where the architecture is kept: a new package gets a row, and a row
// is widened for a reason that is worth its own commit.
var imports = map[string][]string{
	".":             {},
	"config":        {".", "github.com/knadh/koanf/..."},
	"signing/c14n":  {},
	"signing/trust": {"."},
	"signing":       {".", "signing/c14n", "signing/trust", "github.com/beevik/etree", "github.com/russellhaering/goxmldsig", "filippo.io/bigmod"},
	"store":         {".", "store/...", "github.com/lib/pq/...", "modernc.org/sqlite/...", "github.com/pressly/goose/v3/...", "github.com/klauspost/compress/..."},
	"archive":       {".", "store", "signing", "signing/trust", "golang.org/x/mod/sumdb/...", "github.com/klauspost/compress/..."},
	"banks":         {".", "store", "signing/trust"},
	"gateway":       {".", "store", "archive", "banks"},
	"registry/jobs": {".", "store"},
	// A receipt as text that proves itself. Who signs is handed to it.
	"receipt": {"."},

	// The banks' side of the payment page: a bank is called, and played.
	"banks/exchange": {".", "banks", "signing", "signing/trust", "wsdl/channel"},
	"banks/bankv1":   {".", "banks", "banks/exchange", "signing", "signing/c14n", "signing/trust", "wsdl", "wsdl/channel"},
	"banks/sandbox":  {".", "signing", "signing/c14n", "wsdl", "wsdl/channel", "wsdl/client"},

	// The day. What is compared is data: reconciliation opens nothing.
	"registry/match": {"."},
	"registry":       {".", "store", "archive", "signing", "signing/c14n", "registry/form", "registry/match"},
	// Claims are presented to banks until they have said yes or no.
	"registry/collect": {".", "store", "archive", "banks", "registry"},
	// A table on paper and in files: it knows amounts and days, no register.
	"registry/form": {".", "github.com/xuri/excelize/v2", "codeberg.org/go-pdf/fpdf", "rsc.io/qr/..."},

	// Pushing what the day made: signed messages, files, SFTP. The receiver is
	// the other side of the contract, for tests and the sandbox.
	"registry/deliver": {
		".", "store", "archive", "signing", "signing/trust", "banks/exchange", "wsdl", "wsdl/channel",
		"github.com/pkg/sftp", "golang.org/x/crypto/ssh/...",
	},
	"registry/deliver/receiver": {"signing", "wsdl", "wsdl/channel"},

	// Attempts to pay, from the payer's confirmation to the bank's last word.
	"gateway/payments": {".", "gateway", "store", "archive", "banks"},

	// Merchants: the gate for the buyers they send, and what they are told.
	"gateway/redirect": {".", "gateway", "archive", "banks", "signing"},
	"gateway/results":  {".", "store", "archive", "banks", "signing", "signing/c14n", "wsdl"},

	// What cashiers collect for. Intake is the operation by which providers feed it.
	"bills": {".", "store", "gateway"},
	// The connector to an organisation's own system, which is asked about accounts.
	"bills/billsv1": {
		".", "archive", "banks", "banks/exchange", "bills", "signing", "signing/c14n", "store", "wsdl", "wsdl/channel", "wsdl/contract",
	},

	"gateway/registers": {".", "gateway", "registry", "registry/form", "registry/report", "store"},
	// What sealed days come to, and its forms. Nothing personal is in it.
	"registry/report": {".", "store", "registry/form"},

	// The edge: what an operation does and says, translated from and to the
	// wire. Of store it may know the errors, nothing else: see
	// TestTheWireKnowsOnlyErrorsOfTheStore.
	"gateway/soap": {
		".", "gateway", "gateway/registers", "bills", "archive", "store", "signing", "signing/c14n", "signing/trust", "banks", "wsdl", "wsdl/contract",
		"github.com/rs/zerolog", "github.com/google/uuid", "golang.org/x/time/rate",
	},

	// People who sign in at banks. What a certificate is refused for is told by
	// the errors of signing/trust; the archive takes the seals of the audit.
	"access": {".", "store", "archive", "signing/trust", "golang.org/x/crypto/argon2", "golang.org/x/text/unicode/norm"},

	// The desk of a bank: what is put together, paid, cancelled and told of a day.
	"workplace": {".", "access", "archive", "banks", "bills", "gateway", "smartcard", "smartcard/desk", "store"},

	// Pages for people. The shell knows no payment; the payment page knows the
	// nouns, and asks the core through an interface of its own.
	"web":          {".", "github.com/rs/zerolog", "golang.org/x/time/rate"},
	"web/checkout": {".", "web", "receipt", "web/slip"},
	// The pages of a bank's desk: who may is asked of access, what is done of the core.
	"web/workplace": {".", "access", "bills", "registry/form", "smartcard", "web", "workplace"},
	// A receipt as people see it, on a page and on paper; and the page where
	// anybody may check one. Neither knows how receipts are kept.
	"web/slip":         {".", "web", "receipt", "registry/form", "rsc.io/qr/..."},
	"web/receiptcheck": {".", "web", "web/slip", "receipt"},

	// Sites that send payers to the page, for trying out. They know of the
	// gateway what a participant knows.
	"sandbox/stub": {".", "signing", "web", "wsdl/client", "wsdl/client/merchant"},

	// An organisation's own system, played.
	"sandbox/provider": {".", "signing", "signing/c14n", "wsdl", "wsdl/channel", "wsdl/contract"},

	// SMART cards at the desks of banks: what is said, the bridge on the desk's
	// computer, which knows nothing of the gateway's inside, and the gateway's side.
	"smartcard":                  {"."},
	"smartcard/bridge":           {".", "smartcard", "github.com/coder/websocket", "github.com/rs/zerolog"},
	"smartcard/bridge/simulator": {".", "smartcard"},
	"smartcard/bridge/driver":    {"smartcard", "github.com/rs/zerolog"},
	"smartcard/desk":             {".", "smartcard", "store", "archive"},

	// The contract and what speaks it for a participant. The generated types
	// use the runtime of their generator.
	"wsdl":           {},
	"wsdl/gatewayv1": {"github.com/hooklift/gowsdl/soap"},
	"wsdl/channel":   {"signing"},
	"wsdl/contract":  {".", "signing"},
	"wsdl/client":    {".", "signing", "signing/trust", "wsdl", "wsdl/channel", "wsdl/gatewayv1", "github.com/hooklift/gowsdl/soap", "github.com/google/uuid"},
	// A merchant's side of the payment page, for shops in Go and the sandbox.
	"wsdl/client/merchant":   {".", "signing", "signing/trust", "wsdl"},
	"wsdl/uddi":              {".", "wsdl"},
	"wsdl/internal/generate": {"wsdl"},

	"internal/pki":       {"."},
	"internal/spec":      {},
	"internal/bench/...": {anything},
	"internal/e2e":       {},
	"internal/tolemtest": {".", "store", "internal/pki", "github.com/lib/pq"},
	// A browser for tests of pages.
	"internal/tolemtest/browser": {"internal/tolemtest", "github.com/chromedp/..."},
	"cmd/...":                    {anything},
	"deploy":                     {}, // tests only
	"scripts":                    {}, // tests only
}

const anything = "*"

// testsOnly packages are imported by tests and each other alone; nobody imports
// a command.
const (
	testsOnly = "internal/tolemtest/..."
	commands  = "cmd/"
)

// source is a Go file as far as these tests look at it.
type source struct {
	path, pkg string // relative to the module's root
	tree      *ast.File
	test      bool
}

// sources parses every Go file of the module.
func sources(t *testing.T, mode parser.Mode) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil && file != "." {
				return fs.SkipDir // a module of its own
			}
			if name := d.Name(); name != "." && (name == "testdata" || name[0] == '.' || name[0] == '_') {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, mode|parser.ParseComments)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		found = append(found, source{path: file, pkg: path.Dir(file), tree: tree, test: strings.HasSuffix(file, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// imported returns what a file imports: packages of the module by their folder
// ("." is the root), others by their path, the standard library left out.
func (s source) imported() []string {
	var names []string
	for _, spec := range s.tree.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		first, _, _ := strings.Cut(name, "/")
		switch {
		case name == module:
			names = append(names, ".")
		case first == module:
			names = append(names, strings.TrimPrefix(name, module+"/"))
		case strings.Contains(first, "."):
			names = append(names, name)
		}
	}
	return names
}

// covers reports whether a name of the table, which may end in /..., means the
// package.
func covers(name, pkg string) bool {
	above, below := strings.CutSuffix(name, "/...")
	return name == anything || name == pkg || below && (pkg == above || strings.HasPrefix(pkg, above+"/"))
}

// row returns what the package may import.
func row(pkg string) (allowed []string, ok bool) {
	if allowed, ok = imports[pkg]; ok {
		return allowed, true
	}
	for name, allowed := range imports {
		if covers(name, pkg) {
			return allowed, true
		}
	}
	return nil, false
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, s := range sources(t, parser.ImportsOnly) {
		allowed, ok := row(s.pkg)
		if !ok {
			t.Errorf("%s has no row in the table of imports", s.pkg)
			continue
		}
		for _, name := range s.imported() {
			switch {
			case strings.HasPrefix(name, commands):
				t.Errorf("%s imports the command %s", s.path, name)
			case s.test:
				// tests may look at everything else
			case covers(testsOnly, name) && !covers(testsOnly, s.pkg):
				t.Errorf("%s imports %s, which is for tests", s.path, name)
			case !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, name) }):
				t.Errorf("%s may not import %s (in %s)", s.pkg, name, s.path)
			}
		}
	}
}

func TestTheWireKnowsOnlyErrorsOfTheStore(t *testing.T) {
	for _, s := range sources(t, 0) {
		if s.pkg != "gateway/soap" || s.test {
			continue
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "store" && !strings.HasPrefix(sel.Sel.Name, "Err") {
					t.Errorf("%s uses store.%s", s.path, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// Nothing happens before main: no package does work when it is loaded.
func TestNoPackageActsWhenLoaded(t *testing.T) {
	for _, s := range sources(t, 0) {
		for _, d := range s.tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !ast.IsGenerated(s.tree) {
				t.Errorf("%s has a func init", s.path)
			}
		}
	}
}

// Every package says what it is, in the comment above its package clause.
func TestEveryPackageIntroducesItself(t *testing.T) {
	introduced := make(map[string]bool)
	for _, s := range sources(t, 0) {
		if !s.test {
			introduced[s.pkg] = introduced[s.pkg] || s.tree.Doc != nil
		}
	}
	for pkg, ok := range introduced {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// A module named in go.mod as one we use is used.
func TestEveryModuleIsUsed(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, s := range sources(t, parser.ImportsOnly) {
		used = append(used, s.imported()...)
	}
	for _, tool := range mod.Tool {
		used = append(used, tool.Path)
	}
	for _, r := range mod.Require {
		if !r.Indirect && !slices.ContainsFunc(used, func(name string) bool { return covers(r.Mod.Path+"/...", name) }) {
			t.Errorf("nothing uses %s", r.Mod.Path)
		}
	}
}
