package trust

import (
	"cmp"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// listClasses names what may happen to a list, as vectors do.
var listClasses = map[string]error{
	"taken":          nil,
	"malformed":      ErrListMalformed,
	"issuer":         ErrListIssuer,
	"keyid":          ErrListKeyID,
	"algorithm":      ErrListAlgorithm,
	"signature":      ErrListSignature,
	"future":         ErrListNotYetValid,
	"no-next-update": ErrListNoNextUpdate,
	"expired":        ErrListExpired,
	"delta":          ErrListDelta,
	"scope":          ErrListScope,
	"extension":      ErrListExtension,
	"rollback":       ErrListRollback,
}

// checkClasses names what may then happen to the certificate.
var checkClasses = map[string]error{
	"accepted":                   nil,
	"accepted-by-the-one-before": nil,
	"revoked":                    ErrRevoked,
	"unavailable":                ErrCRLUnavailable,
}

// vector is a file of testdata/crl: lines "name: value" and, after an empty
// line, the extensions of the list in OpenSSL's notation.
type vector struct {
	gencrl
	why, expect, then string
	before            string // number of a list taken earlier
	tamper            string
}

func readVector(t *testing.T, path string) vector {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, extensions, _ := strings.Cut(string(content), "\n\n")
	values := map[string]string{
		"signer": "middle", "leaf": "bank", "md": "sha256", "number": "7", "this": "-1h", "next": "24h",
	}
	for line := range strings.Lines(head) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("line %q", line)
		}
		values[name] = value
	}
	v := vector{
		why: values["why"], expect: values["expect"], then: values["then"], before: values["before"], tamper: values["tamper"],
		gencrl: gencrl{
			signer: values["signer"], leaf: values["leaf"], md: values["md"], sigopt: values["sigopt"],
			number: values["number"], revoke: values["revoke"], extensions: extensions,
		},
	}
	var errThis, errNext error
	v.this, errThis = time.ParseDuration(values["this"])
	v.next, errNext = time.ParseDuration(values["next"])
	_, knownList := listClasses[v.expect]
	_, knownCheck := checkClasses[v.then]
	if err := errors.Join(errThis, errNext); err != nil || !knownList || !knownCheck || v.why == "" {
		t.Fatalf("vector is not complete: %+v %v", v, err)
	}
	return v
}

// GW-022 GW-039 GW-P06 GW-P07: lists made by OpenSSL, one a rule, each taken
// or refused for exactly the reason it was made for.
func TestVectors(t *testing.T) {
	o := newOpenSSL(t)
	files, err := filepath.Glob("testdata/crl/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			v := readVector(t, path)
			s := o.store(t)
			if v.before != "" {
				earlier := o.gencrl(t, gencrl{signer: "middle", md: "sha256", number: v.before, this: -2 * time.Hour, next: 24 * time.Hour})
				if err := s.take(t.Context(), earlier, "earlier"); err != nil {
					t.Fatal(err)
				}
			}
			list := tamper(v.tamper, o.gencrl(t, v.gencrl))
			if err := s.take(t.Context(), list, "vector"); !isClass(err, listClasses[v.expect]) {
				t.Errorf("%s: list: got %v, want %s", v.why, err, v.expect)
			}
			_, err := s.Check(o.cert(t, v.leaf), o.now)
			if !isCheckClass(err, checkClasses[v.then]) {
				t.Errorf("%s: certificate: got %v, want %s", v.why, err, v.then)
			}
			if v.then == "accepted-by-the-one-before" && numberOf(s, "Middle") != v.before {
				t.Errorf("number in use is %s, not %s", numberOf(s, "Middle"), v.before)
			}
		})
	}
}

// isClass reports whether err is of exactly the wanted class, nil included.
func isClass(err, want error) bool {
	return isOneOf(err, want, slices.Collect(maps.Values(listClasses))...)
}

// isOneOf reports whether err is want and none other of the classes.
func isOneOf(err, want error, classes ...error) bool {
	if want == nil || err == nil {
		return err == want
	}
	for _, class := range classes {
		if class != nil && class != want && errors.Is(err, class) {
			return false
		}
	}
	return errors.Is(err, want)
}

func numberOf(s *Store, commonName string) string {
	for _, l := range s.Lists(s.config.Now()) {
		if strings.HasPrefix(l.Issuer, "CN="+commonName+",") {
			return cmp.Or(l.Number, "none")
		}
	}
	return ""
}

// GW-P06: the lists OpenSSL would not make.
func TestCraftedLists(t *testing.T) {
	o := newOpenSSL(t)
	middle, key, bank := o.cert(t, "middle"), o.key(t, "middle"), o.cert(t, "bank")
	number := numberExtension(7)
	listed := listEntry(bank.SerialNumber, o.now)
	reason := func(code byte) []byte { return extension(oidReasonCode, false, []byte{tagEnumerated, 1, code}) }
	v1 := craft{version: []byte{}}
	var tooMany []byte
	for i := range maxListExtensions + 1 {
		tooMany = append(tooMany, extension("\x2a\x03"+string(rune(i+1)), false, nil)...)
	}
	for _, c := range []struct {
		why          string
		craft        craft
		expect, then string
	}{
		{"as OpenSSL would make it", craft{extensions: number}, "taken", "accepted"},
		{"revoked, without a reason", craft{extensions: number, entries: listed}, "taken", "revoked"},
		{"version 1, without extensions", v1, "taken", "accepted"},
		{"no nextUpdate", craft{extensions: number, next: time.Unix(0, 0)}, "no-next-update", "unavailable"},
		{"extensions in version 1", craft{version: []byte{}, extensions: number}, "malformed", "unavailable"},
		{"version 3", craft{version: tlv(tagInteger, []byte{2}), extensions: number}, "malformed", "unavailable"},
		{"an unknown critical extension of an entry", craft{extensions: number, entries: listEntry(big1, o.now, extension("\x2a\x03\x04", true, []byte{5, 0}))}, "extension", "unavailable"},
		{"an unknown extension of an entry", craft{extensions: number, entries: listEntry(big1, o.now, extension("\x2a\x03\x04", false, []byte{5, 0}))}, "taken", "accepted"},
		{"an entry of another issuer", craft{extensions: number, entries: listEntry(big1, o.now, extension(oidCertificateIssuer, true, tlv(tagSequence)))}, "scope", "unavailable"},
		{"an entry of another issuer, not critical", craft{extensions: number, entries: listEntry(big1, o.now, extension(oidCertificateIssuer, false, tlv(tagSequence)))}, "scope", "unavailable"},
		{"a removal", craft{extensions: number, entries: listEntry(bank.SerialNumber, o.now, reason(8))}, "delta", "unavailable"},
		{"on hold", craft{extensions: number, entries: listEntry(bank.SerialNumber, o.now, reason(6))}, "taken", "revoked"},
		{"reason 7, which is none", craft{extensions: number, entries: listEntry(bank.SerialNumber, o.now, reason(7))}, "malformed", "unavailable"},
		{"reason 11, which is none", craft{extensions: number, entries: listEntry(bank.SerialNumber, o.now, reason(11))}, "malformed", "unavailable"},
		{"revoked from tomorrow on is revoked", craft{extensions: number, entries: listEntry(bank.SerialNumber, o.now.Add(24*time.Hour))}, "taken", "revoked"},
		{"the same entry twice", craft{extensions: number, entries: append(listed[:len(listed):len(listed)], listed...)}, "taken", "revoked"},
		{"a negative serial number", craft{extensions: number, entries: listEntry(minus1, o.now)}, "malformed", "unavailable"},
		{"a serial number of 21 bytes", craft{extensions: number, entries: listEntry(huge, o.now)}, "malformed", "unavailable"},
		{"a serial number with a zero too many", craft{extensions: number, entries: tlv(tagSequence, []byte{2, 2, 0, 1}, derTime(o.now))}, "malformed", "unavailable"},
		{"a date that is none", craft{extensions: number, entries: tlv(tagSequence, []byte{2, 1, 1}, tlv(tagUTCTime, []byte("260230000000Z")))}, "malformed", "unavailable"},
		{"a date with an offset", craft{extensions: number, entries: tlv(tagSequence, []byte{2, 1, 1}, tlv(tagUTCTime, []byte("2602010000+0100")))}, "malformed", "unavailable"},
		{"an extension twice", craft{extensions: append(number[:len(number):len(number)], number...)}, "malformed", "unavailable"},
		{"too many extensions", craft{extensions: tooMany}, "malformed", "unavailable"},
		{"a negative number", craft{extensions: extension(oidCRLNumber, false, []byte{2, 1, 0xff})}, "malformed", "unavailable"},
		{"a number of 21 bytes", craft{extensions: extension(oidCRLNumber, false, tlv(tagInteger, huge.Bytes()))}, "malformed", "unavailable"},
		{"the key of another certificate, by issuer and serial number", craft{extensions: byCertificate(middle.RawSubject, middle.SerialNumber)}, "keyid", "unavailable"},
		{"the right key, by issuer and serial number", craft{extensions: byCertificate(middle.RawIssuer, middle.SerialNumber)}, "taken", "accepted"},
		{"one algorithm signed, another stated", craft{extensions: number, algorithm: tlv(tagSequence, tlv(tagOID, []byte("\x2a\x86\x48\xce\x3d\x04\x03\x03")))}, "malformed", "unavailable"},
		{"parameters where there are none", craft{extensions: number, stated: tlv(tagSequence, tlv(tagOID, []byte("\x2a\x86\x48\xce\x3d\x04\x03\x02")), []byte{2, 1, 1})}, "algorithm", "unavailable"},
		{"an empty distribution point that is whole", craft{extensions: append(extension(oidDistributionPoint, true, tlv(tagSequence)), number...)}, "taken", "accepted"},
		{"flags that are false", craft{extensions: append(extension(oidDistributionPoint, true, tlv(tagSequence, tlv(0x81, []byte{0}))), number...)}, "taken", "accepted"},
		{"a flag that is neither", craft{extensions: append(extension(oidDistributionPoint, true, tlv(tagSequence, tlv(0x81, []byte{1}))), number...)}, "malformed", "unavailable"},
		{"something after it", craft{extensions: number, trailing: []byte{5, 0}}, "malformed", "unavailable"},
	} {
		t.Run(strings.ReplaceAll(c.why, " ", "-"), func(t *testing.T) {
			s := o.store(t)
			c.craft.this = o.now.Add(-time.Hour)
			if c.craft.next.IsZero() {
				c.craft.next = o.now.Add(24 * time.Hour)
			} else {
				c.craft.next = time.Time{}
			}
			err := s.take(t.Context(), c.craft.sign(t, middle, key), "vector")
			if !isClass(err, listClasses[c.expect]) {
				t.Errorf("list: got %v, want %s", err, c.expect)
			}
			if _, err := s.Check(bank, o.now); !isCheckClass(err, checkClasses[c.then]) {
				t.Errorf("certificate: got %v, want %s", err, c.then)
			}
		})
	}
}

// byCertificate names the key of a list by a certificate of it.
func byCertificate(issuer []byte, serial *big.Int) []byte {
	return extension(oidAuthorityKeyID, false, tlv(tagSequence, tlv(0xa1, tlv(0xa4, issuer)), tlv(0x82, serial.Bytes())))
}
