package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// sourceSQL returns every statement of the package: the string literals of its
// sources that begin like one, and the migrations without their comments.
func sourceSQL(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		addLiterals(t, texts, f.Name())
	}
	err = fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := migrations.ReadFile(path)
		for line := range strings.Lines(string(b)) {
			code, _, _ := strings.Cut(line, "--")
			texts[path] += code
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 40 {
		t.Fatalf("only %d statements found", len(texts))
	}
	return texts
}

func addLiterals(t *testing.T, texts map[string]string, file string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "WHERE", "WITH", "ORDER", "ON CONFLICT"} {
			if strings.HasPrefix(strings.TrimSpace(text), verb) {
				texts[set.Position(lit.Pos()).String()] = text
			}
		}
		return true
	})
}
