package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"time"

	"tolem/signing/trust"
)

// SignText signs a text by itself: RSA PKCS #1 v1.5 or ECDSA, both with
// SHA-256 whatever the curve. An ECDSA signature is in DER, as openssl dgst
// writes it. VerifyText verifies it.
func (s *Signer) SignText(text []byte) ([]byte, error) {
	digest := sha256.Sum256(text)
	return s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// VerifyText verifies a signature that SignText made with the key of
// the certificate, and that the certificate may sign and is trusted now. The
// error is an *Error.
func VerifyText(der, text, signature []byte, t Truster, now time.Time) (*x509.Certificate, trust.Proof, error) {
	cert, fault := parseCertificate(der)
	if fault != nil {
		return nil, trust.Proof{}, fault
	}
	if cert.family == noKey {
		return nil, trust.Proof{}, fail(ClassKey, "key is too weak, too large or of an unknown kind")
	}
	digest := sha256.Sum256(text)
	good := false
	switch key := cert.x509.PublicKey.(type) {
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, digest[:], signature)
	}
	if !good {
		return nil, trust.Proof{}, fail(ClassSignature, "signature of the text does not verify")
	}
	proof, fault := (&Verifier{trust: t}).checkCertificate(cert, now)
	if fault != nil {
		return nil, trust.Proof{}, fault
	}
	return cert.x509, proof, nil
}
