package signing

import (
	"errors"
	"slices"

	"tolem"
	"tolem/signing/c14n"
	"tolem/signing/trust"
)

// Class is the stable name of why a message was refused. It goes to the log
// and the metrics; the sender sees FaultCode and Result only.
type Class string

// The classes of the scan are those of package c14n.
const (
	ClassEncoding           = Class(c14n.Encoding)
	ClassNUL                = Class(c14n.NUL)
	ClassCharacter          = Class(c14n.Character)
	ClassDTD                = Class(c14n.DTD)
	ClassPI                 = Class(c14n.ProcessingInstr)
	ClassEntity             = Class(c14n.Entity)
	ClassSyntax             = Class(c14n.Syntax)
	ClassOutsideRoot        = Class(c14n.OutsideRoot)
	ClassDuplicateAttribute = Class(c14n.DuplicateAttribute)
	ClassNamespace          = Class(c14n.Namespace)
	ClassSize               = Class(c14n.Size)
	ClassDepth              = Class(c14n.Depth)
	ClassElements           = Class(c14n.Elements)
	ClassAttributes         = Class(c14n.Attributes)
	ClassValue              = Class(c14n.Value)
	ClassNamespaces         = Class(c14n.Namespaces)
)

// The classes of the steps after the scan, in the order of the steps.
const (
	ClassNotSOAP        Class = "not-soap"        // the root is no envelope
	ClassVersion        Class = "version"         // the envelope is of another version of SOAP
	ClassEnvelope       Class = "envelope"        // the envelope's children are not Header, Body
	ClassBody           Class = "body"            // the Body's content is not exactly one element
	ClassWrapping       Class = "wrapping"        // an envelope part, Security or Signature where none may be
	ClassIDs            Class = "ids"             // an identifier twice, too long or too many of them
	ClassHeader         Class = "header"          // a header block that is not known, or a known one twice
	ClassActor          Class = "actor"           // a header block for someone else
	ClassMustUnderstand Class = "must-understand" // an unknown header block that must be understood
	ClassUnsigned       Class = "unsigned"        // no Security, or no Signature in it
	ClassSecurity       Class = "security"        // unknown or repeated content of Security
	ClassSignatureShape Class = "signature-shape" // wrong children inside Signature
	ClassAlgorithm      Class = "algorithm"       // a canonicalization, signature or digest method not in the tables
	ClassKeyReference   Class = "key-reference"   // a form of key reference that is not accepted
	ClassToken          Class = "token"           // the token is not one X.509 certificate
	ClassUnknownToken   Class = "unknown-token"   // the certificate pointed to is not in the register
	ClassKey            Class = "key"             // the key is of the wrong kind for the method, too weak or too large
	ClassSignature      Class = "signature"       // the signature does not verify
	ClassReference      Class = "reference"       // a reference to something that may not be signed here, or twice to one thing
	ClassTransform      Class = "transform"       // transforms other than exclusive canonicalization
	ClassDigest         Class = "digest"          // content was changed after it was signed
	ClassCoverage       Class = "coverage"        // Body or Timestamp is not signed
	ClassTimestamp      Class = "timestamp"       // no Timestamp, or a malformed one
	ClassExpired        Class = "expired"         // the message is too old
	ClassFuture         Class = "future"          // the message comes from the future
	ClassUsage          Class = "usage"           // the certificate is not for signing
	ClassUntrusted      Class = "untrusted"       // no chain to an anchor
	ClassCertExpired    Class = "cert-expired"    // the certificate is not valid any more
	ClassCertNotYet     Class = "cert-not-yet"    // the certificate is not valid yet
	ClassRevoked        Class = "revoked"         // the certificate or one above it is revoked
	ClassCRL            Class = "crl"             // revocation cannot be checked now
	ClassInternal       Class = "internal"        // the check itself failed
)

// outcome is what the sender learns of a class.
type outcome struct {
	class  Class
	fault  string
	result tolem.ResultCode
}

// The fault codes, as they stand in SOAP 1.1.
const (
	faultClient          = "soap:Client"
	faultServer          = "soap:Server"
	faultMustUnderstand  = "soap:MustUnderstand"
	faultVersionMismatch = "soap:VersionMismatch"
	faultSecurity        = "wsse:InvalidSecurity"
	faultCheck           = "wsse:FailedCheck"
	faultAlgorithm       = "wsse:UnsupportedAlgorithm"
	faultToken           = "wsse:InvalidSecurityToken"
	faultUnavailable     = "wsse:SecurityTokenUnavailable"
	faultExpired         = "wsu:MessageExpired"
)

// outcomes is the one table from class to what goes out.
var outcomes = [...]outcome{
	{ClassEncoding, faultClient, tolem.BadRequest},
	{ClassNUL, faultClient, tolem.BadRequest},
	{ClassCharacter, faultClient, tolem.BadRequest},
	{ClassDTD, faultClient, tolem.BadRequest},
	{ClassPI, faultClient, tolem.BadRequest},
	{ClassEntity, faultClient, tolem.BadRequest},
	{ClassSyntax, faultClient, tolem.BadRequest},
	{ClassOutsideRoot, faultClient, tolem.BadRequest},
	{ClassDuplicateAttribute, faultClient, tolem.BadRequest},
	{ClassNamespace, faultClient, tolem.BadRequest},
	{ClassSize, faultClient, tolem.TooLarge},
	{ClassDepth, faultClient, tolem.TooLarge},
	{ClassElements, faultClient, tolem.TooLarge},
	{ClassAttributes, faultClient, tolem.TooLarge},
	{ClassValue, faultClient, tolem.TooLarge},
	{ClassNamespaces, faultClient, tolem.TooLarge},

	{ClassNotSOAP, faultClient, tolem.BadRequest},
	{ClassVersion, faultVersionMismatch, tolem.BadRequest},
	{ClassEnvelope, faultSecurity, tolem.BadRequest},
	{ClassBody, faultClient, tolem.BadRequest},
	{ClassWrapping, faultSecurity, tolem.BadSignature},
	{ClassIDs, faultSecurity, tolem.BadSignature},
	{ClassHeader, faultSecurity, tolem.BadRequest},
	{ClassActor, faultSecurity, tolem.BadRequest},
	{ClassMustUnderstand, faultMustUnderstand, tolem.BadRequest},
	{ClassUnsigned, faultSecurity, tolem.BadSignature},
	{ClassSecurity, faultSecurity, tolem.BadSignature},
	{ClassSignatureShape, faultSecurity, tolem.BadSignature},
	{ClassAlgorithm, faultAlgorithm, tolem.BadSignature},
	{ClassKeyReference, faultSecurity, tolem.BadSignature},
	{ClassToken, faultToken, tolem.CertUntrusted},
	{ClassUnknownToken, faultUnavailable, tolem.CertUntrusted},
	{ClassKey, faultAlgorithm, tolem.BadSignature},
	{ClassSignature, faultCheck, tolem.BadSignature},
	{ClassReference, faultSecurity, tolem.BadSignature},
	{ClassTransform, faultAlgorithm, tolem.BadSignature},
	{ClassDigest, faultCheck, tolem.BadSignature},
	{ClassCoverage, faultSecurity, tolem.BadSignature},
	{ClassTimestamp, faultSecurity, tolem.BadSignature},
	{ClassExpired, faultExpired, tolem.MessageExpired},
	{ClassFuture, faultExpired, tolem.MessageExpired},
	{ClassUsage, faultToken, tolem.CertUntrusted},
	{ClassUntrusted, faultToken, tolem.CertUntrusted},
	{ClassCertExpired, faultToken, tolem.CertExpired},
	{ClassCertNotYet, faultToken, tolem.CertExpired},
	{ClassRevoked, faultToken, tolem.CertRevoked},
	{ClassCRL, faultToken, tolem.CRLUnavailable},
	{ClassInternal, faultServer, tolem.Unavailable},
}

// Classes lists every class, in the order of the steps that report them.
func Classes() []Class {
	all := make([]Class, len(outcomes))
	for i := range outcomes {
		all[i] = outcomes[i].class
	}
	return all
}

// Error says why a message was refused.
type Error struct {
	Class   Class
	Version Version // of the message's envelope, as far as it could be seen
	Detail  string  // for the log, never for the sender
	Err     error   // of package trust or c14n, may be nil
}

func fail(class Class, detail string) *Error { return &Error{Class: class, Detail: detail} }

func (e *Error) Error() string {
	text := string(e.Class)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the error beneath, so that errors.Is finds the sentinels of
// package trust.
func (e *Error) Unwrap() error { return e.Err }

// FaultCode returns the SOAP 1.1 fault code, such as "wsse:FailedCheck".
func (e *Error) FaultCode() string { return e.outcome().fault }

// Result returns the code that stands in the fault's detail.
func (e *Error) Result() tolem.ResultCode { return e.outcome().result }

func (e *Error) outcome() outcome {
	i := slices.IndexFunc(outcomes[:], func(o outcome) bool { return o.class == e.Class })
	if i < 0 {
		return outcome{e.Class, faultServer, tolem.Internal}
	}
	return outcomes[i]
}

// fromScan makes an error of package c14n one of ours.
func fromScan(err error) *Error {
	var scan *c14n.Error
	if errors.As(err, &scan) {
		return &Error{Class: Class(scan.Kind), Err: scan}
	}
	return &Error{Class: ClassInternal, Err: err}
}

// fromTrust makes an error of package trust one of ours. What it does not know
// is a failure of the check and not of the certificate: refused all the same,
// with another code.
func fromTrust(err error) *Error {
	class := ClassInternal
	for _, known := range [...]struct {
		sentinel error
		class    Class
	}{
		{trust.ErrRevoked, ClassRevoked},
		{trust.ErrExpired, ClassCertExpired},
		{trust.ErrNotYetValid, ClassCertNotYet},
		{trust.ErrUsage, ClassUsage},
		{trust.ErrUntrusted, ClassUntrusted},
		{trust.ErrCRLUnavailable, ClassCRL},
	} {
		if errors.Is(err, known.sentinel) {
			class = known.class
			break
		}
	}
	return &Error{Class: class, Err: err}
}
