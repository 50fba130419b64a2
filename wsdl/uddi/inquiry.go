package uddi

import (
	"strconv"
	"strings"
)

// Limits of an inquiry.
const (
	MaxRows       = 200 // of an answer
	MaxNames      = 5   // in an inquiry, as UDDI has it
	MaxNameLength = 255
	MaxKeys       = 50
)

// inquiry is any inquiry message; XMLName says which. Each inquiry uses the
// part of the fields that UDDI gives it.
type inquiry struct {
	name string

	MaxRows     string   `xml:"maxRows,attr"`
	ListHead    string   `xml:"listHead,attr"`
	BusinessKey string   `xml:"businessKey,attr"`
	ServiceKey  string   `xml:"serviceKey,attr"`
	Qualifiers  []string `xml:"urn:uddi-org:api_v3 findQualifiers>findQualifier"`
	Names       []string `xml:"urn:uddi-org:api_v3 name"`
	ModelBag    []string `xml:"urn:uddi-org:api_v3 tModelBag>tModelKey"`

	BusinessKeys []string `xml:"urn:uddi-org:api_v3 businessKey"`
	ServiceKeys  []string `xml:"urn:uddi-org:api_v3 serviceKey"`
	BindingKeys  []string `xml:"urn:uddi-org:api_v3 bindingKey"`
	ModelKeys    []string `xml:"urn:uddi-org:api_v3 tModelKey"`

	// Searches by what the registry does not hold.
	CategoryBag   *struct{} `xml:"urn:uddi-org:api_v3 categoryBag"`
	IdentifierBag *struct{} `xml:"urn:uddi-org:api_v3 identifierBag"`
	DiscoveryURLs *struct{} `xml:"urn:uddi-org:api_v3 discoveryURLs"`
	FindModel     *struct{} `xml:"urn:uddi-org:api_v3 find_tModel"`
	FindRelated   *struct{} `xml:"urn:uddi-org:api_v3 find_relatedBusinesses"`
}

// answer dispatches the inquiries that are served.
func (r registry) answer(q *inquiry) (any, *disposition) {
	if d := q.check(); d != nil {
		return nil, d
	}
	switch q.name {
	case "find_business":
		return r.findBusiness(q)
	case "find_service":
		return r.findService(q)
	case "find_binding":
		return r.findBinding(q)
	case "get_businessDetail":
		return r.getBusinesses(q.BusinessKeys)
	case "get_serviceDetail":
		return r.getServices(q.ServiceKeys)
	case "get_bindingDetail":
		return r.getBindings(q.BindingKeys)
	case "get_tModelDetail":
		return r.getModels(q.ModelKeys)
	}
	return nil, unsupported(q.name)
}

func (q *inquiry) check() *disposition {
	switch {
	case q.CategoryBag != nil, q.IdentifierBag != nil, q.DiscoveryURLs != nil, q.FindModel != nil, q.FindRelated != nil:
		return unsupported("search by categories, identifiers, discovery URLs or nested inquiries")
	case len(q.Names) > MaxNames:
		return &disposition{10030, "E_tooManyOptions", "at most " + strconv.Itoa(MaxNames) + " names"}
	case len(q.BusinessKeys)+len(q.ServiceKeys)+len(q.BindingKeys)+len(q.ModelKeys)+len(q.ModelBag) > MaxKeys:
		return &disposition{10030, "E_tooManyOptions", "at most " + strconv.Itoa(MaxKeys) + " keys"}
	}
	for _, name := range q.Names {
		if len(name) > MaxNameLength {
			return &disposition{10020, "E_nameTooLong", "at most " + strconv.Itoa(MaxNameLength) + " bytes"}
		}
	}
	return nil
}

// The find qualifiers that change something here, by their short names.
const (
	approximateMatch     = "approximatematch"
	exactMatch           = "exactmatch"
	caseInsensitiveMatch = "caseinsensitivematch"
	caseSensitiveMatch   = "casesensitivematch"
	sortByNameAsc        = "sortbynameasc"
	sortByNameDesc       = "sortbynamedesc"

	qualifierPrefix = "uddi:uddi.org:findqualifier:"
)

// matching is how names are compared, from the find qualifiers. UDDI's default
// is the exact name with its case.
type matching struct {
	approximate, anyCase, descending bool
}

func (q *inquiry) matching() (m matching, d *disposition) {
	for _, given := range q.Qualifiers {
		switch strings.TrimPrefix(strings.ToLower(strings.TrimSpace(given)), qualifierPrefix) {
		case approximateMatch:
			m.approximate = true
		case caseInsensitiveMatch:
			m.anyCase = true
		case sortByNameDesc:
			m.descending = true
		case exactMatch, caseSensitiveMatch, sortByNameAsc:
		default:
			return m, unsupported("find qualifier " + given)
		}
	}
	return m, nil
}

// matches reports whether one of the names fits one of the patterns.
func (m matching) matches(names []text, patterns []string) bool {
	for _, p := range patterns {
		for _, n := range names {
			if m.fits(n.Value, p) {
				return true
			}
		}
	}
	return false
}

func (m matching) fits(name, pattern string) bool {
	if m.anyCase {
		name, pattern = strings.ToLower(name), strings.ToLower(pattern)
	}
	if !m.approximate {
		return name == pattern
	}
	return like([]rune(name), []rune(pattern))
}

// like matches % with any text and _ with any one character; a backslash takes
// the next character as it is. It goes back to the last % only, so that the
// work is bounded by the product of both lengths.
func like(name, pattern []rune) bool {
	n, p := 0, 0
	retryName, retryPattern := 0, -1
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			retryName, retryPattern = n, p+1
			p++
		case p < len(pattern) && pattern[p] == '_':
			n, p = n+1, p+1
		case p+1 < len(pattern) && pattern[p] == '\\' && pattern[p+1] == name[n]:
			n, p = n+1, p+2
		case p < len(pattern) && pattern[p] != '\\' && pattern[p] == name[n]:
			n, p = n+1, p+1
		case retryPattern >= 0:
			retryName++
			n, p = retryName, retryPattern
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}
