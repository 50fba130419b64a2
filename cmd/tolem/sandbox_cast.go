package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"tolem"
	"tolem/config"
	"tolem/internal/pki"
	"tolem/sandbox/stub"
	"tolem/store"
)

// The cast of the sandbox.
const (
	sandboxPortal   = "PORTAL"
	sandboxAltyn    = "ALTYN" // takes cards first
	sandboxKumis    = "KUMIS" // takes cards when the other cannot be reached
	sandboxCentre   = "CENTRE-1"
	sandboxProvider = "JUSTICE"
	sandboxSeller   = "ALATAU" // whose goods the shop sells
	sandboxShop     = "SHOP"
)

// sandboxCitizen is the name of demoCitizen.
const sandboxCitizen = "Ахметова Айгүл Серікқызы"

// The shop as a merchant.
const (
	sandboxGoods   = "GOODS"
	sandboxShopBIN = "050240004563"
)

var sandboxBanks = []string{sandboxAltyn, sandboxKumis}

// sandboxMember is a participant and the kind of key it signs with.
type sandboxMember struct {
	tolem.Participant
	key pki.KeyKind
}

var sandboxCast = []sandboxMember{
	{tolem.Participant{ID: sandboxPortal, Kind: tolem.KindPortal, Name: "Портал-пример"}, pki.P256},
	{tolem.Participant{ID: sandboxAltyn, Kind: tolem.KindBank, Name: "Алтын Банк"}, pki.RSA2048},
	{tolem.Participant{ID: sandboxKumis, Kind: tolem.KindBank, Name: "Күміс Банк"}, pki.P256},
	{tolem.Participant{ID: sandboxCentre, Kind: tolem.KindServiceCentre, Name: "ЦОН № 1"}, pki.P256},
	{tolem.Participant{ID: sandboxProvider, Kind: tolem.KindProvider, Name: "Министерство юстиции"}, pki.RSA2048},
}

// sandboxMerchant is the shop, which is registered as an operator registers one.
var sandboxMerchant = sandboxMember{tolem.Participant{ID: sandboxShop, Name: "Магазин-пример"}, pki.P256}

var sandboxProviders = []tolem.Provider{
	{ID: sandboxProvider, BIN: "990240001237", Names: tolem.Names{KK: "Әділет министрлігі", RU: "Министерство юстиции", EN: "Ministry of Justice"}},
	{ID: sandboxSeller, BIN: "120440019871", Names: tolem.Names{KK: "«Алатау» ЖШС", RU: "ТОО «Алатау»", EN: "Alatau LLP"}},
}

// sandboxOffers is what can be paid. A state fee is as high as the payer says,
// so that every amount can be tried.
var sandboxOffers = []tolem.Service{
	{Code: "BIRTH-CERT", Provider: sandboxProvider, Price: tolem.Price{Fixed: 1_200_00}, Names: tolem.Names{KK: "Туу туралы куәлік", RU: "Свидетельство о рождении", EN: "Birth certificate"}},
	{Code: "PASSPORT", Provider: sandboxProvider, Price: tolem.Price{Fixed: 15_700_00}, Names: tolem.Names{KK: "Азаматтың паспорты", RU: "Паспорт гражданина", EN: "Passport"}},
	{Code: "STATE-FEE", Provider: sandboxProvider, Price: tolem.Price{Min: 100_00, Max: 500_000_00}, Names: tolem.Names{KK: "Мемлекеттік баж", RU: "Государственная пошлина", EN: "State fee"}},
	{Code: sandboxGoods, Provider: sandboxSeller, Price: tolem.Price{Min: 1_00, Max: 500_000_00}, Names: tolem.Names{KK: "Тауарлар", RU: "Товары", EN: "Goods"}},
}

// addOffers registers providers and their services, where they are not there.
func addOffers(tx *store.Tx) error {
	for _, p := range sandboxProviders {
		if _, err := tx.Provider(p.ID); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		p.Account, p.Active = demoAccount, true
		if err := tx.PutProvider(p); err != nil {
			return err
		}
	}
	for _, s := range sandboxOffers {
		s.Active, s.Price.Currency = true, tolem.KZT
		if err := tx.PutService(s); err != nil {
			return err
		}
	}
	return nil
}

// openShop registers the shop as `tolem merchant add` does.
func (w *sandboxWorld) openShop(ctx context.Context) error {
	keys, err := w.issueKeys(sandboxMerchant)
	if err != nil {
		return err
	}
	_, err = newMerchant{
		participant: newParticipant{id: sandboxShop, name: sandboxMerchant.Name, certs: []string{keys.signing.Cert}, contract: "sandbox"},
		bin:         sandboxShopBIN, services: []string{sandboxGoods}, method: string(tolem.ByPost),
		returns: []string{w.browser(doorShop) + stub.OrderPath}, results: w.browser(doorShop) + stub.ResultPath,
	}.register(ctx, w.node.desk)
	return err
}

// Folders of the sandbox beside those of init.
const (
	participantsDir = "participants"
	banksDir        = "banks"
)

// memberKeys are the files of a participant's keys.
type memberKeys struct{ signing, channel, server, revoked config.KeyPair }

func (w *sandboxGateway) keysOf(id tolem.ParticipantID) memberKeys {
	pair := func(usage string) config.KeyPair {
		name := filepath.Join(w.dir, participantsDir, string(id)+"-"+usage)
		return config.KeyPair{Cert: name + ".pem", Key: name + ".key"}
	}
	return memberKeys{pair("signing"), pair("channel"), pair("server"), pair("revoked")}
}

// issueKeys makes the keys of a participant that are not there yet. One of them
// is revoked at once: a simulated bank signs with it when it is asked to.
func (w *sandboxGateway) issueKeys(m sandboxMember) (memberKeys, error) {
	keys := w.keysOf(m.ID)
	for _, k := range []struct {
		file config.KeyPair
		spec pki.Spec
	}{
		{keys.signing, pki.Spec{Usage: pki.Signing, Key: m.key}},
		{keys.channel, pki.Spec{Usage: pki.TLSClient, Key: pki.P256}},
		{keys.server, pki.Spec{Usage: pki.TLSServer, Key: pki.P256}},
		{keys.revoked, pki.Spec{Usage: pki.Signing, Key: pki.P256}},
	} {
		if _, err := os.Stat(k.file.Cert); err == nil {
			continue
		}
		name := filepath.Base(k.file.Cert[:len(k.file.Cert)-len(filepath.Ext(k.file.Cert))])
		k.spec.CommonName, k.spec.Org = name, m.Name
		id, err := w.authority.Issue(k.spec)
		if err != nil {
			return keys, err
		}
		if k.file == keys.revoked {
			if err := errors.Join(w.authority.Revoke(id.Cert, pki.KeyCompromise), w.writeLists()); err != nil {
				return keys, err
			}
		}
		if _, _, err := id.WriteTo(filepath.Dir(k.file.Cert), name); err != nil {
			return keys, err
		}
	}
	return keys, nil
}

// bankSettings writes the file of a simulated bank, as bank-sim reads it, and a
// script that says nothing yet.
func (w *sandboxWorld) bankSettings(bank string) (*bankSimConfig, error) {
	keys := w.keysOf(tolem.ParticipantID(bank))
	pair := func(p config.KeyPair) keyPair { return keyPair(p) }
	s := bankSimConfig{
		Bank: tolem.ParticipantID(bank), Listen: w.doors[bank].Addr().String(), TLS: pair(keys.server), Signing: pair(keys.signing),
		Book: "book.jsonl", Script: "script.txt", Balances: map[string]string{},
	}
	s.Revoked, s.Stranger = pair(keys.revoked), pair(w.keysOf(sandboxCentre).signing)
	s.Trust.Anchors, s.Trust.Intermediates, s.Trust.CRLs = w.config.Trust.Anchors, w.config.Trust.Intermediates, w.config.Trust.CRLs
	s.Gateway.Certificates = []string{w.config.Signing.RSA.Cert, w.config.Signing.EC.Cert}
	s.Gateway.Address, s.Gateway.TLS = w.program(doorSOAP, soapPath), pair(keys.channel)
	s.Timings.Latency, s.Timings.Late, s.Timings.Hang, s.Timings.NotifyLate = 300*time.Millisecond, 12*time.Second, 30*time.Second, 8*time.Second
	folder := filepath.Join(w.dir, banksDir, bank)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(s)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "bank.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	script := filepath.Join(folder, s.Script)
	if _, err := os.Stat(script); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(script, []byte("# always AuthorizeCard refuse:LIMIT_EXCEEDED\n# down\n"), 0o600); err != nil {
			return nil, err
		}
	}
	return loadBankSim(file)
}
