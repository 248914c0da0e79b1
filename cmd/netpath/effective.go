package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// effectiveFlags are the flags of effective-rules and effective-routes.
type effectiveFlags struct {
	estateFlags
	nic, vm string
}

func (f *effectiveFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.nic, "nic", "", "the network interface, by `name` or ID")
	fs.StringVar(&f.vm, "vm", "", "the virtual machine whose primary interface is asked, by `name` or ID")
	f.estateFlags.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("nic", "vm")
	cmd.MarkFlagsOneRequired("nic", "vm")
}

func (f *effectiveFlags) name() string {
	if f.nic != "" {
		return f.nic
	}
	return f.vm
}

func (p *program) effectiveRulesCommand() *cobra.Command {
	f := &effectiveFlags{}
	cmd := &cobra.Command{
		Use:   "effective-rules FILE|FOLDER|-…",
		Short: "List the security rules that apply to an interface, tags expanded",
		Long: `effective-rules prints what az network nic list-effective-nsg would: every rule of
the NSGs that apply to a network interface, with service tags expanded to prefixes,
and where each was read. -o json has az's shape.`,
		Example: `  netpath effective-rules export/ --nic app1-nic
  netpath effective-rules export/ --vm app1 --service-tags ServiceTags_Public.json -o json`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			return p.effective(cmd, args, f, func(s *session) (func(*report.Writer) error, error) {
				answer, err := s.sim.EffectiveRules(f.name())
				if err == nil && rulesMissing(answer) {
					s.codes.add(exitUndecided)
				}
				return func(w *report.Writer) error { return w.EffectiveRules(answer) }, err
			})
		}),
	}
	f.register(cmd)
	return cmd
}

func (p *program) effectiveRoutesCommand() *cobra.Command {
	f := &effectiveFlags{}
	cmd := &cobra.Command{
		Use:   "effective-routes FILE|FOLDER|-…",
		Short: "List the routes that apply to an interface",
		Long: `effective-routes prints what az network nic show-effective-route-table would: system,
peering, gateway and user routes of a network interface, which of them are active, and
where the user's were read. -o json has az's shape.`,
		Example: `  netpath effective-routes export/ --nic app1-nic
  netpath effective-routes export/ --vm app1 -o json`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			return p.effective(cmd, args, f, func(s *session) (func(*report.Writer) error, error) {
				answer, err := s.sim.EffectiveRoutes(f.name())
				if err == nil && len(answer.Undecided) > 0 {
					s.codes.add(exitUndecided)
				}
				return func(w *report.Writer) error { return w.EffectiveRoutes(answer) }, err
			})
		}),
	}
	f.register(cmd)
	return cmd
}

// rulesMissing reports whether rules that apply are not in the data. A tag
// whose prefixes are not known is no rule that is missing.
func rulesMissing(e *sim.EffectiveRules) bool {
	for _, g := range e.Groups {
		for _, m := range g.Undecided {
			if m.Code != flow.UnknownTag {
				return true
			}
		}
	}
	return false
}

// effective asks for a list and writes it.
func (p *program) effective(cmd *cobra.Command, paths []string, f *effectiveFlags, ask func(*session) (func(*report.Writer) error, error)) error {
	if _, err := p.targets(); err != nil {
		return err
	}
	s, err := p.openSession(cmd, paths, &f.estateFlags)
	if err != nil {
		return err
	}
	write, err := ask(s)
	if err != nil {
		return err
	}
	outs, err := p.openOutputs(report.Options{ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(write); err != nil {
		return err
	}
	return ended(s.codes.worst())
}
