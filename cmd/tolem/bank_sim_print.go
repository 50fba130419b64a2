package main

import (
	_ "embed" // the sample travels inside the binary
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/wsdl"
)

func bankSimContractCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use: "contract", Short: "Print the WSDL that a bank implements to take payments from the payment page", Args: noArgs,
		Example: `  tolem bank-sim contract > bank-v1.wsdl`,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(wsdl.BankWSDL())
			return err
		},
	}
}

//go:embed bank_sim_sample.yaml
var bankSimSample string

func bankSimSampleCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use: "sample", Short: "Print a configuration of a simulated bank", Args: noArgs,
		Example: `  tolem bank-sim sample > bank.yaml`,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.out, bankSimSample)
			return err
		},
	}
}

func bankSimTableCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "table", Short: "Print the cards, accounts and amounts that ask for something", Args: noArgs}
	asJSON := jsonFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		type row struct {
			Amount, Card, Account, Name, Behaviour string
		}
		var rows []row
		t := table.NewWriter()
		t.AppendHeader(table.Row{"amount", "card", "account", "what happens", "behaviour"})
		for _, c := range sandbox.Table {
			r := row{fmt.Sprintf("….%02d", c.Number), c.Card(), c.Account(), c.Name, c.Behaviour}
			rows = append(rows, r)
			t.AppendRow(table.Row{r.Amount, r.Card, r.Account, r.Name, r.Behaviour})
		}
		if *asJSON {
			return printJSON(io.out, rows)
		}
		t.SetStyle(table.StyleLight)
		_, err := fmt.Fprintln(io.out, t.Render())
		return err
	}
	return c
}

func bankSimBookCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "book FILE", Short: "Print what stands in the book of a simulated bank", Args: exactArgs("FILE"),
		Example: `  tolem bank-sim book bank-a.jsonl`,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		entries, err := sandbox.ReadBook(args[0])
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(io.out, struct {
				Entries []sandbox.Entry
				Sums    map[sandbox.State]map[tolem.Currency]sandbox.Sum
			}{entries, sandbox.Sums(entries)})
		}
		for _, e := range entries {
			fmt.Fprintln(io.out, strings.Join([]string{string(e.Attempt), string(e.Order.Kind), string(e.State), e.Amount().String(), string(e.BankRef)}, "  "))
		}
		var lines []string
		for state, byCurrency := range sandbox.Sums(entries) {
			for currency, s := range byCurrency {
				if currency != "" {
					lines = append(lines, fmt.Sprintf("%s: %d, %s", state, s.Count, tolem.Money{Minor: s.Minor, Currency: currency}))
				}
			}
		}
		slices.Sort(lines)
		_, err = fmt.Fprintln(io.out, strings.Join(lines, "\n"))
		return err
	}
	return c
}
