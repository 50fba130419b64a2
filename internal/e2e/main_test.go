package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of the tolem under test, built by TestMain.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the program as it is released, runs the tests and cleans up.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tolem-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "tolem")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "tolem/cmd/tolem")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build tolem: %v\n%s", err, out)
		return 1
	}
	return m.Run()
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
	cmd := exec.Command(program, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out, cmd.ProcessState.ExitCode()
}
