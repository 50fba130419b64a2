package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/registry/report"
	"tolem/signing"
	"tolem/store"
)

// office is what a command needs that works on registers: a desk with the
// evidence and the key that signs.
type office struct {
	*desk
	directory *banks.Directory
	evidence  *archive.Archive
	registry  *registry.Registry
}

// withOffice opens the registry of a configuration, runs do, and closes it.
func withOffice(ctx context.Context, file string, do func(context.Context, *office) error) error {
	return withDesk(ctx, file, func(ctx context.Context, d *desk) error {
		signer, err := signing.LoadSigner(d.config.Signing.RSA.Cert, d.config.Signing.RSA.Key)
		if err != nil {
			return fmt.Errorf("signing.rsa: %w", err)
		}
		o := &office{desk: d}
		if o.directory, err = banks.Open(ctx, d.db); err != nil {
			return err
		}
		if o.evidence, err = openArchive(d); err != nil {
			return err
		}
		if o.registry, err = openRegistry(d, o.evidence, o.directory, signer); err != nil {
			return err
		}
		return do(ctx, o)
	})
}

// register finds a register by what was typed.
func (o *office) register(ctx context.Context, text string) (store.StoredRegister, error) {
	number, err := tolem.ParseRegisterNumber(text)
	if err != nil {
		return store.StoredRegister{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	reg, err := o.registry.Find(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return reg, fmt.Errorf("no register %s", number)
	}
	return reg, err
}

// owner finds whose registers are meant: a provider, a bank, or a branch.
func (o *office) owner(kind, id string) (tolem.Owner, error) {
	owner := tolem.Owner{Kind: tolem.RegisterKind(kind), ID: id}
	switch owner.Kind {
	case tolem.ProviderRegister:
		if _, ok := o.directory.Provider(tolem.ProviderID(id)); ok {
			return owner, nil
		}
	case tolem.BankRegister, tolem.BranchRegister:
		if p, ok := o.directory.Participant(tolem.ParticipantID(id)); ok && string(p.Kind) == kind {
			return o.registry.OwnersOf(p)[0], nil
		}
	default:
		return owner, fmt.Errorf("%w: --kind must be provider, bank or branch", errUsage)
	}
	return owner, fmt.Errorf("no %s %s", kind, id)
}

// dayFlag adds a flag for a day and returns what reads it.
func dayFlag(c *cobra.Command, name, usage string) func() (tolem.Day, error) {
	text := c.Flags().String(name, "", usage)
	return func() (tolem.Day, error) {
		if *text == "" {
			return 0, nil
		}
		d, err := tolem.ParseDay(*text)
		if err != nil {
			return 0, fmt.Errorf("%w: --%s: %w", errUsage, name, err)
		}
		return d, nil
	}
}

// spanFlags adds --from and --to and returns what reads them; 0 where one is
// not given.
func spanFlags(c *cobra.Command, from, to string) func() (first, last tolem.Day, err error) {
	readFrom, readTo := dayFlag(c, "from", from), dayFlag(c, "to", to)
	return func() (first, last tolem.Day, err error) {
		if first, err = readFrom(); err != nil {
			return 0, 0, err
		}
		last, err = readTo()
		return first, last, err
	}
}

// rendering are the flags of commands that write a document.
type rendering struct{ form, language, out string }

func renderingFlags(c *cobra.Command) *rendering {
	var r rendering
	c.Flags().StringVar(&r.form, "format", "xml", "xml, csv, xlsx or pdf")
	c.Flags().StringVar(&r.language, "lang", "", "language of xlsx and pdf: kk, ru or en; by default that of the configuration")
	c.Flags().StringVarP(&r.out, "out", "o", "", "`file` to write; by default the document's number in this folder, - is standard output")
	return &r
}

// write has a document rendered into the file that the flags name, which is
// there only when it is whole.
func (r *rendering) write(o *office, io_ streams, number string, render func(io.Writer, tolem.Form, form.Language) error) error {
	f, err := tolem.ParseForm(r.form)
	if err != nil {
		return fmt.Errorf("%w: --format: %w", errUsage, err)
	}
	language := o.registry.Language
	if r.language != "" {
		language = form.Language(r.language)
	}
	if !slices.Contains(report.Languages, language) {
		return fmt.Errorf("%w: --lang must be kk, ru or en", errUsage)
	}
	if r.out == "-" {
		return render(io_.out, f, language)
	}
	name := r.out
	if name == "" {
		name = number + f.Extension()
	}
	err = writeFile(name, func(w io.Writer) error { return render(w, f, language) })
	if err == nil {
		fmt.Fprintf(io_.err, "written: %s\n", name)
	}
	return err
}

// writeFile writes a file beside its place and moves it there when it is whole.
// What is no file but a device or a pipe is written to, never replaced.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeInto(name, write)
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".tolem-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	if err = errors.Join(write(temporary), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}

// writeInto writes to what is there; a folder is refused.
func writeInto(name string, write func(io.Writer) error) error {
	there, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(there), there.Close())
}

// rowsProgress shows how many rows long work has done; all is 0 where nobody
// knows.
func rowsProgress(io streams, what string, silent bool, all int64) (registry.Progress, func()) {
	show, stop := progressBar(io, what, silent)
	if show == nil {
		return nil, stop
	}
	return func(rows int64) { show(rows, max(all, rows)) }, stop
}
