package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/internal/bench/naive"
	"tolem/store"
)

// minGroupOfPlain is how many times faster committing in groups must be than
// one transaction a call, at the most callers.
const minGroupOfPlain = 4

// storageCallers are the numbers of callers at the same time.
var storageCallers = [...]int{1, 8, 64}

// packedEntry is about the size of a request and its answer in the archive.
const packedEntry = 900

// storage measures committing a notification: the change of the code, the
// payment, the step, the entry of the archive that holds both messages, its
// leaf, and the record of the request.
func (s *session) storage(ctx context.Context) error {
	s.noteMissing(PartStorage)
	for _, kind := range s.kinds() {
		if err := s.storageOn(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func (s *session) storageOn(ctx context.Context, kind string) (err error) {
	ours, err := s.newContender(ctx, kind, "storage-grouped")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close(ctx)) }()
	plain, err := s.newContender(ctx, kind, "storage-plain")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close(ctx)) }()
	var rows []Row
	for _, n := range storageCallers {
		s.Progress(fmt.Sprintf("storage: %s, %d callers", kind, n))
		grouped, single, prepared, err := s.storageRounds(ctx, ours, plain, n)
		if err != nil {
			return err
		}
		times := ratio(grouped, single)
		rows = append(rows, Row{Case: fmt.Sprintf("%d callers", n), Values: []Value{
			{"grouped", "/s", median(grouped)}, {"one transaction a call", "/s", median(single)}, {"ratio", "×", times},
			{"prepared", "/s", median(prepared)}, {"ratio to it", "×", ratio(grouped, prepared)},
		}})
		if n == storageCallers[len(storageCallers)-1] {
			s.atLeast(PartStorage, fmt.Sprintf("%s, %d callers: grouped : one transaction a call", kind, n), times, minGroupOfPlain)
		}
	}
	s.table(Table{
		Part: PartStorage, Title: "Notifications committed with both messages, " + kind, Rows: rows,
		Note: "the same rows and indexes; every commit is durable before it counts; one transaction a call: statements as texts, and prepared beforehand",
	})
	return nil
}

// storageRounds measures both contenders in turns.
func (s *session) storageRounds(ctx context.Context, ours, plain *contender, n int) (grouped, single, prepared []float64, err error) {
	each := s.Each / time.Duration(6*s.Rounds)
	for range s.Rounds {
		for _, turn := range []struct {
			c     *contender
			op    func(context.Context, *notice) error
			rates *[]float64
		}{{ours, ours.commit, &grouped}, {plain, plain.commitPlain, &single}, {plain, plain.commitPrepared, &prepared}} {
			if err := turn.c.prepare(ctx, n, each); err != nil {
				return nil, nil, nil, err
			}
			rate, err := callers(n, each, func() (bool, error) {
				x, ok := turn.c.notices.take()
				if !ok {
					return false, ctx.Err()
				}
				return true, turn.op(ctx, x)
			})
			if err != nil {
				return nil, nil, nil, err
			}
			turn.c.seen = max(turn.c.seen, rate)
			*turn.rates = append(*turn.rates, rate)
		}
	}
	return grouped, single, prepared, nil
}

// notice is a notification to commit, everything made but the transaction.
type notice struct {
	payment          tolem.Payment
	request          store.Request
	entry            store.Message
	codeData, sealed []byte // for the plain way: what the store would have sealed
}

// contender is a database with notices that wait.
type contender struct {
	place   *database
	db      *store.DB
	plain   *naive.Committer // by text
	ready   *naive.Committer // the same, its statements prepared
	close   func(context.Context) error
	notices supply[*notice]
	seen    float64 // the best rate so far
}

func (s *session) newContender(ctx context.Context, kind, name string) (_ *contender, err error) {
	c := &contender{}
	if c.place, err = s.newDatabase(ctx, kind, name); err != nil {
		return nil, err
	}
	vault, err := newVault()
	if err != nil {
		return nil, err
	}
	if c.db, err = store.Open(ctx, c.place.dsn, store.Options{Vault: vault}); err != nil {
		return nil, errors.Join(err, c.place.drop(ctx))
	}
	c.close = func(ctx context.Context) error { return errors.Join(c.db.Close(), c.place.drop(ctx)) }
	if _, err = c.db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	db, err := c.place.open(storageCallers[len(storageCallers)-1])
	if err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	c.close = func(ctx context.Context) error { return errors.Join(db.Close(), c.db.Close(), c.place.drop(ctx)) }
	c.plain = naive.NewCommitter(db)
	if c.ready, err = naive.NewPreparedCommitter(ctx, db); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	return c, nil
}

// newVault makes a vault with a throw-away key.
func newVault() (store.Vault, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	wrapped, err := store.CreateVaultKey(cert)
	if err != nil {
		return nil, err
	}
	return store.OpenVault(key, wrapped)
}

// prepare has enough notices wait for a turn.
func (c *contender) prepare(ctx context.Context, callers int, each time.Duration) error {
	const guess, spare = 4000, 1.6
	rate := c.seen * spare
	if rate == 0 {
		rate = guess
	}
	missing := int(rate*each.Seconds()) + callers - c.notices.left()
	if missing <= 0 {
		return nil
	}
	numbers, err := drawCodes(missing)
	if err != nil {
		return err
	}
	if err := seed(ctx, c.db, benchBank, numbers); err != nil {
		return err
	}
	more := make([]*notice, len(numbers))
	for i, number := range numbers {
		more[i] = newNotice(number)
	}
	c.notices.refill(more)
	return nil
}

func newNotice(number tolem.CodeNumber) *notice {
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := store.MessageID(uuid.Must(uuid.NewV7()))
	x := &notice{
		payment: tolem.Payment{
			Code: number, Bank: benchBank, BankRef: tolem.BankRef("REF-" + number.String()), Amount: tolem.Money{Minor: benchAmount, Currency: tolem.KZT},
			PaidAt: now, ReceivedAt: now, Channel: tolem.ChannelInternetBanking, Recipient: benchRecipient, RecipientName: benchName,
			Service: benchService, Provider: benchProvider, Account: benchAccount, NotifiedBy: benchBank,
		},
		request: store.Request{
			Participant: benchBank, ID: tolem.RequestID(uuid.NewString()), Operation: tolem.OpNotifyPayment, Code: number, Result: tolem.OK, Answer: id, At: now,
		},
		entry:    store.Message{ID: id, Code: number, Blob: noise(packedEntry)},
		codeData: noise(120), sealed: noise(130),
	}
	x.entry.Leaf = sha256.Sum256(x.entry.Blob)
	x.request.BodyHash, x.request.SignedInfo = x.entry.Leaf, sha256.Sum256(x.entry.Leaf[:])
	return x
}

// noise is what sealed bytes look like.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// commit stores a notice as the gateway does.
func (c *contender) commit(ctx context.Context, x *notice) error {
	return c.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Request(x.request.Participant, x.request.ID); !errors.Is(err, store.ErrNotFound) {
			return errors.Join(errors.New("request was answered before"), err)
		}
		before, err := tx.Code(x.payment.Code)
		if err != nil {
			return err
		}
		d := before.Notify(x.payment, nil, tx.Now())
		if !d.Changed() {
			return fmt.Errorf("notification came to %s", d.Result)
		}
		return errors.Join(tx.InsertPayment(x.payment), tx.ChangeCode(before, d),
			tx.InsertMessage(x.entry), tx.InsertRequest(x.request))
	})
}

// commitPlain stores the same rows in a transaction of their own.
func (c *contender) commitPlain(ctx context.Context, x *notice) error {
	return commitBy(ctx, c.plain, x)
}

func (c *contender) commitPrepared(ctx context.Context, x *notice) error {
	return commitBy(ctx, c.ready, x)
}

func commitBy(ctx context.Context, by *naive.Committer, x *notice) error {
	id, err := hex.DecodeString(compact(string(x.request.ID)))
	if err != nil {
		return err
	}
	p := x.payment
	return by.Notify(ctx, naive.Writes{
		Code: int64(p.Code), Bank: string(p.Bank), Currency: string(p.Amount.Currency), Service: string(p.Service), Provider: string(p.Provider),
		BankRef: string(p.BankRef), Amount: p.Amount.Minor, At: p.PaidAt.UnixMicro(),
		RequestID: id, BodyHash: x.request.BodyHash[:], SignedInfo: x.request.SignedInfo[:], CodeData: x.codeData, PaymentData: x.sealed,
		Entry: x.entry.ID[:], Packed: x.entry.Blob, Leaf: x.entry.Leaf[:],
	})
}

// compact is a UUID without dashes.
func compact(id string) string {
	b := make([]byte, 0, 32)
	for i := range len(id) {
		if id[i] != '-' {
			b = append(b, id[i])
		}
	}
	return string(b)
}
