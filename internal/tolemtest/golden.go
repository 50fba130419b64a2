package tolemtest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// updateVariable, when set, makes Golden write what it gets.
const updateVariable = "TOLEM_TEST_UPDATE"

// Golden compares got with the content of testdata/name. TOLEM_TEST_UPDATE=1
// writes the file instead; what changed is then reviewed as a diff.
func Golden(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if os.Getenv(updateVariable) != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (%s=1 writes it)", err, updateVariable)
	}
	if bytes.Equal(got, want) {
		return
	}
	line, g, w := firstDifference(got, want)
	t.Errorf("differs from %s in line %d (%s=1 writes it)\n got: %s\nwant: %s", path, line, updateVariable, g, w)
}

// firstDifference returns the first line that differs, counted from one.
func firstDifference(got, want []byte) (line int, g, w []byte) {
	for line = 1; ; line++ {
		var moreG, moreW bool
		g, got, moreG = bytes.Cut(got, []byte("\n"))
		w, want, moreW = bytes.Cut(want, []byte("\n"))
		if !bytes.Equal(g, w) || moreG != moreW || !moreG {
			return line, g, w
		}
	}
}
