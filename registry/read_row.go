package registry

import (
	"bufio"
	"bytes"
	"strconv"

	"tolem"
)

// Rows stand in a register's document as appendRow writes them: elements with
// plain text, one after another. Such rows are read here, five times as fast as
// a decoder of XML does. Whatever looks otherwise is left to the decoder, which
// has the last word on what is right.

const (
	rowStart, rowEnd = "<row>", "</row>"
	// maxPlainRow bounds a row that is read here.
	maxPlainRow = 4 << 10
)

// plainRows reads rows from where a decoder stands in its source, behind a start
// or end tag, until something comes that is no plain row.
func plainRows(source *bufio.Reader, fn func(rowXML) error) error {
	for {
		ahead, _ := source.Peek(maxPlainRow) // less at the end, or where reading fails: the decoder will tell
		if !bytes.HasPrefix(ahead, []byte(rowStart)) {
			return nil
		}
		end := bytes.Index(ahead, []byte(rowEnd))
		if end < 0 {
			return nil
		}
		var x rowXML
		if !x.parse(ahead[len(rowStart):end]) {
			return nil
		}
		if err := fn(x); err != nil {
			return err
		}
		if _, err := source.Discard(end + len(rowEnd)); err != nil {
			return err
		}
	}
}

// parse reads the elements of a row, and reports whether they are plain and
// known.
func (x *rowXML) parse(text []byte) bool {
	for len(text) > 0 {
		name, rest, ok := bytes.Cut(text, []byte{'>'})
		if !ok || len(name) < 2 || name[0] != '<' {
			return false
		}
		name = name[1:]
		end := bytes.IndexByte(rest, '<')
		if end < 0 || !isPlain(rest[:end]) {
			return false
		}
		content := rest[:end]
		if rest = rest[end:]; len(rest) < len(name)+3 || rest[1] != '/' || !bytes.HasPrefix(rest[2:], name) || rest[len(name)+2] != '>' {
			return false
		}
		if !x.set(name, content) {
			return false
		}
		text = rest[len(name)+3:]
	}
	return true
}

// isPlain reports whether text is printable ASCII that stands for itself.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '&' || c == '>' {
			return false
		}
	}
	return true
}

// set fills in a field.
func (x *rowXML) set(name, content []byte) bool {
	var err error
	switch string(name) {
	case "line":
		x.Line, err = strconv.Atoi(string(content))
	case "kind":
		x.Kind = tolem.RowKind(content)
	case "paymentCode":
		x.Code = string(content)
	case "bankId":
		x.Bank = tolem.ParticipantID(content)
	case "branchId":
		x.Branch = tolem.ParticipantID(content)
	case "bankRef":
		x.BankRef = tolem.BankRef(content)
	case "serviceCode":
		x.Service = tolem.ServiceCode(content)
	case "providerId":
		x.Provider = tolem.ProviderID(content)
	case "channel":
		x.Channel = tolem.Channel(content)
	case "amount":
		x.Amount = string(content)
	case "currency":
		x.Currency = tolem.Currency(content)
	case "fee":
		x.Fee = string(content)
	case "paidAt":
		err = x.PaidAt.UnmarshalText(content)
	case "receivedAt":
		err = x.ReceivedAt.UnmarshalText(content)
	case "refundedAt":
		err = x.RefundedAt.UnmarshalText(content)
	case "state":
		x.State = string(content)
	case "closedAt":
		err = x.ClosedAt.UnmarshalText(content)
	case "discrepancy":
		x.Discrepancy = string(content)
	case "belongsTo":
		x.BelongsTo = string(content)
	default:
		return false
	}
	return err == nil
}
