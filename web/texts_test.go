package web_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tolem/web"
)

var (
	literal = regexp.MustCompile(`"([a-z]+(?:\.[A-Za-z0-9_]+)+)"`)
	prefix  = regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)*\.)"`)
	asked   = regexp.MustCompile(`\.T "([^"]+)"`)
)

// sources returns what the templates and programs of a folder say.
func sources(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				all.Write(text)
			}
		}
	}
	return all.String()
}

// Every text that a page asks for is there in every language, and every text
// that is there is asked for.
func TestTextsAreThoseThatAreAskedFor(t *testing.T) {
	folders, err := filepath.Glob("*/i18n")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	for _, folder := range append(folders, "i18n") {
		module := filepath.Dir(folder)
		own, err := web.LoadCatalogue(os.DirFS(module))
		if err != nil {
			t.Error(err)
			continue
		}
		shared := fs.FS(os.DirFS("."))
		if module == "." {
			shared = nil
		}
		all, err := web.LoadCatalogue(shared, os.DirFS(module))
		if err != nil {
			t.Error(err)
		}
		text := sources(t, module)
		for _, m := range asked.FindAllStringSubmatch(text, -1) {
			if _, ok := all[web.Kazakh][m[1]]; !ok {
				t.Errorf("%s asks for %s, which is not there", module, m[1])
			}
		}
		used := make(map[string]bool)
		for _, m := range literal.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
		prefixes := prefix.FindAllStringSubmatch(text+sources(t, "."), -1)
	keys:
		for key := range own[web.Kazakh] {
			for _, m := range prefixes {
				if strings.HasPrefix(key, m[1]) {
					continue keys
				}
			}
			if !used[key] {
				t.Errorf("%s: nobody asks for %s", module, key)
			}
		}
	}
}

// A catalogue that lacks something is refused with all that is missing.
func TestIncompleteTextsAreRefused(t *testing.T) {
	files := fstest.MapFS{}
	for _, l := range web.Languages {
		files["i18n/"+string(l)+".json"] = &fstest.MapFile{Data: []byte(`{"a.b": "x {amount}"}`)}
	}
	if _, err := web.LoadCatalogue(files); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{}`:                                  "ru has no text for a.b",
		`{"a.b": ""}`:                         "ru has no text for a.b",
		`{"a.b": "x"}`:                        "ru has other places in a.b",
		`{"a.b": "{amount}", "a.c": "x"}`:     "ru has the key a.c",
		`{"a.b": "{amount} {amount}"}`:        "ru has other places in a.b",
		`[]`:                                  "ru.json",
		`{"a.b": "{amount}", "a.b.c": "x"}  `: "ru has the key a.b.c",
	} {
		files["i18n/ru.json"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := web.LoadCatalogue(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := web.LoadCatalogue(files, files); err == nil {
		t.Error("a key twice")
	}
}
