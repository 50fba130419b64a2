package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run runs the tests and cleans up.
func run(m *testing.M) int {
	defer func() { _ = os.RemoveAll(buildDir()) }()
	return m.Run()
}

// buildDir is where the program under test lies.
var buildDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "tolem-e2e-*")
	if err != nil {
		panic(err)
	}
	return dir
})

// build builds the program as it is released and returns its path.
var build = sync.OnceValues(func() (string, error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	program := filepath.Join(buildDir(), "tolem")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "tolem/cmd/tolem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tolem: %w\n%s", err, out)
	}
	return program, nil
})

// lookAtSources looks at every file the program is made of. These tests import
// none of it, so the go command would otherwise hold their last result to be
// good whatever has changed; it remembers the files that a test looks at.
func lookAtSources() error {
	return filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && !strings.HasPrefix(d.Name(), ".."):
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata"):
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}

// program returns the path of the program under test.
func program(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs a command of the program and returns what it prints.
func command(t testing.TB, args ...string) []byte {
	t.Helper()
	out, code := commandExit(t, args...)
	if code != 0 {
		t.Fatalf("tolem %v ended with %d: %s", args, code, out)
	}
	return out
}

// commandExit runs a command and returns what it prints and its exit status.
func commandExit(t testing.TB, args ...string) ([]byte, int) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out, cmd.ProcessState.ExitCode()
}
