package deliver_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
)

// sshd is an OpenSSH server of the test's user on a port of its own.
type sshd struct {
	t       *testing.T
	port    string
	hostKey string // as known_hosts has it
	user    string
	keyFile string
	home    string // what is uploaded to
}

// privilegeFolder must exist for a server that root runs.
const privilegeFolder = "/run/sshd"

func startSSHD(t *testing.T) *sshd {
	t.Helper()
	program := tolemtest.RequireTool(t, "/usr/sbin/sshd")
	keygen := tolemtest.RequireTool(t, "ssh-keygen")
	dir := t.TempDir()
	s := &sshd{t: t, user: must(user.Current()).Username, keyFile: filepath.Join(dir, "user"), home: t.TempDir()}
	for _, name := range []string{"host", "user"} {
		if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll(privilegeFolder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	_, s.port, _ = net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s.hostKey = fmt.Sprintf("[127.0.0.1]:%s %s", s.port, must(os.ReadFile(filepath.Join(dir, "host.pub"))))
	config := filepath.Join(dir, "sshd_config")
	text := fmt.Sprintf(`Port %s
ListenAddress 127.0.0.1
HostKey %s/host
AuthorizedKeysFile %s/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
`, s.port, dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd:\n%s", &log)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			_ = conn.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not listen: %v", err)
		}
	}
}

func (s *sshd) target(change func(*tolem.DeliveryTarget)) tolem.DeliveryTarget {
	t := tolem.DeliveryTarget{
		Name: "main", Method: tolem.BySFTP, Address: "sftp://127.0.0.1:" + s.port + s.home,
		Settings: map[string]string{tolem.SettingHostKey: s.hostKey, tolem.SettingUser: s.user, tolem.SettingKeyFile: s.keyFile},
	}
	if change != nil {
		change(&t)
	}
	return t
}

// hurried gives a transport little time.
type hurried struct {
	inner deliver.Transport
	limit time.Duration
}

func (h hurried) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *deliver.Parcel, progress deliver.Progress) ([]archive.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	return h.inner.Deliver(ctx, t, p, progress)
}

// GW-056: against OpenSSH, on both databases: uploaded whole, once, and never
// over something else.
func TestSFTP(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		s := startSSHD(t)
		w.target(s.target(nil))
		w.library.size = 3 << 20
		w.enqueue(number(1), number(2))
		courier := w.courier(nil)
		name := filepath.Join(s.home, number(2)+".xml")
		if err := os.WriteFile(name, []byte("somebody else's"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.run(courier)
		if d := w.only(number(1)); d.State != tolem.DeliveryDelivered {
			t.Fatalf("%+v", d)
		}
		if got := must(os.ReadFile(filepath.Join(s.home, number(1)+".xml"))); !bytes.Equal(got, w.library.content(number(1), "xml")) {
			t.Error("other bytes were uploaded")
		}
		if d := w.only(number(2)); d.State != tolem.DeliveryWaiting || !strings.Contains(d.LastError, "other content") {
			t.Errorf("over something else: %+v", d)
		}
		if got := must(os.ReadFile(name)); string(got) != "somebody else's" {
			t.Error("overwritten")
		}
		// Uploaded before, by an attempt whose end nobody saw: the same size is
		// compared byte by byte.
		if err := os.WriteFile(name, w.library.content(number(2), "xml"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
		w.run(courier)
		w.expect("")
		if files := must(os.ReadDir(s.home)); len(files) != 2 {
			t.Errorf("left behind: %v", files)
		}
	})
}

// Whoever is not the server that was pinned, or lets us wait, gets nothing.
func TestSFTPServersThatAreNotTrusted(t *testing.T) {
	s := startSSHD(t)
	other := startSSHD(t)
	silent := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { _ = silent.Close() })
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, must(os.ReadFile(s.keyFile)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, class, mention string
		change               func(*tolem.DeliveryTarget)
	}{
		{"key of another server", "target", "host key mismatch", func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingHostKey] = other.hostKey }},
		{"key of another user", "target", "authenticate", func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingKeyFile] = other.keyFile }},
		{"key file open to all", "settings", "chmod 600", func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingKeyFile] = open }},
		{"revoked key", "settings", "marker", func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingHostKey] = "@revoked " + s.hostKey }},
		{"no key", "settings", "known_hosts", func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingHostKey] = "127.0.0.1" }},
		{"folder that is not there", "target", "not exist", func(t *tolem.DeliveryTarget) { t.Address += "/none" }},
		{"nobody listens", "target", "refused", func(t *tolem.DeliveryTarget) { t.Address = "sftp://127.0.0.1:1/x" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := sqliteWorld(t)
			w.target(s.target(c.change))
			w.enqueue(number(1))
			w.run(w.courier(nil))
			w.expect(c.class)
			if e := w.last(); !strings.Contains(e.Err.Error(), c.mention) {
				t.Errorf("%v does not mention %q", e.Err, c.mention)
			}
			if files := must(os.ReadDir(s.home)); len(files) != 0 {
				t.Errorf("uploaded: %v", files)
			}
		})
	}
	t.Run("server that says nothing", func(t *testing.T) {
		w := sqliteWorld(t)
		w.target(s.target(func(t *tolem.DeliveryTarget) { t.Address = "sftp://" + silent.Addr().String() + "/x" }))
		w.enqueue(number(1))
		start := time.Now()
		w.run(w.courier(func(c *deliver.Config) { c.Transports[tolem.BySFTP] = hurried{c.Transports[tolem.BySFTP], time.Second} }))
		w.expect("target")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it was waited for %v", took)
		}
	})
}

// The pinned key alone is enough.
func TestSFTPHostKeyForms(t *testing.T) {
	s := startSSHD(t)
	_, bare, _ := strings.Cut(s.hostKey, " ")
	w := sqliteWorld(t)
	w.target(s.target(func(t *tolem.DeliveryTarget) { t.Settings[tolem.SettingHostKey] = bare }))
	w.enqueue(number(1))
	w.run(w.courier(nil))
	w.expect("")
	for _, text := range []string{"", "ssh-ed25519", "ssh-ed25519 %%%", bare + "\n" + bare, "* ssh-dss AAAA"} {
		if key, err := deliver.ParseHostKey(text); err == nil {
			t.Errorf("%q gives %s", text, key.Type())
		}
	}
}
