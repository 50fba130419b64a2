// Package scripts_test runs the scripts that the Makefile runs.
package scripts_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tolem/internal/tolemtest"
)

func TestScriptsAreWellFormed(t *testing.T) {
	bash := tolemtest.RequireTool(t, "bash")
	scripts, err := filepath.Glob("*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range append(scripts, "../.ci/run") {
		if out, err := exec.Command(bash, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		if info, err := os.Stat(script); err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s cannot be run: %v", script, err)
		}
	}
}

// withPostgres starts the script with a command of the shell. The folder is
// where the script keeps what it must take away again.
func withPostgres(t *testing.T, shell string) (command *exec.Cmd, folder string) {
	t.Helper()
	tolemtest.RequireTool(t, "bash")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 {
		tolemtest.RequireTool(t, "initdb")
	}
	// Not a folder of the test: the server's user must be able to enter it.
	folder, err := os.MkdirTemp("", "tolem-scripts-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	command = exec.CommandContext(ctx, "./with-postgres.sh", "bash", "-c", shell)
	command.Env = append(os.Environ(), "TMPDIR="+folder)
	return command, folder
}

// gone fails unless no server listens at the address and the folder is empty.
func gone(t *testing.T, address, folder string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		t.Fatalf("the command was given the address %q: %v", address, err)
	}
	if c, err := net.DialTimeout("tcp", u.Host, time.Second); err == nil {
		c.Close()
		t.Errorf("a server still listens at %s", u.Host)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The command finds a server that answers, its exit status is passed on, and
// nothing is left.
func TestPostgresEndsWithTheCommand(t *testing.T) {
	command, folder := withPostgres(t, `echo "$TOLEM_TEST_POSTGRES"; exit 7`)
	out, err := command.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("got %v, want exit status 7", err)
	}
	gone(t, strings.TrimSpace(string(out)), folder)
}

// Interrupted, the script ends the command, what the command has started, and
// the server.
func TestPostgresEndsWhenInterrupted(t *testing.T) {
	command, folder := withPostgres(t, `sleep 300 & echo "$TOLEM_TEST_POSTGRES $!"; wait`)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("an interrupted run succeeds")
	}
	address, sleeper, _ := strings.Cut(strings.TrimSpace(line), " ")
	gone(t, address, folder)
	if state := processState(sleeper); state != "" && state != "Z" {
		t.Errorf("what the command started still runs as %s (%s)", sleeper, state)
	}
}

// processState returns the letter by which Linux tells what a process does: Z
// has ended and waits for its parent to take note; nothing: there is none.
func processState(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}
