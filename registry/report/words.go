package report

import (
	"fmt"

	"tolem/registry/form"
)

// word is a key of the catalogue.
type word int

const (
	wordTitle word = iota
	wordPeriod
	wordFrom
	wordTo
	wordTime
	wordIncomplete
	wordTotal

	wordDaily
	wordWeekly
	wordMonthly
	wordWhole

	wordChannel
	wordBank
	wordProvider
	wordService
	wordHour
	wordWeekday
	wordCurrency

	wordIssued
	wordPaid
	wordPaidAmount
	wordLate
	wordFees
	wordRefunds
	wordRefundAmount
	wordNetAmount
	wordRefused
	wordExpired
	wordCancelled
	wordClosed
	wordToPay
	wordToClose

	wordRefusals
	wordParticipant
	wordOperation
	wordResult
	wordRequests

	wordMonday
	wordTuesday
	wordWednesday
	wordThursday
	wordFriday
	wordSaturday
	wordSunday
)

// Languages are those that reports speak.
var Languages = []form.Language{form.Kazakh, form.Russian, form.English}

var catalogue = map[form.Language]map[word]string{
	form.Kazakh: {
		wordTitle: "Төлемдер бойынша есеп", wordPeriod: "Кезең", wordFrom: "Басы", wordTo: "Соңы", wordTime: "Уақыты",
		wordIncomplete: "Толық емес: %s бастап күндер әлі жабылмаған", wordTotal: "Барлығы",
		wordDaily: "күн сайын", wordWeekly: "апта сайын (дүйсенбі – жексенбі)", wordMonthly: "ай сайын", wordWhole: "бүкіл кезең",
		wordChannel: "Арна", wordBank: "Банк", wordProvider: "Қызмет беруші", wordService: "Қызмет", wordHour: "Сағат", wordWeekday: "Апта күні", wordCurrency: "Валюта",
		wordIssued: "Берілген кодтар", wordPaid: "Төлемдер", wordPaidAmount: "Төлемдер сомасы", wordLate: "Кешіккен төлемдер", wordFees: "Банк комиссиясы",
		wordRefunds: "Қайтарулар", wordRefundAmount: "Қайтарулар сомасы", wordNetAmount: "Қайтарусыз сома", wordRefused: "Қабылданбаған хабарламалар",
		wordExpired: "Мерзімі өткен", wordCancelled: "Күші жойылған", wordClosed: "Жабылған",
		wordToPay: "Беруден төлемге дейін, с", wordToClose: "Төлемнен жабуға дейін, с",
		wordRefusals: "Қабылданбаған сұраулар", wordParticipant: "Қатысушы", wordOperation: "Операция", wordResult: "Нәтиже", wordRequests: "Сұраулар",
		wordMonday: "дүйсенбі", wordTuesday: "сейсенбі", wordWednesday: "сәрсенбі", wordThursday: "бейсенбі", wordFriday: "жұма", wordSaturday: "сенбі", wordSunday: "жексенбі",
	},
	form.Russian: {
		wordTitle: "Отчёт о платежах", wordPeriod: "Период", wordFrom: "С", wordTo: "По", wordTime: "Время",
		wordIncomplete: "Неполный: дни начиная с %s ещё не закрыты", wordTotal: "Итого",
		wordDaily: "по дням", wordWeekly: "по неделям (понедельник – воскресенье)", wordMonthly: "по месяцам", wordWhole: "за весь период",
		wordChannel: "Канал", wordBank: "Банк", wordProvider: "Поставщик", wordService: "Услуга", wordHour: "Час", wordWeekday: "День недели", wordCurrency: "Валюта",
		wordIssued: "Выдано кодов", wordPaid: "Платежи", wordPaidAmount: "Сумма платежей", wordLate: "Поздние платежи", wordFees: "Комиссия банков",
		wordRefunds: "Возвраты", wordRefundAmount: "Сумма возвратов", wordNetAmount: "За вычетом возвратов", wordRefused: "Отказано в приёме",
		wordExpired: "Истекло", wordCancelled: "Отменено", wordClosed: "Закрыто",
		wordToPay: "От выдачи до оплаты, с", wordToClose: "От оплаты до закрытия, с",
		wordRefusals: "Отказы по запросам", wordParticipant: "Участник", wordOperation: "Операция", wordResult: "Результат", wordRequests: "Запросы",
		wordMonday: "понедельник", wordTuesday: "вторник", wordWednesday: "среда", wordThursday: "четверг", wordFriday: "пятница", wordSaturday: "суббота", wordSunday: "воскресенье",
	},
	form.English: {
		wordTitle: "Report on payments", wordPeriod: "Period", wordFrom: "From", wordTo: "To", wordTime: "Time",
		wordIncomplete: "Incomplete: days from %s on are not sealed yet", wordTotal: "Total",
		wordDaily: "by day", wordWeekly: "by week (Monday to Sunday)", wordMonthly: "by month", wordWhole: "whole time",
		wordChannel: "Channel", wordBank: "Bank", wordProvider: "Provider", wordService: "Service", wordHour: "Hour", wordWeekday: "Weekday", wordCurrency: "Currency",
		wordIssued: "Codes issued", wordPaid: "Payments", wordPaidAmount: "Paid", wordLate: "Late payments", wordFees: "Bank fees",
		wordRefunds: "Refunds", wordRefundAmount: "Refunded", wordNetAmount: "Less refunds", wordRefused: "Refused notices",
		wordExpired: "Expired", wordCancelled: "Cancelled", wordClosed: "Closed",
		wordToPay: "Issue to payment, s", wordToClose: "Payment to closing, s",
		wordRefusals: "Refused requests", wordParticipant: "Participant", wordOperation: "Operation", wordResult: "Result", wordRequests: "Requests",
		wordMonday: "Monday", wordTuesday: "Tuesday", wordWednesday: "Wednesday", wordThursday: "Thursday", wordFriday: "Friday", wordSaturday: "Saturday", wordSunday: "Sunday",
	},
}

// speaker says words in a language.
type speaker map[word]string

func speakerOf(l form.Language) (speaker, error) {
	if s, ok := catalogue[l]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("language %q: %w", l, ErrQuery)
}
