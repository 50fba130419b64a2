package deliver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"tolem"
	"tolem/archive"
	"tolem/signing"
)

// SFTP uploads to the participant's server: sftp://HOST[:PORT]/FOLDER, where
// /~/FOLDER is below the user's home. The server's key is pinned by the
// target; the user's key or password is read from a file at every attempt, so
// that it can be changed.
type SFTP struct{}

const (
	sftpPort         = "22"
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 20 * time.Second
	homePrefix       = "/~/"
	fsyncExtension   = "fsync@openssh.com"
)

// Deliver implements Transport.
func (SFTP) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *Parcel, _ Progress) ([]archive.Record, error) {
	config, err := sshConfig(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	address, err := url.Parse(t.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	conn, err := dialSSH(ctx, address, config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	defer conn.Close()
	// The connection is cut when the attempt's time is up: the calls of SFTP
	// have no timeout of their own.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client, err := sftp.NewClient(conn, sftp.UseConcurrentWrites(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	defer client.Close()
	err = upload(client, folderOf(address), p)
	if err != nil && !errors.Is(err, ErrOtherContent) {
		err = fmt.Errorf("%w: %w", ErrTarget, errors.Join(err, ctx.Err()))
	}
	return nil, err
}

func folderOf(address *url.URL) string {
	if below, ok := strings.CutPrefix(address.Path, homePrefix); ok {
		return path.Join(".", below)
	}
	return path.Join("/", address.Path)
}

// sshConfig admits the pinned key of the server and nothing else.
func sshConfig(t tolem.DeliveryTarget) (*ssh.ClientConfig, error) {
	key, err := ParseHostKey(t.Settings[tolem.SettingHostKey])
	if err != nil {
		return nil, err
	}
	auth, err := sshAuth(t.Settings)
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User: t.Settings[tolem.SettingUser], Auth: []ssh.AuthMethod{auth}, Timeout: dialTimeout,
		HostKeyCallback: ssh.FixedHostKey(key), HostKeyAlgorithms: hostKeyAlgorithms(key),
	}, nil
}

// ParseHostKey reads the key of a server: a line of known_hosts, or the key
// alone as in ssh_host_ed25519_key.pub.
func ParseHostKey(line string) (ssh.PublicKey, error) {
	line = strings.TrimSpace(line)
	if key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil && len(rest) == 0 && !strings.HasPrefix(line, "@") {
		if strings.HasPrefix(line, key.Type()+" ") {
			return key, nil
		}
	}
	marker, _, key, _, rest, err := ssh.ParseKnownHosts([]byte(line + "\n"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("host-key: want one line of known_hosts: %w", err)
	case marker != "" || len(rest) > 0:
		return nil, errors.New("host-key: want one line of known_hosts, without a marker")
	}
	return key, nil
}

// hostKeyAlgorithms asks the server for the pinned key, and for RSA never with
// SHA-1.
func hostKeyAlgorithms(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

// sshAuth reads the secret from its file, which must be closed to everyone but
// its owner.
func sshAuth(settings map[string]string) (ssh.AuthMethod, error) {
	if file := settings[tolem.SettingPasswordFile]; file != "" {
		secret, err := signing.ReadSecret(file)
		if err != nil {
			return nil, err
		}
		return ssh.Password(strings.TrimRight(string(secret), "\r\n")), nil
	}
	secret, err := signing.ReadSecret(settings[tolem.SettingKeyFile])
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", settings[tolem.SettingKeyFile], err)
	}
	return ssh.PublicKeys(signer), nil
}

func dialSSH(ctx context.Context, address *url.URL, config *ssh.ClientConfig) (*ssh.Client, error) {
	port := address.Port()
	if port == "" {
		port = sftpPort
	}
	host := net.JoinHostPort(address.Hostname(), port)
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	// A server that accepts and says nothing must not hold the handshake.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c, channels, requests, err := ssh.NewClientConn(conn, host, config)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return ssh.NewClient(c, channels, requests), conn.SetDeadline(time.Time{})
}

// upload writes the parcel under a temporary name and renames it. The rename of
// SFTP fails if the new name is taken, so nothing is overwritten.
func upload(client *sftp.Client, folder string, p *Parcel) error {
	name := path.Join(folder, p.Name)
	if there, err := sameRemote(client, name, p); there || err != nil {
		return err
	}
	for _, old := range p.leftOver() {
		_ = client.Remove(path.Join(folder, old)) // mostly there is none
	}
	temporary := path.Join(folder, p.temporary(p.Delivery.Tries))
	err := writeRemote(client, temporary, p)
	if err == nil {
		err = renameRemote(client, temporary, name, p)
	}
	if err != nil {
		_ = client.Remove(temporary)
	}
	return err
}

func renameRemote(client *sftp.Client, temporary, name string, p *Parcel) error {
	renamed := client.Rename(temporary, name)
	there, err := sameRemoteSize(client, name, p)
	switch {
	case err != nil:
		return err
	case !there && renamed == nil:
		return fmt.Errorf("%s is not there although it was renamed", name)
	case !there:
		return renamed
	case renamed == nil:
		return nil
	}
	// It is there although ours could not be renamed: somebody else's.
	if _, err := sameRemote(client, name, p); err != nil {
		return err
	}
	return client.Remove(temporary)
}

// sameRemoteSize reports whether a file of the parcel's size is there. Another
// size is ErrOtherContent.
func sameRemoteSize(client *sftp.Client, name string, p *Parcel) (bool, error) {
	info, err := client.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular() || info.Size() != p.Size:
		return false, fmt.Errorf("%w: %s", ErrOtherContent, p.Name)
	}
	return true, nil
}

func sameRemote(client *sftp.Client, name string, p *Parcel) (bool, error) {
	if there, err := sameRemoteSize(client, name, p); !there || err != nil {
		return false, err
	}
	f, err := client.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return p.is(f)
}

// writeRemote uploads and, where the server can, makes it write to its disk.
func writeRemote(client *sftp.Client, name string, p *Parcel) error {
	f, err := client.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(p.Content())
	if _, can := client.HasExtension(fsyncExtension); err == nil && can {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
