package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// HashParams are the costs of hashing a password with argon2id.
type HashParams struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultHash is what OWASP and RFC 9106 leave room for where many people sign
// in at the same hour: 19 MiB, two passes, one thread, some 40 ms of a processor.
// The hash is sealed by the vault besides, so that a stolen database alone
// gives nothing to guess at.
var DefaultHash = HashParams{Memory: 19 << 10, Time: 2, Threads: 1}

// Limits of hashing.
const (
	saltSize = 16
	hashSize = 32

	minHashMemory  = 8 << 10   // KiB
	maxHashMemory  = 256 << 10 // KiB: what stands in a stored hash cannot cost more
	maxHashTime    = 10
	maxHashThreads = 8

	maxHashWaiting = 1024 // passwords that wait for a hasher; more are sent away
)

func (p HashParams) check() error {
	if p.Memory < minHashMemory || p.Memory > maxHashMemory || p.Time < 1 || p.Time > maxHashTime || p.Threads < 1 || p.Threads > maxHashThreads {
		return fmt.Errorf("password hash: memory must be %d to %d KiB, time 1 to %d, threads 1 to %d", minHashMemory, maxHashMemory, maxHashTime, maxHashThreads)
	}
	return nil
}

// errHash reports a stored hash that this program did not write.
var errHash = errors.New("stored password hash is malformed")

// hasher hashes passwords, a bounded number at the same time: each needs the
// memory of its parameters.
type hasher struct {
	params  HashParams
	slots   chan struct{}
	waiting chan struct{}
}

func newHasher(p HashParams, slots int) *hasher {
	return &hasher{params: p, slots: make(chan struct{}, slots), waiting: make(chan struct{}, maxHashWaiting)}
}

// enter waits for a place. The caller calls what it returns when done.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns the password's hash in the PHC form:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (h *hasher) hash(ctx context.Context, p Password) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(p.Reveal()), salt, h.params.Time, h.params.Memory, h.params.Threads, hashSize)
	return fmt.Sprintf(hashForm, argon2.Version, h.params.Memory, h.params.Time, h.params.Threads) +
		"$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key), nil
}

const hashForm = "$argon2id$v=%d$m=%d,t=%d,p=%d"

// verify reports whether the password is the one of the hash, and whether the
// hash was made with other parameters than those of today.
func (h *hasher) verify(ctx context.Context, p Password, stored string) (right, outdated bool, err error) {
	params, salt, want, err := parseHash(stored)
	if err != nil {
		return false, false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(p.Reveal()), salt, params.Time, params.Memory, params.Threads, hashSize)
	return subtle.ConstantTimeCompare(got, want) == 1, params != h.params, nil
}

// parseHash reads what hash wrote, within the limits.
func parseHash(stored string) (p HashParams, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 {
		return p, nil, nil, errHash
	}
	var version int
	head := strings.Join(parts[:4], "$")
	if n, err := fmt.Sscanf(head, hashForm, &version, &p.Memory, &p.Time, &p.Threads); err != nil || n != 4 {
		return p, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(saltErr, keyErr, p.check()) != nil || version != argon2.Version || len(salt) != saltSize || len(key) != hashSize ||
		head != fmt.Sprintf(hashForm, version, p.Memory, p.Time, p.Threads) {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}
