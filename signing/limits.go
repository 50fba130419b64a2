package signing

import (
	"time"

	"tolem/signing/c14n"
)

// Limits of the message profile, beside those of the document in package c14n.
const (
	// MaxMessage bounds a message, in bytes. A transport reads at most one byte
	// more before it gives up.
	MaxMessage = c14n.MaxDocument
	// MaxReferences bounds the references of one signature.
	MaxReferences = 10
	// MaxIDs bounds the identifiers of a message.
	MaxIDs = 256
	// MaxIDLength bounds an identifier, in bytes.
	MaxIDLength = 64
	// MaxToken bounds the text of a certificate, in bytes.
	MaxToken = 16 << 10
	// MaxCertificates bounds how many parsed certificates a Verifier keeps.
	MaxCertificates = 2048
	// MaxSerialDigits bounds a serial number in a key reference: RFC 5280
	// allows 20 bytes, which are 49 decimal digits.
	MaxSerialDigits = 49

	// MinRSABits and MaxRSABits bound an RSA key.
	MinRSABits = 2048
	MaxRSABits = 8192

	// MaxSkew is how far a sender's clock may be off.
	MaxSkew = 60 * time.Second
	// MaxAge is how old a message may be.
	MaxAge = 10 * time.Minute
	// AnswerLifetime is how long what we sign is valid.
	AnswerLifetime = 5 * time.Minute
)
