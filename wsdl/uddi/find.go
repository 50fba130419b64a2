package uddi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

func (r registry) findBusiness(q *inquiry) (any, *disposition) {
	m, d := q.matching()
	if d != nil {
		return nil, d
	}
	var found []businessInfo
	for _, b := range r.businesses {
		if !m.matches(b.Names, q.Names) || !r.hasModels(q.ModelBag) {
			continue
		}
		info := businessInfo{Key: b.Key, Names: b.Names, Description: b.Description}
		for _, s := range b.Services {
			info.Services = append(info.Services, infoOf(s))
		}
		found = append(found, info)
	}
	slices.SortStableFunc(found, func(a, b businessInfo) int { return m.order(a.Names, b.Names) })
	page, truncated, d := cut(q, found)
	if d != nil || len(page) == 0 {
		return businessList{Truncated: truncated}, d
	}
	return businessList{Truncated: truncated, Infos: &businessInfos{page}}, nil
}

// findService finds in one business, or in all of them. All services of a
// business are found when no name is given.
func (r registry) findService(q *inquiry) (any, *disposition) {
	m, d := q.matching()
	if d != nil {
		return nil, d
	}
	if q.BusinessKey != "" && r.business(q.BusinessKey) == nil {
		return nil, invalidKey(q.BusinessKey)
	}
	var found []serviceInfo
	for _, s := range r.services() {
		inBusiness := q.BusinessKey == "" || strings.EqualFold(q.BusinessKey, s.BusinessKey)
		named := m.matches(s.Names, q.Names) || len(q.Names) == 0 && q.BusinessKey != ""
		if inBusiness && named && r.hasModels(q.ModelBag) {
			found = append(found, infoOf(s))
		}
	}
	slices.SortStableFunc(found, func(a, b serviceInfo) int { return m.order(a.Names, b.Names) })
	page, truncated, d := cut(q, found)
	if d != nil || len(page) == 0 {
		return serviceList{Truncated: truncated}, d
	}
	return serviceList{Truncated: truncated, Infos: &serviceInfos{page}}, nil
}

// findBinding finds the bindings of one service, or of all that have the
// technical models asked for.
func (r registry) findBinding(q *inquiry) (any, *disposition) {
	if _, d := q.matching(); d != nil {
		return nil, d
	}
	if q.ServiceKey != "" && r.service(q.ServiceKey) == nil {
		return nil, invalidKey(q.ServiceKey)
	}
	var found []bindingTemplate
	for _, s := range r.services() {
		inService := strings.EqualFold(q.ServiceKey, s.Key) || q.ServiceKey == "" && len(q.ModelBag) > 0
		if inService && r.hasModels(q.ModelBag) {
			found = append(found, s.Bindings...)
		}
	}
	page, truncated, d := cut(q, found)
	return bindingDetail{Truncated: truncated, Bindings: page}, d
}

// hasModels reports whether all the models are the one that every binding has.
func (r registry) hasModels(keys []string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { return !strings.EqualFold(strings.TrimSpace(k), r.tModel.Key) })
}

func (m matching) order(a, b []text) int {
	if m.descending {
		a, b = b, a
	}
	return cmp.Compare(a[0].Value, b[0].Value)
}

// cut returns the part of what was found that was asked for, at most MaxRows.
func cut[T any](q *inquiry, found []T) (page []T, truncated bool, d *disposition) {
	head, rows := 1, MaxRows
	if q.ListHead != "" {
		head, d = positive(q.ListHead)
	}
	if d == nil && q.MaxRows != "" {
		rows, d = positive(q.MaxRows)
	}
	if d != nil {
		return nil, false, d
	}
	found = found[min(head-1, len(found)):]
	rows = min(rows, MaxRows)
	return found[:min(rows, len(found))], rows < len(found), nil
}

func positive(s string) (int, *disposition) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, &disposition{10500, "E_fatalError", "maxRows and listHead must be positive numbers"}
	}
	return n, nil
}
