package deliver_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
	"tolem/registry/deliver/receiver"
	"tolem/signing"
	"tolem/store"
	"tolem/wsdl"
)

// evidence returns the messages of every attempt.
func (w *world) evidence(d store.Delivery) (list []archive.Record) {
	w.t.Helper()
	attempts := w.attempts(d)
	w.view(func(tx *store.Tx) error {
		for _, a := range attempts {
			for _, id := range a.Evidence {
				bundle, err := w.archive.Load(tx, 0, id)
				if err != nil {
					return err
				}
				list = append(list, bundle)
			}
		}
		return nil
	})
	return list
}

// What a receiver may do wrong, and what comes of it. None of it delivers;
// once it does as it should, there is one effect.
func TestMisbehavingReceiver(t *testing.T) {
	cases := []struct {
		name      string
		behaviour receiver.Behaviour
		class     string
		evidence  int // entries: only what the owner has signed
		effects   int // at the receiver, before it behaves
	}{
		{"down", receiver.Down, "target", 0, 0},
		{"slow", receiver.Slow, "target", 0, 1},
		{"busy", receiver.Busy, "target", 1, 0},
		{"refuses", receiver.Refuse, "refused", 1, 0},
		{"loses its answer", receiver.LoseAnswer, "target", 0, 1},
		{"another participant signs", receiver.WrongSigner, "target", 0, 1},
		{"answers another request", receiver.OtherRequest, "target", 1, 1},
		{"answers people", receiver.Garbage, "target", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			clock := tolemtest.NewClock(time.Now())
			w := newWorld(t, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), clock)
			o := w.office(func(r *receiver.Config) { r.Delay = 7 * time.Second })
			if c.behaviour == receiver.Slow {
				o.impatient(w)
			}
			w.enqueue(number(1))
			o.Next(c.behaviour)
			courier := w.courier(nil)
			w.run(courier)
			w.expect(c.class)
			if d := w.only(number(1)); d.State != tolem.DeliveryWaiting || len(w.evidence(d)) != c.evidence {
				t.Errorf("%s with %d pieces of evidence, want waiting and %d", d.State, len(w.evidence(d)), c.evidence)
			}
			if got := o.Counts().Effects; got != c.effects && c.behaviour != receiver.Slow {
				t.Errorf("%d effects, want %d", got, c.effects)
			}
			w.clock.Advance(time.Hour)
			w.run(courier)
			d := w.only(number(1))
			if d.State != tolem.DeliveryDelivered || o.Counts().Effects != 1 || len(w.evidence(d)) != c.evidence+1 {
				t.Errorf("then: %s, %+v: %v", d.State, o.Counts(), w.last().Err)
			}
		})
	}
}

// impatient gives the transport less time than a slow receiver takes.
func (o *office) impatient(w *world) {
	config := o.settings
	config.Timeout = 300 * time.Millisecond
	w.settings.Transports[tolem.BySOAP] = deliver.NewSOAP(config)
}

// Large documents go in parts. Each part and its answer is evidence; after a
// failure in the middle the rest is sent, not the whole.
func TestPartsAreSentOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.office(nil)
		w.library.size = 3<<19 + 12345 // three parts and a bit
		w.enqueue(number(1))
		courier := w.courier(nil)
		o.Next(receiver.Well, receiver.Well, receiver.Refuse)
		w.run(courier)
		w.expect("refused")
		if d := w.only(number(1)); d.Parts != 2 || d.Size != int64(len(w.library.content(number(1), "xml"))) {
			t.Errorf("after two parts: %+v", d)
		}
		w.clock.Advance(time.Hour)
		w.run(courier)
		w.expect("")
		c := o.Counts()
		if c.Requests != 5 || c.Effects != 1 || c.Duplicates != 0 {
			t.Errorf("%+v, want 5 requests for 4 parts of which one was refused", c)
		}
		if got := must(os.ReadFile(filepath.Join(o.dir, number(1)+".xml"))); !bytes.Equal(got, w.library.content(number(1), "xml")) {
			t.Error("the receiver holds other bytes")
		}
		d := w.only(number(1))
		answers := w.evidence(d)
		if len(answers) != 5 {
			t.Fatalf("%d entries of evidence", len(answers))
		}
		for _, a := range answers {
			if a.Direction != archive.In || a.Participant != owner || a.Operation != "DeliverDocument" || a.Fingerprint == (tolem.Fingerprint{}) {
				t.Errorf("evidence %+v", a)
			}
		}
		// Resent, all of it goes again and has no effect.
		w.resend(number(1))
		w.run(courier)
		if c := o.Counts(); c.Effects != 1 || c.Duplicates != 4 {
			t.Errorf("resent: %+v", c)
		}
	})
}

// Parts that were confirmed count only while the content is the same.
func TestOtherContentIsNeverTaken(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.office(nil)
		w.enqueue(number(1))
		courier := w.courier(nil)
		w.run(courier)
		w.library.size++
		w.resend(number(1))
		w.run(courier)
		w.expect("other-content")
		if d := w.only(number(1)); d.State != tolem.DeliveryWaiting || o.Counts().Effects != 1 {
			t.Errorf("%s, %+v", d.State, o.Counts())
		}
	})
}

// A receiver that has lost parts says so, and gets all of them again.
func TestLostPartsComeAgain(t *testing.T) {
	clock := tolemtest.NewClock(time.Now())
	w := newWorld(t, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), clock)
	o := w.office(nil)
	w.library.size = 2 << 19
	w.enqueue(number(1))
	courier := w.courier(nil)
	o.Next(receiver.Well, receiver.Well, receiver.Down)
	w.run(courier)
	parts := must(filepath.Glob(filepath.Join(o.dir, "parts", "*", "00000001")))
	if len(parts) != 1 {
		t.Fatalf("parts %v", parts)
	}
	if err := os.WriteFile(parts[0], []byte("not what was sent"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.run(courier)
	w.expect("refused")
	if d := w.only(number(1)); d.Parts != 0 {
		t.Errorf("%d parts count although the hash was wrong", d.Parts)
	}
	w.clock.Advance(time.Hour)
	w.run(courier)
	w.expect("")
	if o.Counts().Effects != 1 {
		t.Errorf("%+v", o.Counts())
	}
}

// A withdrawn certificate signs no confirmation, and a server of somebody else
// is not spoken to.
func TestWhoIsBelieved(t *testing.T) {
	clock := tolemtest.NewClock(time.Now())
	w := newWorld(t, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), clock)
	o := w.office(nil)
	w.enqueue(number(1))
	w.update(func(tx *store.Tx) error {
		certs, err := tx.Certificates()
		for _, c := range certs {
			if c.Participant == owner && err == nil {
				c.Withdrawn = true
				err = tx.PutCertificate(c)
			}
		}
		return err
	})
	if err := o.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.run(w.courier(nil))
	w.expect("target")
	w.target(tolem.DeliveryTarget{Name: "main", Method: tolem.BySOAP, Address: "https://localhost" + o.address[len("https://127.0.0.1"):]})
	seen := o.Counts().Requests
	w.clock.Advance(time.Hour)
	w.run(w.courier(nil)) // its certificate names 127.0.0.1 only
	w.expect("target")
	if o.Counts().Requests != seen {
		t.Error("a server that is not the one named was sent a document")
	}
}

// What is sent follows the contract: libxml2 says so.
func TestMessagesFollowTheContract(t *testing.T) {
	xmllint := tolemtest.RequireTool(t, "xmllint")
	clock := tolemtest.NewClock(time.Now())
	w := newWorld(t, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), clock)
	var sent [][]byte
	w.office(func(c *receiver.Config) {
		gateway := c.Gateway
		c.Gateway = func(v *signing.Verified) bool {
			sent = append(sent, v.Body)
			return gateway(v)
		}
	})
	w.library.size = 600_000
	w.enqueue(number(1))
	w.run(w.courier(nil))
	w.expect("")
	var messages [][]byte
	for _, body := range sent {
		_, rest, _ := bytes.Cut(body, []byte(">"))
		message, _, _ := bytes.Cut(rest, []byte("</soap:Body>"))
		messages = append(messages, message)
	}
	for _, answer := range w.evidence(w.only(number(1))) {
		message, _, err := signing.Payload(answer.Raw)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, message)
	}
	if len(messages) != 4 {
		t.Fatalf("%d messages, want two parts and their answers", len(messages))
	}
	dir := t.TempDir()
	schema, file := filepath.Join(dir, "receiver.xsd"), filepath.Join(dir, "message.xml")
	if err := os.WriteFile(schema, wsdl.ReceiverSchema(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, message := range messages {
		if err := os.WriteFile(file, message, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(xmllint, "--noout", "--huge", "--schema", schema, file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
