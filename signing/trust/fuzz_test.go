package trust

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzParseCRL reads lists as they come from the network. Nothing may panic,
// and what is read must be what crypto/x509 reads.
func FuzzParseCRL(f *testing.F) {
	w := newWorld(f)
	ca, key := w.pki.Intermediate.Cert, w.pki.Intermediate.Key
	entries := append(listEntry(big1, begin), listEntry(ca.SerialNumber, begin, extension(oidReasonCode, false, []byte{tagEnumerated, 1, 6}))...)
	keyID := extension(oidAuthorityKeyID, false, tlv(tagSequence, tlv(0x80, []byte{1, 2, 3}), tlv(0xa1, tlv(0xa4, ca.RawIssuer)), tlv(0x82, []byte{5})))
	point := extension(oidDistributionPoint, true, tlv(tagSequence, tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("http://a/b")))), tlv(0x83, []byte{7, 0x80})))
	f.Add(w.lists["/root.crl"])
	f.Add(craft{this: begin, next: begin.Add(time.Hour), extensions: numberExtension(1), entries: entries}.sign(f, ca, key))
	f.Add(craft{this: begin, extensions: append(keyID, point...)}.sign(f, ca, key))
	f.Add(craft{this: begin, version: []byte{}}.sign(f, ca, key))
	files, err := filepath.Glob("testdata/der/*.crl")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range files {
		seed, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := parseList(raw)
		if err != nil {
			return
		}
		s, err := newSerials(p.entries)
		if err != nil {
			return
		}
		other, err := x509.ParseRevocationList(raw)
		if err != nil {
			return // crypto/x509 looks into names and knows fewer oddities
		}
		compare(t, p, s, other)
	})
}

func compare(t *testing.T, p *parsedList, s *serials, other *x509.RevocationList) {
	if !bytes.Equal(p.issuer, other.RawIssuer) || !bytes.Equal(p.tbs, other.RawTBSRevocationList) || !bytes.Equal(p.signature, other.Signature) {
		t.Error("issuer, body or signature differs")
	}
	if !p.thisUpdate.Equal(other.ThisUpdate) || !p.nextUpdate.Equal(other.NextUpdate) {
		t.Errorf("times %v %v, not %v %v", p.thisUpdate, p.nextUpdate, other.ThisUpdate, other.NextUpdate)
	}
	if (p.extensions.number == nil) != (other.Number == nil) || p.extensions.number != nil && p.extensions.number.Cmp(other.Number) != 0 {
		t.Errorf("number %v, not %v", p.extensions.number, other.Number)
	}
	if s.n != len(other.RevokedCertificateEntries) {
		t.Fatalf("%d entries, not %d", s.n, len(other.RevokedCertificateEntries))
	}
	for _, e := range other.RevokedCertificateEntries {
		if _, _, found := s.find(e.SerialNumber); !found {
			t.Errorf("%v is listed and was not found", e.SerialNumber)
		}
	}
}

// FuzzReadLists reads files as people drop them into folders.
func FuzzReadLists(f *testing.F) {
	f.Add([]byte("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"), int64(0))
	f.Add([]byte("text\n-----BEGIN X509 CRL-----\nMAA=\n"), int64(40))
	f.Add([]byte{0x30, 0x82, 1, 0, 5}, int64(5))
	f.Fuzz(func(t *testing.T, content []byte, size int64) {
		const limit = 1 << 12
		_, _ = readLists(bytes.NewReader(content), size, limit, func(raw []byte) error {
			if len(raw) > limit {
				t.Errorf("%d bytes got through", len(raw))
			}
			return nil
		})
	})
}
