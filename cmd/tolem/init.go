package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"tolem/config"
	"tolem/internal/pki"
	"tolem/store"
)

// Where init puts things below the folder it is given.
const (
	keysDir       = "keys"
	pkiDir        = "pki"
	configName    = "tolem.yaml"
	vaultBits     = 3072
	vaultLifetime = 10 * 365 * 24 * time.Hour
)

// installation is what init sets up.
type installation struct {
	dir      string
	database string
	testPKI  bool
	country  string // of the throw-away authority; empty: that of internal/pki
	origin   string
	settings func(*config.Config) // changes what else the file says; may be nil
}

func initCommand(io streams) *cobra.Command {
	var in installation
	c := &cobra.Command{
		Use: "init", Short: "Set up a gateway: configuration, keys, certificate requests", Args: noArgs,
		Long: `Writes DIR/tolem.yaml (commented), the keys that encrypt personal data and seal the
archive, and either certificate requests for the certification authority or, with
--test-pki, a throw-away authority and all certificates. Existing files are kept.`,
		Example: `  tolem init --dir gateway --test-pki
  tolem init --dir /etc/tolem --db 'postgres://tolem@db.example.kz/tolem?sslmode=verify-full'`,
	}
	f := c.Flags()
	f.StringVar(&in.dir, "dir", "", "folder to set up; made if it does not exist")
	f.StringVar(&in.database, "db", "sqlite:tolem.db", "sqlite:PATH or postgres://…")
	f.BoolVar(&in.testPKI, "test-pki", false, "make a throw-away certification authority and all certificates")
	f.StringVar(&in.origin, "origin", "tolem", "name of this gateway's archive in its checkpoints")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "dir"); err != nil {
			return err
		}
		if c.Flags().Changed("db") {
			if err := in.anchorDatabase(); err != nil {
				return err
			}
		}
		file, err := in.write()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(io.out, map[string]string{"config": file})
		}
		fmt.Fprint(io.out, in.nextSteps(file))
		return nil
	}
	return c
}

// anchorDatabase makes the path of an SQLite file absolute: on a command line
// it is meant from the working folder, in a configuration from the folder of
// the file.
func (in *installation) anchorDatabase() error {
	path, ok := strings.CutPrefix(in.database, "sqlite:")
	if !ok {
		return nil
	}
	path, err := filepath.Abs(path)
	in.database = "sqlite:" + path
	return err
}

// write makes everything and returns the path of the configuration.
func (in installation) write() (string, error) {
	file := filepath.Join(in.dir, configName)
	if _, err := os.Stat(file); err == nil {
		return "", fmt.Errorf("%s exists already; remove it to start anew", file)
	}
	if err := os.MkdirAll(filepath.Join(in.dir, keysDir), 0o700); err != nil {
		return "", err
	}
	c := config.Defaults()
	c.Database, c.Archive.Origin = in.database, in.origin
	var err error
	if in.testPKI {
		err = in.writeTestPKI(&c)
	} else {
		err = in.writeRequests(&c)
	}
	if err != nil {
		return "", err
	}
	if err := in.writeVault(&c); err != nil {
		return "", err
	}
	if err := in.writeCheckpointKey(&c); err != nil {
		return "", err
	}
	if err := in.writeTicketKey(&c); err != nil {
		return "", err
	}
	if in.settings != nil {
		in.settings(&c)
	}
	sample, err := config.Sample(c)
	if err != nil {
		return "", err
	}
	return file, os.WriteFile(file, sample, 0o600)
}

// writeTestPKI makes an authority and the gateway's identities.
func (in installation) writeTestPKI(c *config.Config) error {
	authority, err := pki.New(pki.Options{Organization: "Tolem test", Country: in.country})
	if err != nil {
		return err
	}
	if err := authority.WriteTo(filepath.Join(in.dir, pkiDir)); err != nil {
		return err
	}
	for _, id := range []struct {
		name string
		spec pki.Spec
		pair *config.KeyPair
	}{
		{"signing-rsa", pki.Spec{CommonName: "Tolem signing RSA", Usage: pki.Signing, Key: pki.RSA2048}, &c.Signing.RSA},
		{"signing-ec", pki.Spec{CommonName: "Tolem signing EC", Usage: pki.Signing, Key: pki.P256}, &c.Signing.EC},
		{"tls", pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"localhost", "127.0.0.1", "::1"}}, &c.SOAP.TLS},
		{"channel", pki.Spec{CommonName: "Tolem channel", Usage: pki.TLSClient, Key: pki.P256}, &c.Delivery.TLS},
		{"page", pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"localhost", "127.0.0.1", "::1"}}, &c.Checkout.TLS},
		{"workplace", pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"localhost", "127.0.0.1", "::1"}}, &c.Workplace.TLS},
	} {
		identity, err := authority.Issue(id.spec)
		if err != nil {
			return err
		}
		if _, _, err := identity.WriteTo(filepath.Join(in.dir, keysDir), id.name); err != nil {
			return err
		}
		*id.pair = config.KeyPair{Cert: filepath.Join(keysDir, id.name+".pem"), Key: filepath.Join(keysDir, id.name+".key")}
	}
	c.Trust.Anchors = []string{filepath.Join(pkiDir, pki.AnchorsDir)}
	c.Trust.Intermediates = []string{filepath.Join(pkiDir, pki.IntermediatesDir)}
	c.Trust.CRLs = []string{filepath.Join(pkiDir, pki.CRLsDir)}
	return nil
}

// writeRequests makes the gateway's keys and the requests by which the
// certification authority certifies them.
func (in installation) writeRequests(c *config.Config) error {
	for _, id := range []struct {
		name, subject string
		kind          pki.KeyKind
		pair          *config.KeyPair
	}{
		{"signing-rsa", "Tolem signing RSA", pki.RSA2048, &c.Signing.RSA},
		{"signing-ec", "Tolem signing EC", pki.P256, &c.Signing.EC},
		{"tls", "Tolem TLS", pki.P256, &c.SOAP.TLS},
		{"channel", "Tolem channel", pki.P256, &c.Delivery.TLS},
		{"page", "Tolem payment page", pki.P256, &c.Checkout.TLS},
		{"workplace", "Tolem workplace", pki.P256, &c.Workplace.TLS},
	} {
		key, err := id.kind.NewKey()
		if err != nil {
			return err
		}
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: id.subject}}, key)
		if err != nil {
			return err
		}
		if err := in.writeKey(id.name+".key", key); err != nil {
			return err
		}
		if err := in.writePEM(id.name+".csr", "CERTIFICATE REQUEST", request, 0o644); err != nil {
			return err
		}
		*id.pair = config.KeyPair{Cert: filepath.Join(keysDir, id.name+".pem"), Key: filepath.Join(keysDir, id.name+".key")}
	}
	c.Trust.Anchors = []string{"trust/anchors"}
	c.Trust.Intermediates = []string{"trust/intermediates"}
	c.Trust.CRLs = []string{"trust/crls"}
	for _, dir := range []string{"trust/anchors", "trust/intermediates", "trust/crls"} {
		if err := os.MkdirAll(filepath.Join(in.dir, dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// writeVault makes the key pair of the vault and the first data key, wrapped
// for it (GW-P37). The certificate names the key; nobody else relies on it.
func (in installation) writeVault(c *config.Config) error {
	key, err := rsa.GenerateKey(rand.Reader, vaultBits)
	if err != nil {
		return err
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Tolem vault"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(vaultLifetime), KeyUsage: x509.KeyUsageKeyEncipherment,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "Tolem vault"}}, key.Public(), key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	wrapped, err := store.CreateVaultKey(cert)
	if err != nil {
		return err
	}
	if err := in.writeKey("vault.key", key); err != nil {
		return err
	}
	if err := in.writePEM("vault.pem", "CERTIFICATE", der, 0o644); err != nil {
		return err
	}
	if err := in.writeFile("vault-1.wrapped", wrapped, 0o600); err != nil {
		return err
	}
	c.Vault = config.Vault{
		Keys: []string{filepath.Join(keysDir, "vault-1.wrapped")},
		Cert: filepath.Join(keysDir, "vault.pem"), Key: filepath.Join(keysDir, "vault.key"),
	}
	return nil
}

// writeTicketKey makes the key that signs tickets for SMART cards.
func (in installation) writeTicketKey(c *config.Config) error {
	key, err := pki.P256.NewKey()
	if err != nil {
		return err
	}
	c.Workplace.TicketKey = filepath.Join(keysDir, "tickets.key")
	return in.writeKey("tickets.key", key)
}

// writeCheckpointKey makes the key that signs the archive's checkpoints. Its
// public half is what an auditor needs.
func (in installation) writeCheckpointKey(c *config.Config) error {
	signer, verifier, err := note.GenerateKey(rand.Reader, in.origin)
	if err != nil {
		return err
	}
	if err := in.writeFile("checkpoint.key", []byte(signer+"\n"), 0o600); err != nil {
		return err
	}
	if err := in.writeFile("checkpoint.pub", []byte(verifier+"\n"), 0o644); err != nil {
		return err
	}
	c.Archive.CheckpointKey = filepath.Join(keysDir, "checkpoint.key")
	return nil
}

func (in installation) writeKey(name string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return in.writePEM(name, "PRIVATE KEY", der, 0o600)
}

func (in installation) writePEM(name, kind string, der []byte, mode fs.FileMode) error {
	return in.writeFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// writeFile never replaces a file: a lost vault key is lost data.
func (in installation) writeFile(name string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(filepath.Join(in.dir, keysDir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// nextSteps is what the operator does now.
func (in installation) nextSteps(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Wrote %s and the keys in %s.\n\n", file, filepath.Join(in.dir, keysDir))
	if in.testPKI {
		p := filepath.Join(in.dir, pkiDir)
		fmt.Fprintf(&b, `This is a test installation: its certification authority lies in %[1]s. Certificates for a bank:

  tolem pki issue --dir %[1]s --name bank1-signing --usage signing --key rsa --out %[2]s
  tolem pki issue --dir %[1]s --name bank1-tls --usage tls-client --key ec --out %[2]s

`, p, filepath.Join(in.dir, "bank1"))
	} else {
		fmt.Fprintf(&b, `Before the gateway can start:
  1. have the certification authority certify %[1]s/*.csr and put the certificates beside them as *.pem;
  2. put its certificates into %[2]s/anchors and %[2]s/intermediates, and name its revocation lists
     under trust.crls in %[3]s (files, folders or http addresses);
  3. keep copies of %[1]s/vault.key and %[1]s/vault-1.wrapped: without them personal data cannot be read.

`, filepath.Join(in.dir, keysDir), filepath.Join(in.dir, "trust"), file)
	}
	fmt.Fprintf(&b, `Register who may call, and what can be paid:

  tolem participant add --config %[1]s --id BANK1 --kind bank --name "First Bank" --cert SIGNING.pem --cert TLS.pem
  tolem provider add    --config %[1]s --id PROV1 --bin 990240001237 --name "Provider" --account KZ000000000000000000
  tolem service add     --config %[1]s --code S1 --provider PROV1 --name "Service" --amount 1200.00

Then serve:

  tolem serve --config %[1]s
`, file)
	if strings.HasPrefix(in.database, "postgres") {
		fmt.Fprintf(&b, `
Run migrations as the owner of the database (tolem migrate) and serve as a role
that can add evidence but never change it:

%s
`, store.AppendOnlyRole())
	}
	return b.String()
}
