// Package stub plays the two kinds of sites that send payers to the payment
// page, for people who try the gateway out and for integrators who want to see
// what such a site does: a portal that orders services for citizens, and a shop.
// Each is a site of its own with pages in the shell of package web, and each
// reaches the gateway only as a participant does: by signed messages of the
// published contracts.
//
// They are no part of the gateway: no person is authenticated, what they keep is
// one file each, and no service is rendered. cmd starts them in `tolem sandbox`.
package stub

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tolem/web"
)

//go:embed i18n static all:templates
var files embed.FS

// texts are the files of the pages. The stubs speak Kazakh, Russian and English
// and offer no other language; where the shell asks for one, the English texts
// stand in for it.
type texts struct{ embed.FS }

// Open implements fs.FS.
func (t texts) Open(name string) (fs.File, error) { return t.FS.Open(standIn(name)) }

// ReadFile implements fs.ReadFileFS.
func (t texts) ReadFile(name string) ([]byte, error) { return t.FS.ReadFile(standIn(name)) }

func standIn(name string) string {
	for _, l := range []web.Language{web.Azerbaijani, web.Uzbek} {
		name = strings.Replace(name, "i18n/"+string(l)+".json", "i18n/"+string(web.English)+".json", 1)
	}
	return name
}

// Languages are those that the stubs offer.
var Languages = []web.Language{web.Russian, web.Kazakh, web.English}

// Trial is something to type on the payment page, and what happens then.
type Trial struct {
	Card, Account string
	Happens       string // in the words of the simulated bank
}

const stylePath = "/stub.css"

// mount adds the pages of a stub, under its own name and home, to a shell.
func mount(shell *web.Shell, home, name string, problems ...web.Problem) (*web.Mounted, error) {
	m, err := shell.Mount(web.Module{Files: texts{files}, Home: home, HomeText: name, Problems: problems})
	if err != nil {
		return nil, err
	}
	style, err := files.ReadFile("static/stub.css")
	if err != nil {
		return nil, err
	}
	m.Handle("GET "+stylePath, func(x *web.Exchange) error {
		x.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, err := x.Write(style)
		return err
	})
	return m, nil
}

// formsMayLeadTo lets the forms of a page end at another site: browsers that
// follow the policy look at redirects too.
func formsMayLeadTo(x *web.Exchange, origin string) {
	const own = "form-action 'self'"
	h := x.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), own, own+" "+origin, 1))
}

// leave sends the browser to another site.
func leave(x *web.Exchange, address string) error {
	x.Header().Set("Location", address)
	x.WriteHeader(http.StatusSeeOther)
	return nil
}

// askAgain is how often a page that waits for the gateway looks again.
const askAgain = 5 * time.Second
