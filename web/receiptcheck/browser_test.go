package receiptcheck_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tolem"
	"tolem/internal/tolemtest/browser"
)

// A phone that reads the code opens its address: the receipt is checked with no
// touch, and stands neither in the bar nor in the history nor in any request's
// address. GW-149
func TestCodeOpensTheVerdict(t *testing.T) {
	s := open(t, lax())
	b := browser.Open(t, browser.Start(t), s.URL)
	b.Speak("en")
	b.Run(chromedp.Navigate(s.qr(t, typical())), chromedp.WaitVisible(".outcome.good"))
	b.Says("The receipt is genuine", "1234-5678-9012-3428", "•••• 0011")
	for _, address := range b.History() {
		if strings.Contains(address, "TOLEM1") {
			t.Errorf("in the history: %s", address)
		}
	}
	b.Run(chromedp.Click(`nav button[value="ru"]`), chromedp.WaitVisible(`html[lang="ru"] .outcome.good`))
	b.Says("Квитанция подлинная", "1234-5678-9012-3428")
	b.Run(chromedp.Click(`a.button`), chromedp.WaitVisible(`#receipt`)) // and another one
	refunded := typical()
	refunded.Code = 9876543210987606
	s.state = tolem.StateRefunded
	_, text, _ := strings.Cut(s.qr(t, refunded), "#")
	b.Run(chromedp.Evaluate(`location.hash = "`+text+`"; 0`, nil), chromedp.WaitVisible(".outcome.bad"))
	b.Says("деньги потом возвращены", "9876-5432-1098-7606")
	b.Clean("TOLEM1")
}

// Without script the text is pasted.
func TestWithoutScript(t *testing.T) {
	s := open(t, lax())
	b := browser.Open(t, browser.Start(t), s.URL)
	b.Speak("en")
	content := s.qr(t, typical())
	b.Run(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(content), chromedp.WaitVisible("#receipt"),
		chromedp.SendKeys("#receipt", content), chromedp.Click("#check .button"), chromedp.WaitVisible(".outcome.good"))
	b.Run(chromedp.Click(`a.button`), chromedp.WaitVisible(`#receipt`), chromedp.Click("#check .button"), chromedp.WaitVisible(".problem"))
	b.Clean("TOLEM1")
}

// Every page of the check in every language, light and dark, on a small
// telephone and on a desk: axe finds nothing and nothing is wider than the
// screen.
func TestPagesInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	s := open(t, lax())
	b := browser.Open(t, browser.Start(t), s.URL)
	genuine := s.qr(t, typical())
	for _, v := range []struct {
		name, address string
		state         tolem.State
	}{
		{"form", "/receipt", 0},
		{"mistake", "mistake", 0},
		{"genuine", genuine, tolem.StatePaid},
		{"refunded", genuine, tolem.StateRefunded},
		{"altered", genuine[:len(genuine)-9] + "AAAAAAAAA", tolem.StatePaid},
	} {
		s.mu.Lock()
		s.state = v.state
		s.mu.Unlock()
		for _, language := range []string{"kk", "ru", "en", "az", "uz"} {
			b.Speak(language)
			b.Run(chromedp.Navigate("about:blank"))
			switch {
			case v.name == "mistake":
				b.Run(chromedp.Navigate(s.URL+"/receipt"), chromedp.Click("#check .button"), chromedp.WaitVisible(".problem"))
			case v.state == 0:
				b.Run(chromedp.Navigate(s.URL+v.address), chromedp.WaitVisible("#receipt"))
			default:
				b.Run(chromedp.Navigate(v.address), chromedp.WaitVisible(".outcome"))
			}
			if language == "az" || language == "uz" { // not offered yet: once is enough
				b.Look(320, "light")
				b.Barriers(v.name + "-" + language)
				continue
			}
			b.EveryLook("receipt-" + v.name + "-" + language)
		}
	}
	b.Clean("TOLEM1")
}
