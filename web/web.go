// Package web is the shell that all pages share: it takes a request in, guards
// it, hands it to a module's handler, and answers with a page, in the payer's
// language, with the same headers everywhere. Handlers return errors; one table
// turns them into pages.
//
// It knows no payment and no person. Modules (web/checkout and its look-alikes)
// bring their templates, texts and routes and are joined by cmd.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// Event is what happened to one request, for metrics. It holds nothing that
// was typed and no address.
type Event struct {
	Route  string // the pattern, empty if there was none
	Status int
	Took   time.Duration
}

// Config joins a Shell.
type Config struct {
	Languages []Language     // offered in this order; the first is the default
	Unasked   bool           // the default holds whatever browsers ask for, until a reader chooses
	Location  *time.Location // in which people read the clock
	Clock     func() time.Time
	Limits    Limits
	Timeout   time.Duration // of one request

	// Client tells whose request this is, for the limits. Nil: the other end
	// of the connection. Behind a proxy it is the proxy's word.
	Client func(*http.Request) string

	Sandbox bool   // every page says that no real money moves
	Support string // how people reach the operator: a telephone number or an address, as shown

	Log     zerolog.Logger
	Observe func(Event)
}

// Shell serves the pages of its modules. It is safe for concurrent use once
// every module is mounted.
type Shell struct {
	Config
	mux      *http.ServeMux
	routes   []string
	scripted []string
	limits   *limiter
	assets   *assets
	origin   *http.CrossOriginProtection
	own      *Mounted // the shell's own pages
}

// New returns a shell with its static files and the language switch.
func New(c Config) (*Shell, error) {
	if len(c.Languages) == 0 {
		return nil, errors.New("web: no language is offered")
	}
	if c.Client == nil {
		c.Client = remoteHost
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	s := &Shell{Config: c, mux: http.NewServeMux(), limits: newLimiter(c.Limits), origin: http.NewCrossOriginProtection()}
	var err error
	if s.assets, err = loadAssets(files, "static"); err != nil {
		return nil, err
	}
	if s.own, err = s.mount(Module{Home: "/"}); err != nil {
		return nil, err
	}
	s.own.Handle("GET "+staticPath+"{name}", s.assets.serve)
	s.own.Handle("POST "+languagePath, switchLanguage)
	s.own.Handle("POST "+reportPath, takeReport)
	return s, nil
}

// Module is what a module brings.
type Module struct {
	Files    fs.FS     // templates/*.html and i18n/*.json
	Home     string    // where its error pages lead
	HomeText string    // key of the text of that link
	Look     string    // class of the body of its pages; empty: the look of all
	Problems []Problem // its errors and their pages, asked before the shell's
}

// Mounted is a module that is part of a shell.
type Mounted struct {
	Module
	shell  *Shell
	texts  Catalogue
	pages  pages
	assets *assets
}

// Mount adds a module. It refuses one whose texts are not complete.
func (s *Shell) Mount(m Module) (*Mounted, error) {
	if m.Files == nil {
		return nil, errors.New("web: a module brings files")
	}
	return s.mount(m)
}

func (s *Shell) mount(m Module) (*Mounted, error) {
	texts, err := LoadCatalogue(files, m.Files)
	if err != nil {
		return nil, err
	}
	pages, err := loadPages(m.Files)
	if err != nil {
		return nil, err
	}
	return &Mounted{Module: m, shell: s, texts: texts, pages: pages, assets: s.assets}, nil
}

// Handler answers a request, or says why it cannot.
type Handler func(*Exchange) error

// Handle adds a route, like "GET /pay".
func (m *Mounted) Handle(pattern string, h Handler) {
	m.shell.routes = append(m.shell.routes, pattern)
	m.shell.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x := w.(*Exchange) // the shell gives the mux nothing else
		x.Request, x.module, x.err = r, m, nil
		x.err = h(x)
	})
}

// HandleScripted adds a route on whose page a static file of ours runs as
// script. No page on which a card is entered is one, and none needs its script:
// it works without.
func (m *Mounted) HandleScripted(pattern string, h Handler) {
	m.HandleWith(pattern, Leave{Script: true}, h)
}

// HandleWith adds a route whose pages have leave.
func (m *Mounted) HandleWith(pattern string, l Leave, h Handler) {
	if l.Script {
		m.shell.scripted = append(m.shell.scripted, pattern)
	}
	m.Handle(pattern, func(x *Exchange) error {
		l.grant(x.Header())
		x.scripted = l.Script
		return h(x)
	})
}

// Scripted returns the patterns on whose pages script of ours runs.
func (s *Shell) Scripted() []string { return slices.Clone(s.scripted) }

// Routes returns every pattern that is served.
func (s *Shell) Routes() []string { return slices.Clone(s.routes) }

// ServeHTTP implements http.Handler.
func (s *Shell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
	defer cancel()
	x := &Exchange{ID: newRequestID(), Request: r.WithContext(ctx), shell: s, module: s.own, writer: w, began: s.Clock()}
	x.Language = s.language(r)
	guard(x.Header(), s.Sandbox)
	x.Header().Set("X-Request-Id", x.ID)
	err := s.serve(x)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		err = fmt.Errorf("%w: %w", errLeft, err)
	}
	if err != nil {
		x.fail(err)
	}
	s.note(x, err)
}

// newRequestID returns an id that can be read out on the telephone: 60 bits.
func newRequestID() string {
	t := rand.Text()
	return t[:4] + "-" + t[4:8] + "-" + t[8:12]
}

// errPanic is a mistake of ours.
var errPanic = errors.New("panic")

// serve is the path of a request, one guard a line.
func (s *Shell) serve(x *Exchange) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	if !s.limits.admit(s.Client(x.Request), x.began) {
		return ErrTooMany
	}
	if err := s.origin.Check(x.Request); err != nil {
		return ErrForeign
	}
	if !readable(x.Request.URL) {
		return ErrNotFound
	}
	if err := s.exists(x); err != nil {
		return err
	}
	if !x.drained() {
		x.Request.Body = http.MaxBytesReader(x, x.Request.Body, s.Limits.BodyBytes)
	}
	s.mux.ServeHTTP(x, x.Request)
	return x.err
}

// readable reports whether path and query are text, as what is typed into a form
// must be: not every database takes anything else.
func readable(u *url.URL) bool {
	text := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
	if !text(u.Path) {
		return false
	}
	for name, values := range u.Query() {
		if !text(name) || slices.ContainsFunc(values, func(v string) bool { return !text(v) }) {
			return false
		}
	}
	return true
}

// panicked tells where it happened and of what kind it is. The value itself is
// not printed, unless the runtime made it: it might hold what a payer typed.
func panicked(p any) error {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	if e, ok := p.(runtime.Error); ok {
		return fmt.Errorf("%w: %v\n%s", errPanic, e, debug.Stack())
	}
	return fmt.Errorf("%w of %T\n%s", errPanic, p, debug.Stack())
}

// exists asks the mux whether there is a route, so that our page tells it when
// there is none.
func (s *Shell) exists(x *Exchange) error {
	h, pattern := s.mux.Handler(x.Request)
	if pattern != "" {
		return nil
	}
	p := probe{header: make(http.Header)}
	h.ServeHTTP(&p, x.Request)
	if p.status == http.StatusMethodNotAllowed {
		x.Header().Set("Allow", p.header.Get("Allow"))
		return ErrMethod
	}
	return ErrNotFound
}

// probe takes the mux's own answer, of which only the status is wanted.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// note writes the one line in the log that every request has. It names the
// route and never the path, which may hold a token.
func (s *Shell) note(x *Exchange, err error) {
	took := s.Clock().Sub(x.began)
	line := s.Log.Info()
	switch {
	case x.status >= http.StatusInternalServerError:
		line = s.Log.Error().Err(err)
	case err != nil:
		line = line.Err(err)
	}
	line.Str("incident", x.ID).Str("route", x.Request.Pattern).Str("method", method(x.Request)).Int("status", x.status).
		Int64("bytes", x.written).Str("language", string(x.Language)).Dur("took", took).Msg("page")
	s.Observe(Event{Route: x.Request.Pattern, Status: x.status, Took: took})
}

// method returns the method if it is one: whatever else was sent stays out of
// the log.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
