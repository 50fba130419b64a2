package form

// Language is the language of what people read, as an ISO 639-1 code.
type Language string

// The languages of the countries the gateway serves, and English.
const (
	Kazakh      Language = "kk"
	Russian     Language = "ru"
	English     Language = "en"
	Azerbaijani Language = "az"
	Uzbek       Language = "uz"
)

// Languages lists every language.
var Languages = []Language{Kazakh, Russian, English, Azerbaijani, Uzbek}

func (l Language) known() bool {
	_, ok := catalogue[l]
	return ok
}

// say returns a word or sentence of the package's own.
func (l Language) say(w word) string { return catalogue[l][w] }

// word is a key of the catalogue.
type word int

const (
	wordPageOf word = iota
	wordPartOf
	wordPart
	wordPrinted
	wordZone
	wordPageTotal
	wordRunningTotal
	wordRows
	wordTotals
	wordCount
	wordCurrency
	wordNoRows
	wordNotCounted
	wordContinued
	wordSigned
	wordSigner
	wordSerial
	wordSignedAt
	wordHash
	wordNumber
	wordSummary
	wordRowsSheet
	wordThousand
	wordMillion
	wordBillion
	wordHighest
	wordLowest
	wordNoData
	words // how many
)

// catalogue has every word in every language; a test looks for gaps.
var catalogue = map[Language][words]string{
	Kazakh: {
		wordPageOf: "Бет: %d / %d", wordPartOf: "Бөлік: %d / %d", wordPart: "Бөлік: %d",
		wordPrinted: "Қалыптастырылған уақыты", wordZone: "уақыт белдеуі",
		wordPageTotal: "Бет бойынша жиыны", wordRunningTotal: "Басынан бергі жиыны", wordRows: "жолдар",
		wordTotals: "Қорытынды", wordCount: "Саны", wordCurrency: "Валюта",
		wordNoRows: "Жолдар жоқ", wordNotCounted: "* қорытындыға кірмейді", wordContinued: "Жалғасы келесі бөлікте",
		wordSigned: "Құжатқа электрондық цифрлық қолтаңба қойылған", wordSigner: "Қол қоюшы", wordSerial: "Сертификаттың сериялық нөмірі",
		wordSignedAt: "Қол қойылған уақыты", wordHash: "Құжаттың хэші (SHA-256)", wordNumber: "№",
		wordSummary: "Жиынтық", wordRowsSheet: "Жолдар",
		wordThousand: "мың", wordMillion: "млн", wordBillion: "млрд", wordHighest: "ең көбі", wordLowest: "ең азы", wordNoData: "Деректер жоқ",
	},
	Russian: {
		wordPageOf: "Страница %d из %d", wordPartOf: "Часть %d из %d", wordPart: "Часть %d",
		wordPrinted: "Сформировано", wordZone: "часовой пояс",
		wordPageTotal: "Итого на странице", wordRunningTotal: "Итого с начала", wordRows: "строк",
		wordTotals: "Итоги", wordCount: "Количество", wordCurrency: "Валюта",
		wordNoRows: "Строк нет", wordNotCounted: "* в итоги не входит", wordContinued: "Продолжение в следующей части",
		wordSigned: "Документ подписан электронной цифровой подписью", wordSigner: "Подписал", wordSerial: "Серийный номер сертификата",
		wordSignedAt: "Время подписания", wordHash: "Хеш документа (SHA-256)", wordNumber: "№",
		wordSummary: "Сводка", wordRowsSheet: "Строки",
		wordThousand: "тыс.", wordMillion: "млн", wordBillion: "млрд", wordHighest: "наибольшее", wordLowest: "наименьшее", wordNoData: "Нет данных",
	},
	English: {
		wordPageOf: "Page %d of %d", wordPartOf: "Part %d of %d", wordPart: "Part %d",
		wordPrinted: "Formed", wordZone: "time zone",
		wordPageTotal: "Page total", wordRunningTotal: "Total from the start", wordRows: "rows",
		wordTotals: "Totals", wordCount: "Count", wordCurrency: "Currency",
		wordNoRows: "No rows", wordNotCounted: "* not counted in totals", wordContinued: "Continued in the next part",
		wordSigned: "Signed electronically", wordSigner: "Signed by", wordSerial: "Certificate serial number",
		wordSignedAt: "Signed at", wordHash: "Hash of the document (SHA-256)", wordNumber: "No.",
		wordSummary: "Summary", wordRowsSheet: "Rows",
		wordThousand: "thousand", wordMillion: "million", wordBillion: "billion", wordHighest: "highest", wordLowest: "lowest", wordNoData: "No data",
	},
	Azerbaijani: {
		wordPageOf: "Səhifə %d / %d", wordPartOf: "Hissə %d / %d", wordPart: "Hissə %d",
		wordPrinted: "Tərtib edilib", wordZone: "saat qurşağı",
		wordPageTotal: "Səhifə üzrə cəmi", wordRunningTotal: "Əvvəldən cəmi", wordRows: "sətir",
		wordTotals: "Yekun", wordCount: "Sayı", wordCurrency: "Valyuta",
		wordNoRows: "Sətir yoxdur", wordNotCounted: "* yekuna daxil deyil", wordContinued: "Davamı növbəti hissədə",
		wordSigned: "Sənəd elektron imza ilə imzalanıb", wordSigner: "İmzalayan", wordSerial: "Sertifikatın seriya nömrəsi",
		wordSignedAt: "İmzalanma vaxtı", wordHash: "Sənədin heşi (SHA-256)", wordNumber: "№",
		wordSummary: "Xülasə", wordRowsSheet: "Sətirlər",
		wordThousand: "min", wordMillion: "mln", wordBillion: "mlrd", wordHighest: "ən çox", wordLowest: "ən az", wordNoData: "Məlumat yoxdur",
	},
	Uzbek: {
		wordPageOf: "Sahifa %d / %d", wordPartOf: "Qism %d / %d", wordPart: "Qism %d",
		wordPrinted: "Tuzilgan vaqti", wordZone: "vaqt mintaqasi",
		wordPageTotal: "Sahifa bo‘yicha jami", wordRunningTotal: "Boshidan jami", wordRows: "qatorlar",
		wordTotals: "Yakun", wordCount: "Soni", wordCurrency: "Valyuta",
		wordNoRows: "Qatorlar yo‘q", wordNotCounted: "* yakunga kirmaydi", wordContinued: "Davomi keyingi qismda",
		wordSigned: "Hujjat elektron raqamli imzo bilan imzolangan", wordSigner: "Imzoladi", wordSerial: "Sertifikatning seriya raqami",
		wordSignedAt: "Imzolangan vaqti", wordHash: "Hujjat xeshi (SHA-256)", wordNumber: "№",
		wordSummary: "Xulosa", wordRowsSheet: "Qatorlar",
		wordThousand: "ming", wordMillion: "mln", wordBillion: "mlrd", wordHighest: "eng ko‘p", wordLowest: "eng kam", wordNoData: "Ma’lumot yo‘q",
	},
}
