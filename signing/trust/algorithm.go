package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// minRSABits is the shortest RSA key of an authority or a sender.
const minRSABits = 2048

// listAlgorithms are the signatures a revocation list may bear, by the
// contents of the object identifier. What is not here is refused; SHA-1 and
// MD5 are not here. National algorithms are to be added here, and to the path
// building, when there is a library for them.
var listAlgorithms = [...]struct {
	oid string
	id  x509.SignatureAlgorithm
}{
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", x509.SHA256WithRSA},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", x509.SHA384WithRSA},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", x509.SHA512WithRSA},
	{"\x2a\x86\x48\xce\x3d\x04\x03\x02", x509.ECDSAWithSHA256},
	{"\x2a\x86\x48\xce\x3d\x04\x03\x03", x509.ECDSAWithSHA384},
	{"\x2a\x86\x48\xce\x3d\x04\x03\x04", x509.ECDSAWithSHA512},
}

// signatureAlgorithm reads an AlgorithmIdentifier. The algorithms allowed have
// no parameters, or NULL.
func signatureAlgorithm(identifier der) (x509.SignatureAlgorithm, error) {
	contents, _ := identifier.read(tagSequence)
	rest := der(contents)
	oid, ok := rest.read(tagOID)
	if !ok || len(rest) > 0 && !bytes.Equal(rest, []byte{5, 0}) {
		return 0, fmt.Errorf("%w: identifier %x", ErrListAlgorithm, contents)
	}
	for _, a := range listAlgorithms {
		if string(oid) == a.oid {
			return a.id, nil
		}
	}
	return 0, fmt.Errorf("%w: OID contents %x", ErrListAlgorithm, oid)
}

// strongKey reports whether a certificate's key is long enough. Curves are
// limited by what crypto/x509 knows.
func strongKey(cert *x509.Certificate) bool {
	key, isRSA := cert.PublicKey.(*rsa.PublicKey)
	return !isRSA || key.N.BitLen() >= minRSABits
}
