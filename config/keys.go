package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Prefix opens the name of every environment variable that sets a key:
// soap.listen is TOLEM_SOAP_LISTEN.
const Prefix = "TOLEM_"

// key is one setting as the tags of Config describe it.
type key struct {
	name                         string // soap.tls.cert
	index                        []int  // of the field in Config
	path, secret, list, duration bool
}

// Variable returns the name of the environment variable that sets a key.
func Variable(key string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Keys lists the name of every setting, in the order of the sample file.
func Keys() []string {
	keys := settings()
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// settings reads the tags of Config.
func settings() []key { return walk(reflect.TypeFor[Config](), "", nil) }

func walk(t reflect.Type, prefix string, index []int) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		name := prefix + f.Tag.Get("koanf")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, walk(f.Type, name+".", at)...)
			continue
		}
		is := strings.Fields(f.Tag.Get("is"))
		keys = append(keys, key{
			name:     name,
			index:    at,
			path:     slices.Contains(is, "path"),
			secret:   slices.Contains(is, "secret"),
			list:     f.Type.Kind() == reflect.Slice,
			duration: f.Type == reflect.TypeFor[time.Duration](),
		})
	}
	return keys
}

// find returns the key of that name.
func find(keys []key, name string) (key, bool) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return keys[i], true
}

// isSection reports whether keys stand below the name.
func isSection(keys []key, name string) bool {
	return slices.ContainsFunc(keys, func(k key) bool { return strings.HasPrefix(k.name, name+".") })
}

// nearest returns the candidate that takes the fewest edits to reach. A key
// whose last part is equal counts as near: people forget the section.
func nearest(name string, candidates []string) string {
	last := func(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
	return slices.MinFunc(candidates, func(a, b string) int {
		far := func(c string) int {
			d := 2 * edits(name, c)
			if last(c) == last(name) {
				d /= 2
			}
			return d
		}
		return cmp.Compare(far(a), far(b))
	})
}

// edits is the Levenshtein distance of two names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
