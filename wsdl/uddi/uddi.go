// Package uddi publishes the gateway and the services that can be paid through
// it in the form of a UDDI v3 registry: a static description document, and the
// read-only part of the inquiry API (GW-028, GW-P38).
//
// It holds public names only and takes no publication, subscription or
// authentication: what is registered is decided in the gateway's own register,
// of which the caller passes a snapshot. Inquiries are unsigned SOAP 1.1 over
// TLS, as UDDI clients send them; nothing here concerns payments.
package uddi

import (
	"strings"

	"tolem"
	"tolem/wsdl"
)

// Namespace is the namespace of the UDDI v3 API.
const Namespace = "urn:uddi-org:api_v3"

// Snapshot is what is published. The gateway operator comes first in it, with
// the gateway itself as a service; the providers follow with theirs.
type Snapshot struct {
	Domain    string // of all keys, for example "gateway.example"
	Address   string // of the gateway, https://HOST:PORT/soap/v1
	Operator  string // name of the gateway operator
	Providers []Provider
}

// Provider is an organisation whose services can be paid.
type Provider struct {
	ID       tolem.ProviderID
	Names    tolem.Names
	Services []Service
}

// Service is a service that can be paid.
type Service struct {
	Code  tolem.ServiceCode
	Names tolem.Names
}

// Keys of UDDI v3 are URIs below the registry's domain and compare without
// regard to case. They follow from the identifiers, so that a client may keep
// them.
func key(domain string, parts ...string) string {
	return strings.ToLower("uddi:" + domain + ":" + strings.Join(parts, ":"))
}

// registry is a snapshot in the terms of UDDI.
type registry struct {
	businesses []businessEntity
	tModel     tModel
}

func newRegistry(s Snapshot) registry {
	r := registry{tModel: contractModel(s)}
	r.businesses = append(r.businesses, operator(s, r.tModel.Key))
	for _, p := range s.Providers {
		r.businesses = append(r.businesses, provider(s, p, r.tModel.Key))
	}
	return r
}

// contractModel is the technical fingerprint that all bindings share: the
// contract of the gateway.
func contractModel(s Snapshot) tModel {
	return tModel{
		Key:         key(s.Domain, "gateway-v1"),
		Name:        wsdl.Namespace,
		Description: []text{{"en", "Contract of the payment gateway, version 1: SOAP 1.1 with WS-Security signatures."}},
		Overview:    overviewDoc{URL: overviewURL{"wsdlInterface", s.Address + "?wsdl"}},
	}
}

func operator(s Snapshot, model string) businessEntity {
	b := businessEntity{
		Key:         key(s.Domain, "operator"),
		Names:       []text{{"en", s.Operator}},
		Description: []text{{"en", "Operator of the payment gateway."}},
	}
	gateway := businessService{
		Key: key(s.Domain, "operator", "gateway"), BusinessKey: b.Key,
		Names:       []text{{"en", "Payment gateway"}},
		Description: []text{{"en", "Issues payment codes, records payments, validates and closes codes."}},
	}
	gateway.Bindings = []bindingTemplate{binding(s, gateway.Key, model, "The gateway. Callers must be registered participants.")}
	b.Services = []businessService{gateway}
	return b
}

func provider(s Snapshot, p Provider, model string) businessEntity {
	b := businessEntity{Key: key(s.Domain, "provider", string(p.ID)), Names: names(p.Names, string(p.ID))}
	for _, offered := range p.Services {
		service := businessService{
			Key: key(s.Domain, "service", string(offered.Code)), BusinessKey: b.Key,
			Names:       names(offered.Names, string(offered.Code)),
			Description: []text{{"en", "Service code " + string(offered.Code) + " of provider " + string(p.ID) + "."}},
		}
		service.Bindings = []bindingTemplate{binding(s, service.Key, model, "Paid through the gateway.")}
		b.Services = append(b.Services, service)
	}
	return b
}

func binding(s Snapshot, serviceKey, model, description string) bindingTemplate {
	return bindingTemplate{
		Key: serviceKey + ":binding", ServiceKey: serviceKey,
		Description: []text{{"en", description}},
		AccessPoint: accessPoint{"endPoint", s.Address},
		Models:      []tModelInstance{{Key: model}},
	}
}

// names returns a name in every language that has one, and the identifier where
// none has: UDDI requires a name.
func names(n tolem.Names, identifier string) []text {
	var all []text
	for _, t := range []text{{"kk", n.KK}, {"ru", n.RU}, {"en", n.EN}} {
		if t.Value != "" {
			all = append(all, t)
		}
	}
	if all == nil {
		all = []text{{"en", identifier}}
	}
	return all
}
