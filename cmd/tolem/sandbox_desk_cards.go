package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"tolem"
	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
)

const (
	bridgeDir      = "card-bridge"
	deskStation    = "Kassa 1"
	maxBridgeReply = 64 << 10
)

// deskCard is a simulated card and what it is for.
type deskCard struct {
	No           tolem.SmartCardNo   `json:"no"`
	Organisation tolem.ProviderID    `json:"organisation"`
	Account      tolem.AccountNumber `json:"account"`
	Happens      string              `json:"happens"`

	notLoaded bool
}

// deskCards are in the simulator's box; the first is in the reader.
func deskCards() []deskCard {
	account := func(o tolem.ProviderID, i int) tolem.AccountNumber { return organisationNamed(o).account(i) }
	return []deskCard{
		{No: simulator.FirstCard, Organisation: deskGas, Account: account(deskGas, 0), Happens: "is in the reader"},
		{No: "AZ-1002", Organisation: deskGas, Account: account(deskGas, 1), Happens: "takes payments"},
		{No: "AZ-1003", Organisation: deskGas, Account: account(deskGas, 4), Happens: "the last payment was not loaded into the meter", notLoaded: true},
		{No: "AI-2001", Organisation: deskElectricity, Account: account(deskElectricity, 0), Happens: "takes payments"},
		{No: "AI-2002", Organisation: deskElectricity, Account: account(deskElectricity, 1), Happens: "takes payments; no debt"},
		{No: "AI-2003", Organisation: deskElectricity, Account: account(deskElectricity, 4), Happens: "the last payment was not loaded into the meter", notLoaded: true},
	}
}

func (c deskCard) card() smartcard.Card {
	card := smartcard.Card{
		No: c.No, Organisation: c.Organisation, Account: string(c.Account), LastLoaded: !c.notLoaded,
		Details: []smartcard.Detail{{Label: "Sayğac", Value: "№ " + string(c.No)}},
	}
	if c.notLoaded {
		card.LastTicket, card.Balance = "before-the-sandbox", 10_00
	}
	return card
}

// startBridge starts the card bridge of the one computer there is, and pairs it.
func (w *deskWorld) startBridge(ctx context.Context) error {
	dir := filepath.Join(w.dir, bridgeDir)
	_, err := os.Stat(dir)
	isNew := errors.Is(err, os.ErrNotExist)
	reader, err := simulator.Open(dir)
	if err != nil {
		return err
	}
	if isNew {
		var cards []smartcard.Card
		for _, c := range deskCards() {
			cards = append(cards, c.card())
		}
		if err := reader.Set(simulator.Change{Cards: cards}); err != nil {
			return err
		}
	}
	f, err := w.log("card-bridge")
	if err != nil {
		return err
	}
	log := newLog(f, w.config.Log)
	w.bridge, err = bridge.Open(bridge.Config{
		Dir: dir, Origins: []string{w.page()}, Reader: reader, Simulator: reader, Version: buildVersion()["version"], Log: log,
	})
	if errors.Is(err, bridge.ErrInUse) {
		return fmt.Errorf("another sandbox runs in %s: end it, or take another --dir (%w)", filepath.Dir(w.dir), err)
	}
	if err != nil {
		return err
	}
	handler, err := w.bridge.Handler(w.doors[doorBridge].Addr())
	if err != nil {
		return err
	}
	w.bridgeServer = bridge.Server(handler)
	w.bridgeServer.ErrorLog = quietLog(log)
	go func() {
		if err := w.bridgeServer.Serve(w.doors[doorBridge]); !errors.Is(err, http.ErrServerClosed) {
			w.failed <- fmt.Errorf("card bridge: %w", err)
		}
	}()
	return w.pair(ctx)
}

// pair makes gateway and bridge known to each other, as the security
// administrator and a page of the workplace do it.
func (w *deskWorld) pair(ctx context.Context) error {
	var status struct{ Paired bool }
	if err := w.ask(ctx, http.MethodGet, "/v1/status", nil, &status); err != nil || status.Paired {
		return err
	}
	cards, err := newCardDesk(w.config.Workplace, w.node.evidence)
	if err != nil {
		return err
	}
	admin := w.securityAdmin()
	var code smartcard.PairingCode
	err = w.node.db.Update(ctx, func(tx *store.Tx) (err error) {
		_, code, err = cards.Register(tx, deskBank, deskBranch, deskStation, string(admin))
		return err
	})
	if err != nil {
		return err
	}
	if _, err := w.bridge.Pair(code); err != nil {
		return err
	}
	var waiting struct{ Workstation, Enrolment string }
	if err := w.ask(ctx, http.MethodGet, "/v1/pairing", nil, &waiting); err != nil {
		return err
	}
	var grant string
	err = w.node.db.Update(ctx, func(tx *store.Tx) (err error) {
		_, grant, err = cards.Pair(tx, deskBank, waiting.Enrolment, string(admin))
		return err
	})
	if err != nil {
		return err
	}
	return w.ask(ctx, http.MethodPost, "/v1/pairing", map[string]string{"grant": grant}, nil)
}

func (w *deskWorld) securityAdmin() tolem.PersonID {
	for _, p := range w.people {
		if p.Bank == deskBank && p.Role == tolem.RoleBankSecurityAdmin {
			return p.id
		}
	}
	return ""
}

// ask calls the bridge as a page of the workplace does.
func (w *deskWorld) ask(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, w.address("http", "127.0.0.1", doorBridge)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Origin", w.page())
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(got.Body, maxBridgeReply))
	switch {
	case err != nil:
		return err
	case got.StatusCode != http.StatusOK:
		return fmt.Errorf("card bridge: %s %s: %s %s", method, path, got.Status, reply)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(reply, answer)
}
