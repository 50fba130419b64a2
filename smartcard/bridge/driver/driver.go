// Package driver is a card bridge's reader whose driver is a program of its own:
// what is on a meter's card, and how the operator card opens it, only the maker
// of the cards knows, and his libraries are native ones. The program reads
// requests from its standard input and answers on its standard output, one JSON
// value a line, one after another:
//
//	{"id":1,"do":"status"}
//	{"id":1,"status":{"reader":true,"operator_card":true,"customer_card":true}}
//	{"id":2,"do":"read"}
//	{"id":2,"card":{"card_no":"AZ-1001","organisation":"AZERIQAZ","account":"400123","balance":300,
//	        "last_ticket":"","last_loaded":true,"details":[{"label":"…","value":"…"}]}}
//	{"id":3,"do":"change","ticket":{"ticket_id":"…","operation":"write","card_no":"AZ-1001","amount":1250,…}}
//	{"id":3}
//
// An answer with "code" is a failure that leaves the card as it was, with one of
// the six codes of cards; one with "error" says that the program does not know.
// It keeps no keys, and nobody but the bridge speaks to it.
package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"

	"github.com/rs/zerolog"

	"tolem/smartcard"
)

// maxLine bounds an answer, in bytes.
const maxLine = 64 << 10

// ErrDriver: the program ended, was ended, or said what is no answer.
var ErrDriver = errors.New("driver of the card reader")

// Process is a reader. It starts the program when it is needed, and again when
// it has ended.
type Process struct {
	name string
	args []string
	log  zerolog.Logger

	mu      sync.Mutex
	running *running
	last    int64
}

// New returns the reader of a program.
func New(log zerolog.Logger, name string, args ...string) *Process {
	return &Process{name: name, args: args, log: log}
}

// request is a line to the program.
type request struct {
	ID     int64             `json:"id"`
	Do     string            `json:"do"`
	Ticket *smartcard.Ticket `json:"ticket,omitempty"`
}

// answer is a line from it.
type answer struct {
	ID     int64               `json:"id"`
	Status *smartcard.Presence `json:"status"`
	Card   *smartcard.Card     `json:"card"`
	Code   smartcard.Code      `json:"code"`
	Error  string              `json:"error"`
}

// Status asks what stands ready.
func (p *Process) Status(ctx context.Context) (smartcard.Presence, error) {
	a, err := p.ask(ctx, request{Do: "status"})
	if err != nil {
		return smartcard.Presence{}, err
	}
	if a.Status == nil {
		return smartcard.Presence{}, fmt.Errorf("%w: no status", ErrDriver)
	}
	return *a.Status, nil
}

// Read reads the customer's card.
func (p *Process) Read(ctx context.Context) (smartcard.Card, error) {
	a, err := p.ask(ctx, request{Do: "read"})
	if err != nil {
		return smartcard.Card{}, err
	}
	if a.Card == nil {
		return smartcard.Card{}, fmt.Errorf("%w: no card", ErrDriver)
	}
	return *a.Card, nil
}

// Change carries a ticket out. A program that does not answer in time is ended
// before Change returns, so that nothing of it happens later.
func (p *Process) Change(ctx context.Context, t smartcard.Ticket) error {
	_, err := p.ask(ctx, request{Do: "change", Ticket: &t})
	return err
}

// Close ends the program.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	return nil
}

// ask sends one request and waits for its answer.
func (p *Process) ask(ctx context.Context, r request) (answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	if p.running == nil {
		started, err := p.start()
		if err != nil {
			return answer{}, fmt.Errorf("%w: %w", ErrDriver, err)
		}
		p.running = started
	}
	p.last++
	r.ID = p.last
	line, err := json.Marshal(r)
	if err == nil {
		_, err = p.running.in.Write(append(line, '\n'))
	}
	if err != nil {
		p.end()
		return answer{}, fmt.Errorf("%w: %w", ErrDriver, err)
	}
	select {
	case text, ok := <-p.running.lines:
		a, err := p.read(text, ok, r.ID)
		if errors.Is(err, ErrDriver) && a.ID != r.ID {
			p.end() // it is out of step
		}
		return a, err
	case <-ctx.Done():
		p.end()
		return answer{}, fmt.Errorf("%w: %w", ErrDriver, ctx.Err())
	}
}

// read takes a line for the answer it must be.
func (p *Process) read(text []byte, ok bool, id int64) (answer, error) {
	var a answer
	switch {
	case !ok:
		return a, fmt.Errorf("%w: the program ended", ErrDriver)
	case json.Unmarshal(text, &a) != nil || a.ID != id:
		return answer{}, fmt.Errorf("%w: not an answer to request %d", ErrDriver, id)
	case a.Code != "":
		return a, &smartcard.Failure{Code: a.Code}
	case a.Error != "":
		return a, fmt.Errorf("%w: %.200q", ErrDriver, a.Error)
	}
	return a, nil
}

// running is a program that runs.
type running struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte
}

func (p *Process) start() (*running, error) {
	cmd := exec.Command(p.name, p.args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = lineLog{p.log}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd, in: in, lines: make(chan []byte)}
	go r.listen(out)
	return r, nil
}

// listen hands lines on until the program ends.
func (r *running) listen(out io.Reader) {
	defer close(r.lines)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		r.lines <- append([]byte(nil), lines.Bytes()...)
	}
}

// end ends the program and waits until it has ended.
func (p *Process) end() {
	r := p.running
	if r == nil {
		return
	}
	p.running = nil
	_ = r.cmd.Process.Kill()
	go func() {
		for range r.lines { // what it still said is nobody's answer
		}
	}()
	if err := r.cmd.Wait(); err != nil {
		p.log.Warn().Err(err).Msg("the driver of the card reader has ended")
	}
}

// lineLog takes what the program says on its standard error.
type lineLog struct{ log zerolog.Logger }

// maxSaid bounds what is logged at once.
const maxSaid = 500

func (l lineLog) Write(text []byte) (int, error) {
	l.log.Info().Str("driver", string(text[:min(len(text), maxSaid)])).Send()
	return len(text), nil
}
