package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/reach"
)

// reachFlags are the flags of reach as given.
type reachFlags struct {
	estateFlags
	from, to string
	noProxy  bool
	denied   bool
	only     []string
	matrix   string
}

func (p *program) reachCommand() *cobra.Command {
	f := &reachFlags{}
	cmd := &cobra.Command{
		Use:   "reach FILE|FOLDER|-…",
		Short: "Say exactly what traffic passes from one end to another",
		Long: `reach tells the exact traffic that passes from one end to another, through every gate
of the path: which protocols and ports, from and to which addresses, and by which rule.
Every protocol and port is asked, nothing is sampled. What the data does not decide is
told apart, with the reason.

--from is a machine, an interface, an address, Internet, a CIDR block, or subnet:v1/app,
vnet:v1, asg:web. --to is one of those, a service tag, a datacenter region or a host
name; without it everywhere: each subnet of the estate, the Internet and all other
addresses, and from the Internet all that can be entered. A machine is each of its
addresses, a subnet each interface in it, or, without one in the data, its gates alone.

--only asserts that nothing else passes: services like tcp/443, udp/53, tcp/8080-8090,
icmp, tcp, or none. Exit 1, with a packet that shows it, when something else passes,
4 when that is not decided.

--matrix tells who reaches whom with what, for all subnets or all virtual machines:
all, none, services, or ? where the data does not decide.`,
		Example: `  netpath reach export/ --from app1
  netpath reach export/ --from subnet:v1/app --to db1
  netpath reach export/ --from Internet
  netpath reach export/ --from subnet:v1/app --to subnet:v1/db --only tcp/1433,icmp
  netpath reach export/ --matrix
  netpath reach export/ --matrix=vms -o json`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			p.formats = append(report.Formats(), string(report.Markdown))
			return p.reach(cmd, args, f)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.from, "from", "", "where the traffic starts: an `end` by name, ID, address, or Internet")
	fs.StringVar(&f.to, "to", "", "where it goes: an `end` by name, ID, address, service tag, CIDR block, region or host name (default everywhere)")
	fs.StringSliceVar(&f.only, "only", nil, "assert that nothing but these `services` passes: tcp/443,icmp or none; repeatable")
	fs.BoolVar(&f.denied, "denied", false, "list what is denied too, and by what")
	fs.BoolVar(&f.noProxy, "no-proxy", false, "leave out what goes through the proxy of a virtual machine that has one")
	fs.StringVar(&f.matrix, "matrix", "", "who reaches whom with what: of all `subnets` (the default), or vms")
	fs.Lookup("matrix").NoOptDefVal = "subnets"
	f.estateFlags.register(cmd)
	for _, name := range []string{"from", "to", "only", "denied", "no-proxy"} {
		cmd.MarkFlagsMutuallyExclusive("matrix", name)
	}
	complete(cmd, "matrix", "subnets", "vms")
	return cmd
}

func (p *program) reach(cmd *cobra.Command, paths []string, f *reachFlags) error {
	if f.matrix != "" {
		var err error
		if f.matrix, err = oneOf("matrix", f.matrix, "subnets", "vms"); err != nil {
			return err
		}
	} else if f.from == "" {
		return usagef("reach needs --from, or --matrix")
	}
	var may reach.Allowed
	if f.only != nil {
		var err error
		if may, err = reach.ParseAllowed(strings.Join(f.only, ",")); err != nil {
			return usagef("--only: %w", err)
		}
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
	if f.matrix != "" {
		return s.matrix(cmd, f.matrix)
	}
	a, err := reach.Between(cmd.Context(), s.sim, reach.Question{From: f.from, To: f.to, NoProxy: f.noProxy, AnyClient: f.only != nil})
	if err != nil {
		return err
	}
	view := report.ReachView{Denied: f.denied}
	undecided := a.Undecided
	if f.only != nil {
		view.Only = &report.ReachOnly{Text: strings.Join(f.only, ","), Excess: a.Outside(may)}
		if len(view.Only.Passes) > 0 {
			s.codes.add(exitBroken)
		}
		undecided = view.Only.Undecided()
	}
	if undecided {
		s.codes.add(exitUndecided)
	}
	s.settle(answered{assumptions: a.Assumptions, underAssumptions: a.UnderAssumptions})
	return s.tell(func(w *report.Writer) error { return w.Reach(a, view) })
}

// matrix answers for all pairs.
func (s *session) matrix(cmd *cobra.Command, kind string) error {
	of := reach.Subnets
	if kind == "vms" {
		of = reach.Machines
	}
	m, err := of(cmd.Context(), s.sim)
	if err != nil {
		return err
	}
	if m.Undecided {
		s.codes.add(exitUndecided)
	}
	s.settle(answered{assumptions: m.Assumptions, underAssumptions: m.UnderAssumptions})
	return s.tell(func(w *report.Writer) error { return w.Matrix(m) })
}

// tell writes an answer about what passes and ends the run.
func (s *session) tell(write func(*report.Writer) error) error {
	taken := s.scopeOf("a guest's own firewall counts where given")
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(write); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}
