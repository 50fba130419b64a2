package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"tolem"
)

// pages are templates by name; each holds the layout.
type pages map[string]*template.Template

// loadPages reads the shell's templates and then the module's. A file whose
// name begins with _ is part of every page; what a module defines in one takes
// the place of what the shell defines by that name.
func loadPages(module fs.FS) (pages, error) {
	shared, err := template.ParseFS(files, "templates/_*.html")
	if err != nil {
		return nil, err
	}
	if parts, _ := globOf(module, "templates/_*.html"); len(parts) > 0 {
		if shared, err = shared.ParseFS(module, parts...); err != nil {
			return nil, err
		}
	}
	loaded := make(pages)
	for _, from := range []fs.FS{files, module} {
		names, err := globOf(from, "templates/[a-z]*.html")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			page, err := template.Must(shared.Clone()).ParseFS(from, name)
			if err != nil {
				return nil, err
			}
			loaded[strings.TrimSuffix(path.Base(name), ".html")] = page
		}
	}
	return loaded, nil
}

// globOf is fs.Glob where there may be no files.
func globOf(from fs.FS, pattern string) ([]string, error) {
	if from == nil {
		return nil, nil
	}
	return fs.Glob(from, pattern)
}

// Page is what a template sees.
type Page struct {
	ID       string
	Language Language
	Offered  []Language
	Back     string // where the language switch leads back to
	Home     string
	HomeText string
	Look     string
	Scripted bool // a static file of ours may run
	Nav      any
	Sandbox  bool
	Support  string
	Data     any

	// Form and Action are set on a page whose form is to survive a change of
	// the language: the switch then sends that form to that address.
	Form, Action string

	module *Mounted
}

// Switcher is page data with a form that a change of the language must keep.
type Switcher interface{ LanguageForm() (id, action string) }

// Render answers with a page. Nothing is sent before the page is whole.
func (x *Exchange) Render(status int, name string, data any) error {
	t, ok := x.module.pages[name]
	if !ok {
		return fmt.Errorf("no page %q", name)
	}
	p := x.Page(data)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", p); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	x.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.Header().Set("Content-Language", string(x.Language))
	x.WriteHeader(status)
	if x.Request.Method == http.MethodHead {
		return nil
	}
	_, err := x.Write(b.Bytes())
	return err
}

// Page returns what a template would see. What is no page, such as a file that
// is saved, takes its texts from it.
func (x *Exchange) Page(data any) *Page {
	p := &Page{
		ID: x.ID, Language: x.Language, Offered: x.shell.Languages, Home: x.module.Home, HomeText: x.module.HomeText,
		Look: x.module.Look, Scripted: x.scripted, Nav: x.Nav,
		Sandbox: x.shell.Sandbox, Support: x.shell.Support, Data: data, module: x.module,
		Back: x.module.Home,
	}
	if path := x.Request.URL.Path; x.Request.Method == http.MethodGet && x.Request.Pattern != "" && LocalPath(path) {
		p.Back = path
	}
	if LocalPath(x.Back) {
		p.Back = x.Back
	}
	if s, ok := data.(Switcher); ok {
		p.Form, p.Action = s.LanguageForm()
	}
	return p
}

// T returns a text of the catalogue.
func (p *Page) T(key string, pairs ...any) (string, error) {
	return p.module.texts.Text(p.Language, key, pairs...)
}

// Part is what a template that is part of pages sees: the page, and what it is
// called with.
type Part struct {
	*Page
	With map[string]any
}

// With calls a part with pairs of name and value. Names that are not given are
// there, and empty.
func (p *Page) With(pairs ...any) Part {
	with := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		with[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return Part{Page: p, With: with}
}

// Say is T with the pairs in one list.
func (p *Page) Say(key string, pairs []any) (string, error) { return p.T(key, pairs...) }

// Asset returns where a static file is served.
func (p *Page) Asset(name string) (string, error) { return p.module.assets.path(name) }

// Name returns a name in the language of the page.
func (p *Page) Name(n tolem.Names) string { return n.In(string(p.Language)) }

// Money returns the amount as people write it here: 1 200,00 ₸.
func (p *Page) Money(m tolem.Money) (string, error) {
	symbol, err := p.T("currency." + string(m.Currency))
	return FormatAmount(p.Language, m) + nbsp + symbol, err
}

// Day returns the date, Clock the time of day, Moment both.
func (p *Page) Day(t time.Time) string    { return t.In(p.module.shell.Location).Format("02.01.2006") }
func (p *Page) Clock(t time.Time) string  { return t.In(p.module.shell.Location).Format("15:04") }
func (p *Page) Moment(t time.Time) string { return p.Day(t) + " " + p.Clock(t) }
