package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	rules "github.com/netpath/netpath/sim/policy"
)

func (p *program) checkCommand() *cobra.Command {
	f := &estateFlags{}
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
    - id: backups
      backup-ready: {vms: ["*"], profiles: [vm-2018]}

Selectors: a machine, interface, address, service tag, CIDR block or Internet by name;
vm:, nic:, subnet: and asg: with a pattern (* is any part of a name), each with every
address of it; tag: and datacenter:. A pattern without a prefix is one of machines.

What is not certain never passes: an assertion with an undecided case, or with a
selector that selects nothing, is exit 4, a broken one exit 1, no assertion exit 5.`,
		Example: `  netpath check export/ --service-tags ServiceTags_Public.json
  netpath check export/ --policy netpath.yaml --ci -o text -o sarif=netpath.sarif -o junit=netpath.xml
  netpath check export/ -o github`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			p.formats = report.CheckFormats()
			return p.check(cmd, args, f)
		}),
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	f.seeksPolicy, f.hashes = true, true
	return cmd
}

func (p *program) check(cmd *cobra.Command, paths []string, f *estateFlags) error {
	if _, err := p.targets(); err != nil {
		return err
	}
	if err := p.oneStdin(paths, ""); err != nil {
		return err
	}
	s, err := p.openSession(cmd, paths, f)
	if err != nil {
		return err
	}
	switch {
	case s.policy.file == "":
		return usagef("no %s is in the working folder or above it; name the policy file with --policy", policyName)
	case len(s.policy.assertions) == 0:
		return &exitError{code: exitNothing, err: errNothing(s.policy.file)}
	}
	r, err := rules.Check(cmd.Context(), s.sim, s.policy.assertions)
	if err != nil {
		return err
	}
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
	run := report.CheckRun{Version: buildVersion().Version, Policy: s.policy.file, Strict: f.ci}
	for _, in := range s.loaded.Inputs {
		run.Inputs = append(run.Inputs, report.CheckInput{Path: in.Path, SHA256: in.SHA256})
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
	}
	return s.finish(taken)
}

// errNothing says that a policy file asserts nothing.
type errNothing string

func (e errNothing) Error() string {
	return string(e) + ": there is nothing to assert; write assertions (netpath check --help shows some)"
}
