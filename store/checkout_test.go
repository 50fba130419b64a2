package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
)

func testCheckout(id string, now time.Time) tolem.Checkout {
	return tolem.Checkout{
		ID: tolem.PaymentID(id), Kind: tolem.CheckoutCard, Version: 1, State: tolem.CheckoutStarted, Participant: "PORTAL",
		Code: 100000000000003, Service: "BIRTH", Provider: "JUSTICE", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
		Recipient: "850101300124", RecipientName: "Айгуль Серикова", RequestNo: "R-77", Details: "повторное свидетельство",
		Language: "kk", ReturnURL: "https://portal.kz/back/7712", CreatedAt: now, ExpiresAt: now.Add(tolem.TokenTTL), InputBy: now.Add(tolem.TokenTTL),
	}
}

func testAttempt(id string, c tolem.Checkout, state tolem.AttemptState) tolem.Attempt {
	return tolem.Attempt{
		ID: tolem.AttemptID(id), Payment: c.ID, Number: 1, Code: c.Code, Method: tolem.MethodCard, Bank: "BANK1", Amount: c.Amount,
		Masked: "411111******1111", State: state, Version: 1, StartedAt: c.CreatedAt,
	}
}

func (db *DB) testTime() time.Time { return db.now() }

func migrated(t *testing.T, db *DB) *DB {
	t.Helper()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func mustUpdate(t *testing.T, db *DB, fn func(*Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// A checkout comes back as it was stored, its personal data only through the
// vault (GW-P37), and its token brings one browser to the page.
//
// GW-P32
func TestCheckout(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		now := db.testTime()
		c, token := testCheckout("c1", now), sha256.Sum256([]byte("token"))
		mustUpdate(t, db, func(tx *Tx) error { return tx.InsertCheckout(c, token) })

		var won, taken int
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error {
					found, err := tx.CheckoutByToken(token)
					if err != nil {
						return err
					}
					if !found.RedeemedAt.IsZero() {
						return ErrTaken
					}
					found.State, found.RedeemedAt, found.InputBy = tolem.CheckoutOpen, tx.Now(), tx.Now().Add(tolem.InputTTL)
					return tx.RedeemCheckout(found)
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case errors.Is(err, ErrTaken):
					taken++
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won != 1 || taken != 99 {
			t.Fatalf("%d came with one token, %d were told that it was used", won, taken)
		}
		err := db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Checkout("c1")
			if err != nil {
				return err
			}
			want := c
			want.State, want.Version, want.RedeemedAt, want.InputBy = tolem.CheckoutOpen, 2, got.RedeemedAt, got.InputBy
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What is personal of checkouts and attempts stands in the files sealed only.
//
// GW-P31, GW-P37
func TestCheckoutIsSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealed.db")
	db := migrated(t, openTest(t, "sqlite:"+path, Options{}))
	c := testCheckout("c1", db.testTime())
	a := testAttempt("a1", c, tolem.AttemptSent)
	a.BankText, a.ReverseBy, a.ReverseWhy = "карта заблокирована", "operator Ivanova", "claim 7"
	mustUpdate(t, db, func(tx *Tx) error {
		if err := tx.InsertCheckout(c, sha256.Sum256([]byte("t"))); err != nil {
			return err
		}
		return tx.InsertPayAttempt(a, tolem.AttemptSent)
	})
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{c.Recipient.Reveal(), c.RecipientName, "R-77", c.Details, "/back/7712", a.Masked, a.BankText, "Ivanova"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(file), secret)
			}
		}
	}
}

// Two tabs, a hundred clicks: one attempt for a code is open at a time, and the
// next may begin when it is over.
//
// ACQ-P06, GW-P34
func TestOneOpenAttempt(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		c := testCheckout("c1", db.testTime())
		race := func(round int) (winner tolem.Attempt) {
			var mu sync.Mutex
			var group sync.WaitGroup
			held := 0
			for i := range 100 {
				a := testAttempt(fmt.Sprintf("a%d-%d", round, i), c, tolem.AttemptSent)
				a.Payment, a.Number = tolem.PaymentID(fmt.Sprintf("c%d", i%2)), 100*round+i // two visits to the page for one code
				group.Go(func() {
					err := db.Update(t.Context(), func(tx *Tx) error {
						return tx.InsertPayAttempt(a, tolem.AttemptSent)
					})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						winner = a
					case errors.Is(err, ErrHeld):
						held++
					default:
						t.Error(err)
					}
				})
			}
			group.Wait()
			if held != 99 {
				t.Fatalf("%d of 100 attempts were refused", held)
			}
			return winner
		}
		first := race(1)
		refused, err := first.Become(tolem.AttemptRefused, db.testTime())
		if err != nil {
			t.Fatal(err)
		}
		mustUpdate(t, db, func(tx *Tx) error { return tx.ChangePayAttempt(first, refused, tolem.AttemptRefused) })
		second := race(2)
		if err := db.View(t.Context(), func(tx *Tx) error {
			list, err := tx.AttemptsOfCode(c.Code)
			if len(list) != 2 {
				t.Errorf("%d attempts are stored", len(list))
			}
			steps, _ := tx.AttemptSteps(first.ID)
			if len(steps) != 2 || steps[1].State != tolem.AttemptRefused || steps[1].Version != 2 {
				t.Errorf("history %+v", steps)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_ = second
	})
}

// Of many that decide an attempt at once one is right; the others see what it
// decided.
func TestAttemptIsDecidedOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		c := testCheckout("c1", db.testTime())
		a := testAttempt("a1", c, tolem.AttemptSent)
		mustUpdate(t, db, func(tx *Tx) error { return tx.InsertPayAttempt(a, tolem.AttemptSent) })
		var group sync.WaitGroup
		var mu sync.Mutex
		decided := 0
		for i := range 50 {
			to := []tolem.AttemptState{tolem.AttemptApproved, tolem.AttemptRefused, tolem.AttemptUnknown}[i%3]
			group.Go(func() {
				changed := false
				err := db.Update(t.Context(), func(tx *Tx) error {
					changed = false
					seen, err := tx.PayAttempt("a1")
					if err != nil {
						return err
					}
					next, err := seen.Become(to, tx.Now())
					if err != nil {
						return nil //nolint:nilerr // over already
					}
					changed = next.State != tolem.AttemptUnknown
					return tx.ChangePayAttempt(seen, next, to)
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if changed {
					decided++
				}
			})
		}
		group.Wait()
		if decided != 1 {
			t.Errorf("decided %d times", decided)
		}
	})
}

// A due attempt is asked about by one node, and again when its time comes.
//
// GW-P34, ACQ-P09
func TestDueAttempts(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		now := db.testTime()
		c := testCheckout("c1", now)
		for i, bank := range []tolem.ParticipantID{"BANK1", "BANK2", "BANK1", "BANK3"} {
			a := testAttempt(fmt.Sprint("a", i), c, tolem.AttemptUnknown)
			a.Number, a.Code, a.Bank, a.AskAt = i+1, c.Code+tolem.CodeNumber(i), bank, now.Add(-time.Duration(i)*time.Minute)
			if bank == "BANK3" {
				a.AskAt = now.Add(time.Hour)
			}
			mustUpdate(t, db, func(tx *Tx) error { return tx.InsertPayAttempt(a, tolem.AttemptUnknown) })
		}
		var banks []tolem.ParticipantID
		var due []tolem.Attempt
		if err := db.View(t.Context(), func(tx *Tx) (err error) {
			if banks, err = tx.DueBanks(); err != nil {
				return err
			}
			due, err = tx.DueAttempts("BANK1", 10)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(banks) != "[BANK1 BANK2]" || len(due) != 2 || due[0].ID != "a2" || due[1].ID != "a0" {
			t.Fatalf("banks %v, due %+v", banks, due)
		}
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 20 {
			group.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error { return tx.ClaimAttempt(due[0], now.Add(time.Minute)) })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, ErrLease) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won != 1 {
			t.Errorf("%d hold one attempt", won)
		}
	})
}

func TestReturnAddresses(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		for _, address := range []string{"https://b.kz/", "https://a.kz/pay", "https://a.kz/pay"} {
			mustUpdate(t, db, func(tx *Tx) error { return tx.AddReturnAddress("PORTAL", address) })
		}
		mustUpdate(t, db, func(tx *Tx) error { return tx.RemoveReturnAddress("PORTAL", "https://b.kz/") })
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.RemoveReturnAddress("PORTAL", "https://b.kz/") }); !errors.Is(err, ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		if err := db.View(t.Context(), func(tx *Tx) error {
			list, err := tx.ReturnAddresses("PORTAL")
			if strings.Join(list, " ") != "https://a.kz/pay" {
				t.Errorf("got %v", list)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A session is found until its time is over, and then deleted.
func TestPageSessions(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
		db := migrated(t, openTest(t, dsn, Options{Clock: func() time.Time { return now }}))
		hash, other := sha256.Sum256([]byte("cookie")), sha256.Sum256([]byte("other"))
		mustUpdate(t, db, func(tx *Tx) error {
			s := PageSession{Subject: "c1", Started: now, Seen: now}
			return errors.Join(tx.InsertPageSession(hash, s, now.Add(time.Hour)), tx.InsertPageSession(other, s, now.Add(time.Hour)))
		})
		mustUpdate(t, db, func(tx *Tx) error { return tx.TouchPageSession(hash, now.Add(time.Minute)) })
		mustUpdate(t, db, func(tx *Tx) error { return tx.RemovePageSession(other) })
		find := func(hash [32]byte) (s PageSession, err error) {
			_ = db.View(t.Context(), func(tx *Tx) error { s, err = tx.PageSession(hash); return nil })
			return s, err
		}
		if s, err := find(hash); err != nil || s != (PageSession{Subject: "c1", Started: now, Seen: now.Add(time.Minute)}) {
			t.Errorf("got %+v, %v", s, err)
		}
		if _, err := find(other); !errors.Is(err, ErrNotFound) {
			t.Errorf("ended: %v", err)
		}
		now = now.Add(time.Hour)
		if _, err := find(hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("after its time: %v", err)
		}
		mustUpdate(t, db, (*Tx).SweepPageSessions)
		now = now.Add(-time.Hour)
		if _, err := find(hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("it was not deleted: %v", err)
		}
	})
}
