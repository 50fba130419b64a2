package store

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
)

const leaseTime = time.Minute

// queued puts a delivery in line.
func queued(t *testing.T, db *DB, ref string) Delivery {
	t.Helper()
	d := Delivery{ID: MessageID(idBytes(t, newUUID())), Participant: "bank-a", Target: "main", Kind: tolem.DeliverRegister, Ref: ref, Form: "xml"}
	update(t, db, func(tx *Tx) error { return tx.Enqueue(d) })
	return deliveryNow(t, db, d)
}

func deliveryNow(t *testing.T, db *DB, d Delivery) Delivery {
	t.Helper()
	view(t, db, func(tx *Tx) (err error) {
		d, err = tx.Delivery(d.ID)
		return err
	})
	return d
}

// claimed takes a delivery for an attempt.
func claimedDelivery(t *testing.T, db *DB, d Delivery) Delivery {
	t.Helper()
	update(t, db, func(tx *Tx) error { return tx.ClaimDelivery(d, "node-1", leaseTime) })
	return deliveryNow(t, db, d)
}

func TestDeliveryTargets(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		want := tolem.DeliveryTarget{
			Participant: "bank-a", Name: "main", Method: tolem.BySFTP, Address: "sftp://files.example:2222/~/in", Forms: []string{"pdf", "xml"}, Active: true,
			Settings: map[string]string{tolem.SettingHostKey: "h ssh-ed25519 AAAA", tolem.SettingUser: "u", tolem.SettingPasswordFile: "/etc/p"},
		}
		update(t, db, func(tx *Tx) error { return tx.PutDeliveryTarget(want) })
		view(t, db, func(tx *Tx) error {
			got, err := tx.DeliveryTarget("bank-a", "main")
			if err != nil || got.Address != want.Address || got.Method != want.Method || !slices.Equal(got.Forms, want.Forms) ||
				!maps.Equal(got.Settings, want.Settings) || !got.Active {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := tx.DeliveryTarget("bank-a", "other"); !errors.Is(err, ErrNotFound) {
				t.Errorf("other: %v", err)
			}
			return nil
		})
		want.Method, want.Address, want.Settings, want.Active = tolem.ByFolder, "/srv/in", nil, false
		update(t, db, func(tx *Tx) error { return tx.PutDeliveryTarget(want) })
		view(t, db, func(tx *Tx) error {
			list, err := tx.DeliveryTargets()
			if len(list) != 1 || list[0].Address != "/srv/in" || list[0].Active || len(list[0].Settings) != 0 {
				t.Errorf("%+v", list)
			}
			return err
		})
		want.Address = "srv"
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.PutDeliveryTarget(want) }); !errors.Is(err, tolem.ErrDeliveryTarget) {
			t.Errorf("a target that cannot work: %v", err)
		}
	})
}

// Of many that want a delivery one gets it, and it is queued once.
func TestClaimsRace(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		d := queued(t, db, "R-1")
		again := d // by another node
		again.ID = MessageID(idBytes(t, newUUID()))
		update(t, db, func(tx *Tx) error { return tx.Enqueue(again) })
		var got atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error { return tx.ClaimDelivery(d, "n", leaseTime) })
				switch {
				case err == nil:
					got.Add(1)
				case !errors.Is(err, ErrLease):
					t.Error(err)
				}
			})
		}
		group.Wait()
		view(t, db, func(tx *Tx) error {
			list, err := tx.DeliveriesOf("R-1")
			if len(list) != 1 || got.Load() != 1 || list[0].Tries != 1 {
				t.Errorf("%d claims of %+v", got.Load(), list)
			}
			return err
		})
	})
}

// A courier whose lease ran out can change nothing any more.
func TestLeaseFences(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		var offset atomic.Int64
		db := openTest(t, dsn, Options{Clock: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
		first := claimedDelivery(t, db, queued(t, db, "R-1"))
		view(t, db, func(tx *Tx) error {
			due, err := tx.DueTargets()
			if len(due) != 0 {
				t.Errorf("due while held: %v", due)
			}
			return err
		})
		offset.Store(int64(2 * leaseTime))
		second := claimedDelivery(t, db, first)
		for name, change := range map[string]func(*Tx, Delivery) error{
			"continue": func(tx *Tx, d Delivery) error { return tx.ContinueDelivery(d, leaseTime) },
			"finish":   func(tx *Tx, d Delivery) error { return tx.FinishDelivery(d, time.Second) },
			"postpone": func(tx *Tx, d Delivery) error { return tx.PostponeDelivery(d, tx.Now(), time.Second, "x") },
			"bury":     func(tx *Tx, d Delivery) error { return tx.BuryDelivery(d, time.Second, "x") },
		} {
			if err := db.Update(t.Context(), func(tx *Tx) error { return change(tx, first) }); !errors.Is(err, ErrLease) {
				t.Errorf("%s by the first: %v", name, err)
			}
		}
		update(t, db, func(tx *Tx) error { return tx.FinishDelivery(second, time.Second) })
		if d := deliveryNow(t, db, first); d.State != tolem.DeliveryDelivered || d.Tries != 2 {
			t.Errorf("%+v", d)
		}
	})
}

// Claim and booking are broken twice: refused, and done but reported as
// failed. State and history never disagree, and a delivery is never lost.
func TestDeliveryWritesBrokenTwice(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		var offset atomic.Int64
		db := openTest(t, dsn, Options{Clock: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
		for i, point := range []string{"single", "single", "commit", "commit"} {
			persisted := i%2 == 1
			d := queued(t, db, "R-"+string(rune('a'+i)))
			breakOnce(db, point, persisted, errBroken)
			_ = db.Update(t.Context(), func(tx *Tx) error { return tx.ClaimDelivery(d, "n", leaseTime) })
			db.faults.inject.Store(nil)
			offset.Add(int64(2 * leaseTime)) // whoever may hold it
			d = claimedDelivery(t, db, deliveryNow(t, db, d))
			breakOnce(db, point, persisted, errBroken)
			_ = db.Update(t.Context(), func(tx *Tx) error { return tx.FinishDelivery(d, time.Second) })
			db.faults.inject.Store(nil)
			d = deliveryNow(t, db, d)
			history := 0
			view(t, db, func(tx *Tx) error {
				list, err := tx.Attempts(d.ID)
				history = len(list)
				return err
			})
			if (d.State == tolem.DeliveryDelivered) != (history == 1) {
				t.Errorf("%s, persisted %v: %s with %d lines of history", point, persisted, d.State, history)
			}
			if d.State == tolem.DeliveryDelivered {
				continue
			}
			offset.Add(int64(2 * leaseTime))
			d = claimedDelivery(t, db, d)
			update(t, db, func(tx *Tx) error { return tx.FinishDelivery(d, time.Second) })
		}
		view(t, db, func(tx *Tx) error {
			list, err := tx.Deliveries(tolem.DeliveryDelivered, MessageID{}, 10)
			if len(list) != 4 {
				t.Errorf("%d of 4 delivered", len(list))
			}
			return err
		})
	})
}

func TestOutboxPagesAndCounts(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		for _, ref := range []string{"a", "b", "c", "d", "e"} {
			queued(t, db, ref)
		}
		dead := claimedDelivery(t, db, queued(t, db, "f"))
		update(t, db, func(tx *Tx) error {
			return tx.BuryDelivery(dead, time.Second, "bytes \xff\x00 from outside "+strings.Repeat("ж", 600))
		})
		view(t, db, func(tx *Tx) error {
			var refs []string
			for after := (MessageID{}); ; {
				page, err := tx.Deliveries(0, after, 2)
				if err != nil || len(page) == 0 {
					slices.Sort(refs)
					if strings.Join(refs, "") != "abcdef" {
						t.Errorf("pages hold %v", refs)
					}
					break
				}
				for _, d := range page {
					refs = append(refs, d.Ref)
				}
				after = page[len(page)-1].ID
			}
			b, err := tx.OutboxBacklog()
			if b.Waiting != 5 || b.Dead != 1 || b.Oldest.IsZero() {
				t.Errorf("%+v", b)
			}
			if err != nil {
				return err
			}
			list, err := tx.Deliveries(tolem.DeliveryDead, MessageID{}, 2)
			if len(list) != 1 || len(list[0].LastError) > maxDeliveryError || !strings.HasPrefix(list[0].LastError, "bytes ") {
				t.Errorf("dead: %+v", list)
			}
			return err
		})
	})
}
