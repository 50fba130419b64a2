package trust

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"sort"
	"time"
)

// Limits on the entries of a list.
const (
	maxSerialBytes = 20 // RFC 5280, 4.1.2.2
	maxEntries     = 5_000_000
)

// detailBytes is what is kept beside each serial number: the second of the
// revocation and its reason.
const detailBytes = 4 + 1

// serials are the entries of a list as one sorted array of rows of equal
// length: the serial number, left-padded to the longest of the list, and the
// details. A million entries take 25 MB at most and nothing for the garbage
// collector to look at.
type serials struct {
	rows  []byte
	width int // of a serial number
	n     int
	tmp   [maxSerialBytes + detailBytes]byte // for Swap
}

// newSerials walks the entries twice, to measure and to fill, so that exactly
// what is kept is allocated.
func newSerials(entries der) (*serials, error) {
	s := &serials{width: 1}
	for rest := entries; len(rest) > 0; s.n++ {
		e, err := nextEntry(&rest)
		if err != nil {
			return nil, err
		}
		if s.n == maxEntries {
			return nil, malformed("too many entries")
		}
		s.width = max(s.width, len(e.serial))
	}
	s.rows = make([]byte, s.n*s.stride())
	for i := range s.n {
		e, err := nextEntry(&entries)
		if err != nil {
			return nil, err
		}
		row := s.row(i)
		copy(row[s.width-len(e.serial):], e.serial)
		binary.BigEndian.PutUint32(row[s.width:], seconds(e.when))
		row[s.width+4] = e.reason
	}
	if !sort.IsSorted(s) { // many authorities list in order already
		sort.Sort(s)
	}
	return s, nil
}

func (s *serials) stride() int { return s.width + detailBytes }

func (s *serials) row(i int) []byte { return s.rows[i*s.stride() : (i+1)*s.stride()] }

// find returns when and why a certificate was revoked, if it was.
func (s *serials) find(serial *big.Int) (when time.Time, reason byte, found bool) {
	if serial.Sign() < 0 || serial.BitLen() > 8*s.width {
		return time.Time{}, 0, false
	}
	var buf [maxSerialBytes]byte
	want := serial.FillBytes(buf[:s.width])
	low, high := 0, s.n
	for low < high {
		middle := int(uint(low+high) / 2)
		row := s.row(middle)
		switch c := bytes.Compare(row[:s.width], want); {
		case c == 0:
			when := time.Unix(int64(binary.BigEndian.Uint32(row[s.width:])), 0).UTC()
			return when, row[s.width+4], true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return time.Time{}, 0, false
}

// seconds fits a time into 32 bits, which reach to 2106; it is told to people
// and decides nothing.
func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}

// Len, Less and Swap order the rows for package sort.
func (s *serials) Len() int { return s.n }

func (s *serials) Less(i, j int) bool {
	return bytes.Compare(s.row(i)[:s.width], s.row(j)[:s.width]) < 0
}

func (s *serials) Swap(i, j int) {
	a, b, tmp := s.row(i), s.row(j), s.tmp[:s.stride()]
	copy(tmp, a)
	copy(a, b)
	copy(b, tmp)
}
