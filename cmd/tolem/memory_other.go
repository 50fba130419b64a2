//go:build !linux

package main

// closeMemory does nothing here: the gateway is served on Linux.
func closeMemory() error { return nil }
