package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Organisations whose meters take prepayment cards.
const (
	deskElectricity = tolem.ProviderID("AZERISHIQ")
	deskGas         = tolem.ProviderID("AZERIQAZ")
)

// deskOnline is the organisation that keeps its accounts in a system of its own.
const deskOnline = tolem.ProviderID("MUHAFIZE")

// deskOrganisation is an organisation of the workplace and what its accounts are
// like.
type deskOrganisation struct {
	id            tolem.ProviderID
	name, english string
	smart         tolem.SmartProvider
	withoutWrite  bool
	final         bool // its payments may not be cancelled
	units         []string
	bank          tolem.ParticipantID // the only one that takes payments; empty: all do
	offers        []deskOffer
	tariff        tolem.Tariff // of all offers that have none of their own

	share      int   // of a thousand accounts
	first      int64 // account number
	prefix     string
	debts      int    // of a hundred accounts that have some
	least      int64  // debt, in qəpik
	most       int64  //
	personal   bool   // holders are people; otherwise firms are among them
	metersUnit string // of the meter, if there is one: kVt·s
}

// deskOffer is a service of an organisation.
type deskOffer struct {
	code    tolem.ServiceCode
	shown   string
	name    string
	advance bool
	tariff  *tolem.Tariff
}

// Tariffs: each of the ways in which a fee is made.
var (
	feeNone    = tolem.Tariff{}
	feePercent = tolem.Tariff{Percent: tolem.MillionthsPerPercent}                                    // 1 %
	feeFixed   = tolem.Tariff{Fixed: 50}                                                              // 0.50
	feeMin     = tolem.Tariff{Percent: tolem.MillionthsPerPercent, Min: 20}                           // 1 %, at least 0.20
	feeMinMax  = tolem.Tariff{Percent: tolem.MillionthsPerPercent * 3 / 2, Min: 30, Max: 5_00}        // 1.5 %, 0.30 to 5.00
	feeAll     = tolem.Tariff{Percent: tolem.MillionthsPerPercent / 2, Fixed: 20, Min: 30, Max: 3_00} // 0.5 % and 0.20, 0.30 to 3.00
)

// deskOrganisations are all of them, thirty.
var deskOrganisations = []deskOrganisation{
	{
		id: deskElectricity, name: "Azərişıq ASC", english: "Azerishiq", smart: tolem.SmartElectro, withoutWrite: true, tariff: feePercent,
		offers: []deskOffer{{code: "ISHIQ-ENERJI", shown: "01", name: "Elektrik enerjisi", advance: true}},
		share:  250, first: 1_000_001, debts: 70, least: 3_00, most: 120_00, metersUnit: "kVt·s",
	}, {
		id: deskGas, name: "ARDNŞ-in Azəriqaz İB", english: "SOCAR Azeriqaz PU", smart: tolem.SmartGas, tariff: feeMin,
		offers: []deskOffer{{code: "QAZ-ISTEHLAK", shown: "01", name: "Təbii qaz", advance: true}},
		share:  200, first: 400_123, debts: 65, least: 2_00, most: 90_00, metersUnit: "m³",
	}, {
		id: "AZERSU", name: "Azərsu ASC", english: "Azersu", tariff: feeFixed,
		offers: []deskOffer{{code: "SU-SU", shown: "01", name: "İçməli su", advance: true}, {code: "SU-KANAL", shown: "02", name: "Tullantı suları", advance: true}},
		share:  150, first: 20_000_001, debts: 60, least: 1_50, most: 45_00, metersUnit: "m³",
	}, {
		id: "AZERISTILIK", name: "Azəristiliktəchizat ASC", english: "Azeristiliktechizat", tariff: feeMinMax,
		offers: []deskOffer{{code: "ISTILIK-MENZIL", shown: "01", name: "Mənzillərin istiliyi", advance: true}},
		share:  20, first: 510_001, debts: 50, least: 5_00, most: 70_00,
	}, {
		id: "TEMIZ-SHEHER", name: "Təmiz Şəhər ASC", english: "Clean City", tariff: feeFixed,
		offers: []deskOffer{{code: "TEMIZ-TULLANTI", shown: "01", name: "Məişət tullantılarının daşınması"}},
		share:  15, first: 700_001, debts: 70, least: 1_00, most: 12_00, personal: true,
	}, {
		id: "MENZIL-KT", name: "Mənzil Kommunal Təsərrüfatı", english: "Housing Utilities", tariff: feeAll,
		offers: []deskOffer{{code: "MENZIL-KIRAYE", shown: "01", name: "Mənzil haqqı", advance: true}, {code: "MENZIL-LIFT", shown: "02", name: "Lift xidməti", advance: true}},
		share:  15, first: 90_001, debts: 55, least: 2_00, most: 35_00, personal: true,
	}, {
		id: "BAKTEL", name: "Bakı Telefon Rabitəsi", english: "Baku Telephone", tariff: feeMinMax,
		offers: []deskOffer{
			{code: "BAKTEL-ABUNE", shown: "101", name: "Telefon abunə haqqı", advance: true}, {code: "BAKTEL-SHEHERLER", shown: "102", name: "Şəhərlərarası danışıqlar", advance: true},
			{code: "BAKTEL-INTERNET", shown: "103", name: "İnternet", advance: true},
		},
		share: 40, first: 124_000_001, debts: 50, least: 2_00, most: 40_00,
	}, {
		id: "AZTEL", name: "Aztel MMC", english: "Aztel", tariff: feeAll,
		offers: []deskOffer{{code: "AZTEL-ABUNE", shown: "1", name: "Abunə haqqı", advance: true}, {code: "AZTEL-TV", shown: "2", name: "Kabel televiziyası", advance: true}},
		share:  20, first: 184_000_001, debts: 45, least: 5_00, most: 30_00,
	}, {
		id: "XEZER-MOBIL", name: "Xəzər Mobil", english: "Xazar Mobile", tariff: feeNone, // nothing but advances, one service
		offers: []deskOffer{{code: "XEZER-BALANS", shown: "50", name: "Balansın artırılması", advance: true}},
		share:  30, first: 50_200_0001, prefix: "0", personal: true,
	}, {
		id: "ULDUZ-MOBIL", name: "Ulduz Mobil", english: "Ulduz Mobile", tariff: feeFixed,
		offers: []deskOffer{{code: "ULDUZ-BALANS", shown: "1", name: "Balans", advance: true}, {code: "ULDUZ-FAKTURA", shown: "2", name: "Fakturalı xətt", advance: true}},
		share:  20, first: 70_300_0001, prefix: "0", debts: 20, least: 5_00, most: 60_00, personal: true,
	}, {
		id: "QARABAG-NET", name: "Qarabağ Net", english: "Qarabag Net", tariff: feePercent,
		offers: []deskOffer{{code: "QNET-INTERNET", shown: "1", name: "İnternet", advance: true}, {code: "QNET-IP", shown: "2", name: "Sabit IP ünvanı", advance: true}, {code: "QNET-TV", shown: "3", name: "IP televiziya", advance: true}},
		share:  15, first: 330_001, prefix: "QN-", debts: 30, least: 10_00, most: 50_00,
	}, {
		id: "SHIRVAN-TV", name: "Şirvan Kabel TV", english: "Shirvan Cable", tariff: feeFixed,
		offers: []deskOffer{{code: "SHTV-PAKET", shown: "1", name: "Televiziya paketi", advance: true}},
		share:  10, first: 6_001, prefix: "TV", debts: 40, least: 4_00, most: 16_00, personal: true,
	}, {
		id: "VERGI", name: "Dövlət Vergi Xidməti (Vergilər Nazirliyi)", english: "State Tax Service", tariff: feeNone,
		units: []string{"Bakı şəhəri Baş İdarəsi", "Gəncə Vergilər İdarəsi", "Sumqayıt Vergilər İdarəsi", "Lənkəran Vergilər İdarəsi", "Şəki Vergilər İdarəsi"},
		offers: []deskOffer{
			{code: "VERGI-EMLAK", shown: "1134", name: "Əmlak vergisi", advance: true}, {code: "VERGI-TORPAQ", shown: "1133", name: "Torpaq vergisi", advance: true},
			{code: "VERGI-GELIR", shown: "1111", name: "Gəlir vergisi", advance: true}, {code: "VERGI-SADE", shown: "1142", name: "Sadələşdirilmiş vergi", advance: true},
		},
		share: 40, first: 1_400_000_001, debts: 60, least: 10_00, most: 900_00,
	}, {
		id: "GOMRUK", name: "Dövlət Gömrük Komitəsi", english: "State Customs Committee", tariff: feeFixed,
		units:  []string{"Bakı Baş Gömrük İdarəsi", "Hava Nəqliyyatında Baş Gömrük İdarəsi", "Biləsuvar Gömrük İdarəsi"},
		offers: []deskOffer{{code: "GOMRUK-RUSUM", shown: "20", name: "Gömrük rüsumu"}, {code: "GOMRUK-YIGIM", shown: "75", name: "Gömrük yığımı", advance: true}},
		share:  15, first: 26_000_001, prefix: "G", debts: 80, least: 15_00, most: 2_500_00,
	}, {
		id: "DYP", name: "Dövlət Yol Polisi", english: "State Traffic Police", final: true, tariff: feeNone, // no advance at all
		offers: []deskOffer{{code: "DYP-CERIME", shown: "1", name: "İnzibati cərimə"}},
		share:  25, first: 8_800_001, prefix: "BA", debts: 75, least: 20_00, most: 300_00, personal: true,
	}, {
		id: "DSMF", name: "Dövlət Sosial Müdafiə Fondu", english: "State Social Protection Fund", tariff: feeNone,
		offers: []deskOffer{{code: "DSMF-HAQQ", shown: "1211", name: "Məcburi dövlət sosial sığorta haqqı", advance: true}},
		share:  15, first: 310_001, debts: 40, least: 25_00, most: 400_00,
	}, {
		id: "BELEDIYYE-NESIMI", name: "Nəsimi Bələdiyyəsi", english: "Nasimi Municipality", tariff: feeFixed,
		offers: []deskOffer{{code: "BN-EMLAK", shown: "1", name: "Bələdiyyə əmlak vergisi", advance: true}, {code: "BN-TORPAQ", shown: "2", name: "Bələdiyyə torpaq vergisi", advance: true}},
		share:  10, first: 41_001, prefix: "N", debts: 50, least: 3_00, most: 60_00, personal: true,
	}, {
		id: "BELEDIYYE-GENCE", name: "Gəncə Bələdiyyəsi", english: "Ganja Municipality", tariff: feeFixed, bank: deskBank,
		offers: []deskOffer{{code: "BG-EMLAK", shown: "1", name: "Bələdiyyə əmlak vergisi", advance: true}},
		share:  10, first: 42_001, prefix: "GN", debts: 50, least: 3_00, most: 60_00, personal: true,
	}, {
		id: "IPOTEKA", name: "İpoteka və Kredit Zəmanət Fondu", english: "Mortgage Fund", tariff: feeMinMax,
		offers: []deskOffer{{code: "IPOTEKA-AY", shown: "1", name: "Aylıq ödəniş"}},
		share:  10, first: 77_001, prefix: "IP-", debts: 90, least: 150_00, most: 1_200_00, personal: true,
	}, {
		id: "SIGORTA-ATESHGAH", name: "Atəşgah Sığorta", english: "Ateshgah Insurance", tariff: feePercent,
		offers: []deskOffer{{code: "SA-ICBARI", shown: "1", name: "İcbari avtomobil sığortası"}, {code: "SA-EMLAK", shown: "2", name: "Daşınmaz əmlakın sığortası"}},
		share:  10, first: 55_000_001, debts: 60, least: 40_00, most: 250_00,
	}, {
		id: "SIGORTA-QALA", name: "Qala Həyat", english: "Qala Life", tariff: feeAll,
		offers: []deskOffer{{code: "QH-HEYAT", shown: "1", name: "Həyat sığortası", advance: true}},
		share:  5, first: 3_001, prefix: "QH", debts: 50, least: 20_00, most: 150_00, personal: true,
	}, {
		id: "BDU", name: "Bakı Dövlət Universiteti", english: "Baku State University", tariff: feeFixed,
		units:  []string{"Hüquq fakültəsi", "Filologiya fakültəsi", "Tətbiqi riyaziyyat və kibernetika fakültəsi", "Tarix fakültəsi"},
		offers: []deskOffer{{code: "BDU-TEHSIL", shown: "1", name: "Təhsil haqqı", advance: true}, {code: "BDU-YATAQXANA", shown: "2", name: "Yataqxana", advance: true}},
		share:  15, first: 2_026_0001, debts: 50, least: 200_00, most: 2_800_00, personal: true,
	}, {
		id: "ADNSU", name: "Neft və Sənaye Universiteti", english: "Oil and Industry University", tariff: feeFixed,
		offers: []deskOffer{{code: "ADNSU-TEHSIL", shown: "1", name: "Təhsil haqqı", advance: true}},
		share:  10, first: 19_200_001, debts: 50, least: 200_00, most: 2_400_00, personal: true,
	}, {
		id: "MEKTEB-IDRAK", name: "“İdrak” liseyi", english: "Idrak Lyceum", tariff: feeFixed,
		offers: []deskOffer{{code: "IDRAK-TEHSIL", shown: "1", name: "Təhsil haqqı"}, {code: "IDRAK-YEMEK", shown: "2", name: "Qidalanma", advance: true}, {code: "IDRAK-AVTOBUS", shown: "3", name: "Məktəb avtobusu", advance: true}},
		share:  5, first: 1_001, debts: 60, least: 80_00, most: 650_00, personal: true,
	}, {
		id: "BAGCA-GUNESH", name: "“Günəş” uşaq bağçası", english: "Gunesh Kindergarten", tariff: feeFixed,
		offers: []deskOffer{{code: "GUNESH-AY", shown: "1", name: "Aylıq haqq", advance: true}},
		share:  5, first: 101, prefix: "UB-", debts: 60, least: 50_00, most: 300_00, personal: true,
	}, {
		id: "BAKIBUS", name: "Bakı Nəqliyyat Agentliyi", english: "Baku Transport Agency", tariff: feeNone,
		offers: []deskOffer{{code: "BNA-KART", shown: "1", name: "Nəqliyyat kartının artırılması", advance: true}},
		share:  10, first: 950_000_001, personal: true,
	}, {
		id: "PARKLAMA", name: "Azparking", english: "Azparking", final: true, tariff: feeFixed,
		offers: []deskOffer{{code: "PARK-CERIME", shown: "1", name: "Parklama haqqı"}, {code: "PARK-ABUNE", shown: "2", name: "Aylıq abunə", advance: true}},
		share:  10, first: 10_001, prefix: "99-", debts: 50, least: 1_00, most: 40_00, personal: true,
	}, {
		id: "NOTARIAT", name: "Notariat Palatası", english: "Chamber of Notaries", tariff: feePercent,
		offers: []deskOffer{{code: "NOTARIAT-RUSUM", shown: "1", name: "Dövlət rüsumu", advance: true}, {code: "NOTARIAT-HAQQ", shown: "2", name: "Notariat haqqı", advance: true}},
		share:  10, first: 60_001, prefix: "NP", debts: 30, least: 10_00, most: 120_00, personal: true,
	}, {
		id: "MUHAFIZE", name: "Mühafizə Baş İdarəsi", english: "Guard Department", tariff: feeMinMax,
		offers: []deskOffer{{code: "MUHAFIZE-AY", shown: "1", name: "Mənzilin mühafizəsi", advance: true}},
		share:  5, first: 5_501, prefix: "MU", debts: 50, least: 25_00, most: 90_00,
	}, {
		id: "KREDIT-ARAZ", name: "Araz Kredit BOKT", english: "Araz Credit", tariff: tolem.Tariff{Percent: 2 * tolem.MillionthsPerPercent, Max: 10_00},
		offers: []deskOffer{{code: "ARAZ-KREDIT", shown: "1", name: "Kreditin ödənilməsi"}, {code: "ARAZ-CERIME", shown: "2", name: "Gecikmə faizi", tariff: &feeFixed}},
		share:  5, first: 88_001, prefix: "AK", debts: 90, least: 30_00, most: 600_00, personal: true,
	},
}

func organisationNamed(id tolem.ProviderID) deskOrganisation {
	for _, o := range deskOrganisations {
		if o.id == id {
			return o
		}
	}
	panic("no organisation " + string(id))
}

// account is the number of one of its accounts.
func (o deskOrganisation) account(i int) tolem.AccountNumber {
	return tolem.AccountNumber(fmt.Sprintf("%s%d", o.prefix, o.first+int64(i)))
}

// deskBIN is a business identification number whose check digit is right.
func deskBIN(i int) tolem.IIN {
	for n := 99_024_000_00 + int64(i)*10; ; n++ {
		for check := range int64(10) {
			if bin, err := tolem.ParseIIN(fmt.Sprintf("%011d%d", n, check)); err == nil {
				return bin
			}
		}
	}
}

// registerOrganisations makes the organisations known, as the commands provider,
// service, organisation and asan do, where they are not.
func (w *deskWorld) registerOrganisations(ctx context.Context) error {
	today := w.node.registry.Calendar.DayOf(time.Now())
	return w.node.db.Update(ctx, func(tx *store.Tx) error {
		for i, o := range deskOrganisations {
			_, err := tx.Provider(o.id)
			if errors.Is(err, store.ErrNotFound) {
				err = o.register(tx, i, today)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", o.id, err)
			}
		}
		return nil
	})
}

func (o deskOrganisation) register(tx *store.Tx, i int, from tolem.Day) error {
	known := tolem.Organisation{
		Provider: tolem.Provider{ID: o.id, BIN: deskBIN(i), Names: tolem.Names{EN: o.english, RU: o.name, KK: o.name}, Account: fmt.Sprintf("AZ%02dDNIZ%020d", 10+i, 4_000_000+i), Active: true},
		Name:     o.name, Smart: o.smart, PayWithoutCardWrite: o.withoutWrite, Cancellable: !o.final, ReceiverRequired: len(o.units) > 0,
	}
	if known.Smart == "" {
		known.Smart = tolem.SmartNone
	}
	if o.bank != "" {
		known.Banks = []tolem.ParticipantID{o.bank}
	}
	for n, name := range o.units {
		known.Units = append(known.Units, tolem.OrganisationUnit{Organisation: o.id, Code: tolem.UnitCode(fmt.Sprintf("%02d", n+1)), Name: name, Active: true})
	}
	if err := errors.Join(known.Check(), tx.PutProvider(known.Provider), tx.PutOrganisation(known)); err != nil {
		return err
	}
	for _, u := range known.Units {
		if err := tx.PutOrganisationUnit(u); err != nil {
			return err
		}
	}
	for _, offer := range o.offers {
		if err := o.offer(tx, offer, from); err != nil {
			return err
		}
	}
	return putFee(tx, o.id, "", from, o.tariff)
}

func (o deskOrganisation) offer(tx *store.Tx, offer deskOffer, from tolem.Day) error {
	s := tolem.DeskService{
		Service: tolem.Service{Code: offer.code, Provider: o.id, Names: tolem.Names{EN: offer.name, RU: offer.name, KK: offer.name}, Price: tolem.Price{Currency: deskCurrency}, Active: true},
		Shown:   offer.shown, Name: offer.name, Advance: offer.advance,
	}
	if err := errors.Join(tolem.CheckIdentifier(string(s.Code)), tx.PutService(s.Service), tx.PutDeskService(s)); err != nil {
		return err
	}
	if offer.tariff == nil {
		return nil
	}
	return putFee(tx, o.id, s.Code, from, *offer.tariff)
}

// putFee sets a tariff; without any, there is no fee.
func putFee(tx *store.Tx, o tolem.ProviderID, s tolem.ServiceCode, from tolem.Day, t tolem.Tariff) error {
	if t == (tolem.Tariff{}) {
		return nil
	}
	t.Organisation, t.Service, t.From = o, s, from
	return errors.Join(t.Check(), tx.PutTariff(t))
}
