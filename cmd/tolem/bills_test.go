package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tolem/bills"
)

// From nothing to an account that can be looked up: organisation, services,
// tariff, units, a file, and what is said about mistakes.
//
// WP-036, WP-044, WP-048, WP-535
func TestOrganisationsAndBillsFromTheCommandLine(t *testing.T) {
	s := newShell(t)
	s.must("init", "--dir", s.path("gw"), "--test-pki")
	with := func(args ...string) []string { return append(args, "--config", s.config()) }
	currency := "KZT"
	s.refused(exitFailed, "add it first", with("organisation", "add", "--id", "LIGHTCO", "--name", "Azərişıq ASC")...)
	s.must(with("provider", "add", "--id", "LIGHTCO", "--bin", "990240001237", "--name", "Azerishiq", "--account", "KZ1")...)
	s.must(with("service", "add", "--code", "LIGHT", "--provider", "LIGHTCO", "--name", "Light")...)
	s.must(with("service", "add", "--code", "FINE", "--provider", "LIGHTCO", "--name", "Fine")...)
	s.refused(exitFailed, "add it first", with("organisation", "unit", "--of", "LIGHTCO", "--code", "01", "--name", "Bakı")...)
	if out := s.must("provider", "contract"); !strings.Contains(out, "LookupAccountResponse") {
		t.Errorf("contract:\n%s", out)
	}
	s.refused(exitUsage, "SMART", with("organisation", "add", "--id", "LIGHTCO", "--name", "x", "--smart", "coal")...)
	s.refused(exitUsage, "receiver", with("organisation", "add", "--id", "LIGHTCO", "--name", "x", "--receiver-required")...)
	s.refused(exitFailed, "no bank", with("organisation", "add", "--id", "LIGHTCO", "--name", "x", "--bank", "NOBODY")...)
	s.must(with("organisation", "add", "--id", "LIGHTCO", "--name", "Azərişıq ASC", "--smart", "azerishiq", "--without-card-write", "--cancellable")...)
	s.must(with("organisation", "unit", "--of", "LIGHTCO", "--code", "01", "--name", "Bakı")...)
	s.must(with("organisation", "add", "--id", "LIGHTCO", "--name", "Azərişıq ASC", "--smart", "azerishiq", "--without-card-write", "--cancellable", "--receiver-required")...)
	s.must(with("organisation", "service", "--code", "LIGHT", "--shown", "01", "--name", "Elektrik", "--advance")...)
	s.must(with("organisation", "tariff", "--of", "LIGHTCO", "--from", "2026-01-01", "--percent", "1.5", "--min", "0.20", "--max", "5.00")...)
	s.refused(exitFailed, "exists already", with("organisation", "tariff", "--of", "LIGHTCO", "--from", "2026-01-01", "--percent", "2")...)
	s.refused(exitUsage, "percent", with("organisation", "tariff", "--of", "LIGHTCO", "--from", "2026-02-01", "--percent", "1,5")...)
	s.refused(exitFailed, "no service", with("organisation", "tariff", "--of", "LIGHTCO", "--service", "GAS", "--from", "2026-02-01")...)
	s.must(with("asan", "add", "--point", "ASAN1", "--name", "ASAN xidmət 1")...)
	s.must(with("asan", "add", "--point", "ASAN1", "--unit", "ASAN1-1", "--name", "Notariat")...)
	s.refused(exitFailed, "add it first", with("asan", "add", "--point", "ASAN9", "--unit", "U", "--name", "x")...)

	shown := decode[organisationView](t, s.must(with("organisation", "show", "LIGHTCO", "--json")...))
	if !shown.Active || !shown.ReceiverRequired || len(shown.Units) != 1 || len(shown.Services) != 2 || len(shown.Tariffs) != 1 || shown.Tariffs[0].Percent != "1.5" {
		t.Errorf("%+v", shown)
	}
	if out := s.must(with("organisation", "show", "LIGHTCO")...); !strings.Contains(out, "Bakı") || !strings.Contains(out, "Elektrik") || !strings.Contains(out, "1.5") {
		t.Error(out)
	}
	if out := s.must(with("organisation", "list")...); !strings.Contains(out, "Azərişıq ASC") {
		t.Error(out)
	}
	if out := s.must(with("asan", "list")...); !strings.Contains(out, "Notariat") {
		t.Error(out)
	}

	example, err := os.ReadFile(filepath.Join("..", "..", "docs", "bills-example.csv"))
	if err != nil {
		t.Fatal(err)
	}
	file := s.path("accounts.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(example)) // in another currency
	if code, out, _ := s.run(with("bills", "import", file, "--organisation", "LIGHTCO")...); code != exitFailed || strings.Count(out, "BAD_CURRENCY") != 3 || !strings.Contains(out, "nothing was taken") {
		t.Errorf("exit %d\n%s", code, out)
	}
	write(strings.ReplaceAll(string(example), "AZN", currency))
	dry := decode[bills.Imported](t, s.must(with("bills", "import", file, "--organisation", "LIGHTCO", "--dry-run", "--json")...))
	if dry.Taken != 3 || dry.Bills != 3 || dry.Wrong != 0 {
		t.Errorf("%+v", dry)
	}
	s.refused(exitFailed, "no account", with("bills", "show", "A-100", "--organisation", "LIGHTCO")...)
	s.refused(exitUsage, "--as-of", with("bills", "import", file, "--organisation", "LIGHTCO", "--as-of", "today")...)
	s.refused(exitFailed, "no such organisation", with("bills", "import", file, "--organisation", "GAS")...)
	if out := s.must(with("bills", "import", file, "--organisation", "LIGHTCO")...); !strings.Contains(out, "3 accounts taken") || strings.Contains(out, "\x1b[") {
		t.Error(out)
	}
	account := decode[accountView](t, s.must(with("bills", "show", "a-100", "--organisation", "LIGHTCO", "--json")...))
	if len(account.Debts) != 3 || account.Holder == "" || !slices.ContainsFunc(account.Debts, func(d debtView) bool { return d.Open == "12.50" }) {
		t.Errorf("%+v", account)
	}
	if out := s.must(with("bills", "show", "A-100", "--organisation", "LIGHTCO")...); !strings.Contains(out, "Sayğac: 771200") || strings.Contains(out, "paid until") {
		t.Error(out)
	}
	batches := decode[[]batchView](t, s.must(with("bills", "batches", "--organisation", "LIGHTCO", "--json")...))
	if len(batches) != 1 || batches[0].Taken != 3 || !strings.HasPrefix(batches[0].Name, "accounts.csv sha256:") {
		t.Errorf("%+v", batches)
	}
	s.must(with("bills", "batches", "--organisation", "LIGHTCO")...)
}
