package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	rules "github.com/netpath/netpath/sim/policy"
)

func (p *program) checkCommand() *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check FILE|FOLDER|-…",
		Short: "Check an estate against the assertions of a policy file",
		Long: `check asks every assertion of netpath.yaml, found upward from the working folder or
named with --policy. An assertion says what must hold of a network, quantified over all
that its selectors select:

  assertions:
    - id: app-reaches-storage
      allow: {from: subnet:v1/app, to: Storage.WestEurope, ports: 443}
      reason: the backup extension writes to storage
    - id: no-rdp-from-outside
      deny: {from: Internet, to: ["vm:*"], ports: [22, 3389]}
    - id: database
      only: {from: subnet:v1/app, to: subnet:v1/db, ports: 1433}
    - id: backups
      backup-ready: {vms: ["*"], profiles: [vm-2018]}
    - id: nothing-new
      no-newly-allowed: {baseline: export-of-main/}
    - id: no-lint-errors
      lint: {fail-on: error}

Selectors: a machine, interface, address, service tag, CIDR block or Internet by name;
vm:, nic:, subnet: and asg: with a pattern (* is any part of a name) or a resource tag
(vm:env=prod), each with every address of it; label: for machines and interfaces by
resource tag; tag: and datacenter:. A pattern without a prefix is one of machines.

suppressions in the policy file take out what is accepted, with a reason, an owner and
an expiry; --baseline takes out what an earlier run wrote down with --write-baseline,
with the packets of each finding: where more are open, the finding is new.

What is not certain never passes: an assertion with an undecided case, or with a
selector that selects nothing, is exit 4, a broken one exit 1, no assertion exit 5.`,
		Example: `  netpath check export/ --service-tags ServiceTags_Public.json
  netpath check export/ --policy netpath.yaml --ci -o text -o sarif=netpath.sarif -o junit=netpath.xml
  netpath check export/ --baseline netpath-baseline.json -o github`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			p.formats = report.CheckFormats()
			return p.check(cmd, args, f)
		}),
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	cmd.Flags().StringVar(&f.baseline, "baseline", "", "leave out of the verdict the findings of `file`, which an earlier run wrote")
	cmd.Flags().StringVar(&f.writeBaseline, "write-baseline", "", "write all that is not met now to `file`, for --baseline of later runs, and leave it out of the verdict")
	f.seeksPolicy, f.hashes = true, true
	return cmd
}

type checkFlags struct {
	estateFlags
	baseline, writeBaseline string
}

func (p *program) check(cmd *cobra.Command, paths []string, f *checkFlags) error {
	if _, err := p.targets(); err != nil {
		return err
	}
	if err := p.oneStdin(paths, ""); err != nil {
		return err
	}
	if f.baseline != "" && f.writeBaseline != "" {
		return usagef("--baseline and --write-baseline: one run reads a baseline or writes one")
	}
	var old []rules.Finding
	if f.baseline != "" {
		var err error
		if old, err = readBaseline(f.baseline); err != nil {
			return err
		}
	}
	s, err := p.openSession(cmd, paths, &f.estateFlags)
	if err != nil {
		return err
	}
	switch {
	case s.policy.file == "":
		return usagef("no %s is in the working folder or above it; name the policy file with --policy", policyName)
	case len(s.policy.assertions) == 0:
		return &exitError{code: exitNothing, err: errNothing(s.policy.file)}
	}
	if err := s.loadEarlier(cmd, f); err != nil {
		return err
	}
	opts := s.policy.suppressing(old)
	r, err := rules.Check(cmd.Context(), s.sim, s.policy.assertions, opts)
	if err != nil {
		return err
	}
	run := report.CheckRun{Version: buildVersion().Version, Policy: s.policy.file, Strict: f.ci, Baseline: f.baseline}
	if f.writeBaseline != "" {
		if err := writeBaseline(f.writeBaseline, r.Findings); err != nil {
			return err
		}
		run.Baseline = f.writeBaseline
		r.Rebase()
	}
	return s.reportCheck(r, run)
}

// loadEarlier reads the exports that assertions compare the estate with, each
// once. The service tag files that flags name hold for them too.
func (s *session) loadEarlier(cmd *cobra.Command, f *checkFlags) error {
	known := map[string]*sim.Simulator{}
	for _, a := range s.policy.assertions {
		paths := s.policy.earlier[a]
		if len(paths) == 0 {
			continue
		}
		key := strings.Join(paths, "\x00")
		if known[key] == nil {
			for _, name := range paths {
				if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
					return usagef("%s: assertion %q: the baseline %s is not there", a.Origin, a.ID, name)
				}
			}
			loaded, err := s.load(cmd, paths, &f.fileFlags, f.keepGoing)
			if err != nil {
				return err
			}
			if len(loaded.Refused) > 0 {
				s.codes.add(exitRefused)
			}
			if known[key], err = sim.New(loaded.Network, s.opts); err != nil {
				return refused(err)
			}
			s.compared = append(s.compared, loaded.Inputs...)
		}
		a.Earlier = known[key]
	}
	return nil
}

// reportCheck writes the report of a check and ends the run.
func (s *session) reportCheck(r *rules.Report, run report.CheckRun) error {
	for i := range r.Results {
		x := &r.Results[i]
		switch x.Verdict {
		case rules.Fail:
			s.codes.add(exitBroken)
		case rules.Unknown:
			s.codes.add(exitUndecided)
		}
		s.settle(answered{assumptions: x.Assumptions, underAssumptions: x.UnderAssumptions})
	}
	for _, in := range slices.Concat(s.loaded.Inputs, s.compared) {
		run.Inputs = append(run.Inputs, report.CheckInput{Path: in.Path, SHA256: in.SHA256})
	}
	l := s.loaded.Ledger
	run.Read = report.CheckRead{Values: l.Leaves, Used: l.Used, Irrelevant: l.Irrelevant, NotModelled: l.NotModelled}
	if s.policy.remark(&run, r) {
		s.codes.add(exitBroken)
	}
	taken := s.scopeOf("machines without a proxy setting go direct", "a guest's own firewall counts where given")
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(func(w *report.Writer) error { return w.Check(r, run) }); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	} else {
		for _, x := range run.Remarks {
			s.remark(x)
		}
	}
	return s.finish(taken)
}

// remark prints a remark of the report on standard error, where the log of a
// job is read.
func (p *program) remark(x report.CheckRemark) {
	text := x.Text
	if at := x.Origin.String(); at != "" {
		text = at + ": " + text
	}
	if x.Error {
		p.complain("%s", text)
	} else {
		p.warn("%s", text)
	}
}

// errNothing says that a policy file asserts nothing.
type errNothing string

func (e errNothing) Error() string {
	return string(e) + ": there is nothing to assert; write assertions (netpath check --help shows some)"
}
