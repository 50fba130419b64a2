package tolem

import (
	"errors"
	"testing"
)

func TestDeliveryTargetCheck(t *testing.T) {
	sftp := func() DeliveryTarget {
		return DeliveryTarget{
			Participant: "HALYK", Name: "main", Method: BySFTP, Address: "sftp://files.example/in", Forms: []string{"xml"},
			Settings: map[string]string{SettingHostKey: "k", SettingUser: "u", SettingKeyFile: "/k"},
		}
	}
	good := []DeliveryTarget{
		sftp(),
		{Participant: "A", Name: "b", Method: ByFolder, Address: "/srv/in", Forms: []string{"xml", "pdf"}},
		{Participant: "A", Name: "b", Method: BySOAP, Address: "https://h:1/x", Forms: []string{"csv"}},
		{Participant: "A", Name: "b", Method: ByPost, Address: "https://h/x", Forms: []string{"xml"}},
		{Participant: "A", Name: "b", Method: ByPost, Address: "http://127.0.0.1:1/x", Forms: []string{"xml"}},
	}
	for _, g := range good {
		if err := g.Check(); err != nil {
			t.Errorf("%+v: %v", g, err)
		}
	}
	for name, spoil := range map[string]func(*DeliveryTarget){
		"no participant":    func(d *DeliveryTarget) { d.Participant = "" },
		"name with a slash": func(d *DeliveryTarget) { d.Name = "a/b" },
		"unknown method":    func(d *DeliveryTarget) { d.Method = "ftp" },
		"no form":           func(d *DeliveryTarget) { d.Forms = nil },
		"unknown form":      func(d *DeliveryTarget) { d.Forms = []string{"exe"} },
		"other scheme":      func(d *DeliveryTarget) { d.Address = "ftp://h/x" },
		"no host":           func(d *DeliveryTarget) { d.Address = "sftp:///x" },
		"password in it":    func(d *DeliveryTarget) { d.Address = "sftp://u:p@h/x" },
		"query":             func(d *DeliveryTarget) { d.Address = "sftp://h/x?y" },
		"no host key":       func(d *DeliveryTarget) { delete(d.Settings, SettingHostKey) },
		"no user":           func(d *DeliveryTarget) { delete(d.Settings, SettingUser) },
		"no secret":         func(d *DeliveryTarget) { delete(d.Settings, SettingKeyFile) },
		"two secrets":       func(d *DeliveryTarget) { d.Settings[SettingPasswordFile] = "/p" },
		"relative secret":   func(d *DeliveryTarget) { d.Settings[SettingKeyFile] = "k" },
		"unknown setting":   func(d *DeliveryTarget) { d.Settings["password"] = "secret" },
		"plain http":        func(d *DeliveryTarget) { d.Method, d.Settings, d.Address = BySOAP, nil, "http://h/x" },
		"plain post":        func(d *DeliveryTarget) { d.Method, d.Settings, d.Address = ByPost, nil, "http://h/x" },
		"post of a table": func(d *DeliveryTarget) {
			d.Method, d.Settings, d.Address, d.Forms = ByPost, nil, "https://h/x", []string{"csv"}
		},
		"relative folder":    func(d *DeliveryTarget) { d.Method, d.Settings, d.Address = ByFolder, nil, "in" },
		"folder with dots":   func(d *DeliveryTarget) { d.Method, d.Settings, d.Address = ByFolder, nil, "/srv/../etc" },
		"setting of another": func(d *DeliveryTarget) { d.Method, d.Address = ByFolder, "/srv" },
	} {
		d := sftp()
		spoil(&d)
		if err := d.Check(); !errors.Is(err, ErrDeliveryTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
