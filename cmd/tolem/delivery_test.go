package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/registry/deliver"
	"tolem/store"
)

// page renders every document as a few bytes.
type page struct{}

func (page) Open(_ context.Context, _, ref, form string) (*deliver.Document, error) {
	return &deliver.Document{
		Name: ref + "." + form, Owner: "BANK1", Day: tolem.DayOf(2026, 11, 21), Revision: 1, Content: io.NopCloser(strings.NewReader(ref)),
	}, nil
}

// atDesk works on the database of the installation.
func (s *shell) atDesk(do func(ctx context.Context, d *desk) error) {
	s.t.Helper()
	if err := withDesk(s.t.Context(), s.config(), do); err != nil {
		s.t.Fatal(err)
	}
}

// deliver puts documents in line and runs a courier once.
func (s *shell) deliver(numbers ...string) {
	s.t.Helper()
	s.atDesk(func(ctx context.Context, d *desk) error {
		err := d.db.Update(ctx, func(tx *store.Tx) error {
			for _, n := range numbers {
				if _, err := deliver.Enqueue(tx, "BANK1", tolem.DeliverRegister, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		evidence, err := archive.New(d.db, archive.Options{})
		if err != nil {
			return err
		}
		return deliver.New(deliver.Config{
			DB: d.db, Archive: evidence, Documents: page{}, Node: "test", Clock: time.Now, Spool: s.t.TempDir(), MaxAttempts: 1,
			Transports: map[tolem.DeliveryMethod]deliver.Transport{tolem.ByFolder: deliver.Folder{}},
		}).Run(ctx)
	})
}

func TestDeliveryCommands(t *testing.T) {
	s := installed(t)
	s.addBank("BANK1")
	inbox := s.path("inbox")
	add := []string{"delivery", "target", "add", "--config", s.config(), "--participant", "BANK1"}
	s.refused(exitUsage, "host-key", append(add, "--method", "sftp", "--address", "sftp://h/x")...)
	s.refused(exitUsage, "known_hosts", append(add, "--method", "sftp", "--address", "sftp://h/x", "--user", "u", "--key-file", "k", "--host-key", "h")...)
	s.refused(exitUsage, "https", append(add, "--method", "soap", "--address", "http://h/x")...)
	s.refused(exitUsage, "user and password", append(add, "--method", "sftp", "--address", "sftp://u:p@h/x")...)
	s.refused(exitUsage, "full path", append(add, "--method", "folder", "--address", "inbox")...)
	s.refused(exitUsage, "form", append(add, "--method", "folder", "--address", inbox, "--form", "docx")...)
	s.refused(exitFailed, "no participant", "delivery", "target", "add", "--config", s.config(), "--participant", "X", "--method", "folder", "--address", inbox)
	s.must(append(add, "--method", "folder", "--address", inbox, "--form", "xml,pdf")...)
	targets := decode[[]targetView](t, s.must("delivery", "target", "list", "--config", s.config(), "--json"))
	if len(targets) != 1 || targets[0].Address != inbox || strings.Join(targets[0].Forms, " ") != "pdf xml" || !targets[0].Active {
		t.Fatalf("targets %+v", targets)
	}

	s.deliver("B-20261121-BANK1-1") // the folder is not there, and one attempt is all there is
	list := []string{"delivery", "list", "--config", s.config(), "--json"}
	dead := decode[[]deliveryView](t, s.must(append(list, "--state", "dead")...))
	if len(dead) != 2 || dead[0].LastError == "" {
		t.Fatalf("dead %+v", dead)
	}
	if out := s.must("delivery", "list", "--config", s.config()); !strings.Contains(out, dead[1].ID) {
		t.Errorf("list:\n%s", out)
	}
	if err := os.Mkdir(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	s.must("delivery", "resend", "--config", s.config(), dead[0].ID)
	s.refused(exitFailed, "waiting already", "delivery", "resend", "--config", s.config(), dead[0].ID)
	s.must("delivery", "resend", "--config", s.config(), "--number", "B-20261121-BANK1-1", "--by", "a.ospanova")
	s.deliver()
	if files, _ := filepath.Glob(filepath.Join(inbox, "*")); len(files) != 2 {
		t.Errorf("delivered %v", files)
	}
	shown := decode[deliveryView](t, s.must("delivery", "show", "--config", s.config(), "--json", dead[1].ID))
	if len(shown.History) != 3 || shown.State != "delivered" || shown.History[1].By != "a.ospanova" || shown.Resent != 1 {
		t.Errorf("history %+v", shown)
	}
	if out := s.must("delivery", "show", "--config", s.config(), dead[1].ID); !strings.Contains(out, "RESENT") || !strings.Contains(out, shown.SHA256) {
		t.Errorf("show:\n%s", out)
	}
	if rest := decode[[]deliveryView](t, s.must(append(list, "--after", dead[0].ID)...)); len(rest) != 1 {
		t.Errorf("after the first: %+v", rest)
	}
	if out := s.must("delivery", "contract"); !strings.Contains(out, "DeliverDocumentResponse") {
		t.Errorf("contract:\n%s", out)
	}
	s.must("delivery", "target", "remove", "--config", s.config(), "--participant", "BANK1")
	s.refused(exitFailed, "no target", "delivery", "target", "remove", "--config", s.config(), "--participant", "BANK1", "--name", "other")
	s.refused(exitUsage, "either one ID or --number", "delivery", "resend", "--config", s.config())
	s.refused(exitUsage, "unknown state", append(list, "--state", "lost")...)
	s.refused(exitFailed, "no delivery", "delivery", "show", "--config", s.config(), "00000000-0000-7000-8000-000000000000")
}
