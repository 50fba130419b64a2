package trust

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// sources knows where lists come from and how each place has fared. Its lock
// is held for moments only, never while something is read or fetched.
type sources struct {
	paths []string // configured files and folders

	mu     sync.Mutex
	fixed  []string // configured addresses
	web    map[string]*address
	files  map[string]*listFile
	status map[string]*SourceStatus
}

// SourceStatus says how a source of revocation lists fares. A source is an
// address, a file (also one found in a folder), or a list kept from before.
type SourceStatus struct {
	Source      string
	LastAttempt time.Time
	LastSuccess time.Time // zero when there was none
	NextAttempt time.Time // zero for files, which are watched
	LastError   string    // why the last attempt failed or its list was refused; empty when it did not
}

// configure sorts what is configured into addresses and paths.
func (s *sources) configure(configured []string) error {
	s.status = map[string]*SourceStatus{}
	for _, c := range configured {
		switch {
		case isHTTP(c) || strings.HasPrefix(strings.ToLower(c), "https://"):
			s.fixed = append(s.fixed, c)
		case strings.Contains(c, "://"):
			return fmt.Errorf("%s: revocation lists come from files, http and https only", c)
		default:
			s.paths = append(s.paths, c)
		}
	}
	s.follow(nil)
	return nil
}

func isHTTP(address string) bool { return strings.HasPrefix(strings.ToLower(address), "http://") }

// follow makes the configured addresses and the given distribution points the
// addresses to fetch. Everything is to be read again: what was refused under
// other authorities, or went out of use with them, may be good now.
func (s *sources) follow(points []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]*address{}
	for _, url := range slices.Concat(s.fixed, points) {
		a := s.web[url]
		if a == nil {
			a = &address{url: url}
		}
		a.etag, a.modified, a.due = "", "", time.Time{}
		next[url] = a
	}
	for url := range s.web {
		if next[url] == nil {
			delete(s.status, url)
		}
	}
	s.web, s.files = next, map[string]*listFile{}
}

// report records the outcome of an attempt.
func (s *sources) report(source string, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status[source]
	if st == nil {
		st = &SourceStatus{Source: source}
		s.status[source] = st
	}
	st.LastAttempt, st.LastError = now, ""
	if err != nil {
		st.LastError = err.Error()
	} else {
		st.LastSuccess = now
	}
}

// lastError returns what was last wrong with a source.
func (s *sources) lastError(source string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.status[source]; st != nil {
		return st.LastError
	}
	return ""
}

// list returns the state of all sources, by name.
func (s *sources) list() []SourceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]SourceStatus, 0, len(s.status))
	for st := range maps.Values(s.status) {
		if a := s.web[st.Source]; a != nil {
			st.NextAttempt = a.due
		}
		all = append(all, *st)
	}
	slices.SortFunc(all, func(a, b SourceStatus) int { return cmp.Compare(a.Source, b.Source) })
	return all
}
