// Package tolemtest holds what tests of several packages need: empty stores on
// both databases, a throw-away PKI, a clock that is moved by hand, golden
// files, the programs the gateway is compared with.
//
// It replaces nothing by an imitation: databases, certificates and programs
// are real. Only tests import it.
//
// What a machine lacks is skipped with a word about it, and fails where CI is
// set, so that nothing goes untested there unnoticed.
package tolemtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// lacking skips the test for want of something, or fails it in CI.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf("NOT TESTED: "+format, args...)
}

// RequireTool returns the path of a program the test is about.
func RequireTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacking(t, "%s is not installed", name)
	}
	return path
}

// systemPython is where Debian's packages put their modules.
const systemPython = "/usr/bin/python3"

// RequirePython returns the path of a Python that has the modules.
func RequirePython(t testing.TB, modules ...string) string {
	t.Helper()
	if out, err := exec.Command(systemPython, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput(); err != nil {
		lacking(t, "%s with %s: %v\n%s", systemPython, strings.Join(modules, ", "), err, out)
	}
	return systemPython
}
