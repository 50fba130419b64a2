package receiver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"tolem/signing"
)

// delivery is one part of a document as it came.
type delivery struct {
	requestID, number, form, name, hash string
	size, part, parts                   int64
	content                             []byte
}

// Limits of a delivery.
const (
	maxParts    = 8192
	maxDocument = 4 << 30
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// errContract reports a message that does not follow the contract.
var errContract = errors.New("message does not follow the contract")

func readDelivery(operation string, fields []signing.Field) (delivery, error) {
	var d delivery
	if operation != "DeliverDocument" {
		return d, fmt.Errorf("%w: unknown operation", errContract)
	}
	var errs []error
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		errs = append(errs, err)
		return n
	}
	for _, f := range fields {
		switch f.Name {
		case "requestId":
			d.requestID = f.Value
		case "number":
			d.number = f.Value
		case "form":
			d.form = f.Value
		case "name":
			d.name = f.Value
		case "hash":
			d.hash = f.Value
		case "size":
			d.size = number(f.Value)
		case "part":
			d.part = number(f.Value)
		case "parts":
			d.parts = number(f.Value)
		case "content":
			piece, err := base64.StdEncoding.DecodeString(f.Value)
			errs = append(errs, err)
			d.content = append(d.content, piece...)
		}
	}
	if errors.Join(errs...) != nil || !d.sound() {
		return d, errContract
	}
	return d, nil
}

func (d delivery) sound() bool {
	return nameForm.MatchString(d.name) && nameForm.MatchString(d.number) && hashForm.MatchString(d.hash) && len(d.requestID) == 36 &&
		d.size >= 0 && d.size <= maxDocument && d.parts >= 1 && d.parts <= maxParts && d.part >= 1 && d.part <= d.parts
}
