package tolem_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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

// The code that README.md shows is code that runs: line for line, in order, it
// stands in the examples that the tests run.
func TestCodeInReadmeIsTheCodeThatRuns(t *testing.T) {
	readme := readText(t, "README.md")
	for language, file := range map[string]string{"go": "wsdl/client/example_test.go", "python": "wsdl/interop/example_zeep.py"} {
		_, rest, ok := strings.Cut(readme, "```"+language+"\n")
		shown, _, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			t.Fatalf("README.md shows no %s", language)
		}
		source := readText(t, file)
		for line := range strings.Lines(shown) {
			line = strings.TrimSpace(line)
			_, after, found := strings.Cut(source, line)
			if !found {
				t.Errorf("%s does not stand in %s at its place: %s", language, file, line)
				break
			}
			source = after
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
