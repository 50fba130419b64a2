package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
)

// This file is the whole list of what is accepted. A national algorithm (GOST R
// 34.10) is added by a row in digestMethods, one in signatureMethods with its
// verify function, and a family that familyOf recognises by the certificate's
// public key bytes; nothing else in the package knows an algorithm's name.

// Names of algorithms. There is no constant for what is refused.
const (
	excC14NURI   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	envelopedURI = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

	sha256URI = "http://www.w3.org/2001/04/xmlenc#sha256"
	sha384URI = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	sha512URI = "http://www.w3.org/2001/04/xmlenc#sha512"

	rsaSHA256URI   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	rsaSHA384URI   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	rsaSHA512URI   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	ecdsaSHA256URI = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	ecdsaSHA384URI = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
	ecdsaSHA512URI = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
)

// digestMethod is a hash function with its name.
type digestMethod struct {
	uri  string
	hash crypto.Hash
	sum  func(dst, data []byte) []byte // appends the digest
}

var digestMethods = [...]digestMethod{
	{sha256URI, crypto.SHA256, appendSHA256},
	{sha384URI, crypto.SHA384, appendSHA384},
	{sha512URI, crypto.SHA512, appendSHA512},
}

// signatureMethod is a signature algorithm with its name.
type signatureMethod struct {
	uri    string
	digest *digestMethod
	family keyFamily
	verify func(cert *certificate, hash crypto.Hash, digest, signature []byte) bool
}

var signatureMethods = [...]signatureMethod{
	{rsaSHA256URI, &digestMethods[0], rsaKey, verifyRSA},
	{rsaSHA384URI, &digestMethods[1], rsaKey, verifyRSA},
	{rsaSHA512URI, &digestMethods[2], rsaKey, verifyRSA},
	{ecdsaSHA256URI, &digestMethods[0], ecKey, verifyECDSA},
	{ecdsaSHA384URI, &digestMethods[1], ecKey, verifyECDSA},
	{ecdsaSHA512URI, &digestMethods[2], ecKey, verifyECDSA},
}

func digestMethodOf(uri []byte) *digestMethod {
	for i := range digestMethods {
		if string(uri) == digestMethods[i].uri {
			return &digestMethods[i]
		}
	}
	return nil
}

func signatureMethodOf(uri []byte) *signatureMethod {
	for i := range signatureMethods {
		if string(uri) == signatureMethods[i].uri {
			return &signatureMethods[i]
		}
	}
	return nil
}

// keyFamily is the kind of key a method needs.
type keyFamily uint8

const (
	noKey keyFamily = iota // a key no method takes
	rsaKey
	ecKey
)

// familyOf returns the family of a certificate's key, noKey if the key is too
// weak, too large or on a curve that is not in the profile.
func familyOf(cert *x509.Certificate) keyFamily {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); MinRSABits <= bits && bits <= MaxRSABits {
			return rsaKey
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return ecKey
		}
	}
	return noKey
}

func verifyRSA(cert *certificate, hash crypto.Hash, digest, signature []byte) bool {
	if cert.rsa != nil {
		return cert.rsa.verify(hash, digest, signature)
	}
	pub, ok := cert.x509.PublicKey.(*rsa.PublicKey)
	return ok && rsa.VerifyPKCS1v15(pub, hash, digest, signature) == nil
}

// verifyECDSA takes the signature as XML Signature has it: r and s as numbers
// of fixed width, one after the other.
func verifyECDSA(cert *certificate, _ crypto.Hash, digest, signature []byte) bool {
	pub, ok := cert.x509.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return false
	}
	width := coordinateWidth(pub.Curve)
	if len(signature) != 2*width {
		return false
	}
	var buf [maxECDSADER]byte
	return ecdsa.VerifyASN1(pub, digest, appendECDSADER(buf[:0], signature[:width], signature[width:]))
}

func appendSHA256(dst, data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(dst, sum[:]...)
}

func appendSHA384(dst, data []byte) []byte {
	sum := sha512.Sum384(data)
	return append(dst, sum[:]...)
}

func appendSHA512(dst, data []byte) []byte {
	sum := sha512.Sum512(data)
	return append(dst, sum[:]...)
}
