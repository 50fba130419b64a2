package form

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tolem"
)

// numerals are what a language needs to say whole numbers.
type numerals struct {
	zero     string
	units    [10]string // by digit
	teens    [10]string // 10 to 19; empty: ten and unit
	tens     [10]string
	hundreds [10]string
	scales   [5]scale // of a thousand to the power of its place
}

// scale is a power of a thousand: its forms after 1, 2 to 4 and 5, and the
// feminine numbers before it where a language has them. Bare: the number one is
// not said before it.
type scale struct {
	forms    [3]string
	feminine bool
	bare     bool
}

// same is a word with one form.
func same(word string) [3]string { return [3]string{word, word, word} }

// byHundred makes “two hundred” of two and hundred; one is said or not.
func byHundred(units [10]string, hundred string, one bool) (h [10]string) {
	for i := 1; i < 10; i++ {
		h[i] = units[i] + " " + hundred
	}
	if !one {
		h[1] = hundred
	}
	return h
}

var (
	unitsAZ = [10]string{"", "bir", "iki", "üç", "dörd", "beş", "altı", "yeddi", "səkkiz", "doqquz"}
	unitsUZ = [10]string{"", "bir", "ikki", "uch", "to‘rt", "besh", "olti", "yetti", "sakkiz", "to‘qqiz"}
	unitsKK = [10]string{"", "бір", "екі", "үш", "төрт", "бес", "алты", "жеті", "сегіз", "тоғыз"}
	unitsEN = [10]string{"", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)

var numeralsOf = map[Language]numerals{
	Azerbaijani: {
		zero: "sıfır", units: unitsAZ,
		tens:     [10]string{"", "on", "iyirmi", "otuz", "qırx", "əlli", "altmış", "yetmiş", "səksən", "doxsan"},
		hundreds: byHundred(unitsAZ, "yüz", false),
		scales:   [5]scale{1: {forms: same("min"), bare: true}, 2: {forms: same("milyon")}, 3: {forms: same("milyard")}, 4: {forms: same("trilyon")}},
	},
	Uzbek: {
		zero: "nol", units: unitsUZ,
		tens:     [10]string{"", "o‘n", "yigirma", "o‘ttiz", "qirq", "ellik", "oltmish", "yetmish", "sakson", "to‘qson"},
		hundreds: byHundred(unitsUZ, "yuz", true),
		scales:   [5]scale{1: {forms: same("ming")}, 2: {forms: same("million")}, 3: {forms: same("milliard")}, 4: {forms: same("trillion")}},
	},
	Kazakh: {
		zero: "нөл", units: unitsKK,
		tens:     [10]string{"", "он", "жиырма", "отыз", "қырық", "елу", "алпыс", "жетпіс", "сексен", "тоқсан"},
		hundreds: byHundred(unitsKK, "жүз", true),
		scales:   [5]scale{1: {forms: same("мың")}, 2: {forms: same("миллион")}, 3: {forms: same("миллиард")}, 4: {forms: same("триллион")}},
	},
	Russian: {
		zero:  "ноль",
		units: [10]string{"", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"},
		teens: [10]string{
			"десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать", "восемнадцать", "девятнадцать",
		},
		tens:     [10]string{"", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"},
		hundreds: [10]string{"", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"},
		scales: [5]scale{
			1: {forms: [3]string{"тысяча", "тысячи", "тысяч"}, feminine: true}, 2: {forms: [3]string{"миллион", "миллиона", "миллионов"}},
			3: {forms: [3]string{"миллиард", "миллиарда", "миллиардов"}}, 4: {forms: [3]string{"триллион", "триллиона", "триллионов"}},
		},
	},
	English: {
		zero: "zero", units: unitsEN,
		teens: [10]string{
			"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
		},
		tens:     [10]string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"},
		hundreds: byHundred(unitsEN, "hundred", true),
		scales:   [5]scale{1: {forms: same("thousand")}, 2: {forms: same("million")}, 3: {forms: same("billion")}, 4: {forms: same("trillion")}},
	},
}

// feminineRU are the numbers that Russian says before тысяча.
var feminineRU = map[string]string{"один": "одна", "два": "две"}

// coin are the names of a currency's units: after 1, 2 to 4 and 5.
type coin struct{ major, minor [3]string }

var coins = map[Language]map[tolem.Currency]coin{
	Azerbaijani: {
		tolem.AZN: {same("manat"), same("qəpik")}, tolem.KZT: {same("tenge"), same("tıyın")}, tolem.UZS: {same("sum"), same("tiyin")},
	},
	Uzbek: {
		tolem.AZN: {same("manat"), same("gapik")}, tolem.KZT: {same("tenge"), same("tiyin")}, tolem.UZS: {same("so‘m"), same("tiyin")},
	},
	Kazakh: {
		tolem.AZN: {same("манат"), same("гяпик")}, tolem.KZT: {same("теңге"), same("тиын")}, tolem.UZS: {same("сум"), same("тийин")},
	},
	Russian: {
		tolem.AZN: {[3]string{"манат", "маната", "манатов"}, [3]string{"гяпик", "гяпика", "гяпиков"}},
		tolem.KZT: {same("тенге"), [3]string{"тиын", "тиына", "тиынов"}},
		tolem.UZS: {[3]string{"сум", "сума", "сумов"}, [3]string{"тийин", "тийина", "тийинов"}},
	},
	English: {
		tolem.AZN: {same("manat"), same("qapik")}, tolem.KZT: {same("tenge"), same("tiyn")}, tolem.UZS: {same("som"), same("tiyin")},
	},
}

// Spell writes an amount out, as it stands on cash orders: the major units in
// words, the minor ones in two digits. It is not negative. An amount of a
// thousand trillions or more, and an unknown language, gives digits.
func Spell(l Language, m tolem.Money) string {
	n, ok := numeralsOf[l]
	major, minor := m.Minor/100, m.Minor%100
	if c, known := coins[l][m.Currency]; ok && known && m.Minor >= 0 && major < 1_000_000_000_000_000 {
		return capital(l, n.say(major)) + " " + c.major[plural(major)] + fmt.Sprintf(" %02d ", minor) + c.minor[plural(minor)]
	}
	return m.Decimal() + " " + string(m.Currency)
}

// say writes a whole number out.
func (n numerals) say(v int64) string {
	if v == 0 {
		return n.zero
	}
	var words []string
	for place := len(n.scales) - 1; place >= 0; place-- {
		power := int64(1)
		for range place {
			power *= 1000
		}
		group := v / power % 1000
		if group == 0 {
			continue
		}
		s := n.scales[place]
		if group > 1 || !s.bare {
			words = append(words, n.group(group, s.feminine)...)
		}
		if place > 0 {
			words = append(words, s.forms[plural(group)])
		}
	}
	return strings.Join(words, " ")
}

// group says a number from 1 to 999.
func (n numerals) group(v int64, feminine bool) (words []string) {
	add := func(word string) {
		if word != "" {
			words = append(words, word)
		}
	}
	add(n.hundreds[v/100])
	tens, unit := v/10%10, n.units[v%10]
	if tens == 1 && n.teens[v%10] != "" {
		add(n.teens[v%10])
		return words
	}
	if other, ok := feminineRU[unit]; ok && feminine {
		unit = other
	}
	add(n.tens[tens])
	add(unit)
	return words
}

// plural chooses the form of a word after a number by the rule of Russian, the
// only one of the languages that has more than one.
func plural(v int64) int {
	switch tens, unit := v/10%10, v%10; {
	case tens == 1:
		return 2
	case unit == 1:
		return 0
	case unit >= 2 && unit <= 4:
		return 1
	}
	return 2
}

// capital makes the first letter a capital, by the rule of Azerbaijani where it
// is one.
func capital(l Language, s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if l == Azerbaijani && first == 'i' {
		return "İ" + s[size:]
	}
	return strings.ToUpper(string(first)) + s[size:]
}
