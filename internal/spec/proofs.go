package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// proof is a test that says which requirement it proves.
type proof struct {
	id   string // of the requirement
	test string // TestEvidenceIsKept
	file string // archive/keep_test.go
}

// String names the test and where it stands.
func (p proof) String() string { return fmt.Sprintf("%s (%s)", p.test, p.file) }

// findProofs reads the comments of every test of the module.
func findProofs(root fs.FS) ([]proof, error) {
	var found []proof
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		proofs, err := proofsIn(file, text)
		found = append(found, proofs...)
		return err
	})
	return found, err
}

// proofsIn reads one test file. A comment belongs to the test above whose body
// or inside whose body it stands; other comments explain and prove nothing.
func proofsIn(file string, text []byte) ([]proof, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), path.Base(file), text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []proof
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !isTest(f.Name.Name) {
			continue
		}
		var ids []string
		for _, c := range tree.Comments {
			if c == f.Doc || f.Pos() <= c.Pos() && c.End() <= f.End() {
				ids = append(ids, idsIn(c.Text())...)
			}
		}
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			found = append(found, proof{id: id, test: f.Name.Name, file: file})
		}
	}
	return found, nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example")
}

// reference is GW-131, GW-P08, ACQ-014, WP-028 or a range GW-135 to GW-137.
var reference = regexp.MustCompile(`\b((?:GW|ACQ)-P?|WP-)(\d{2,3})\b(?:\s+to\s+((?:GW|ACQ)-P?|WP-)(\d{2,3})\b)?`)

// maxRange bounds a range; a longer one is a slip of the pen.
const maxRange = 50

// idsIn returns the requirements a comment names.
func idsIn(comment string) []string {
	var ids []string
	for _, m := range reference.FindAllStringSubmatch(comment, -1) {
		first, _ := strconv.Atoi(m[2])
		last := first
		if m[4] != "" && m[3] == m[1] {
			last, _ = strconv.Atoi(m[4])
		}
		for n := first; n <= last && n < first+maxRange; n++ {
			ids = append(ids, id(m[1], n))
		}
	}
	return ids
}

// id writes a requirement of a series: "GW-", "GW-P", "ACQ-", "ACQ-P" or "WP-".
func id(series string, n int) string {
	if strings.HasSuffix(series, "P") {
		return fmt.Sprintf("%s%02d", series, n)
	}
	return fmt.Sprintf("%s%03d", series, n)
}
