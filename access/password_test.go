package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
)

// However a password is printed, it is not.
func TestPasswordsAreNotPrinted(t *testing.T) {
	const secret = "parol-7351"
	p := NewPassword(secret)
	type holder struct {
		Public  Password
		private Password
		Pointer *Password
		Pair    NewPasswords
	}
	h := holder{p, p, &p, NewPasswords{p, p}}
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %t %f %c %U %p %T %w", " ") {
		for _, v := range []any{p, &p, h, &h, []Password{p}, map[string]any{"p": h}, proof{password: p}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %T prints it", verb, v)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "password", p, "holder", h)
	text, err := json.Marshal(h)
	if err != nil || strings.Contains(string(text)+log.String(), secret) {
		t.Errorf("%v: %s%s", err, text, log.String())
	}
	if p.Reveal() != secret || (Password{}).Reveal() != "" {
		t.Error("it is lost")
	}
}

// WP-513
func TestWeakPasswords(t *testing.T) {
	for text, want := range map[string]error{
		"parol-01": nil, "12345678a": nil, "şəkəriçə1": nil, "пароль-12": nil, "parol-0": ErrWeak, "": ErrWeak, "12345678": ErrWeak, "parolparol": ErrWeak,
		"        ": ErrWeak, "ə1ə1ə1ə": ErrWeak, "ə1ə1ə1ə1": nil, strings.Repeat("a1", 64): nil, strings.Repeat("a1", 65): ErrTooLong, strings.Repeat("a1", 1<<16): ErrTooLong,
		"e\u0301e\u0301e\u0301e\u03011": ErrWeak, // five letters and digits, however they are typed
	} {
		if err := NewPassword(text).check(); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
	if !NewPassword("parol-\u011f1").same(NewPassword("parol-g\u03061")) {
		t.Error("the same letter typed in two ways makes two passwords")
	}
}

// WP-518
func TestTemporaryPasswordsCanBeRead(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		text := temporaryPassword().Reveal()
		if seen[text] || NewPassword(text).check() != nil || len(text) != 14 || strings.ContainsAny(text, "il1o0 ") || strings.ContainsFunc(text, unicode.IsUpper) {
			t.Fatalf("%q", text)
		}
		seen[text] = true
	}
}

var quick = HashParams{Memory: 8 << 10, Time: 1, Threads: 1}

func TestHash(t *testing.T) {
	h := newHasher(quick, 1)
	p := NewPassword("parol-0001")
	one, err := h.hash(t.Context(), p)
	if err != nil || !strings.HasPrefix(one, "$argon2id$v=19$m=8192,t=1,p=1$") {
		t.Fatalf("%s, %v", one, err)
	}
	if two, _ := h.hash(t.Context(), p); two == one {
		t.Error("two hashes have one salt")
	}
	if right, outdated, err := h.verify(t.Context(), p, one); !right || outdated || err != nil {
		t.Errorf("the right one: %v, outdated %v, %v", right, outdated, err)
	}
	if right, _, err := h.verify(t.Context(), NewPassword("parol-0002"), one); right || err != nil {
		t.Errorf("a wrong one: %v, %v", right, err)
	}
	dearer := newHasher(HashParams{Memory: 16 << 10, Time: 2, Threads: 2}, 1)
	if right, outdated, err := dearer.verify(t.Context(), p, one); !right || !outdated || err != nil {
		t.Errorf("under other parameters: %v, outdated %v, %v", right, outdated, err)
	}
	for _, bad := range []string{
		"", "x", "$argon2i$v=19$m=8192,t=1,p=1$" + one[30:], strings.Replace(one, "v=19", "v=16", 1), strings.Replace(one, "m=8192", "m=99999999", 1),
		strings.Replace(one, "t=1", "t=1000", 1), strings.Replace(one, "p=1", "p=0", 1), one + "A", one[:len(one)-1], strings.Replace(one, "m=8192", "m=+8192", 1), one + "$",
	} {
		if _, _, err := h.verify(t.Context(), p, bad); !errors.Is(err, errHash) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, p := range []HashParams{{}, {Memory: 1, Time: 1, Threads: 1}, {Memory: 8 << 10, Threads: 1}, {Memory: 1 << 30, Time: 1, Threads: 1}} {
		if p.check() == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=8192,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, stored string) {
		p, salt, key, err := parseHash(stored)
		if err == nil && (p.check() != nil || len(salt) != saltSize || len(key) != hashSize) {
			t.Errorf("%q: %+v", stored, p)
		}
	})
}

// Hashing takes the memory of its places and no more, and who does not get one
// in time is told.
func TestHashingIsBounded(t *testing.T) {
	h := newHasher(quick, 2)
	var inside, most atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			leave, err := h.enter(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer leave()
			if n := inside.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
		})
	}
	group.Wait()
	if most.Load() > 2 {
		t.Errorf("%d at the same time", most.Load())
	}
	leave, _ := h.enter(t.Context())
	other, _ := h.enter(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.hash(ctx, NewPassword("parol-0001")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no place in time: %v", err)
	}
	for range maxHashWaiting {
		h.waiting <- struct{}{}
	}
	if _, _, err := h.verify(t.Context(), NewPassword("x"), "$argon2id$v=19$m=8192,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); !errors.Is(err, ErrBusy) {
		t.Errorf("a queue that is full: %v", err)
	}
	leave()
	other()
}

// What a password costs in production.
func BenchmarkDefaultHash(b *testing.B) {
	h := newHasher(DefaultHash, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.hash(b.Context(), NewPassword("parol-0001")); err != nil {
			b.Fatal(err)
		}
	}
}
