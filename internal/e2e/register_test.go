package e2e

import (
	"net/http"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
)

// How soon the running gateway must know of a change.
const (
	registerWithin = 2 * time.Second // of participants, and 1 s for a busy machine
	listsWithin    = 4 * time.Second // of lists in files: two looks
	busy           = time.Second
)

// becomes waits until a call ends as wanted.
func (a *actor) becomes(within time.Duration, want string) {
	a.world.t.Helper()
	last := ""
	begin := time.Now()
	eventually(a.world.t, within+busy, a.id+" is answered "+want, func() bool {
		last = outcome(a.send(a.mustSign(request("ListServices", newID())), nil))
		return last == want
	})
	a.world.t.Logf("%s: %s after %v", a.id, want, time.Since(begin).Round(time.Millisecond))
}

// The register is changed while the gateway serves: participants come, are
// suspended and resumed, get new certificates and lose old ones.
//
// GW-046 GW-050 GW-052 GW-053 GW-054 GW-055 GW-P05 GW-P10 GW-P41
func TestRegisterWhileServing(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	late := w.stranger("BANK9", pki.P256)
	if got := outcome(late.send(late.mustSign(request("ListServices", newID())), nil)); got != "500 FORBIDDEN" {
		t.Errorf("a stranger is answered %s", got)
	}
	w.command("participant", "add", "--id", "BANK9", "--kind", "bank", "--name", "Late", "--cert", w.certFile(late.signing), "--cert", w.certFile(late.channel))
	late.becomes(registerWithin, "200 OK")

	w.command("participant", "suspend", "BANK9")
	late.becomes(registerWithin, "500 FORBIDDEN")
	w.command("participant", "resume", "BANK9")
	late.becomes(registerWithin, "200 OK")

	next := w.stranger("BANK9", pki.P256)
	for _, id := range []*pki.Identity{next.signing, next.channel} {
		command(t, "participant", "cert", "add", "--config", w.config, "BANK9", w.certFile(id))
	}
	next.becomes(registerWithin, "200 OK")
	late.becomes(0, "200 OK")
	mixed := w.actor("BANK9", next.signing, late.channel)
	mixed.becomes(0, "200 OK")
	command(t, "participant", "cert", "withdraw", "--config", w.config, "BANK9", tolem.FingerprintOf(late.signing.Cert.Raw).String())
	late.becomes(registerWithin, "500 FORBIDDEN")
	mixed.becomes(0, "200 OK")
	command(t, "participant", "cert", "withdraw", "--config", w.config, "BANK9", tolem.FingerprintOf(late.channel.Cert.Raw).String())
	mixed.becomes(registerWithin, "500 FORBIDDEN")
	next.becomes(0, "200 OK")
}

// A contract that has ended, or has not begun, is none.
//
// GW-P41
func TestContractInForce(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	day := func(offset int) string { return time.Now().AddDate(0, 0, offset).Format(time.DateOnly) }
	ended := w.join("ENDED", "bank", pki.P256, "--contract-from", day(-9), "--contract-until", day(-2))
	early := w.join("EARLY", "bank", pki.P256, "--contract-from", day(3))
	current := w.join("CURRENT", "bank", pki.P256, "--contract-from", day(-3), "--contract-until", day(3))
	w.serve()
	ended.becomes(0, "500 FORBIDDEN")
	early.becomes(0, "500 FORBIDDEN")
	current.becomes(0, "200 OK")
}

// Revoked certificates are refused within one look at the lists: for signing,
// for opening a channel, and on channels that were open before.
//
// GW-042 GW-043 GW-044 GW-P07
func TestRevocationWhileServing(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	one, two := w.actors[bank1], w.actors[bank2]
	one.becomes(0, "200 OK")
	two.becomes(0, "200 OK")
	w.revoke(one.signing, two.channel)
	one.becomes(listsWithin, "500 CERT_REVOKED")
	open := 0
	eventually(t, listsWithin+busy, "the open channel is refused", func() bool {
		got := outcome(two.send(two.mustSign(request("ListServices", newID())), nil))
		if got == "500 CERT_REVOKED" {
			open++
		}
		return got != "200 OK"
	})
	if open != 1 {
		t.Error("the channel that was open before is not told why")
	}
	two.becomes(0, "refused connection")
	if got := outcome(two.send(nil, func(r *http.Request) { r.Method = http.MethodGet; r.URL.RawQuery = "wsdl" })); got != "refused connection" {
		t.Errorf("with a revoked certificate the contract is answered %s", got)
	}
	w.actors[portal].becomes(0, "200 OK")
}
