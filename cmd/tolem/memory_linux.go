package main

import (
	"fmt"
	"syscall"
)

// prSetDumpable is PR_SET_DUMPABLE of prctl(2), which package syscall does not
// name.
const prSetDumpable = 4

// closeMemory keeps what this process has in memory, keys and for moments card
// data, out of core dumps, and other processes of the same user from reading it.
// Both are for good: the limit cannot be raised again, and a process that may not
// be dumped may not be traced either.
func closeMemory() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	// The limit says nothing to a system that pipes dumps into a program.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		return fmt.Errorf("forbid core dumps: %w", errno)
	}
	return nil
}
