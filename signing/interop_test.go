package signing

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/internal/bench/naive"
)

// systemPython has the system's libraries; another python on the path may not.
const systemPython = "/usr/bin/python3"

// needTool skips the test if a program is missing, except in CI.
func needTool(t *testing.T, name string, args ...string) {
	t.Helper()
	if err := exec.Command(name, args...).Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s %s is required in CI: %v", name, strings.Join(args, " "), err)
		}
		t.Skipf("NOT TESTED AGAINST %s: %v", name, err)
	}
}

// files writes an identity as PEM and returns the paths.
func (id *identity) files(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw}))
	writeFile(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return cert, key
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// xmlsec1 runs xmlsec1 on a message and returns what it writes.
func xmlsec1(t *testing.T, message []byte, args ...string) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "message.xml")
	writeFile(t, file, message)
	for _, name := range []string{soap11URI + ":Body", soap12URI + ":Body", wsuURI + ":Timestamp", wsseURI + ":BinarySecurityToken"} {
		args = append(args, "--id-attr:Id", name)
	}
	var out, diagnostics bytes.Buffer
	cmd := exec.Command("xmlsec1", append(args, file)...)
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("xmlsec1: %w\n%s", err, diagnostics.Bytes())
	}
	return out.Bytes(), nil
}

// signedSamples are an answer and faults in both versions of SOAP.
func signedSamples(t *testing.T, id *identity) map[string][]byte {
	t.Helper()
	s := testSigner(t, id)
	detail := []byte(`<g:GatewayFault xmlns:g="urn:tolem:gateway:v1"><g:code>BAD_SIGNATURE</g:code></g:GatewayFault>`)
	samples := map[string][]byte{}
	for _, v := range []Version{SOAP11, SOAP12} {
		for name, payload := range map[string][]byte{
			"answer":          []byte(paymentPayload),
			"security fault":  AppendFault(nil, v, Fault{"wsse:InvalidSecurity", "refused: <a> & b", detail}),
			"expired fault":   AppendFault(nil, v, Fault{"wsu:MessageExpired", "too old", nil}),
			"server fault":    AppendFault(nil, v, Fault{"soap:Server", "later", detail}),
			"declaring soap":  []byte(`<soap:x xmlns:soap="` + v.uri() + `"><wsu:y xmlns:wsu="` + wsuURI + `"></wsu:y></soap:x>`),
			"no namespace":    []byte(`<x><y xmlns="urn:y" a="1"></y></x>`),
			"text like xmlns": []byte(`<x>xmlns:soap="" xmlns:wsu=""</x>`),
		} {
			raw, err := s.Sign(v, payload, testTime)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			samples[v.String()+" "+name] = raw
		}
	}
	return samples
}

// GW-038: what we sign is verified by programs that share no code with us:
// xmlsec1, zeep, and goxmldsig's canonicalizer.
func TestOthersVerifyWhatWeSign(t *testing.T) {
	needTool(t, "xmlsec1", "--version")
	needTool(t, systemPython, "-c", "import zeep.wsse, xmlsec")
	for _, kind := range []string{"rsa", "p256", "p384", "p521"} {
		id := testIdentity(t, kind)
		cert, _ := id.files(t)
		certPEM, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(id.cert)
		ours := NewVerifier(rosterOf(id), nil)
		var names []string
		var tasks []zeepTask
		for name, raw := range signedSamples(t, id) {
			if _, err := xmlsec1(t, raw, "--verify", "--pubkey-cert-pem", cert); err != nil {
				t.Errorf("%s, %s: %v\n%s", kind, name, err, raw)
			}
			if _, err := ours.Verify(raw, testTime); err != nil {
				t.Errorf("%s, %s: we: %v", kind, name, err)
			}
			if _, _, err := naive.Verify(raw, naive.Chains{Roots: roots}, testTime); err != nil && (kind == "rsa" || kind == "p256") {
				t.Errorf("%s, %s: goxmldsig: %v", kind, name, err)
			}
			names = append(names, name)
			tasks = append(tasks, zeepTask{Do: "verify", Cert: string(certPEM), Envelope: string(raw)})
		}
		for i, result := range zeep(t, tasks) {
			if result != "ok" {
				t.Errorf("%s, %s: zeep: %s", kind, names[i], result)
			}
		}
		changed := bytes.Replace(signedSamples(t, id)["SOAP 1.1 answer"], []byte("1200.00"), []byte("1200.01"), 1)
		if _, err := xmlsec1(t, changed, "--verify", "--pubkey-cert-pem", cert); err == nil {
			t.Error("xmlsec1 verifies a changed message: this test proves nothing")
		}
	}
}

// GW-037: we verify what xmlsec1 signs, in the forms of the profile.
func TestWeVerifyWhatXmlsec1Signs(t *testing.T) {
	needTool(t, "xmlsec1", "--version")
	prefixes := `<ec:InclusiveNamespaces xmlns:ec="` + excC14NURI + `" PrefixList="soap #default t"/>`
	forms := map[string]func(string) string{
		"plain":   func(s string) string { return s },
		"SOAP 12": func(s string) string { return strings.ReplaceAll(s, soap11URI, soap12URI) },
		"prefix lists": func(s string) string {
			s = strings.ReplaceAll(s, excC14NURI+`"/></ds:Transforms>`, excC14NURI+`">`+prefixes+`</ds:Transform></ds:Transforms>`)
			return strings.Replace(s, `<ds:CanonicalizationMethod Algorithm="`+excC14NURI+`"/>`,
				`<ds:CanonicalizationMethod Algorithm="`+excC14NURI+`">`+prefixes+`</ds:CanonicalizationMethod>`, 1)
		},
		"sha512": func(s string) string { return strings.ReplaceAll(s, sha256URI, sha512URI) },
		"odd payload": func(s string) string {
			return strings.Replace(s, "<t:amount>", "<x xmlns='' xmlns:q='urn:q&#x31;' q:b=\"&#9;'&quot;\" a='\t\r\n'><![CDATA[<&]]>\r\n&#13;<t:y xmlns:t='urn:q1'/></x><t:amount>", 1)
		},
	}
	for _, kind := range []string{"rsa", "p256", "p384", "p521"} {
		id := testIdentity(t, kind)
		_, key := id.files(t)
		v := NewVerifier(rosterOf(id), nil)
		for name, form := range forms {
			signed, err := xmlsec1(t, []byte(form(baseMessage(t, id))), "--sign", "--privkey-pem", key)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, name, err)
			}
			got, err := v.Verify(signed, testTime)
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", kind, name, err, signed)
				continue
			}
			checkAccepted(t, signed, got)
		}
	}
}

// zeepTask is a task for testdata/zeep_wsse.py.
type zeepTask struct {
	Do       string `json:"do"`
	Form     string `json:"form"`
	Method   string `json:"method"`
	Digest   string `json:"digest"`
	Key      string `json:"key"`
	Cert     string `json:"cert"`
	Envelope string `json:"envelope"`
}

func zeep(t *testing.T, tasks []zeepTask) (results []string) {
	t.Helper()
	in, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(systemPython, filepath.Join("testdata", "zeep_wsse.py"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("zeep: %v", err)
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(tasks) {
		t.Fatalf("zeep: %v\n%s", err, out)
	}
	return results
}

// GW-036: we verify what zeep signs, in both of its forms.
func TestWeVerifyWhatZeepSigns(t *testing.T) {
	needTool(t, systemPython, "-c", "import zeep.wsse, xmlsec")
	for _, c := range []struct{ kind, method string }{{"rsa", "RSA_SHA256"}, {"p256", "ECDSA_SHA256"}} {
		id := testIdentity(t, c.kind)
		cert, key := id.files(t)
		v := NewVerifier(rosterOf(id), nil)
		var tasks []zeepTask
		for _, uri := range []string{soap11URI, soap12URI} {
			for _, form := range []string{"binary", "x509data"} {
				envelope := `<soap-env:Envelope xmlns:soap-env="` + uri + `"><soap-env:Header><wsse:Security xmlns:wsse="` + wsseURI + `">` +
					`<wsu:Timestamp xmlns:wsu="` + wsuURI + `"><wsu:Created>2026-03-14T09:26:53.589000+00:00</wsu:Created>` +
					`<wsu:Expires>2026-03-14T09:31:53.589000+00:00</wsu:Expires></wsu:Timestamp></wsse:Security></soap-env:Header>` +
					`<soap-env:Body>` + paymentPayload + `</soap-env:Body></soap-env:Envelope>`
				tasks = append(tasks, zeepTask{"sign", form, c.method, "SHA256", key, cert, envelope})
			}
		}
		for i, signed := range zeep(t, tasks) {
			got, err := v.Verify([]byte(signed), testTime)
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", c.method, tasks[i].Form, err, signed)
				continue
			}
			checkAccepted(t, []byte(signed), got)
		}
	}
}
