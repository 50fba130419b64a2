package form_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"tolem"
	"tolem/registry/form"
)

var almaty = time.FixedZone("Asia/Almaty", 5*60*60)

// labels are the words of the sample in each language; they have letters that
// only that language has.
var labels = map[form.Language][]string{
	form.Kazakh: {
		"Банк бойынша төлемдер тізілімі", "Банк", "Кезең", "«Өркениет Ғасыры Қазынасы» АҚ", "Төлем коды", "Қызмет", "Арна", "Сомасы", "Қабылданған уақыты", "Күні", "Түрі",
		"Төлемдер", "Қайтарымдар", "Барлығы", "Тізілім электрондық қолтаңбамен қорғалған; деректерді шлюздің мұрағатынан тексеруге болады.",
	},
	form.Russian: {
		"Реестр платежей банка", "Банк", "Период", "АО «Народный банк № 1 — объединённый»", "Код платежа", "Услуга", "Канал", "Сумма", "Принят", "День", "Вид",
		"Платежи", "Возвраты", "Всего", "Реестр защищён электронной подписью; сведения можно проверить по архиву шлюза.",
	},
	form.English: {
		"Register of payments of a bank", "Bank", "Period", "Halyk Bank JSC", "Payment code", "Service", "Channel", "Amount", "Received", "Day", "Kind",
		"Payments", "Refunds", "Total", "The register is protected by an electronic signature and can be checked against the archive.",
	},
	form.Azerbaijani: {
		"Bankın ödənişlər reyestri", "Bank", "Dövr", "«Əmanət Çağı» ASC", "Ödəniş kodu", "Xidmət", "Kanal", "Məbləğ", "Qəbul edilib", "Gün", "Növ",
		"Ödənişlər", "Qaytarmalar", "Cəmi", "Reyestr elektron imza ilə qorunur; şlüzün arxivi üzrə yoxlana bilər.",
	},
	form.Uzbek: {
		"Bankning to‘lovlar reyestri", "Bank", "Davr", "«O‘zbekiston G‘alabasi» AJ", "To‘lov kodi", "Xizmat", "Kanal", "Summa", "Qabul qilindi", "Kun", "Turi",
		"To‘lovlar", "Qaytarishlar", "Jami", "Reyestr elektron imzo bilan himoyalangan; shlyuz arxivi bo‘yicha tekshirish mumkin.",
	},
}

const (
	sampleHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	sampleQR   = "tolem:register?n=B-20261121-HALYK-1&h=" + sampleHash
)

var services = []string{"Мемлекеттік баж", "Коммунальные услуги, «Ак-Булак» — вода и отопление", "=HYPERLINK(\"http://x\")", "Fine, \"speeding\"", "Ödəniş haqqı ₼"}

// line is a row of the sample, and kinds of it: each ninth is a refund, each
// thirteenth does not count.
func line(i int64) []form.Cell {
	minor := (i*7_919_33)%25_000_000 + 1
	kind, amount := "PAYMENT", form.Amount(tolem.Money{Minor: minor, Currency: tolem.KZT})
	switch {
	case i%13 == 0:
		kind, amount = "DISCREPANCY", amount.Aside()
	case i%9 == 0:
		kind, amount = "REFUND", form.Amount(tolem.Money{Minor: -minor, Currency: tolem.KZT})
	}
	at := time.Date(2026, 11, 20, 19, 0, 0, 123456000, time.UTC).Add(time.Duration(i) * 83 * time.Millisecond)
	day := form.Cell{}
	if i%20 == 0 {
		day = form.On(tolem.DayOf(2026, 11, 20))
	}
	return []form.Cell{
		form.Int(i), form.String(kind), form.String(fmt.Sprintf("%016d", 4_000_000_000_000_000+i*7)),
		form.String(services[i%int64(len(services))]), form.String([]string{"CASH", "CARD", "ACCOUNT"}[i%3]), amount, form.At(at), day,
	}
}

// rows yields n rows of the sample.
func rows(n int64) iter.Seq2[[]form.Cell, error] {
	return func(yield func([]form.Cell, error) bool) {
		for i := int64(1); i <= n; i++ {
			if !yield(line(i), nil) {
				return
			}
		}
	}
}

// sample returns a register of n rows.
func sample(l form.Language, n int64) form.Sheet {
	say := labels[l]
	var paid, returned, payments, refunds int64
	for i := int64(1); i <= n; i++ {
		minor := (i*7_919_33)%25_000_000 + 1
		switch {
		case i%13 == 0:
		case i%9 == 0:
			returned, refunds = returned+minor, refunds+1
		default:
			paid, payments = paid+minor, payments+1
		}
	}
	sum := func(minor int64) []form.Sum {
		return []form.Sum{{Column: 5, Amount: tolem.Money{Minor: minor, Currency: tolem.KZT}}}
	}
	return form.Sheet{
		Language: l, Title: say[0], Number: "B-20261121-HALYK-1",
		Head: []form.Field{{say[1], say[3]}, {say[2], "21.11.2026"}, {"БИН / BIN", "940 140 000 385"}, {say[9], "21.11.2026 00:00:00 – 22.11.2026 00:00:00"}},
		Columns: []form.Column{
			{Name: "line", Label: "№", Kind: form.Integer},
			{Name: "kind", Label: say[10], Kind: form.Code, Width: 14},
			{Name: "code", Label: say[4], Kind: form.Code},
			{Name: "service", Label: say[5], Kind: form.Text, Width: 34},
			{Name: "channel", Label: say[6], Kind: form.Text, Width: 12},
			{Name: "amount", Label: say[7], Kind: form.Money, Currency: tolem.KZT, Sum: true},
			{Name: "received", Label: say[8], Kind: form.Time},
			{Name: "belongs", Label: say[9], Kind: form.Date},
		},
		Rows: rows(n), RowCount: n,
		Totals: []form.TotalRow{
			{Name: "KZT.payments", Label: say[11] + ", KZT", Count: payments, Sums: sum(paid)},
			{Name: "KZT.refunds", Label: say[12] + ", KZT", Count: refunds, Sums: sum(-returned)},
			{Name: "KZT.net", Label: say[13] + ", KZT", Count: payments + refunds, Sums: sum(paid - returned), Strong: true, All: true},
		},
		Signature: &form.Signature{
			Signer: "CN=Tolem Gateway, O=«Электрондық үкімет» АҚ, C=KZ", Serial: "5A:11:0B:7C:91:02:EE:43", At: time.Date(2026, 11, 21, 20, 0, 4, 0, time.UTC),
			Hash: sampleHash, Note: say[14], QR: sampleQR,
		},
		Zone: almaty, Printed: time.Date(2026, 11, 21, 20, 0, 5, 0, time.UTC),
	}
}

// render returns what a form writes.
func render(t testing.TB, write func(io.Writer, form.Sheet) error, s form.Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forms are the ways to write a Sheet.
var forms = map[string]func(io.Writer, form.Sheet) error{
	"CSV": form.WriteCSV, "XLSX": form.WriteXLSX, "PDF": form.WritePDF,
	"ZIP": func(w io.Writer, s form.Sheet) error { return form.WritePDFZip(w, s, "register") },
}
