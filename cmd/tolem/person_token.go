package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/access"
)

// registerToken registers a certificate in DER to a person.
func registerToken(ctx context.Context, a *access.Access, by access.Actor, p tolem.Person, der []byte) (tolem.EToken, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return tolem.EToken{}, err
	}
	return a.RegisterToken(ctx, by, p.Bank, p.ID, cert)
}

func personTokenAddCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "add BANK/USER CERT.pem", Short: "Register the certificate of an e-token to a person", Args: exactArgs("BANK/USER", "CERT.pem"),
		Long: `Registers a certificate. Whether its authority vouches for it is looked at when the
person signs in, not here.`,
		Example: `  tolem person token add HALYK/l.aliyeva token.pem`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		certs, err := loadCertificates("", args[1:])
		if err != nil {
			return err
		}
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			t, err := registerToken(ctx, a, by, card.Person, certs[0].DER)
			if err == nil {
				fmt.Fprintf(io.out, "%s: registered %s\n", args[0], t.Fingerprint)
			}
			return err
		})
	}
	return c
}

func personTokenRevokeCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "revoke BANK/USER FINGERPRINT", Short: "End the registration of an e-token; sessions opened with it are over", Args: exactArgs("BANK/USER", "FINGERPRINT"),
		Example: `  tolem person token revoke HALYK/l.aliyeva 5f2c…  # as person show prints it`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			for _, t := range card.Tokens {
				if !t.InUse() || !strings.EqualFold(t.Fingerprint.String(), args[1]) {
					continue
				}
				err := a.RevokeToken(ctx, by, card.Person.Bank, card.Person.ID, t.Fingerprint)
				if err == nil {
					fmt.Fprintf(io.out, "%s: revoked %s\n", args[0], t.Fingerprint)
				}
				return err
			}
			return fmt.Errorf("%s has no e-token %s in use", args[0], args[1])
		})
	}
	return c
}
