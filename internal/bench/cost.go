package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// maxCost is the KiB that a message may take on disk, everything included.
const maxCost = 0.8

// messagesOfLife is the number of signed messages in the life of a code:
// request and answer of issue, notification, validation and closing.
const messagesOfLife = 8

// cost stores whole lives of codes over the wire and weighs the database
// before and after.
func (s *session) cost(ctx context.Context) error {
	s.noteMissing(PartCost)
	var rows []Row
	for _, kind := range s.kinds() {
		row, err := s.costOn(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		rows = append(rows, row)
	}
	s.table(Table{
		Part: PartCost, Title: fmt.Sprintf("The evidence of %d lives of codes on disk, %d messages each", s.Lives, messagesOfLife), Rows: rows,
		Note: "growth of all tables with all indexes from before the first life to after the last, everything sealed in the log; per message.\n" +
			"SQLite: the file, its write-ahead log written back into it. PostgreSQL: pg_total_relation_size after VACUUM. Rewritten: after\n" +
			"VACUUM (SQLite) or VACUUM FULL. Every message was read back from the archive and compared byte for byte",
	})
	return nil
}

func (s *session) costOn(ctx context.Context, kind string) (row Row, err error) {
	s.Progress(fmt.Sprintf("cost: %d lives on %s", s.Lives, kind))
	in, err := s.install(ctx, kind, "cost-"+kind)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, in.place.drop(ctx)) }()
	if err := in.one(ctx); err != nil { // certificates and grounds of trust are stored once, with the first message
		return row, err
	}
	before, err := in.place.size(ctx, false)
	if err != nil {
		return row, err
	}
	beforeRewritten, err := in.place.size(ctx, true)
	if err != nil {
		return row, err
	}
	lives, err := in.live(ctx, s.Lives)
	if err != nil {
		return row, err
	}
	wire, err := in.compare(ctx, lives)
	if err != nil {
		return row, err
	}
	after, err := in.place.size(ctx, false)
	if err != nil {
		return row, err
	}
	afterRewritten, err := in.place.size(ctx, true)
	if err != nil {
		return row, err
	}
	messages := float64(s.Lives * messagesOfLife)
	perMessage := float64(after-before) / messages / 1024
	s.atMost(PartCost, kind+": KiB a message, indexes included", perMessage, maxCost)
	return Row{Case: kind, Values: []Value{
		{"messages", "", messages}, {"as sent", "KiB", wire / messages / 1024}, {"stored", "KiB", perMessage},
		{"rewritten", "KiB", float64(afterRewritten-beforeRewritten) / messages / 1024}, {"smaller", "×", wire / messages / 1024 / perMessage},
	}}, nil
}

// life is a code with the messages that concern it, in the order they came.
type life struct {
	code     tolem.CodeNumber
	messages [][]byte
}

// one lives one life, in a gateway of its own.
func (in *installation) one(ctx context.Context) error {
	_, err := in.live(ctx, 2) // one with each bank
	return err
}

// live has n codes issued, paid, validated and closed, and stops the gateway
// when everything is sealed.
func (in *installation) live(ctx context.Context, n int) (_ []life, err error) {
	server, err := in.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	lives := make([]life, n)
	workers := min(n, 16)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { errs[w] = in.liveSome(ctx, server, lives, w, workers) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, server.lastLines())
		}
	}
	return lives, in.awaitSealed(ctx)
}

// liveSome lives every step-th life.
func (in *installation) liveSome(ctx context.Context, server *process, lives []life, first, step int) error {
	clients := make(map[tolem.ParticipantID]*client)
	for id := range in.callers {
		c, err := gunner{address: server.address, tls: in.channel(id), verifier: in.verifier}.connect(ctx)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		clients[id] = c
	}
	for i := first; i < len(lives); i += step {
		l := liver{in: in, clients: clients, plot: newPlot(i)}
		if err := l.live(); err != nil {
			return err
		}
		lives[i] = l.life
	}
	return ctx.Err()
}

// offered are the channels that participants ask codes for.
var offered = slices.DeleteFunc(slices.Clone(tolem.Channels), func(c tolem.Channel) bool { return !c.Offered() })

// plot is what is told in a life; no two are alike.
type plot struct {
	bank            tolem.ParticipantID
	recipient, name string
	channel         tolem.Channel
	order, account  string
	bankRef         string
}

// newPlot draws a story.
func newPlot(i int) plot {
	random := rand.New(rand.NewPCG(uint64(i), 7))
	given := [...]string{"Нұрлан", "Айгерім", "Ерлан", "Дана", "Сергей", "Ольга", "Тимур", "Жанна"}
	family := [...]string{"Сейтқазиев", "Әбішева", "Иванов", "Петрова", "Қасымов", "Оспанова", "Ким", "Жүнісов"}
	banks := [...]tolem.ParticipantID{benchBank, benchBankRSA}
	return plot{
		bank: banks[i%len(banks)], recipient: drawIIN(random),
		name:    family[random.IntN(len(family))] + " " + given[random.IntN(len(given))],
		channel: offered[random.IntN(len(offered))],
		order:   fmt.Sprintf("%012d-%04d", random.Int64N(1e12), i%10000), account: fmt.Sprintf("KZ%018d", random.Int64N(1e18)),
		bankRef: fmt.Sprintf("%016X", random.Uint64()),
	}
}

// drawIIN draws a personal number with fitting check digit.
func drawIIN(random *rand.Rand) string {
	for {
		born := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, random.IntN(365*49))
		head := fmt.Sprintf("%s%d%04d", born.Format("060102"), 3+random.IntN(2), random.IntN(10000))
		for check := range 10 {
			if _, err := tolem.ParseIIN(fmt.Sprintf("%s%d", head, check)); err == nil {
				return fmt.Sprintf("%s%d", head, check)
			}
		}
	}
}

// liver lives one life.
type liver struct {
	in      *installation
	clients map[tolem.ParticipantID]*client
	plot
	life
}

func (l *liver) live() error {
	now := time.Now().UTC().Format(wireTime)
	amount, currency := tolem.Money{Minor: benchAmount}.Decimal(), string(tolem.KZT)
	answer, err := l.call(l.bank, tolem.OpIssueCode, "sentAt", now, "serviceCode", string(benchService), "providerId", string(benchProvider),
		"recipientIIN", l.recipient, "recipientName", l.name, "amount", amount, "currency", currency, "channel", string(l.channel))
	if err != nil {
		return err
	}
	code, err := codeIn(answer)
	if err != nil {
		return err
	}
	l.code = code
	if _, err := l.call(l.bank, tolem.OpNotifyPayment, "sentAt", now, "paymentCode", code.String(), "bankId", string(l.bank), "bankRef", l.bankRef,
		"amount", amount, "currency", currency, "paidAt", now, "channel", string(l.channel), "recipientIIN", l.recipient,
		"recipientName", l.name, "serviceCode", string(benchService), "providerId", string(benchProvider), "accountNo", l.account); err != nil {
		return err
	}
	if _, err := l.call(benchPortal, tolem.OpValidateCode, "sentAt", now, "paymentCode", code.String(), "requestNo", l.order,
		"recipientIIN", l.recipient, "serviceCode", string(benchService)); err != nil {
		return err
	}
	_, err = l.call(benchPortal, tolem.OpCloseCode, "sentAt", now, "paymentCode", code.String(), "closeId", "CLOSE-"+l.order, "requestNo", l.order)
	return err
}

// call sends a request and remembers both messages.
func (l *liver) call(who tolem.ParticipantID, op tolem.Operation, fields ...string) ([]byte, error) {
	id := uuid.NewString()
	http, message, err := l.in.callers[who].envelop(op, payload(op, append([]string{"requestId", id}, fields...)...), "")
	if err != nil {
		return nil, err
	}
	c := l.clients[who]
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	if err := c.call(shot{http: http, want: []byte(id)}); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	l.messages = append(l.messages, message, bytes.Clone(c.body))
	return c.body, nil
}

// codeIn reads the payment code out of an answer.
func codeIn(answer []byte) (tolem.CodeNumber, error) {
	_, rest, _ := bytes.Cut(answer, []byte("<paymentCode>"))
	text, _, ok := bytes.Cut(rest, []byte("</paymentCode>"))
	if !ok {
		return 0, errors.New("answer without a payment code")
	}
	return tolem.ParseCodeNumber(string(text))
}

// awaitSealed waits until the log holds everything.
func (in *installation) awaitSealed(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, evidence, err := in.s.Open(ctx, in.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for {
		backlog, err := evidence.Backlog(ctx)
		if err != nil || backlog == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d messages are not sealed: %w", backlog, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// compare reads every message back from the archive and returns how many bytes
// there were on the wire.
func (in *installation) compare(ctx context.Context, lives []life) (wire float64, err error) {
	db, evidence, err := in.s.Open(ctx, in.config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, l := range lives {
		err := db.View(ctx, func(tx *store.Tx) error {
			records, err := evidence.LoadCode(tx, l.code)
			if err != nil {
				return err
			}
			return l.compare(records)
		})
		if err != nil {
			return 0, fmt.Errorf("code %s: %w", l.code, err)
		}
		for _, m := range l.messages {
			wire += float64(len(m))
		}
	}
	return wire, nil
}

// compare finds every message of the life in the archive, once.
func (l *life) compare(records []archive.Record) error {
	if len(records) != messagesOfLife || len(l.messages) != messagesOfLife {
		return fmt.Errorf("%d messages in the archive, %d on the wire", len(records), len(l.messages))
	}
	stored := make(map[[32]byte]bool)
	for _, r := range records {
		stored[sha256.Sum256(r.Raw)] = true
	}
	for i, m := range l.messages {
		if digest := sha256.Sum256(m); !stored[digest] {
			return fmt.Errorf("message %d is not in the archive as it was sent", i)
		}
	}
	return nil
}
