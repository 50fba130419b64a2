package tolemtest

import (
	"os"
	"testing"
	"time"
)

// folderTries and folderPause bound how long the processes of a program may go on
// writing after it was told to end.
const (
	folderTries = 100
	folderPause = 100 * time.Millisecond
)

// Folder returns an empty folder for a program of many processes, such as a
// browser. Unlike t.TempDir it waits at the end until none of them writes there
// any more.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tolemtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range folderTries {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(folderPause)
		}
		t.Error(err)
	})
	return dir
}
