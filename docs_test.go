package tolem_test

import (
	"go/ast"
	"go/parser"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tolem"
	"tolem/config"
)

// documents are the pages of the module.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	texts := make(map[string]string)
	for _, page := range pages {
		texts[page] = readText(t, page)
	}
	return texts
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A page links to files that are there.
func TestLinksInDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)`)
	for page, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}

// A page names targets the Makefile has.
func TestTargetsInDocuments(t *testing.T) {
	makefile := readText(t, "Makefile")
	target := regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)")
	for page, text := range documents(t) {
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s says make %s", page, m[1])
			}
		}
	}
}

// examples are the files whose code README.md shows, in the order in which it
// does.
var examples = map[string][]string{
	"go":     {"wsdl/client/example_test.go", "wsdl/client/example_register_test.go", "wsdl/client/example_bills_test.go"},
	"python": {"wsdl/interop/example_zeep.py"},
}

// The code that README.md shows is code that runs: line for line, in order, it
// stands in the examples that the tests run.
func TestCodeInReadmeIsTheCodeThatRuns(t *testing.T) {
	readme := readText(t, "README.md")
	for language, files := range examples {
		blocks := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(readme, -1)
		if len(blocks) != len(files) {
			t.Fatalf("README.md shows %d pieces of %s, want %d", len(blocks), language, len(files))
		}
		for i, file := range files {
			rest := readText(t, file)
			for line := range strings.Lines(blocks[i][1]) {
				line = strings.TrimSpace(line)
				_, after, found := strings.Cut(rest, line)
				if !found {
					t.Errorf("%s does not stand in %s at its place: %s", language, file, line)
					break
				}
				rest = after
			}
		}
	}
}

// README.md says of every anomaly and every reason of a rejection what it is
// called, and of anomalies what they mean.
func TestReadmeNamesEveryAnomaly(t *testing.T) {
	readme := readText(t, "README.md")
	for _, code := range tolem.AnomalyCodes {
		kind := map[tolem.Severity]string{tolem.SeverityMoney: "money", tolem.SeverityInformation: "note"}[code.Severity()]
		if row := "| `" + string(code) + "` | " + code.Texts().EN + " | " + kind + " |"; !strings.Contains(readme, row) {
			t.Errorf("README.md lacks the row %s", row)
		}
	}
	for _, reason := range tolem.RejectReasons {
		if !strings.Contains(readme, "`"+string(reason)+"`") {
			t.Errorf("README.md does not name %s", reason)
		}
	}
}

// The table of settings in README.md names every section.
func TestReadmeNamesEverySection(t *testing.T) {
	readme := readText(t, "README.md")
	for _, key := range config.Keys() {
		section, _, _ := strings.Cut(key, ".")
		if !strings.Contains(readme, "`"+section+"`") {
			t.Errorf("README.md does not name %s", section)
		}
	}
}

// What docs/pci.md says is shown by a test is shown by one that there is, and what
// it links to exists (GW-P31).
func TestPCIPageNamesTests(t *testing.T) {
	page := readText(t, filepath.Join("docs", "pci.md"))
	for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)`).FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join("docs", filepath.FromSlash(m[1]))); err != nil {
			t.Errorf("it links to %s: %v", m[1], err)
		}
	}
	there := make(map[string]bool)
	for _, s := range sources(t, parser.SkipObjectResolution) {
		for _, d := range s.tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				there[f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(page, -1)
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("it names %s, which is no test", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`([a-z0-9_/]+\\.go)`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
			t.Errorf("it names %s: %v", m[1], err)
		}
	}
	for _, point := range []string{"3.3.1", "3.4.1", "3.5.1", "4.2.1", "6.4.3", "10.2", "11.6.1", "no compliance", "service provider", "SAQ A"} {
		if !strings.Contains(page, point) {
			t.Errorf("it says nothing of %s", point)
		}
	}
	if len(named) < 20 {
		t.Errorf("it names %d tests", len(named))
	}
}
