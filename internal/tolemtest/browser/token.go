package browser

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tolem/internal/tolemtest"
)

// choose has Chromium present the only certificate it has wherever one is asked
// for, as the policy of a bank's computers does.
const choose = `{"AutoSelectCertificateForUrls": ["{\"pattern\": \"*\", \"filter\": {}}"]}`

// launch starts Chromium with a policy of its own, the file POLICY. Policies are read from one folder of the system, which only
// this process sees changed.
const launch = `#!/bin/sh
exec unshare --mount sh -c 'mount -t tmpfs tmpfs /etc/chromium && install -D "$0" /etc/chromium/policies/managed/tests.json && exec chromium "$@"' POLICY "$@"
`

// StartWith is Start for somebody with an e-token: the certificate lies where a
// token's driver would put it, and is presented to every server that asks. It
// needs to be root, like the installation of the tests' programs.
func StartWith(t testing.TB, token tls.Certificate) context.Context {
	t.Helper()
	for _, tool := range []string{"chromium", "unshare", "openssl", "certutil", "pk12util"} {
		tolemtest.RequireTool(t, tool)
	}
	home := tolemtest.Folder(t)
	file := func(name string) string { return filepath.Join(home, name) }
	write := func(name, content string, mode os.FileMode) string {
		if err := os.WriteFile(file(name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return file(name)
	}
	run := func(name string, args ...string) {
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	key, err := x509.MarshalPKCS8PrivateKey(token.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var chain []byte
	for _, der := range token.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	const password = "token"
	run("openssl", "pkcs12", "-export", "-name", "token", "-passout", "pass:"+password, "-out", file("token.p12"),
		"-in", write("chain.pem", string(chain), 0o600),
		"-inkey", write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), 0o600))
	database := file(".pki/nssdb")
	if err := os.MkdirAll(database, 0o700); err != nil {
		t.Fatal(err)
	}
	run("certutil", "-N", "-d", "sql:"+database, "--empty-password")
	run("pk12util", "-i", file("token.p12"), "-d", "sql:"+database, "-W", password)
	launcher := write("chromium", strings.Replace(launch, "POLICY", write("policy.json", choose, 0o644), 1), 0o700)
	return start(t, chromedp.ExecPath(launcher), chromedp.Env("HOME="+home))
}
