package registry

import (
	"tolem"
	"tolem/registry/form"
)

// word is a key of the catalogue of what people read in documents of the day.
type word string

// words are the labels of registers, reports on comparisons and claims.
var words = map[word]tolem.Names{
	"register.provider": {KK: "Қызмет көрсетушінің төлемдер тізілімі", RU: "Реестр платежей поставщика услуг", EN: "Payment register of the service provider"},
	"register.bank":     {KK: "Банктің төлемдер тізілімі", RU: "Реестр платежей банка", EN: "Payment register of the bank"},
	"register.branch":   {KK: "Банк филиалының төлемдер тізілімі", RU: "Реестр платежей филиала банка", EN: "Payment register of the bank's branch"},
	"reconciliation":    {KK: "Салыстырып тексеру туралы есеп", RU: "Отчёт о сверке", EN: "Report on a reconciliation"},
	"claim":             {KK: "Банкке талап", RU: "Требование к банку", EN: "Claim to the bank"},
	"account":           {KK: "Оператордың шоты", RU: "Счёт оператора", EN: "Operator's account"},
	"due":               {KK: "Төлеу мерзімі", RU: "Оплатить до", EN: "Due"},
	"payments":          {KK: "Төлемдер", RU: "Платежей", EN: "Payments"},
	"paid":              {KK: "Төленген", RU: "Оплачено", EN: "Paid"},
	"refunds":           {KK: "Қайтарымдар", RU: "Возвратов", EN: "Refunds"},
	"refunded":          {KK: "Қайтарылған", RU: "Возвращено", EN: "Refunded"},
	"claimed":           {KK: "Талап етіледі", RU: "Требуется", EN: "Claimed"},
	"owner":             {KK: "Иесі", RU: "Владелец", EN: "Owner"},
	"bank":              {KK: "Банк", RU: "Банк", EN: "Bank"},
	"branch":            {KK: "Филиал", RU: "Филиал", EN: "Branch"},
	"operator":          {KK: "Шлюз операторы", RU: "Оператор шлюза", EN: "Gateway operator"},
	"day":               {KK: "Күні", RU: "День", EN: "Day"},
	"period":            {KK: "Кезең", RU: "Период", EN: "Period"},
	"revision":          {KK: "Нұсқасы", RU: "Редакция", EN: "Revision"},
	"reason":            {KK: "Қайта шығару себебі", RU: "Причина перевыпуска", EN: "Reason of reissue"},
	"final":             {KK: "Түпкілікті болады", RU: "Становится окончательным", EN: "Final after"},
	"rows":              {KK: "Жолдар", RU: "Строк", EN: "Rows"},
	"discrepancies":     {KK: "Қабылданбаған хабарламалар", RU: "Отклонённых извещений", EN: "Refused notifications"},
	"line":              {KK: "№", RU: "№", EN: "No."},
	"kind":              {KK: "Түрі", RU: "Вид", EN: "Kind"},
	"code":              {KK: "Төлем коды", RU: "Код платежа", EN: "Payment code"},
	"bankRef":           {KK: "Банктегі нөмірі", RU: "Номер в банке", EN: "Bank's reference"},
	"service":           {KK: "Қызмет", RU: "Услуга", EN: "Service"},
	"provider":          {KK: "Көрсетуші", RU: "Поставщик", EN: "Provider"},
	"channel":           {KK: "Арна", RU: "Канал", EN: "Channel"},
	"amount":            {KK: "Сома", RU: "Сумма", EN: "Amount"},
	"fee":               {KK: "Комиссия", RU: "Комиссия", EN: "Fee"},
	"paidAt":            {KK: "Төленді", RU: "Оплачено", EN: "Paid at"},
	"receivedAt":        {KK: "Алынды", RU: "Получено", EN: "Received at"},
	"state":             {KK: "Күйі", RU: "Состояние", EN: "State"},
	"closedAt":          {KK: "Жабылды", RU: "Закрыт", EN: "Closed at"},
	"discrepancy":       {KK: "Белгі", RU: "Отметка", EN: "Mark"},
	"belongsTo":         {KK: "Төлем күні", RU: "День платежа", EN: "Belongs to"},
	"total":             {KK: "Барлығы", RU: "Всего", EN: "Total"},
	"signed":            {KK: "Заңды күші қол қойылған XML-де; бұл құжат оның мазмұнын көрсетеді.", RU: "Юридическую силу имеет подписанный XML; этот документ показывает его содержание.", EN: "The signed XML is the legal form; this document shows its content."},
	"list":              {KK: "Ұсынылған тізім", RU: "Представленный список", EN: "Submitted list"},
	"submittedBy":       {KK: "Ұсынған", RU: "Представил", EN: "Submitted by"},
	"submittedAt":       {KK: "Ұсынылды", RU: "Представлен", EN: "Submitted at"},
	"register":          {KK: "Тізілім", RU: "Реестр", EN: "Register"},
	"matched":           {KK: "Табылған жұптар", RU: "Найдено пар", EN: "Pairs"},
	"agreed":            {KK: "Айырмашылықсыз", RU: "Без расхождений", EN: "Without difference"},
	"refusal":           {KK: "Тізім оқылмады", RU: "Список не прочитан", EN: "The list could not be read"},
	"anomaly":           {KK: "Айырмашылық", RU: "Расхождение", EN: "Anomaly"},
	"meaning":           {KK: "Мағынасы", RU: "Значение", EN: "Meaning"},
	"ourLine":           {KK: "Тізілім жолы", RU: "Строка реестра", EN: "Register row"},
	"theirLine":         {KK: "Тізім жолы", RU: "Строка списка", EN: "List row"},
	"ours":              {KK: "Бізде", RU: "У нас", EN: "Ours"},
	"theirs":            {KK: "Тізімде", RU: "В списке", EN: "Theirs"},
	"difference":        {KK: "Айырма сомасы", RU: "Разница", EN: "Difference"},
}

// say returns a label in a language; those of the gateway's documents are
// Kazakh, Russian and English.
func say(l form.Language, w word) string { return words[w].In(string(l)) }
