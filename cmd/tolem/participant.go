package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

func participantCommand(io streams) *cobra.Command {
	return group("participant", "Register who may call the gateway",
		participantAddCommand(io), participantListCommand(io), participantShowCommand(io),
		participantSuspendCommand(io, "suspend", true), participantSuspendCommand(io, "resume", false),
		group("cert", "Certificates of a participant", certAddCommand(io), certWithdrawCommand(io)),
		returnAddressCommand(io))
}

// newParticipant is what the flags of participant add say.
type newParticipant struct {
	id, kind, name       string
	certs, groups, banks []string
	contract             string
	from, until          string
	bodyOnly             bool
	answerKey            string
}

func participantAddCommand(io streams) *cobra.Command {
	var in newParticipant
	c := &cobra.Command{
		Use: "add", Short: "Register a participant with its certificates", Args: noArgs,
		Example: `  tolem participant add --id BANK1 --kind bank --name "First Bank" --cert signing.pem --cert tls.pem
  tolem participant add --id KIOSK --kind processing --name "Kiosk centre" --cert kiosk.pem --for BANK1
  tolem participant add --id ALM01 --kind branch --name "First Bank, Almaty" --cert almaty.pem --for BANK1`,
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&in.id, "id", "", "identifier in messages: letters, digits, '.', '_', '-'")
	f.StringVar(&in.kind, "kind", "", "bank, branch, processing, portal, service-centre, provider or merchant")
	f.StringVar(&in.name, "name", "", "name of the organisation")
	f.StringArrayVar(&in.certs, "cert", nil, "certificate in `PEM`, for signing or for the channel; may be repeated")
	f.StringArrayVar(&in.banks, "for", nil, "`bank` in whose name a processing centre may call, may be repeated; or the one that a branch belongs to")
	f.StringArrayVar(&in.groups, "group", nil, "group with rights; by default the one named like the kind")
	f.StringVar(&in.contract, "contract", "", "number of the contract")
	f.StringVar(&in.from, "contract-from", "", "first `day` of the contract, 2026-01-31; by default now")
	f.StringVar(&in.until, "contract-until", "", "`day` on which the contract ends; by default never")
	f.BoolVar(&in.bodyOnly, "body-only", false, "signs the Body alone, with sentAt in it, and sends no Timestamp")
	f.StringVar(&in.answerKey, "answer-key", "", "rsa or ec; by default EC to a request signed with EC, RSA to others")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "id", "kind", "name", "cert"); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			p, err := in.participant(d.zone)
			if err != nil {
				return err
			}
			certs, err := in.certificates(p.ID)
			if err != nil {
				return err
			}
			err = d.db.Update(ctx, func(tx *store.Tx) error {
				if _, err := tx.Participant(p.ID); err == nil {
					return fmt.Errorf("participant %s exists already", p.ID)
				} else if !errors.Is(err, store.ErrNotFound) {
					return err
				}
				for _, bank := range p.ActsFor {
					if b, err := tx.Participant(bank); err != nil || b.Kind != tolem.KindBank {
						return fmt.Errorf("--for %s: no such bank", bank)
					}
				}
				if err := tx.PutParticipant(p); err != nil {
					return err
				}
				return addCertificates(tx, certs)
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, viewParticipant(p, certs))
			}
			fmt.Fprintf(io.out, "registered %s %s with %d certificate(s)\n", p.Kind, p.ID, len(certs))
			return nil
		})
	}
	return c
}

func (in newParticipant) participant(zone *time.Location) (tolem.Participant, error) {
	kind, err := tolem.ParseKind(in.kind)
	if err != nil {
		return tolem.Participant{}, fmt.Errorf("%w: --kind: %w", errUsage, err)
	}
	if err := tolem.CheckIdentifier(in.id); err != nil {
		return tolem.Participant{}, fmt.Errorf("%w: --id: %w", errUsage, err)
	}
	p := tolem.Participant{
		ID: tolem.ParticipantID(in.id), Kind: kind, Name: in.name, ContractNo: in.contract, BodyOnly: in.bodyOnly,
		AnswerKey: tolem.AnswerKey(in.answerKey), Groups: []tolem.Group{kind.DefaultGroup()}, ContractFrom: time.Now(),
	}
	if p.AnswerKey != tolem.AnswerAuto && p.AnswerKey != tolem.AnswerRSA && p.AnswerKey != tolem.AnswerEC {
		return p, fmt.Errorf("%w: --answer-key must be rsa or ec", errUsage)
	}
	switch n := len(in.banks); {
	case kind == tolem.KindBranch && n != 1:
		return p, fmt.Errorf("%w: --for names the one bank that a branch belongs to", errUsage)
	case kind == tolem.KindProcessing && n == 0:
		return p, fmt.Errorf("%w: --for names the banks of a processing centre", errUsage)
	case kind != tolem.KindBranch && kind != tolem.KindProcessing && n > 0:
		return p, fmt.Errorf("%w: --for goes with the kinds branch and processing", errUsage)
	}
	for _, bank := range in.banks {
		p.ActsFor = append(p.ActsFor, tolem.ParticipantID(bank))
	}
	if len(in.groups) > 0 {
		p.Groups = nil
	}
	for _, name := range in.groups {
		g, err := tolem.ParseGroup(name)
		if err != nil {
			return p, fmt.Errorf("%w: --group: %w", errUsage, err)
		}
		p.Groups = append(p.Groups, g)
	}
	if in.from != "" {
		if p.ContractFrom, err = parseDay(in.from, zone); err != nil {
			return p, err
		}
	}
	if in.until != "" {
		if p.ContractUntil, err = parseDay(in.until, zone); err != nil {
			return p, err
		}
	}
	return p, nil
}

func parseDay(s string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		return t, fmt.Errorf("%w: %q is not a day like 2026-01-31", errUsage, s)
	}
	return t, nil
}

func (in newParticipant) certificates(id tolem.ParticipantID) ([]tolem.Certificate, error) {
	return loadCertificates(id, in.certs)
}

// loadCertificates reads the first certificate of each file: what may follow it
// are its issuers.
func loadCertificates(id tolem.ParticipantID, files []string) ([]tolem.Certificate, error) {
	now := time.Now()
	var certs []tolem.Certificate
	for _, file := range files {
		chain, err := readCertificates(file)
		if err != nil {
			return nil, err
		}
		leaf := chain[0]
		if leaf.IsCA {
			return nil, fmt.Errorf("%s: this is the certificate of an authority, not of a participant", file)
		}
		if now.After(leaf.NotAfter) {
			return nil, fmt.Errorf("%s: expired on %s", file, leaf.NotAfter.Format(time.DateOnly))
		}
		certs = append(certs, tolem.Certificate{
			Fingerprint: tolem.FingerprintOf(leaf.Raw), Participant: id, DER: leaf.Raw, NotAfter: leaf.NotAfter, AddedAt: now,
		})
	}
	return certs, nil
}

// addCertificates registers certificates that nobody else has registered.
func addCertificates(tx *store.Tx, certs []tolem.Certificate) error {
	for _, cert := range certs {
		held, err := tx.Certificate(cert.Fingerprint)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case held.Participant != cert.Participant:
			return fmt.Errorf("certificate %s belongs to %s", cert.Fingerprint, held.Participant)
		case !held.Withdrawn:
			continue
		}
		if err := tx.PutCertificate(cert); err != nil {
			return err
		}
	}
	return nil
}

func participantListCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the participants", Args: noArgs}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var all []participantView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				participants, err := tx.Participants()
				if err != nil {
					return err
				}
				certs, err := tx.Certificates()
				if err != nil {
					return err
				}
				all = make([]participantView, 0, len(participants))
				for _, p := range participants {
					all = append(all, viewParticipant(p, certificatesOf(p.ID, certs)))
				}
				return nil
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, all)
			}
			t := newTable(io, "id", "kind", "of", "name", "groups", "state", "certificates")
			for _, v := range all {
				t.row(v.ID, v.Kind, v.BranchOf, v.Name, strings.Join(v.Groups, " "), v.State, fmt.Sprint(len(v.Certificates)))
			}
			t.print()
			return nil
		})
	}
	return c
}

func participantShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show a participant with its certificates and rights", Args: exactArgs("ID")}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v participantView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				p, err := participantNamed(tx, args[0])
				if err != nil {
					return err
				}
				certs, err := tx.Certificates()
				v = viewParticipant(p, certificatesOf(p.ID, certs))
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			return nil
		})
	}
	return c
}

func participantSuspendCommand(io streams, use string, suspended bool) *cobra.Command {
	c := &cobra.Command{Use: use + " ID", Short: strings.ToUpper(use[:1]) + use[1:] + " a participant's right to call", Args: exactArgs("ID")}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				p, err := participantNamed(tx, args[0])
				if err != nil {
					return err
				}
				p.Suspended = suspended
				return tx.PutParticipant(p)
			})
			if err == nil {
				fmt.Fprintf(io.out, "%s: %s\n", args[0], map[bool]string{true: "suspended", false: "active"}[suspended])
			}
			return err
		})
	}
	return c
}

func certAddCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "add ID CERT.pem", Short: "Add a certificate, for a rollover", Args: exactArgs("ID", "CERT.pem")}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			certs, err := loadCertificates(tolem.ParticipantID(args[0]), args[1:])
			if err != nil {
				return err
			}
			err = d.db.Update(ctx, func(tx *store.Tx) error {
				if _, err := participantNamed(tx, args[0]); err != nil {
					return err
				}
				return addCertificates(tx, certs)
			})
			if err == nil {
				fmt.Fprintf(io.out, "%s: added %s\n", args[0], certs[0].Fingerprint)
			}
			return err
		})
	}
	return c
}

func certWithdrawCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "withdraw ID FINGERPRINT", Short: "Withdraw a certificate; its messages are refused from now on", Args: exactArgs("ID", "FINGERPRINT")}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			return d.db.Update(ctx, func(tx *store.Tx) error {
				all, err := tx.Certificates()
				if err != nil {
					return err
				}
				for _, cert := range certificatesOf(tolem.ParticipantID(args[0]), all) {
					if strings.EqualFold(cert.Fingerprint.String(), args[1]) {
						cert.Withdrawn = true
						return tx.PutCertificate(cert)
					}
				}
				return fmt.Errorf("%s has no certificate %s", args[0], args[1])
			})
		})
	}
	return c
}

func participantNamed(tx *store.Tx, id string) (tolem.Participant, error) {
	p, err := tx.Participant(tolem.ParticipantID(id))
	if errors.Is(err, store.ErrNotFound) {
		return p, fmt.Errorf("no participant %q", id)
	}
	return p, err
}

func certificatesOf(id tolem.ParticipantID, all []tolem.Certificate) []tolem.Certificate {
	return slices.DeleteFunc(slices.Clone(all), func(c tolem.Certificate) bool { return c.Participant != id })
}
