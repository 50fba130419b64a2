package c14n

import (
	"fmt"
	"slices"
)

// Kind is a stable name for why bytes are not an acceptable document.
type Kind string

// The kinds of errors.
const (
	Encoding           Kind = "encoding"            // not UTF-8, or declared as something else
	NUL                Kind = "nul"                 // a zero byte
	Character          Kind = "character"           // a character XML 1.0 does not allow
	DTD                Kind = "dtd"                 // a document type or any other markup declaration
	ProcessingInstr    Kind = "pi"                  // a processing instruction other than the XML declaration
	Entity             Kind = "entity"              // a reference to an entity other than the five predefined
	Syntax             Kind = "syntax"              // not well-formed in any other way
	OutsideRoot        Kind = "outside-root"        // a second root, or text or comments outside the root
	DuplicateAttribute Kind = "duplicate-attribute" // two attributes of one name, expanded or not
	Namespace          Kind = "namespace"           // undeclared prefix, xmlns:p="", reserved prefix or namespace
	Size               Kind = "size"                // more than MaxDocument
	Depth              Kind = "depth"               // more than MaxDepth
	Elements           Kind = "elements"            // more than MaxElements or MaxTexts
	Attributes         Kind = "attributes"          // more than MaxAttributes
	Value              Kind = "value"               // more than MaxValue or MaxName
	Namespaces         Kind = "namespaces"          // more than MaxNamespaces or MaxScope
)

var kinds = [...]Kind{
	Encoding, NUL, Character, DTD, ProcessingInstr, Entity, Syntax, OutsideRoot, DuplicateAttribute,
	Namespace, Size, Depth, Elements, Attributes, Value, Namespaces,
}

// Kinds returns every kind of error that Parse can report.
func Kinds() []Kind { return slices.Clone(kinds[:]) }

// Error says why and where Parse refused a document.
type Error struct {
	Kind   Kind
	Offset int    // in bytes from the start of the document
	Detail string // for the log, never for the sender
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.Kind, e.Offset, e.Detail)
}

func refuse(k Kind, at int, detail string) error { return &Error{Kind: k, Offset: at, Detail: detail} }
