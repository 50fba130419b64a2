// Command generate makes package gatewayv1 from the published contract: it runs
// gowsdl and then repairs what gowsdl's types would get wrong with money and
// time. It is run by "go generate ./wsdl"; with -check it writes nothing and
// fails if the committed file is not what the contract gives.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const (
	contract = "gateway-v1.wsdl"
	output   = "gatewayv1/gateway.go"
)

var errStale = errors.New("generated code is not up to date: run go generate ./wsdl")

func main() {
	check := flag.Bool("check", false, "write nothing; fail if the committed code is not up to date")
	dir := flag.String("dir", ".", "folder of the contract")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	raw, err := gowsdl(filepath.Join(dir, contract))
	if err != nil {
		return err
	}
	code, err := repair(raw)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, output)
	if !check {
		return os.WriteFile(file, code, 0o644)
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, code) {
		return errStale
	}
	return nil
}
