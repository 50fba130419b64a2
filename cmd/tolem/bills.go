package main

import (
	"tolem"
	"tolem/bills"
)

// newBills opens what cashiers collect for.
func newBills(d *desk, calendar *tolem.Calendar) *bills.Desk {
	return bills.New(bills.Config{Currency: d.config.Currency, Calendar: calendar}, d.db)
}
