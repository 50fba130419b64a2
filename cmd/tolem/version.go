package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs}
	asJSON := jsonFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		v := buildVersion()
		if *asJSON {
			return printJSON(io.out, v)
		}
		fmt.Fprintf(io.out, "tolem %s (%s, %s)\n", v["version"], v["revision"], v["go"])
		return nil
	}
	return c
}

func buildVersion() map[string]string {
	v := map[string]string{"version": "unknown", "revision": "unknown", "go": "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v["version"], v["go"] = info.Main.Version, info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v["revision"] = s.Value
		}
	}
	return v
}
