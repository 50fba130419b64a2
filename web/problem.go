package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// The errors of the shell.
var (
	ErrNotFound  = errors.New("no such page")
	ErrMethod    = errors.New("the page does not take this method")
	ErrForeign   = errors.New("the request comes from another site")
	ErrTooMany   = errors.New("too many requests from one address")
	ErrTooLarge  = errors.New("the form is larger than allowed")
	ErrForm      = errors.New("the form cannot be read")
	ErrNoSession = errors.New("there is no session, or it is over")
	ErrBusy      = errors.New("the service cannot answer now")
)

// errLeft reports a browser that went on to another page, or away, before its
// answer was ready. Nothing failed, and nobody reads the page.
var errLeft = errors.New("the browser has left")

// statusLeft is what logs and metrics have for it; servers have agreed on the
// number, HTTP has none.
const statusLeft = 499

// Problem says how an error is shown: its HTTP status, and the key of its
// texts (problem.KEY.title and problem.KEY.text).
type Problem struct {
	Err    error
	Status int
	Key    string
	Dead   bool // there is nothing of ours to go on with: no link to the module's home
}

// problems is the table of the shell. What is not in it is "internal".
var problems = []Problem{
	{Err: errLeft, Status: statusLeft, Key: "busy"},
	{Err: ErrNotFound, Status: http.StatusNotFound, Key: "not_found", Dead: true},
	{Err: ErrMethod, Status: http.StatusMethodNotAllowed, Key: "not_found"},
	{Err: ErrForeign, Status: http.StatusForbidden, Key: "foreign"},
	{Err: ErrTooMany, Status: http.StatusTooManyRequests, Key: "too_many"},
	{Err: ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Key: "form"},
	{Err: ErrForm, Status: http.StatusBadRequest, Key: "form"},
	{Err: ErrNoSession, Status: http.StatusForbidden, Key: "session", Dead: true},
	{Err: ErrBusy, Status: http.StatusServiceUnavailable, Key: "busy"},
	{Err: context.DeadlineExceeded, Status: http.StatusServiceUnavailable, Key: "busy"},
}

// retryAfter is what a browser or program that was sent away is told, in
// seconds.
const retryAfter = 10

// problem finds the row of an error.
func (m *Mounted) problem(err error) Problem {
	for _, table := range [][]Problem{m.Problems, problems} {
		for _, p := range table {
			if errors.Is(err, p.Err) {
				return p
			}
		}
	}
	return Problem{Err: err, Status: http.StatusInternalServerError, Key: "internal"}
}

// fail answers with the page of the error. The page says what the payer can do
// and the request id, never what went wrong inside.
func (x *Exchange) fail(err error) {
	if x.status != 0 {
		return // the answer had begun: the log has the rest
	}
	p := x.module.problem(err)
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		x.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	x.Header().Del("Content-Disposition")
	x.Header().Set("Content-Security-Policy", policy)
	x.Header().Set("X-Frame-Options", "DENY")
	x.scripted = false
	if x.Render(p.Status, "problem", p) != nil {
		http.Error(x, x.ID, http.StatusInternalServerError)
	}
}
