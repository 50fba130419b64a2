// Package banks knows who may call: the participants, their certificates,
// groups, rights and contracts, and the services they call for. It answers
// from a snapshot in memory that follows the database within a second or two.
//
// It decides who somebody is and what they may do; it verifies no signature
// and moves no money. The message path asks it for every request.
//
// It also says what the gateway asks of a bank that takes payments from the
// payment page: the interface Connector. Package bankv1 below is the one that
// calls banks, sandbox plays a bank.
package banks

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tolem"
	"tolem/store"
)

// Errors of Authorise. All of them are answered with FORBIDDEN; which one it
// was stands in the log.
var (
	ErrNotRegistered = errors.New("certificate is not registered to a participant")
	ErrInactive      = errors.New("participant is suspended or has no contract in force")
	ErrNotPermitted  = errors.New("operation is not permitted to the participant's groups")
	ErrOtherChannel  = errors.New("message and channel belong to different participants")
)

// Directory is the register of participants and services, as it was when last
// read. It is safe for concurrent use.
type Directory struct {
	db      *store.DB
	current atomic.Pointer[snapshot]
}

// snapshot is never changed once it is published.
type snapshot struct {
	version      int64
	participants map[tolem.ParticipantID]tolem.Participant
	certificates map[tolem.Fingerprint]tolem.Certificate
	bySerial     map[string][][]byte // DER by serial number
	bySubjectKey map[string][]byte   // DER by subject key identifier; nil: more than one has it
	providers    map[tolem.ProviderID]tolem.Provider
	services     map[tolem.ServiceCode]tolem.Service
	byCode       []tolem.Service
}

// Open reads the register for the first time.
func Open(ctx context.Context, db *store.DB) (*Directory, error) {
	d := &Directory{db: db}
	d.current.Store(&snapshot{version: -1})
	if err := d.Refresh(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Refresh reads the register again if it has changed. It costs one look-up if
// it has not.
func (d *Directory) Refresh(ctx context.Context) error {
	var next *snapshot
	err := d.db.View(ctx, func(tx *store.Tx) error {
		version, err := tx.DirectoryVersion()
		if err != nil || version == d.current.Load().version {
			return err
		}
		next, err = readSnapshot(tx, version)
		return err
	})
	if err != nil {
		return fmt.Errorf("read participants and services: %w", err)
	}
	if next != nil {
		d.current.Store(next)
	}
	return nil
}

func readSnapshot(tx *store.Tx, version int64) (*snapshot, error) {
	s := &snapshot{
		version:      version,
		participants: make(map[tolem.ParticipantID]tolem.Participant),
		certificates: make(map[tolem.Fingerprint]tolem.Certificate),
		bySerial:     make(map[string][][]byte),
		bySubjectKey: make(map[string][]byte),
		providers:    make(map[tolem.ProviderID]tolem.Provider),
		services:     make(map[tolem.ServiceCode]tolem.Service),
	}
	participants, err := tx.Participants()
	if err != nil {
		return nil, err
	}
	for _, p := range participants {
		s.participants[p.ID] = p
	}
	certificates, err := tx.Certificates()
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		if err := s.addCertificate(c); err != nil {
			return nil, err
		}
	}
	providers, err := tx.Providers()
	if err != nil {
		return nil, err
	}
	for _, p := range providers {
		s.providers[p.ID] = p
	}
	if s.byCode, err = tx.Services(); err != nil {
		return nil, err
	}
	slices.SortFunc(s.byCode, func(a, b tolem.Service) int { return strings.Compare(string(a.Code), string(b.Code)) })
	for _, v := range s.byCode {
		s.services[v.Code] = v
	}
	return s, nil
}

// addCertificate enters a certificate under all the names by which a message
// may refer to it. A withdrawn one is known, but found by no reference.
func (s *snapshot) addCertificate(c tolem.Certificate) error {
	s.certificates[c.Fingerprint] = c
	if c.Withdrawn {
		return nil
	}
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return fmt.Errorf("certificate %s of %s: %w", c.Fingerprint, c.Participant, err)
	}
	serial := parsed.SerialNumber.String()
	s.bySerial[serial] = append(s.bySerial[serial], c.DER)
	if id := string(parsed.SubjectKeyId); id != "" {
		if _, taken := s.bySubjectKey[id]; taken {
			s.bySubjectKey[id] = nil
		} else {
			s.bySubjectKey[id] = c.DER
		}
	}
	return nil
}

// Holder returns the participant to whom the certificate is registered.
func (d *Directory) Holder(certificate tolem.Fingerprint) (tolem.Participant, error) {
	s := d.current.Load()
	c, ok := s.certificates[certificate]
	if !ok || c.Withdrawn {
		return tolem.Participant{}, ErrNotRegistered
	}
	p, ok := s.participants[c.Participant]
	if !ok {
		return tolem.Participant{}, ErrNotRegistered
	}
	return p, nil
}

// Authorise decides whether the holder of the signing certificate may call the
// operation now, over a channel opened with the other certificate. There is no
// other way to an operation (GW-055, GW-P05, GW-P10, GW-P41).
func (d *Directory) Authorise(signer, channel tolem.Fingerprint, op tolem.Operation, now time.Time) (tolem.Participant, error) {
	sender, err := d.Holder(signer)
	if err != nil {
		return tolem.Participant{}, err
	}
	peer, err := d.Holder(channel)
	switch {
	case err != nil:
		return sender, err
	case peer.ID != sender.ID:
		return sender, fmt.Errorf("%w: signed by %s, sent by %s", ErrOtherChannel, sender.ID, peer.ID)
	case !sender.MayCallAt(now):
		return sender, fmt.Errorf("%s: %w", sender.ID, ErrInactive)
	case !sender.May(op):
		return sender, fmt.Errorf("%s calls %s: %w", sender.ID, op, ErrNotPermitted)
	}
	return sender, nil
}

// BodyOnly reports whether the holder of the certificate may sign the Body
// alone, with sentAt in it (SmartBridge senders).
func (d *Directory) BodyOnly(certificate tolem.Fingerprint) bool {
	p, err := d.Holder(certificate)
	return err == nil && p.BodyOnly
}

// BySerial returns the DER of every registered certificate with this serial
// number, for messages that name their certificate by issuer and serial.
func (d *Directory) BySerial(serial *big.Int) [][]byte {
	return d.current.Load().bySerial[serial.String()]
}

// BySubjectKeyID returns the DER of the registered certificate with this
// subject key identifier, nil if there is none or more than one.
func (d *Directory) BySubjectKeyID(id []byte) []byte {
	return d.current.Load().bySubjectKey[string(id)]
}

// Participant returns a participant by its id.
func (d *Directory) Participant(id tolem.ParticipantID) (tolem.Participant, bool) {
	p, ok := d.current.Load().participants[id]
	return p, ok
}

// Participants returns all participants in no particular order.
func (d *Directory) Participants() []tolem.Participant {
	s := d.current.Load()
	all := make([]tolem.Participant, 0, len(s.participants))
	for _, p := range s.participants {
		all = append(all, p)
	}
	return all
}

// Certificates returns the certificates in use, in no particular order.
func (d *Directory) Certificates() []tolem.Certificate {
	s := d.current.Load()
	all := make([]tolem.Certificate, 0, len(s.certificates))
	for _, c := range s.certificates {
		if !c.Withdrawn {
			all = append(all, c)
		}
	}
	return all
}

// CertificatesOf returns the certificates in use of a participant, in no
// particular order.
func (d *Directory) CertificatesOf(id tolem.ParticipantID) []tolem.Certificate {
	var own []tolem.Certificate
	for _, c := range d.current.Load().certificates {
		if c.Participant == id && !c.Withdrawn {
			own = append(own, c)
		}
	}
	return own
}

// Service returns a service by its code, active or not.
func (d *Directory) Service(code tolem.ServiceCode) (tolem.Service, bool) {
	v, ok := d.current.Load().services[code]
	return v, ok
}

// Services returns all services in the order of their codes. The slice is not
// to be changed.
func (d *Directory) Services() []tolem.Service { return d.current.Load().byCode }

// Provider returns a provider by its id, active or not.
func (d *Directory) Provider(id tolem.ProviderID) (tolem.Provider, bool) {
	p, ok := d.current.Load().providers[id]
	return p, ok
}

// Providers returns every provider, by id.
func (d *Directory) Providers() []tolem.Provider {
	return slices.SortedFunc(maps.Values(d.current.Load().providers), func(a, b tolem.Provider) int { return cmp.Compare(a.ID, b.ID) })
}
