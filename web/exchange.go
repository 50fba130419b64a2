package web

import (
	"net/http"
	"time"
)

// Exchange is one request and the answer to it. Handlers read from Request and
// answer with Render, See or the methods of http.ResponseWriter.
type Exchange struct {
	ID       string // the request id, on the page, in the log and in the header
	Language Language
	Request  *http.Request

	// Nav is what the module's navigation is made from, on error pages too; Back
	// is where the language switch leads, if not to the page itself.
	Nav  any
	Back string

	shell  *Shell
	module *Mounted
	writer http.ResponseWriter
	began  time.Time
	err    error

	scripted bool // a static file of ours runs on the page

	status  int // zero: nothing is answered yet
	written int64
}

// Now is when the request came.
func (x *Exchange) Now() time.Time { return x.began }

// Header implements http.ResponseWriter.
func (x *Exchange) Header() http.Header { return x.writer.Header() }

// WriteHeader implements http.ResponseWriter.
func (x *Exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.writer.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *Exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.writer.Write(p)
	x.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *Exchange) Unwrap() http.ResponseWriter { return x.writer }

// drained reports whether the request has no body.
func (x *Exchange) drained() bool { return x.Request.Body == nil || x.Request.Body == http.NoBody }

// See sends the browser to another page of ours, with GET: what a form's POST
// answers, so that neither reload nor back sends the form again.
func (x *Exchange) See(path string) error {
	if !LocalPath(path) {
		path = x.module.Home
	}
	x.Header().Set("Location", path)
	x.WriteHeader(http.StatusSeeOther)
	return nil
}

// LocalPath reports whether the path stays on this origin however a browser
// reads it: one slash, then nothing that could begin a host.
func LocalPath(path string) bool {
	if len(path) == 0 || len(path) > maxLocalPath || path[0] != '/' {
		return false
	}
	if len(path) > 1 && (path[1] == '/' || path[1] == '\\') {
		return false
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// maxLocalPath is the longest path we send a browser to.
const maxLocalPath = 512

// Download answers with a file that the browser saves and never shows.
func (x *Exchange) Download(name, contentType string, content []byte) error {
	x.Header().Set("Content-Type", contentType)
	x.Header().Set("Content-Disposition", `attachment; filename="`+fileName(name)+`"`)
	_, err := x.Write(content)
	return err
}

// fileName keeps what is safe in every file system and in a header.
func fileName(name string) string {
	safe := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			safe = append(safe, c)
		}
	}
	return string(safe)
}
