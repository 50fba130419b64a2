package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server in a process of its own.
type process struct {
	cmd     *exec.Cmd
	address string // of its SOAP listener
	ops     string // of its metrics; empty: it has none
	log     string
	exited  chan error
}

// Limits of a server's start and end.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 40 * time.Second
)

// serve starts the gateway of the installation.
func (in *installation) serve(ctx context.Context) (*process, error) {
	return in.start(ctx, "gateway", "serve")
}

// servePlain starts the straightforward gateway with the keys of this
// installation, on a database of its own.
func (in *installation) servePlain(ctx context.Context, place *database) (*process, error) {
	return in.start(ctx, "plain", "bench", "plain-gateway", "TOLEM_DATABASE="+place.dsn)
}

// start runs the program until stop. Arguments with a '=' are for its
// environment.
func (in *installation) start(ctx context.Context, name string, args ...string) (_ *process, err error) {
	p := &process{log: filepath.Join(in.dir, name+".log"), exited: make(chan error, 1)}
	if p.address, err = freePort(); err != nil {
		return nil, err
	}
	ops, err := freePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own descriptor
	environ := append(os.Environ(), "TOLEM_SOAP_LISTEN="+p.address, "TOLEM_OPS_LISTEN="+ops,
		"TOLEM_LIMITS_RATE_PER_SECOND=1000000", "TOLEM_LIMITS_BURST=1000000", "TOLEM_LIMITS_CONCURRENT=4096")
	var words []string
	for _, a := range args {
		if strings.Contains(a, "=") {
			environ = append(environ, a)
		} else {
			words = append(words, a)
		}
	}
	p.cmd = exec.Command(in.s.Program, append(words, "--config", in.config)...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environ, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }()
	if words[0] == "serve" {
		p.ops = ops
	}
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// await waits until the server takes connections.
func (p *process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", p.address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("server ended: %w\n%s", err, p.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("server does not start: %w\n%s", ctx.Err(), p.lastLines())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastLines is the end of the server's log.
func (p *process) lastLines() string {
	const most = 2000
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-most):])
}

// stop ends the server as its operator would.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(stopTimeout):
		return errors.Join(errors.New("server does not end"), p.cmd.Process.Kill())
	}
}

// memory returns the resident memory of the server, now and at its highest, in
// MiB; zeros where the system does not tell.
func (p *process) memory() (now, peak float64) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(words[1], 64)
		switch words[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	return now, peak
}

// cpu returns the processor time the server has taken, zero where the system
// does not tell.
func (p *process) cpu() time.Duration {
	const tick = 10 * time.Millisecond // of Linux, whatever its kernel is built for
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	words := strings.Fields(rest)
	if len(words) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(words[11], 10, 64)
	system, _ := strconv.ParseInt(words[12], 10, 64)
	return time.Duration(user+system) * tick
}

// mallocs returns how many objects the server has allocated.
func (p *process) mallocs(ctx context.Context) (float64, error) {
	const name = "go_memstats_mallocs_total "
	if p.ops == "" {
		return 0, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.ops+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, errors.New("the server does not tell its allocations")
}
