package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem/config"
	"tolem/internal/tolemtest"
)

// withShop is an installation with a merchant that sells one service.
func withShop(t *testing.T) *shell {
	t.Helper()
	s := installed(t)
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "shop", "--usage", "signing", "--key", "rsa", "--out", s.path("shop"))
	s.must("provider", "add", "--config", s.config(), "--id", "PROV1", "--bin", "990240001237", "--name", "Print", "--account", "KZ75125KZT2069100100")
	s.must("service", "add", "--config", s.config(), "--code", "S1", "--provider", "PROV1", "--name", "Books")
	return s
}

func (s *shell) addShop(more ...string) []string {
	return append([]string{
		"merchant", "add", "--config", s.config(), "--id", "SHOP", "--bin", "990240001237", "--service", "S1",
	}, more...)
}

func (s *shell) redirect(more ...string) []string {
	return append([]string{
		"merchant", "sign-redirect", "--page", "https://pay.example.kz/pay", "--cert", s.path("shop", "shop.pem"), "--key", s.path("shop", "shop.key"),
		"--id", "SHOP", "--order", "A-1001", "--amount", "1200.00", "--return", "https://shop.kz/orders/A-1001",
	}, more...)
}

func TestMerchantCommands(t *testing.T) {
	s := withShop(t)
	whole := s.addShop("--name", "Book shop", "--cert", s.path("shop", "shop.pem"), "--return", "https://shop.kz/orders", "--results", "https://shop.kz/tolem")
	s.refused(exitUsage, "--name and --cert", s.addShop()...)
	s.refused(exitFailed, "no service", append(whole, "--service", "S2")...)
	s.refused(exitUsage, "--bin", append(whole, "--bin", "990240001238")...)
	s.refused(exitUsage, "each once", append(whole, "--service", "S1")...)
	s.refused(exitUsage, "--return", append(whole, "--return", "http://shop.kz/")...)
	s.refused(exitUsage, "--results", append(whole, "--results", "http://shop.kz/")...)
	s.refused(exitUsage, "post or soap", append(whole, "--method", "folder")...)
	s.refused(exitFailed, "no merchant", "merchant", "show", "--config", s.config(), "SHOP")

	added := decode[merchantView](t, s.must(append(whole, "--json")...))
	if added.Kind != "merchant" || added.State != "active" || added.BIN != "990240001237" || len(added.Certificates) != 1 ||
		strings.Join(added.Returns, " ") != "https://shop.kz/orders" || added.Results[0].Method != "post" || added.Results[0].Name != "results" {
		t.Errorf("added %+v", added)
	}
	s.must("service", "add", "--config", s.config(), "--code", "S2", "--provider", "PROV1", "--name", "Cards")
	s.must(s.addShop("--service", "S2", "--inactive")...)
	list := decode[[]merchantView](t, s.must("merchant", "list", "--config", s.config(), "--json"))
	if len(list) != 1 || strings.Join(list[0].Services, " ") != "S1 S2" || list[0].State != "inactive" || list[0].Name != "Book shop" {
		t.Errorf("list %+v", list)
	}
	for _, out := range []string{s.must("merchant", "list", "--config", s.config()), s.must("merchant", "show", "--config", s.config(), "SHOP")} {
		if !strings.Contains(out, "Book shop") || !strings.Contains(out, "https://shop.kz/tolem") {
			t.Errorf("shown:\n%s", out)
		}
	}
	s.addBank("BANK1")
	s.refused(exitFailed, "registered as a bank", s.addShop("--id", "BANK1")...)
	if out := s.must("merchant", "orders", "--config", s.config(), "--id", "SHOP", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("orders %s", out)
	}
	s.refused(exitFailed, "no order", "merchant", "orders", "--config", s.config(), "--id", "SHOP", "--order", "A-1")
	s.refused(exitFailed, "no merchant", "merchant", "orders", "--config", s.config(), "--id", "NOBODY")
}

// What the command signs is what the documentation says: openssl verifies it
// over the text, and makes a signature that the gateway accepts. ACQ-P05
func TestRedirectBySomebodyElsesProgram(t *testing.T) {
	openssl := tolemtest.RequireTool(t, "openssl")
	s := withShop(t)
	s.refused(exitUsage, "order", s.redirect("--order", "for Aigul")...)
	s.refused(exitUsage, "--amount", s.redirect("--amount", "1,200")...)
	s.refused(exitUsage, "--issued", s.redirect("--issued", "today")...)
	at := []string{"--issued", "2026-11-22T10:30:00Z", "--language", "ru"}
	text := s.must(s.redirect(append(at, "--text")...)...)
	lines := strings.Split(text, "\n")
	if lines[0] != "tolem-redirect-v1" || strings.Join(lines[1:9], "\n") != "merchant=SHOP\norder=A-1001\namount=1200.00\ncurrency=KZT\nservice=\n"+
		"return=https://shop.kz/orders/A-1001\nissued=2026-11-22T10:30:00Z\nlanguage=ru" || !strings.HasPrefix(lines[9], "key=") || lines[10] != "" {
		t.Errorf("signed text:\n%s", text)
	}
	address := strings.TrimSpace(s.must(s.redirect(at...)...))
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "https://pay.example.kz/pay/order?") {
		t.Fatal(address, err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(u.Query().Get("signature"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"text": []byte(text), "signature": signature} {
		if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	do := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(openssl, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if err := os.WriteFile(s.path("public.pem"), []byte(do("x509", "-in", s.path("shop", "shop.pem"), "-noout", "-pubkey")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := do("dgst", "-sha256", "-verify", s.path("public.pem"), "-signature", s.path("signature"), s.path("text")); !strings.Contains(out, "Verified OK") {
		t.Error(out)
	}
	do("dgst", "-sha256", "-sign", s.path("shop", "shop.key"), "-out", s.path("again"), s.path("text"))
	if again, err := os.ReadFile(s.path("again")); err != nil || string(again) != string(signature) {
		t.Errorf("openssl signs something else: %v", err)
	}
}

// What README.md shows runs, and makes the address that the gateway's own program
// makes. ACQ-P05
func TestRedirectInReadme(t *testing.T) {
	tolemtest.RequireTool(t, "openssl")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(readme), "```sh\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("README.md shows no script")
	}
	s := withShop(t)
	shell := exec.Command("sh", "-e", "-c", script)
	shell.Dir = s.path("shop")
	out, err := shell.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	u, err := url.Parse(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := url.Parse(strings.TrimSpace(s.must(s.redirect("--issued", u.Query().Get("issued"), "--language", "ru")...)))
	if err != nil || u.Query().Encode() != ours.Query().Encode() {
		t.Errorf("openssl makes\n%s\nwe make\n%s\n%v", u, ours, err)
	}
}

// A node takes a buyer whom the shop has sent, and refuses what the shop has not
// signed; the order is on the list. ACQ-003, ACQ-P05
func TestNodeTakesMerchantsBuyers(t *testing.T) {
	s := withShop(t)
	s.must(s.addShop("--name", "Book shop", "--cert", s.path("shop", "shop.pem"), "--return", "https://shop.kz/orders", "--results", "https://shop.kz/tolem")...)
	c, err := config.Load(s.config(), append(os.Environ(), "TOLEM_CHECKOUT_LISTEN=127.0.0.1:0", "TOLEM_CHECKOUT_PUBLIC_ADDRESS=https://127.0.0.1:8444",
		"TOLEM_SOAP_LISTEN=127.0.0.1:0", "TOLEM_OPS_LISTEN=127.0.0.1:0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := openNode(ctx, c, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.start(ctx); err != nil {
		t.Fatal(err)
	}
	page := "https://" + n.pageListener.Addr().String()
	browser := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // whose server it is, is not what is tested
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(query string) (int, string) {
		res, err := browser.Get(page + "/pay/order?" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	_, query, _ := strings.Cut(strings.TrimSpace(s.must(s.redirect()...)), "?")
	for _, step := range []struct {
		what, query string
		want        int
	}{
		{"altered", strings.Replace(query, "1200.00", "1.00", 1), http.StatusBadRequest},
		{"good", query, http.StatusSeeOther},
		{"used, from elsewhere", query, http.StatusGone},
		{"of nobody", strings.Replace(query, "merchant=SHOP", "merchant=NONE", 1), http.StatusNotFound},
	} {
		if status, body := visit(step.query); status != step.want {
			t.Errorf("%s: %d\n%s", step.what, status, body)
		}
	}
	time.Sleep(time.Second + 10*time.Millisecond) // redirects are told apart by their second
	_, query, _ = strings.Cut(strings.TrimSpace(s.must(s.redirect("--amount", "1300.00")...)), "?")
	if status, _ := visit(query); status != http.StatusConflict {
		t.Errorf("another amount: %d", status)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	orders := decode[[]orderView](t, s.must("merchant", "orders", "--config", s.config(), "--id", "SHOP", "--json"))
	if len(orders) != 1 || orders[0].OrderNo != "A-1001" || orders[0].State != "OPEN" || orders[0].Amount != "1200.00 KZT" {
		t.Errorf("orders %+v", orders)
	}
	if out := s.must("merchant", "orders", "--config", s.config(), "--id", "SHOP", "--order", "A-1001"); !strings.Contains(out, orders[0].Code) {
		t.Errorf("order:\n%s", out)
	}
	s.must("verify", "archive", "--config", s.config())
}
