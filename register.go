package tolem

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RegisterKind says whose register it is.
type RegisterKind string

// The kinds of registers (GW-060, GW-061, GW-P25).
const (
	ProviderRegister RegisterKind = "provider"
	BankRegister     RegisterKind = "bank"
	BranchRegister   RegisterKind = "branch"
)

// RegisterKinds lists every kind.
var RegisterKinds = []RegisterKind{ProviderRegister, BankRegister, BranchRegister}

// letter opens the numbers of a kind.
func (k RegisterKind) letter() byte {
	switch k {
	case ProviderRegister:
		return 'P'
	case BankRegister:
		return 'B'
	}
	return 'F' // filial
}

// Owner is whom a register is for: a provider, a bank, or a branch of a bank.
type Owner struct {
	Kind RegisterKind
	ID   string // of the provider, of the bank, or of the branch
	Bank ParticipantID
}

// String returns the owner as it stands in logs and lists: bank HALYK, branch
// HALYK/ALM01.
func (o Owner) String() string {
	if o.Kind == BranchRegister {
		return string(o.Kind) + " " + string(o.Bank) + "/" + o.ID
	}
	return string(o.Kind) + " " + o.ID
}

// RegisterNumber names one revision of a register for ever. It is made of kind,
// day, owner and revision, so that whoever builds the register gets the same.
type RegisterNumber string

var registerNumberPattern = regexp.MustCompile(`^([PBF])-(\d{8})-([A-Za-z0-9][A-Za-z0-9._-]{0,31})-(\d{1,4})$`)

// ErrRegisterNumber reports text that is no number of a register.
var ErrRegisterNumber = errors.New("not a register number like B-20261121-HALYK-1")

// NewRegisterNumber returns the number of a revision. Branches are participants
// and have ids of their own, so the bank need not stand in it.
func NewRegisterNumber(o Owner, d Day, revision int) RegisterNumber {
	return RegisterNumber(fmt.Sprintf("%c-%s-%s-%d", o.Kind.letter(), strings.ReplaceAll(d.String(), "-", ""), o.ID, revision))
}

// ParseRegisterNumber checks the form of a number.
func ParseRegisterNumber(s string) (RegisterNumber, error) {
	m := registerNumberPattern.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("%.64q: %w", s, ErrRegisterNumber)
	}
	if _, err := time.Parse("20060102", m[2]); err != nil {
		return "", fmt.Errorf("%q: %w", s, ErrRegisterNumber)
	}
	if n, _ := strconv.Atoi(m[4]); n < 1 {
		return "", fmt.Errorf("%q: %w", s, ErrRegisterNumber)
	}
	return RegisterNumber(s), nil
}

// Owner returns whose register the number is of, as far as the number says: it
// does not name the bank of a branch. The zero Owner stands for what is no
// number.
func (n RegisterNumber) Owner() Owner {
	m := registerNumberPattern.FindStringSubmatch(string(n))
	if m == nil {
		return Owner{}
	}
	for _, k := range RegisterKinds {
		if k.letter() == m[1][0] {
			o := Owner{Kind: k, ID: m[3]}
			if k == BankRegister {
				o.Bank = ParticipantID(o.ID)
			}
			return o
		}
	}
	return Owner{}
}

// RowKind says what a row of a register tells.
type RowKind string

// The kinds of rows. Only payments and refunds count in totals: a discrepancy
// is a notification that was refused although money may have moved.
const (
	RowPayment     RowKind = "PAYMENT"
	RowRefund      RowKind = "REFUND"
	RowDiscrepancy RowKind = "DISCREPANCY"
)

// RowKinds lists every kind in the order in which rows of one moment stand.
var RowKinds = []RowKind{RowPayment, RowRefund, RowDiscrepancy}

// DiscrepancyLate marks the payment of a code that had expired or was cancelled
// (GW-P17). The other marks are result codes of refused notifications.
const DiscrepancyLate = "LATE"

// RegisterRow is a fact of a sealed day as registers show it (spec 7.1). It
// holds nothing personal.
type RegisterRow struct {
	Line int // its place in the register, from 1; 0 outside one
	Kind RowKind

	Code     CodeNumber
	Bank     ParticipantID
	Branch   ParticipantID // empty: the bank named none
	BankRef  BankRef
	Service  ServiceCode
	Provider ProviderID
	Channel  Channel
	Amount   Money
	Fee      Money // the bank's commission, beside the amount; zero: it told none

	PaidAt     time.Time // as the bank says
	ReceivedAt time.Time // when it reached the gateway
	At         time.Time // when the fact of the row came to be: ReceivedAt, or the moment of the refund
	State      State     // of the code at the end of the day
	ClosedAt   time.Time // zero: it was not closed by then

	Discrepancy string // LATE, or why a notification was refused
	Belongs     Day    // the day of the payment; the register's own unless it came late

	ID [16]byte // tells apart the notifications that were refused for one code; zero otherwise
}

// Compare orders rows as registers do: by moment, code, kind and id.
func (r RegisterRow) Compare(q RegisterRow) int {
	return cmp.Or(r.At.Compare(q.At), cmp.Compare(r.Code, q.Code),
		cmp.Compare(slices.Index(RowKinds, r.Kind), slices.Index(RowKinds, q.Kind)), slices.Compare(r.ID[:], q.ID[:]))
}

// Sum counts payments less refunds.
type Sum struct {
	Count  int64 // payments
	Minor  int64 // their amounts, in minor units
	Back   int64 // refunds
	Return int64 // their amounts
}

// Net is what the payments come to without what was refunded.
func (s Sum) Net() int64 { return s.Minor - s.Return }

// Plus adds two sums.
func (s Sum) Plus(t Sum) Sum {
	return Sum{Count: s.Count + t.Count, Minor: s.Minor + t.Minor, Back: s.Back + t.Back, Return: s.Return + t.Return}
}

// Total is the sum of the rows of one service and channel in one currency.
type Total struct {
	Currency Currency
	Service  ServiceCode
	Channel  Channel
	Sum
}

// Totals is what a register comes to.
type Totals struct {
	Rows          int64 // of every kind
	Discrepancies int64
	By            []Total // sorted by currency, service, channel
}

// Add counts a row.
func (t *Totals) Add(r RegisterRow) {
	t.Rows++
	if r.Kind == RowDiscrepancy {
		t.Discrepancies++
		return
	}
	key := Total{Currency: r.Amount.Currency, Service: r.Service, Channel: r.Channel}
	i, found := slices.BinarySearchFunc(t.By, key, compareTotals)
	if !found {
		t.By = slices.Insert(t.By, i, key)
	}
	sum := &t.By[i].Sum
	if r.Kind == RowRefund {
		sum.Back++
		sum.Return += r.Amount.Minor
		return
	}
	sum.Count++
	sum.Minor += r.Amount.Minor
}

func compareTotals(a, b Total) int {
	return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Service, b.Service),
		cmp.Compare(slices.Index(Channels, a.Channel), slices.Index(Channels, b.Channel)))
}

// ByCurrency returns the sums of each currency.
func (t Totals) ByCurrency() map[Currency]Sum {
	sums := make(map[Currency]Sum)
	for _, b := range t.By {
		sums[b.Currency] = sums[b.Currency].Plus(b.Sum)
	}
	return sums
}

// Currencies lists the currencies of the rows, sorted.
func (t Totals) Currencies() (list []Currency) {
	for i, b := range t.By {
		if i == 0 || b.Currency != t.By[i-1].Currency {
			list = append(list, b.Currency)
		}
	}
	return list
}

// Register is one revision of a register, without its rows. It is never
// changed: what becomes of it is told by its acknowledgements.
type Register struct {
	Number     RegisterNumber
	Owner      Owner
	Day        Day
	From, To   time.Time // the moments of the day
	Revision   int       // 1 is the first
	Reason     string    // why it was issued anew; empty for the first
	Totals     Totals
	Hash       [32]byte  // SHA-256 of the document that was signed, in canonical form
	FormedAt   time.Time // when it was built
	FinalAfter time.Time // from then on it can no longer be rejected
}

// Verdict is what an owner says of its register.
type Verdict string

// The verdicts.
const (
	Acknowledged Verdict = "ACK"
	Rejected     Verdict = "REJECT"
)

// RejectReason says what is wrong with a register or with a row of it.
type RejectReason string

// The reasons an owner may give.
const (
	RejectMissingRow  RejectReason = "MISSING_ROW"
	RejectSurplusRow  RejectReason = "SURPLUS_ROW"
	RejectAmount      RejectReason = "AMOUNT"
	RejectService     RejectReason = "SERVICE"
	RejectBranch      RejectReason = "BRANCH"
	RejectTotals      RejectReason = "TOTALS"
	RejectOtherReason RejectReason = "OTHER"
)

// RejectReasons lists every reason.
var RejectReasons = []RejectReason{
	RejectMissingRow, RejectSurplusRow, RejectAmount, RejectService, RejectBranch, RejectTotals, RejectOtherReason,
}

// Objection is one point of a rejection.
type Objection struct {
	Reason RejectReason
	Line   int    // of the register's row; 0: the register as a whole
	Text   string // in the owner's words
}

// Acknowledgement is an owner's signed word on one revision.
type Acknowledgement struct {
	Number     RegisterNumber
	By         ParticipantID
	Verdict    Verdict
	Objections []Objection
	At         time.Time
}

// Form is a rendering of a register or another document of the day.
type Form string

// The forms. The signed XML is the legal one; the others show the same rows
// and totals.
const (
	FormXML  Form = "XML"
	FormCSV  Form = "CSV"
	FormXLSX Form = "XLSX"
	FormPDF  Form = "PDF"
)

// Forms lists every form.
var Forms = []Form{FormXML, FormCSV, FormXLSX, FormPDF}

// ParseForm returns the form named by s, in letters of either case.
func ParseForm(s string) (Form, error) {
	if f := Form(strings.ToUpper(s)); slices.Contains(Forms, f) {
		return f, nil
	}
	return "", fmt.Errorf("unknown form %q: want XML, CSV, XLSX or PDF", s)
}

// Extension returns the end of the name of a file in this form: ".xml".
func (f Form) Extension() string { return "." + strings.ToLower(string(f)) }

// ReconciliationNumber names the comparison of one submitted list for ever.
type ReconciliationNumber string

// NewReconciliationNumber returns the number of the seq-th list that was
// submitted for an owner and day.
func NewReconciliationNumber(o Owner, d Day, seq int) ReconciliationNumber {
	return ReconciliationNumber("R" + string(NewRegisterNumber(o, d, seq)))
}

// Owner returns whose list the number is of, as RegisterNumber.Owner does.
func (n ReconciliationNumber) Owner() Owner {
	return RegisterNumber(strings.TrimPrefix(string(n), "R")).Owner()
}

// ParseReconciliationNumber checks the form of a number.
func ParseReconciliationNumber(s string) (ReconciliationNumber, error) {
	rest, ok := strings.CutPrefix(s, "R")
	if _, err := ParseRegisterNumber(rest); !ok || err != nil {
		return "", fmt.Errorf("%.64q is not a number like RB-20261121-HALYK-1", s)
	}
	return ReconciliationNumber(s), nil
}
