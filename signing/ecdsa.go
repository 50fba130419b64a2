package signing

import (
	"crypto/elliptic"
	"errors"
)

// XML Signature writes an ECDSA signature as r‖s, Go's crypto as a DER
// SEQUENCE of two INTEGERs. These functions go from one to the other.

// maxCoordinate is the width of a coordinate of P-521, in bytes.
const maxCoordinate = 66

// maxECDSADER is the longest DER form: two integers with a sign byte and two
// bytes of header each, three bytes of header around them.
const maxECDSADER = 2*(maxCoordinate+3) + 3

var errBadECDSADER = errors.New("malformed ECDSA signature from the key")

func coordinateWidth(c elliptic.Curve) int { return (c.Params().BitSize + 7) / 8 }

// appendECDSADER appends SEQUENCE { INTEGER r, INTEGER s }.
func appendECDSADER(dst, r, s []byte) []byte {
	var body [maxECDSADER]byte
	content := appendInteger(appendInteger(body[:0], r), s)
	dst = append(dst, 0x30)
	if len(content) >= 0x80 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(len(content)))
	return append(dst, content...)
}

// appendInteger appends an unsigned big-endian number as a DER INTEGER.
func appendInteger(dst, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0] >= 0x80 {
		return append(append(dst, 0x02, byte(len(n)+1), 0), n...)
	}
	return append(append(dst, 0x02, byte(len(n))), n...)
}

// appendECDSAFixed appends r‖s, each of the given width, from the DER form.
func appendECDSAFixed(dst, der []byte, width int) ([]byte, error) {
	if len(der) < 2 || der[0] != 0x30 {
		return dst, errBadECDSADER
	}
	content := der[2:]
	if der[1] == 0x81 && len(der) > 2 {
		content = der[3:]
	}
	for range 2 {
		if len(content) < 2 || content[0] != 0x02 || len(content)-2 < int(content[1]) {
			return dst, errBadECDSADER
		}
		n := content[2 : 2+int(content[1])]
		content = content[2+len(n):]
		for len(n) > 0 && n[0] == 0 {
			n = n[1:]
		}
		if len(n) > width {
			return dst, errBadECDSADER
		}
		for range width - len(n) {
			dst = append(dst, 0)
		}
		dst = append(dst, n...)
	}
	if len(content) != 0 {
		return dst, errBadECDSADER
	}
	return dst, nil
}
