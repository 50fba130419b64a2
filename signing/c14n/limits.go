package c14n

// Limits of a document. They bound the work an unauthenticated sender can
// cause; each is far above what an honest message needs.
const (
	// MaxDocument bounds a document, in bytes.
	MaxDocument = 1 << 20
	// MaxDepth bounds how deep elements nest.
	MaxDepth = 32
	// MaxElements bounds the elements of a document.
	MaxElements = 20_000
	// MaxTexts bounds the pieces of text of a document: comments and CDATA
	// sections can cut one text into many.
	MaxTexts = 2 * MaxElements
	// MaxAttributes bounds the attributes of one element, namespace
	// declarations included.
	MaxAttributes = 32
	// MaxValue bounds an attribute's value and the text between two tags, in bytes.
	MaxValue = 128 << 10
	// MaxName bounds a qualified name, in bytes.
	MaxName = 512
	// MaxNamespaces bounds the different namespaces of a document.
	MaxNamespaces = 64
	// MaxScope bounds the namespace declarations in scope of one element.
	MaxScope = 96
)
