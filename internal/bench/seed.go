package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"tolem"
	"tolem/store"
)

// What stands in every seeded code.
const (
	benchBank      = tolem.ParticipantID("BANK-1")
	benchBankRSA   = tolem.ParticipantID("BANK-2") // answered with RSA
	benchPortal    = tolem.ParticipantID("PORTAL")
	benchProvider  = tolem.ProviderID("JUSTICE")
	benchService   = tolem.ServiceCode("BIRTH-CERT")
	benchRecipient = tolem.IIN("850101300124")
	benchAccount   = "KZ86125KZT5004100100"
	benchName      = "Нұрлан Әбішұлы Сейтқазиев"
	benchAmount    = 120_000 // minor units
)

// seedBatch is how many codes are stored in one transaction.
const seedBatch = 250

// drawCodes draws numbers of codes.
func drawCodes(n int) ([]tolem.CodeNumber, error) {
	numbers := make([]tolem.CodeNumber, n)
	for i := range numbers {
		var err error
		if numbers[i], err = tolem.DrawCodeNumber(rand.Reader); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// issued is a code as the portal's request would have brought it into being.
func issued(number tolem.CodeNumber, bank tolem.ParticipantID, now time.Time) tolem.Decision {
	return tolem.Issued(tolem.Code{
		Number: number, Service: benchService, Provider: benchProvider, Channel: tolem.ChannelInternetBanking,
		Amount: tolem.Money{Minor: benchAmount, Currency: tolem.KZT}, Recipient: benchRecipient, RecipientName: benchName,
		Requester: benchPortal, Bank: bank, ExpiresAt: now.Add(24 * time.Hour),
	}, now)
}

// seed stores issued codes.
func seed(ctx context.Context, db *store.DB, bank tolem.ParticipantID, numbers []tolem.CodeNumber) error {
	for len(numbers) > 0 {
		n := min(len(numbers), seedBatch)
		err := db.Update(ctx, func(tx *store.Tx) error {
			for _, number := range numbers[:n] {
				if err := tx.InsertCode(issued(number, bank, tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("seed codes: %w", err)
		}
		numbers = numbers[n:]
	}
	return nil
}

// supply hands out what was prepared, each thing once.
type supply[T any] struct {
	things []T
	next   atomic.Int64
}

// take returns the next thing, or false when there is none left.
func (s *supply[T]) take() (thing T, ok bool) {
	i := s.next.Add(1) - 1
	if i >= int64(len(s.things)) {
		return thing, false
	}
	return s.things[i], true
}

// left returns how many things were not taken.
func (s *supply[T]) left() int { return max(0, len(s.things)-int(s.next.Load())) }

// refill puts new things in the place of those that were taken. Nobody may
// take meanwhile.
func (s *supply[T]) refill(more []T) {
	rest := s.things[min(int(s.next.Load()), len(s.things)):]
	s.things = append(append(make([]T, 0, len(rest)+len(more)), rest...), more...)
	s.next.Store(0)
}
