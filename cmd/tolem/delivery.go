package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/registry/deliver"
	"tolem/store"
	"tolem/wsdl"
)

func deliveryCommand(io streams) *cobra.Command {
	return group("delivery", "Where registers are pushed, and what became of it",
		group("target", "Where documents of a participant are pushed", targetAddCommand(io), targetListCommand(io), targetRemoveCommand(io)),
		deliveryListCommand(io), deliveryShowCommand(io), deliveryResendCommand(io), deliveryContractCommand(io))
}

func deliveryContractCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use: "contract", Short: "Print the WSDL that a participant implements to have documents pushed to it", Args: noArgs,
		Example: `  tolem delivery contract > receiver-v1.wsdl`,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(wsdl.ReceiverWSDL())
			return err
		},
	}
}

// newTarget is what the flags of delivery target add say.
type newTarget struct {
	participant, name, method, address   string
	forms                                []string
	hostKey, user, keyFile, passwordFile string
}

func targetAddCommand(io streams) *cobra.Command {
	var in newTarget
	c := &cobra.Command{
		Use: "add", Short: "Push documents of a participant to a place, or change how", Args: noArgs,
		Long: `Registers a target. What is made from now on is pushed to it; an existing target of
this name gets the new particulars.

  folder  a full path; files appear whole and are never overwritten
  sftp    sftp://HOST[:PORT]/FOLDER, or /~/FOLDER below the user's home; --host-key is
          the server's line of known_hosts (ssh-keyscan HOST, checked by telephone)
  soap    https://HOST/PATH, a service that implements wsdl/receiver-v1.wsdl
  post    https://HOST/PATH, a server that takes the signed document itself and answers
          200 with its number as text/plain and nothing else; for merchants`,
		Example: `  tolem delivery target add --participant HALYK --name main --method folder --address /srv/registers/halyk --form xml,pdf
  tolem delivery target add --participant HALYK --name sftp --method sftp --address sftp://files.halyk.kz/~/registers \
    --form xml --user tolem --key-file /etc/tolem/keys/halyk --host-key "files.halyk.kz ssh-ed25519 AAAA…"
  tolem delivery target add --participant JUSTICE --name main --method soap --address https://gov.example/receiver/v1 --form xml`,
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&in.participant, "participant", "", "whose documents")
	f.StringVar(&in.name, "name", "main", "tells apart the targets of a participant")
	f.StringVar(&in.method, "method", "", "folder, sftp, soap or post")
	f.StringVar(&in.address, "address", "", "where to")
	f.StringSliceVar(&in.forms, "form", []string{"xml"}, "xml, csv, xlsx, pdf; separated by commas")
	f.StringVar(&in.hostKey, "host-key", "", "sftp: `line` of known_hosts with the server's key")
	f.StringVar(&in.user, "user", "", "sftp: user on the server")
	f.StringVar(&in.keyFile, "key-file", "", "sftp: `file` with the private key")
	f.StringVar(&in.passwordFile, "password-file", "", "sftp: `file` with the password, in place of a key")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "participant", "method", "address"); err != nil {
			return err
		}
		t, err := in.target()
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				if _, err := participantNamed(tx, in.participant); err != nil {
					return err
				}
				return tx.PutDeliveryTarget(t)
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, viewTarget(t))
			}
			fmt.Fprintf(io.out, "%s: %s %s\n", t, t.Method, t.Address)
			return nil
		})
	}
	return c
}

func (in newTarget) target() (tolem.DeliveryTarget, error) {
	forms := slices.Clone(in.forms)
	slices.Sort(forms)
	t := tolem.DeliveryTarget{
		Participant: tolem.ParticipantID(in.participant), Name: in.name, Method: tolem.DeliveryMethod(in.method), Address: in.address,
		Forms: slices.Compact(forms), Settings: make(map[string]string), Active: true,
	}
	for name, value := range map[string]string{
		tolem.SettingHostKey: in.hostKey, tolem.SettingUser: in.user, tolem.SettingKeyFile: in.keyFile, tolem.SettingPasswordFile: in.passwordFile,
	} {
		if value != "" {
			t.Settings[name] = value
		}
	}
	for _, name := range []string{tolem.SettingKeyFile, tolem.SettingPasswordFile} {
		if value := t.Settings[name]; value != "" {
			full, err := filepath.Abs(value)
			if err != nil {
				return t, err
			}
			t.Settings[name] = full
		}
	}
	if err := t.Check(); err != nil {
		return t, err
	}
	if t.Method == tolem.BySFTP {
		_, err := deliver.ParseHostKey(in.hostKey)
		return t, err
	}
	return t, nil
}

// targetView is a target as it is shown. It holds no secret: files are named.
type targetView struct {
	Participant string            `json:"participant"`
	Name        string            `json:"name"`
	Method      string            `json:"method"`
	Address     string            `json:"address"`
	Forms       []string          `json:"forms"`
	Settings    map[string]string `json:"settings,omitempty"`
	Active      bool              `json:"active"`
}

func viewTarget(t tolem.DeliveryTarget) targetView {
	return targetView{
		Participant: string(t.Participant), Name: t.Name, Method: string(t.Method), Address: t.Address, Forms: t.Forms, Settings: t.Settings, Active: t.Active,
	}
}

func targetListCommand(io streams) *cobra.Command {
	return listCommand(io, "List the targets", (*store.Tx).DeliveryTargets, viewTarget,
		[]string{"participant", "name", "method", "address", "forms", "state"},
		func(v targetView) []string {
			return []string{v.Participant, v.Name, v.Method, v.Address, fmt.Sprint(v.Forms), map[bool]string{true: "active", false: "removed"}[v.Active]}
		})
}

func targetRemoveCommand(io streams) *cobra.Command {
	var participant, name string
	c := &cobra.Command{
		Use: "remove", Short: "Push nothing to a target any more", Args: noArgs,
		Long: `Ends a target. What still waits for it becomes dead and can be resent after the
target was added again.`,
		Example: `  tolem delivery target remove --participant HALYK --name main`,
	}
	c.Flags().StringVar(&participant, "participant", "", "whose target")
	c.Flags().StringVar(&name, "name", "main", "which of its targets")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "participant"); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				t, err := tx.DeliveryTarget(tolem.ParticipantID(participant), name)
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("no target %s/%s", participant, name)
				}
				if err != nil {
					return err
				}
				t.Active = false
				return tx.PutDeliveryTarget(t)
			})
			if err == nil {
				fmt.Fprintf(io.out, "%s/%s: removed\n", participant, name)
			}
			return err
		})
	}
	return c
}

// maxDeliveries bounds what one list shows.
const maxDeliveries = 500

func deliveryListCommand(io streams) *cobra.Command {
	var state, after string
	c := &cobra.Command{
		Use: "list", Short: "List what was, is and will be pushed", Args: noArgs,
		Example: `  tolem delivery list --state dead
  tolem delivery list --json --after 019a…  # what follows the last of an earlier list`,
	}
	c.Flags().StringVar(&state, "state", "", "only waiting, delivered or dead")
	c.Flags().StringVar(&after, "after", "", "go on after this `id`")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var only tolem.DeliveryState
		var from store.MessageID
		var err error
		if state != "" {
			if only, err = tolem.ParseDeliveryState(state); err != nil {
				return fmt.Errorf("%w: --state: %w", errUsage, err)
			}
		}
		if after != "" {
			if from, err = store.ParseMessageID(after); err != nil {
				return fmt.Errorf("%w: --after: %w", errUsage, err)
			}
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var list []store.Delivery
			err := d.db.View(ctx, func(tx *store.Tx) (err error) {
				list, err = tx.Deliveries(only, from, maxDeliveries)
				return err
			})
			if err != nil {
				return err
			}
			return printDeliveries(io, list, *asJSON)
		})
	}
	return c
}

func printDeliveries(io streams, list []store.Delivery, asJSON bool) error {
	views := make([]deliveryView, len(list))
	t := newTable(io, "id", "document", "form", "target", "state", "attempts", "next", "last error")
	for i, d := range list {
		v := viewDelivery(d, nil)
		views[i] = v
		next := ""
		if v.Due != nil {
			next = v.Due.Format(time.DateTime)
		}
		t.row(v.ID, v.Number, v.Form, v.Participant+"/"+v.Target, v.State, fmt.Sprint(v.Attempts), next, fmt.Sprintf("%.60s", v.LastError))
	}
	if asJSON {
		return printJSON(io.out, views)
	}
	t.print()
	if len(list) == maxDeliveries {
		fmt.Fprintf(io.out, "there may be more: --after %s\n", list[len(list)-1].ID)
	}
	return nil
}

func deliveryShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show a delivery with its attempts and their evidence", Args: exactArgs("ID")}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := store.ParseMessageID(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v deliveryView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				found, err := tx.Delivery(id)
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("no delivery %s", id)
				}
				if err != nil {
					return err
				}
				attempts, err := tx.Attempts(id)
				v = viewDelivery(found, attempts)
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

func deliveryResendCommand(io streams) *cobra.Command {
	var number, by string
	c := &cobra.Command{
		Use: "resend [ID]", Short: "Push once more what is dead or delivered",
		Long: `Puts one delivery, or all deliveries of a document, in line again. A receiver that
has the document already recognises it. What is waiting stays as it is.`,
		Example: `  tolem delivery resend 019a0b1c-…
  tolem delivery resend --number B-20261121-HALYK-1`,
	}
	c.Flags().StringVar(&number, "number", "", "all deliveries of the document with this number")
	c.Flags().StringVar(&by, "by", "", "who wants it; by default the user of this system")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if (len(args) == 1) == (number != "") || len(args) > 1 {
			return fmt.Errorf("%w: want either one ID or --number\nTry: %s --help", errUsage, c.CommandPath())
		}
		var id store.MessageID
		if len(args) == 1 {
			var err error
			if id, err = store.ParseMessageID(args[0]); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
		}
		if by == "" {
			by = systemUser()
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var resent []store.Delivery
			err := d.db.Update(ctx, func(tx *store.Tx) (err error) {
				resent, err = resendDeliveries(tx, id, number, by)
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				ids := make([]string, len(resent))
				for i, r := range resent {
					ids[i] = r.ID.String()
				}
				return printJSON(io.out, map[string]any{"resent": ids})
			}
			for _, r := range resent {
				fmt.Fprintf(io.out, "%s  %s.%s to %s/%s: in line again\n", r.ID, r.Ref, r.Form, r.Participant, r.Target)
			}
			return nil
		})
	}
	return c
}

// resendDeliveries puts what is meant and does not wait already in line again.
func resendDeliveries(tx *store.Tx, id store.MessageID, number, by string) ([]store.Delivery, error) {
	list, err := tx.DeliveriesOf(number)
	if number == "" {
		var one store.Delivery
		one, err = tx.Delivery(id)
		list = []store.Delivery{one}
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && len(list) == 0 {
		return nil, errors.New("no such delivery")
	}
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(d store.Delivery) bool { return d.State == tolem.DeliveryWaiting })
	if len(list) == 0 {
		return nil, errors.New("it is waiting already")
	}
	for _, d := range list {
		if err := tx.ResendDelivery(d, by); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// systemUser is who works at this terminal, as far as the system knows.
func systemUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// deliveryView is a delivery as it is shown to people and machines.
type deliveryView struct {
	ID          string                `json:"id"`
	Participant string                `json:"participant"`
	Target      string                `json:"target"`
	Kind        string                `json:"kind"`
	Number      string                `json:"number"`
	Form        string                `json:"form"`
	State       string                `json:"state"`
	Attempts    int64                 `json:"attempts"`
	Resent      int64                 `json:"resent,omitempty"`
	CreatedAt   time.Time             `json:"createdAt"`
	Due         *time.Time            `json:"due,omitempty"`
	DeliveredAt *time.Time            `json:"deliveredAt,omitempty"`
	LastError   string                `json:"lastError,omitempty"`
	Size        int64                 `json:"size,omitempty"`
	SHA256      string                `json:"sha256,omitempty"`
	History     []deliveryAttemptView `json:"history,omitempty"`
}

type deliveryAttemptView struct {
	At       time.Time `json:"at"`
	Took     string    `json:"took"`
	Node     string    `json:"node,omitempty"`
	Outcome  string    `json:"outcome"`
	Error    string    `json:"error,omitempty"`
	By       string    `json:"by,omitempty"`
	Evidence []string  `json:"evidence,omitempty"`
}

func viewDelivery(d store.Delivery, attempts []store.Attempt) deliveryView {
	v := deliveryView{
		ID: d.ID.String(), Participant: string(d.Participant), Target: d.Target, Kind: d.Kind, Number: d.Ref, Form: d.Form, State: d.State.String(),
		Attempts: d.Attempts, Resent: d.Resent, CreatedAt: d.CreatedAt, LastError: d.LastError, Size: d.Size, SHA256: fmt.Sprintf("%x", d.SHA256),
	}
	if d.State == tolem.DeliveryWaiting {
		v.Due = &d.Due
	}
	if d.State == tolem.DeliveryDelivered {
		v.DeliveredAt = &d.DeliveredAt
	}
	for _, a := range attempts {
		av := deliveryAttemptView{At: a.At, Took: a.Took.Round(time.Millisecond).String(), Node: a.Node, Outcome: string(a.Outcome), Error: a.Error}
		if a.Outcome == store.AttemptResent {
			av.Error, av.By = "", a.Error
		}
		for _, id := range a.Evidence {
			av.Evidence = append(av.Evidence, id.String())
		}
		v.History = append(v.History, av)
	}
	return v
}

func (v deliveryView) print(io streams) {
	fmt.Fprintf(io.out, "%s  %s %s as %s to %s/%s: %s\n", v.ID, v.Kind, v.Number, v.Form, v.Participant, v.Target, v.State)
	if v.SHA256 != "" {
		fmt.Fprintf(io.out, "  %d bytes, SHA-256 %s\n", v.Size, v.SHA256)
	}
	for _, a := range v.History {
		fmt.Fprintf(io.out, "  %s  %-9s  %s%s  %s\n", a.At.Format(time.RFC3339), a.Outcome, a.Node, a.By, a.Error)
		for _, id := range a.Evidence {
			fmt.Fprintf(io.out, "    evidence %s\n", id)
		}
	}
	if v.Due != nil {
		fmt.Fprintf(io.out, "  next attempt from %s on\n", v.Due.Format(time.RFC3339))
	}
}
