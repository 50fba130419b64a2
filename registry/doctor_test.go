package registry

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// rawDatabase opens the database behind the store's back.
func rawDatabase(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver, address := "postgres", dsn
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// played is a world with two sealed days in which everything happened.
type played struct {
	*world
	plain, closed, refunded, moved, other tolem.Code
	refused                               tolem.Code
	bank, empty                           store.StoredRegister
	claim                                 tolem.ClaimNumber
}

func play(t *testing.T, w *world) played {
	p := played{world: w}
	p.plain = w.paid(pay{branch: "A-1"})
	p.closed = w.paid(pay{provider: "JUSTICE", amount: 500_00})
	w.close(p.closed.Number)
	p.refunded = w.paid(pay{branch: "A-2", amount: 70_00})
	w.refund(p.refunded.Number)
	p.moved = w.paid(pay{branch: "A-1", amount: 33_00})
	p.other = w.paid(pay{bank: "BANK-B", amount: 1})
	p.refused = w.issue(pay{branch: "A-1"})
	wrong := w.notification(p.refused, pay{branch: "A-1"})
	wrong.Amount.Minor++
	w.notify(wrong)
	for day := testDay; day <= testDay+1; day++ {
		w.sealed(day)
		if err := w.registry.Count(t.Context(), day); err != nil {
			t.Fatal(err)
		}
		owners, err := w.registry.Owners(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range owners {
			reg, err := w.registry.Build(t.Context(), o, day, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case day == testDay && o.ID == "BANK-A":
				p.bank = reg
			case day == testDay+1 && o.ID == "JUSTICE":
				p.empty = reg
			}
		}
	}
	claims, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%+v, %v", claims, err)
	}
	p.claim = claims[0].Number
	if _, err := w.registry.Paid(t.Context(), p.claim, tolem.Money{Minor: 100_00, Currency: tolem.KZT}, "MT103", "clerk"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.registry.Correct(t.Context(), testDay, p.moved.Number, "A-2", "clerk", "slip"); err != nil {
		t.Fatal(err)
	}
	branch, _ := w.names.Participant("A-2")
	if _, err := w.registry.Reissue(t.Context(), branchOwner(branch), testDay, "slip", nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// GW-P26 GW-P28 GW-P40: whatever somebody changes in the database behind the
// gateway's back, the doctor names the check that fails and the record; an
// untouched database gives no finding.
func TestDoctorFindsTampering(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED with -short: every record is tampered with, and everything is checked after each")
	}
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		p := play(t, newWorld(t, dsn, zone, time.Date(2026, time.November, 20, 10, 0, 0, 0, zone)))
		raw := rawDatabase(t, dsn)
		check := func() []Finding {
			c, err := p.registry.Check(t.Context(), testDay-1, testDay+5, nil)
			if err != nil {
				t.Fatal(err)
			}
			return c.Findings
		}
		if found := check(); len(found) > 0 {
			t.Fatalf("an untouched database: %+v", found)
		}
		for _, c := range p.tamperings() {
			t.Run(c.name, func(t *testing.T) {
				defer c.undo(t, raw, c.keep(t, raw))
				result, err := raw.Exec(c.statement, c.args...)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := result.RowsAffected(); err != nil || n == 0 {
					t.Fatalf("nothing was changed: %v", err)
				}
				found := check()
				for _, want := range c.want {
					if !slices.ContainsFunc(found, func(f Finding) bool { return f.Check+" "+f.Record == want }) {
						t.Errorf("no finding %q in %+v", want, found)
					}
				}
			})
		}
		if found := check(); len(found) > 0 {
			t.Fatalf("after everything was put back: %+v", found)
		}
	})
}

// tampering is one change of one table.
type tampering struct {
	name      string
	table     string
	statement string
	args      []any
	want      []string // check and record
}

const spare = "spare_rows"

// keep copies the table aside; undo puts it back.
func (c tampering) keep(t *testing.T, raw *sql.DB) string {
	t.Helper()
	if _, err := raw.Exec("CREATE TABLE " + spare + " AS SELECT * FROM " + c.table); err != nil {
		t.Fatal(err)
	}
	return spare
}

func (c tampering) undo(t *testing.T, raw *sql.DB, from string) {
	t.Helper()
	for _, statement := range []string{"DELETE FROM " + c.table, "INSERT INTO " + c.table + " SELECT * FROM " + from, "DROP TABLE " + from} {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// tamperings are the changes that somebody with access to the database could
// make.
func (p played) tamperings() []tampering {
	code := func(check string, c tolem.Code) string { return check + " " + c.Number.String() }
	number := func(c tolem.Code) any { return int64(c.Number) }
	day, bank, empty, claim := int64(testDay), string(p.bank.Number), string(p.empty.Number), string(p.claim)
	change := func(table, set, where string, args []any, want ...string) tampering {
		return tampering{table + ": " + set, table, "UPDATE " + table + " SET " + set + " WHERE " + where, args, want}
	}
	remove := func(table, what, where string, args []any, want ...string) tampering {
		return tampering{table + " loses " + what, table, "DELETE FROM " + table + " WHERE " + where, args, want}
	}
	list := []tampering{
		change("day_row", "amount = amount + 1", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain), "registers "+bank),
		change("day_row", "fee = fee + 1", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain), "registers "+bank),
		change("day_row", "branch = 'A-2'", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain)),
		change("day_row", "bank = 'BANK-B'", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain), "registers "+bank),
		change("day_row", "bank_ref = 'X'", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain)),
		change("day_row", "state = 3", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain)),
		change("day_row", "closed_at = closed_at + 1", "code = $1", []any{number(p.closed)}, "seal day", code("facts", p.closed)),
		change("day_row", "belongs = belongs - 1", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain)),
		change("day_row", "channel = 77", "code = $1", []any{number(p.plain)}, "seal day"),
		change("day_row", "day = day + 1", "code = $1", []any{number(p.plain)}, "seal day", "registers "+bank),
		change("day_row", "discrepancy = 'WRONG_BANK'", "code = $1", []any{number(p.refused)}, "seal day", code("facts", p.refused)),
		remove("day_row", "a payment", "code = $1", []any{number(p.plain)}, "seal day", code("facts", p.plain), "registers "+bank),
		remove("day_row", "a refund", "code = $1 AND kind = 2", []any{number(p.refunded)}, "seal day", code("facts", p.refunded)),
		{"day_row gains a payment", "day_row", `INSERT INTO day_row SELECT 1234567890123456, kind, id, day, at, bank, branch, bank_ref, service, provider,
			channel, amount, currency, fee, paid_at, received_at, state, closed_at, discrepancy, belongs FROM day_row WHERE code = $1`,
			[]any{number(p.plain)}, []string{"seal day", "facts 1234567890123456", "registers " + bank}},

		change("payment", "amount = amount - 1", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("payment", "bank = 'BANK-B'", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("payment", "branch = 'A-2'", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("payment", "fee = 5", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("payment", "received_at = received_at + 86400000000", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("payment", "paid_at = paid_at + 1", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		remove("payment", "a row", "code = $1", []any{number(p.plain)}, code("facts", p.plain)),
		change("discrepancy", "amount = 1", "code = $1", []any{number(p.refused)}, code("facts", p.refused)),
		remove("discrepancy", "a row", "code = $1", []any{number(p.refused)}, code("facts", p.refused)),

		change("code", "state = 1", "number = $1", []any{number(p.plain)}, code("balance", p.plain)),
		change("code", "state = 5", "number = $1", []any{number(p.refunded)}, code("balance", p.refunded)),
		change("code", "closed_at = closed_at + 1", "number = $1", []any{number(p.closed)}, code("facts", p.closed)),
		remove("code", "a row", "number = $1", []any{number(p.other)}, code("balance", p.other), code("facts", p.other)),
		remove("step", "the refund", "code = $1 AND became = 6", []any{number(p.refunded)}, code("balance", p.refunded), code("facts", p.refunded)),
		remove("step", "the payment", "code = $1 AND became = 2", []any{number(p.other)}, code("balance", p.other), code("facts", p.other)),

		change("register", "totals = replace(totals, '50000', '50001')", "number = $1", []any{bank}, "registers "+bank, "evidence "+bank),
		change("register", "head = $2", "number = $1", []any{bank, []byte("<register>")}, "registers "+bank, "evidence "+bank),
		change("register", "hash = $2", "number = $1", []any{bank, make([]byte, 32)}, "registers "+bank),
		change("register", "signature = $2", "number = $1", []any{bank, []byte("<ds:Signature/>")}, "registers "+bank, "evidence "+bank),
		change("register", "final_after = final_after + 1", "number = $1", []any{bank}, "evidence "+bank),
		change("register", "corrections = 0", "number = $1", []any{"F-20261120-A-2-2"}, "registers F-20261120-A-2-2"),
		change("register", "owner = 'BANK-X'", "number = $1", []any{bank}, "registers "+bank),
		remove("register", "a bank's", "number = $1", []any{bank}, "registers "+bank, "evidence "+bank),
		remove("register", "an empty one", "number = $1", []any{empty}, "evidence "+empty),
		remove("register", "a revision", "number = $1", []any{"F-20261120-A-2-2"}, "evidence F-20261120-A-2-2"),

		change("claim", "amount = amount + 1", "number = $1", []any{claim}, "claims "+claim),
		change("claim", "row_count = row_count + 1", "number = $1", []any{claim}, "claims "+claim),
		change("claim", "due_at = due_at + 1", "number = $1", []any{claim}, "evidence "+claim),
		change("claim", "document = $2", "number = $1", []any{claim, []byte("<claim/>")}, "evidence "+claim),
		remove("claim", "a row", "number = $1", []any{claim}, "evidence "+claim),
		change("claim_step", "amount = amount + 1", "number = $1 AND line = 1", []any{claim}, "evidence "+claim),
		change("claim_step", "state = 'PAID'", "number = $1 AND line = 1", []any{claim}, "evidence "+claim),
		remove("claim_step", "a payment", "number = $1 AND line = 1", []any{claim}, "evidence "+claim),
		{"claim_step gains a payment", "claim_step", "INSERT INTO claim_step VALUES ($1, 2, 'PAID', 'clerk', 1, 'MT', 1)", []any{claim}, []string{"evidence " + claim}},

		change("correction", "branch = 'A-1'", "day = $1", []any{day}, code("evidence", p.moved)),
		change("correction", "reason = 'x'", "day = $1", []any{day}, code("evidence", p.moved)),
		remove("correction", "a row", "day = $1", []any{day}, "evidence F-20261120-A-2-2"),
		change("business_day", "facts = facts + 1", "day = $1", []any{day}, "seal day"),
		change("business_day", "hash = $2", "day = $1", []any{day, make([]byte, 32)}, "seal day"),
		change("business_day", "evidence = $2", "day = $1", []any{day, make([]byte, 16)}, "evidence day"),
		remove("business_day", "the first", "day = $1", []any{day}, "evidence day"),
		remove("business_day", "the last", "day = $1", []any{day + 1}, "evidence day"),

		change("day_total", "paid_minor = paid_minor + 1", "day = $1 AND provider = 'TAX' AND bank = 'BANK-B'", []any{day}, "totals day BANK-B TAX TAX-1 ATM KZT"),
		remove("day_total", "a row", "day = $1 AND provider = 'TAX' AND bank = 'BANK-B'", []any{day}, "totals day BANK-B TAX TAX-1 ATM KZT"),
		change("hour_total", "paid = paid + 1", "day = $1 AND provider = 'TAX' AND bank = 'BANK-B'", []any{day}, "totals 10:00 BANK-B TAX TAX-1 ATM KZT"),
		change("message", "data = $1", "id IN (SELECT id FROM message WHERE code < 0 ORDER BY id DESC LIMIT 1)", []any{[]byte("nothing")}, "evidence archive"),
	}
	for i := range list {
		list[i].name = fmt.Sprintf("%02d %s", i, list[i].name)
	}
	return list
}
