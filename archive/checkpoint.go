package archive

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A checkpoint is a note of three lines (origin, size, root in Base64) with an
// Ed25519 signature, as transparency logs write it (c2sp.org/tlog-checkpoint).

// ErrCheckpoint reports a checkpoint that is not one of this log.
var ErrCheckpoint = errors.New("checkpoint is not genuine")

// Head is a size of the log and its root.
type Head struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

func (h Head) text() string {
	return h.Origin + "\n" + strconv.FormatInt(h.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(h.Root[:]) + "\n"
}

func (h Head) sign(signer note.Signer) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: h.text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint verifies a checkpoint with the public key and returns what it
// says. Every byte of it counts: a second spelling of the same checkpoint is
// refused.
func OpenCheckpoint(signed []byte, verifier note.Verifier) (Head, error) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Head{}, fmt.Errorf("%w: it has other signatures", ErrCheckpoint)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return Head{}, fmt.Errorf("%w: not of %s", ErrCheckpoint, verifier.Name())
	}
	h := Head{Origin: lines[0]}
	h.Size, err = strconv.ParseInt(lines[1], 10, 64)
	root, err2 := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err = errors.Join(err, err2); err != nil || len(root) != tlog.HashSize || h.Size < 0 {
		return Head{}, fmt.Errorf("%w: size or root: %w", ErrCheckpoint, err)
	}
	h.Root = tlog.Hash(root)
	again, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs})
	if err != nil || !canonical(signed, again) {
		return Head{}, fmt.Errorf("%w: it is written in another way", ErrCheckpoint)
	}
	return h, nil
}

// canonical compares with the note as the library writes it, and makes sure
// that the Base64 of the signature has no second spelling.
func canonical(signed, again []byte) bool {
	last := signed[bytes.LastIndexByte(signed[:len(signed)-1], ' ')+1 : len(signed)-1]
	_, err := base64.StdEncoding.Strict().DecodeString(string(last))
	return err == nil && bytes.Equal(signed, again)
}

// NewVerifier returns the verifier of a public checkpoint key, as
// note.GenerateKey writes it.
func NewVerifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return v, nil
}
