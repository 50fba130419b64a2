package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// body makes another page of an answer.
func body(text string) func(*http.Response) error {
	return func(r *http.Response) error {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.Header.Set("Content-Length", strconv.Itoa(len(text)))
		return nil
	}
}

// pageServed is the page of a node that is joined as the operator's is.
func pageServed(t *testing.T) (context.Context, *demoWorld, *httptest.Server) {
	t.Helper()
	ctx, w := stage(t)
	w.node.config.Checkout.Sandbox = false
	shell, err := w.node.newShell()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(shell)
	t.Cleanup(server.Close)
	return ctx, w, server
}

// Every route of the page as it is joined here, those that do not exist included,
// answers with the headers that keep it safe and names no other host.
//
// GW-032, ACQ-007, ACQ-011
func TestHeadersOnEveryRouteOfTheNode(t *testing.T) {
	ctx, w := stage(t)
	w.node.config.Checkout.Sandbox = false // as it is for everybody else
	shell, err := w.node.newShell()
	if err != nil {
		t.Fatal(err)
	}
	routes := append(shell.Routes(), "GET /nowhere", "PUT /pay", "DELETE /static/x", "POST /nowhere", "GET /")
	if len(routes) < 12 {
		t.Errorf("only %d routes: %v", len(routes), routes)
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{token}", strings.Repeat("A", 40), "{name}", "page.css", "{$}", "").Replace(path)
		for _, site := range []string{"same-origin", "cross-site"} {
			r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader("x=1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", site)
			a := httptest.NewRecorder()
			shell.ServeHTTP(a, r)
			h := a.Header()
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "max-age=63072000", "X-Content-Type-Options": "nosniff",
				"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=()",
			} {
				if !strings.HasPrefix(h.Get(name), want) {
					t.Errorf("%s (%s): %s is %q", route, site, name, h.Get(name))
				}
			}
			scripted := slices.Contains(shell.Scripted(), route)
			if strings.Contains(h.Get("Content-Security-Policy"), "script-src") != scripted || h.Get("Access-Control-Allow-Origin") != "" || h.Get("X-Request-Id") == "" {
				t.Errorf("%s (%s): %v", route, site, h)
			}
			if !strings.HasPrefix(path, "/static/") && h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s (%s) may be cached: %s", route, site, h.Get("Cache-Control"))
			}
			if method == http.MethodPost && site == "cross-site" && a.Code != http.StatusForbidden && a.Code != http.StatusNotFound {
				t.Errorf("%s from another site: %d", route, a.Code)
			}
			if a.Code >= http.StatusInternalServerError {
				t.Errorf("%s (%s): %d", route, site, a.Code)
			}
			if where := h.Get("Location"); where != "" && !strings.HasPrefix(where, "/") {
				t.Errorf("%s leads to %s", route, where)
			}
		}
	}
}

// The check finds what somebody between browser and gateway has changed, and
// nothing when nobody has (PCI DSS 11.6.1).
//
// GW-P31, ACQ-012
func TestPageCheck(t *testing.T) {
	_, w, server := pageServed(t)
	config := w.dir + "/tolem.yaml"
	t.Setenv("TOLEM_CHECKOUT_SANDBOX", strconv.FormatBool(w.node.config.Checkout.Sandbox)) // as the node has it
	t.Setenv("TOLEM_CHECKOUT_SUPPORT", w.node.config.Checkout.Support)
	s := newShell(t)
	if out := s.must("page", "check", "--config", config, "--address", server.URL+"/pay"); !strings.Contains(out, "is what this program serves") {
		t.Errorf("untouched: %s", out)
	}
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, finds string
		change      func(*http.Response) error
	}{
		{"a weaker policy", "Content-Security-Policy is", func(r *http.Response) error {
			r.Header.Set("Content-Security-Policy", "default-src *")
			return nil
		}},
		{"no policy", "Content-Security-Policy is", func(r *http.Response) error { r.Header.Del("Content-Security-Policy"); return nil }},
		{"a second policy", "Content-Security-Policy is", func(r *http.Response) error {
			r.Header.Add("Content-Security-Policy", "default-src *")
			return nil
		}},
		{"frames", "X-Frame-Options is", func(r *http.Response) error { r.Header.Del("X-Frame-Options"); return nil }},
		{"a cookie", "Set-Cookie was added", func(r *http.Response) error { r.Header.Set("Set-Cookie", "a=b"); return nil }},
		{"a page of its own", "there is a script", body("<html><SCRIPT src=x></script>")},
		{"other style", "content differs", body("x")},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ModifyResponse: c.change})
			defer proxy.Close()
			code, out, said := s.run("page", "check", "--config", config, "--address", proxy.URL)
			if code != exitFailed || !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool { return strings.Contains(line, c.finds) }) {
				t.Errorf("%d: %s%s", code, out, said)
			}
		})
	}
	if code, _, _ := s.run("page", "check", "--config", config, "--address", "pay.kz"); code != exitUsage {
		t.Errorf("no address: %d", code)
	}
}
