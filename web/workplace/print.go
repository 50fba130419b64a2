package workplace

import (
	"bytes"
	"strconv"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/web"
	"tolem/workplace"
)

// The forms of what is printed, besides the page itself.
const (
	formPDF  = "pdf"
	formXLSX = "xlsx"
)

// asked is the form that an address asks for; empty: the page.
func asked(x *web.Exchange) string {
	switch as := x.Request.URL.Query().Get("form"); as {
	case formPDF, formXLSX:
		return as
	}
	return ""
}

// record notes that something was printed or saved (WP-521): before it is, so
// that nothing leaves unrecorded.
func (d *desk) record(x *web.Exchange, by access.Actor, subject string) error {
	action := tolem.ActPrint
	if asked(x) != "" {
		action = tolem.ActExport
	}
	return d.Workplace.Print(x.Request.Context(), by, action, subject)
}

// number is the receipt number in the path.
func number(x *web.Exchange) (tolem.ReceiptNo, error) {
	n, err := tolem.ParseReceiptNo(x.Request.PathValue("number"))
	if err != nil {
		return n, workplace.ErrReceiptNotFound
	}
	return n, nil
}

// copies are how many are asked for: one or three (WP-064).
func copies(x *web.Exchange) int {
	if x.Request.URL.Query().Get("copies") == "3" {
		return 3
	}
	return 1
}

// slipsData is what the page of slips sees.
type slipsData struct {
	Title string
	Pages [][]slip
	PDF   string // the address of the same as PDF
}

// slip is a slip with its bar code as a page draws it.
type slip struct {
	form.Block
	Modules []form.Bar
	Wide    int
}

// Last reports whether a sum is the last, which is of the others.
func (s slip) Last(i int) bool { return i == len(s.Sums)-1 }

// Many reports whether the fields are so many that their letters are smaller.
func (s slip) Many() bool { return len(s.Fields) > fewFields }

// fewFields fit on a slip in letters of the usual size, even if all of them take
// two lines.
const fewFields = 11

// slips answers with receipts: as the page that is printed, or as PDF.
func (d *desk) slips(x *web.Exchange, s *scribe, file string, pages ...[]form.Block) error {
	if s.err != nil {
		return s.err
	}
	title := pages[0][0].Title
	if asked(x) == formPDF {
		var b bytes.Buffer
		if err := form.WriteBlocks(&b, form.Blocks{Language: s.language(), Title: title, Pages: pages, Printed: x.Now()}); err != nil {
			return err
		}
		return x.Download(file+".pdf", "application/pdf", b.Bytes())
	}
	v := slipsData{Title: title, PDF: "?form=pdf&copies=" + strconv.Itoa(len(pages[0]))}
	for _, page := range pages {
		var shown []slip
		for _, b := range page {
			bars, wide, err := form.BarCode(b.Bars)
			if err != nil {
				return err
			}
			shown = append(shown, slip{b, bars, wide})
		}
		v.Pages = append(v.Pages, shown)
	}
	return x.Render(200, "print_slips", v)
}

// printReceipt prints a receipt in one copy or three (WP-063 to WP-069, WP-151,
// WP-163).
func (d *desk) printReceipt(x *web.Exchange, by access.Actor) error {
	n, err := number(x)
	if err != nil {
		return err
	}
	p, err := d.Workplace.Receipt(x.Request.Context(), by, n)
	if err != nil {
		return err
	}
	if err := d.record(x, by, n.String()); err != nil {
		return err
	}
	s := d.scribe(x)
	return d.slips(x, s, "receipt-"+n.String(), s.copies(s.receipt(p), copies(x)))
}

// printBasket prints the receipts of all payments of a basket, in three copies
// each (WP-065, WP-066).
func (d *desk) printBasket(x *web.Exchange, by access.Actor) error {
	id := tolem.BasketID(x.Request.PathValue("basket"))
	done, err := d.Workplace.Completed(x.Request.Context(), by, id)
	if err != nil {
		return err
	}
	if len(done.Payments) == 0 {
		return web.ErrNotFound
	}
	s := d.scribe(x)
	var pages [][]form.Block
	for _, p := range done.Payments {
		if err := d.record(x, by, p.Receipt.String()); err != nil {
			return err
		}
		pages = append(pages, s.copies(s.receipt(p), 3))
	}
	return d.slips(x, s, "receipts-"+done.Payments[0].Receipt.String(), pages...)
}

// printCancellation prints the receipt of a cancellation, in one copy (WP-109,
// WP-110, WP-117, WP-577).
func (d *desk) printCancellation(x *web.Exchange, by access.Actor) error {
	n, err := number(x)
	if err != nil {
		return err
	}
	c, err := d.Workplace.Cancellation(x.Request.Context(), by, n)
	if err != nil {
		return err
	}
	if err := d.record(x, by, n.String()); err != nil {
		return err
	}
	s := d.scribe(x)
	return d.slips(x, s, "cancellation-"+n.String(), s.copies(s.cancellation(c), 1))
}

// paperData is what the page of a report sees.
type paperData struct {
	Report report
	PDF    string
}

// paper answers with a report: as the page that is printed, as PDF or Excel.
func (d *desk) paper(x *web.Exchange, by access.Actor, name string, day tolem.Day, doc report) error {
	name += "-" + day.String()
	if err := d.record(x, by, name); err != nil {
		return err
	}
	as := asked(x)
	if as == "" {
		q := x.Request.URL.Query()
		q.Set("form", formPDF)
		return x.Render(200, "print_report", paperData{doc, "?" + q.Encode()})
	}
	b, extension, err := doc.file(as)
	if err != nil {
		return err
	}
	return x.Download(name+"."+extension, contentTypes[extension], b.Bytes())
}

// contentTypes are those of files by their extension.
var contentTypes = map[string]string{
	formPDF: "application/pdf", formXLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "zip": "application/zip",
}

// printRegister prints the rows of the screen (WP-139 to WP-142, WP-583).
func (d *desk) printRegister(x *web.Exchange, by access.Actor) error {
	r, doc, err := d.registerNow(x, by)
	if err != nil {
		return err
	}
	return d.paper(x, by, "register", r.Query.Day, doc)
}

// printSummary prints the summary report (WP-145 to WP-147).
func (d *desk) printSummary(x *web.Exchange, by access.Actor) error {
	day, doc, err := d.summaryNow(x, by)
	if err != nil {
		return err
	}
	return d.paper(x, by, "summary", day, doc)
}

// printCashOrder prints the cash receipt order (WP-149, WP-150).
func (d *desk) printCashOrder(x *web.Exchange, by access.Actor) error {
	o, doc, err := d.cashOrderNow(x, by)
	if err != nil {
		return err
	}
	return d.paper(x, by, "cash-order", o.Day, doc)
}
