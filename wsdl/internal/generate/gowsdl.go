package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// gowsdl returns what the tool of that name makes of the contract. Its version
// is fixed by the tool line of go.mod.
func gowsdl(wsdl string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "gatewayv1-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)

	// The tool creates the package's folder but no folder above it.
	cmd := exec.Command("go", "tool", "gowsdl", "-p", "gatewayv1", "-o", "gateway.go", "-d", tmp, wsdl)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gowsdl: %w\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(tmp, "gatewayv1", "gateway.go"))
}
