package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"reflect"
	"text/template"
)

//go:embed sample.yaml.tmpl
var sampleTemplate string

// Sample returns the configuration as a commented file that Load reads back.
// Every key stands in it; `tolem init` writes it.
func Sample(c Config) ([]byte, error) {
	root := reflect.ValueOf(c)
	keys := settings()
	set := func(name string) (string, error) {
		k, ok := find(keys, name)
		if !ok {
			return "", fmt.Errorf("sample names %s, which is no key", name)
		}
		return scalar(root.FieldByIndex(k.index).Interface()), nil
	}
	t, err := template.New("sample.yaml").Funcs(template.FuncMap{"set": set}).Parse(sampleTemplate)
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return b.Bytes(), nil
}
