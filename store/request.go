package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tolem"
)

// MessageID names a stored message: a UUID of version 7, made by the archive.
type MessageID [16]byte

// String returns the textual form of the UUID.
func (id MessageID) String() string {
	h := hex.EncodeToString(id[:])
	return h[0:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// IsZero reports whether there is no message.
func (id MessageID) IsZero() bool { return id == MessageID{} }

// ParseMessageID reads the textual form.
func ParseMessageID(s string) (MessageID, error) {
	id, err := parseUUID(s)
	return MessageID(id), err
}

// Request is an accepted request with its outcome: the idempotency record
// (GW-P08). Participant and ID are unique together for ever.
type Request struct {
	Participant tolem.ParticipantID
	ID          tolem.RequestID
	Operation   tolem.Operation
	BodyHash    [32]byte // of what the signed Body asks for: tells a repetition from a reuse of the id
	SignedInfo  [32]byte // of the signature: tells the same message from one signed anew
	Code        tolem.CodeNumber
	Result      tolem.ResultCode
	Answer      MessageID // the stored answer, a message of Code; replayed byte for byte
	At          time.Time
}

type requestKey struct {
	participant string
	id          [16]byte
}

// Request returns the record of a request, or ErrNotFound.
func (tx *Tx) Request(p tolem.ParticipantID, id tolem.RequestID) (Request, error) {
	uuid, err := parseUUID(string(id))
	if err != nil {
		return Request{}, err
	}
	r, found, err := tx.db.readers.requests.get(tx.ctx, requestKey{string(p), uuid})
	switch {
	case err != nil:
		return Request{}, fmt.Errorf("read request: %w", err)
	case !found:
		return Request{}, fmt.Errorf("request: %w", ErrNotFound)
	}
	return r, nil
}

const requestColumns = "participant, id, operation, body_hash, signed_info, code, result, answer, at"

// requestKeyColumns name a request.
var requestKeyColumns = []column{{"p", text}, {"i", binary_}}

func (db *DB) loadRequests(ctx context.Context, keys []requestKey, found func(requestKey, Request)) error {
	rows := make([][]any, 0, maxReadKeys)
	for _, k := range padded(keys) {
		rows = append(rows, []any{k.participant, k.id[:]})
	}
	return db.keyed(ctx, requestKeyColumns, rows, `SELECT `+requestColumns+` FROM rows CROSS JOIN request WHERE participant = p AND id = i`,
		func(scan func(...any) error) error {
			r, k, err := scanRequest(scan)
			found(k, r)
			return err
		})
}

func scanRequest(scan func(...any) error) (Request, requestKey, error) {
	var participant, operation, result string
	var id, body, info, answer []byte
	var code, at int64
	if err := scan(&participant, &id, &operation, &body, &info, &code, &result, &answer, &at); err != nil {
		return Request{}, requestKey{}, err
	}
	if len(id) != 16 || len(body) != 32 || len(info) != 32 || len(answer) != 16 {
		return Request{}, requestKey{}, fmt.Errorf("request row: %w", ErrSchema)
	}
	r := Request{
		Participant: tolem.ParticipantID(participant), ID: tolem.RequestID(MessageID(id).String()), Operation: tolem.Operation(operation),
		BodyHash: [32]byte(body), SignedInfo: [32]byte(info), Code: codeOf(code), Result: tolem.ResultCode(result),
		Answer: MessageID(answer), At: instant(at),
	}
	return r, requestKey{participant, [16]byte(id)}, nil
}

// InsertRequest stores the record of a request. If there is one already, the
// closure is run again and finds it. A closure that inserts a request is run
// again after a commit of unknown outcome too: when it is run again, it must
// ask for the request first.
func (tx *Tx) InsertRequest(r Request) error {
	if err := tx.writable(); err != nil {
		return err
	}
	id, err := parseUUID(string(r.ID))
	if err != nil {
		return err
	}
	tx.set.rerunnable = true
	tx.set.guard(guardKey{table: tableRequest, name: string(r.Participant) + "/" + string(id[:])})
	tx.set.add(bulkRequest, string(r.Participant), id[:], string(r.Operation), r.BodyHash[:], r.SignedInfo[:], messageKey(r.Code, r.Answer),
		string(r.Result), r.Answer[:], micros(r.At))
	return nil
}

// parseUUID reads 36 characters; upper and lower case name the same UUID.
func parseUUID(s string) (id [16]byte, err error) {
	if !tolem.CheckRequestID(s) {
		return id, fmt.Errorf("%q is not a UUID", s)
	}
	if _, err := hex.Decode(id[:], []byte(strings.ReplaceAll(s, "-", ""))); err != nil {
		return id, fmt.Errorf("%q is not a UUID: %w", s, err)
	}
	return id, nil
}
