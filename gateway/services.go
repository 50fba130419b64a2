package gateway

import (
	"context"

	"tolem"
	"tolem/store"
)

// OfferedService is an active service with its provider.
type OfferedService struct {
	Service  tolem.Service
	Provider tolem.Provider
}

// ServicesResult lists what can be paid.
type ServicesResult struct {
	Outcome
	Services []OfferedService
}

// ListServices lists the active services in the order of their codes, of one
// provider or, if provider is empty, of all.
func (g *Gateway) ListServices(ctx context.Context, m Message, provider tolem.ProviderID, render Render[ServicesResult]) (Reply, error) {
	return Perform(ctx, g, m, NoCode, render, func(*store.Tx) (ServicesResult, error) {
		r := ServicesResult{Outcome: Outcome{Result: tolem.OK}}
		for _, s := range g.directory.Services() {
			if p, ok := g.offers(s); ok && (provider == "" || provider == p.ID) {
				r.Services = append(r.Services, OfferedService{Service: s, Provider: p})
			}
		}
		return r, nil
	})
}

// offers returns the provider of a service, and whether the service can be paid
// for: both are active.
func (g *Gateway) offers(s tolem.Service) (tolem.Provider, bool) {
	p, ok := g.directory.Provider(s.Provider)
	return p, ok && p.Active && s.Active
}
