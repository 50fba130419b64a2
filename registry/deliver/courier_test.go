package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/registry/deliver"
	"tolem/registry/deliver/receiver"
	"tolem/store"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// GW-056, GW-057: a receiver that is down for six hours gets the register once
// it is back, and it has one effect there.
func TestReceiverIsDownForSixHours(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.office(nil)
		w.enqueue(number(1))
		courier := w.courier(nil)
		o.Always(receiver.Down)
		for range 6 * 60 {
			w.run(courier)
			w.clock.Advance(time.Minute)
		}
		d := w.only(number(1))
		if d.State != tolem.DeliveryWaiting || d.Attempts < 15 || d.Attempts > 30 {
			t.Fatalf("after six hours: %s after %d attempts", d.State, d.Attempts)
		}
		w.expect("target")
		o.Always(receiver.Well)
		for range 45 { // more than the cap of the back-off
			w.run(courier)
			w.clock.Advance(time.Minute)
		}
		d = w.only(number(1))
		if c := o.Counts(); d.State != tolem.DeliveryDelivered || c.Effects != 1 || c.Requests != 1 {
			t.Fatalf("back: %s, %+v", d.State, c)
		}
		if late := d.DeliveredAt.Sub(w.clock.Now().Add(-45 * time.Minute)); late > 31*time.Minute {
			t.Errorf("delivered %v after the receiver was back", late)
		}
		if got, want := must(os.ReadFile(filepath.Join(o.dir, number(1)+".xml"))), w.library.content(number(1), "xml"); !bytes.Equal(got, want) {
			t.Error("the receiver holds other bytes")
		}
		t.Logf("%d attempts, delivered %v after the receiver was back", d.Attempts, d.DeliveredAt.Sub(w.clock.Now().Add(-45*time.Minute)))
	})
}

func TestDeadAtTheCapAndResent(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		dir := w.folder("main")
		w.enqueue(number(1))
		broken := errors.New("no such register")
		w.library.poison[number(1)] = func() error { return broken }
		courier := w.courier(func(c *deliver.Config) { c.MaxAttempts = 5 })
		for range 20 {
			w.run(courier)
			w.clock.Advance(time.Hour)
		}
		d := w.only(number(1))
		if got := outcomes(w.attempts(d)); d.State != tolem.DeliveryDead || got != "FAILED FAILED FAILED FAILED DEAD" {
			t.Fatalf("%s: %s", d.State, got)
		}
		if e := w.last(); e.Outcome != store.AttemptDead || !errors.Is(e.Err, broken) || classOf(e.Err) != "document" || e.Delivery.State != tolem.DeliveryDead {
			t.Errorf("last event %+v", e)
		}
		delete(w.library.poison, number(1))
		w.run(courier)
		if d := w.only(number(1)); d.State != tolem.DeliveryDead {
			t.Fatal("a dead delivery came back by itself")
		}
		w.resend(number(1))
		w.run(courier)
		d = w.only(number(1))
		history := w.attempts(d)
		if d.State != tolem.DeliveryDelivered || d.Attempts != 1 || d.Resent != 1 || outcomes(history) != "FAILED FAILED FAILED FAILED DEAD RESENT DELIVERED" {
			t.Fatalf("resent: %+v, %s", d, outcomes(history))
		}
		if history[5].Error != "a.ospanova" {
			t.Errorf("resent by %q", history[5].Error)
		}
		// Delivered ones can be resent too; the same file is there already.
		w.resend(number(1))
		w.run(courier)
		if d := w.only(number(1)); d.State != tolem.DeliveryDelivered || d.Resent != 2 {
			t.Errorf("resent again: %+v", d)
		}
		if files := must(os.ReadDir(dir)); len(files) != 1 {
			t.Errorf("%d files", len(files))
		}
		w.resend(number(1))
		waiting := w.only(number(1))
		err := w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.ResendDelivery(waiting, "x") })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("resending what waits: %v", err)
		}
	})
}

// One document that cannot be rendered stops no other.
func TestPoisonAmongAThousand(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		start := time.Now()
		poisoned(t, w, 1000, func() error { return errors.New("cannot be rendered") })
		t.Logf("999 of 1,000 delivered in %v", time.Since(start))
	})
}

// Nor does one that makes its renderer panic.
func TestPanicOfARenderer(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		poisoned(t, w, 20, func() error { panic("index out of range") })
	})
}

// poisoned pushes n documents of which one fails.
func poisoned(t *testing.T, w *world, n int, poison func() error) {
	t.Helper()
	dir := w.folder("main")
	refs := make([]string, n)
	for i := range refs {
		refs[i] = number(i + 1)
	}
	w.enqueue(refs...)
	w.library.poison[number(7)] = poison
	w.run(w.courier(nil))
	if files := must(os.ReadDir(dir)); len(files) != n-1 {
		t.Errorf("%d of %d files", len(files), n)
	}
	if d := w.only(number(7)); d.State != tolem.DeliveryWaiting || d.Attempts != 1 {
		t.Errorf("poison: %+v", d)
	}
}

// counting counts what is handed over.
type counting struct {
	inner deliver.Transport
	mu    sync.Mutex
	seen  map[string]int
}

func (c *counting) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *deliver.Parcel, progress deliver.Progress) ([]archive.Record, error) {
	c.mu.Lock()
	c.seen[p.Name]++
	c.mu.Unlock()
	return c.inner.Deliver(ctx, t, p, progress)
}

func TestTwoCouriersDeliverOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.folder("main")
		const n = 60
		for i := range n {
			w.enqueue(number(i + 1))
		}
		count := &counting{inner: deliver.Folder{}, seen: make(map[string]int)}
		var group sync.WaitGroup
		for i := range 3 {
			courier := w.courier(func(c *deliver.Config) {
				c.Node = fmt.Sprintf("node-%d", i)
				c.Transports = map[tolem.DeliveryMethod]deliver.Transport{tolem.ByFolder: count}
			})
			for range 2 { // overlapping runs of one courier too
				group.Go(func() {
					if err := courier.Run(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		for i := range n {
			if d := w.only(number(i + 1)); d.State != tolem.DeliveryDelivered || d.Tries != 1 {
				t.Errorf("%s: %s after %d attempts", d.Ref, d.State, d.Tries)
			}
		}
		for name, times := range count.seen {
			if times != 1 {
				t.Errorf("%s was handed over %d times", name, times)
			}
		}
	})
}

// stalled hands over and then does not return, as a node that is killed between
// sending and marking.
type stalled struct {
	inner   deliver.Transport
	sent    chan struct{}
	release chan struct{}
}

func (s *stalled) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *deliver.Parcel, progress deliver.Progress) ([]archive.Record, error) {
	evidence, err := s.inner.Deliver(ctx, t, p, progress)
	close(s.sent)
	<-s.release
	return evidence, err
}

// A node that dies after sending leaves a delivery that another repeats; the
// receiver recognises it. Should the first come back, its word counts no more.
func TestKilledBetweenSendingAndMarking(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.office(nil)
		w.enqueue(number(1))
		s := &stalled{inner: o.transport, sent: make(chan struct{}), release: make(chan struct{})}
		killed := w.courier(func(c *deliver.Config) {
			c.Node, c.Transports = "killed", map[tolem.DeliveryMethod]deliver.Transport{tolem.BySOAP: s}
		})
		ended := make(chan error)
		go func() { ended <- killed.Run(t.Context()) }()
		<-s.sent
		courier := w.courier(nil)
		w.run(courier)
		if d := w.only(number(1)); d.State != tolem.DeliveryWaiting || d.Tries != 1 {
			t.Fatalf("while the lease lasts: %+v", d)
		}
		w.clock.Advance(time.Hour)
		w.run(courier)
		d := w.only(number(1))
		if c := o.Counts(); d.State != tolem.DeliveryDelivered || c.Effects != 1 || c.Requests != 2 || c.Duplicates != 1 {
			t.Errorf("%s, %+v", d.State, c)
		}
		close(s.release)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.expect("lease")
		if now := w.only(number(1)); now.Node != "node-1" || now.Tries != 2 || now.State != tolem.DeliveryDelivered {
			t.Errorf("the late courier changed it: %+v", now)
		}
		if got := outcomes(w.attempts(d)); got != "DELIVERED" {
			t.Errorf("history: %s", got)
		}
	})
}

// A target that fails is left alone after a few attempts, others are served.
func TestAFailingTargetIsNotHammered(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		good, bad := w.folder("good"), w.folder("bad")
		if err := os.Remove(bad); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			w.enqueue(number(i + 1))
		}
		courier := w.courier(nil)
		w.run(courier)
		if files := must(os.ReadDir(good)); len(files) != 50 {
			t.Errorf("%d of 50 reached the good target", len(files))
		}
		failed := func() int { return len(w.events) - 50 }
		if failed() != 3 {
			t.Errorf("%d attempts at a target that is gone, want 3", failed())
		}
		w.run(courier)
		if failed() != 3 {
			t.Errorf("%d attempts right after", failed())
		}
		w.clock.Advance(11 * time.Second)
		w.run(courier)
		if failed() != 4 {
			t.Errorf("%d attempts after the first pause, want one to look", failed())
		}
		if err := os.Mkdir(bad, 0o700); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
		w.run(courier)
		if files := must(os.ReadDir(bad)); len(files) != 50 {
			t.Errorf("%d of 50 reached the target that is back", len(files))
		}
	})
}

func TestOnlyWantedFormsOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		dir := must(filepath.EvalSymlinks(t.TempDir()))
		w.target(tolem.DeliveryTarget{Name: "main", Method: tolem.ByFolder, Address: dir, Forms: []string{"xml", "pdf"}})
		w.enqueue(number(1))
		w.enqueue(number(1)) // a second node builds the same register
		w.run(w.courier(nil))
		names := must(filepath.Glob(filepath.Join(dir, "*")))
		if len(names) != 2 || len(w.events) != 2 {
			t.Errorf("%v in %d attempts", names, len(w.events))
		}
		var backlog store.OutboxBacklog
		w.view(func(tx *store.Tx) (err error) {
			backlog, err = tx.OutboxBacklog()
			return err
		})
		if backlog != (store.OutboxBacklog{}) {
			t.Errorf("backlog %+v", backlog)
		}
	})
}

func TestARemovedTargetBuriesItsDeliveries(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.folder("main")
		w.enqueue(number(1))
		w.update(func(tx *store.Tx) error {
			target, err := tx.DeliveryTarget(owner, "main")
			target.Active = false
			return errors.Join(err, tx.PutDeliveryTarget(target))
		})
		w.run(w.courier(nil))
		w.expect("removed")
		if d := w.only(number(1)); d.State != tolem.DeliveryDead || d.Attempts != 1 {
			t.Errorf("%+v", d)
		}
		w.update(func(tx *store.Tx) error {
			n, err := deliver.Enqueue(tx, owner, tolem.DeliverRegister, number(2))
			if n != 0 {
				t.Errorf("%d deliveries to a removed target", n)
			}
			return err
		})
	})
}

// A courier that is stopped gives back what it holds, and it costs no attempt
// at the cap.
func TestStoppedCourierGivesBack(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.folder("main")
		w.enqueue(number(1))
		ctx, cancel := context.WithCancel(t.Context())
		var stopped atomic.Bool
		w.library.poison[number(1)] = func() error {
			if stopped.Swap(true) {
				return nil
			}
			cancel()
			return context.Canceled
		}
		courier := w.courier(func(c *deliver.Config) { c.MaxAttempts = 1 })
		if err := courier.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		w.expect("interrupted")
		w.run(courier)
		if d := w.only(number(1)); d.State != tolem.DeliveryDelivered || d.Attempts != 1 || d.Tries != 2 {
			t.Errorf("%+v", d)
		}
	})
}

// When a target is back, what failed because of it waits no longer.
func TestWhatWaitedIsDueWhenTheTargetIsBack(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		dir := w.folder("main")
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		w.enqueue(number(1), number(2), number(3))
		courier := w.courier(nil)
		for range 12 * 60 {
			w.run(courier)
			w.clock.Advance(time.Minute)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		delivered := func() int { return len(must(os.ReadDir(dir))) }
		for delivered() == 0 {
			w.clock.Advance(time.Minute)
			w.run(courier)
		}
		w.run(courier)
		if n := delivered(); n != 3 {
			t.Errorf("%d of 3 delivered right after the first", n)
		}
	})
}
