package smartcard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tolem"
	"tolem/smartcard"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func newSigner(t testing.TB) (*smartcard.Signer, *ecdsa.PrivateKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	s, err := smartcard.NewSigner(private)
	must(t, err)
	return s, private
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ticket() smartcard.Ticket {
	return smartcard.Ticket{
		ID: "0192-T1", Operation: tolem.TicketWrite, Workstation: "WS1", Bridge: "K1", Payment: "P-1", Card: "AZ-1001", Organisation: "AZERIQAZ", Amount: 1250,
		IssuedAt: now.Unix(), ExpiresAt: now.Add(time.Minute).Unix(),
	}
}

func read() smartcard.Read {
	return smartcard.Read{
		Challenge: "0123456789abcdefghijklmn", Workstation: "WS1", At: now.Unix(),
		Card: smartcard.Card{No: "AZ-1001", Organisation: "AZERIQAZ", Account: "400123", Balance: 730, LastTicket: "T0", LastLoaded: true,
			Details: []smartcard.Detail{{Label: "Sayğac", Value: "№ 7 «ə»"}}},
	}
}

func result() smartcard.Result {
	return smartcard.Result{Ticket: "T1", Workstation: "WS1", Outcome: smartcard.Written, Begun: true, At: now.Unix()}
}

func TestDocumentsAreReadAsTheyWereSigned(t *testing.T) {
	s, _ := newSigner(t)
	keys := smartcard.KeysOf(s.Public)

	document, err := s.SignTicket(ticket())
	must(t, err)
	opened, err := smartcard.OpenTicket(keys, document)
	if err != nil || opened != ticket() {
		t.Errorf("ticket %+v, %v", opened, err)
	}
	if !opened.Issued().Equal(now) || !opened.Expires().Equal(now.Add(time.Minute)) {
		t.Errorf("from %s to %s", opened.Issued(), opened.Expires())
	}

	document, err = s.SignRead(read())
	must(t, err)
	r, kid, err := smartcard.OpenRead(keys, document)
	if err != nil || kid != s.Public.ID || fmt.Sprint(r) != fmt.Sprint(read()) {
		t.Errorf("read %+v, %v", r, err)
	}

	document, err = s.SignResult(result())
	must(t, err)
	res, kid, err := smartcard.OpenResult(keys, document)
	if err != nil || kid != s.Public.ID || res != result() {
		t.Errorf("result %+v, %v", res, err)
	}
	if id, err := smartcard.PeekResult(document); err != nil || id != "T1" {
		t.Errorf("peek %s, %v", id, err)
	}
	if kid, err := smartcard.SignedBy(document); err != nil || kid != s.Public.ID {
		t.Errorf("signed by %s, %v", kid, err)
	}
	answer, _ := json.Marshal(map[string]any{"ticket_id": "another", "result": "failed", "signature": document})
	if got, err := smartcard.Signature(answer); err != nil || got != document {
		t.Errorf("signature of an answer: %v", err)
	}
}

// A library that is not ours reads what we sign, and we read what it signs.
func TestJOSE(t *testing.T) {
	s, private := newSigner(t)
	document, err := s.SignTicket(ticket())
	must(t, err)
	theirs, err := jose.ParseSignedCompact(document, []jose.SignatureAlgorithm{jose.ES256})
	must(t, err)
	payload, err := theirs.Verify(&private.PublicKey)
	must(t, err)
	var opened smartcard.Ticket
	must(t, json.Unmarshal(payload, &opened))
	if opened != ticket() {
		t.Errorf("go-jose reads %+v", opened)
	}
	thumb, err := (&jose.JSONWebKey{Key: &private.PublicKey}).Thumbprint(5) // crypto.SHA256
	must(t, err)
	if got := base64.RawURLEncoding.EncodeToString(thumb); got != string(s.Public.ID) {
		t.Errorf("thumbprint %s, want %s", s.Public.ID, got)
	}

	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: string(s.Public.ID)}},
		(&jose.SignerOptions{}).WithType("tolem-card-ticket+jws"))
	must(t, err)
	text, err := json.Marshal(ticket())
	must(t, err)
	signed, err := signer.Sign(text)
	must(t, err)
	compact, err := signed.CompactSerialize()
	must(t, err)
	if got, err := smartcard.OpenTicket(smartcard.KeysOf(s.Public), compact); err != nil || got != ticket() {
		t.Errorf("of go-jose: %+v, %v", got, err)
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// Whatever is not exactly a document of that type, signed by a key that counts,
// is refused, and for the right reason.
func TestWhatIsNoTicket(t *testing.T) {
	s, private := newSigner(t)
	stranger, _ := newSigner(t)
	keys := smartcard.KeysOf(s.Public)
	good, err := s.SignTicket(ticket())
	must(t, err)
	part := strings.Split(good, ".")
	head := func(h string) string { return b64(h) + "." + part[1] + "." + part[2] }
	kid := string(s.Public.ID)
	foreign, err := stranger.SignTicket(ticket())
	must(t, err)
	aRead, err := s.SignRead(read())
	must(t, err)
	// signed signs any payload as a ticket, with a library that does not look at it.
	signed := func(payload string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: kid}},
			(&jose.SignerOptions{}).WithType("tolem-card-ticket+jws"))
		must(t, err)
		x, err := signer.Sign([]byte(payload))
		must(t, err)
		compact, err := x.CompactSerialize()
		must(t, err)
		return compact
	}
	with := func(change func(*smartcard.Ticket)) string {
		x := ticket()
		change(&x)
		text, _ := json.Marshal(x)
		return signed(string(text))
	}
	text, _ := json.Marshal(ticket())
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"empty":                  {"", smartcard.ErrDocument},
		"two parts":              {part[0] + "." + part[1], smartcard.ErrDocument},
		"four parts":             {good + ".", smartcard.ErrDocument},
		"padded":                 {good + "=", smartcard.ErrDocument},
		"line end":               {part[0] + "\n." + part[1] + "." + part[2], smartcard.ErrDocument},
		"too long":               {good + strings.Repeat("A", smartcard.MaxDocument), smartcard.ErrDocument},
		"none":                   {head(`{"alg":"none","kid":"` + kid + `","typ":"tolem-card-ticket+jws"}`), smartcard.ErrDocument},
		"HS256":                  {head(`{"alg":"HS256","kid":"` + kid + `","typ":"tolem-card-ticket+jws"}`), smartcard.ErrDocument},
		"a key in the header":    {head(`{"alg":"ES256","kid":"` + kid + `","typ":"tolem-card-ticket+jws","jwk":{}}`), smartcard.ErrDocument},
		"crit":                   {head(`{"alg":"ES256","kid":"` + kid + `","typ":"tolem-card-ticket+jws","crit":["b"]}`), smartcard.ErrDocument},
		"another header":         {head(`{"kid":"` + kid + `","alg":"ES256","typ":"tolem-card-ticket+jws"}`), smartcard.ErrSignature},
		"a read as a ticket":     {aRead, smartcard.ErrDocument},
		"a stranger's":           {foreign, smartcard.ErrSignature},
		"another payload":        {part[0] + "." + b64(strings.Replace(string(text), "1250", "9250", 1)) + "." + part[2], smartcard.ErrSignature},
		"signature of zeros":     {part[0] + "." + part[1] + "." + b64(string(make([]byte, 64))), smartcard.ErrSignature},
		"signature in DER":       {part[0] + "." + part[1] + "." + b64(string(make([]byte, 70))), smartcard.ErrDocument},
		"not JSON":               {signed("ticket"), smartcard.ErrDocument},
		"a name twice":           {signed(strings.Replace(string(text), "{", `{"amount":1,`, 1)), smartcard.ErrDocument},
		"a name in capitals":     {signed(strings.Replace(string(text), `"amount"`, `"Amount"`, 1)), smartcard.ErrDocument},
		"an unknown name":        {signed(strings.Replace(string(text), "{", `{"extra":1,`, 1)), smartcard.ErrDocument},
		"two values":             {signed(string(text) + "{}"), smartcard.ErrDocument},
		"amount of a float":      {signed(strings.Replace(string(text), "1250", "1250.5", 1)), smartcard.ErrDocument},
		"nested":                 {signed(strings.Repeat("[", 50) + strings.Repeat("]", 50)), smartcard.ErrDocument},
		"amount zero":            {with(func(x *smartcard.Ticket) { x.Amount = 0 }), smartcard.ErrDocument},
		"amount negative":        {with(func(x *smartcard.Ticket) { x.Amount = -5 }), smartcard.ErrDocument},
		"no bridge":              {with(func(x *smartcard.Ticket) { x.Bridge = "" }), smartcard.ErrDocument},
		"no card":                {with(func(x *smartcard.Ticket) { x.Card = "" }), smartcard.ErrDocument},
		"card of spaces":         {with(func(x *smartcard.Ticket) { x.Card = "A 1" }), smartcard.ErrDocument},
		"unknown operation":      {with(func(x *smartcard.Ticket) { x.Operation = "erase" }), smartcard.ErrDocument},
		"reversal of nothing":    {with(func(x *smartcard.Ticket) { x.Operation = tolem.TicketReverse }), smartcard.ErrDocument},
		"write that takes back":  {with(func(x *smartcard.Ticket) { x.Reverses = "T0" }), smartcard.ErrDocument},
		"ends before it begins":  {with(func(x *smartcard.Ticket) { x.ExpiresAt = x.IssuedAt }), smartcard.ErrDocument},
		"lives an hour":          {with(func(x *smartcard.Ticket) { x.ExpiresAt = x.IssuedAt + 3600 }), smartcard.ErrDocument},
		"made in milliseconds":   {with(func(x *smartcard.Ticket) { x.IssuedAt *= 1000; x.ExpiresAt *= 1000 }), smartcard.ErrDocument},
		"identifier without end": {with(func(x *smartcard.Ticket) { x.Payment = tolem.PaymentID(strings.Repeat("P", 65)) }), smartcard.ErrDocument},
	} {
		if got, err := smartcard.OpenTicket(keys, c.document); !errors.Is(err, c.want) || got != (smartcard.Ticket{}) {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, c.want)
		}
	}
	if _, err := smartcard.OpenTicket(nil, good); !errors.Is(err, smartcard.ErrSignature) {
		t.Errorf("without keys: %v", err)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	s, _ := newSigner(t)
	for name, change := range map[string]func(*smartcard.Read){
		"short challenge":    func(r *smartcard.Read) { r.Challenge = "short" },
		"no card":            func(r *smartcard.Read) { r.No = "" },
		"no account":         func(r *smartcard.Read) { r.Account = "" },
		"balance":            func(r *smartcard.Read) { r.Balance = 1 << 60 },
		"control characters": func(r *smartcard.Read) { r.Details[0].Value = "a\x1b[2J" },
		"long line":          func(r *smartcard.Read) { r.Details[0].Label = strings.Repeat("ə", 201) },
		"many lines":         func(r *smartcard.Read) { r.Details = make([]smartcard.Detail, 65) },
		"no time":            func(r *smartcard.Read) { r.At = 0 },
	} {
		r := read()
		if change(&r); true {
			if _, err := s.SignRead(r); !errors.Is(err, smartcard.ErrDocument) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, change := range map[string]func(*smartcard.Result){
		"no ticket":           func(r *smartcard.Result) { r.Ticket = "" },
		"no outcome":          func(r *smartcard.Result) { r.Outcome = "" },
		"failure without why": func(r *smartcard.Result) { r.Outcome = smartcard.Failed },
		"success with code":   func(r *smartcard.Result) { r.Code = smartcard.WriteFailed },
		"done, never begun":   func(r *smartcard.Result) { r.Begun = false },
	} {
		r := result()
		if change(&r); true {
			if _, err := s.SignResult(r); !errors.Is(err, smartcard.ErrDocument) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, answer := range []string{"", "[]", "{}", `{"signature":7}`, strings.Repeat("x", 3*smartcard.MaxDocument)} {
		if _, err := smartcard.Signature([]byte(answer)); !errors.Is(err, smartcard.ErrDocument) {
			t.Errorf("%.20q: %v", answer, err)
		}
	}
}

func TestOnlyP256(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P384()} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(t, err)
		if _, err := smartcard.NewSigner(private); !errors.Is(err, smartcard.ErrKey) {
			t.Errorf("%s: %v", curve.Params().Name, err)
		}
	}
	s, _ := newSigner(t)
	again, err := smartcard.ParsePublicKey(s.Public.Bytes())
	if err != nil || again.ID != s.Public.ID {
		t.Errorf("%v, %v", again.ID, err)
	}
	off := s.Public.Bytes()
	off[40] ^= 1
	if _, err := smartcard.ParsePublicKey(off); !errors.Is(err, smartcard.ErrKey) {
		t.Errorf("a point off the curve: %v", err)
	}
}

// Every code has a status and a message; those of the specification are told
// once more.
//
// WP-092, WP-093, WP-157 to WP-159, WP-557 to WP-559
func TestCodes(t *testing.T) {
	for code, want := range map[smartcard.Code]struct {
		status  int
		message string
	}{
		"reader_not_ready":      {409, "card.reader_not_ready"},
		"operator_card_missing": {409, "card.operator_missing"},
		"customer_card_missing": {409, "card.customer_missing"},
		"card_unreadable":       {409, "card.read_failed"},
		"card_mismatch":         {409, "card.other_card"},
		"write_failed":          {409, "card.write_failed"},
		"ticket_expired":        {410, "card.write_failed"},
		"not of this list":      {500, "card.write_failed"},
	} {
		if code.Status() != want.status || code.Message() != want.message {
			t.Errorf("%s: %d %s", code, code.Status(), code.Message())
		}
	}
	if got := smartcard.ReaderNotReady.ReadMessages(); strings.Join(got, " ") != "card.read_failed card.reader_not_ready" {
		t.Errorf("reader: %v", got)
	}
	if got := smartcard.CardUnreadable.ReadMessages(); strings.Join(got, " ") != "card.read_failed" {
		t.Errorf("damaged: %v", got)
	}
	for presence, want := range map[smartcard.Presence]smartcard.Code{
		{}:                                 smartcard.ReaderNotReady,
		{OperatorCard: true}:               smartcard.ReaderNotReady,
		{Reader: true}:                     smartcard.OperatorCardMissing,
		{Reader: true, CustomerCard: true}: smartcard.OperatorCardMissing,
		{Reader: true, OperatorCard: true}: smartcard.CustomerCardMissing,
		{Reader: true, OperatorCard: true, CustomerCard: true}: "",
	} {
		if got := presence.Code(); got != want || got.NotReady() != (want != "") {
			t.Errorf("%+v: %q", presence, got)
		}
	}
}

func TestPairing(t *testing.T) {
	bridge, _ := newSigner(t)
	gateway, _ := newSigner(t)
	next, _ := newSigner(t)
	code := smartcard.NewPairingCode(smartcard.NewWorkstationID())
	typed, err := smartcard.ParsePairingCode(" " + strings.ToLower(code.Reveal()) + "\n")
	if err != nil || typed.Secret() != code.Secret() {
		t.Fatalf("typed: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v", code, code, code); strings.Contains(s, code.Reveal()) || strings.Count(s, "•••••") != 3 {
		t.Errorf("printed: %s", s)
	}
	find := func(w tolem.WorkstationID) (smartcard.PairingSecret, error) { return code.Secret(), nil }

	document, err := bridge.SignEnrolment(code.Workstation, true, typed.Secret())
	must(t, err)
	e, err := smartcard.OpenEnrolment(document, find)
	if err != nil || e.Workstation != code.Workstation || e.Key.ID != bridge.Public.ID || !e.Simulated {
		t.Fatalf("%+v, %v", e, err)
	}
	g := smartcard.Grant{Workstation: e.Workstation, Bridge: e.Key.ID, Keys: []smartcard.PublicKey{gateway.Public, next.Public}, At: now.Unix()}
	grant, err := gateway.SignGrant(g, code.Secret())
	must(t, err)
	opened, err := smartcard.OpenGrant(grant, typed.Secret())
	if err != nil || len(opened.Keys) != 2 || opened.Keys[0].ID != gateway.Public.ID || opened.Bridge != bridge.Public.ID {
		t.Fatalf("%+v, %v", opened, err)
	}
	// Whoever does not know the secret is nobody, on either side.
	other := smartcard.NewPairingCode(code.Workstation).Secret()
	if _, err := smartcard.OpenEnrolment(document, func(tolem.WorkstationID) (smartcard.PairingSecret, error) { return other, nil }); !errors.Is(err, smartcard.ErrSignature) {
		t.Errorf("enrolment: %v", err)
	}
	if _, err := smartcard.OpenGrant(grant, other); !errors.Is(err, smartcard.ErrSignature) {
		t.Errorf("grant: %v", err)
	}
	// New keys come from a key that is known, with no secret.
	keys, err := gateway.SignKeys(smartcard.Grant{Workstation: e.Workstation, Bridge: e.Key.ID, Keys: []smartcard.PublicKey{next.Public}, At: now.Unix()})
	must(t, err)
	if renewed, err := smartcard.OpenKeys(smartcard.KeysOf(opened.Keys...), keys); err != nil || renewed.Keys[0].ID != next.Public.ID {
		t.Errorf("keys: %v", err)
	}
	if _, err := smartcard.OpenKeys(smartcard.KeysOf(bridge.Public), keys); !errors.Is(err, smartcard.ErrSignature) {
		t.Errorf("keys from a stranger: %v", err)
	}
	if _, err := smartcard.OpenGrant(keys, code.Secret()); !errors.Is(err, smartcard.ErrSignature) {
		t.Errorf("keys in place of a grant: %v", err)
	}
	for _, text := range []string{"", "WS1", "WS1-SHORT", "-" + strings.Repeat("A", 26), "WS1-" + strings.Repeat("1", 26), "W S-ə" + strings.Repeat("A", 26)} {
		if _, err := smartcard.ParsePairingCode(text); !errors.Is(err, smartcard.ErrPairingCode) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzOpenTicket(f *testing.F) {
	s, _ := newSigner(f)
	document, err := s.SignTicket(ticket())
	must(f, err)
	f.Add(document)
	f.Add("a.b.c")
	f.Add(b64(`{"alg":"none"}`) + ".e30.")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := smartcard.OpenTicket(smartcard.KeysOf(s.Public), text)
		// A document has one spelling, and nobody else can sign.
		if err == nil && text != document {
			t.Errorf("opened %q: %+v", text, got)
		}
		_, _ = smartcard.SignedBy(text)
		_, _ = smartcard.PeekResult(text)
	})
}

// What decodes is what other programs read: written again and decoded it is the
// same.
func FuzzPayload(f *testing.F) {
	s, private := newSigner(f)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: string(s.Public.ID)}},
		(&jose.SignerOptions{}).WithType("tolem-card-read+jws"))
	must(f, err)
	text, err := json.Marshal(read())
	must(f, err)
	f.Add(text)
	f.Add([]byte(`{"challenge":"0123456789abcdefghijklmn","challenge":""}`))
	f.Add([]byte(`[[[[[[[[[[]]]]]]]]]]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		x, err := signer.Sign(payload)
		must(t, err)
		compact, err := x.CompactSerialize()
		must(t, err)
		r, _, err := smartcard.OpenRead(smartcard.KeysOf(s.Public), compact)
		if err != nil {
			return
		}
		again, err := s.SignRead(r)
		must(t, err)
		if r2, _, err := smartcard.OpenRead(smartcard.KeysOf(s.Public), again); err != nil || r2.Card.No != r.Card.No || r2.At != r.At {
			t.Errorf("%s is read as %+v and then as %+v, %v", payload, r, r2, err)
		}
	})
}
