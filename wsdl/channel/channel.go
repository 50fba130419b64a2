// Package channel carries signed SOAP messages over HTTPS: a message out, the
// bytes of what may be an answer back. It knows the limits and the manners of
// the wire and tells a peer that was never reached from one whose answer was
// lost, which is what decides whether something may be repeated.
//
// Post signs nothing, believes nothing and repeats nothing. wsdl/client calls it
// for participants, banks/exchange for the gateway. Service is the other side of
// contracts in which the gateway is the caller; counterparts for trying out use it.
package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"tolem/signing"
)

// MaxAnswer bounds an answer, envelope included, in bytes.
const MaxAnswer = signing.MaxMessage

const (
	dialTimeout = 10 * time.Second
	idleTimeout = 60 * time.Second
	idlePerHost = 64
)

// Errors of Post.
var (
	// ErrUnreachable: no connection came about, so nothing was sent.
	ErrUnreachable = errors.New("peer cannot be reached")
	// ErrAnswer: what came back is not an answer that can be believed.
	ErrAnswer = errors.New("answer cannot be accepted")
	// ErrLost: the connection broke, or something between us and the peer
	// answered in its place.
	ErrLost = errors.New("answer was lost")
)

// NewHTTPClient follows no redirect, since what is signed for one address is
// not for another, and asks for no compression, which the gateway refuses. The
// timeout is of one exchange.
func NewHTTPClient(config *tls.Config, timeout time.Duration) *http.Client {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:     config,
			TLSHandshakeTimeout: dialTimeout,
			MaxIdleConns:        idlePerHost,
			MaxIdleConnsPerHost: idlePerHost,
			IdleConnTimeout:     idleTimeout,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Post sends a message and returns what came back, if it may be an answer at
// all: an answer or a fault, not verified yet. Connected says that something
// may have reached the peer.
func Post(ctx context.Context, client *http.Client, address string, v signing.Version, action string, message []byte) (answer []byte, connected bool, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message))
	if err != nil {
		return nil, false, err
	}
	setHeader(req.Header, v, action)
	res, err := client.Do(req)
	if err != nil {
		if !connected {
			return nil, false, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return nil, true, fmt.Errorf("%w: %w", ErrLost, err)
	}
	defer res.Body.Close()
	answer, err = readAnswer(res)
	return answer, connected, err
}

func setHeader(h http.Header, v signing.Version, action string) {
	if v == signing.SOAP12 {
		h.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+action+`"`)
		return
	}
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("SOAPAction", `"`+action+`"`)
}

// readAnswer returns the content of an answer or a fault. What is no XML comes
// from something in between, or from the peer's HTTP layer: with a status of
// the 4xx kind repeating would not help.
func readAnswer(res *http.Response) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	case len(content) > MaxAnswer:
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrAnswer, MaxAnswer)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	soap := kind == "text/xml" || kind == "application/soap+xml"
	switch {
	case soap: // whatever the status: a fault about the transport may come with 4xx
		return content, nil
	case res.StatusCode < http.StatusInternalServerError:
		return nil, fmt.Errorf("%w: HTTP status %s, %s", ErrAnswer, res.Status, kind)
	}
	return nil, fmt.Errorf("%w: HTTP status %s, %s", ErrLost, res.Status, kind)
}
