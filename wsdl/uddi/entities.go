package uddi

import "encoding/xml"

// The data structures of UDDI v3, as far as the gateway has something to put
// into them.
type (
	text struct {
		Language string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Value    string `xml:",chardata"`
	}

	businessEntity struct {
		Key         string            `xml:"businessKey,attr"`
		Names       []text            `xml:"name"`
		Description []text            `xml:"description"`
		Services    []businessService `xml:"businessServices>businessService"`
	}

	businessService struct {
		Key         string            `xml:"serviceKey,attr"`
		BusinessKey string            `xml:"businessKey,attr"`
		Names       []text            `xml:"name"`
		Description []text            `xml:"description"`
		Bindings    []bindingTemplate `xml:"bindingTemplates>bindingTemplate"`
	}

	bindingTemplate struct {
		Key         string           `xml:"bindingKey,attr"`
		ServiceKey  string           `xml:"serviceKey,attr"`
		Description []text           `xml:"description"`
		AccessPoint accessPoint      `xml:"accessPoint"`
		Models      []tModelInstance `xml:"tModelInstanceDetails>tModelInstanceInfo"`
	}

	accessPoint struct {
		UseType string `xml:"useType,attr"`
		URL     string `xml:",chardata"`
	}

	tModelInstance struct {
		Key string `xml:"tModelKey,attr"`
	}

	tModel struct {
		Key         string      `xml:"tModelKey,attr"`
		Name        string      `xml:"name"`
		Description []text      `xml:"description"`
		Overview    overviewDoc `xml:"overviewDoc"`
	}

	overviewDoc struct {
		URL overviewURL `xml:"overviewURL"`
	}

	overviewURL struct {
		UseType string `xml:"useType,attr"`
		URL     string `xml:",chardata"`
	}
)

// The messages that answer inquiries.
type (
	businessDetail struct {
		XMLName   xml.Name         `xml:"urn:uddi-org:api_v3 businessDetail"`
		Truncated bool             `xml:"truncated,attr,omitempty"`
		Entities  []businessEntity `xml:"businessEntity"`
	}

	serviceDetail struct {
		XMLName   xml.Name          `xml:"urn:uddi-org:api_v3 serviceDetail"`
		Truncated bool              `xml:"truncated,attr,omitempty"`
		Services  []businessService `xml:"businessService"`
	}

	bindingDetail struct {
		XMLName   xml.Name          `xml:"urn:uddi-org:api_v3 bindingDetail"`
		Truncated bool              `xml:"truncated,attr,omitempty"`
		Bindings  []bindingTemplate `xml:"bindingTemplate"`
	}

	tModelDetail struct {
		XMLName xml.Name `xml:"urn:uddi-org:api_v3 tModelDetail"`
		Models  []tModel `xml:"tModel"`
	}

	businessList struct {
		XMLName   xml.Name       `xml:"urn:uddi-org:api_v3 businessList"`
		Truncated bool           `xml:"truncated,attr,omitempty"`
		Infos     *businessInfos `xml:"businessInfos"` // absent if there is none
	}

	businessInfos struct {
		Info []businessInfo `xml:"businessInfo"`
	}

	businessInfo struct {
		Key         string        `xml:"businessKey,attr"`
		Names       []text        `xml:"name"`
		Description []text        `xml:"description"`
		Services    []serviceInfo `xml:"serviceInfos>serviceInfo"`
	}

	serviceList struct {
		XMLName   xml.Name      `xml:"urn:uddi-org:api_v3 serviceList"`
		Truncated bool          `xml:"truncated,attr,omitempty"`
		Infos     *serviceInfos `xml:"serviceInfos"`
	}

	serviceInfos struct {
		Info []serviceInfo `xml:"serviceInfo"`
	}

	serviceInfo struct {
		Key         string `xml:"serviceKey,attr"`
		BusinessKey string `xml:"businessKey,attr"`
		Names       []text `xml:"name"`
	}
)

func infoOf(s businessService) serviceInfo {
	return serviceInfo{Key: s.Key, BusinessKey: s.BusinessKey, Names: s.Names}
}
