package soap_test

import (
	"bytes"
	"database/sql"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// Leap day 2024 in Almaty had 25 hours: at its end clocks went from +06 to +05.
var firstPlayed = tolem.DayOf(2024, time.February, 28)

// Whatever happens to payments over days, each register of each day is rebuilt
// from the signed messages alone to the bytes that were signed, the doctor finds
// nothing, and a message that was altered does not go unnoticed.
//
// GW-P25 GW-P26 GW-P28 GW-060 GW-061
func TestReplayOfEveryRegister(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := must(time.LoadLocation("Asia/Almaty"))
		w := newDayWorld(t, dsn, zone, time.Date(2024, time.February, 28, 10, 0, 0, 0, zone))
		w.playDays()
		var all []store.StoredRegister
		err := w.db.View(t.Context(), func(tx *store.Tx) (err error) {
			all, err = tx.Registers(store.RegisterFilter{}, 1000)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for _, reg := range all {
			var rebuilt, signed bytes.Buffer
			got, err := w.registry.Replay(t.Context(), &rebuilt, reg.Number)
			if err != nil {
				t.Fatal(err)
			}
			if rows += got.Rows; got.Hash == reg.Hash && got.Rows == reg.Totals.Rows {
				continue
			}
			if err := w.registry.WriteXML(t.Context(), &signed, reg, nil); err != nil {
				t.Error(err)
			}
			t.Errorf("%s\nrebuilt %s\n\nsigned  %s", got, rebuilt.Bytes(), signed.Bytes())
		}
		t.Logf("%d registers with %d rows rebuilt", len(all), rows)
		if checkup, err := w.registry.Check(t.Context(), firstPlayed, firstPlayed+10, nil); err != nil || !checkup.OK() {
			t.Errorf("the doctor finds %+v, %v", checkup, err)
		}
		w.tamperedWords(dsn)
		w.tamperedEvidence(dsn)
	})
}

// playDays lets three days pass in which everything happens that can.
func (w *dayWorld) playDays() {
	calendar := w.registry.Calendar
	ofEarlier := w.firstDay()
	for day := firstPlayed; day < firstPlayed+3; day++ {
		// Around midnight: each to the day in which it arrived.
		for _, d := range []time.Duration{-time.Second, -time.Millisecond, 0, time.Millisecond} {
			code := w.issue(bankID)
			w.clock.Set(calendar.End(day).Add(d))
			w.says("OK", bankID, request("NotifyPayment", uuid.NewString(), w.notice(code, bankID, "branchId", branchID)...))
		}
		slow := w.issue(bankID)
		w.clock.Set(calendar.End(day).Add(20 * time.Minute))
		w.sealed(day)
		// What arrived before midnight and is decided after the seal.
		w.lag = 21 * time.Minute
		w.says("OK", bankID, request("NotifyPayment", uuid.NewString(), w.notice(slow, bankID, "branchId", branchID)...))
		w.says("MISMATCH", bankID, request("NotifyPayment", uuid.NewString(), w.notice(w.issue(bankID), bankID, "=amount", "1.00")...))
		w.lag = 0
		if day == firstPlayed {
			w.corrected(ofEarlier[0])
			w.nextDay(ofEarlier)
		}
		if _, err := w.evidence.Seal(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Set(calendar.Start(day + 1).Add(9 * time.Hour))
		w.paid(bank2ID)
	}
	w.clock.Set(calendar.End(firstPlayed + 3).Add(time.Hour))
	w.sealed(firstPlayed + 3)
}

// firstDay is a busy day. It returns codes of which more becomes later.
func (w *dayWorld) firstDay() []string {
	again := func(who, result string, message []byte) {
		w.t.Helper()
		if got := w.send(who, message); got.result() != result {
			w.t.Fatalf("repeated: %s", got.raw)
		}
	}
	// A payment, sent again byte for byte, signed anew, after its answer has run
	// out, and under another request id with another branch.
	plain, id := w.issue(bankID), uuid.NewString()
	notice := w.notice(plain, bankID, "branchId", branchID, "fee", "12.50")
	message := w.signed(bankID, request("NotifyPayment", id, notice...))
	again(bankID, "OK", message)
	again(bankID, "OK", message)
	again(bankID, "OK", w.signed(bankID, request("NotifyPayment", id, notice...)))
	elsewhere := append(notice[:len(notice)-4:len(notice)-4], "branchId", branch3ID)
	w.says("OK", bankID, request("NotifyPayment", uuid.NewString(), elsewhere...))
	w.clock.Advance(7 * time.Minute)
	again(bankID, "OK", w.signed(bankID, request("NotifyPayment", id, notice...)))

	// By a processing centre, with white space where the contract allows it.
	centre := w.issue(bank2ID)
	sloppy := w.notice(centre, bank2ID, "=amount", " 1200.00\n", "=currency", "\tKZT ", "=bankRef", "  R 1  ", "=channel", " ATM ",
		"=serviceCode", "\nBIRTH\n", "branchId", " "+branch2ID+" ")
	w.says("OK", kioskID, request("NotifyPayment", uuid.NewString(), append([]string{"onBehalfOf", bank2ID}, sloppy...)...))

	// A branch that is nobody's, and one of another bank.
	nobody, foreign := w.paid(bankID, "branchId", "NOWHERE"), w.paid(bankID, "branchId", branch2ID)
	w.close(centre)
	refunded := w.paid(bankID, "branchId", branch3ID)
	w.refund(refunded)

	// Late: expired, and cancelled.
	expired, cancelled := w.issue(bankID), w.issue(bankID)
	w.says("OK", bankID, request("CancelCode", uuid.NewString(), "paymentCode", cancelled))
	w.says("OK", bankID, request("NotifyPayment", uuid.NewString(), w.notice(cancelled, bankID)...))
	w.clock.Advance(2 * time.Hour)
	w.says("OK", bankID, request("NotifyPayment", uuid.NewString(), w.notice(expired, bankID)...))

	// Refused ones: all kinds, in a branch or in none, and sent again.
	wrongDigits := plain[:len(plain)-1] + string('0'+(plain[len(plain)-1]-'0'+1)%10)
	refusals := map[string][]string{
		"UNKNOWN_CODE":      w.notice(wrongDigits, bankID, "branchId", branchID),
		"MISMATCH":          w.notice(w.issue(bankID), bankID, "=amount", "1200.01", "branchId", branch2ID),
		"DUPLICATE_PAYMENT": w.notice(plain, bankID, "=bankRef", "OTHER", "branchId", branch3ID),
		"WRONG_BANK":        w.notice(plain, bank2ID, "branchId", branch2ID),
	}
	var repeated [][2]string // who, and the request
	for result, fields := range refusals {
		who := fields[3]
		payload := request("NotifyPayment", uuid.NewString(), fields...)
		message := w.signed(who, payload)
		again(who, result, message)
		again(who, result, message)
		again(who, result, w.signed(who, payload))
		w.says(result, who, request("NotifyPayment", uuid.NewString(), fields...))
		repeated = append(repeated, [2]string{who, payload})
	}
	w.says("UNKNOWN_CODE", bankID, request("NotifyPayment", uuid.NewString(), w.notice("1111222233334444", bankID)...))
	w.clock.Advance(7 * time.Minute)
	for _, r := range repeated {
		again(r[0], mustResult(refusals, r[1]), w.signed(r[0], r[1]))
	}
	list := []string{plain, nobody, foreign}
	for _, r := range repeated {
		list = append(list, r[0], r[1], mustResult(refusals, r[1]))
	}
	return append(list, bankID, request("NotifyPayment", id, notice...), "OK")
}

// mustResult returns how a request of the refused ones ended.
func mustResult(refusals map[string][]string, payload string) string {
	for result, fields := range refusals {
		if strings.HasSuffix(payload, request("NotifyPayment", "", fields...)[len(request("NotifyPayment", "")):]) {
			return result
		}
	}
	return ""
}

// nextDay is what becomes of the first day's payments on the second: closed,
// refunded, and asked about again under the old request ids.
func (w *dayWorld) nextDay(ofEarlier []string) {
	w.clock.Set(w.registry.Calendar.Start(firstPlayed + 1).Add(10 * time.Hour))
	w.close(ofEarlier[1])
	w.refund(ofEarlier[2])
	for i := 3; i < len(ofEarlier); i += 3 {
		who, payload, result := ofEarlier[i], ofEarlier[i+1], ofEarlier[i+2]
		if got := w.send(who, w.signed(who, payload)); got.result() != result {
			w.t.Fatalf("repeated on the next day: %s", got.raw)
		}
	}
}

// corrected gives a payment of the first day to another branch and issues
// the registers anew that show it.
func (w *dayWorld) corrected(code string) {
	w.t.Helper()
	if _, err := w.registry.Correct(w.t.Context(), firstPlayed, must(tolem.ReadCodeNumber(code)), branch3ID, "clerk", "slip"); err != nil {
		w.t.Fatal(err)
	}
	for _, o := range []tolem.Owner{
		{Kind: tolem.BankRegister, ID: bankID, Bank: bankID}, {Kind: tolem.BranchRegister, ID: branchID, Bank: bankID},
		{Kind: tolem.BranchRegister, ID: branch3ID, Bank: bankID},
	} {
		if _, err := w.registry.Reissue(w.t.Context(), o, firstPlayed, "slip", nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

// raw opens the database behind the store's back.
func (w *dayWorld) raw(dsn string) *sql.DB {
	w.t.Helper()
	driver, address := "postgres", dsn
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+file+"?_pragma=busy_timeout(5000)"
	}
	db := must(sql.Open(driver, address))
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

// tamperedWords changes what owners said of a register and of a claim, which
// their signed messages belie (GW-P27, GW-P40).
func (w *dayWorld) tamperedWords(dsn string) {
	w.t.Helper()
	number := string(tolem.NewRegisterNumber(tolem.Owner{Kind: tolem.BankRegister, ID: bankID}, firstPlayed+3, 1))
	w.says("OK", bankID, request("AcknowledgeRegister", uuid.NewString(), "number", number, "verdict", "REJECT",
		"objection", "<reason>TOTALS</reason><text> wrong sum </text>"))
	w.says("OK", bank2ID, request("AnswerClaim", uuid.NewString(), "number", "C-20240228-BANK2-KZT", "answer", "DISPUTED", "note", "ours is less"))
	raw := w.raw(dsn)
	found := func() int {
		checkup, err := w.registry.Check(w.t.Context(), firstPlayed, firstPlayed+10, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range checkup.Findings {
			if f.Record != number && f.Record != "C-20240228-BANK2-KZT" || f.Check != "evidence" {
				w.t.Errorf("%+v", f)
			}
		}
		return len(checkup.Findings)
	}
	if n := found(); n != 0 {
		w.t.Fatalf("a clean acknowledgement: %d findings", n)
	}
	for _, change := range [][2]string{
		{"UPDATE acknowledgement SET verdict = 'ACK'", "UPDATE acknowledgement SET verdict = 'REJECT'"},
		{"UPDATE acknowledgement SET objections = replace(objections, 'TOTALS', 'AMOUNT')", "UPDATE acknowledgement SET objections = replace(objections, 'AMOUNT', 'TOTALS')"},
		{"UPDATE acknowledgement SET by_whom = 'BANK2'", "UPDATE acknowledgement SET by_whom = 'BANK1'"},
		{"UPDATE claim_step SET note = 'x' WHERE note <> ''", "UPDATE claim_step SET note = 'ours is less' WHERE note <> ''"},
		{"UPDATE claim_step SET state = 'ACKNOWLEDGED' WHERE state = 'DISPUTED'", "UPDATE claim_step SET state = 'DISPUTED' WHERE state = 'ACKNOWLEDGED'"},
		{"DELETE FROM acknowledgement", ""},
	} {
		if _, err := raw.Exec(change[0]); err != nil {
			w.t.Fatal(err)
		}
		if found() == 0 {
			w.t.Errorf("%s: no finding", change[0])
		}
		if change[1] == "" {
			continue
		}
		if _, err := raw.Exec(change[1]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// tamperedEvidence alters and takes away one message at a time.
func (w *dayWorld) tamperedEvidence(dsn string) {
	w.t.Helper()
	raw := w.raw(dsn)
	number := tolem.NewRegisterNumber(tolem.Owner{Kind: tolem.BankRegister, ID: bankID}, firstPlayed, 1)
	if _, err := w.registry.Replay(w.t.Context(), io.Discard, number); err != nil {
		w.t.Fatal(err)
	}
	var id, data, row []byte
	if err := raw.QueryRow("SELECT id FROM (SELECT id FROM message WHERE code > 0 ORDER BY id LIMIT 6) AS first ORDER BY id DESC LIMIT 1").Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	if err := raw.QueryRow("SELECT data, id FROM message WHERE id = $1", id).Scan(&data, &row); err != nil {
		w.t.Fatal(err)
	}
	spoilt := bytes.Clone(data)
	spoilt[len(spoilt)/2] ^= 1
	for _, change := range []struct {
		statement string
		args      []any
	}{
		{"UPDATE message SET data = $2 WHERE id = $1", []any{id, spoilt}},
		{"DELETE FROM message WHERE id = $1", []any{id}},
	} {
		if _, err := raw.Exec(change.statement, change.args...); err != nil {
			w.t.Fatal(err)
		}
		if got, err := w.registry.Replay(w.t.Context(), io.Discard, number); err == nil && got.OK() {
			w.t.Errorf("%s: replayed as if nothing were", change.statement)
		} else {
			w.t.Logf("%s: %v", change.statement, err)
		}
	}
}
