package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem/config"
	"tolem/web"
	"tolem/web/checkout"
)

func pageCommand(io streams) *cobra.Command {
	return group("page", "The payment page", pageCheckCommand(io))
}

// Limits of a check.
const (
	checkTimeout = 30 * time.Second // of one request
	maxChecked   = 4 << 20          // bytes of one answer
)

func pageCheckCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Compare the payment page as browsers get it with what this program serves", Args: noArgs,
		Long: `Fetches the payment page and everything it loads from where payers' browsers do, and
compares headers and content, byte for byte, with what this program would answer:
whoever stands in between, a proxy or somebody who broke into one, has changed
nothing and added no script (PCI DSS 11.6.1). Run it at least once a week, from
outside the operator's network; it ends with 1 if something differs.`,
		Example: `  tolem page check
  tolem page check --address https://pay.example.kz`,
	}
	address := c.Flags().String("address", "", "`URL` of the page; by default checkout.public_address")
	ca := c.Flags().String("ca", "", "PEM `file` with roots to trust, in place of the system's")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if *address == "" {
			*address = cfg.Checkout.PublicAddress
		}
		u, err := url.Parse(*address)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("%w: --address: %q is no address of a page", errUsage, *address)
		}
		client, err := checkClient(*ca)
		if err != nil {
			return err
		}
		differences, err := checkPage(c.Context(), client, u.Scheme+"://"+u.Host, cfg)
		if err != nil {
			return err
		}
		for _, d := range differences {
			fmt.Fprintln(io.out, d)
		}
		if len(differences) > 0 {
			return errCheck
		}
		_, err = fmt.Fprintf(io.out, "%s is what this program serves\n", u.Host)
		return err
	}
	return c
}

// checkClient follows no redirection and takes answers as they come.
func checkClient(ca string) (*http.Client, error) {
	t := &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%w: --ca: no certificate in %s", errUsage, ca)
		}
	}
	return &http.Client{
		Transport: t, Timeout: checkTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// shellConfig is how the payment page is served.
func shellConfig(c config.Checkout, zone *time.Location) web.Config {
	limits := web.DefaultLimits
	limits.PerSecond, limits.Burst = float64(c.RatePerSecond), c.Burst
	return web.Config{
		Languages: []web.Language{web.Kazakh, web.Russian, web.English}, Location: zone, Clock: time.Now, Limits: limits,
		Timeout: pageTimeout, Sandbox: c.Sandbox, Support: c.Support,
	}
}

// nobody has no payment and no session: the page that is compared needs none.
type nobody struct {
	checkout.Payments
	web.SessionStore
}

// loaded finds what a page has browsers load.
var loaded = regexp.MustCompile(`(?:href|src)="(/[^"]*\.(?:css|svg|png|ico|woff2))"`)

// checkPage returns how what the address answers differs from what this program
// answers.
func checkPage(ctx context.Context, client *http.Client, address string, c *config.Config) (differences []string, err error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, err
	}
	shell, err := web.New(shellConfig(c.Checkout, zone))
	if err != nil {
		return nil, err
	}
	err = checkout.Mount(shell, checkout.Config{
		Payments: nobody{}, Refresh: checkout.DefaultRefresh, Sessions: web.Sessions{Store: nobody{}, Cookie: "__Host-pay", Idle: pageIdle, Absolute: pageAbsolute},
	})
	if err != nil {
		return nil, err
	}
	paths := []string{pagePath, "/"}
	for i := 0; i < len(paths); i++ {
		want := httptest.NewRecorder()
		shell.ServeHTTP(want, httptest.NewRequest(http.MethodGet, paths[i], nil))
		got, body, err := fetch(ctx, client, address+paths[i])
		if err != nil {
			return nil, err
		}
		for _, d := range differ(got, body, want) {
			differences = append(differences, paths[i]+": "+d)
		}
		for _, m := range loaded.FindAllSubmatch(want.Body.Bytes(), -1) {
			if path := string(m[1]); !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return differences, nil
}

func fetch(ctx context.Context, client *http.Client, address string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxChecked))
	return answer, body, errors.Join(err, answer.Body.Close())
}

// Headers that differ from answer to answer, or that only describe a connection.
var passing = []string{"X-Request-Id", "Date", "Content-Length", "Connection", "Keep-Alive", "Vary", "Etag", "Alt-Svc"}

// differ compares an answer with what it should be. Further headers are a
// proxy's affair, unless they weaken what browsers allow.
func differ(got *http.Response, body []byte, want *httptest.ResponseRecorder) (list []string) {
	if got.StatusCode != want.Code {
		list = append(list, fmt.Sprintf("status %d, not %d", got.StatusCode, want.Code))
	}
	for name, values := range want.Header() {
		if !slices.Contains(passing, name) && !slices.Equal(got.Header.Values(name), values) {
			list = append(list, fmt.Sprintf("%s is %q, not %q", name, got.Header.Values(name), values))
		}
	}
	for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Content-Security-Policy-Report-Only", "Link", "Refresh", "Server-Timing"} {
		if got.Header.Values(name) != nil && want.Header().Values(name) == nil {
			list = append(list, fmt.Sprintf("%s was added: %.100q", name, got.Header.Values(name)))
		}
	}
	if bytes.Contains(bytes.ToLower(body), []byte("<script")) {
		list = append(list, "there is a script")
	}
	own := strings.ReplaceAll(string(body), got.Header.Get("X-Request-Id"), "")
	if expected := strings.ReplaceAll(want.Body.String(), want.Header().Get("X-Request-Id"), ""); own != expected {
		list = append(list, fmt.Sprintf("content differs: %d bytes, not %d", len(own), len(expected)))
	}
	slices.Sort(list)
	return list
}
