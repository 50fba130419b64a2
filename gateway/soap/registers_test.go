package soap_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/store"
	"tolem/wsdl"
)

// paidFor issues and pays a code through the gateway; more are further fields
// of the notification.
func (w *world) paidFor(bank string, more ...string) (code string) {
	w.t.Helper()
	a := w.actors[bank]
	code = a.do("IssueCode", order()...).field("paymentCode")
	fields := append(payment(code), more...)
	fields[3], fields[5] = bank, "REF "+code
	got := a.do("NotifyPayment", fields...)
	if got.result() != "OK" {
		w.t.Fatal(got.body)
	}
	if i := slices.Index(more, "branchId"); i >= 0 { // the bank is told whether the branch is one of its own
		own := bank == bankID && more[i+1] == branchID || bank == bank2ID && more[i+1] == branch2ID
		if (got.field("branchId") == more[i+1]) != own {
			w.t.Errorf("%s names branch %s: %s", bank, more[i+1], got.body)
		}
	}
	return code
}

// closeDay seals today and forms all its registers.
func (w *world) closeDay() tolem.Day {
	w.t.Helper()
	today := w.registry.Calendar.DayOf(time.Now())
	if _, err := w.registry.Seal(w.t.Context(), today, nil); err != nil {
		w.t.Fatal(err)
	}
	for _, o := range must(w.registry.Owners(w.t.Context(), today)) {
		must(w.registry.Build(w.t.Context(), o, today, nil))
	}
	return today
}

func number(kind tolem.RegisterKind, id string, day tolem.Day) string {
	return string(tolem.NewRegisterNumber(tolem.Owner{Kind: kind, ID: id}, day, 1))
}

// all returns the texts of an element, as often as it stands in the answer.
func (r reply) all(name string) (list []string) {
	for _, rest := range strings.Split(r.body, "<"+name+">")[1:] {
		text, _, _ := strings.Cut(rest, "</"+name+">")
		list = append(list, text)
	}
	return list
}

// Everybody asks for everybody's register, in every way. What is not the
// asker's is refused with a signed answer, which is recorded with the request;
// whether it exists or not makes no difference.
//
// GW-P27 GW-060 GW-061
func TestRegistersOfOthersAreRefused(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		w.paidFor(bankID, "branchId", branchID, "fee", "12.00")
		w.paidFor(bank2ID, "branchId", branch2ID)
		day := w.closeDay()
		owners := []struct {
			kind tolem.RegisterKind
			id   string
			sees []string // besides the owner
		}{
			{tolem.BankRegister, bankID, nil},
			{tolem.BankRegister, bank2ID, nil},
			{tolem.BranchRegister, branchID, []string{bankID}},
			{tolem.BranchRegister, branch2ID, []string{bank2ID}},
			{tolem.ProviderRegister, justiceID, nil},
			{tolem.ProviderRegister, taxID, nil},
			{tolem.BankRegister, "NOBODY", nil},
		}
		for _, who := range []string{bankID, bank2ID, branchID, branch2ID, justiceID, taxID} {
			a := w.actors[who]
			var own []string
			for _, o := range owners {
				n, sees := number(o.kind, o.id, day), who == o.id || slices.Contains(o.sees, who)
				want, wantWord := "NOT_OWNER", "NOT_OWNER"
				if sees {
					own = append(own, n)
					want = "OK"
				}
				if who == o.id { // a bank sees the registers of its branches, and does not speak for them
					wantWord = "OK"
				}
				choice := []string{"kind", string(o.kind), "day", day.String(), "form", "ROWS"}
				if o.kind == tolem.BranchRegister {
					choice = append(choice[:4:4], "branchId", o.id, "form", "ROWS")
				}
				if o.kind == tolem.BranchRegister || who == o.id { // others cannot even name it
					if got := a.do("GetRegister", choice...); got.result() != want {
						t.Errorf("%s asks for the day of %s: %s", who, n, got.body)
					}
				}
				for _, form := range []string{"ROWS", "XML"} {
					if got := a.do("GetRegister", "number", n, "form", form); got.result() != want {
						t.Errorf("%s asks for %s: %s", who, n, got.body)
					}
				}
				if got := a.do("AcknowledgeRegister", "number", n, "verdict", "ACK"); got.result() != wantWord {
					t.Errorf("%s acknowledges %s: %s", who, n, got.body)
				}
				later := number(o.kind, o.id, day+1)
				if want == "OK" {
					want = "UNKNOWN_REGISTER"
				}
				if got := a.do("GetRegister", "number", later, "form", "ROWS"); got.result() != want {
					t.Errorf("%s asks for %s, which is not there: %s", who, later, got.body)
				}
			}
			got := a.do("ListRegisters")
			slices.Sort(own)
			if listed := got.all("number"); !slices.Equal(listed, own) {
				t.Errorf("%s lists %q, want %q", who, listed, own)
			}
		}
		w.refusalsAreRecorded(day)
	})
}

// refusalsAreRecorded asks for foreign registers and finds request and answer
// in the archive.
func (w *world) refusalsAreRecorded(day tolem.Day) {
	w.t.Helper()
	for who, n := range map[string]string{
		justiceID: number(tolem.ProviderRegister, taxID, day), // a provider asks for another's
		branchID:  number(tolem.BankRegister, bank2ID, day),   // a branch for another bank's
	} {
		a, id := w.actors[who], uuid.NewString()
		got := a.post(a.sign(signing.SOAP11, request("GetRegister", id, "number", n, "form", "ROWS")), nil)
		if got.result() != "NOT_OWNER" || got.field("rows") != "" || got.field("register") != "" {
			w.t.Errorf("%s asks for %s: %s", who, n, got.body)
		}
		stored, err := base64.StdEncoding.DecodeString(a.do("GetOutcome", "ofRequestId", id).field("answer"))
		if err != nil || !bytes.Equal(stored, got.raw) {
			w.t.Errorf("%s asks for %s: the refusal was not kept: %s, %v", who, n, stored, err)
		}
		var kept store.Request
		err = w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
			kept, err = tx.Request(tolem.ParticipantID(who), tolem.RequestID(id))
			return err
		})
		if err != nil || kept.Result != tolem.NotOwner || kept.Operation != tolem.OpGetRegister {
			w.t.Errorf("kept %+v, %v", kept, err)
		}
	}
	if got := w.actors[portalID].do("GetRegister", "number", number(tolem.BankRegister, bankID, day), "form", "ROWS"); got.result() != "FORBIDDEN" {
		w.t.Errorf("the portal: %s", got.body)
	}
	if got := w.actors[branchID].do("ListRegisters", "onBehalfOf", bankID); got.result() != "FORBIDDEN" {
		w.t.Errorf("a branch in the name of its bank: %s", got.body)
	}
}

// A register comes in pages of typed rows, with what the bank said beside the
// payment, and its rows are those of the signed document.
func TestRegisterInRows(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		var codes []string
		for i := range 5 {
			more := []string{"branchId", branchID, "fee", fmt.Sprintf("%d.50", i+1)}
			if i == 4 {
				more[1] = branch2ID // which is another bank's
			}
			codes = append(codes, w.paidFor(bankID, more...))
		}
		day := w.closeDay()
		a, n := w.actors[bankID], number(tolem.BankRegister, bankID, day)
		var rows []string
		for from, pages := "1", 1; from != ""; pages++ {
			got := a.do("GetRegister", "number", n, "form", "ROWS", "fromLine", from, "maxRows", "2")
			w.conforms(got)
			rows = append(rows, got.all("row")...)
			if from = got.field("nextLine"); pages > 3 {
				t.Fatalf("more pages than there are rows for: %s", got.body)
			}
		}
		if len(rows) != 5 {
			t.Fatalf("%d rows", len(rows))
		}
		for i, row := range rows {
			branch := "<branchId>" + branchID + "</branchId>"
			if !strings.Contains(row, fmt.Sprintf("<line>%d</line>", i+1)) || !strings.Contains(row, codes[i]) ||
				!strings.Contains(row, fmt.Sprintf("<fee>%d.50</fee>", i+1)) || strings.Contains(row, branch) != (i < 4) {
				t.Errorf("row %d is %s", i+1, row)
			}
		}
		got := a.do("GetRegister", "kind", "bank", "day", day.String(), "form", "ROWS")
		if got.field("number") != n || got.field("nextLine") != "" || strings.Join(got.all("row"), "") != strings.Join(rows, "") {
			t.Errorf("the register of the day is %s", got.body)
		}
		if head := got.field("register"); !strings.Contains(head, "<grandTotal><currency>KZT</currency><count>5</count><amount>6000.00</amount>") ||
			!strings.Contains(head, "<standing>OPEN</standing><rowCount>5</rowCount>") {
			t.Errorf("its head is %s", head)
		}
		if got := w.actors[branchID].do("GetRegister", "kind", "branch", "day", day.String(), "form", "ROWS"); len(got.all("row")) != 4 {
			t.Errorf("the branch gets %s", got.body)
		}
		document := w.file(a, n, "XML", 1)
		for _, row := range rows {
			if !bytes.Contains(document, []byte("<row>"+row+"</row>")) {
				t.Errorf("%s does not stand in the document %s", row, document)
			}
		}
	})
}

// file fetches all parts of a file, of which there must be so many.
func (w *world) file(a *actor, n, form string, parts int) (content []byte) {
	w.t.Helper()
	for part := 1; part <= parts; part++ {
		got := a.do("GetRegister", "number", n, "form", form, "part", fmt.Sprint(part))
		w.conforms(got)
		if len(got.raw) > 1<<20 {
			w.t.Errorf("an answer of %d bytes", len(got.raw))
		}
		var piece []byte
		for _, text := range got.all("content") {
			piece = must(base64.StdEncoding.AppendDecode(piece, []byte(text)))
		}
		if got.field("parts") != fmt.Sprint(parts) || got.field("part") != fmt.Sprint(part) {
			w.t.Fatalf("part %d of %d: %s", part, parts, got.body[:min(len(got.body), 2000)])
		}
		content = append(content, piece...)
		if size := got.field("size"); part == parts && size != fmt.Sprint(len(content)) {
			w.t.Errorf("size %s of %d bytes", size, len(content))
		}
	}
	return content
}

// conforms checks an answer against the published schema with libxml2.
func (w *world) conforms(r reply) {
	w.t.Helper()
	xmllint := tolemtest.RequireTool(w.t, "xmllint")
	_, content, _ := strings.Cut(r.body, ">")
	content = content[:strings.LastIndex(content, "</")]
	dir := w.t.TempDir()
	schema, message := filepath.Join(dir, "gateway-v1.xsd"), filepath.Join(dir, "message.xml")
	if err := os.WriteFile(schema, wsdl.Schema(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(message, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, err := exec.Command(xmllint, "--noout", "--huge", "--schema", schema, message).CombinedOutput(); err != nil {
		w.t.Errorf("%v: %s", err, out)
	}
}

// The owner's word is recorded once; what cannot be said is refused.
//
// GW-P26
func TestAcknowledgeRegister(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		w.paidFor(bankID)
		day := w.closeDay()
		a, n := w.actors[bankID], number(tolem.BankRegister, bankID, day)
		objection := func(fields ...string) string { return inner(fields...) }
		for _, c := range []struct {
			verdict   string
			objection []string
			want      string
			standing  string
		}{
			{"REJECT", nil, "BAD_REQUEST", "OPEN"},
			{"ACK", []string{objection("reason", "AMOUNT")}, "BAD_REQUEST", "OPEN"},
			{"PERHAPS", nil, "BAD_REQUEST", "OPEN"},
			{"REJECT", []string{objection("reason", "UGLY")}, "BAD_REQUEST", "OPEN"},
			{"REJECT", []string{objection("line", "1", "reason", "AMOUNT")}, "BAD_REQUEST", "OPEN"},
			{"REJECT", []string{objection("reason", "AMOUNT", "line", "0")}, "BAD_REQUEST", "OPEN"},
			{"REJECT", []string{"AMOUNT"}, "BAD_REQUEST", "OPEN"},
			{"REJECT", slices.Repeat([]string{objection("reason", "OTHER")}, 1001), "BAD_REQUEST", "OPEN"},
			{"REJECT", []string{objection("reason", "AMOUNT", "line", "2")}, "BAD_ROW", "OPEN"},
			{"REJECT", []string{objection("reason", "AMOUNT", "line", "1", "text", "it was &lt; 1200"), objection("reason", "TOTALS")}, "OK", "REJECTED"},
			{"REJECT", slices.Repeat([]string{objection("reason", "OTHER")}, 1000), "OK", "REJECTED"},
			{"ACK", nil, "OK", "ACKNOWLEDGED"},
		} {
			fields := []string{"number", n, "verdict", c.verdict}
			for _, o := range c.objection {
				fields = append(fields, "objection", o)
			}
			got := a.do("AcknowledgeRegister", fields...)
			if got.result() == "OK" {
				w.conforms(got)
			}
			if got.result() != c.want || c.want == "OK" && got.field("standing") != c.standing {
				t.Errorf("%s %q: %s", c.verdict, c.objection[:min(2, len(c.objection))], got.body)
			}
			if listed := a.do("ListRegisters", "kind", "bank"); listed.field("standing") != c.standing {
				t.Errorf("%s %q: listed %s", c.verdict, c.objection[:min(2, len(c.objection))], listed.body)
			}
		}
	})
}

// A register larger than an answer comes in parts, which make the document that
// was signed; the same question gets the same bytes.
//
// GW-P26 GW-P08
func TestRegisterInParts(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	w.seed(1500)
	day := w.closeDay()
	a, n := w.actors[bankID], number(tolem.BankRegister, bankID, day)
	document := w.file(a, n, "XML", 3)
	signed, err := signing.VerifyStreamed(bytes.NewReader(document), int64(len(document)), w.trust, time.Now())
	if err != nil || signed.Certificate.Subject.CommonName != "gateway" {
		t.Fatalf("%v, %v", signed, err)
	}
	if got := a.do("GetRegister", "number", n, "form", "XML", "part", "4"); got.result() != "BAD_ROW" {
		t.Errorf("a part too many: %s", got.body)
	}
	id := uuid.NewString()
	message := a.sign(signing.SOAP11, request("GetRegister", id, "number", n, "form", "XML", "part", "2"))
	if first, again := a.post(message, nil), a.post(message, nil); !bytes.Equal(first.raw, again.raw) || first.result() != "OK" {
		t.Error("a repetition gets another answer")
	}
	if got := a.do("GetOutcome", "ofRequestId", id); got.field("ofResultCode") != "OK" || got.field("answer") != "" {
		t.Errorf("the outcome of a large answer: %s", got.body)
	}
	lines := 0
	for from := "1"; from != ""; {
		got := a.do("GetRegister", "number", n, "form", "ROWS", "fromLine", from)
		lines, from = lines+len(got.all("row")), got.field("nextLine")
		if len(got.raw) > 1<<20 {
			t.Errorf("an answer of %d bytes", len(got.raw))
		}
	}
	if lines != 1500 {
		t.Errorf("%d rows", lines)
	}
}

// seed has so many codes paid at the first bank, with texts as long as they may
// be.
func (w *world) seed(n int) {
	w.t.Helper()
	amount := tolem.Money{Minor: 100_000_000_000_00, Currency: tolem.KZT}
	const batch = 100
	for range n / batch {
		err := w.db.Update(w.t.Context(), func(tx *store.Tx) (err error) {
			for range batch {
				number := must(tolem.DrawCodeNumber(rand.Reader))
				c := tolem.Issued(tolem.Code{
					Number: number, Service: "BIRTH", Provider: justiceID, Channel: tolem.ChannelInternetBanking, Amount: amount,
					Recipient: citizen, Requester: bankID, Bank: bankID, ExpiresAt: tx.Now().Add(time.Hour),
				}, tx.Now())
				p := tolem.Payment{
					Code: number, Bank: bankID, BankRef: tolem.BankRef(strings.Repeat("&", 64)), Amount: amount, PaidAt: tx.Now(), ReceivedAt: tx.Now(),
					Channel: tolem.ChannelInternetBanking, Recipient: citizen, Service: "BIRTH", Provider: justiceID, Account: "KZ1", NotifiedBy: bankID,
				}
				d := c.Code.Notify(p, nil, tx.Now())
				err = errors.Join(err, tx.InsertCode(c), tx.InsertPayment(p), tx.ChangeCode(c.Code, d))
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// inner is the content of an element that holds others.
func inner(fields ...string) string {
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%s>", fields[i], fields[i+1], fields[i])
	}
	return b.String()
}

// What is over cannot be rejected, what is not over has no register.
func TestRegistersBeforeAndAfterTheirTime(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	w.registry.FinalAfter = 0
	today := w.registry.Calendar.DayOf(time.Now())
	if _, err := w.registry.Seal(t.Context(), today-1, nil); err != nil {
		t.Fatal(err)
	}
	for _, o := range must(w.registry.Owners(t.Context(), today-1)) {
		must(w.registry.Build(t.Context(), o, today-1, nil))
	}
	a, n := w.actors[justiceID], number(tolem.ProviderRegister, justiceID, today-1)
	for _, c := range []struct {
		operation string
		fields    []string
		want      string
	}{
		{"AcknowledgeRegister", []string{"number", n, "verdict", "REJECT", "objection", inner("reason", "OTHER")}, "REGISTER_FINAL"},
		{"AcknowledgeRegister", []string{"number", n, "verdict", "ACK"}, "OK"},
		{"GetRegister", []string{"kind", "provider", "day", today.String(), "form", "ROWS"}, "NOT_SEALED"},
		{"GetRegister", []string{"kind", "provider", "day", (today - 1).String(), "form", "ROWS"}, "OK"},
		{"GetRegister", []string{"kind", "bank", "day", (today - 1).String(), "form", "ROWS"}, "NOT_OWNER"},
		{"GetRegister", []string{"number", n, "form", "ROWS", "fromLine", "2"}, "BAD_ROW"},
		{"GetRegister", []string{"number", n, "form", "XML", "part", "2"}, "BAD_ROW"},
		{"GetRegister", []string{"number", n, "form", "DOC"}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", n}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", "P-20261301-X-1", "form", "ROWS"}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", n, "kind", "provider", "form", "ROWS"}, "BAD_REQUEST"},
		{"GetRegister", []string{"kind", "provider", "form", "ROWS"}, "BAD_REQUEST"},
		{"GetRegister", []string{"form", "ROWS"}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", n, "form", "ROWS", "part", "1"}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", n, "form", "XML", "fromLine", "1"}, "BAD_REQUEST"},
		{"GetRegister", []string{"number", n, "form", "ROWS", "maxRows", "501"}, "BAD_REQUEST"},
		{"GetRegister", []string{"kind", "provider", "day", "2026-02-30", "form", "ROWS"}, "BAD_REQUEST"},
		{"ListRegisters", []string{"from", today.String(), "to", (today - 1).String()}, "BAD_REQUEST"},
		{"ListRegisters", []string{"kind", "bank"}, "NOT_OWNER"},
		{"ListRegisters", []string{"branchId", branchID}, "NOT_OWNER"},
		{"ListRegisters", []string{"after", n}, "OK"},
		{"ListRegisters", []string{"from", (today - 1).String(), "to", today.String(), "kind", "provider"}, "OK"},
	} {
		if got := a.do(c.operation, c.fields...); got.result() != c.want {
			t.Errorf("%s %q: %s", c.operation, c.fields, got.body)
		}
	}
	if got := a.do("ListRegisters", "after", n); len(got.all("number")) != 0 {
		t.Errorf("behind the last: %s", got.body)
	}
}
