package trust

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Limits on files.
const (
	maxFilesInFolder    = 1000
	maxCertificateBytes = 1 << 20 // of one file of certificates
)

// settling is how long after its last change a file is read again although it
// looks the same: a writer may change it twice within one tick of the file
// system's clock.
const settling = 2 * time.Second

// settled reports whether a file was read well after its last change. One from
// the future tells nothing and is not read again and again.
func settled(read, modified time.Time) bool { return read.Sub(modified).Abs() > settling }

// What a folder's files are called, by what they hold.
var (
	listNames        = [...]string{".crl", ".pem", ".der"}
	certificateNames = [...]string{".pem", ".crt", ".cer", ".der"}
)

// fileMark tells whether a file has changed since it was read.
type fileMark struct {
	size     int64
	modified time.Time
}

// listFile is a file of lists, as it was last read.
type listFile struct {
	mark   fileMark
	failed bool
	read   time.Time // on the clock of the file system
}

func (f *listFile) unchanged(mark fileMark) bool {
	return f.mark == mark && settled(f.read, mark.modified)
}

// expand replaces folders by the files in them that are named like what is
// looked for. Names that begin with a dot are files being written.
func expand(paths []string, names []string) (map[string]fileMark, error) {
	files := map[string]fileMark{}
	var errs []error
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case info.IsDir():
			errs = append(errs, expandFolder(path, names, files))
		default:
			files[path] = fileMark{info.Size(), info.ModTime()}
		}
	}
	return files, errors.Join(errs...)
}

func expandFolder(folder string, names []string, files map[string]fileMark) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !slices.Contains(names, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		path := filepath.Join(folder, e.Name())
		info, err := os.Stat(path) // follows links
		if err != nil || !info.Mode().IsRegular() {
			continue // gone since, or no file
		}
		if found++; found > maxFilesInFolder {
			return fmt.Errorf("%s: more than %d files", folder, maxFilesInFolder)
		}
		files[path] = fileMark{info.Size(), info.ModTime()}
	}
	return nil
}

// scanLists reads the files of lists that are new or have changed, and with
// again also those that were refused: a list from the future becomes good.
func (s *Store) scanLists(ctx context.Context, again bool) error {
	found, err := expand(s.sources.paths, listNames[:])
	errs := []error{err}
	s.sources.reportMissing(found, s.config.Now())
	for _, path := range slices.Sorted(maps.Keys(found)) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !s.sources.wants(path, found[path], again) {
			continue
		}
		read := time.Now()
		err := s.readListFile(ctx, path)
		s.sources.remember(path, found[path], read, err)
		s.sources.report(path, s.config.Now(), err)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

// reportMissing forgets files that have gone and reports configured ones that
// are not there. Lists that came from them stay in use until they run out.
func (s *sources) reportMissing(found map[string]fileMark, now time.Time) {
	s.mu.Lock()
	for path := range s.files {
		if _, there := found[path]; !there {
			delete(s.files, path)
			delete(s.status, path)
		}
	}
	s.mu.Unlock()
	for _, path := range s.paths {
		if _, err := os.Stat(path); err != nil {
			s.report(path, now, err)
		} else if _, isFile := found[path]; !isFile {
			s.forget(path) // a folder that has come back
		}
	}
}

func (s *sources) forget(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.status, source)
}

func (s *sources) wants(path string, mark fileMark, again bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[path]
	return f == nil || !f.unchanged(mark) || again && f.failed
}

func (s *sources) remember(path string, mark fileMark, read time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = &listFile{mark: mark, failed: err != nil, read: read}
}

func (s *Store) readListFile(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	n, err := readLists(f, info.Size(), s.config.MaxBytes, func(raw []byte) error { return s.take(ctx, raw, path) })
	if err == nil && n == 0 && (slices.Contains(s.sources.paths, path) || filepath.Ext(path) == ".crl") {
		return malformed("no list in the file")
	}
	return err
}

// certFiles remembers the files of certificates as they were last read.
type certFiles struct {
	anchors, intermediates map[string]fileMark
	read                   time.Time
	loaded                 bool
}

// unsettled reports whether a file changed so shortly before it was read that
// it may have changed again without showing it.
func (c *certFiles) unsettled() bool {
	for _, files := range []map[string]fileMark{c.anchors, c.intermediates} {
		for mark := range maps.Values(files) {
			if !settled(c.read, mark.modified) {
				return true
			}
		}
	}
	return false
}

// certSource is the name under which trouble with certificates is reported.
const certSource = "certificates of authorities"

// loadCertificates reads anchors and intermediates if they have changed. When
// they cannot be read, those in use stay in use.
func (s *Store) loadCertificates() (err error) {
	s.write.Lock()
	defer s.write.Unlock()
	read := time.Now()
	anchors, errAnchors := expand(s.config.Anchors, certificateNames[:])
	intermediates, errIntermediates := expand(s.config.Intermediates, certificateNames[:])
	same := maps.Equal(anchors, s.certs.anchors) && maps.Equal(intermediates, s.certs.intermediates)
	if s.certs.loaded && same && !s.certs.unsettled() {
		return nil
	}
	defer func() { s.sources.report(certSource, s.config.Now(), err) }()
	if err := errors.Join(errAnchors, errIntermediates); err != nil {
		return err
	}
	as, err := readAuthorities(anchors, intermediates)
	if err != nil {
		s.certs.loaded = false
		return err
	}
	s.certs = certFiles{anchors: anchors, intermediates: intermediates, read: read, loaded: true}
	s.follow(as)
	return nil
}

// follow puts other authorities in use. The caller holds s.write.
func (s *Store) follow(as *authorities) {
	old := s.current.Load()
	if old == nil {
		old = &snapshot{}
	} else if slices.EqualFunc(old.authorities.all, as.all, func(a, b *authority) bool {
		return a.print == b.print && a.anchor == b.anchor
	}) {
		return // nothing but the times of the files changed
	}
	s.current.Store(old.under(as))
	s.sources.follow(as.distributionPoints())
}

func readAuthorities(anchors, intermediates map[string]fileMark) (*authorities, error) {
	a, err := readCertificates(anchors)
	if err != nil {
		return nil, fmt.Errorf("anchors: %w", err)
	}
	i, err := readCertificates(intermediates)
	if err != nil {
		return nil, fmt.Errorf("intermediates: %w", err)
	}
	return newAuthorities(a, i)
}

func readCertificates(files map[string]fileMark) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, path := range slices.Sorted(maps.Keys(files)) {
		content, err := readLimited(path, maxCertificateBytes)
		if err != nil {
			return nil, err
		}
		certs, err := parseCertificates(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, certs...)
	}
	return all, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("longer than %d bytes", limit)}
	}
	return content, err
}
