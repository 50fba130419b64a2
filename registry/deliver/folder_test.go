package deliver_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
	"tolem/store"
)

func sqliteWorld(t *testing.T) *world {
	t.Helper()
	clock := tolemtest.NewClock(time.Now())
	return newWorld(t, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), clock)
}

// A file is there whole or not at all, whenever one looks.
func TestNoPartialFileIsSeen(t *testing.T) {
	w := sqliteWorld(t)
	dir := w.folder("main")
	w.library.size = 30 << 20
	w.enqueue(number(1))
	name := filepath.Join(dir, number(1)+".xml")
	done, looked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			if info, err := os.Stat(name); err == nil && info.Size() != int64(w.library.size+len(number(1))+5) {
				t.Errorf("a file of %d bytes was seen", info.Size())
			}
			n++
			select {
			case <-done:
				looked <- n
				return
			default:
			}
		}
	}()
	w.run(w.courier(nil))
	close(done)
	t.Logf("looked %d times", <-looked)
	w.expect("")
	if files := must(os.ReadDir(dir)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	if mode := must(os.Stat(name)).Mode().Perm(); mode != 0o640 {
		t.Errorf("mode %v", mode)
	}
}

func TestFolderNeverOverwrites(t *testing.T) {
	w := sqliteWorld(t)
	dir := w.folder("main")
	name := filepath.Join(dir, number(1)+".xml")
	w.enqueue(number(1))
	for what, content := range map[string][]byte{
		"same size": append(w.library.content(number(1), "xml")[1:], 'x'), "other size": []byte("mine"),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		w.run(w.courier(nil))
		w.expect("other-content")
		if string(must(os.ReadFile(name))) != string(content) {
			t.Errorf("%s: overwritten", what)
		}
		w.clock.Advance(time.Hour)
	}
	// The same content is what was to be done.
	if err := os.WriteFile(name, w.library.content(number(1), "xml"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(w.courier(nil))
	w.expect("")
}

// named gives every document a name.
type named struct {
	*library
	name string
}

func (n named) Open(ctx context.Context, kind, ref, form string) (*deliver.Document, error) {
	d, err := n.library.Open(ctx, kind, ref, form)
	if err == nil {
		d.Name = n.name
	}
	return d, err
}

// No name leads out of the folder, and no link that lies in it.
func TestNothingEscapesTheFolder(t *testing.T) {
	w := sqliteWorld(t)
	dir := w.folder("main")
	w.enqueue(number(1))
	for _, name := range []string{"../x", "/etc/x", "..", ".", "", ".hidden", "a/b", `a\b`, "a\x00b", "a b", "a\nb", strings.Repeat("a", 129)} {
		courier := w.courier(func(c *deliver.Config) { c.Documents = named{w.library, name} })
		w.run(courier)
		w.expect("document")
		w.clock.Advance(time.Hour)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, filepath.Join(dir, number(1)+".xml")); err != nil {
		t.Fatal(err)
	}
	w.run(w.courier(nil))
	w.expect("other-content")
	if _, err := os.Stat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was written outside of the folder")
	}
	if files := must(os.ReadDir(dir)); len(files) != 1 {
		t.Errorf("in the folder: %v", files)
	}
	err := w.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := deliver.Enqueue(tx, owner, tolem.DeliverRegister, "../x")
		return err
	})
	if !errors.Is(err, deliver.ErrDocument) {
		t.Errorf("a number that is a path: %v", err)
	}
}

// What a crash left behind is cleared away.
func TestLeftOversAreCleared(t *testing.T) {
	w := sqliteWorld(t)
	dir := w.folder("main")
	w.enqueue(number(1))
	id := w.only(number(1)).ID
	left := filepath.Join(dir, "."+number(1)+".xml."+id.String()+"-1.part")
	w.library.poison[number(1)] = func() error { return errors.New("crash") }
	w.run(w.courier(nil))
	if err := os.WriteFile(left, []byte("half a regis"), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(w.library.poison, number(1))
	w.clock.Advance(time.Hour)
	w.run(w.courier(nil))
	w.expect("")
	if files := must(os.ReadDir(dir)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

// failing breaks while it is read.
type failing struct{ *library }

func (f failing) Open(ctx context.Context, kind, ref, form string) (*deliver.Document, error) {
	d, err := f.library.Open(ctx, kind, ref, form)
	if err == nil {
		d.Content = io.NopCloser(io.MultiReader(d.Content, broken{}))
	}
	return d, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, errors.New("the register could not be read to its end")
}

// A rendering that breaks off never leaves the house.
func TestHalfARenderingIsNotSent(t *testing.T) {
	w := sqliteWorld(t)
	dir := w.folder("main")
	w.enqueue(number(1))
	spool := t.TempDir()
	w.run(w.courier(func(c *deliver.Config) { c.Documents, c.Spool = failing{w.library}, spool }))
	w.expect("document")
	for _, d := range []string{dir, spool} {
		if files := must(os.ReadDir(d)); len(files) != 0 {
			t.Errorf("in %s: %v", d, files)
		}
	}
}
