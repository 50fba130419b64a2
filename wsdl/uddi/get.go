package uddi

import (
	"slices"
	"strings"
)

func (r registry) services() []businessService {
	var all []businessService
	for _, b := range r.businesses {
		all = append(all, b.Services...)
	}
	return all
}

func (r registry) business(key string) *businessEntity {
	return pick(r.businesses, key, func(b businessEntity) string { return b.Key })
}

func (r registry) service(key string) *businessService {
	return pick(r.services(), key, func(s businessService) string { return s.Key })
}

func pick[T any](all []T, key string, keyOf func(T) string) *T {
	i := slices.IndexFunc(all, func(e T) bool { return strings.EqualFold(keyOf(e), strings.TrimSpace(key)) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func (r registry) getBusinesses(keys []string) (any, *disposition) {
	found, d := each(keys, r.business)
	return businessDetail{Entities: found}, d
}

func (r registry) getServices(keys []string) (any, *disposition) {
	found, d := each(keys, r.service)
	return serviceDetail{Services: found}, d
}

func (r registry) getBindings(keys []string) (any, *disposition) {
	var all []bindingTemplate
	for _, s := range r.services() {
		all = append(all, s.Bindings...)
	}
	found, d := each(keys, func(key string) *bindingTemplate {
		return pick(all, key, func(b bindingTemplate) string { return b.Key })
	})
	return bindingDetail{Bindings: found}, d
}

func (r registry) getModels(keys []string) (any, *disposition) {
	found, d := each(keys, func(key string) *tModel {
		return pick([]tModel{r.tModel}, key, func(m tModel) string { return m.Key })
	})
	return tModelDetail{Models: found}, d
}

// each looks every key up. One that is not known fails the whole inquiry, as
// UDDI has it.
func each[T any](keys []string, find func(string) *T) ([]T, *disposition) {
	if len(keys) == 0 {
		return nil, &disposition{10500, "E_fatalError", "at least one key is required"}
	}
	found := make([]T, 0, len(keys))
	for _, k := range keys {
		e := find(k)
		if e == nil {
			return nil, invalidKey(k)
		}
		found = append(found, *e)
	}
	return found, nil
}
