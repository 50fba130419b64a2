package tolem

import (
	"fmt"
	"slices"
	"time"
)

// Channel is the way a payment is made (GW-007 to GW-011).
type Channel string

// The channels.
const (
	ChannelAcquiring       Channel = "ACQUIRING"
	ChannelAccount         Channel = "ACCOUNT"
	ChannelInternetBanking Channel = "INTERNET_BANKING"
	ChannelMobileBanking   Channel = "MOBILE_BANKING"
	ChannelATM             Channel = "ATM"
	ChannelInfokiosk       Channel = "INFOKIOSK"
	ChannelDesk            Channel = "BANK_DESK" // at a bank's desk, by its operator
)

// Channels lists every channel in the order of the contract.
var Channels = []Channel{
	ChannelAcquiring, ChannelAccount, ChannelInternetBanking, ChannelMobileBanking, ChannelATM, ChannelInfokiosk, ChannelDesk,
}

// Offered reports whether participants may ask for codes of the channel and
// notify their payments. What is paid at a desk the gateway has made itself.
func (c Channel) Offered() bool { return c != ChannelDesk }

// ParseChannel returns the channel named by s.
func ParseChannel(s string) (Channel, error) {
	if c := Channel(s); slices.Contains(Channels, c) {
		return c, nil
	}
	return "", fmt.Errorf("unknown channel %q", s)
}

// Payment is the fact of a payment as a bank notifies it. The accepted payment
// of a code is never changed; what was refused is kept as a Discrepancy.
type Payment struct {
	Code          CodeNumber
	Bank          ParticipantID // in whose name it was notified
	BankRef       BankRef
	Amount        Money
	PaidAt        time.Time // as the bank says
	ReceivedAt    time.Time // when the notification reached the gateway (GW-136)
	Channel       Channel
	Recipient     IIN
	RecipientName string // optional (GW-P22)
	Service       ServiceCode
	Provider      ProviderID
	Account       string        // the account number of the payment details; confidential
	NotifiedBy    ParticipantID // the bank, or the processing centre that acts for it
	Branch        ParticipantID // of the bank; empty: it named none
	Fee           Money         // the bank's commission, no part of the amount (GW-P43); zero: it told none
}

// SameAs reports whether both notify the same payment: all details equal,
// whenever and through whomever they arrived (GW-P16). What a bank may add for
// its own books, branch and commission, is no detail of the payment.
func (p Payment) SameAs(q Payment) bool {
	return p.Code == q.Code && p.Bank == q.Bank && p.BankRef == q.BankRef && p.Amount == q.Amount &&
		p.PaidAt.Equal(q.PaidAt) && p.Channel == q.Channel && p.Recipient == q.Recipient &&
		p.Service == q.Service && p.Provider == q.Provider && p.Account == q.Account
}

// Fits reports whether the payment has the amount, recipient, service,
// provider and channel that the code was issued for (GW-P11, GW-P15).
func (p Payment) Fits(c Code) bool {
	return p.Amount == c.Amount && p.Recipient == c.Recipient && p.Service == c.Service &&
		p.Provider == c.Provider && p.Channel == c.Channel
}

// Discrepancy is a notification that was refused although money may have
// moved; reconciliation lists it (GW-P15, GW-P16, GW-P28).
type Discrepancy struct {
	Reason  ResultCode
	Payment Payment
}
