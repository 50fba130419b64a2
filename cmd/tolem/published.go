package main

import (
	"net"
	"net/url"

	"tolem"
	"tolem/banks"
	"tolem/config"
	"tolem/wsdl/uddi"
)

// publish is what the register tells everybody over UDDI: the gateway, and the
// active providers with their active services. Participants and accounts are
// nobody's business (GW-028, GW-P38).
func publish(d *banks.Directory, c *config.Config, address string) uddi.Snapshot {
	if c.SOAP.PublicAddress != "" {
		address = c.SOAP.PublicAddress
	}
	s := uddi.Snapshot{Domain: domainOf(address), Address: address, Operator: c.Archive.Origin}
	byProvider := make(map[tolem.ProviderID]int)
	for _, v := range d.Services() {
		p, ok := d.Provider(v.Provider)
		if !ok || !p.Active || !v.Active {
			continue
		}
		at, seen := byProvider[p.ID]
		if !seen {
			at = len(s.Providers)
			byProvider[p.ID] = at
			s.Providers = append(s.Providers, uddi.Provider{ID: p.ID, Names: p.Names})
		}
		s.Providers[at].Services = append(s.Providers[at].Services, uddi.Service{Code: v.Code, Names: v.Names})
	}
	return s
}

// domainOf returns the host of an address, from which UDDI keys are made.
func domainOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return "tolem.local"
	}
	return u.Hostname()
}
