package archive_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/store"
)

// world is an archive with those who send and sign.
type world struct {
	db       *store.DB
	a        *archive.Archive
	verifier note.Verifier
	at       time.Time

	*people
}

// people are made once for all tests: keys are slow.
type people struct {
	pki           *pki.PKI
	bank, gateway *signing.Signer
}

// origin is the name of the log in the tests.
const origin = "tolem.test"

var makePeople = sync.OnceValues(newPeople)

func newPeople() (*people, error) {
	p, err := pki.New(pki.Options{})
	if err != nil {
		return nil, err
	}
	w := &people{pki: p}
	for _, s := range []struct {
		name   string
		key    pki.KeyKind
		signer **signing.Signer
	}{{"Bank A", pki.RSA2048, &w.bank}, {"Gateway", pki.P256, &w.gateway}} {
		id, err := p.Issue(pki.Spec{CommonName: s.name, Org: s.name, Usage: pki.Signing, Key: s.key})
		if err != nil {
			return nil, err
		}
		if *s.signer, err = signing.NewSigner(id.Key, id.Cert); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// inWorlds runs a test on both databases.
func inWorlds(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db)) })
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	p, err := makePeople()
	if err != nil {
		t.Fatal(err)
	}
	key, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, people: p, at: time.Now().UTC().Truncate(time.Microsecond)}
	if w.a, err = archive.New(db, archive.Options{Origin: origin, CheckpointKey: key}); err != nil {
		t.Fatal(err)
	}
	if w.verifier, err = archive.NewVerifier(public); err != nil {
		t.Fatal(err)
	}
	return w
}

// request is a signed request of the bank as it is archived.
func (w *world) request(t testing.TB, code tolem.CodeNumber, op tolem.Operation, body string) archive.Record {
	t.Helper()
	return w.message(t, w.bank, archive.In, code, op, string(op), body)
}

// answer is a signed answer of the gateway; its certificate is not named.
func (w *world) answer(t testing.TB, code tolem.CodeNumber, op tolem.Operation, request archive.Record, body string) archive.Record {
	t.Helper()
	r := w.message(t, w.gateway, archive.Out, code, op, string(op)+"Response", body)
	r.Raw = nil
	r.RequestID, r.Certificate = request.RequestID, nil
	r.Raw = w.sign(t, w.gateway, string(op)+"Response", request.RequestID, body)
	return r
}

func (w *world) message(t testing.TB, s *signing.Signer, d archive.Direction, code tolem.CodeNumber, op tolem.Operation, element, body string) archive.Record {
	t.Helper()
	w.at = w.at.Add(1234 * time.Microsecond)
	id := tolem.RequestID(archive.NewMessageID(w.at).String())
	return archive.Record{
		ID: archive.NewMessageID(w.at), Direction: d, At: w.at, Participant: "bank-a", Operation: op, Code: code, RequestID: id,
		Certificate: s.Certificate(), Raw: w.sign(t, s, element, id, body),
	}
}

func (w *world) sign(t testing.TB, s *signing.Signer, element string, id tolem.RequestID, body string) []byte {
	t.Helper()
	payload := fmt.Sprintf(`<%[1]s xmlns="urn:tolem:gateway:v1"><requestId>%[2]s</requestId>%[3]s</%[1]s>`, element, strings.ToLower(string(id)), body)
	raw, err := s.Sign(signing.SOAP11, []byte(payload), w.at)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// add stores records in one transaction.
func (w *world) add(t testing.TB, records ...archive.Record) {
	t.Helper()
	err := w.db.Update(t.Context(), func(tx *store.Tx) error {
		for _, r := range records {
			if err := w.a.Add(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func drawNumber(t testing.TB) tolem.CodeNumber {
	t.Helper()
	n, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// life is the eight messages of a code from issue to close.
func (w *world) life(t testing.TB) (tolem.CodeNumber, []archive.Record) {
	t.Helper()
	code := drawNumber(t)
	now := w.at.Format("2006-01-02T15:04:05.000Z")
	micro := w.at.Format("2006-01-02T15:04:05.999999Z")
	pay := fmt.Sprintf("<paymentCode>%s</paymentCode>", code)
	ok := "<resultCode>OK</resultCode><resultText>accepted</resultText>" + pay
	ref := archive.NewMessageID(w.at).String()[20:]
	var records []archive.Record
	exchange := func(op tolem.Operation, request, answer string) {
		r := w.request(t, code, op, request)
		records = append(records, r, w.answer(t, code, op, r, answer))
	}
	exchange(tolem.OpIssueCode, "<sentAt>"+now+"</sentAt><serviceCode>P3.05</serviceCode><providerId>moj</providerId><recipientIIN>850101300005</recipientIIN>"+
		"<recipientName>Айгүл Сәрсенова</recipientName><amount>1200.00</amount><currency>KZT</currency><channel>INTERNET_BANKING</channel>",
		ok+"<issuedAt>"+micro+"</issuedAt><expiresAt>"+micro+"</expiresAt>")
	exchange(tolem.OpNotifyPayment, "<sentAt>"+now+"</sentAt>"+pay+"<bankId>bank-a</bankId><bankRef>"+ref+"</bankRef><amount>1200.00</amount><currency>KZT</currency>"+
		"<paidAt>"+now+"</paidAt><channel>INTERNET_BANKING</channel><recipientIIN>850101300005</recipientIIN><recipientName>Айгүл Сәрсенова</recipientName>"+
		"<serviceCode>P3.05</serviceCode><providerId>moj</providerId><accountNo>KZ86125KZT5004100100</accountNo>",
		ok+"<receivedAt>"+micro+"</receivedAt><state>PAID</state>")
	exchange(tolem.OpValidateCode, "<sentAt>"+now+"</sentAt>"+pay+"<requestNo>2026-"+ref+"</requestNo><recipientIIN>850101300005</recipientIIN><serviceCode>P3.05</serviceCode>",
		ok+"<state>PAID</state><recipientIIN>850101300005</recipientIIN><recipientName>Айгүл Сәрсенова</recipientName><serviceCode>P3.05</serviceCode>"+
			"<amount>1200.00</amount><currency>KZT</currency><paidAt>"+now+"</paidAt><boundRequestNo>2026-"+ref+"</boundRequestNo>")
	exchange(tolem.OpCloseCode, "<sentAt>"+now+"</sentAt>"+pay+"<closeId>"+ref+"</closeId><requestNo>2026-"+ref+"</requestNo>",
		ok+"<state>CLOSED</state><closedAt>"+micro+"</closedAt>")
	return code, records
}
