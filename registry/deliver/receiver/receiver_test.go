package receiver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tolem/signing"
)

func part(n, of int64, content, whole string) delivery {
	hash := sha256.Sum256([]byte(whole))
	return delivery{
		requestID: "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001", number: "B-20261121-HALYK-1", form: "xml", name: "register.xml",
		hash: hex.EncodeToString(hash[:]), size: int64(len(whole)), part: n, parts: of, content: []byte(content),
	}
}

// Parts come in any order and more than once; the document appears once, when
// it is complete. The shelf is opened anew each time: it remembers nothing.
func TestShelf(t *testing.T) {
	dir := t.TempDir()
	for i, step := range []struct {
		d    delivery
		want effect
	}{
		{part(3, 3, "c", "abc"), stored}, {part(1, 3, "a", "abc"), stored}, {part(3, 3, "c", "abc"), stored},
		{part(2, 3, "b", "abc"), completed}, {part(1, 3, "a", "abc"), duplicate}, {part(1, 1, "abc", "abc"), duplicate},
	} {
		s := shelf{dir: dir}
		if got, err := s.put(step.d); err != nil || got != step.want {
			t.Errorf("step %d: %v, %v, want %v", i, got, err, step.want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "register.xml")); err != nil || string(b) != "abc" {
		t.Errorf("%q, %v", b, err)
	}
	s := shelf{dir: dir}
	if _, err := s.put(part(1, 1, "x", "x")); !errors.Is(err, errOtherContent) {
		t.Errorf("other content: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, partsDir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWrongPartsAreDropped(t *testing.T) {
	s := shelf{dir: t.TempDir()}
	if _, err := s.put(part(1, 2, "x", "ab")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.put(part(2, 2, "b", "ab")); !errors.Is(err, errWrongHash) {
		t.Fatalf("wrong parts: %v", err)
	}
	for n, content := range map[int64]string{1: "a", 2: "b"} {
		if _, err := s.put(part(n, 2, content, "ab")); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "register.xml")); err != nil {
		t.Error(err)
	}
}

// Whatever the gateway signs, what is read can name a file and nothing else.
func FuzzReadDelivery(f *testing.F) {
	f.Add("name", "register.xml", "size", "3", "part", "1", "content", "YWJj")
	f.Add("name", "../register.xml", "parts", "0", "hash", "x", "form", "xml")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3, n4, v4 string) {
		sound := []signing.Field{
			{Name: "requestId", Value: "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001"}, {Name: "number", Value: "B-1"}, {Name: "form", Value: "xml"},
			{Name: "name", Value: "r.xml"}, {Name: "hash", Value: part(1, 1, "", "").hash}, {Name: "size", Value: "0"}, {Name: "part", Value: "1"}, {Name: "parts", Value: "1"},
		}
		fields := append(sound, signing.Field{Name: n1, Value: v1}, signing.Field{Name: n2, Value: v2}, signing.Field{Name: n3, Value: v3}, signing.Field{Name: n4, Value: v4})
		d, err := readDelivery("DeliverDocument", fields)
		if err == nil && (d.name != filepath.Base(d.name) || d.part < 1 || d.part > d.parts || d.size < 0) {
			t.Errorf("%+v", d)
		}
	})
}
