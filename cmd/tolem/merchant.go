package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway/results"
	"tolem/registry/deliver"
	"tolem/signing"
	"tolem/store"
	"tolem/wsdl/client/merchant"
)

// resultForm is the one form of a result: the signed document.
const resultForm = "xml"

// newResults joins what merchants are told with the outbox that carries it.
func newResults(evidence *archive.Archive, directory *banks.Directory, signer *signing.Signer) *results.Desk {
	return results.New(results.Config{
		Directory: directory, Evidence: evidence, Signer: signer,
		Enqueue: func(tx *store.Tx, m tolem.ParticipantID, number string) error {
			_, err := deliver.Enqueue(tx, m, tolem.DeliverResult, number, resultForm)
			return err
		},
	})
}

// openResults is newResults for a command that works without a node.
func openResults(ctx context.Context, d *desk, evidence *archive.Archive) (*results.Desk, error) {
	signer, err := signing.LoadSigner(d.config.Signing.RSA.Cert, d.config.Signing.RSA.Key)
	if err != nil {
		return nil, fmt.Errorf("signing.rsa: %w", err)
	}
	directory, err := banks.Open(ctx, d.db)
	return newResults(evidence, directory, signer), err
}

func merchantCommand(io streams) *cobra.Command {
	return group("merchant", "Shops that send their buyers to the payment page",
		merchantAddCommand(io), merchantListCommand(io), merchantShowCommand(io), merchantOrdersCommand(io), signRedirectCommand(io))
}

// newMerchant is what the flags of merchant add say.
type newMerchant struct {
	participant newParticipant
	bin         string
	services    []string
	returns     []string
	results     string
	method      string
	inactive    bool
}

func merchantAddCommand(io streams) *cobra.Command {
	var in newMerchant
	c := &cobra.Command{
		Use: "add", Short: "Register a merchant, or change what it sells", Args: noArgs,
		Long: `Registers a merchant in one step: the participant with its signing certificate, what
it sells, where its buyers are sent back to, and its server that is told what became
of orders. A merchant that exists keeps its name and certificates and gets the other
particulars; see also: tolem participant cert, suspend, resume.

The BIN stands for the recipient of the service, whom an order does not name.`,
		Example: `  tolem merchant add --id SHOP --name "Book shop" --bin 990240001237 --service S1 --cert shop.pem \
    --return https://shop.kz/orders --results https://shop.kz/tolem/results`,
	}
	file := configFlag(c)
	f := c.Flags()
	p := &in.participant
	f.StringVar(&p.id, "id", "", "merchant code in redirects")
	f.StringVar(&p.name, "name", "", "name of the shop, as buyers see it")
	f.StringArrayVar(&p.certs, "cert", nil, "signing certificate in `PEM`; may be repeated")
	f.StringVar(&p.contract, "contract", "", "number of the contract")
	f.StringVar(&p.from, "contract-from", "", "first `day` of the contract, 2026-01-31; by default now")
	f.StringVar(&p.until, "contract-until", "", "`day` on which the contract ends; by default never")
	f.StringVar(&in.bin, "bin", "", "business identification number, 12 digits")
	f.StringArrayVar(&in.services, "service", nil, "`code` of a service that orders are paid for; may be repeated, the first where a redirect names none")
	f.StringArrayVar(&in.returns, "return", nil, "`address` to which buyers are sent back; may be repeated")
	f.StringVar(&in.results, "results", "", "`address` of the server that is told what became of orders")
	f.StringVar(&in.method, "method", string(tolem.ByPost), "how it is told: post (the signed document) or soap (the receiver's contract)")
	f.BoolVar(&in.inactive, "inactive", false, "take no orders of it for now")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "id", "bin", "service"); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			v, err := in.register(ctx, d)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			fmt.Fprintf(io.out, "merchant %s sells %s\n", v.ID, strings.Join(v.Services, ", "))
			return nil
		})
	}
	return c
}

// register checks everything, and then stores all of it or nothing.
func (in newMerchant) register(ctx context.Context, d *desk) (v merchantView, err error) {
	in.participant.kind = string(tolem.KindMerchant)
	p, err := in.participant.participant(d.zone)
	if err != nil {
		return v, err
	}
	certs, err := in.participant.certificates(p.ID)
	if err != nil {
		return v, err
	}
	m, err := in.merchant()
	if err != nil {
		return v, err
	}
	addresses, err := in.returnAddresses()
	if err != nil {
		return v, err
	}
	target, err := in.target(p.ID)
	if err != nil {
		return v, err
	}
	err = d.db.Update(ctx, func(tx *store.Tx) error {
		if err := in.put(tx, p, certs); err != nil {
			return err
		}
		for _, s := range m.Services {
			if _, err := tx.Service(s); err != nil {
				return fmt.Errorf("no service %q; add it first", s)
			}
		}
		for _, a := range addresses {
			if err := tx.AddReturnAddress(p.ID, a); err != nil {
				return err
			}
		}
		if target != nil {
			if err := tx.PutDeliveryTarget(*target); err != nil {
				return err
			}
		}
		return tx.PutMerchant(m)
	})
	if err != nil {
		return v, err
	}
	return findMerchant(ctx, d, string(p.ID))
}

// put stores the participant unless it is there.
func (in newMerchant) put(tx *store.Tx, p tolem.Participant, certs []tolem.Certificate) error {
	held, err := tx.Participant(p.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if p.Name == "" || len(certs) == 0 {
			return fmt.Errorf("%w: a new merchant needs --name and --cert", errUsage)
		}
		if err := tx.PutParticipant(p); err != nil {
			return err
		}
	case err != nil:
		return err
	case held.Kind != tolem.KindMerchant:
		return fmt.Errorf("%s is registered as a %s", p.ID, held.Kind)
	}
	return addCertificates(tx, certs)
}

func (in newMerchant) merchant() (tolem.Merchant, error) {
	bin, err := tolem.ParseIIN(in.bin)
	if err != nil {
		return tolem.Merchant{}, fmt.Errorf("%w: --bin: %w", errUsage, err)
	}
	m := tolem.Merchant{Participant: tolem.ParticipantID(in.participant.id), BIN: bin, Active: !in.inactive}
	for _, s := range in.services {
		m.Services = append(m.Services, tolem.ServiceCode(s))
	}
	if err := m.Check(); err != nil {
		return m, fmt.Errorf("%w: %w", errUsage, err)
	}
	return m, nil
}

func (in newMerchant) returnAddresses() ([]string, error) {
	var list []string
	for _, a := range in.returns {
		u, err := tolem.ParseReturnAddress(a)
		if err != nil || u.RawQuery != "" || u.ForceQuery {
			return nil, fmt.Errorf("%w: --return: %w, and without a query", errUsage, tolem.ErrReturnAddress)
		}
		list = append(list, u.String())
	}
	return list, nil
}

// resultsTarget is what the target of results is called.
const resultsTarget = "results"

func (in newMerchant) target(id tolem.ParticipantID) (*tolem.DeliveryTarget, error) {
	if in.results == "" {
		return nil, nil
	}
	t := tolem.DeliveryTarget{
		Participant: id, Name: resultsTarget, Method: tolem.DeliveryMethod(in.method), Address: in.results, Forms: []string{resultForm},
		Settings: make(map[string]string), Active: true,
	}
	if t.Method != tolem.ByPost && t.Method != tolem.BySOAP {
		return nil, fmt.Errorf("%w: --method must be post or soap", errUsage)
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("%w: --results: %w", errUsage, err)
	}
	return &t, nil
}

// merchantView is a merchant as it is shown to people and machines.
type merchantView struct {
	participantView
	BIN      string       `json:"bin"`
	Services []string     `json:"services"`
	Returns  []string     `json:"returnAddresses"`
	Results  []targetView `json:"results"`
}

// viewMerchant puts together what is known of a merchant.
func viewMerchant(tx *store.Tx, m tolem.Merchant, certs []tolem.Certificate) (merchantView, error) {
	p, err := participantNamed(tx, string(m.Participant))
	if err != nil {
		return merchantView{}, err
	}
	v := merchantView{participantView: viewParticipant(p, certificatesOf(p.ID, certs)), BIN: m.BIN.Reveal(), Returns: []string{}, Results: []targetView{}}
	if !m.Active && v.State == "active" {
		v.State = "inactive"
	}
	for _, s := range m.Services {
		v.Services = append(v.Services, string(s))
	}
	addresses, err := tx.ReturnAddresses(p.ID)
	if err != nil {
		return v, err
	}
	v.Returns = append(v.Returns, addresses...)
	targets, err := tx.DeliveryTargetsOf(p.ID)
	for _, t := range targets {
		v.Results = append(v.Results, viewTarget(t))
	}
	return v, err
}

func findMerchant(ctx context.Context, d *desk, id string) (v merchantView, err error) {
	err = d.db.View(ctx, func(tx *store.Tx) error {
		m, err := merchantNamed(tx, id)
		if err != nil {
			return err
		}
		certs, err := tx.Certificates()
		if err != nil {
			return err
		}
		v, err = viewMerchant(tx, m, certs)
		return err
	})
	return v, err
}

func merchantNamed(tx *store.Tx, id string) (tolem.Merchant, error) {
	m, err := tx.Merchant(tolem.ParticipantID(id))
	if errors.Is(err, store.ErrNotFound) {
		return m, fmt.Errorf("no merchant %q", id)
	}
	return m, err
}

func merchantListCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the merchants", Args: noArgs}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			views := []merchantView{}
			err := d.db.View(ctx, func(tx *store.Tx) error {
				all, err := tx.Merchants()
				if err != nil {
					return err
				}
				certs, err := tx.Certificates()
				if err != nil {
					return err
				}
				for _, m := range all {
					v, err := viewMerchant(tx, m, certs)
					if err != nil {
						return err
					}
					views = append(views, v)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			t := newTable(io, "id", "name", "BIN", "services", "state", "results to")
			for _, v := range views {
				t.row(v.ID, v.Name, v.BIN, strings.Join(v.Services, " "), v.State, v.resultsTo())
			}
			t.print()
			return nil
		})
	}
	return c
}

// resultsTo names the addresses in use.
func (v merchantView) resultsTo() string {
	var list []string
	for _, t := range v.Results {
		if t.Active {
			list = append(list, t.Address)
		}
	}
	return strings.Join(list, " ")
}

func merchantShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show a merchant with its certificates, addresses and services", Args: exactArgs("ID")}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			v, err := findMerchant(ctx, d, args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			for _, l := range [][2]string{
				{"BIN", v.BIN}, {"sells", strings.Join(v.Services, ", ")}, {"returns to", strings.Join(v.Returns, " ")}, {"results to", v.resultsTo()},
			} {
				fmt.Fprintf(io.out, "%-14s %s\n", l[0], l[1])
			}
			return nil
		})
	}
	return c
}

// maxOrders bounds what one list shows.
const maxOrders = 200

// orderView is an order as it is shown to people and machines.
type orderView struct {
	OrderNo   string       `json:"orderNo"`
	Amount    string       `json:"amount"`
	Service   string       `json:"service"`
	Code      string       `json:"code"`
	State     string       `json:"state"`
	CreatedAt time.Time    `json:"createdAt"`
	Results   []resultView `json:"results"`
}

// resultView is what the merchant was told, and whether it has acknowledged it.
type resultView struct {
	Number     string    `json:"number"`
	State      string    `json:"state"`
	MadeAt     time.Time `json:"madeAt"`
	Deliveries []string  `json:"deliveries"` // how sending it stands, one a target
}

func viewOrder(tx *store.Tx, o tolem.MerchantOrder) (orderView, error) {
	v := orderView{
		OrderNo: string(o.OrderNo), Amount: o.Amount.String(), Service: string(o.Service), Code: o.Code.Printed(), CreatedAt: o.CreatedAt, Results: []resultView{},
	}
	attempts, err := tx.AttemptsOfCode(o.Code)
	if err != nil {
		return v, err
	}
	c, err := tx.Code(o.Code)
	if err != nil {
		return v, err
	}
	v.State = tolem.StandingOfOrder(c.At(tx.Now()), attempts)
	told, err := tx.Results(o.Merchant, o.OrderNo)
	if err != nil {
		return v, err
	}
	for _, r := range told {
		sent, err := tx.DeliveriesOf(r.Number)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return v, err
		}
		rv := resultView{Number: r.Number, State: string(r.State), MadeAt: r.MadeAt, Deliveries: []string{}}
		for _, s := range sent {
			rv.Deliveries = append(rv.Deliveries, s.Target+" "+s.State.String())
		}
		v.Results = append(v.Results, rv)
	}
	return v, nil
}

func merchantOrdersCommand(io streams) *cobra.Command {
	var id, after, number string
	c := &cobra.Command{
		Use: "orders", Short: "List the orders of a merchant and how they stand", Args: noArgs,
		Example: `  tolem merchant orders --id SHOP
  tolem merchant orders --id SHOP --order A-1001   # with what the merchant was told
  tolem merchant orders --id SHOP --after A-1200   # what follows the last of an earlier list`,
	}
	c.Flags().StringVar(&id, "id", "", "the merchant")
	c.Flags().StringVar(&after, "after", "", "go on after this order `number`")
	c.Flags().StringVar(&number, "order", "", "only the order with this `number`")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "id"); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			views := []orderView{}
			err := d.db.View(ctx, func(tx *store.Tx) error {
				m, err := merchantNamed(tx, id)
				if err != nil {
					return err
				}
				list, err := ordersOf(tx, m.Participant, tolem.RequestNo(number), tolem.RequestNo(after))
				for _, o := range list {
					v, err := viewOrder(tx, o)
					if err != nil {
						return err
					}
					views = append(views, v)
				}
				return err
			})
			if err != nil {
				return err
			}
			return printOrders(io, views, number != "", *asJSON)
		})
	}
	return c
}

// ordersOf returns one order, or a page of them.
func ordersOf(tx *store.Tx, m tolem.ParticipantID, number, after tolem.RequestNo) ([]tolem.MerchantOrder, error) {
	if number == "" {
		return tx.Orders(m, after, maxOrders)
	}
	o, err := tx.Order(m, number)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s has no order %q", m, number)
	}
	return []tolem.MerchantOrder{o}, err
}

func printOrders(io streams, views []orderView, whole, asJSON bool) error {
	if asJSON {
		return printJSON(io.out, views)
	}
	t := newTable(io, "order", "amount", "service", "code", "state", "since", "told")
	for _, v := range views {
		told := ""
		if n := len(v.Results); n > 0 {
			told = v.Results[n-1].State + ": " + strings.Join(v.Results[n-1].Deliveries, ", ")
		}
		t.row(v.OrderNo, v.Amount, v.Service, v.Code, v.State, v.CreatedAt.Format(time.DateTime), told)
	}
	t.print()
	if len(views) == maxOrders {
		fmt.Fprintf(io.out, "there may be more: --after %s\n", views[len(views)-1].OrderNo)
	}
	if whole {
		for _, r := range views[0].Results {
			fmt.Fprintf(io.out, "  %s  %s  %s\n", r.MadeAt.Format(time.RFC3339), r.Number, strings.Join(r.Deliveries, ", "))
		}
	}
	return nil
}

// signRedirectCommand makes redirects for whoever integrates a shop.
func signRedirectCommand(io streams) *cobra.Command {
	var page, cert, key, id, order, amount, currency, service, back, issued, language string
	var text bool
	c := &cobra.Command{
		Use: "sign-redirect", Short: "Make the signed address that a buyer is sent to", Args: noArgs,
		Long: `Signs a redirect with a merchant's key, as the merchant's server does for each order.
It needs no configuration and calls nobody. With --text it prints what is signed,
byte for byte, for comparing with what another program makes.`,
		Example: `  tolem merchant sign-redirect --page https://pay.example.kz/pay --cert shop.pem --key shop.key \
    --id SHOP --order A-1001 --amount 1200.00 --return https://shop.kz/orders/A-1001`,
	}
	f := c.Flags()
	f.StringVar(&page, "page", "", "`address` of the payment page, ending in /pay")
	f.StringVar(&cert, "cert", "", "signing certificate of the merchant, `PEM`")
	f.StringVar(&key, "key", "", "its private key, `PEM`")
	f.StringVar(&id, "id", "", "merchant code")
	f.StringVar(&order, "order", "", "order `number`")
	f.StringVar(&amount, "amount", "", "amount with two decimals, 1200.00")
	f.StringVar(&currency, "currency", string(tolem.KZT), "currency")
	f.StringVar(&service, "service", "", "`code` of the service; by default the merchant's first")
	f.StringVar(&back, "return", "", "`address` the buyer goes to afterwards")
	f.StringVar(&issued, "issued", "", "`time` of the redirect, 2026-11-22T10:30:00Z; by default now")
	f.StringVar(&language, "language", "", "kk, ru, en, az or uz")
	f.BoolVar(&text, "text", false, "print the text that is signed, and no address")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "page", "cert", "key", "id", "order", "amount", "return"); err != nil {
			return err
		}
		s, err := signing.LoadSigner(cert, key)
		if err != nil {
			return err
		}
		o := tolem.OrderRedirect{
			Merchant: tolem.ParticipantID(id), OrderNo: tolem.RequestNo(order), Service: tolem.ServiceCode(service), Return: back,
			Language: tolem.Language(language), Key: s.Fingerprint().String(), Issued: time.Now().UTC().Truncate(time.Millisecond),
		}
		if o.Amount, err = tolem.ParseMoney(amount, tolem.Currency(currency)); err != nil {
			return fmt.Errorf("%w: --amount: %w", errUsage, err)
		}
		if issued != "" {
			if o.Issued, err = time.Parse(time.RFC3339, issued); err != nil {
				return fmt.Errorf("%w: --issued: %w", errUsage, err)
			}
			o.Issued = o.Issued.UTC()
		}
		address, err := merchant.SignRedirect(page, o, s)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", errUsage, err)
		case *asJSON:
			return printJSON(io.out, map[string]string{"address": address, "text": string(o.Text())})
		case text:
			_, err = io.out.Write(o.Text())
			return err
		}
		_, err = fmt.Fprintln(io.out, address)
		return err
	}
	return c
}
