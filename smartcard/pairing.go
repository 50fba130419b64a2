package smartcard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"tolem"
)

// Pairing makes gateway and bridge known to each other through a page that
// neither trusts. Both know the secret of the pairing code, which went from the
// administrator's screen to the branch's computer by hand:
//
//	bridge  → gateway  enrolment: my new key, and proof that I know the secret
//	gateway → bridge   grant: the keys tickets are signed with, and the same proof
//
// Later a grant signed with a key the bridge trusts brings it new keys.

// PairingSecret is what a pairing code makes both sides know. It is shown once.
type PairingSecret [sha256.Size]byte

// PairingCode is a workstation and a secret of 130 bits, to be typed.
type PairingCode struct {
	Workstation tolem.WorkstationID
	secret      string
}

// ErrPairingCode reports text that is no pairing code.
var ErrPairingCode = errors.New("a pairing code is the name of a workstation, a dash and 26 letters and digits")

const secretLength = 26 // of rand.Text

// NewWorkstationID draws the name of a workstation.
func NewWorkstationID() tolem.WorkstationID { return tolem.WorkstationID("WS" + rand.Text()[:10]) }

// NewPairingCode draws a code.
func NewPairingCode(w tolem.WorkstationID) PairingCode {
	return PairingCode{Workstation: w, secret: rand.Text()}
}

// ParsePairingCode reads a code as it was typed: spaces and small letters do no
// harm.
func ParsePairingCode(s string) (PairingCode, error) {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	workstation, secret, _ := strings.Cut(s, "-")
	secret = strings.ReplaceAll(secret, "-", "")
	if identifier("workstation", workstation, true) != nil || len(secret) != secretLength || strings.Trim(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return PairingCode{}, ErrPairingCode
	}
	return PairingCode{Workstation: tolem.WorkstationID(workstation), secret: secret}, nil
}

// Reveal returns the code to be shown, once.
func (c PairingCode) Reveal() string {
	var groups []string
	for at := 0; at < len(c.secret); at += 5 {
		groups = append(groups, c.secret[at:min(at+5, len(c.secret))])
	}
	return string(c.Workstation) + "-" + strings.Join(groups, "-")
}

// String hides the secret.
func (c PairingCode) String() string { return string(c.Workstation) + "-•••••" }

// GoString hides it from %#v.
func (c PairingCode) GoString() string { return c.String() }

// Secret returns what is kept until the pairing is done.
func (c PairingCode) Secret() PairingSecret {
	return sha256.Sum256([]byte("tolem card bridge pairing\x00" + string(c.Workstation) + "\x00" + c.secret))
}

// proof shows that the secret is known to whoever made the words.
func (s PairingSecret) proof(words ...string) string {
	mac := hmac.New(sha256.New, s[:])
	for _, w := range words {
		fmt.Fprintf(mac, "%d:%s,", len(w), w)
	}
	return encoding.EncodeToString(mac.Sum(nil))
}

// enrolment is a bridge's wish to be known.
type enrolment struct {
	Workstation tolem.WorkstationID `json:"workstation"`
	Key         PublicKey           `json:"key"`
	Simulated   bool                `json:"simulated"`
	Proof       string              `json:"proof"`
}

// Enrolment is what a gateway learns of a bridge.
type Enrolment struct {
	Workstation tolem.WorkstationID
	Key         PublicKey
	Simulated   bool
}

// SignEnrolment makes the document by which a bridge with a new key asks to be
// known.
func (s *Signer) SignEnrolment(w tolem.WorkstationID, simulated bool, secret PairingSecret) (string, error) {
	return s.sign(typeEnrolment, enrolment{Workstation: w, Key: s.Public, Simulated: simulated, Proof: s.enrolmentProof(w, secret)})
}

func (s *Signer) enrolmentProof(w tolem.WorkstationID, secret PairingSecret) string {
	return secret.proof("bridge", string(w), string(s.Public.ID))
}

// OpenEnrolment verifies an enrolment: find returns the secret that waits for
// the workstation. The key has signed the document, and whoever holds the key
// knows the secret.
func OpenEnrolment(document string, find func(tolem.WorkstationID) (PairingSecret, error)) (Enrolment, error) {
	p, err := split(typeEnrolment, document)
	if err != nil {
		return Enrolment{}, err
	}
	var e enrolment
	if err := decode(p.payload, &e); err != nil {
		return Enrolment{}, err
	}
	if err := identifier("workstation", string(e.Workstation), true); err != nil {
		return Enrolment{}, err
	}
	if e.Key.key == nil {
		return Enrolment{}, malformed("the key is missing")
	}
	secret, err := find(e.Workstation)
	if err != nil {
		return Enrolment{}, err
	}
	if !hmac.Equal([]byte(e.Proof), []byte(secret.proof("bridge", string(e.Workstation), string(e.Key.ID)))) {
		return Enrolment{}, fmt.Errorf("proof: %w", ErrSignature)
	}
	if _, err := open(KeysOf(e.Key), typeEnrolment, document, &e); err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Workstation: e.Workstation, Key: e.Key, Simulated: e.Simulated}, nil
}

// maxKeys bounds the keys of a grant.
const maxKeys = 8

// Grant is what a bridge learns of the gateway.
type Grant struct {
	Workstation tolem.WorkstationID `json:"workstation"`
	Bridge      tolem.KeyID         `json:"bridge"` // the bridge's key that is known from now on
	Keys        []PublicKey         `json:"keys"`   // tickets are signed with one of them
	At          int64               `json:"at"`     // by the gateway's clock; an older grant is not taken after a newer
	Proof       string              `json:"proof,omitempty"`
}

func (g Grant) check() error {
	err := first(identifier("workstation", string(g.Workstation), true), identifier("bridge", string(g.Bridge), true), instant("at", g.At))
	switch {
	case err != nil:
		return err
	case len(g.Keys) == 0 || len(g.Keys) > maxKeys:
		return malformed("a grant has 1 to %d keys", maxKeys)
	}
	for _, k := range g.Keys {
		if k.key == nil {
			return malformed("a key is missing")
		}
	}
	return nil
}

func (g Grant) proof(secret PairingSecret) string {
	words := []string{"gateway", string(g.Workstation), string(g.Bridge), fmt.Sprint(g.At)}
	for _, k := range g.Keys {
		words = append(words, string(k.ID))
	}
	return secret.proof(words...)
}

// SignGrant makes the document that ends a pairing.
func (s *Signer) SignGrant(g Grant, secret PairingSecret) (string, error) {
	g.Proof = g.proof(secret)
	return s.signGrant(g)
}

// SignKeys makes the document that brings new keys to a bridge that trusts the
// signer's.
func (s *Signer) SignKeys(g Grant) (string, error) {
	g.Proof = ""
	return s.signGrant(g)
}

func (s *Signer) signGrant(g Grant) (string, error) {
	if err := g.check(); err != nil {
		return "", err
	}
	return s.sign(typeGrant, g)
}

// OpenGrant verifies the grant that ends a pairing.
func OpenGrant(document string, secret PairingSecret) (Grant, error) {
	p, err := split(typeGrant, document)
	if err != nil {
		return Grant{}, err
	}
	var g Grant
	if err := decode(p.payload, &g); err != nil {
		return Grant{}, err
	}
	if err := g.check(); err != nil {
		return Grant{}, err
	}
	if !hmac.Equal([]byte(g.Proof), []byte(g.proof(secret))) {
		return Grant{}, fmt.Errorf("proof: %w", ErrSignature)
	}
	var verified Grant
	if _, err := open(KeysOf(g.Keys...), typeGrant, document, &verified); err != nil {
		return Grant{}, err
	}
	return verified, nil
}

// OpenKeys verifies the grant that brings new keys.
func OpenKeys(gateway Keys, document string) (Grant, error) {
	var g Grant
	if _, err := open(gateway, typeGrant, document, &g); err != nil {
		return Grant{}, err
	}
	return g, g.check()
}
