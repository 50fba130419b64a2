package soap

import (
	"tolem"
)

// ReceiptNamespace is the namespace of the e-receipt document.
const ReceiptNamespace = "urn:tolem:receipt:v1"

// methodNames are the names of the payment methods on a receipt (GW-145).
var methodNames = map[tolem.Channel]tolem.Names{
	tolem.ChannelAcquiring:       {KK: "Төлем карточкасы (интернет-эквайринг)", RU: "Платёжная карточка (интернет-эквайринг)", EN: "Payment card (internet acquiring)"},
	tolem.ChannelAccount:         {KK: "Банктік шот", RU: "Банковский счёт", EN: "Bank account"},
	tolem.ChannelInternetBanking: {KK: "Интернет-банкинг", RU: "Интернет-банкинг", EN: "Internet banking"},
	tolem.ChannelMobileBanking:   {KK: "Мобильді банкинг", RU: "Мобильный банкинг", EN: "Mobile banking"},
	tolem.ChannelATM:             {KK: "Банкомат", RU: "Банкомат", EN: "ATM"},
	tolem.ChannelInfokiosk:       {KK: "Инфокиоск", RU: "Инфокиоск", EN: "Infokiosk"},
	tolem.ChannelDesk:            {KK: "Банк кассасы", RU: "Касса банка", EN: "Bank desk"},
}

// Names tells how participants, services and providers are called.
type Names interface {
	Participant(tolem.ParticipantID) (tolem.Participant, bool)
	Service(tolem.ServiceCode) (tolem.Service, bool)
	Provider(tolem.ProviderID) (tolem.Provider, bool)
}

// Receipt builds the e-receipt of an accepted payment (GW-140 to GW-148). The
// same payment gives the same document every time: it holds nothing of the
// moment it was asked for. Its signature follows.
func Receipt(names Names, c tolem.Code, p *tolem.Payment) []byte {
	w := &writer{}
	w.Root("receipt", ReceiptNamespace)
	w.code(c.Number)
	w.Text("transactionNo", string(p.BankRef))
	w.Text("bankId", string(p.Bank))
	if bank, ok := names.Participant(p.Bank); ok {
		w.Text("bankName", bank.Name)
	}
	w.Text("recipientIIN", c.Recipient.Reveal())
	w.Text("recipientName", c.RecipientName)
	w.Text("requestNo", string(c.RequestNo))
	w.Text("accountNo", p.Account)
	w.amount(p.Amount)
	w.Time("paidAt", p.PaidAt)
	w.Time("receivedAt", p.ReceivedAt)
	w.Text("paymentMethod", string(p.Channel))
	w.names("paymentMethodName", methodNames[p.Channel])
	w.Text("serviceCode", string(c.Service))
	if service, ok := names.Service(c.Service); ok {
		w.names("serviceName", service.Names)
	}
	w.Text("providerId", string(c.Provider))
	if provider, ok := names.Provider(c.Provider); ok {
		w.names("providerName", provider.Names)
	}
	return w.end("receipt")
}
