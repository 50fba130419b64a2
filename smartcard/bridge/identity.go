package bridge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"tolem"
	"tolem/smartcard"
)

// paired is who the bridge is, and whom it believes.
type paired struct {
	Workstation tolem.WorkstationID   `json:"workstation"`
	Key         []byte                `json:"key"`     // PKCS #8
	Gateway     []smartcard.PublicKey `json:"gateway"` // tickets are signed with one of them
	GrantedAt   int64                 `json:"granted_at"`
	Simulated   bool                  `json:"simulated"`

	signer *smartcard.Signer
}

func (p *paired) load() (err error) {
	p.signer, err = loadSigner(p.Key)
	return err
}

// pending is a pairing that waits for its grant.
type pending struct {
	Workstation tolem.WorkstationID     `json:"workstation"`
	Key         []byte                  `json:"key"`
	Secret      smartcard.PairingSecret `json:"secret"`

	signer *smartcard.Signer
}

// identity is the file. One file holds all of it, so that a pairing is done or
// not.
type identity struct {
	Paired  *paired  `json:"paired,omitempty"`
	Pending *pending `json:"pending,omitempty"`
	// Used is the digest of the secret that Paired came from: a bridge that is
	// started again with the same pairing code is paired already.
	Used []byte `json:"used,omitempty"`
}

// identities keeps the file.
type identities struct {
	name      string
	simulated bool

	mu sync.Mutex
	id identity
}

func openIdentities(dir string, simulated bool) (*identities, error) {
	s := &identities{name: filepath.Join(dir, identityName), simulated: simulated}
	info, err := os.Stat(s.name)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s holds a private key and others may read it: chmod 600", s.name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	text, err := os.ReadFile(s.name)
	if err == nil {
		err = json.Unmarshal(text, &s.id)
	}
	if err == nil && s.id.Paired != nil {
		err = s.id.Paired.load()
	}
	if err == nil && s.id.Pending != nil {
		s.id.Pending.signer, err = loadSigner(s.id.Pending.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrConfig, s.name, err)
	}
	if p := s.id.Paired; p != nil && p.Simulated != simulated {
		return nil, fmt.Errorf("%w: %s belongs to a bridge whose cards are real, or simulated, and this one's are not: choose another folder", ErrConfig, dir)
	}
	return s, nil
}

func loadSigner(pkcs8 []byte) (*smartcard.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errors.New("the key cannot be read")
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, smartcard.ErrKey
	}
	return smartcard.NewSigner(private)
}

// now returns who the bridge is; nil if it is not paired.
func (s *identities) now() *paired {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id.Paired
}

// waiting returns the pairing that waits; nil if none does.
func (s *identities) waiting() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id.Pending
}

// set keeps an identity, first on the disk.
func (s *identities) set(id identity) error {
	text, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(s.name, append(text, '\n')); err != nil {
		return err
	}
	s.id = id
	return nil
}

// Pair begins a pairing: it draws a key, which serves when the gateway's grant
// has come. What the bridge is until then, it stays. It reports whether there is
// anything to wait for: a code that was used before is no error.
func (b *Bridge) Pair(code smartcard.PairingCode) (waiting bool, err error) {
	s := b.identity
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := code.Secret()
	if used := sha256.Sum256(secret[:]); string(s.id.Used) == string(used[:]) {
		return false, nil
	}
	if p := s.id.Pending; p != nil && p.Secret == secret {
		return true, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, err
	}
	p := &pending{Workstation: code.Workstation, Secret: secret}
	if p.Key, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return false, err
	}
	if p.signer, err = smartcard.NewSigner(private); err != nil {
		return false, err
	}
	next := s.id
	next.Pending = p
	return true, s.set(next)
}

// grant ends the pairing that waits, or brings new keys of the gateway to a
// bridge that trusts the old ones.
func (s *identities) grant(document string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.id.Pending; p != nil {
		g, err := smartcard.OpenGrant(document, p.Secret)
		if err == nil && g.Workstation == p.Workstation && g.Bridge == p.signer.Public.ID {
			used := sha256.Sum256(p.Secret[:])
			return s.set(identity{Used: used[:], Paired: &paired{
				Workstation: p.Workstation, Key: p.Key, Gateway: g.Keys, GrantedAt: g.At, Simulated: s.simulated, signer: p.signer,
			}})
		}
	}
	p := s.id.Paired
	if p == nil {
		return smartcard.ErrSignature
	}
	g, err := smartcard.OpenKeys(smartcard.KeysOf(p.Gateway...), document)
	if err != nil {
		return err
	}
	if g.Workstation != p.Workstation || g.Bridge != p.signer.Public.ID || g.At < p.GrantedAt {
		return smartcard.ErrSignature
	}
	renewed := *p
	renewed.Gateway, renewed.GrantedAt = g.Keys, g.At
	next := s.id
	next.Paired = &renewed
	return s.set(next)
}
