package registry

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/store"
)

// cacheBytes bounds the rendered documents that are kept for readers who come
// page by page.
const cacheBytes = 4 << 30

const (
	// renderings is how many documents are rendered at the same time.
	renderings = 2
	// renderTimeout bounds the rendering of one document.
	renderTimeout = 15 * time.Minute
)

// File is a rendered document. It is read at any place, by several readers,
// and closed by whoever opened it.
type File struct {
	Name string // to save it under: B-20261121-HALYK-1.xml
	Form tolem.Form
	Size int64
	io.ReaderAt
	io.Closer
}

// files keeps rendered documents in a folder, each under its name: what they
// show never changes, so a file that is there is the right one.
type files struct {
	folder string

	mu      sync.Mutex
	pending map[string]*rendering
	busy    chan struct{} // holds one for each document being rendered
}

// rendering is a document that is being written; others wait for it.
type rendering struct {
	done chan struct{}
	err  error
}

// open returns a file, rendering it if it is not there. Who asks waits no longer
// than its context lasts; the rendering goes on, for whoever asks again.
func (f *files) open(ctx context.Context, name string, as tolem.Form, render func(context.Context, io.Writer) error) (*File, error) {
	for {
		if file, err := f.opened(name, as); !errors.Is(err, os.ErrNotExist) {
			return file, err
		}
		waiting, mine := f.await(name)
		if mine {
			go f.render(context.WithoutCancel(ctx), name, waiting, render)
		}
		select {
		case <-waiting.done:
			if waiting.err != nil {
				return nil, waiting.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// await returns the rendering of a file to wait for, and whether it is the
// caller's to begin. One that has ended since the caller looked for its file is
// returned as ended, so that nothing is rendered twice.
func (f *files) await(name string) (waiting *rendering, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if waiting, busy := f.pending[name]; busy {
		return waiting, false
	}
	waiting = &rendering{done: make(chan struct{})}
	if _, err := os.Stat(filepath.Join(f.folder, name)); err == nil {
		close(waiting.done)
		return waiting, false
	}
	f.pending[name] = waiting
	return waiting, true
}

// render writes a file when its turn has come, and tells those who wait.
func (f *files) render(ctx context.Context, name string, waiting *rendering, render func(context.Context, io.Writer) error) {
	f.busy <- struct{}{}
	defer func() { <-f.busy }()
	ctx, cancel := context.WithTimeout(ctx, renderTimeout)
	defer cancel()
	waiting.err = f.write(ctx, name, render)
	f.mu.Lock()
	delete(f.pending, name)
	f.mu.Unlock()
	close(waiting.done)
}

func (f *files) opened(name string, as tolem.Form) (*File, error) {
	file, err := os.Open(filepath.Join(f.folder, name))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	now := time.Now()
	_ = os.Chtimes(file.Name(), now, now) // the oldest goes first when room is needed
	return &File{Name: name, Form: as, Size: info.Size(), ReaderAt: file, Closer: file}, nil
}

// write renders into a file of another name, which gets its own when it is
// whole.
func (f *files) write(ctx context.Context, name string, render func(context.Context, io.Writer) error) (err error) {
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	if err := f.makeRoom(); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(f.folder, ".rendering-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	if err = errors.Join(render(ctx, temporary), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), filepath.Join(f.folder, name))
}

// makeRoom removes the files that were not read for the longest time until the
// rest is within the limit, and what a crash left half written.
func (f *files) makeRoom() error {
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return err
	}
	var total int64
	var oldest string
	var since time.Time
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.IsDir() {
			continue
		}
		total += info.Size()
		if oldest == "" || info.ModTime().Before(since) {
			oldest, since = e.Name(), info.ModTime()
		}
	}
	if total < cacheBytes || oldest == "" {
		return nil
	}
	if err := os.Remove(filepath.Join(f.folder, oldest)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return f.makeRoom()
}

// Document returns a register in a form, for people in the operator's language.
func (r *Registry) Document(ctx context.Context, reg store.StoredRegister, f tolem.Form) (*File, error) {
	name := string(reg.Number) + extension(f, reg.Totals.Rows)
	return r.files.open(ctx, name, f, func(ctx context.Context, w io.Writer) error { return r.Render(ctx, w, reg, f, r.Language, nil) })
}

// extension is how a file's name ends: a PDF of more rows than one file holds
// is a ZIP archive of several.
func extension(f tolem.Form, rows int64) string {
	if f == tolem.FormPDF && rows > form.MaxPDFRows {
		return ".pdf.zip"
	}
	return f.Extension()
}

// Render writes a register in a form.
func (r *Registry) Render(ctx context.Context, w io.Writer, reg store.StoredRegister, f tolem.Form, l form.Language, progress Progress) error {
	if f == tolem.FormXML {
		return r.WriteXML(ctx, w, reg, progress)
	}
	if f == tolem.FormPDF {
		return writeSheet(w, r.printed(ctx, reg, l), f)
	}
	return writeSheet(w, r.Sheet(ctx, reg, l), f)
}

// RenderReport writes a report on a comparison in a form.
func (r *Registry) RenderReport(w io.Writer, s store.Submission, rec store.Reconciliation, f tolem.Form, l form.Language) error {
	if f == tolem.FormXML {
		document, err := ReportXML(rec)
		if err != nil {
			return err
		}
		_, err = w.Write(document)
		return err
	}
	sheet, err := r.ReconciliationSheet(s, rec, l)
	if err != nil {
		return err
	}
	return writeSheet(w, sheet, f)
}

// ReportDocument returns a report on a comparison in a form.
func (r *Registry) ReportDocument(ctx context.Context, s store.Submission, rec store.Reconciliation, f tolem.Form) (*File, error) {
	name := string(rec.Number) + extension(f, rec.Anomalies)
	return r.files.open(ctx, name, f, func(_ context.Context, w io.Writer) error { return r.RenderReport(w, s, rec, f, r.Language) })
}

// RenderClaim writes a claim in a form.
func (r *Registry) RenderClaim(ctx context.Context, w io.Writer, c store.StoredClaim, f tolem.Form, l form.Language) error {
	if f == tolem.FormXML {
		_, err := w.Write(c.Document)
		return err
	}
	var reg store.StoredRegister // a claim for a refund rests on none
	if c.Register != "" {
		var err error
		if reg, err = r.Find(ctx, c.Register); err != nil {
			return err
		}
	}
	return writeSheet(w, r.ClaimSheet(c, reg, l), f)
}

// ClaimDocument returns a claim in a form.
func (r *Registry) ClaimDocument(ctx context.Context, c store.StoredClaim, f tolem.Form) (*File, error) {
	return r.files.open(ctx, string(c.Number)+f.Extension(), f, func(ctx context.Context, w io.Writer) error {
		return r.RenderClaim(ctx, w, c, f, r.Language)
	})
}
