package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/store"
)

// Whose accounts these are: put together at random, always the same.
var (
	givenNames = []string{
		"Aysel", "Elçin", "Fidan", "Gülnar", "Həsən", "İlham", "Kamran", "Ləman", "Murad", "Nigar", "Orxan", "Pərvanə", "Qismət", "Rüstəm", "Sevinc",
		"Şəbnəm", "Tofiq", "Ülviyyə", "Vaqif", "Xədicə", "Yusif", "Zərifə", "Çingiz", "Əhməd", "Ceyhun", "Ömər",
	}
	women       = []string{"Aysel", "Fidan", "Gülnar", "Ləman", "Nigar", "Pərvanə", "Sevinc", "Şəbnəm", "Ülviyyə", "Xədicə", "Zərifə"}
	familyNames = []string{
		"Abdullayev", "Bağırov", "Cavadov", "Çələbiyev", "Dadaşov", "Əsgərov", "Fətullayev", "Göyüşov", "Hacıyev", "Xəlilov", "İsmayılov", "Kazımov",
		"Qasımov", "Lətifov", "Musayev", "Nağıyev", "Orucov", "Paşayev", "Rəhimov", "Səfərov", "Şükürov", "Tağıyev", "Vəliyev", "Yaqubov", "Zeynalov",
	}
	fathers = []string{"Əli", "Hüseyn", "Məmməd", "Rəsul", "İbrahim", "Nəsib", "Ağa", "Kərim", "Şirin", "Yaqub"}
	firms   = []string{"“Odlar” MMC", "“Çinar Ticarət” MMC", "“Günay-N” firması", "“Əsr Tikinti” ASC", "“İncə Sənət” MMC", "“Şəms” QSC", "“Üfüq-Ö” MMC"}
	streets = []string{
		"Nizami küç.", "Üzeyir Hacıbəyli küç.", "Şıxəli Qurbanov küç.", "İnşaatçılar pr.", "Xətai pr.", "Əhməd Rəcəbli küç.", "Gəncə pr.", "Çingiz Mustafayev küç.",
		"Həsən Əliyev küç.", "Füzuli küç.",
	}
	towns = []string{"Bakı", "Bakı", "Bakı", "Gəncə", "Sumqayıt", "Mingəçevir", "Şəki", "Lənkəran", "Naxçıvan", "Quba"}
)

// Accounts that are like this in every organisation, so that they can be named.
const (
	accountOwes   = iota // the first service
	accountClear         // owes nothing
	accountAll           // owes for every service
	accountClosed        // takes nothing any more
)

// accountUnanswered is the number before the first: where an organisation has a
// system of its own, that system says nothing about it.
const accountUnanswered = -1

// deskSeed makes the accounts what they are.
const deskSeed = 20261122

// feedAccounts feeds each organisation its accounts, as `tolem bills import`
// does, where it has none yet and no system of its own.
func (w *deskWorld) feedAccounts(ctx context.Context) error {
	now := time.Now()
	for i, o := range deskOrganisations {
		if o.id == deskOnline {
			continue
		}
		fed := false
		err := w.node.db.View(ctx, func(tx *store.Tx) error {
			batches, err := tx.BillBatches(o.id, 1)
			fed = len(batches) > 0
			return err
		})
		if err != nil {
			return err
		}
		if fed {
			continue
		}
		if err := w.feed(ctx, o, o.snapshots(o.count(w.accounts), uint64(i), now), now); err != nil {
			return fmt.Errorf("%s: %w", o.id, err)
		}
	}
	return nil
}

func (w *deskWorld) feed(ctx context.Context, o deskOrganisation, all []tolem.Snapshot, asOf time.Time) error {
	for len(all) > 0 {
		n := min(len(all), bills.MaxBatch)
		taken, err := w.node.bills.Feed(ctx, bills.Batch{Organisation: o.id, Source: bills.SourceCSV, Name: "sandbox", AsOf: asOf, Snapshots: all[:n]}, false)
		if err != nil {
			return err
		}
		if len(taken.Rejected) > 0 {
			return fmt.Errorf("account %d: %s, %s", taken.Rejected[0].No, taken.Rejected[0].Problem, taken.Rejected[0].What)
		}
		all = all[n:]
	}
	return nil
}

// count is how many of all accounts are the organisation's. The largest has what
// is left over, so that they add up.
func (o deskOrganisation) count(all int) int {
	if o.id != deskElectricity {
		return all * o.share / 1000
	}
	rest := all
	for _, other := range deskOrganisations[1:] {
		rest -= other.count(all)
	}
	return rest
}

// snapshots are the organisation's first n accounts.
func (o deskOrganisation) snapshots(n int, stream uint64, now time.Time) []tolem.Snapshot {
	r := rand.New(rand.NewPCG(deskSeed, stream))
	list := make([]tolem.Snapshot, n)
	for i := range list {
		list[i] = tolem.Snapshot{Account: tolem.AccountID{Organisation: o.id, Number: o.account(i)}, Particulars: o.particulars(r)}
		switch {
		case i == accountClear:
		case i == accountClosed:
			list[i].Closed = true
		case i == accountOwes && o.debts > 0:
			list[i].Bills = o.owed(r, o.offers[:1], now)
		case i == accountAll && o.debts > 0:
			list[i].Bills = o.owed(r, o.offers, now)
		case r.IntN(100) < o.debts:
			list[i].Bills = o.owed(r, o.offers[:1+r.IntN(len(o.offers))], now)
		}
	}
	return list
}

// fullName is a name as a bill has it.
func fullName(family, given, father string) string {
	child := "oğlu"
	if slices.Contains(women, given) {
		child = "qızı"
	}
	return fmt.Sprintf("%s %s %s %s", surnameOf(family, given), given, father, child)
}

// surnameOf is the surname of somebody of a family: a woman's has an ending more.
func surnameOf(family, given string) string {
	if slices.Contains(women, given) {
		return family + "a"
	}
	return family
}

func (o deskOrganisation) particulars(r *rand.Rand) tolem.Particulars {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	p := tolem.Particulars{
		Holder:  fullName(pick(familyNames), pick(givenNames), pick(fathers)),
		Address: fmt.Sprintf("%s, %s %d, m. %d", pick(towns), pick(streets), 1+r.IntN(120), 1+r.IntN(90)),
	}
	if !o.personal && r.IntN(10) == 0 {
		p.Holder = pick(firms)
	}
	if o.metersUnit == "" {
		p.Details = []tolem.Detail{{Label: "Müqavilə", Value: fmt.Sprintf("№ %06d", r.IntN(1_000_000))}}
		return p
	}
	reading := 1000 + r.IntN(90_000)
	p.Details = []tolem.Detail{
		{Label: "Sayğac nömrəsi", Value: fmt.Sprintf("%08d", r.IntN(100_000_000))},
		{Label: "Son göstərici", Value: fmt.Sprintf("%d %s", reading, o.metersUnit)},
		{Label: "Əvvəlki göstərici", Value: fmt.Sprintf("%d %s", reading-1-r.IntN(900), o.metersUnit)},
		{Label: "Tarif qrupu", Value: "əhali"},
	}
	return p
}

// owed are bills of the last two months for services.
func (o deskOrganisation) owed(r *rand.Rand, offers []deskOffer, now time.Time) []tolem.Bill {
	var list []tolem.Bill
	for _, s := range offers {
		for back := 1 + r.IntN(2); back > 0; back-- {
			month := time.Date(now.Year(), now.Month()-time.Month(back), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
			list = append(list, tolem.Bill{
				Service: s.code, Invoice: fmt.Sprintf("%s/%s", month, s.shown), Period: month,
				Amount: tolem.Money{Minor: o.least + r.Int64N(o.most-o.least+1), Currency: deskCurrency},
			})
		}
	}
	return list
}

// deskTrial is something to try, with what is typed for it.
type deskTrial struct {
	Organisation tolem.ProviderID    `json:"organisation"`
	Name         string              `json:"name"` // of the organisation
	Account      tolem.AccountNumber `json:"account"`
	Found        bills.Outcome       `json:"found"` // what a search comes to
	Happens      string              `json:"happens"`
}

// deskTrials are accounts that make the workplace do everything that a search
// can end in.
func deskTrials() []deskTrial {
	trial := func(o tolem.ProviderID, i int, found bills.Outcome, happens string) deskTrial {
		organisation := organisationNamed(o)
		return deskTrial{Organisation: o, Name: organisation.name, Account: organisation.account(i), Found: found, Happens: happens}
	}
	unknown := trial("AZERSU", 0, bills.NotFound, "there is no such account")
	unknown.Account = "1"
	return []deskTrial{
		trial("AZERSU", accountOwes, bills.FoundDebts, "a debt"),
		trial("BAKTEL", accountAll, bills.FoundDebts, "debts for three services"),
		trial("BAKTEL", accountClear, bills.FoundServices, "no debt, several services in advance"),
		trial("XEZER-MOBIL", accountClear, bills.FoundService, "no debt, one service in advance"),
		trial("DYP", accountClear, bills.NothingToPay, "no debt, nothing in advance"),
		trial("DYP", accountOwes, bills.FoundDebts, "a fine; its payment may not be cancelled"),
		trial("VERGI", accountOwes, bills.FoundDebts, "a tax; the receiving office must be chosen"),
		trial("AZERSU", accountClosed, bills.NotFound, "a closed account, which is like none"),
		unknown,
		trial(deskElectricity, accountOwes, bills.FoundDebts, "SMART card AI-2001; may be paid without writing it"),
		trial(deskGas, accountOwes, bills.FoundDebts, "SMART card AZ-1001, which must be written"),
		trial(deskOnline, accountOwes, bills.FoundDebts, "a debt that the organisation's own system tells"),
		trial(deskOnline, accountUnanswered, bills.Failed, "its own system does not answer; that takes 10 s"),
	}
}
