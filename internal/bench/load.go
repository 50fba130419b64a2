package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tolem/signing"
)

// shot is a request ready to be written, and what its answer must contain.
type shot struct {
	http []byte
	want []byte
}

// load is what many clients measured together.
type load struct {
	rate          float64 // requests a second
	p50, p95, p99 float64 // milliseconds
	requests      int
}

// gunner fires requests at a server over connections that stay open. It is
// made to cost little beside the server that it measures: requests are written
// as they lie in memory, answers are looked through, not parsed; one in
// verifyEvery is verified.
type gunner struct {
	address  string
	tls      *tls.Config
	verifier *signing.Verifier
}

// Limits of a measurement.
const (
	verifyEvery   = 50
	answerTimeout = 30 * time.Second
	maxAnswer     = 64 << 10
)

// fire keeps n connections busy until the time is over or nothing is left to
// send.
func (g gunner) fire(ctx context.Context, n int, each time.Duration, shots *supply[shot]) (load, error) {
	clients := make([]*client, n)
	defer func() {
		for _, c := range clients {
			if c != nil {
				_ = c.conn.Close() // every answer is in
			}
		}
	}()
	for i := range clients {
		c, err := g.connect(ctx)
		if err != nil {
			return load{}, err
		}
		clients[i] = c
	}
	// One call each first: what is measured are connections that stay open, not
	// how sixty of them are opened at once.
	if err := together(clients, func(c *client) error { return c.warm(shots) }); err != nil {
		return load{}, err
	}
	began := time.Now()
	if err := together(clients, func(c *client) error { return c.run(ctx, began.Add(each), shots) }); err != nil {
		return load{}, err
	}
	spent := time.Since(began)
	var all []time.Duration
	for _, c := range clients {
		all = append(all, c.took...)
	}
	return summary(all, spent), nil
}

// together has all clients do something at the same time and returns the first
// error.
func together(clients []*client, do func(*client) error) error {
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { errs[i] = do(c) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func summary(all []time.Duration, spent time.Duration) load {
	slices.Sort(all)
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return float64(all[min(len(all)-1, int(share*float64(len(all))))].Microseconds()) / 1000
	}
	return load{rate: float64(len(all)) / spent.Seconds(), p50: at(0.50), p95: at(0.95), p99: at(0.99), requests: len(all)}
}

// client is one connection.
type client struct {
	conn     *tls.Conn
	in       *bufio.Reader
	body     []byte
	took     []time.Duration
	verifier *signing.Verifier
}

func (g gunner) connect(ctx context.Context) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: g.tls}
	conn, err := dialer.DialContext(ctx, "tcp", g.address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn.(*tls.Conn), in: bufio.NewReaderSize(conn, 16<<10), verifier: g.verifier}, nil
}

// warm makes the first call over the connection.
func (c *client) warm(shots *supply[shot]) error {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	s, ok := shots.take()
	if !ok {
		return nil
	}
	return c.call(s)
}

func (c *client) run(ctx context.Context, until time.Time, shots *supply[shot]) error {
	if err := c.conn.SetDeadline(until.Add(answerTimeout)); err != nil {
		return err
	}
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		if !began.Before(until) {
			return nil
		}
		s, ok := shots.take()
		if !ok {
			return nil
		}
		if err := c.call(s); err != nil {
			return err
		}
		c.took = append(c.took, time.Since(began))
		if n%verifyEvery == 0 {
			if _, err := c.verifier.Verify(c.body, time.Now()); err != nil {
				return fmt.Errorf("answer does not verify: %w", err)
			}
		}
	}
	return ctx.Err()
}

// okResult stands in every answer that is not a refusal.
var okResult = []byte("<resultCode>OK</resultCode>")

// call sends a request and reads its answer into c.body.
func (c *client) call(s shot) error {
	if _, err := c.conn.Write(s.http); err != nil {
		return err
	}
	status, length, err := c.readHead()
	if err != nil {
		return err
	}
	if length < 0 || length > maxAnswer {
		return fmt.Errorf("answer of %d bytes", length)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length, 2*length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return err
	}
	if status != 200 || !bytes.Contains(c.body, okResult) || !bytes.Contains(c.body, s.want) {
		return fmt.Errorf("answered with %d: %.3000s", status, c.body)
	}
	return nil
}

// readHead reads the status line and the headers. An answer without a length
// is not expected.
func (c *client) readHead() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	words := strings.Fields(string(line))
	if len(words) < 2 {
		return 0, 0, errors.New("no status")
	}
	if status, err = strconv.Atoi(words[1]); err != nil {
		return 0, 0, err
	}
	length = -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return status, length, nil
		}
		const name = "Content-Length: "
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(string(line[len(name):])); err != nil {
				return 0, 0, err
			}
		}
	}
}
