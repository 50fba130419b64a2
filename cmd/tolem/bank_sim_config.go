package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"tolem"
	"tolem/config"
)

// bankSimConfig is the file of bank-sim. Relative paths are taken from its
// folder.
type bankSimConfig struct {
	Bank     tolem.ParticipantID `yaml:"bank"`
	Listen   string              `yaml:"listen"`
	TLS      keyPair             `yaml:"tls"`      // of the server
	Signing  keyPair             `yaml:"signing"`  // of the bank
	Revoked  keyPair             `yaml:"revoked"`  // optional: for answers signed with a revoked certificate
	Stranger keyPair             `yaml:"stranger"` // optional: for answers signed by another participant
	Trust    struct {
		Anchors       []string `yaml:"anchors"`
		Intermediates []string `yaml:"intermediates"`
		CRLs          []string `yaml:"crls"`
	} `yaml:"trust"`
	Gateway struct {
		Certificates []string `yaml:"certificates"` // with which the gateway signs
		Address      string   `yaml:"address"`      // for notifications; "": nobody is notified
		TLS          keyPair  `yaml:"tls"`          // of the bank as the gateway's caller
	} `yaml:"gateway"`
	Book     string            `yaml:"book"`     // "": in memory only
	Script   string            `yaml:"script"`   // optional
	Balances map[string]string `yaml:"balances"` // by account, as 1200.00; others have no end
	Timings  struct {
		Latency    time.Duration `yaml:"latency"`
		Late       time.Duration `yaml:"late"`
		Hang       time.Duration `yaml:"hang"`
		NotifyLate time.Duration `yaml:"notify_late"`
	} `yaml:"timings"`
}

type keyPair struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

const maxBankSimConfig = 1 << 20

// loadBankSim reads the file. A key that is not known is an error, as is a
// setting that is missing.
func loadBankSim(file string) (*bankSimConfig, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(text) > maxBankSimConfig {
		return nil, fmt.Errorf("%w: %s is too large", config.ErrInvalid, file)
	}
	var c bankSimConfig
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", config.ErrInvalid, file, err)
	}
	c.locate(filepath.Dir(file))
	return &c, c.check(file)
}

// locate makes paths relative to the folder of the file.
func (c *bankSimConfig) locate(folder string) {
	paths := []*string{&c.Book, &c.Script}
	for _, p := range []*keyPair{&c.TLS, &c.Signing, &c.Revoked, &c.Stranger, &c.Gateway.TLS} {
		paths = append(paths, &p.Cert, &p.Key)
	}
	for _, list := range [][]string{c.Trust.Anchors, c.Trust.Intermediates, c.Trust.CRLs, c.Gateway.Certificates} {
		for i := range list {
			paths = append(paths, &list[i])
		}
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) && !isURL(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
}

func (c *bankSimConfig) check(file string) error {
	var errs []error
	for _, must := range []struct {
		name string
		set  bool
	}{
		{"bank", c.Bank != ""}, {"listen", c.Listen != ""}, {"tls", c.TLS.Cert != "" && c.TLS.Key != ""},
		{"signing", c.Signing.Cert != "" && c.Signing.Key != ""}, {"trust.anchors", len(c.Trust.Anchors) > 0},
		{"gateway.certificates", len(c.Gateway.Certificates) > 0},
		{"gateway.tls", c.Gateway.Address == "" || c.Gateway.TLS.Cert != "" && c.Gateway.TLS.Key != ""},
	} {
		if !must.set {
			errs = append(errs, fmt.Errorf("%w: %s: %s is missing", config.ErrInvalid, file, must.name))
		}
	}
	return errors.Join(errs...)
}

// balances returns the balances in minor units.
func (c *bankSimConfig) balances() (map[string]int64, error) {
	list := make(map[string]int64, len(c.Balances))
	for account, text := range c.Balances {
		m, err := tolem.ParseMoney(text, tolem.KZT) // the currency is that of the order
		if err != nil {
			return nil, fmt.Errorf("%w: balances: %w", config.ErrInvalid, err)
		}
		list[account] = m.Minor
	}
	return list, nil
}
