package driver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/smartcard"
	"tolem/smartcard/bridge/driver"
)

// behaviour makes this test program the driver.
const behaviour = "TOLEM_TEST_DRIVER"

func TestMain(m *testing.M) {
	if how := os.Getenv(behaviour); how != "" {
		play(how)
		return
	}
	os.Exit(m.Run())
}

// play is a driver that answers, and misbehaves on purpose. The card is a file.
func play(file string) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r struct {
			ID     int64
			Do     string
			Ticket smartcard.Ticket
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		switch r.Do {
		case "status":
			fmt.Printf(`{"id":%d,"status":{"reader":true,"operator_card":true,"customer_card":true}}`+"\n", r.ID)
		case "read":
			last, _ := os.ReadFile(file)
			fmt.Printf(`{"id":%d,"card":{"card_no":"AZ-1","organisation":"GAS","account":"1","balance":5,"last_ticket":%q,"last_loaded":true,"details":[]}}`+"\n", r.ID, last)
		case "change":
			change(r.ID, file, r.Ticket)
		}
	}
}

func change(id int64, file string, t smartcard.Ticket) {
	switch t.Payment {
	case "refuse":
		fmt.Printf(`{"id":%d,"code":"write_failed"}`+"\n", id)
	case "lost":
		fmt.Printf(`{"id":%d,"error":"no contact"}`+"\n", id)
	case "die":
		fmt.Fprintln(os.Stderr, "I die")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Second)
		_ = os.WriteFile(file, []byte("too late"), 0o600)
	case "babble":
		fmt.Println("hello")
	case "another":
		fmt.Printf(`{"id":%d}`+"\n", id-1)
	case "long":
		fmt.Println(strings.Repeat("x", 100_000))
	default:
		_ = os.WriteFile(file, []byte(t.ID), 0o600)
		fmt.Printf(`{"id":%d}`+"\n", id)
	}
}

func TestDriver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card")
	t.Setenv(behaviour, file)
	p := driver.New(zerolog.Nop(), os.Args[0])
	t.Cleanup(func() { _ = p.Close() })
	do := func(payment tolem.PaymentID) error {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		return p.Change(ctx, smartcard.Ticket{ID: "T1", Payment: payment})
	}
	ready := func() {
		t.Helper()
		s, err := p.Status(t.Context())
		if err != nil || s.Code() != "" {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	ready()
	for _, payment := range []tolem.PaymentID{"refuse", "lost", "die", "babble", "another", "long", "hang"} {
		err := do(payment)
		var failure *smartcard.Failure
		if refused := errors.As(err, &failure); err == nil || refused != (payment == "refuse") || !refused && !errors.Is(err, driver.ErrDriver) {
			t.Errorf("%s: %v", payment, err)
		}
		ready() // whatever it did, it is there again
	}
	// What hung is ended: it changes nothing afterwards.
	time.Sleep(1200 * time.Millisecond)
	if card, err := p.Read(t.Context()); err != nil || card.LastTicket != "" || card.No != "AZ-1" || card.Balance != 5 {
		t.Errorf("%+v, %v", card, err)
	}
	if err := do("P1"); err != nil {
		t.Error(err)
	}
	if card, err := p.Read(t.Context()); err != nil || card.LastTicket != "T1" {
		t.Errorf("%+v, %v", card, err)
	}
	missing := driver.New(zerolog.Nop(), filepath.Join(t.TempDir(), "none"))
	if _, err := missing.Status(t.Context()); !errors.Is(err, driver.ErrDriver) {
		t.Errorf("no program: %v", err)
	}
}
