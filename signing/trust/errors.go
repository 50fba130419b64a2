package trust

import "errors"

// Why a certificate is not accepted. Every error of Check wraps exactly one of
// these.
var (
	// ErrUntrusted: no path leads from the certificate to an anchor.
	ErrUntrusted = errors.New("certificate is not trusted")
	// ErrExpired: a certificate of the path is past its validity.
	ErrExpired = errors.New("certificate has expired")
	// ErrNotYetValid: the validity of a certificate of the path has not begun.
	ErrNotYetValid = errors.New("certificate is not yet valid")
	// ErrRevoked: a certificate of the path is revoked or on hold.
	ErrRevoked = errors.New("certificate is revoked")
	// ErrCRLUnavailable: there is no usable revocation list for a certificate
	// of the path. Nothing is known against the certificate; the sender may try
	// again later.
	ErrCRLUnavailable = errors.New("no usable revocation list")
	// ErrUsage: the certificate may not be used for this purpose.
	ErrUsage = errors.New("certificate may not be used for this")
)
