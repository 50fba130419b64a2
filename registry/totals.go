package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
	"tolem/store"
)

// Errors of counting.
var (
	// ErrCountOrder: days are counted in their order, for what came too late for
	// one is counted in the next.
	ErrCountOrder = errors.New("the day before is sealed and not counted")
	// ErrTotals: a day has more directions than maxTotals.
	ErrTotals = errors.New("too many totals in one day")
)

const (
	// maxTotals bounds the totals of a day by hour: 24 hours of 20 banks with
	// 300 services through 6 channels are fewer.
	maxTotals = 1_000_000
	// expirePage is how many codes expire before the count asks again.
	expirePage = 10_000
	// uncountedPage is how many days that nobody counted are looked up at a time.
	uncountedPage = 100
)

// CountSealed counts every sealed day that has no totals yet, in order, and
// returns how many.
func (r *Registry) CountSealed(ctx context.Context) (counted int, err error) {
	for {
		var days []tolem.Day
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			days, err = tx.UncountedDays(uncountedPage)
			return err
		})
		if err != nil || len(days) == 0 {
			return counted, err
		}
		for _, day := range days {
			if err := r.Count(ctx, day); err != nil {
				return counted, err
			}
			counted++
		}
	}
}

// Count keeps the totals of a sealed day, from which reports are made. A day
// that is counted already is left as it is, whoever counted it.
//
// Payments, refunds and refused notifications are those of the day's registers.
// The rest is counted by the moment it happened: first every code whose term
// ended by the day's end is made to expire, so that no step of expiry can come
// later; the other steps commit long before Settle is over. What commits even
// later, from the Stragglers before the day's end, is what a count of the next
// day finds more in those hours than had been counted, and is added there.
func (r *Registry) Count(ctx context.Context, day tolem.Day) error {
	if _, err := r.sealed(ctx, day); err != nil {
		return err
	}
	counted, err := r.counted(ctx, day)
	if err != nil || counted {
		return err
	}
	if err := r.countedBefore(ctx, day); err != nil {
		return err
	}
	if err := r.expireAll(ctx); err != nil {
		return err
	}
	c := newCount(r.Calendar, day)
	if err := r.fill(ctx, c); err != nil {
		return fmt.Errorf("count %s: %w", day, err)
	}
	return r.keepCount(ctx, c)
}

func (r *Registry) counted(ctx context.Context, day tolem.Day) (counted bool, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		days, err := tx.CountedDays(day, day)
		counted = len(days) > 0
		return err
	})
	return counted, err
}

// countedBefore makes sure of the order.
func (r *Registry) countedBefore(ctx context.Context, day tolem.Day) error {
	before := day - 1
	if _, err := r.sealed(ctx, before); errors.Is(err, ErrNotSealed) {
		return nil // the first day
	} else if err != nil {
		return err
	}
	counted, err := r.counted(ctx, before)
	if err == nil && !counted {
		err = fmt.Errorf("%s: %w", before, ErrCountOrder)
	}
	return err
}

// expireAll brings the states of codes after the clock. When it returns, every
// code whose term had ended has its step of expiry.
func (r *Registry) expireAll(ctx context.Context) error {
	for {
		if n, err := r.db.ExpireDue(ctx, expirePage); err != nil || n < expirePage {
			return err
		}
	}
}

// count is a day that is being counted, hour by hour: what is counted at once
// is kept in memory by the database.
type count struct {
	day   tolem.Day
	hours []hour // of the clock; those of the day before first
	tail  []int  // which hours those are

	totals   map[totalKey]*tolem.Measures
	refusals map[store.RefusalTotal]int64 // by everything but the number
}

// hour is an hour of the clock. One that clocks go through twice in a row is
// one.
type hour struct {
	from, to time.Time
	clock    int  // 0 to 23
	carried  bool // it lies before the day that is counted
}

// totalKey is what totals of a day are told apart by.
type totalKey struct {
	hour    int
	carried bool
	tolem.Direction
}

func newCount(c *tolem.Calendar, day tolem.Day) *count {
	k := &count{day: day, totals: make(map[totalKey]*tolem.Measures), refusals: make(map[store.RefusalTotal]int64)}
	late := c.Start(day).Add(-Stragglers)
	for _, h := range hoursOf(c, day-1) {
		if h.to.After(late) {
			h.carried = true
			k.hours, k.tail = append(k.hours, h), append(k.tail, h.clock)
		}
	}
	k.hours = append(k.hours, hoursOf(c, day)...)
	return k
}

// hoursOf cuts a day into the hours of its clock.
func hoursOf(c *tolem.Calendar, day tolem.Day) []hour {
	var list []hour
	end := c.End(day)
	for t := c.Start(day); t.Before(end); t = t.Add(time.Minute) {
		clock := t.In(c.Zone()).Hour()
		if len(list) == 0 || list[len(list)-1].clock != clock {
			list = append(list, hour{from: t, clock: clock})
		}
		list[len(list)-1].to = t.Add(time.Minute)
	}
	if len(list) > 0 {
		list[len(list)-1].to = end
	}
	return list
}

// fill counts.
func (r *Registry) fill(ctx context.Context, c *count) error {
	owners, err := r.db.DayOwners(ctx, c.day)
	if err != nil {
		return err
	}
	return r.view(ctx, func(tx *store.Tx) error {
		for i, h := range c.hours {
			from := h.from
			if i == 0 {
				from = time.Time{} // a fact may be older than what the day before is asked for
			}
			for _, o := range owners {
				if o.Kind != tolem.BankRegister {
					continue
				}
				facts, err := tx.TallyFacts(c.day, o.Bank, from, h.to)
				if err != nil {
					return err
				}
				c.addAll(h, facts)
			}
			steps, err := tx.TallySteps(h.from, h.to)
			if err != nil {
				return err
			}
			c.addAll(h, steps)
			refusals, err := tx.TallyRefusals(h.from, h.to)
			if err != nil {
				return err
			}
			for _, t := range refusals {
				t.Hour, t.Carried = h.clock, h.carried
				c.refuse(t, t.Requests)
			}
			if len(c.totals)+len(c.refusals) > maxTotals {
				return ErrTotals
			}
		}
		return c.lessBefore(tx)
	})
}

func (c *count) addAll(h hour, totals []store.HourTotal) {
	for _, t := range totals {
		t.Hour, t.Carried = h.clock, h.carried
		c.add(t)
	}
}

func (c *count) add(t store.HourTotal) { c.at(t).Add(t.Measures) }

func (c *count) at(t store.HourTotal) *tolem.Measures {
	key := totalKey{t.Hour, t.Carried, t.Direction}
	m := c.totals[key]
	if m == nil {
		m = new(tolem.Measures)
		c.totals[key] = m
	}
	return m
}

func (c *count) refuse(t store.RefusalTotal, requests int64) {
	t.Requests = 0
	c.refusals[t] += requests
}

// lessBefore takes away from the carried hours what the day before has counted
// of them.
func (c *count) lessBefore(tx *store.Tx) error {
	before := store.TotalFilter{From: c.day - 1, To: c.day - 1}
	counted, err := tx.SumTotals(before, everything, maxTotals)
	if err != nil {
		return err
	}
	for _, t := range counted {
		if !t.Carried && slices.Contains(c.tail, t.Hour) {
			t.Carried = true
			c.at(t.HourTotal).Sub(stepsOf(t.Measures))
		}
	}
	refusals, err := tx.SumRefusals(store.RefusalFilter{From: c.day - 1, To: c.day - 1}, true, maxTotals)
	for _, t := range refusals {
		if !t.Carried && slices.Contains(c.tail, t.Hour) {
			t.Carried = true
			c.refuse(t.RefusalTotal, -t.Requests)
		}
	}
	return err
}

// everything tells totals apart as far as they are kept.
var everything = store.Grouping{Day: true, Hour: true, Carried: true, Bank: true, Provider: true, Service: true, Channel: true}

// stepsOf leaves only what is counted from steps: facts are in one day by
// themselves.
func stepsOf(m tolem.Measures) tolem.Measures {
	return tolem.Measures{Issued: m.Issued, Expired: m.Expired, Cancelled: m.Cancelled, Closed: m.Closed, ToClose: m.ToClose}
}

// hourTotals returns the totals in the order in which they are stored.
func (c *count) hourTotals() []store.HourTotal {
	list := make([]store.HourTotal, 0, len(c.totals))
	for k, m := range c.totals {
		if *m != (tolem.Measures{}) {
			list = append(list, store.HourTotal{Hour: k.hour, Carried: k.carried, Direction: k.Direction, Measures: *m})
		}
	}
	slices.SortFunc(list, compareTotals)
	return list
}

func compareTotals(a, b store.HourTotal) int {
	return cmp.Or(cmp.Compare(a.Hour, b.Hour), compareFlags(a.Carried, b.Carried), compareDirections(a.Direction, b.Direction))
}

// dayTotals sums the totals of the hours up.
func (c *count) dayTotals() []store.HourTotal {
	whole := count{totals: make(map[totalKey]*tolem.Measures)}
	for _, t := range c.hourTotals() {
		t.Hour, t.Carried = 0, false
		whole.add(t)
	}
	return whole.hourTotals()
}

func (c *count) refusalTotals() []store.RefusalTotal {
	list := make([]store.RefusalTotal, 0, len(c.refusals))
	for t, requests := range c.refusals {
		if t.Requests = requests; requests != 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b store.RefusalTotal) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), compareFlags(a.Carried, b.Carried), cmp.Compare(a.Participant, b.Participant),
			cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Result, b.Result))
	})
	return list
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func compareDirections(a, b tolem.Direction) int {
	return cmp.Or(cmp.Compare(a.Bank, b.Bank), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Service, b.Service),
		cmp.Compare(slices.Index(tolem.Channels, a.Channel), slices.Index(tolem.Channels, b.Channel)), cmp.Compare(a.Currency, b.Currency))
}

// keepCount writes a draft page by page, so that payments need not wait behind
// it, and then makes it hold.
func (r *Registry) keepCount(ctx context.Context, c *count) error {
	draft, err := newDraft()
	if err != nil {
		return err
	}
	if err := r.writeDraft(ctx, c, draft); err != nil {
		return fmt.Errorf("write totals of %s: %w", c.day, err)
	}
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		if tx.Again() { // the draft may hold although nobody said so
			days, err := tx.CountedDays(c.day, c.day)
			if err != nil || len(days) > 0 {
				return err
			}
		}
		return tx.KeepCount(store.CountedDay{Day: c.day, Draft: draft, CountedAt: tx.Now()})
	})
	if err != nil && !errors.Is(err, store.ErrExists) { // another node was first
		return err
	}
	// Drafts of nodes that died or came second. Of the day before, too: its
	// second may have gone on writing.
	return r.db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.DropDrafts(c.day-1), tx.DropDrafts(c.day))
	})
}

func (r *Registry) writeDraft(ctx context.Context, c *count, draft store.Draft) error {
	return errors.Join(
		inPages(ctx, r.db, c.dayTotals(), func(tx *store.Tx, page []store.HourTotal) error { return tx.AddDayTotals(c.day, draft, page) }),
		inPages(ctx, r.db, c.hourTotals(), func(tx *store.Tx, page []store.HourTotal) error { return tx.AddHourTotals(c.day, draft, page) }),
		inPages(ctx, r.db, c.refusalTotals(), func(tx *store.Tx, page []store.RefusalTotal) error {
			return tx.AddRefusalTotals(c.day, draft, page)
		}))
}

func inPages[T any](ctx context.Context, db *store.DB, list []T, add func(*store.Tx, []T) error) error {
	for page := range slices.Chunk(list, pageRows) {
		if err := db.Update(ctx, func(tx *store.Tx) error { return add(tx, page) }); err != nil {
			return err
		}
	}
	return nil
}

func newDraft() (store.Draft, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("draw a draft: %w", err)
	}
	return store.Draft(binary.BigEndian.Uint64(b[:]) >> 1), nil
}
