package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
)

// backupFlags are the flags of backup as given.
type backupFlags struct {
	estateFlags
	vms, profiles           []string
	region, failOn, without string
	emit                    string
	allLegs                 bool
}

func (p *program) backupCommand() *cobra.Command {
	f := &backupFlags{}
	cmd := &cobra.Command{
		Use:   "backup FILE|FOLDER|-…",
		Short: "Say whether virtual machines can be backed up, by which way, and what stops them",
		Long: `backup asks for every virtual machine whether Azure Backup gets what it needs: the
destinations of a profile, by the way that the machine really uses; each of the three
ways out on its own (service tag, datacenter ranges, proxy) with the first leg that
fails; and whether the machine itself is fit. A machine that certainly fails is exit 1.

--profile says which rules are asked: vm-2018 (Storage of the region on 443), vm-2019
(the port by the kind of disk), vm-current (nothing outbound), sql, hana, mars.
--without leaves an element out of the estate and lists the machines that lose backup:
a virtual machine, an NSG, a rule (NSG/rule), a route table, a route (table/route), a
NAT gateway or a public IP address.

For a machine that does not pass the report has the least change for each way: made on
the simulated estate and examined again. --emit prints it as commands or a template.`,
		Example: `  netpath backup export/ --service-tags ServiceTags_Public.json
  netpath backup export/ overlay.yaml --vm app1 --all-legs
  netpath backup export/ --profile vm-current --profile sql -o json
  netpath backup export/ overlay.yaml --vm app1 --emit az
  netpath backup export/ overlay.yaml --without proxy1 --fail-on nothing`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.backup(cmd, args, f) }),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.vms, "vm", nil, "report on this virtual `machine`, with all details; repeatable (default every one of the estate)")
	registerProfiles(cmd, &f.profiles)
	fs.StringVar(&f.region, "region", "", "the `region` whose services are asked, by any of its names (default each machine's own)")
	fs.BoolVar(&f.allLegs, "all-legs", false, "show every leg of each way, not only the first that fails")
	fs.StringVar(&f.without, "without", "", "list the machines that lose backup when the `element` of this name goes")
	registerEmit(cmd, &f.emit)
	fs.StringVar(&f.failOn, "fail-on", "fail", "exit 1 on these `verdicts`: fail, unknown (and fail), nothing")
	f.estateFlags.register(cmd)
	complete(cmd, "fail-on", failOnWords...)
	return cmd
}

// registerProfiles adds the flag that names profiles of backup.
func registerProfiles(cmd *cobra.Command, profiles *[]string) {
	cmd.Flags().StringSliceVar(profiles, "profile", nil, "the backup `profile` asked: "+strings.Join(backup.ProfileNames(), ", ")+"; repeatable (default "+backup.DefaultProfile+")")
	complete(cmd, "profile", backup.ProfileNames()...)
}

// knownProfiles checks the profiles that a flag names, and folds their case.
func knownProfiles(names []string) (err error) {
	for i, name := range names {
		if names[i], err = oneOf("profile", name, backup.ProfileNames()...); err != nil {
			return err
		}
	}
	return nil
}

// failOnWords are the values of --fail-on of backup.
var failOnWords = []string{"fail", "unknown", "nothing"}

func (p *program) backup(cmd *cobra.Command, paths []string, f *backupFlags) error {
	failOn, err := oneOf("fail-on", f.failOn, failOnWords...)
	if err != nil {
		return err
	}
	if err := knownProfiles(f.profiles); err != nil {
		return err
	}
	if err := knownForm(&f.emit); err != nil {
		return err
	}
	targets, err := p.targets()
	if err != nil {
		return err
	}
	if err := p.oneStdin(paths, ""); err != nil {
		return err
	}
	s, err := p.openSession(cmd, paths, &f.estateFlags)
	if err != nil {
		return err
	}
	opt := backup.Options{Profiles: f.profiles, VMs: f.vms, Region: f.region, Ways: needsWays(targets), Remedies: needsWays(targets)}
	if len(f.vms) == 0 && !p.verbose && !needsAll(targets) {
		opt.Mend = report.DetailedMachines
	}
	r, err := backup.Examine(cmd.Context(), s.sim, opt)
	if err != nil {
		return err
	}
	for i := range r.VMs {
		for j := range r.VMs[i].Remedies {
			m := &r.VMs[i].Remedies[j]
			if m.Commands, err = emitted(f.emit, m.Edits); err != nil {
				return err
			}
		}
	}
	if f.without != "" {
		if err := s.without(cmd, r, f.without, opt); err != nil {
			return err
		}
	}
	for i := range r.VMs {
		m := &r.VMs[i]
		s.judge(m.Verdict, failOn)
		s.settle(answered{assumptions: m.Assumptions, underAssumptions: m.UnderAssumptions != ""})
	}
	for _, c := range r.Changes {
		s.judge(c.After, failOn)
	}
	if len(r.VMs) == 0 {
		p.warn("the inputs hold no virtual machine")
		s.codes.add(exitUndecided)
	}
	taken := s.scopeOf("machines without a proxy setting go direct", "a guest's own firewall counts where given")
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	view := report.BackupView{Details: len(f.vms) > 0, AllLegs: f.allLegs}
	if err := outs.write(func(w *report.Writer) error { return w.Backup(r, view) }); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}

// needsWays reports whether an output shows more than the table of machines.
func needsWays(list []target) bool {
	for _, t := range list {
		if t.format != report.Table {
			return true
		}
	}
	return false
}

// needsAll reports whether an output tells of every machine all that is known.
func needsAll(list []target) bool {
	return slices.ContainsFunc(list, func(t target) bool { return t.format != report.Table && t.format != report.Text })
}

// without compares the report with that of the estate without an element.
func (s *session) without(cmd *cobra.Command, r *backup.Report, name string, opt backup.Options) error {
	n, gone, err := backup.Without(s.loaded.Network, name)
	if err != nil {
		return err
	}
	after, err := sim.New(n, s.opts)
	if err != nil {
		return err
	}
	opt.Ways, opt.Remedies = false, false
	then, err := backup.Examine(cmd.Context(), after, opt)
	if err != nil {
		return err
	}
	r.Without, r.Changes = &gone, gone.Compare(r, then)
	return nil
}

// judge adds the exit code that a machine's verdict stands for.
func (s *session) judge(v backup.Verdict, failOn string) {
	switch v {
	case backup.Fail:
		if failOn != "nothing" {
			s.codes.add(exitBroken)
		}
	case backup.Unknown:
		s.codes.add(exitUndecided)
		if failOn == "unknown" {
			s.codes.add(exitBroken)
		}
	}
}
