package trust

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// opensslCA is a folder in which OpenSSL has made authorities and
// certificates: NAME.pem and NAME.key.
type opensslCA struct {
	dir string
	now time.Time
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is required in CI")
		}
		t.Skip("SKIPPED: openssl is not installed, the revocation lists it makes were not tried")
	}
}

func (o *opensslCA) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (o *opensslCA) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (o *opensslCA) der(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("%s: not PEM", name)
	}
	return block.Bytes
}

func (o *opensslCA) cert(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(o.der(t, name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (o *opensslCA) key(t *testing.T, name string) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(o.der(t, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

const (
	caExtensions   = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
	muteExtensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
	leafExtensions = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n"
)

var ecKey = []string{"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}

// certify makes a key and a certificate; without an issuer it signs itself.
func (o *opensslCA) certify(t *testing.T, name, subject, issuer string, newKey []string, extensions string, extra ...string) {
	t.Helper()
	o.write(t, name+".ext", extensions)
	o.run(t, append([]string{"genpkey", "-out", name + ".key", "-algorithm"}, newKey...)...)
	o.run(t, "req", "-new", "-key", name+".key", "-subj", subject, "-out", name+".csr", "-config", "req.cnf")
	sign := []string{"x509", "-req", "-in", name + ".csr", "-days", "365", "-extfile", name + ".ext", "-out", name + ".pem"}
	if issuer == "" {
		sign = append(sign, "-signkey", name+".key")
	} else {
		sign = append(sign, "-CA", issuer+".pem", "-CAkey", issuer+".key", "-CAcreateserial")
	}
	o.run(t, append(sign, extra...)...)
}

// newOpenSSL makes the authorities and certificates of the vectors.
func newOpenSSL(t *testing.T) *opensslCA {
	t.Helper()
	needOpenSSL(t)
	o := &opensslCA{dir: t.TempDir(), now: time.Now().Add(time.Minute).UTC().Truncate(time.Second)}
	o.write(t, "req.cnf", "[req]\ndistinguished_name=dn\n[dn]\n")
	rsaKey := []string{"RSA", "-pkeyopt", "rsa_keygen_bits:2048"}
	o.certify(t, "root", "/C=KZ/O=Vectors/CN=Root", "", ecKey, caExtensions)
	o.certify(t, "middle", "/C=KZ/O=Vectors/CN=Middle", "root", ecKey, caExtensions)
	o.certify(t, "rsa", "/C=KZ/O=Vectors/CN=RSA", "root", rsaKey, caExtensions)
	o.certify(t, "mute", "/C=KZ/O=Vectors/CN=Mute", "root", ecKey, muteExtensions)
	o.certify(t, "stranger", "/C=KZ/O=Vectors/CN=Stranger", "", ecKey, caExtensions)
	o.certify(t, "impostor", "/C=KZ/O=Vectors/CN=Middle", "", ecKey, caExtensions)
	o.certify(t, "bank", "/C=KZ/O=Bank/CN=bank", "middle", ecKey, leafExtensions)
	o.certify(t, "bank-dp", "/C=KZ/O=Bank/CN=bank-dp", "middle", ecKey, leafExtensions+"crlDistributionPoints=URI:http://ca.example/middle.crl\n")
	o.certify(t, "rsa-bank", "/C=KZ/O=Bank/CN=rsa-bank", "rsa", ecKey, leafExtensions)
	o.certify(t, "mute-bank", "/C=KZ/O=Bank/CN=mute-bank", "mute", ecKey, leafExtensions)
	return o
}

// gencrl is what `openssl ca -gencrl` is to make.
type gencrl struct {
	signer, md, sigopt string
	number             string // decimal, or "none"
	this, next         time.Duration
	revoke             string // reason; the leaf is not on the list if empty
	leaf               string
	extensions         string // of the list, as in openssl's configuration
}

func (o *opensslCA) gencrl(t *testing.T, g gencrl) []byte {
	t.Helper()
	work := filepath.Join(o.dir, "ca")
	if err := os.RemoveAll(work); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	o.write(t, "ca/index.txt", "")
	number := ""
	if g.number != "none" {
		var n int
		if _, err := fmt.Sscan(g.number, &n); err != nil {
			t.Fatal(err)
		}
		o.write(t, "ca/number", fmt.Sprintf("%04X\n", n))
		number = "crlnumber = ca/number\n"
	}
	o.write(t, "ca/ca.cnf", "[ca]\ndefault_ca = it\n[it]\ndatabase = ca/index.txt\n"+number+"[x]\n"+g.extensions)
	base := []string{"ca", "-config", "ca/ca.cnf", "-cert", g.signer + ".pem", "-keyfile", g.signer + ".key", "-md", g.md}
	if g.revoke != "" {
		o.run(t, append(base, "-revoke", g.leaf+".pem", "-crl_reason", g.revoke)...)
	}
	const form = "20060102150405Z"
	gen := append(base, "-gencrl", "-out", "ca/list.pem",
		"-crl_lastupdate", o.now.Add(g.this).Format(form), "-crl_nextupdate", o.now.Add(g.next).Format(form))
	if strings.TrimSpace(g.extensions) != "" {
		gen = append(gen, "-crlexts", "x")
	}
	if g.sigopt != "" {
		gen = append(gen, "-sigopt", g.sigopt)
	}
	o.run(t, gen...)
	return o.der(t, "ca/list.pem")
}

// store opens a Store that trusts the root and has its list.
func (o *opensslCA) store(t *testing.T) *Store {
	t.Helper()
	root := o.gencrl(t, gencrl{signer: "root", md: "sha256", number: "1", this: -time.Hour, next: 30 * 24 * time.Hour})
	o.write(t, "root.crl", string(root))
	in := func(name string) string { return filepath.Join(o.dir, name) }
	s, err := Open(t.Context(), Config{
		Anchors:       []string{in("root.pem")},
		Intermediates: []string{in("middle.pem"), in("rsa.pem"), in("mute.pem")},
		CRLs:          []string{in("root.crl")},
		Now:           func() time.Time { return o.now },
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tamper damages a list as a vector says.
func tamper(how string, list []byte) []byte {
	list = bytes.Clone(list)
	switch how {
	case "signature":
		list[len(list)-1] ^= 1
	case "body":
		i := bytes.Index(list, []byte{tagUTCTime, 13})
		list[i+13] = '0' + (list[i+13]-'0'+1)%10 // last digit of the seconds
	case "half":
		list = list[:len(list)/2]
	case "trailing":
		list = append(list, 0)
	case "empty":
		list = nil
	}
	return list
}
