package trust

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Limits on fetching.
const (
	maxFetches   = 4 // at once
	maxRedirects = 3
	firstRetry   = 5 * time.Second
	longestRetry = 5 * time.Minute

	dialTimeout   = 5 * time.Second  // an address that does not answer must not delay a start
	headerTimeout = 10 * time.Second // of the answer; the list may then take the whole Timeout
)

// newTransport returns what fetches use by default. It leaves no connection
// open, since the next fetch is an hour away, and asks for no compression, so
// that the stated length is the length to allocate.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		DisableKeepAlives:     true,
		DisableCompression:    true,
	}
}

// address is a place on the network where a list is published.
type address struct {
	url string

	// Guarded by sources.mu.
	busy       bool
	due        time.Time
	failures   int
	etag       string // of the last answer whose list was taken
	modified   string
	nextUpdate time.Time
}

// errNotModified says that the list in use is still the newest.
var errNotModified = errors.New("not modified")

// claim returns the addresses to fetch now, and marks them so that nobody else
// does meanwhile.
func (s *sources) claim(now time.Time, all bool) []*address {
	s.mu.Lock()
	defer s.mu.Unlock()
	var claimed []*address
	for _, a := range s.web {
		if !a.busy && (all || !now.Before(a.due)) {
			a.busy = true
			claimed = append(claimed, a)
		}
	}
	return claimed
}

// fetch fetches from several addresses at once and returns all that failed.
func (s *Store) fetch(ctx context.Context, addresses []*address) error {
	errs := make([]error, len(addresses))
	slots := make(chan struct{}, maxFetches)
	var all sync.WaitGroup
	for i, a := range addresses {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := s.fetchOne(ctx, a); err != nil {
				errs[i] = fmt.Errorf("%s: %w", a.url, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Store) fetchOne(ctx context.Context, a *address) error {
	answer, err := s.get(ctx, a)
	now := s.config.Now()
	err = s.sources.schedule(a, answer, now, s.config.Refresh, err)
	s.sources.report(a.url, now, err)
	return err
}

// answer is what an address said about the list it gave.
type answer struct {
	etag, modified string
	nextUpdate     time.Time
}

// schedule decides when to fetch next: when half of what is left of the list's
// validity has passed or after the refresh interval, whichever is sooner, and
// up to a tenth earlier so that the nodes of a cluster do not come together. It
// returns what is wrong with the address, if anything is.
func (s *sources) schedule(a *address, got answer, now time.Time, refresh time.Duration, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.busy = false
	switch {
	case err == nil:
		a.etag, a.modified, a.nextUpdate = got.etag, got.modified, got.nextUpdate
	case !errors.Is(err, errNotModified):
	case now.Before(a.nextUpdate):
		err = nil
	default: // not modified, and yet of no more use
		err = ranOut(a.nextUpdate)
	}
	var wait time.Duration
	if err == nil {
		a.failures = 0
		wait = min(refresh, a.nextUpdate.Sub(now)/2)
	} else {
		wait = min(refresh, longestRetry, firstRetry<<min(a.failures, 10))
		a.failures++
	}
	wait = max(wait, MinRefresh)
	a.due = now.Add(wait - rand.N(wait/10+1))
	return err
}

// get fetches an address and takes the lists in the answer.
func (s *Store) get(ctx context.Context, a *address) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return answer{}, err
	}
	s.sources.conditions(a, request.Header)
	client := &http.Client{Transport: s.config.Transport, CheckRedirect: sameHost}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	conditional := request.Header.Get("If-None-Match") != "" || request.Header.Get("If-Modified-Since") != ""
	switch {
	case response.StatusCode == http.StatusNotModified && conditional:
		return answer{}, errNotModified
	case response.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("answered with status %d", response.StatusCode)
	}
	return s.takeAnswer(ctx, a, response)
}

func (s *Store) takeAnswer(ctx context.Context, a *address, response *http.Response) (answer, error) {
	got := answer{etag: response.Header.Get("ETag"), modified: response.Header.Get("Last-Modified")}
	n, err := readLists(response.Body, response.ContentLength, s.config.MaxBytes, func(raw []byte) error {
		p, err := parseList(raw)
		if err != nil {
			return err
		}
		if got.nextUpdate.IsZero() || p.nextUpdate.Before(got.nextUpdate) {
			got.nextUpdate = p.nextUpdate
		}
		return s.take(ctx, raw, a.url)
	})
	if err == nil && n == 0 {
		err = malformed("no list in the answer")
	}
	return got, err
}

// conditions asks for the list only if it is another than the last one that
// was taken from this address.
func (s *sources) conditions(a *address, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	header.Set("User-Agent", "tolem")
	if a.etag != "" {
		header.Set("If-None-Match", a.etag)
	}
	if a.modified != "" {
		header.Set("If-Modified-Since", a.modified)
	}
}

// sameHost refuses redirects that lead elsewhere: who can answer for an
// address must not be able to send the gateway around its own network. From
// http to https of the same host is not elsewhere.
func sameHost(request *http.Request, via []*http.Request) error {
	first, next := via[0].URL, request.URL
	same := strings.EqualFold(next.Host, first.Host) && next.Scheme == first.Scheme
	secured := strings.EqualFold(next.Hostname(), first.Hostname()) && next.Scheme == "https" && next.Port() == ""
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case !same && !secured:
		return fmt.Errorf("redirect to another host, %s", next.Host)
	}
	return nil
}
