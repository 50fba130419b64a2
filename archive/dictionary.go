package archive

import (
	_ "embed"
)

// dictionary1 holds what messages have in common: envelopes as the stacks that
// were tried write them, and the elements of every operation. It is part of
// the format of what is stored: it must never change. A better one becomes
// dictionary 2 beside it.
//
//go:embed dictionary/1.xml
var dictionary1 []byte

// dictionaryID is written into every frame.
const dictionaryID = 1

// packWindow bounds the memory of the compressor. A message rarely has more.
const packWindow = 64 << 10
