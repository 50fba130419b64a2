package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"tolem"
)

// A packed record is
//
//	format, flags, arrival, operation, participant and what the flags announce;
//	the cuts: what was taken out of the message, and from where;
//	what is left of the message, compressed with a dictionary of envelopes.
//
// Cut out is what does not compress: the signer's certificate, which is stored
// once for all its messages, Base64, which is kept as the bytes it stands for,
// and the ids that stand in the row already. A cut is made only if putting it
// back gives the very same characters, so that packing is lossless by
// construction.

const packFormat = 1

// The flags.
const (
	flagDirection   = 0x03
	flagCertificate = 0x04
	flagTrust       = 0x08
	flagClass       = 0x10
	flagRequestUUID = 0x20 // 16 bytes
	flagRequestText = 0x40 // anything else that was in its place
)

// operationNumbers is how operations are stored. Numbers are never reused.
var operationNumbers = [...]tolem.Operation{
	0: "", 1: tolem.OpIssueCode, 2: tolem.OpNotifyPayment, 3: tolem.OpValidateCode, 4: tolem.OpCloseCode, 5: tolem.OpCancelCode,
	6: tolem.OpGetPayment, 7: tolem.OpGetReceipt, 8: tolem.OpListServices, 9: tolem.OpGetOutcome,
}

// operationText announces an operation that has no number.
const operationText = 0xff

// How what is left is stored.
const (
	restPlain = 0
	restZstd1 = 1 // dictionary 1
)

// Limits of a record.
const (
	maxField   = 1 << 10 // bytes of a text field
	maxMessage = 4 << 20 // bytes of a message
	maxCuts    = 64
)

// errPacked reports bytes that pack did not write.
var errPacked = errors.New("packed record is malformed")

// packer packs and unpacks records. It is safe for concurrent use.
type packer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	pool    sync.Pool
}

// packed is the scratch of one packing and its result.
type packed struct {
	plain   []byte
	rest    []byte
	scratch []byte
	cuts    []cut
}

func newPacker() (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(dictionaryID, dictionary1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(packWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("archive: compressor: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(dictionaryID, dictionary1), zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderMaxMemory(maxMessage))
	if err != nil {
		return nil, fmt.Errorf("archive: decompressor: %w", err)
	}
	return &packer{encoder: encoder, decoder: decoder, pool: sync.Pool{New: func() any { return new(packed) }}}, nil
}

func (p *packer) release(x *packed) { p.pool.Put(x) }

// pack returns the packed record; release it after use. If the record names no
// certificate and the message carries one, that becomes the record's, and its
// DER is returned to be stored.
func (p *packer) pack(r *Record) (x *packed, token []byte, err error) {
	switch {
	case len(r.Participant) > maxField, len(r.Operation) > maxField, len(r.RequestID) > maxField, len(r.Class) > maxField:
		return nil, nil, fmt.Errorf("a field of more than %d bytes", maxField)
	case len(r.Raw) > maxMessage:
		return nil, nil, fmt.Errorf("a message of more than %d bytes", maxMessage)
	case r.Direction < In || r.Direction > Internal:
		return nil, nil, fmt.Errorf("no such direction: %s", r.Direction)
	}
	x = p.pool.Get().(*packed)
	x.findCuts(r)
	if i := x.certificateCut(); i >= 0 && r.Class == "" {
		if der := x.cuts[i].data; r.Fingerprint == (tolem.Fingerprint{}) {
			r.Fingerprint = tolem.FingerprintOf(der)
			token = bytes.Clone(der)
			x.cuts[i].isCertificate()
		} else if tolem.FingerprintOf(der) == r.Fingerprint {
			x.cuts[i].isCertificate()
		}
	}
	x.plain = x.appendHeader(x.plain[:0], r)
	x.plain = x.appendCuts(x.plain, r.Raw)
	x.rest = x.appendRest(x.rest[:0], r.Raw)
	return x, token, p.appendCompressed(x)
}

func (x *packed) appendHeader(b []byte, r *Record) []byte {
	flags := byte(r.Direction)
	uuid, isUUID := parseUUID(string(r.RequestID))
	switch {
	case isUUID:
		flags |= flagRequestUUID
	case r.RequestID != "":
		flags |= flagRequestText
	}
	flags |= flagIf(r.Fingerprint != tolem.Fingerprint{}, flagCertificate) | flagIf(r.TrustID != [16]byte{}, flagTrust) | flagIf(r.Class != "", flagClass)
	b = append(b, packFormat, flags)
	b = binary.AppendVarint(b, r.At.UnixMicro()-idTime(r.ID).UnixMicro())
	if n := slices.Index(operationNumbers[:], r.Operation); n >= 0 {
		b = append(b, byte(n))
	} else {
		b = appendText(append(b, operationText), string(r.Operation))
	}
	b = appendText(b, string(r.Participant))
	switch {
	case isUUID:
		b = append(b, uuid[:]...)
	case r.RequestID != "":
		b = appendText(b, string(r.RequestID))
	}
	if flags&flagCertificate != 0 {
		b = append(b, r.Fingerprint[:]...)
	}
	if flags&flagTrust != 0 {
		b = append(b, r.TrustID[:]...)
	}
	if flags&flagClass != 0 {
		b = appendText(b, r.Class)
	}
	return b
}

func flagIf(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// zstdMagic opens every frame; it is not stored.
var zstdMagic = [4]byte{0x28, 0xb5, 0x2f, 0xfd}

// appendCompressed appends what is left of the message.
func (p *packer) appendCompressed(x *packed) error {
	at := len(x.plain)
	x.plain = p.encoder.EncodeAll(x.rest, x.plain)
	frame := x.plain[at:]
	if len(x.rest) == 0 || len(frame) >= len(x.rest)+len(zstdMagic) {
		x.plain = append(append(x.plain[:at], restPlain), x.rest...)
		return nil
	}
	if len(frame) < len(zstdMagic) || [4]byte(frame) != zstdMagic {
		return errors.New("compressor wrote no frame")
	}
	frame[len(zstdMagic)-1] = restZstd1
	x.plain = append(x.plain[:at], frame[len(zstdMagic)-1:]...)
	return nil
}

// unpack reverses pack. certificate returns the DER of a stored certificate.
func (p *packer) unpack(plain []byte, id MessageID, certificate func(tolem.Fingerprint) ([]byte, error)) (Record, error) {
	d := &decoder{b: plain}
	r := d.header(id)
	cuts := d.cuts(&r)
	if d.err != nil {
		return Record{}, d.err
	}
	rest, err := p.decompress(d.b)
	if err != nil {
		return Record{}, err
	}
	for i := range cuts {
		if cuts[i].kind == cutCertificate {
			if cuts[i].data, err = certificate(r.Fingerprint); err != nil {
				return Record{}, fmt.Errorf("certificate of the message: %w", err)
			}
		}
	}
	r.Raw, err = restore(rest, cuts)
	return r, err
}

func (p *packer) decompress(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, errPacked
	}
	switch b[0] {
	case restPlain:
		return b[1:], nil
	case restZstd1:
		frame := append(zstdMagic[:], b[1:]...)
		rest, err := p.decoder.DecodeAll(frame, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errPacked, err)
		}
		return rest, nil
	}
	return nil, fmt.Errorf("%w: dictionary %d is not known", errPacked, b[0])
}

// decoder reads a packed record; after an error everything is empty.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.b) {
		d.err = errPacked
		return make([]byte, max(0, min(n, 64)))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uvarint() int {
	v, n := binary.Uvarint(d.b)
	if d.err != nil || n <= 0 || v > maxMessage {
		d.err = errPacked
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.err != nil || n <= 0 {
		d.err = errPacked
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }

func (d *decoder) header(id MessageID) Record {
	r := Record{ID: id}
	if head := d.take(1); head[0] != packFormat {
		d.err = errPacked
	}
	flags := d.take(1)[0]
	r.Direction = Direction(flags & flagDirection)
	r.At = time.UnixMicro(idTime(id).UnixMicro() + d.varint()).UTC()
	if n := d.take(1)[0]; n == operationText {
		r.Operation = tolem.Operation(d.text())
	} else if int(n) < len(operationNumbers) {
		r.Operation = operationNumbers[n]
	} else {
		d.err = errPacked
	}
	r.Participant = tolem.ParticipantID(d.text())
	if flags&flagRequestUUID != 0 {
		r.RequestID = tolem.RequestID(MessageID(d.take(16)).String())
	}
	if flags&flagRequestText != 0 {
		r.RequestID = tolem.RequestID(d.text())
	}
	if flags&flagCertificate != 0 {
		r.Fingerprint = tolem.Fingerprint(d.take(32))
	}
	if flags&flagTrust != 0 {
		r.TrustID = [16]byte(d.take(16))
	}
	if flags&flagClass != 0 {
		r.Class = d.text()
	}
	return r
}

// parseUUID reads a UUID that String would write the same way.
func parseUUID(s string) (MessageID, bool) {
	id, err := tolemUUID(s)
	return id, err == nil && id.String() == s
}
