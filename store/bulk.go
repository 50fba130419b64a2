package store

import (
	"strconv"

	"tolem"
)

// bulk is a statement of the hot path that takes many rows at once. The rows
// come to it as a table named "rows" with the given columns.
type bulk struct {
	name string
	cols []column
	text string
	// guard returns the key of a row whose writing may be refused, and the
	// statement returns the columns of that key for each row it wrote; empty
	// for statements that write every row.
	guard func(row []any) string
	// returned scans what the statement returned for one row into its key.
	returned func(scan func(...any) error) (string, error)
}

// The bulk statements, guards first: when one of those fails the others need
// not be tried.
const (
	bulkRequest = iota
	bulkNewCode
	bulkChangeCode
	bulkPayment
	bulkStep
	bulkDiscrepancy
	bulkMessage
	bulkPending
	bulkUnqueue
	bulkDayRow
	bulkDayTotal
	bulkHourTotal
	bulkRefusalTotal
	bulkCount

	lastGuarded = bulkPayment
)

// bulks is the hot path in SQL.
var bulks = [bulkCount]bulk{
	bulkRequest: {
		name: "request",
		cols: []column{
			{"participant", text}, {"id", binary_}, {"operation", text}, {"body_hash", binary_}, {"signed_info", binary_},
			{"code", bigint}, {"result", text}, {"answer", binary_}, {"at", bigint},
		},
		text: `INSERT INTO request (participant, id, operation, body_hash, signed_info, code, result, answer, at)
			SELECT participant, id, operation, body_hash, signed_info, code, result, answer, at FROM rows WHERE true
			ON CONFLICT (participant, id) DO NOTHING RETURNING participant, id`,
		guard: func(r []any) string { return r[0].(string) + "/" + string(r[1].([]byte)) },
		returned: func(scan func(...any) error) (string, error) {
			var participant string
			var id []byte
			err := scan(&participant, &id)
			return participant + "/" + string(id), err
		},
	},
	bulkNewCode: {
		name: "code insert",
		cols: []column{
			{"number", bigint}, {"version", bigint}, {"state", bigint}, {"service", text}, {"provider", text},
			{"requester", text}, {"bank", text}, {"amount", bigint}, {"currency", text}, {"channel", bigint},
			{"issued_at", bigint}, {"expires_at", bigint}, {"paid_at", bigint}, {"closed_at", bigint}, {"recipient", bigint}, {"data", binary_},
		},
		text: `INSERT INTO code (number, version, state, service, provider, requester, bank, amount, currency, channel,
				issued_at, expires_at, paid_at, closed_at, recipient, data)
			SELECT number, version, state, service, provider, requester, bank, amount, currency, channel,
				issued_at, expires_at, paid_at, closed_at, recipient, data FROM rows WHERE true
			ON CONFLICT (number) DO NOTHING RETURNING number`,
		guard:    numberGuard,
		returned: returnedNumber,
	},
	bulkChangeCode: {
		name: "code update",
		cols: []column{
			{"n", bigint}, {"seen", bigint}, {"version", bigint}, {"state", bigint}, {"bank", text}, {"paid_at", bigint}, {"closed_at", bigint}, {"data", binary_},
		},
		text: `UPDATE code SET version = rows.version, state = rows.state, bank = rows.bank, paid_at = rows.paid_at,
				closed_at = rows.closed_at, data = rows.data
			FROM rows WHERE code.number = rows.n AND code.version = rows.seen RETURNING number`,
		guard:    numberGuard,
		returned: returnedNumber,
	},
	bulkPayment: {
		name: "payment",
		cols: []column{
			{"code", bigint}, {"bank", text}, {"bank_ref", text}, {"amount", bigint}, {"currency", text}, {"paid_at", bigint},
			{"received_at", bigint}, {"channel", bigint}, {"service", text}, {"provider", text}, {"notified_by", text}, {"branch", text}, {"fee", bigint}, {"data", binary_},
		},
		text: `INSERT INTO payment (code, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, branch, fee, data)
			SELECT code, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, branch, fee, data FROM rows WHERE true
			ON CONFLICT (code) DO NOTHING RETURNING code`,
		guard:    numberGuard,
		returned: returnedNumber,
	},
	bulkStep: {
		name: "step",
		cols: []column{
			{"code", bigint}, {"line", bigint}, {"event", bigint}, {"was", bigint}, {"became", bigint}, {"at", bigint}, {"participant", text},
		},
		text: `INSERT INTO step (code, line, event, was, became, at, participant)
			SELECT code, line, event, was, became, at, participant FROM rows`,
	},
	bulkDiscrepancy: {
		name: "discrepancy",
		cols: []column{
			{"code", bigint}, {"id", binary_}, {"reason", text}, {"bank", text}, {"bank_ref", text}, {"amount", bigint}, {"currency", text},
			{"paid_at", bigint}, {"received_at", bigint}, {"channel", bigint}, {"service", text}, {"provider", text}, {"notified_by", text}, {"branch", text}, {"fee", bigint}, {"data", binary_},
		},
		text: `INSERT INTO discrepancy (code, id, reason, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, branch, fee, data)
			SELECT code, id, reason, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, branch, fee, data FROM rows`,
	},
	bulkMessage: {
		name: "message",
		cols: []column{{"code", bigint}, {"id", binary_}, {"data", binary_}},
		text: `INSERT INTO message (code, id, data) SELECT code, id, data FROM rows`,
	},
	bulkPending: {
		name: "leaf",
		cols: []column{{"id", binary_}, {"code", bigint}, {"leaf", binary_}},
		text: `INSERT INTO leaf_pending (id, code, leaf) SELECT id, code, leaf FROM rows`,
	},
	bulkUnqueue: {
		name: "leaf delete",
		cols: []column{{"id", binary_}, {"code", bigint}},
		text: `DELETE FROM leaf_pending WHERE (id, code) IN (SELECT id, code FROM rows)`,
	},
	bulkDayRow: {
		name: "fact of a day",
		cols: []column{
			{"code", bigint}, {"kind", bigint}, {"id", binary_}, {"day", bigint}, {"at", bigint}, {"bank", text}, {"branch", text},
			{"bank_ref", text}, {"service", text}, {"provider", text}, {"channel", bigint}, {"amount", bigint}, {"currency", text},
			{"fee", bigint}, {"paid_at", bigint}, {"received_at", bigint}, {"state", bigint}, {"closed_at", bigint}, {"discrepancy", text}, {"belongs", bigint},
		},
		text: `INSERT INTO day_row (` + dayRowColumns + `) SELECT ` + dayRowColumns + ` FROM rows WHERE true ON CONFLICT (code, kind, id) DO NOTHING`,
	},
	bulkDayTotal:  totalBulk("total of a day", "day_total", "day", "draft"),
	bulkHourTotal: totalBulk("total of an hour", "hour_total", "day", "draft", "hour", "carried"),
	bulkRefusalTotal: {
		name: "refusals of an hour",
		cols: []column{
			{"day", bigint}, {"draft", bigint}, {"hour", bigint}, {"carried", bigint},
			{"participant", text}, {"operation", text}, {"result", text}, {"requests", bigint},
		},
		text: `INSERT INTO refusal_total (day, draft, hour, carried, participant, operation, result, requests)
			SELECT day, draft, hour, carried, participant, operation, result, requests FROM rows`,
	},
}

func numberGuard(r []any) string { return strconv.FormatInt(r[0].(int64), 10) }

func returnedNumber(scan func(...any) error) (string, error) {
	var n int64
	err := scan(&n)
	return strconv.FormatInt(n, 10), err
}

// channels numbers the channels as they are stored. Numbers are never reused.
var channels = [...]tolem.Channel{
	0: "", 1: tolem.ChannelAcquiring, 2: tolem.ChannelAccount, 3: tolem.ChannelInternetBanking,
	4: tolem.ChannelMobileBanking, 5: tolem.ChannelATM, 6: tolem.ChannelInfokiosk, 7: tolem.ChannelDesk,
}
