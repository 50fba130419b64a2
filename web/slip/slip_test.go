package slip_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/receipt"
	"tolem/signing"
	"tolem/web"
	"tolem/web/slip"
)

const page = "https://pay.egov.example.kz/receipt"

var almaty = time.FixedZone("Almaty", 5*60*60)

// typical is a receipt as most are.
func typical() receipt.Receipt {
	return receipt.Receipt{
		Code: 1234567890123428, Recipient: "850101400011", RecipientName: "Ахметова Айгүл Серікқызы", RequestNo: "002241198317",
		Account: "KZ86125KZT5004100100", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
		PaidAt: time.Date(2026, 11, 22, 5, 31, 7, 0, time.UTC), ReceivedAt: time.Date(2026, 11, 22, 5, 31, 9, 0, time.UTC),
		Method: tolem.ChannelAcquiring, Masked: "411111******1111", BankRef: "RRN632600451187", Bank: "HALYK", BankName: "Народный банк Казахстана",
		Service: "EREG-17", ServiceNames: tolem.Names{
			KK: "Жылжымайтын мүлікке құқықты мемлекеттік тіркеу", RU: "Государственная регистрация прав на недвижимое имущество",
			EN: "State registration of rights to real estate",
		},
		Provider: "GOV4C", ProviderNames: tolem.Names{
			KK: "«Азаматтарға арналған үкімет» мемлекеттік корпорациясы", RU: "Госкорпорация «Правительство для граждан»", EN: "Government for Citizens State Corporation",
		},
	}
}

// longest is a receipt in which nothing may be longer.
func longest() receipt.Receipt {
	r := typical()
	r.RecipientName = strings.Repeat("Қайырбекқызы ", 15)
	r.RequestNo, r.BankRef, r.Account = strings.Repeat("W", 64), strings.Repeat("8", 64), strings.Repeat("K", 34)
	r.Amount.Minor = tolem.MaxAmountMinor
	r.Masked = "411111*********1111"
	r.Bank, r.Service, r.Provider = strings.Repeat("B", 32), strings.Repeat("S", 32), strings.Repeat("P", 32)
	r.BankName = strings.Repeat("Банк ", 40)
	r.ServiceNames = tolem.Names{KK: strings.Repeat("қызмет ", 60)}
	r.ProviderNames = tolem.Names{KK: strings.Repeat("мекеме ", 60)}
	return r
}

type issued struct {
	*receipt.Issuer
	cert *x509.Certificate
}

func newIssuer(t testing.TB) issued {
	t.Helper()
	id := tolemtest.NewPKI(t, pki.Options{}).Identity(pki.Spec{CommonName: "payment gateway", Usage: pki.Signing, Key: pki.P256})
	signer, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := receipt.NewIssuer(signer, page)
	if err != nil {
		t.Fatal(err)
	}
	return issued{issuer, id.Cert}
}

func texts(t testing.TB) slip.Texts {
	t.Helper()
	all, err := slip.New()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// print writes a PDF into a folder and returns its name and what the QR code says.
func (i issued) print(t *testing.T, r receipt.Receipt, p slip.Paper) (file, content string) {
	t.Helper()
	content, err := i.QR(r, string(p.Language))
	if err != nil {
		t.Fatal(err)
	}
	p.QR, p.Page, p.Signer, p.Zone, p.Operator = content, page, i.cert, almaty, "АО «Национальные информационные технологии»"
	p.Made = time.Date(2026, 11, 22, 5, 35, 0, 0, time.UTC)
	var b bytes.Buffer
	if err := texts(t).WritePDF(&b, r, p); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "receipt.pdf")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, content
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(tolemtest.RequireTool(t, name), args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// squeeze leaves out spaces and line ends: where a line is broken is the
// layout's.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// In every language the printed receipt is one page, has every field and its
// marks, and its QR code is read from paper and proves what is printed.
//
// GW-140 to GW-148, GW-150, GW-151, UC1.28, UC2.17
func TestPrintedReceipt(t *testing.T) {
	i := newIssuer(t)
	account := typical()
	account.Method, account.Masked, account.RequestNo = tolem.ChannelAccount, "****0100", ""
	for name, r := range map[string]receipt.Receipt{"card": typical(), "account": account, "longest": longest()} {
		for number, l := range web.Languages {
			t.Run(name+"-"+string(l), func(t *testing.T) {
				file, content := i.print(t, r, slip.Paper{Language: l, Number: number + 1, Sandbox: l == web.English})
				printed := squeeze(tool(t, "pdftotext", "-layout", file, "-"))
				rows, err := texts(t).Rows(r, l, almaty)
				if err != nil {
					t.Fatal(err)
				}
				sum, err := texts(t).Amount(r.Amount, l)
				if err != nil {
					t.Fatal(err)
				}
				wanted := []string{sum, "АО «Национальные информационные технологии»", "payment gateway", receipt.KeyOf(i.cert).String()}
				for _, row := range rows {
					wanted = append(wanted, row.Label, row.Value)
				}
				if number > 0 {
					wanted = append(wanted, fmt.Sprint(number), "22.11.2026 10:35")
				}
				for _, want := range wanted {
					if !strings.Contains(printed, squeeze(want)) {
						t.Errorf("it does not say %q:\n%s", want, printed)
					}
				}
				if pages := strings.Count(tool(t, "pdfinfo", file), "Pages:           1"); pages != 1 {
					t.Error("it is not one page")
				}
				i.readsFromPaper(t, file, content, r)
			})
		}
	}
}

// readsFromPaper scans the page as a cheap scanner does, reads the QR code and
// verifies it.
func (i issued) readsFromPaper(t *testing.T, file, content string, r receipt.Receipt) {
	t.Helper()
	picture := strings.TrimSuffix(file, ".pdf")
	tool(t, "pdftoppm", "-r", "150", "-png", "-singlefile", file, picture)
	keep(t, picture+".png")
	read := strings.TrimSpace(tool(t, "zbarimg", "-q", "--raw", picture+".png"))
	if read != content {
		t.Fatalf("the code is read as %q", read)
	}
	got, _, err := receipt.Verify(read, []*x509.Certificate{i.cert})
	if err != nil || got.Code != r.Code || got.BankRef != r.BankRef || got.Amount != r.Amount {
		t.Errorf("read as %+v, %v", got, err)
	}
}

// keep copies a picture to where somebody may look at it.
func keep(t *testing.T, file string) {
	folder := os.Getenv("TOLEM_TEST_PICTURES")
	if folder == "" {
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-")+".png"), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Only what is known is a row; what must be there is one in every language.
func TestRows(t *testing.T) {
	all := texts(t)
	for _, l := range web.Languages {
		whole, err := all.Rows(typical(), l, almaty)
		if err != nil || len(whole) != 13 {
			t.Errorf("%s: %d rows, %v", l, len(whole), err)
		}
		bare := typical()
		bare.RecipientName, bare.RequestNo, bare.Account, bare.Masked = "", "", "", ""
		few, err := all.Rows(bare, l, almaty)
		if err != nil || len(few) != 9 {
			t.Errorf("%s: %d rows, %v", l, len(few), err)
		}
	}
	for _, m := range tolem.Channels {
		r := typical()
		r.Method = m
		if _, err := all.Rows(r, web.Kazakh, almaty); err != nil {
			t.Error(err)
		}
	}
}

// What is shown to anybody is enough to compare and not more.
func TestGuarded(t *testing.T) {
	r := typical()
	got := slip.Guarded(r)
	for field, want := range map[string]string{
		got.Recipient.Reveal(): "•••• 0011", got.Account: "•••• 0100", got.Masked: "•••• 1111", got.RecipientName: "Ахметова А. С.",
	} {
		if field != want {
			t.Errorf("shown as %q, want %q", field, want)
		}
	}
	r.Account, r.Masked, r.RecipientName = "INV-77", "", "Айгүл"
	if got := slip.Guarded(r); got.Account != "••••" || got.Masked != "" || got.RecipientName != "Айгүл" {
		t.Errorf("shown as %+v", got)
	}
	if got.Code != r.Code || got.Amount != r.Amount || got.BankRef != r.BankRef {
		t.Error("what is not personal is hidden")
	}
}

// The code drawn as a path is the code.
func TestPathIsTheCode(t *testing.T) {
	code, err := slip.NewCode(page + "#TOLEM1.")
	if err != nil {
		t.Fatal(err)
	}
	drawn := make([][]bool, len(code.Dark))
	for y := range drawn {
		drawn[y] = make([]bool, len(code.Dark))
	}
	const quiet = 4
	var x, y int
	rest := code.Path()
	for rest != "" {
		var n int
		var next string
		switch {
		case rest[0] == 'M':
			scan(t, rest, "M%d %d.5", &x, &y)
			x, y = x-quiet, y-quiet
		case rest[0] == 'm':
			scan(t, rest, "m%d 0", &n)
			x += n
		case rest[0] == 'h':
			scan(t, rest, "h%d", &n)
			for range n {
				drawn[y][x] = true
				x++
			}
		}
		at := strings.IndexAny(rest[1:], "Mmh")
		if at >= 0 {
			next = rest[1+at:]
		}
		rest = next
	}
	if fmt.Sprint(drawn) != fmt.Sprint(code.Dark) {
		t.Error("the path draws another code")
	}
	if _, err := slip.NewCode(strings.Repeat("x", 4000)); err == nil {
		t.Error("a code for more than any holds")
	}
}

func scan(t *testing.T, text, format string, into ...any) {
	t.Helper()
	if _, err := fmt.Sscanf(text, format, into...); err != nil {
		t.Fatalf("%.20s: %v", text, err)
	}
}
