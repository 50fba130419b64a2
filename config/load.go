package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// maxFileSize bounds the configuration file and the files that hold a secret.
const maxFileSize = 1 << 20

// Sentinels of Load; the error says which key, where it was set and what to
// do.
var (
	ErrUnknownKey = errors.New("unknown key")
	ErrBadValue   = errors.New("bad value")
)

// Load reads the file, then the variables of environ (as os.Environ returns
// them) that begin with TOLEM_, then overrides, which come from the command
// line; the later wins. An empty variable counts as not set. Relative paths in
// the file are taken from the file's folder, others from the working folder.
// The result is not validated yet.
func Load(file string, environ []string, overrides map[string]string) (*Config, error) {
	l := loader{keys: settings(), into: koanf.New("."), folder: filepath.Dir(file)}
	steps := []func() error{
		l.defaults,
		func() error { return l.file(file) },
		func() error { return l.environment(environ) },
		func() error { return l.commandLine(overrides) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	var c Config
	if err := l.into.Unmarshal("", &c); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", file, ErrBadValue, err)
	}
	if err := c.readDatabaseFile(); err != nil {
		return nil, err
	}
	return &c, nil
}

// loader lays one source of settings over the other.
type loader struct {
	keys   []key
	into   *koanf.Koanf
	folder string // of the configuration file
}

func (l *loader) defaults() error {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(Defaults(), "koanf"), nil); err != nil {
		return fmt.Errorf("defaults: %w", err)
	}
	return l.lay("defaults", k, l.folder)
}

func (l *loader) file(path string) error {
	text, err := readLimited(path)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if twice := leaves(k.Raw()) - len(k.All()); twice > 0 {
		return fmt.Errorf("%s: %w: a key is set twice, once nested and once with dots", path, ErrBadValue)
	}
	return l.lay(path, k, l.folder)
}

// leaves counts the values of a nested map.
func leaves(m map[string]any) int {
	n := 0
	for _, v := range m {
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			n += leaves(sub)
		} else {
			n++
		}
	}
	return n
}

// environment refuses variables it does not know, for a misspelt one is a
// setting that silently does not hold.
func (l *loader) environment(environ []string) error {
	names := make(map[string]string, len(l.keys))
	for _, k := range l.keys {
		names[Variable(k.name)] = k.name
	}
	var unknown error
	k := koanf.New(".")
	err := k.Load(env.Provider(".", env.Opt{
		Prefix:      Prefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" || foreign(name) {
				return "", nil
			}
			if _, ok := names[name]; !ok {
				near := nearest(name, slices.Sorted(maps.Keys(names)))
				unknown = errors.Join(unknown, fmt.Errorf("environment: %w %s; did you mean %s?", ErrUnknownKey, name, near))
			}
			return names[name], value
		},
	}), nil)
	if err := errors.Join(unknown, err); err != nil {
		return err
	}
	return l.lay("environment", k, "")
}

// foreign reports whether the variable has our prefix but another meaning:
// Kubernetes sets TOLEM_SERVICE_… and TOLEM_PORT… for a service called tolem,
// the tests of this module use TOLEM_TEST_….
func foreign(name string) bool {
	rest := strings.TrimPrefix(name, Prefix)
	return strings.HasPrefix(rest, "SERVICE_") || strings.HasPrefix(rest, "PORT") || strings.HasPrefix(rest, "TEST_")
}

func (l *loader) commandLine(overrides map[string]string) error {
	k := koanf.New(".")
	for name, value := range overrides {
		if err := k.Set(name, value); err != nil {
			return fmt.Errorf("command line: %s: %w", name, err)
		}
	}
	return l.lay("command line", k, "")
}

// lay checks the settings of one source and lays them over the earlier ones.
func (l *loader) lay(source string, from *koanf.Koanf, folder string) error {
	values := from.All()
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, err := l.check(name, values[name], folder)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", source, err))
			continue
		}
		values[name] = value
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := l.oneDatabase(source, values); err != nil {
		return err
	}
	for name, value := range values {
		if value == nil {
			continue
		}
		if err := l.into.Set(name, value); err != nil {
			return fmt.Errorf("%s: %s: %w", source, name, err)
		}
	}
	return nil
}

// check returns the value as it is to be kept, nil for an empty section.
func (l *loader) check(name string, value any, folder string) (any, error) {
	k, known := find(l.keys, name)
	switch m, isMap := value.(map[string]any); {
	case !known && isSection(l.keys, name):
		if value == nil || isMap && len(m) == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %s is a section, not a value", ErrBadValue, name)
	case !known:
		return nil, fmt.Errorf("%w %s; did you mean %s?", ErrUnknownKey, name, nearest(name, Keys()))
	case value == nil && k.list:
		return []any{}, nil
	case value == nil, isMap:
		return nil, fmt.Errorf("%w: %s needs a value", ErrBadValue, name)
	}
	if k.duration {
		switch value.(type) {
		case int, int64, uint64, float64:
			return nil, fmt.Errorf("%w: %s: %v has no unit, write 30s, 5m or 24h", ErrBadValue, name, value)
		}
	}
	if text, ok := value.(string); ok && k.list {
		value = split(text)
	}
	if list, ok := value.([]any); ok {
		value = mapSlice(list, asWritten)
	}
	if k.path {
		return rebase(value, folder), nil
	}
	return value, nil
}

// asWritten undoes what YAML makes of a day that is not in quotes.
func asWritten(value any) any {
	if t, ok := value.(time.Time); ok {
		return t.Format(time.DateOnly)
	}
	return value
}

// split reads a list written as text: a,b,c.
func split(text string) []any {
	list := []any{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// oneDatabase lets database and database_file stand for each other: what a
// later source says of one replaces what an earlier said of the other.
func (l *loader) oneDatabase(source string, values map[string]any) error {
	if values["database_file"] == "" {
		delete(values, "database_file")
	}
	_, direct := values["database"]
	_, byFile := values["database_file"]
	switch {
	case direct && byFile:
		return fmt.Errorf("%s: %w: set database or database_file, not both", source, ErrBadValue)
	case direct:
		l.into.Delete("database_file")
	case byFile:
		l.into.Delete("database")
	}
	return nil
}

// rebase makes the relative paths in a value relative to the folder.
func rebase(value any, folder string) any {
	switch v := value.(type) {
	case string:
		return rebasePath(v, folder)
	case []string:
		return mapSlice(v, func(s string) any { return rebasePath(s, folder) })
	case []any:
		return mapSlice(v, func(s any) any { return rebase(s, folder) })
	}
	return value
}

func mapSlice[S any](in []S, f func(S) any) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}

// sqliteScheme opens a database address that is a path.
const sqliteScheme = "sqlite:"

func rebasePath(s, folder string) string {
	if path, ok := strings.CutPrefix(s, sqliteScheme); ok {
		return sqliteScheme + rebasePath(path, folder)
	}
	if s == "" || folder == "" || filepath.IsAbs(s) || strings.Contains(s, "://") {
		return s
	}
	return filepath.Join(folder, s)
}

// readDatabaseFile replaces the name of the secret file by its content.
func (c *Config) readDatabaseFile() error {
	if c.DatabaseFile == "" {
		return nil
	}
	info, err := os.Stat(c.DatabaseFile)
	if err != nil {
		return fmt.Errorf("database_file: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("database_file: %w: everyone on this machine may read %s (mode %04o), make it 0600",
			ErrBadValue, c.DatabaseFile, info.Mode().Perm())
	}
	text, err := readLimited(c.DatabaseFile)
	if err != nil {
		return fmt.Errorf("database_file: %w", err)
	}
	c.Database = strings.TrimSpace(string(text))
	return nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFileSize)
	}
	return text, err
}
