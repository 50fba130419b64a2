package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tolem/internal/pki"
)

// pkiCommand is the tool for trying things out: it plays the certification
// authority that a test installation does not have.
func pkiCommand(io streams) *cobra.Command {
	return group("pki", "Play the certification authority of a test installation",
		pkiIssueCommand(io), pkiRevokeCommand(io), pkiRefreshCommand(io))
}

var pkiUsages = map[string]pki.Usage{"signing": pki.Signing, "tls-client": pki.TLSClient, "tls-server": pki.TLSServer}

var pkiKeys = map[string]pki.KeyKind{"rsa": pki.RSA2048, "rsa3072": pki.RSA3072, "ec": pki.P256, "ec384": pki.P384}

func pkiIssueCommand(io streams) *cobra.Command {
	var name, usage, key, out string
	var hosts []string
	var days int
	c := &cobra.Command{
		Use: "issue", Short: "Issue a certificate with a new key", Args: noArgs,
		Example: `  tolem pki issue --dir gateway/pki --name bank1-signing --usage signing --key rsa --out bank1
  tolem pki issue --dir gateway/pki --name bank1-tls --usage tls-client --key ec --out bank1`,
	}
	dir := pkiDirFlag(c)
	f := c.Flags()
	f.StringVar(&name, "name", "", "common name, and name of the files")
	f.StringVar(&usage, "usage", "signing", "signing, tls-client or tls-server")
	f.StringVar(&key, "key", "rsa", "rsa, rsa3072, ec or ec384")
	f.StringSliceVar(&hosts, "host", nil, "name or address of a server; may be repeated")
	f.IntVar(&days, "days", 365, "days of validity, counted from now; negative: expired")
	f.StringVar(&out, "out", ".", "folder for NAME.pem and NAME.key")
	asJSON := jsonFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		if err := require(c, "name"); err != nil {
			return err
		}
		u, ok := pkiUsages[usage]
		k, known := pkiKeys[key]
		if !ok || !known {
			return fmt.Errorf("%w: --usage %s --key %s", errUsage, usage, key)
		}
		authority, err := pki.Open(*dir, pki.Options{})
		if err != nil {
			return err
		}
		now := time.Now()
		from, until := now.Add(-time.Minute), now.AddDate(0, 0, days)
		if days < 0 {
			from = until.AddDate(0, 0, -1)
		}
		id, err := authority.Issue(pki.Spec{CommonName: name, Usage: u, Key: k, Hosts: hosts, NotBefore: from, NotAfter: until})
		if err != nil {
			return err
		}
		cert, keyFile, err := id.WriteTo(out, name)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(io.out, map[string]string{"cert": cert, "key": keyFile})
		}
		fmt.Fprintf(io.out, "%s\n%s\n", cert, keyFile)
		return nil
	}
	return c
}

func pkiRevokeCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "revoke CERT.pem", Short: "Revoke a certificate and issue new lists", Args: exactArgs("CERT.pem"),
		Example: "  tolem pki revoke --dir gateway/pki bank1/bank1-signing.pem",
	}
	dir := pkiDirFlag(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		authority, err := pki.Open(*dir, pki.Options{})
		if err != nil {
			return err
		}
		certs, err := readCertificates(args[0])
		if err != nil {
			return err
		}
		if err := authority.Revoke(certs[0], pki.KeyCompromise); err != nil {
			return err
		}
		return writeLists(io, authority, *dir)
	}
	return c
}

func pkiRefreshCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "refresh", Short: "Issue new revocation lists", Args: noArgs}
	dir := pkiDirFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		authority, err := pki.Open(*dir, pki.Options{})
		if err != nil {
			return err
		}
		return writeLists(io, authority, *dir)
	}
	return c
}

func writeLists(io streams, authority *pki.PKI, dir string) error {
	if err := authority.WriteCRLs(dir, time.Time{}); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "new lists in %s\n", filepath.Join(dir, pki.CRLsDir))
	return nil
}

func pkiDirFlag(c *cobra.Command) *string {
	return c.Flags().String("dir", "pki", "folder of the test authority")
}
