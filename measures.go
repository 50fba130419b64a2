package tolem

import "time"

// Direction is what statistics are told by (GW-062, GW-P29), with the currency:
// amounts of two currencies have no sum.
type Direction struct {
	Bank     ParticipantID // empty: no bank was called
	Provider ProviderID    // empty, as Service: a refused notification named no code of the bank's
	Service  ServiceCode
	Channel  Channel
	Currency Currency
}

// DurationSteps are the upper ends of the bins in which durations are counted; what
// took longer is the rest.
var DurationSteps = [...]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

// Durations sums up how long something took, each time it happened. The number
// of times is that of what is timed.
type Durations struct {
	Micros int64                     // together, in microseconds
	Within [len(DurationSteps)]int64 // how many took less than a step, and no less than the one before
}

// Mean returns how long it took on average, in whole seconds.
func (d Durations) Mean(times int64) time.Duration {
	if times <= 0 {
		return 0
	}
	return time.Duration(d.Micros/times) * time.Microsecond / time.Second * time.Second
}

// Measures is what statistics count in a stretch of time. Amounts are in minor
// units.
//
// Payments, refunds and refused notifications are the rows of registers, on the
// days of the registers. The others are counted by the moment they happened.
type Measures struct {
	Issued    int64 // codes
	Expired   int64
	Cancelled int64
	Closed    int64

	Paid      int64 // payments
	PaidMinor int64
	FeesMinor int64 // commissions that banks told of, beside the amounts
	Late      int64 // of the payments: of codes that had expired or were cancelled (GW-P17)

	Refunds      int64
	RefundsMinor int64

	Refused int64 // notifications that were refused although money may have moved (GW-P28)

	ToPay   Durations // from issue to payment, as the gateway learnt of both; of Paid
	ToClose Durations // from payment to closing; of Closed
}

// Counters returns every counter in a fixed order.
func (m *Measures) Counters() []*int64 {
	list := []*int64{
		&m.Issued, &m.Expired, &m.Cancelled, &m.Closed, &m.Paid, &m.PaidMinor, &m.FeesMinor, &m.Late,
		&m.Refunds, &m.RefundsMinor, &m.Refused,
	}
	for _, d := range []*Durations{&m.ToPay, &m.ToClose} {
		list = append(list, &d.Micros)
		for i := range d.Within {
			list = append(list, &d.Within[i])
		}
	}
	return list
}

// Add adds the counters of another.
func (m *Measures) Add(other Measures) { m.combine(other, 1) }

// Sub takes the counters of another away.
func (m *Measures) Sub(other Measures) { m.combine(other, -1) }

func (m *Measures) combine(other Measures, sign int64) {
	theirs := other.Counters()
	for i, counter := range m.Counters() {
		*counter += sign * *theirs[i]
	}
}

// Net is what the payments come to without what was refunded.
func (m *Measures) Net() int64 { return m.PaidMinor - m.RefundsMinor }
