package tolem

import (
	"cmp"
	"fmt"
	"slices"
)

// AnomalyCode says in what a participant's own list of a day and our register
// of that day do not agree. A code never changes its meaning; package
// registry/match defines when each is given.
type AnomalyCode string

// The anomalies, in the order in which those of one row stand.
const (
	UnreadableRow   AnomalyCode = "UNREADABLE_ROW"
	DuplicateThere  AnomalyCode = "DUPLICATE_THERE"
	DuplicateHere   AnomalyCode = "DUPLICATE_HERE"
	WrongBankRow    AnomalyCode = "WRONG_BANK"
	BranchDiffers   AnomalyCode = "BRANCH_DIFFERS"
	OtherProvider   AnomalyCode = "OTHER_PROVIDER"
	OtherService    AnomalyCode = "OTHER_SERVICE"
	OtherDay        AnomalyCode = "OTHER_DAY"
	RefusedHere     AnomalyCode = "REFUSED_HERE"
	CodeUnknown     AnomalyCode = "CODE_UNKNOWN"
	NotPaidHere     AnomalyCode = "NOT_PAID_HERE"
	NotRefundedHere AnomalyCode = "NOT_REFUNDED_HERE"
	MissingHere     AnomalyCode = "MISSING_HERE"
	MissingThere    AnomalyCode = "MISSING_THERE"
	RefundedHere    AnomalyCode = "REFUNDED"
	CurrencyDiffers AnomalyCode = "CURRENCY_DIFFERS"
	AmountDiffers   AnomalyCode = "AMOUNT_DIFFERS"
	CodeDiffers     AnomalyCode = "CODE_DIFFERS"
	BankRefDiffers  AnomalyCode = "BANK_REF_DIFFERS"
	LatePayment     AnomalyCode = "LATE"
	PaidOutsideDay  AnomalyCode = "PAID_OUTSIDE_DAY"
	WrongCount      AnomalyCode = "WRONG_COUNT"
	WrongTotal      AnomalyCode = "WRONG_TOTAL"
)

// AnomalyCodes lists every code in the order in which those of one row stand.
var AnomalyCodes = []AnomalyCode{
	UnreadableRow, DuplicateThere, DuplicateHere, WrongBankRow, BranchDiffers, OtherProvider, OtherService, OtherDay,
	RefusedHere, CodeUnknown, NotPaidHere, NotRefundedHere, MissingHere, MissingThere, RefundedHere, CurrencyDiffers,
	AmountDiffers, CodeDiffers, BankRefDiffers, LatePayment, PaidOutsideDay, WrongCount, WrongTotal,
}

// Severity says whether an anomaly is about money: how much it is, or whose.
type Severity string

// The severities.
const (
	SeverityMoney       Severity = "MONEY"
	SeverityInformation Severity = "INFORMATION"
)

// Severity returns what the code is about.
func (c AnomalyCode) Severity() Severity {
	switch c {
	case CodeDiffers, BankRefDiffers, LatePayment, PaidOutsideDay:
		return SeverityInformation
	}
	return SeverityMoney
}

// anomalyTexts call the submitted list "the list" and ours "the register".
var anomalyTexts = map[AnomalyCode]Names{
	UnreadableRow:   {KK: "тізімнің жолы оқылмайды", RU: "строка списка не читается", EN: "the row of the list cannot be read"},
	DuplicateThere:  {KK: "төлем тізімде бірнеше рет тұр", RU: "платёж стоит в списке не один раз", EN: "the payment stands in the list more than once"},
	DuplicateHere:   {KK: "төлем тізілімде бірнеше рет тұр", RU: "платёж стоит в реестре не один раз", EN: "the payment stands in the register more than once"},
	WrongBankRow:    {KK: "код басқа банктікі", RU: "код относится к другому банку", EN: "the code belongs to another bank"},
	BranchDiffers:   {KK: "төлем басқа филиалдікі", RU: "платёж относится к другому филиалу", EN: "the payment belongs to another branch"},
	OtherProvider:   {KK: "төлем басқа көрсетушінікі", RU: "платёж относится к другому поставщику", EN: "the payment belongs to another provider"},
	OtherService:    {KK: "төлем басқа қызметке жатады", RU: "платёж относится к другой услуге", EN: "the payment belongs to another service"},
	OtherDay:        {KK: "төлем басқа күннің тізілімінде", RU: "платёж относится к реестру другого дня", EN: "the payment belongs to the register of another day"},
	RefusedHere:     {KK: "төлем туралы хабарлама қабылданбаған", RU: "извещение о платеже было отклонено", EN: "the notification of the payment was refused"},
	CodeUnknown:     {KK: "мұндай төлем коды берілмеген", RU: "такой код платежа не выдавался", EN: "no such payment code was issued"},
	NotPaidHere:     {KK: "код берілген, бірақ төленбеген", RU: "код выдан, но не оплачен", EN: "the code was issued but is not paid"},
	NotRefundedHere: {KK: "тізімде қайтарым бар, тізілімде жоқ", RU: "в списке есть возврат, в реестре его нет", EN: "the list has a refund that the register has not"},
	MissingHere:     {KK: "тізімде бар, тізілімде жоқ", RU: "есть в списке, нет в реестре", EN: "in the list, not in the register"},
	MissingThere:    {KK: "тізілімде бар, тізімде жоқ", RU: "есть в реестре, нет в списке", EN: "in the register, not in the list"},
	RefundedHere:    {KK: "ақша қайтарылған, тізімде ол жоқ", RU: "деньги возвращены, в списке этого нет", EN: "the money was returned, the list does not say so"},
	CurrencyDiffers: {KK: "валюта басқа", RU: "валюта отличается", EN: "the currency differs"},
	AmountDiffers:   {KK: "сома басқа", RU: "сумма отличается", EN: "the amount differs"},
	CodeDiffers:     {KK: "тізімдегі код қате, төлем банктегі нөмірі бойынша табылды", RU: "код в списке с ошибкой, найден по номеру банка", EN: "the code in the list is mistyped, found by the bank's reference"},
	BankRefDiffers:  {KK: "банктегі нөмірі басқа", RU: "номер операции банка отличается", EN: "the bank's reference differs"},
	LatePayment:     {KK: "код мерзімі өткен соң немесе жойылған соң төленген", RU: "код оплачен после истечения срока или отмены", EN: "the code was paid after it had expired or was cancelled"},
	PaidOutsideDay:  {KK: "төлем уақыты бұл күнге жатпайды", RU: "время платежа вне этого дня", EN: "the time of payment lies outside the day"},
	WrongCount:      {KK: "жолдардың мәлімделген саны қате", RU: "заявленное число строк неверно", EN: "the stated number of rows is wrong"},
	WrongTotal:      {KK: "мәлімделген жиынтық қате", RU: "заявленный итог неверен", EN: "the stated total is wrong"},
}

// Texts returns the sentence that goes with the code.
func (c AnomalyCode) Texts() Names { return anomalyTexts[c] }

// ParseAnomalyCode returns the code named by s.
func ParseAnomalyCode(s string) (AnomalyCode, error) {
	if c := AnomalyCode(s); slices.Contains(AnomalyCodes, c) {
		return c, nil
	}
	return "", fmt.Errorf("unknown anomaly %.64q", s)
}

// Anomaly is one point in which a submitted list and our register do not
// agree. It holds nothing personal, and nothing of what belongs to others than
// the submitter.
type Anomaly struct {
	No          int // from 1, in the order of Compare
	Code        AnomalyCode
	OurLine     int // of the register; 0: none
	TheirLine   int // of the list; 0: none
	PaymentCode CodeNumber
	BankRef     BankRef

	// What differs: a value of the field the code is about, as each side has
	// it. Empty where a side has none.
	Ours, Theirs string

	// Difference is what the anomaly adds to the total of the list compared
	// with ours, refunds negative; zero if it moves no money. Where the two
	// sides have different currencies, Difference is the amount of the list and
	// Counter that of ours, taken away.
	Difference, Counter Money
}

// Compare orders anomalies: by line of the list, then by line of the register,
// then by code. What stands in no row of the list comes after it; what
// stands in no row at all comes last.
func (a Anomaly) Compare(b Anomaly) int {
	return cmp.Or(compareLines(a.TheirLine, b.TheirLine), compareLines(a.OurLine, b.OurLine),
		cmp.Compare(slices.Index(AnomalyCodes, a.Code), slices.Index(AnomalyCodes, b.Code)),
		cmp.Compare(a.PaymentCode, b.PaymentCode), cmp.Compare(a.Difference.Currency, b.Difference.Currency),
		cmp.Compare(a.Ours, b.Ours), cmp.Compare(a.Theirs, b.Theirs))
}

// compareLines puts zero, no line, last.
func compareLines(a, b int) int {
	if a == 0 || b == 0 {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}
