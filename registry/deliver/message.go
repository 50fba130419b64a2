package deliver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"tolem"
	"tolem/archive"
	"tolem/signing"
	"tolem/wsdl"
)

// How a document is cut into messages, which have at most signing.MaxMessage
// bytes, and texts in them at most 128 KiB.
const (
	partSize  = 512 << 10 // bytes of the document in one message
	pieceSize = 64 << 10  // bytes of it in one element
)

// The operation of the receiver's contract.
const (
	opDeliver   = tolem.Operation("DeliverDocument")
	opDelivered = "DeliverDocumentResponse"
)

// Result codes of the receiver's contract that are treated each in its own way.
const (
	resultBusy         = "BUSY"
	resultWrongHash    = "WRONG_HASH"
	resultOtherContent = "OTHER_CONTENT"
)

// parts is into how many messages a parcel is cut; an empty one is one too.
func (p *Parcel) parts() int64 { return max(1, (p.Size+partSize-1)/partSize) }

// requestID is the same whenever this part of this delivery is sent.
func (p *Parcel) requestID(part int64) tolem.RequestID {
	hash := sha256.New()
	hash.Write([]byte("tolem/delivery"))
	hash.Write(p.Delivery.ID[:])
	hash.Write(p.SHA256[:])
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(part)))
	id := archive.MessageID(hash.Sum(nil)[:16])
	id[6] = 0x80 | id[6]&0x0f // version 8: made in our own way
	id[8] = 0x80 | id[8]&0x3f
	return tolem.RequestID(id.String())
}

// payload is the Body's child of one part, in canonical form. Its values need
// no escaping: names were checked, all others are numbers or hashes.
func (p *Parcel) payload(part int64) ([]byte, error) {
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(partSize)+2048)
	b = append(b, "<"+opDeliver+` xmlns="`+wsdl.ReceiverNamespace+`">`...)
	field := func(name, value string) { b = append(b, "<"+name+">"+value+"</"+name+">"...) }
	field("requestId", string(p.requestID(part)))
	field("kind", p.Delivery.Kind)
	field("number", p.Delivery.Ref)
	field("owner", p.Owner)
	field("day", p.Day.String())
	field("revision", strconv.Itoa(p.Revision))
	field("form", p.Delivery.Form)
	field("name", p.Name)
	field("size", strconv.FormatInt(p.Size, 10))
	field("hash", hex.EncodeToString(p.SHA256[:]))
	field("part", strconv.FormatInt(part, 10))
	field("parts", strconv.FormatInt(p.parts(), 10))
	content := io.NewSectionReader(p.content, (part-1)*partSize, min(partSize, p.Size-(part-1)*partSize))
	piece := make([]byte, pieceSize)
	for {
		n, err := io.ReadFull(content, piece)
		if n > 0 {
			b = append(b, "<content>"...)
			b = base64.StdEncoding.AppendEncode(b, piece[:n])
			b = append(b, "</content>"...)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return append(b, "</"+opDeliver+">"...), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDocument, err)
		}
	}
}

// reply is what a receiver has answered, verified.
type reply struct {
	requestID, code, text string
}

// readReply reads the Body of a verified answer.
func readReply(reader *signing.Reader, body []byte) (reply, error) {
	name, fields, err := reader.Read(body)
	if err != nil {
		return reply{}, err
	}
	if name != opDelivered {
		return reply{}, fmt.Errorf("%s answers %s", name, opDeliver)
	}
	var r reply
	for _, f := range fields {
		switch f.Name {
		case "requestId":
			r.requestID = f.Value
		case "resultCode":
			r.code = f.Value
		case "resultText":
			r.text = f.Value
		}
	}
	if r.code == "" {
		return reply{}, errors.New("no resultCode")
	}
	return r, nil
}
