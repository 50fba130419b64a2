package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed i18n static all:templates
var files embed.FS

// staticPath is where static files are served.
const staticPath = "/static/"

// hashDigits of a file's hash stand in its name, so that a browser may keep it
// for ever.
const hashDigits = 12

// asset is a static file, plain and packed. Only these are packed: packing a
// page that holds secrets beside what was typed lets its size tell them.
type asset struct {
	contentType   string
	plain, packed []byte
}

// assets are the static files by the names they are served under.
type assets struct {
	served map[string]asset
	paths  map[string]string // path by the file's own name
}

func loadAssets(from fs.FS, folder string) (*assets, error) {
	a := &assets{served: make(map[string]asset), paths: make(map[string]string)}
	entries, err := fs.ReadDir(from, folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		content, err := fs.ReadFile(from, path.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:])[:hashDigits] + ext
		a.served[name] = asset{contentType: mime.TypeByExtension(ext), plain: content, packed: pack(content)}
		a.paths[e.Name()] = staticPath + name
	}
	return a, nil
}

// pack returns the content compressed; a buffer cannot fail.
func pack(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

// path returns where a file is served; a page that names one that is not there
// is a mistake.
func (a *assets) path(name string) (string, error) {
	if p, ok := a.paths[name]; ok {
		return p, nil
	}
	return "", fmt.Errorf("no static file %q", name)
}

// serve answers with a file. Its name changes with its content.
func (a *assets) serve(x *Exchange) error {
	f, ok := a.served[x.Request.PathValue("name")]
	if !ok {
		return ErrNotFound
	}
	h := x.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if acceptsGzip(x.Request) {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	_, err := x.Write(body)
	return err
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if name, weight, _ := strings.Cut(strings.TrimSpace(part), ";"); name == "gzip" && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}
