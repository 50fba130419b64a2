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

// A packed entry is
//
//	format, number of records;
//	of each record: flags, arrival, operation, participant and what the flags
//	announce, the cuts (what was taken out of the message, and from where), the
//	length of what is left of it;
//	what is left of all messages, compressed with a dictionary of envelopes.
//
// A request and its answer share an entry: they repeat each other. Cut out is
// what does not compress: the signer's certificate, which is stored once for
// all its messages, Base64, which is kept as the bytes it stands for, times,
// and what stands in the record already. A cut is made only if putting it back
// gives the very same characters, so that packing is lossless by construction.

const packFormat = 1

// The flags.
const (
	flagDirection   = 0x03
	flagCertificate = 0x04
	flagTrust       = 0x08
	flagClass       = 0x10
	flagRequestUUID = 0x20 // 16 bytes
	flagRequestText = 0x40 // anything else that was in its place
	flagSame        = 0x80 // participant, operation and request id are those of the record before
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
	maxRecords = 2 // of an entry
)

// refSize is how many bytes of its id name a shared document in a record. A
// collision takes 2^32 certificates from authorities that we trust, or as many
// of our own proofs; and the leaf, which has all bytes, would show it.
const refSize = 8

// documents resolves what a record refers to.
type documents interface {
	// named returns the document whose id begins with ref, and that id.
	named(ref [refSize]byte) (id, data []byte, err error)
}

// errPacked reports bytes that pack did not write.
var errPacked = errors.New("packed record is malformed")

// packer packs and unpacks entries. It is safe for concurrent use.
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

	code, request []byte // texts to look for
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

// pack packs the records of an entry; release the result after use. If a
// record names no certificate and its message carries one, that becomes the
// record's, and its DER is returned to be stored.
func (p *packer) pack(records []Record) (x *packed, tokens [maxRecords][]byte, err error) {
	if len(records) == 0 || len(records) > maxRecords {
		return nil, tokens, fmt.Errorf("an entry of %d records", len(records))
	}
	for i := range records {
		if err := records[i].check(records[0].Code); err != nil {
			return nil, tokens, err
		}
	}
	x = p.pool.Get().(*packed)
	x.plain = append(x.plain[:0], packFormat, byte(len(records)))
	x.rest = x.rest[:0]
	for i := range records {
		r := &records[i]
		x.findCuts(r)
		tokens[i] = x.adoptCertificate(r)
		var before *Record
		if i > 0 {
			before = &records[i-1]
		}
		if i < len(records)-1 { // the last one has the id of the entry
			x.plain = append(x.plain, r.ID[:]...)
		}
		x.appendHeader(r, before)
		x.appendCuts(r)
		at := len(x.rest)
		x.appendRest(r.Raw)
		x.plain = binary.AppendUvarint(x.plain, uint64(len(x.rest)-at))
	}
	return x, tokens, p.appendCompressed(x)
}

// check refuses what could not be unpacked.
func (r *Record) check(code tolem.CodeNumber) error {
	switch {
	case len(r.Participant) > maxField, len(r.Operation) > maxField, len(r.RequestID) > maxField, len(r.Class) > maxField:
		return fmt.Errorf("a field of more than %d bytes", maxField)
	case len(r.Raw) > maxMessage:
		return fmt.Errorf("a message of more than %d bytes", maxMessage)
	case r.Direction < In || r.Direction > Internal:
		return fmt.Errorf("no such direction: %s", r.Direction)
	case r.Code != code || r.Code < 0:
		return errors.New("records of an entry concern one code")
	}
	return nil
}

// adoptCertificate makes a token that is the record's certificate a reference
// to it. Without a certificate, the token of a message that was not refused
// becomes the record's.
func (x *packed) adoptCertificate(r *Record) (token []byte) {
	i := x.certificateCut()
	if i < 0 || r.Class != "" && r.Class != ClassRedacted && r.Fingerprint == (tolem.Fingerprint{}) {
		return nil
	}
	f := tolem.FingerprintOf(x.cuts[i].data)
	if r.Fingerprint == (tolem.Fingerprint{}) {
		r.Fingerprint, token = f, bytes.Clone(x.cuts[i].data)
	}
	if r.Fingerprint == f {
		x.cuts[i].kind = cutCertificate
	}
	return token
}

func (x *packed) appendHeader(r, before *Record) {
	flags := byte(r.Direction) | flagIf(r.Fingerprint != tolem.Fingerprint{}, flagCertificate) |
		flagIf(r.TrustID != [16]byte{}, flagTrust) | flagIf(r.Class != "", flagClass)
	uuid, isUUID := parseUUID(string(r.RequestID))
	same := before != nil && before.Participant == r.Participant && before.Operation == r.Operation && before.RequestID == r.RequestID
	switch {
	case same:
		flags |= flagSame
	case isUUID:
		flags |= flagRequestUUID
	case r.RequestID != "":
		flags |= flagRequestText
	}
	b := append(x.plain, flags)
	b = binary.AppendVarint(b, r.At.UnixMicro()-idTime(r.ID).UnixMicro())
	if !same {
		if n := slices.Index(operationNumbers[:], r.Operation); n >= 0 {
			b = append(b, byte(n))
		} else {
			b = appendText(append(b, operationText), string(r.Operation))
		}
		b = appendText(b, string(r.Participant))
	}
	switch {
	case flags&flagRequestUUID != 0:
		b = append(b, uuid[:]...)
	case flags&flagRequestText != 0:
		b = appendText(b, string(r.RequestID))
	}
	if flags&flagCertificate != 0 {
		b = append(b, r.Fingerprint[:refSize]...)
	}
	if flags&flagTrust != 0 {
		b = append(b, r.TrustID[:refSize]...)
	}
	if flags&flagClass != 0 {
		b = appendText(b, r.Class)
	}
	x.plain = b
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

// unpack reverses pack for the entry of this code and id.
func (p *packer) unpack(plain []byte, code tolem.CodeNumber, id MessageID, docs documents) ([]Record, error) {
	d := &decoder{b: plain, docs: docs}
	head := d.take(2)
	n := int(head[1])
	if head[0] != packFormat || n < 1 || n > maxRecords {
		return nil, errPacked
	}
	records, cuts, lengths := make([]Record, n), make([][]cut, n), make([]int, n)
	for i := range records {
		rid := id
		if i < n-1 {
			rid = MessageID(d.take(len(rid)))
		}
		var before *Record
		if i > 0 {
			before = &records[i-1]
		}
		records[i] = d.header(rid, before)
		records[i].Code = code
		cuts[i] = d.cuts(&records[i])
		lengths[i] = d.uvarint()
	}
	if d.err != nil {
		return nil, d.err
	}
	rest, err := p.decompress(d.b)
	for i := range records {
		if err != nil || lengths[i] > len(rest) {
			return nil, errors.Join(errPacked, err)
		}
		records[i].Raw, err = restore(rest[:lengths[i]], cuts[i])
		rest = rest[lengths[i]:]
	}
	if err != nil || len(rest) != 0 {
		return nil, errors.Join(errPacked, err)
	}
	return records, nil
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
	b    []byte
	err  error
	docs documents
	der  []byte // of the record's certificate
}

// refer reads a reference to a shared document.
func (d *decoder) refer() (id, data []byte) {
	ref := [refSize]byte(d.take(refSize))
	if d.err == nil {
		id, data, d.err = d.docs.named(ref)
	}
	return id, data
}

func (d *decoder) take(n int) []byte {
	if d.err == nil && (n < 0 || n > len(d.b)) {
		d.err = errPacked
	}
	if d.err != nil {
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

func (d *decoder) header(id MessageID, before *Record) Record {
	r := Record{ID: id}
	flags := d.take(1)[0]
	r.Direction = Direction(flags & flagDirection)
	r.At = time.UnixMicro(idTime(id).UnixMicro() + d.varint()).UTC()
	switch {
	case flags&flagSame == 0:
		r.Operation = d.operation()
		r.Participant = tolem.ParticipantID(d.text())
	case before == nil:
		d.err = errPacked
	default:
		r.Operation, r.Participant, r.RequestID = before.Operation, before.Participant, before.RequestID
	}
	if flags&flagRequestUUID != 0 {
		r.RequestID = tolem.RequestID(MessageID(d.take(16)).String())
	}
	if flags&flagRequestText != 0 {
		r.RequestID = tolem.RequestID(d.text())
	}
	d.der = nil
	if flags&flagCertificate != 0 {
		var id []byte
		id, d.der = d.refer()
		copy(r.Fingerprint[:], id)
	}
	if flags&flagTrust != 0 {
		id, _ := d.refer()
		copy(r.TrustID[:], id)
	}
	if flags&flagClass != 0 {
		r.Class = d.text()
	}
	return r
}

func (d *decoder) operation() tolem.Operation {
	n := d.take(1)[0]
	switch {
	case n == operationText:
		return tolem.Operation(d.text())
	case int(n) < len(operationNumbers):
		return operationNumbers[n]
	}
	d.err = errPacked
	return ""
}
