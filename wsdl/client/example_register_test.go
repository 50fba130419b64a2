package client_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

// fetchRegisters is the example of the documentation: a bank takes the registers
// of a day, compares each with its own books and says what it thinks of it.
func fetchRegisters(ctx context.Context, gateway *client.Client, day tolem.Day, folder string, compare func(file string) ([]tolem.Objection, error)) error {
	list, err := gateway.ListRegisters(ctx, client.RegisterQuery{From: day, To: day, Kind: tolem.BankRegister})
	if err != nil {
		return err
	}
	for _, reg := range list.Registers {
		if reg.Standing != "OPEN" {
			continue // we have had our say, or there is a newer revision
		}
		file, err := os.Create(filepath.Join(folder, string(reg.Number)+".xml"))
		if err != nil {
			return err
		}
		// Part by part; written when the signature of the whole is verified.
		_, err = gateway.DownloadRegister(ctx, reg.Number, tolem.FormXML, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		objections, err := compare(file.Name()) // none: we agree
		if err != nil {
			return err
		}
		if _, err := gateway.AcknowledgeRegister(ctx, reg.Number, objections); err != nil {
			return err
		}
	}
	return nil
}

// signedRegister returns a register that the gateway has signed, and its hash.
func signedRegister(gw *counterpart) (document, hash string) {
	const root = `<register xmlns="urn:tolem:register:v1"><number>B-20261121-BANK1-1</number>`
	digest := sha256.Sum256([]byte(root + "</register>"))
	return root + string(must(gw.rsa.SignDigest(digest))) + "</register>", hex.EncodeToString(digest[:])
}

// GW-P26 GW-P27
func TestDocumentedExampleOfRegisters(t *testing.T) {
	gw := newCounterpart(t)
	content, hash := signedRegister(gw)
	others := canned(gw)
	gw.respond = func(w http.ResponseWriter, r request) {
		switch head := strings.Replace(registerFields, noHash, hash, 1); r.Operation {
		case "GetRegister":
			gw.answer(w, r, "<register>"+head+"</register>"+filePart(1, 1, len(content), content))
		default:
			others(w, r)
		}
	}
	folder := t.TempDir()
	compared := 0
	err := fetchRegisters(t.Context(), gw.client(nil), tolem.DayOf(2026, time.November, 21), folder, func(name string) ([]tolem.Objection, error) {
		got, err := os.ReadFile(name)
		if compared++; string(got) != content {
			t.Errorf("saved %q", got)
		}
		return []tolem.Objection{{Reason: tolem.RejectAmount, Line: 1}}, err
	})
	if err != nil || compared != 1 {
		t.Fatalf("%d registers were compared, %v", compared, err)
	}
	seen := gw.seen()
	last := seen[len(seen)-1]
	if last.Operation != "AcknowledgeRegister" || !strings.Contains(last.Body, "<verdict>REJECT</verdict>") {
		t.Errorf("the gateway saw %s last: %s", last.Operation, last.Body)
	}
	conforms(t, seen)
}
