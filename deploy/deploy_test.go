// Package deploy_test checks the files an operator installs the gateway with.
package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"tolem/config"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the unit leaves open to an attacker who has taken over the program, as
// systemd counts it: 10 is everything, below 2 is little.
func TestUnitIsHardened(t *testing.T) {
	const most = "20" // tenths
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("NOT TESTED: systemd-analyze is not installed")
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+most, "./tolem.service").CombinedOutput()
	switch {
	case !strings.Contains(string(out), "Overall exposure level"):
		t.Skipf("NOT TESTED: this systemd-analyze cannot judge a file: %v\n%s", err, out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
}

// The unit gives the program the time it takes to end.
func TestUnitWaitsForTheGrace(t *testing.T) {
	m := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(read(t, "tolem.service"))
	if m == nil {
		t.Fatal("the unit sets no TimeoutStopSec")
	}
	if d, err := time.ParseDuration(m[1]); err != nil || d <= config.Defaults().Shutdown.Grace {
		t.Errorf("TimeoutStopSec is %s, %v; the grace is %v", m[1], err, config.Defaults().Shutdown.Grace)
	}
}

// The folder of rendered documents lies where the program may write: by default
// it is beside the configuration, which is read-only.
func TestDocumentsCanBeRendered(t *testing.T) {
	const folder = "/var/lib/tolem/registers-cache"
	name := config.Variable("registers.folder")
	if !strings.Contains(read(t, "tolem.service"), "\nEnvironment="+name+"="+folder+"\n") {
		t.Errorf("the unit does not set %s", name)
	}
	if !strings.Contains(read(t, "compose.yaml"), name+": "+folder) {
		t.Errorf("the composition does not set %s", name)
	}
}

// The image is built with the Go that go.mod asks for.
func TestImageHasTheRightGo(t *testing.T) {
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(read(t, "Dockerfile"), "FROM golang:"+want+"-") {
		t.Errorf("the Dockerfile does not build with Go %s", want)
	}
}

// Every setting the composition makes is one the program knows.
func TestComposition(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, key := range config.Keys() {
		known[config.Variable(key)] = true
	}
	gateway, ok := file.Services["gateway"]
	if !ok || len(gateway.Environment) == 0 {
		t.Fatal("no gateway in the composition")
	}
	for name := range gateway.Environment {
		if !known[name] {
			t.Errorf("%s sets nothing", name)
		}
	}
	for name, service := range file.Services {
		for _, v := range service.Volumes {
			if from, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(from, ".") {
				if _, ok := file.Volumes[from]; !ok {
					t.Errorf("%s mounts %s, which is no volume", name, from)
				}
			}
		}
	}
}
