package main

import (
	"errors"
	"fmt"
	"go/format"
	"regexp"

	"tolem/wsdl"
)

// Types that gowsdl maps wrongly and that gatewayv1 therefore has by hand: a
// float64 writes a million as 1e+06, and gowsdl's date type takes any text for
// a date and, renamed, loses the methods that would write it.
var byHand = []*regexp.Regexp{
	regexp.MustCompile(`(?m)(^// .*\n)+\ntype Amount float64\n`),
	regexp.MustCompile(`(?m)(^// .*\n)+\ntype Timestamp soap\.XSDDateTime\n`),
}

var (
	elementTag = regexp.MustCompile("`xml:\"([A-Za-z]+),omitempty\" json:\"[A-Za-z]+,omitempty\"`")
	binary     = regexp.MustCompile("\\[\\]byte( +`xml:)")
	strayDoc   = regexp.MustCompile(`((?m:^// .*\n)+)(?://\n)?\ntype `)
	unfit      = regexp.MustCompile(`float(32|64)|XSDDate|XSDTime|\[\]byte|interface\{\}| json:`)
)

var errUnfit = errors.New("generated code holds what cannot carry the contract")

// repair makes gowsdl's code fit for payments: the types above leave, each
// element is written and read in the namespace of the contract and in no other,
// binary content is coded in base64 (encoding/xml would write the bytes as they
// are), and each comment moves to the type it describes.
func repair(code []byte) ([]byte, error) {
	for _, t := range byHand {
		if n := len(t.FindAll(code, -1)); n != 1 {
			return nil, fmt.Errorf("%d matches of %q in gowsdl's output, want one", n, t)
		}
		code = t.ReplaceAll(code, nil)
	}
	code = elementTag.ReplaceAll(code, []byte("`xml:\""+wsdl.Namespace+" $1,omitempty\"`"))
	code = binary.ReplaceAll(code, []byte("Binary$1"))
	code = strayDoc.ReplaceAll(code, []byte("${1}type "))
	if found := unfit.Find(code); found != nil {
		return nil, fmt.Errorf("%s: %w", found, errUnfit)
	}
	return format.Source(code)
}
