package e2e

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"tolem/internal/tolemtest"
)

// A gateway that serves, however it was started, leaves no core dump.
//
// GW-P31
func TestServingProcessLeavesNoCoreDump(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("limits are read from /proc")
	}
	w := newWorld(t, tolemtest.SQLite(t))
	w.serve()
	limits, err := os.ReadFile("/proc/" + strconv.Itoa(w.cmd.Process.Pid) + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("%s", limits)
	}
}
