package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Limits of path building.
const (
	maxPath  = 8  // certificates of a path, both ends included
	maxPaths = 16 // that are looked at for one certificate
)

// purpose is what a certificate is to be used for.
type purpose byte

const (
	forSigning purpose = iota
	forClient
	forServer
)

// permits checks what the certificate itself says of its use. Extended usages
// of the whole path are for validate.
func (p purpose) permits(cert *x509.Certificate) error {
	if cert.IsCA {
		return fmt.Errorf("%w: it is the certificate of an authority", ErrUsage)
	}
	const toSign = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	switch {
	case p == forSigning && cert.KeyUsage&toSign == 0:
		return fmt.Errorf("%w: neither digitalSignature nor nonRepudiation", ErrUsage)
	case p != forSigning && cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return fmt.Errorf("%w: no digitalSignature, which TLS needs", ErrUsage)
	}
	return nil
}

// extended is the extended usage the whole path must permit. A certificate
// without the extension permits all.
func (p purpose) extended() x509.ExtKeyUsage {
	switch p {
	case forClient:
		return x509.ExtKeyUsageClientAuth
	case forServer:
		return x509.ExtKeyUsageServerAuth
	}
	return x509.ExtKeyUsageAny
}

// path leads from the issuer of a certificate to an anchor.
type path []*authority

// paths returns every path of the certificate that is sound at some time:
// signatures, names, authority flags, path lengths, name constraints and
// usages. Times and revocation are left to the moment of asking.
func (as *authorities) paths(cert *x509.Certificate, p purpose) ([]path, error) {
	if !strongKey(cert) {
		return nil, fmt.Errorf("%w: RSA key shorter than %d bits", ErrUntrusted, minRSABits)
	}
	found, err := as.extend(cert, nil, nil)
	if err != nil {
		return nil, err
	}
	refusal := fmt.Errorf("%w: no path to an anchor", ErrUntrusted)
	sound := found[:0]
	for _, candidate := range found {
		if err := candidate.validate(cert, p); err != nil {
			refusal = err
			continue
		}
		sound = append(sound, candidate)
	}
	if len(sound) == 0 {
		return nil, refusal
	}
	return sound, p.permits(cert)
}

// extend adds to found the paths that begin with begun and go on from cert.
func (as *authorities) extend(cert *x509.Certificate, begun path, found []path) ([]path, error) {
	for _, a := range as.named(cert.RawIssuer) {
		if slices.Contains(begun, a) || cert.CheckSignatureFrom(a.cert) != nil {
			continue
		}
		longer := append(slices.Clone(begun), a)
		if a.anchor {
			if len(found) == maxPaths {
				return nil, fmt.Errorf("%w: too many paths", ErrUntrusted)
			}
			found = append(found, longer)
			continue
		}
		if len(longer)+1 >= maxPath {
			continue
		}
		var err error
		if found, err = as.extend(a.cert, longer, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// validate has crypto/x509 judge the one path. It wants a time; any at which
// all certificates are valid will do, since Check compares times by itself. A
// path that is never valid as a whole passes here and fails there.
func (pt path) validate(cert *x509.Certificate, p purpose) error {
	from, until := pt.validity(cert)
	if until.Before(from) {
		return nil
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: from, KeyUsages: []x509.ExtKeyUsage{p.extended()},
	}
	for _, a := range pt {
		if a.anchor {
			options.Roots.AddCert(a.cert)
		} else {
			options.Intermediates.AddCert(a.cert)
		}
	}
	_, err := cert.Verify(options)
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fmt.Errorf("%w: extended key usage", ErrUsage)
	}
	return fmt.Errorf("%w: %w", ErrUntrusted, err)
}

// validity returns the time during which all certificates of the path are
// valid, both ends included.
func (pt path) validity(cert *x509.Certificate) (from, until time.Time) {
	from, until = cert.NotBefore, cert.NotAfter
	for _, a := range pt {
		if a.cert.NotBefore.After(from) {
			from = a.cert.NotBefore
		}
		if a.cert.NotAfter.Before(until) {
			until = a.cert.NotAfter
		}
	}
	return from, until
}

// links calls f for the certificate and each of its path with the issuer of
// it. An anchor that issued itself is the last; one issued by another authority
// is trusted by being configured.
func (pt path) links(cert *x509.Certificate, f func(cert *x509.Certificate, issuer *authority) error) error {
	for _, a := range pt {
		if err := f(cert, a); err != nil {
			return err
		}
		cert = a.cert
	}
	if last := pt[len(pt)-1]; last.selfIssued() {
		return f(last.cert, last)
	}
	return nil
}
