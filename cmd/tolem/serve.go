package main

import (
	"context"
	"errors"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"tolem/config"
)

const maxHeaderBytes = 16 << 10

func serveCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Serve banks, the portal and providers", Args: noArgs,
		Long: `Serves signed SOAP over TLS on soap.listen, and health, readiness and metrics on
ops.listen. Migrations run first. SIGTERM ends it after what it has accepted is done.`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if err := closeMemory(); err != nil {
			return err
		}
		tuneCollector()
		return serve(c.Context(), cfg, newLog(io.err, cfg.Log))
	}
	return c
}

// gcPercent lets the heap of a serving node grow further between two
// collections than Go would. What lives is small, what each request leaves
// behind is not: at the usual 100 a busy node collects dozens of times a second.
const gcPercent = 300

// tuneCollector sets gcPercent unless the operator has set GOGC.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// serve runs a node until the context ends or a listener fails.
func serve(ctx context.Context, c *config.Config, log zerolog.Logger) error {
	n, err := openNode(ctx, c, log)
	if err != nil {
		return err
	}
	if err := n.start(ctx); err != nil {
		return errors.Join(err, n.db.Close())
	}
	select {
	case <-ctx.Done():
		return n.stop()
	case err := <-n.failed:
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		return errors.Join(err, n.stop())
	}
}

// newLog makes the log the configuration asks for.
func newLog(w io.Writer, c config.Log) zerolog.Logger {
	if c.Format == "text" {
		w = zerolog.ConsoleWriter{Out: w, NoColor: true}
	}
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// quietLog takes what net/http says of connections that come to nothing, such
// as handshakes with revoked certificates.
func quietLog(log zerolog.Logger) *stdlog.Logger { return stdlog.New(connectionLog{log}, "", 0) }

type connectionLog struct{ log zerolog.Logger }

// Write implements io.Writer.
func (l connectionLog) Write(p []byte) (int, error) {
	l.log.Info().Str("problem", strings.TrimSpace(string(p))).Msg("connection")
	return len(p), nil
}

// limitedListener accepts a connection only when fewer than its limit are
// open; others wait in the kernel's queue.
type limitedListener struct {
	net.Listener
	places chan struct{}
}

func limitConnections(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, places: make(chan struct{}, most)}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: c, leave: func() { <-l.places }}, nil
}

type limitedConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
