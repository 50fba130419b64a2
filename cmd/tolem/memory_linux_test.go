package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	prGetDumpable = 3
	crashes       = "TOLEM_TEST_CRASHES" // in the environment of a process that is to die
)

// A process that serves leaves no core dump and cannot be traced by others of its
// user (PCI DSS 3.3.1): one that dies as hard as it can leaves nothing behind.
//
// GW-P31
func TestMemoryIsClosed(t *testing.T) {
	if os.Getenv(crashes) != "" {
		crash(t)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestMemoryIsClosed$")
	child.Dir = t.TempDir()
	child.Env = append(os.Environ(), crashes+"=1", "GOTRACEBACK=crash")
	said, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("it did not die: %v\n%s", err, said)
	}
	if status := exit.Sys().(syscall.WaitStatus); !status.Signaled() || status.CoreDump() || !bytes.Contains(said, []byte("closed: 0 0 0")) {
		t.Errorf("%v, core dump: %v\n%s", err, status.CoreDump(), said)
	}
	if bytes.Contains(said, []byte(strings.Repeat("7", 16))) {
		t.Errorf("the trace shows what was in memory:\n%s", said)
	}
	if left, err := filepath.Glob(filepath.Join(child.Dir, "*")); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// crash dies with something like a card number on its stack and its heap.
func crash(t *testing.T) {
	// As much as the system lets it: what is tested must not come from outside.
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
	if err := closeMemory(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	dumpable, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	println("closed:", limit.Cur, limit.Max, dumpable)
	number := strings.Repeat("7", 16)
	go func(held string) { panic(errors.New("a mistake of ours")) }(number)
	select {}
}
