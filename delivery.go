package tolem

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// DeliveryMethod says how signed documents are pushed to a participant.
type DeliveryMethod string

// The methods.
const (
	BySOAP   DeliveryMethod = "soap"   // signed messages to the participant's endpoint
	ByFolder DeliveryMethod = "folder" // files in a folder of this host
	BySFTP   DeliveryMethod = "sftp"   // files on the participant's SFTP server
	ByPost   DeliveryMethod = "post"   // the signed document itself, posted to the participant's web server
)

// DeliveryMethods lists every method.
var DeliveryMethods = []DeliveryMethod{ByFolder, ByPost, BySFTP, BySOAP}

// DeliveryForms lists the renderings of a document that can be pushed.
var DeliveryForms = []string{"xml", "csv", "xlsx", "pdf"}

// The kinds of documents that are pushed, as they stand in messages and lists.
const (
	DeliverRegister = "register" // ref: its number
	DeliverReport   = "report"
	DeliverClaim    = "claim"
	DeliverResult   = "result" // of a merchant's order
)

// The settings of an SFTP target. Secrets are named by their file: they never
// enter the database.
const (
	SettingHostKey      = "host-key"      // the line of known_hosts that pins the server
	SettingUser         = "user"          // whom to log in as
	SettingKeyFile      = "key-file"      // private key, or
	SettingPasswordFile = "password-file" // password
)

// DeliveryTarget is a place to which documents of a participant are pushed. A
// participant may have several, told apart by Name.
type DeliveryTarget struct {
	Participant ParticipantID
	Name        string
	Method      DeliveryMethod
	Address     string // soap, post: https URL; folder: absolute path; sftp: sftp://HOST[:PORT]/FOLDER
	Forms       []string
	Settings    map[string]string
	Active      bool
}

// String returns the target as it stands in logs: HALYK/main.
func (t DeliveryTarget) String() string { return string(t.Participant) + "/" + t.Name }

// ErrDeliveryTarget reports a target to which nothing could be pushed.
var ErrDeliveryTarget = errors.New("delivery target cannot be used")

// Check returns ErrDeliveryTarget with what is wrong.
func (t DeliveryTarget) Check() error {
	for _, step := range [...]func() error{t.checkNames, t.checkForms, t.checkAddress, t.checkSettings} {
		if err := step(); err != nil {
			return fmt.Errorf("%w: %w", ErrDeliveryTarget, err)
		}
	}
	return nil
}

func (t DeliveryTarget) checkNames() error {
	if err := CheckIdentifier(string(t.Participant)); err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	if err := CheckIdentifier(t.Name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if !slices.Contains(DeliveryMethods, t.Method) {
		return fmt.Errorf("method %q: want folder, post, sftp or soap", t.Method)
	}
	return nil
}

func (t DeliveryTarget) checkForms() error {
	if len(t.Forms) == 0 {
		return errors.New("no form to push")
	}
	for _, form := range t.Forms {
		if !slices.Contains(DeliveryForms, form) {
			return fmt.Errorf("form %q: want one of %s", form, strings.Join(DeliveryForms, ", "))
		}
		if t.Method == ByPost && form != "xml" {
			return fmt.Errorf("form %q: what is posted is the signed document, xml", form)
		}
	}
	return nil
}

// maxDeliveryAddress bounds an address, in bytes.
const maxDeliveryAddress = 1024

func (t DeliveryTarget) checkAddress() error {
	if len(t.Address) > maxDeliveryAddress {
		return fmt.Errorf("address is longer than %d bytes", maxDeliveryAddress)
	}
	if t.Method == ByFolder {
		if !filepath.IsAbs(t.Address) || filepath.Clean(t.Address) != t.Address {
			return fmt.Errorf("address %q: want the full path of a folder", t.Address)
		}
		return nil
	}
	scheme := map[DeliveryMethod]string{BySOAP: "https", BySFTP: "sftp", ByPost: "https"}[t.Method]
	u, err := url.Parse(t.Address)
	if err == nil && t.Method == ByPost && u.Scheme == "http" && loopback(u.Hostname()) {
		scheme = "http" // for trying things out on one machine
	}
	switch {
	case err != nil, u.Scheme != scheme, u.Hostname() == "", u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("address: want %s://HOST[:PORT]/PATH without query", scheme)
	case u.User != nil:
		return errors.New("address: user and password do not stand in it")
	}
	return nil
}

func (t DeliveryTarget) checkSettings() error {
	for name := range t.Settings {
		if t.Method != BySFTP || !slices.Contains([]string{SettingHostKey, SettingUser, SettingKeyFile, SettingPasswordFile}, name) {
			return fmt.Errorf("setting %q does not belong to method %s", name, t.Method)
		}
	}
	if t.Method != BySFTP {
		return nil
	}
	if t.Settings[SettingHostKey] == "" {
		return errors.New("host-key is missing: without it nobody knows whose server it is")
	}
	if t.Settings[SettingUser] == "" {
		return errors.New("user is missing")
	}
	if (t.Settings[SettingKeyFile] == "") == (t.Settings[SettingPasswordFile] == "") {
		return errors.New("want either key-file or password-file")
	}
	for _, name := range []string{SettingKeyFile, SettingPasswordFile} {
		if file := t.Settings[name]; file != "" && !filepath.IsAbs(file) {
			return fmt.Errorf("%s: want a full path", name)
		}
	}
	return nil
}

// DeliveryState says how far a delivery is.
type DeliveryState uint8

// The states, as they are stored.
const (
	DeliveryWaiting   DeliveryState = 1 // is or will be tried
	DeliveryDelivered DeliveryState = 2 // the receiver has confirmed it
	DeliveryDead      DeliveryState = 3 // was tried as often as may be; somebody has to look
)

// DeliveryStates lists every state.
var DeliveryStates = []DeliveryState{DeliveryWaiting, DeliveryDelivered, DeliveryDead}

// String returns the state as people and machines see it.
func (s DeliveryState) String() string {
	switch s {
	case DeliveryWaiting:
		return "waiting"
	case DeliveryDelivered:
		return "delivered"
	case DeliveryDead:
		return "dead"
	}
	return fmt.Sprintf("DeliveryState(%d)", uint8(s))
}

// ParseDeliveryState returns the state named by s.
func ParseDeliveryState(s string) (DeliveryState, error) {
	for _, state := range DeliveryStates {
		if state.String() == s {
			return state, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q: want waiting, delivered or dead", s)
}
