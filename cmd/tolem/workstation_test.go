package main

import (
	"strings"
	"testing"
)

// Workstations are made known to the gateway, and get codes for their bridges.
func TestWorkstations(t *testing.T) {
	s := installed(t)
	s.addBank("HALYK")
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "almaty", "--key", "ec", "--out", s.path("bank"))
	s.must("participant", "add", "--id", "ALM01", "--kind", "branch", "--name", "Almaty", "--cert", s.path("bank", "almaty.pem"), "--for", "HALYK", "--config", s.config())
	workstation := func(args ...string) []string {
		return append(append([]string{"workstation"}, args...), "--config", s.config())
	}
	added := decode[workstationView](t, s.must(workstation("add", "--bank", "HALYK", "--branch", "ALM01", "--name", "Kassa 3", "--json")...))
	if added.State != "waits to be paired" || !strings.HasPrefix(added.ID, "WS") || added.PairingCode == "" || added.PairBy == nil {
		t.Errorf("added as %+v", added)
	}
	s.refused(exitFailed, "no branch", workstation("add", "--bank", "HALYK", "--branch", "HALYK", "--name", "Kassa 4")...)
	s.refused(exitFailed, "name", workstation("add", "--bank", "HALYK", "--branch", "ALM01", "--name", " ")...)
	again := s.must(workstation("pair-code", "HALYK", added.ID)...)
	if !strings.Contains(again, "pairing code, good until") || strings.Contains(again, added.PairingCode) {
		t.Errorf("another code:\n%s", again)
	}
	s.refused(exitFailed, "no such workstation", workstation("pair-code", "NOBODY", added.ID)...)
	if out := s.must(workstation("list", "--bank", "HALYK")...); !strings.Contains(out, "Kassa 3") || !strings.Contains(out, "waits to be paired") {
		t.Errorf("listed as\n%s", out)
	}
	s.must(workstation("withdraw", "HALYK", added.ID)...)
	list := decode[[]workstationView](t, s.must(workstation("list", "--bank", "HALYK", "--json")...))
	if len(list) != 1 || list[0].State != "withdrawn" || list[0].PairingCode != "" {
		t.Errorf("withdrawn as %+v", list)
	}
	s.refused(exitFailed, "no such workstation", workstation("pair-code", "HALYK", added.ID)...)
}
