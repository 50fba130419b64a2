package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"regexp"

	"tolem/wsdl"
)

// Types that gowsdl maps wrongly and that gatewayv1 therefore has by hand: a
// float64 writes a million as 1e+06, and gowsdl's date type takes any text for
// a date and, renamed, loses the methods that would write it.
var byHand = [][]byte{
	[]byte("type Amount float64\n"),
	[]byte("type Timestamp soap.XSDDateTime\n"),
}

var (
	elementTag = regexp.MustCompile("`xml:\"([A-Za-z]+),omitempty\" json:\"[A-Za-z]+,omitempty\"`")
	strayDoc   = regexp.MustCompile(`((?m:^// .*\n)+)(?://\n)?\ntype `)
	unsafe     = regexp.MustCompile(`float(32|64)|XSDDate|XSDTime|interface\{\}`)
)

var errUnsafe = errors.New("generated code holds a type that cannot carry the contract")

// repair makes gowsdl's code fit for payments: the types above leave, each
// element is written and read in the namespace of the contract and in no other,
// and each comment moves to the type it describes.
func repair(code []byte) ([]byte, error) {
	for _, t := range byHand {
		if bytes.Count(code, t) != 1 {
			return nil, fmt.Errorf("want %q exactly once in gowsdl's output", t)
		}
		code = bytes.Replace(code, t, nil, 1)
	}
	code = elementTag.ReplaceAll(code, []byte("`xml:\""+wsdl.Namespace+" $1,omitempty\"`"))
	code = strayDoc.ReplaceAll(code, []byte("${1}type "))
	if found := unsafe.Find(code); found != nil {
		return nil, fmt.Errorf("%s: %w", found, errUnsafe)
	}
	return format.Source(code)
}
