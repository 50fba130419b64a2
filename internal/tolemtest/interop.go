package tolemtest

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tolem/internal/pki"
)

// Called is what a script of wsdl/interop says that has called a participant's
// service as the gateway does.
type Called struct {
	OK    bool
	Error string
	Steps []map[string]any // answers, with the operation's name and whether the request's id was echoed
}

// Interop has such a script call a service with the gateway's keys. The toolkit is
// not ours: it knows of the contract what the service shows at its address.
func (p *PKI) Interop(script, address string, signing, channel *pki.Identity, args ...string) Called {
	p.t.Helper()
	python := RequirePython(p.t, "zeep", "xmlsec")
	pair := func(i *pki.Identity, name string) (cert, key string) {
		cert, key, err := i.WriteTo(p.Dir, name)
		if err != nil {
			p.t.Fatal(err)
		}
		return cert, key
	}
	cert, key := pair(signing, "interop-signing")
	tlsCert, tlsKey := pair(channel, "interop-channel")
	cmd := exec.Command(python, append([]string{
		filepath.Join("..", "..", "wsdl", "interop", script), "--address", address, "--ec", "--ca", CertificateFile(p.t, p.Root.Cert.Raw),
		"--tls-cert", tlsCert, "--tls-key", tlsKey, "--cert", cert, "--key", key,
	}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	var said Called
	if json.Unmarshal(out, &said) != nil {
		p.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return said
}

// CertificateFile writes a certificate as PEM into a file of the test.
func CertificateFile(t testing.TB, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
