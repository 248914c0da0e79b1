package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of netpath",
		Example: `  netpath version
  netpath version -o json`,
		Args: noArgs,
		RunE: do(func(cmd *cobra.Command, _ []string) error {
			return p.write(func(w *report.Writer) error { return w.Version(buildVersion()) })
		}),
	}
}

// buildVersion reads what the Go tool wrote into the binary.
func buildVersion() report.Version {
	v := report.Version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
