package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/emit"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/optimize"
	"github.com/netpath/netpath/topology"
)

// optimizeFlags are the flags of optimize as given.
type optimizeFlags struct {
	estateFlags
	nsgs []string
	emit string
}

func (p *program) optimizeCommand() *cobra.Command {
	f := &optimizeFlags{}
	cmd := &cobra.Command{
		Use:   "optimize FILE|FOLDER|-…",
		Short: "Find NSGs with fewer rules and the same meaning",
		Long: `optimize takes out rules that change nothing, because no packet reaches them or because
the rules after them do the same, and makes one rule of several that differ in one list of
addresses or ports. Every step is proved on its own, whatever the data does not say, and
the whole by the exact sets of packets that the NSG allows, denies and leaves open before
and after, at every subnet where it applies. Nothing is changed in Azure.

A rule that nothing can be proved about is left as it is and named.`,
		Example: `  netpath optimize export/
  netpath optimize export/ --nsg nsg-app --emit az
  netpath optimize nsg.json --service-tags ServiceTags_Public.json -o json`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.optimize(cmd, args, f) }),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.nsgs, "nsg", nil, "a network security group by `name` or ID; repeatable (default all of the inputs)")
	fs.StringVar(&f.emit, "emit", "", "print what makes it so in a `form` too: az, powershell, arm, bicep or terraform; templates have the NSG whole")
	complete(cmd, "emit", emit.Forms()...)
	f.estateFlags.register(cmd)
	return cmd
}

func (p *program) optimize(cmd *cobra.Command, paths []string, f *optimizeFlags) error {
	if err := knownForm(&f.emit); err != nil {
		return err
	}
	if _, err := p.targets(); err != nil {
		return err
	}
	if err := p.oneStdin(paths, ""); err != nil {
		return err
	}
	s, err := p.openSession(cmd, paths, &f.estateFlags)
	if err != nil {
		return err
	}
	groups, err := s.groupsToOptimize(f.nsgs)
	if err != nil {
		return err
	}
	var plans []report.OptimizedGroup
	for _, g := range groups {
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		plan, err := optimize.Group(s.sim, g)
		if err != nil {
			return err
		}
		x := report.OptimizedGroup{Plan: plan}
		if f.emit != "" && len(plan.Edits) > 0 {
			blocks, err := emit.Group(emit.Form(f.emit), plan.After, plan.Edits...)
			if err != nil {
				return usagef("--emit %s: %w", f.emit, err)
			}
			for _, b := range blocks {
				x.Commands = append(x.Commands, backup.Command{Where: b.Where, Text: b.Text})
			}
		}
		plans = append(plans, x)
	}
	outs, err := s.openOutputs(report.Options{ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(func(w *report.Writer) error { return w.Optimize(plans) }); err != nil {
		return err
	}
	return s.finish("")
}

// groupsToOptimize are the named NSGs, or all whose rules are in the data.
func (s *session) groupsToOptimize(names []string) ([]*topology.NetworkSecurityGroup, error) {
	var out []*topology.NetworkSecurityGroup
	for _, name := range names {
		g, err := s.sim.NetworkSecurityGroup(name)
		if err != nil {
			return nil, err
		}
		if own, ok := topology.LookupID[*topology.NetworkSecurityGroup](s.loaded.Network, g.ID()); !ok || own != g || !g.RulesGiven {
			return nil, usagef("the rules of %s are not in the inputs as Azure holds them; export it with az network nsg show", g.Name)
		}
		out = append(out, g)
	}
	if len(names) > 0 {
		return out, nil
	}
	for _, g := range s.loaded.Network.NetworkSecurityGroups {
		if g.RulesGiven {
			out = append(out, g)
		}
	}
	if len(out) == 0 {
		return nil, usagef("no NSG with its rules is among the inputs; export them with az network nsg list -o json")
	}
	return out, nil
}
