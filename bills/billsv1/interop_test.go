package billsv1_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/wsdl"
)

// What the gateway asks, and what is answered, is in the form of the published
// schema.
//
// WP-033
func TestMessagesFitTheSchema(t *testing.T) {
	tolemtest.RequireTool(t, "xmllint")
	w := newWorld(t)
	c := w.connector()
	_, found := c.Account(t.Context(), owes)
	if _, unknown := c.Account(t.Context(), "NONE"); found != nil || unknown == nil {
		t.Fatal(found, unknown)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	schema := file("provider-v1.xsd", wsdl.ProviderSchema())
	for _, entry := range w.kept() {
		for _, r := range entry {
			payload, _, err := signing.Payload(r.Raw)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("xmllint", "--noout", "--schema", schema, file("message.xml", payload)).CombinedOutput(); err != nil {
				t.Errorf("%s\n%s", out, payload)
			}
		}
	}
}

// A toolkit that is not ours asks from the published contract alone, and believes
// the organisation's signature and no other.
func TestZeepAsks(t *testing.T) {
	w := newWorld(t)
	address := w.server.URL + "/provider/v1"
	ask := []string{"--provider", string(water), "--account", string(owes), "--account", "NONE"}
	said := w.pki.Interop("zeep_provider.py", address, w.gateway, w.channel, append(ask, "--provider-cert", tolemtest.CertificateFile(t, w.water.Cert.Raw))...)
	if !said.OK || len(said.Steps) != 2 {
		t.Fatalf("zeep: %+v", said)
	}
	if s := said.Steps[1]; s["resultCode"] != "UNKNOWN_ACCOUNT" || s["account"] != nil {
		t.Errorf("an unknown account: %v", s)
	}
	s := said.Steps[0]
	account, _ := s["account"].(map[string]any)
	bills, _ := account["bill"].([]any)
	if s["resultCode"] != "OK" || s["echoed"] != true || s["currency"] != "AZN" || account["holder"] != snapshot().Particulars.Holder || len(bills) != 2 {
		t.Errorf("zeep read %v", s)
	} else if b, _ := bills[0].(map[string]any); b["amount"] != "12.50" || b["period"] != "2026-10" {
		t.Errorf("zeep read the bill %v", b)
	}
	said = w.pki.Interop("zeep_provider.py", address, w.gateway, w.channel, append(ask, "--provider-cert", tolemtest.CertificateFile(t, w.stranger.Cert.Raw))...)
	if said.OK || !strings.Contains(said.Error, "not signed by") {
		t.Errorf("zeep believes another's signature: %+v", said)
	}
}
