package main

import (
	"crypto/tls"
	"fmt"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/bills"
	"tolem/bills/billsv1"
	"tolem/wsdl"
)

// newSources opens a connector to every organisation whose own system is asked
// about accounts.
func newSources(n *node) (map[tolem.ProviderID]bills.Source, error) {
	c := n.config.Workplace
	addresses, err := c.OrganisationAddresses()
	if err != nil || len(addresses) == 0 {
		return nil, err
	}
	channel, err := n.clientCertificate()
	if err != nil {
		return nil, err
	}
	sources := make(map[tolem.ProviderID]bills.Source, len(addresses))
	for id, address := range addresses {
		sources[id], err = billsv1.New(billsv1.Config{
			Organisation: id, Address: address, DB: n.db, Evidence: n.evidence, Observe: n.lookedUp,
			Config: n.exchangeWith(tolem.ParticipantID(id), channel, c.LookupTimeout),
		})
		if err != nil {
			return nil, fmt.Errorf("workplace.organisations: %s: %w", id, err)
		}
	}
	return sources, nil
}

// clientCertificate is what the gateway shows the servers that it calls.
func (n *node) clientCertificate() (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(n.config.Delivery.TLS.Cert, n.config.Delivery.TLS.Key)
	if err != nil {
		return pair, fmt.Errorf("delivery.tls: %w", err)
	}
	return pair, nil
}

// lookedUp counts and logs a question to an organisation's own system. The
// account stays out of both.
func (n *node) lookedUp(c billsv1.Call) {
	line := n.log.Info()
	if c.Outcome == billsv1.NoAnswer {
		line = n.log.Warn().Err(c.Err)
	}
	line.Str("organisation", string(c.Organisation)).Str("request", string(c.RequestID)).Str("outcome", string(c.Outcome)).
		Dur("took", c.Took).Msg("account looked up")
	n.metrics.lookups.WithLabelValues(string(c.Organisation), string(c.Outcome)).Observe(c.Took.Seconds())
}

// warnOfStrangers says which organisations cannot be asked, because their answers
// would be nobody's: an operator who has registered half of one learns it at the
// start and not from a customer.
func (n *node) warnOfStrangers() {
	addresses, err := n.config.Workplace.OrganisationAddresses()
	if err != nil {
		return // told when the configuration was checked
	}
	for id := range addresses {
		problem := ""
		if _, ok := n.directory.Provider(id); !ok {
			problem = "it is no registered provider"
		} else if len(n.directory.CertificatesOf(tolem.ParticipantID(id))) == 0 {
			problem = "no participant of this id has a certificate"
		}
		if problem != "" {
			n.log.Warn().Str("key", "workplace.organisations").Str("organisation", string(id)).Str("problem", problem).Msg("organisation cannot be asked about accounts")
		}
	}
}

func providerContractCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use: "contract", Short: "Print the WSDL that an organisation implements to be asked about its accounts", Args: noArgs,
		Example: `  tolem provider contract > provider-v1.wsdl`,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(wsdl.ProviderWSDL())
			return err
		},
	}
}
