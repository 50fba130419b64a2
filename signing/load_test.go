package signing

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLoadSigner(t *testing.T) {
	rsaID, ecID := testIdentity(t, "rsa"), testIdentity(t, "p256")
	rsaCert, rsaPKCS8 := rsaID.files(t)
	ecCert, ecPKCS8 := ecID.files(t)
	dir := t.TempDir()
	file := func(name string, blocks ...*pem.Block) string {
		path := filepath.Join(dir, name)
		var data []byte
		for _, b := range blocks {
			data = append(data, pem.EncodeToMemory(b)...)
		}
		writeFile(t, path, data)
		return path
	}
	pkcs1 := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaID.key.(*rsa.PrivateKey))}
	sec1DER, err := x509.MarshalECPrivateKey(ecID.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	sec1 := &pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1DER}
	rsaPKCS1, ecSEC1 := file("pkcs1.pem", pkcs1), file("sec1.pem", &pem.Block{Type: "EC PARAMETERS", Bytes: []byte{5, 0}}, sec1)
	for _, good := range [][2]string{{rsaCert, rsaPKCS8}, {rsaCert, rsaPKCS1}, {ecCert, ecPKCS8}, {ecCert, ecSEC1}} {
		if _, err := LoadSigner(good[0], good[1]); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	open := file("open.pem", pkcs1)
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		cert, key string
		want      error
	}{
		"key of another":           {rsaCert, ecPKCS8, ErrSigner},
		"readable by the group":    {rsaCert, open, ErrKeyFile},
		"no key inside":            {rsaCert, rsaCert, ErrKeyFile},
		"no certificate inside":    {rsaPKCS8, rsaPKCS8, ErrKeyFile},
		"no file":                  {rsaCert, filepath.Join(dir, "none.pem"), os.ErrNotExist},
		"malformed key":            {rsaCert, file("bad.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), ErrKeyFile},
		"malformed certificate":    {file("badcert.pem", &pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), rsaPKCS8, ErrKeyFile},
		"encrypted in the old way": {rsaCert, file("enc.pem", &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "x"}, Bytes: pkcs1.Bytes}), ErrKeyFile},
	} {
		if _, err := LoadSigner(bad.cert, bad.key); !errors.Is(err, bad.want) {
			t.Errorf("%s: got %v, want %v", name, err, bad.want)
		}
	}
	weak := makeIdentity(t, "weak", rsaKeyOf(1024)(), x509.KeyUsageDigitalSignature)
	if _, err := NewSigner(weak.key, weak.cert); !errors.Is(err, ErrSigner) {
		t.Errorf("RSA of 1024 bits: %v", err)
	}
}
