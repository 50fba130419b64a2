package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

// samplesName is the file of the codes that were paid when the folder was made.
const samplesName = "codes.json"

// sandboxPaid are payments that were made elsewhere before anybody came: at a
// bank's own site and at its terminals.
var sandboxPaid = []struct {
	service tolem.ServiceCode
	amount  int64
	channel tolem.Channel
}{
	{"BIRTH-CERT", 1_200_00, tolem.ChannelInternetBanking}, {"PASSPORT", 15_700_00, tolem.ChannelMobileBanking}, {"STATE-FEE", 4_326_00, tolem.ChannelATM},
}

// samples returns codes that a bank has had paid: in a new folder it does so
// now, by signed messages.
func (w *sandboxWorld) samples(ctx context.Context) (codes []string, err error) {
	file := filepath.Join(w.dir, samplesName)
	text, err := os.ReadFile(file)
	if err == nil {
		return codes, json.Unmarshal(text, &codes)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	bank, err := w.client(sandboxAltyn)
	if err != nil {
		return nil, err
	}
	defer bank.Close()
	for _, p := range sandboxPaid {
		order := client.CodeRequest{
			Service: p.service, Provider: sandboxProvider, Recipient: demoCitizen, RecipientName: sandboxCitizen, Amount: demoAmount(p.amount), Channel: p.channel,
		}
		issued, err := bank.IssueCode(ctx, order)
		if err != nil {
			return nil, err
		}
		_, err = bank.NotifyPayment(ctx, client.Payment{
			Code: issued.Code, Bank: sandboxAltyn, BankRef: tolem.BankRef("SAMPLE-" + string(p.channel)), Amount: order.Amount, PaidAt: time.Now().UTC().Truncate(time.Second),
			Channel: p.channel, Recipient: order.Recipient, Service: p.service, Provider: sandboxProvider, Account: demoAccount,
		})
		if err != nil {
			return nil, err
		}
		codes = append(codes, issued.Code.Printed())
	}
	if text, err = json.Marshal(codes); err != nil {
		return nil, err
	}
	return codes, os.WriteFile(file, text, 0o600)
}
