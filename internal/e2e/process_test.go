package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTimeout is how long a start may take on a busy machine; how long it
// takes is measured where that matters.
const startTimeout = 30 * time.Second

// process is `tolem serve`, and everything it has ever written.
type process struct {
	world *world
	env   []string // more settings: TOLEM_…
	cmd   *exec.Cmd

	mu   sync.Mutex
	soap string // address of the operations
	ops  string // address of health and metrics
	log  bytes.Buffer

	ended chan struct{}
}

// serve starts the gateway and returns when it serves. Settings are environment
// variables like TOLEM_CODES_TTL=1s.
func (p *process) serve(settings ...string) {
	p.world.t.Helper()
	serving := p.launch(settings...)
	select {
	case <-serving:
	case <-p.ended:
		p.world.t.Fatalf("tolem serve ended: %s", p.tail())
	case <-time.After(startTimeout):
		p.world.t.Fatalf("tolem serve does not serve: %s", p.tail())
	}
}

// launch starts the gateway. The channel is closed when it says it serves.
func (p *process) launch(settings ...string) <-chan struct{} {
	p.world.t.Helper()
	soap, ops := "127.0.0.1:0", "127.0.0.1:0"
	p.cmd = exec.Command(program(p.world.t), "serve", "--config", p.world.config)
	p.cmd.Env = append(os.Environ(), "TOLEM_SOAP_LISTEN="+soap, "TOLEM_OPS_LISTEN="+ops)
	p.cmd.Env = append(append(p.cmd.Env, p.env...), settings...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.world.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.world.t.Fatal(err)
	}
	serving := make(chan struct{})
	p.ended = make(chan struct{})
	go p.follow(p.cmd, stderr, serving, p.ended)
	return serving
}

// follow reads what a process writes until it ends.
func (p *process) follow(cmd *exec.Cmd, stderr io.Reader, serving, ended chan struct{}) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.log.Write(append(lines.Bytes(), '\n'))
		var line struct{ Message, SOAP, Ops string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "serving" {
			p.soap, p.ops = line.SOAP, "http://"+line.Ops
			close(serving)
		}
		p.mu.Unlock()
	}
	_ = cmd.Wait() // how it ended stands in its state
	close(ended)
}

// address is where operations are called.
func (p *process) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.soap
}

// written returns everything the gateway has written.
func (p *process) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) tail() string {
	all := p.written()
	return all[max(0, len(all)-4000):]
}

// kill ends the gateway as a power cut would.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	}
}

// terminate asks the gateway to end and returns its exit status.
func (p *process) terminate() int {
	p.world.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.world.t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(startTimeout):
		p.world.t.Fatalf("tolem serve does not end: %s", p.tail())
	}
	return p.cmd.ProcessState.ExitCode()
}

// probe reads a page of the ops listener.
func (p *process) probe(path string) (int, string) {
	client := http.Client{Timeout: 10 * time.Second}
	r, err := client.Get(p.ops + path)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, string(body)
}

// metric returns the value of a metric, summed over its labels.
func (p *process) metric(name string) float64 {
	p.world.t.Helper()
	status, page := p.probe("/metrics")
	if status != http.StatusOK {
		p.world.t.Fatalf("/metrics: %d %s", status, page)
	}
	sum := 0.0
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(page, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			p.world.t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// checkLog looks for what must not be written anywhere: personal data, and
// signs of a crash. Every line is one JSON object.
func (w *world) checkLog() {
	all := w.written()
	for _, secret := range []string{citizen, neighbour, fullName, "Сериккызы", account} {
		if strings.Contains(all, secret) {
			w.t.Errorf("the log holds %q", secret)
		}
	}
	for line := range strings.Lines(all) {
		if !json.Valid([]byte(line)) {
			w.t.Errorf("the log has a line that is no JSON: %s", line)
		}
	}
	if strings.Contains(all, "panic") || strings.Contains(all, "goroutine ") {
		w.t.Errorf("the log tells of a panic: %s", w.tail())
	}
}
