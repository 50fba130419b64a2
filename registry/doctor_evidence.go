package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// kept is what the archive holds of sealed days: of documents their hash, under
// what tells them apart.
type kept struct {
	registers map[tolem.RegisterNumber][32]byte
	claims    map[tolem.ClaimNumber]keptClaim
	seals     map[tolem.Day]store.MessageID
	steps     map[tolem.ClaimNumber][]string // what became of a claim, as the bank said or the operator noted
	words     map[tolem.RegisterNumber][]string
}

// keptClaim is a claim in the archive.
type keptClaim struct {
	hash [32]byte
	day  tolem.Day
}

// readKept collects what concerns no code, from the first day on: seals,
// registers, claims, and what owners said of registers. Altered
// evidence is a finding, and nothing is compared with it.
func (r *Registry) readKept(ctx context.Context, from tolem.Day, c *Checkup) (*kept, error) {
	k := &kept{
		registers: make(map[tolem.RegisterNumber][32]byte), claims: make(map[tolem.ClaimNumber]keptClaim), seals: make(map[tolem.Day]store.MessageID),
		steps: make(map[tolem.ClaimNumber][]string), words: make(map[tolem.RegisterNumber][]string),
	}
	since := r.Calendar.Start(from).Add(-time.Second) // ids tell milliseconds
	err := r.evidence.Walk(ctx, func(at time.Time, concernsCode bool) bool { return !concernsCode && !at.Before(since) }, k.read)
	if errors.Is(err, archive.ErrAltered) {
		c.find(from, CheckEvidence, "archive", "%v", err)
		return nil, nil
	}
	return k, err
}

func (k *kept) read(records []archive.Record) error {
	in := records[0]
	switch {
	case in.Operation == tolem.OpAcknowledgeRegister && len(records) == 2 && in.Class == "":
		return k.readWord(in, records[1])
	case in.Operation == tolem.OpAnswerClaim && len(records) == 2 && in.Class == "":
		return k.readAnswer(in, records[1])
	case in.Operation != "":
		return nil
	case bytes.HasPrefix(in.Raw, []byte("<register ")):
		return k.readDocument(in, func(d keptDocument) { k.registers[tolem.RegisterNumber(d.Number)] = sha256.Sum256(in.Raw) })
	case bytes.HasPrefix(in.Raw, []byte("<claim ")):
		return k.readDocument(in, func(d keptDocument) { k.claims[tolem.ClaimNumber(d.Number)] = keptClaim{sha256.Sum256(in.Raw), d.day} })
	case bytes.HasPrefix(in.Raw, []byte("<claimStep ")):
		return k.readDocument(in, func(d keptDocument) {
			n := tolem.ClaimNumber(d.Number)
			k.steps[n] = append(k.steps[n], string(in.Raw))
		})
	case bytes.HasPrefix(in.Raw, []byte("<daySeal ")):
		return k.readDocument(in, func(d keptDocument) { k.seals[d.day] = in.ID })
	}
	return nil
}

// keptDocument is what the gateway's own documents are told apart by.
type keptDocument struct {
	Number string `xml:"number"`
	Day    string `xml:"day"`
	day    tolem.Day
}

func (k *kept) readDocument(rec archive.Record, note func(keptDocument)) (err error) {
	var d keptDocument
	if err := xml.Unmarshal(rec.Raw, &d); err != nil {
		return fmt.Errorf("evidence %s: %w", rec.ID, err)
	}
	if d.Day != "" {
		if d.day, err = tolem.ParseDay(d.Day); err != nil {
			return fmt.Errorf("evidence %s: %w", rec.ID, err)
		}
	}
	note(d)
	return nil
}

// readWord takes what an owner said of a register out of its message.
func (k *kept) readWord(in, out archive.Record) error {
	answer, err := bodyFields(out.Raw)
	if err != nil || answer["resultCode"] != string(tolem.OK) {
		return err
	}
	var said struct {
		Number     string `xml:"Body>AcknowledgeRegister>number"`
		Verdict    string `xml:"Body>AcknowledgeRegister>verdict"`
		Objections []struct {
			Reason string `xml:"reason"`
			Line   int    `xml:"line"`
			Text   string `xml:"text"`
		} `xml:"Body>AcknowledgeRegister>objection"`
	}
	if err := xml.Unmarshal(in.Raw, &said); err != nil {
		return fmt.Errorf("evidence %s: %w", in.ID, err)
	}
	trim := func(s string) string { return strings.Trim(s, " \t\r\n") }
	a := tolem.Acknowledgement{Number: tolem.RegisterNumber(trim(said.Number)), By: in.Participant, Verdict: tolem.Verdict(trim(said.Verdict)), At: out.At}
	for _, o := range said.Objections {
		a.Objections = append(a.Objections, tolem.Objection{Reason: tolem.RejectReason(trim(o.Reason)), Line: o.Line, Text: trim(o.Text)})
	}
	k.words[a.Number] = append(k.words[a.Number], opinion(a))
	return nil
}

// readAnswer takes what a bank said of a claim out of its message.
func (k *kept) readAnswer(in, out archive.Record) error {
	answer, err := bodyFields(out.Raw)
	if err != nil || answer["resultCode"] != string(tolem.OK) {
		return err
	}
	said, err := bodyFields(in.Raw)
	n := tolem.ClaimNumber(said["number"])
	k.steps[n] = append(k.steps[n], answerToClaim(tolem.ClaimStep{
		State: tolem.ClaimState(said["answer"]), Who: string(in.Participant), Note: said["note"], At: out.At,
	}))
	return err
}

// answerToClaim writes what a bank said of a claim as one line.
func answerToClaim(s tolem.ClaimStep) string {
	return fmt.Sprintf("%s by %s at %s: %q, %d paid", s.State, s.Who, s.At.UTC().Format(timeForPeople), s.Note, s.Paid)
}

// opinion writes what an owner said of a register as one line.
func opinion(a tolem.Acknowledgement) string {
	text := fmt.Sprintf("%s by %s at %s", a.Verdict, a.By, a.At.UTC().Format(timeForPeople))
	for _, o := range a.Objections {
		text += fmt.Sprintf("; %s of row %d %q", o.Reason, o.Line, o.Text)
	}
	return text
}

// checkKept compares the tables of a day with the archive.
func (r *Registry) checkKept(ctx context.Context, d store.SealedDay, k *kept, c *Checkup) error {
	if id, found := k.seals[d.Day]; !found || id != d.Evidence {
		c.find(d.Day, CheckEvidence, "day", "the archive does not hold this seal")
	}
	return r.view(ctx, func(tx *store.Tx) error {
		return errors.Join(r.keptRegisters(tx, d, k, c), r.keptCorrections(tx, d, c), r.keptClaims(tx, d, k, c))
	})
}

func (r *Registry) keptRegisters(tx *store.Tx, d store.SealedDay, k *kept, c *Checkup) error {
	regs, err := tx.RegistersOfDay(d.Day)
	if err != nil {
		return err
	}
	have := make(map[tolem.RegisterNumber]bool, len(regs))
	for _, reg := range regs {
		have[reg.Number] = true
		switch hash, found := k.registers[reg.Number]; {
		case !found:
			c.find(d.Day, CheckEvidence, string(reg.Number), "the archive holds no such register")
		case hash != sha256.Sum256(evidence(reg)):
			c.find(d.Day, CheckEvidence, string(reg.Number), "head, totals or signature are not those in the archive")
		case !bytes.Contains(reg.Head, []byte("<finalAfter>"+reg.FinalAfter.UTC().Format(time.RFC3339Nano)+"</finalAfter>")):
			c.find(d.Day, CheckEvidence, string(reg.Number), "%s is not when it says to be final", reg.FinalAfter.Format(timeForPeople))
		}
		if err := r.keptWords(tx, reg, k, c); err != nil {
			return err
		}
	}
	for n := range k.registers {
		if ofDay(string(n), d.Day) && !have[n] {
			c.find(d.Day, CheckEvidence, string(n), "the archive holds this register, the table does not")
		}
	}
	return nil
}

func (r *Registry) keptWords(tx *store.Tx, reg store.StoredRegister, k *kept, c *Checkup) error {
	said, err := tx.Acknowledgements(reg.Number)
	var words []string
	for _, a := range said {
		words = append(words, opinion(a))
	}
	c.compare(reg.Day, string(reg.Number), "what its owner said", words, k.words[reg.Number])
	return err
}

// compare names what only one side has.
func (c *Checkup) compare(day tolem.Day, record, what string, table, kept []string) {
	for _, s := range table {
		if !slices.Contains(kept, s) {
			c.find(day, CheckEvidence, record, "%s: %s is not in the archive", what, s)
		}
	}
	for _, s := range kept {
		if !slices.Contains(table, s) {
			c.find(day, CheckEvidence, record, "%s: the archive has %s", what, s)
		}
	}
}

// keptCorrections looks for each correction among the evidence of its code,
// and for those that a register has seen and that are gone.
func (r *Registry) keptCorrections(tx *store.Tx, d store.SealedDay, c *Checkup) error {
	list, err := tx.Corrections(d.Day)
	if err != nil {
		return err
	}
	for _, x := range list {
		records, err := r.evidence.LoadCode(tx, x.Code)
		if err != nil && !errors.Is(err, archive.ErrAltered) {
			return err
		}
		document := correctionDocument(x)
		if !slices.ContainsFunc(records, func(rec archive.Record) bool { return bytes.Equal(rec.Raw, document) }) {
			c.find(d.Day, CheckEvidence, x.Code.String(), "correction %d is not the one in the archive", x.Seq)
		}
	}
	regs, err := tx.RegistersOfDay(d.Day)
	for _, reg := range regs {
		if reg.Corrections > len(list) {
			c.find(d.Day, CheckEvidence, string(reg.Number), "it has seen %d corrections, there are %d", reg.Corrections, len(list))
		}
	}
	return err
}

func (r *Registry) keptClaims(tx *store.Tx, d store.SealedDay, k *kept, c *Checkup) error {
	have := make(map[tolem.ClaimNumber]bool)
	for after := tolem.ClaimNumber(""); ; {
		page, err := tx.Claims("", d.Day, d.Day, after, pageRows)
		if err != nil {
			return err
		}
		for _, claim := range page {
			after, have[claim.Number] = claim.Number, true
			if k.claims[claim.Number].hash != sha256.Sum256(claim.Document) {
				c.find(d.Day, CheckEvidence, string(claim.Number), "the document is not the one in the archive")
			}
			if due := "<dueAt>" + claim.DueAt.UTC().Format(time.RFC3339Nano) + "</dueAt>"; !bytes.Contains(claim.Document, []byte(due)) {
				c.find(d.Day, CheckEvidence, string(claim.Number), "%s is not when it says to be due", claim.DueAt.Format(timeForPeople))
			}
			steps, err := tx.ClaimSteps(claim.Number)
			if err != nil {
				return err
			}
			var noted []string
			for i, s := range steps {
				switch {
				case i == 0: // sent: the claim itself
				case s.Who == string(claim.Bank) && slices.Contains(k.steps[claim.Number], answerToClaim(s)): // it called
					noted = append(noted, answerToClaim(s))
				default: // the operator's doing, or the bank was called
					noted = append(noted, string(stepDocument(claim.Number, s)))
				}
			}
			c.compare(d.Day, string(claim.Number), "what was noted", noted, k.steps[claim.Number])
		}
		if len(page) < pageRows {
			break
		}
	}
	for n, claim := range k.claims {
		if claim.day == d.Day && !have[n] {
			c.find(d.Day, CheckEvidence, string(n), "the archive holds this claim, the table does not")
		}
	}
	return nil
}

// ofDay reports whether a number of a register is one of a day:
// B-20261121-HALYK-1.
func ofDay(number string, d tolem.Day) bool {
	return len(number) > 1 && strings.HasPrefix(number[1:], "-"+strings.ReplaceAll(d.String(), "-", "")+"-")
}

// unsealed names days that the archive holds the seal of and the table does
// not.
func (k *kept) unsealed(days []store.SealedDay, from, to tolem.Day, c *Checkup) {
	if k == nil {
		return
	}
	for day := range k.seals {
		sealed := slices.ContainsFunc(days, func(d store.SealedDay) bool { return d.Day == day })
		if !sealed && day >= from && day <= to {
			c.find(day, CheckEvidence, "day", "the archive holds the seal of this day, the table does not")
		}
	}
}
