package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// ipFlowFlags are the flags of ip-flow as given.
type ipFlowFlags struct {
	estateFlags
	nsg, nic, vm                       string
	direction, protocol, local, remote string
	rules                              bool
	flows, expect                      string
}

func (p *program) ipFlowCommand() *cobra.Command {
	f := &ipFlowFlags{}
	cmd := &cobra.Command{
		Use:   "ip-flow FILE|FOLDER|-…",
		Short: "Ask the NSGs of one interface about one packet, like IP flow verify",
		Long: `ip-flow asks one gate: the NSGs and security admin rules of one network interface,
in Azure's order, as Network Watcher's IP flow verify does. Routes are not asked; see trace.

--nsg asks that NSG alone; --nic or --vm the whole chain of an interface; without
them the interface that owns --local is asked. An address is IP, IP:PORT or
[IPv6]:PORT; without a port, or with *, every port is asked.

--flows answers a file of flows, one answer a line, in order: CSV with the header
direction,protocol,local,localPort,remote,remotePort and optionally nsg or nic, or
NDJSON with these keys; - is standard input.`,
		Example: `  netpath ip-flow nsg.json --nsg NSG-lockdown --direction Outbound --protocol TCP --local 10.0.0.5:50000 --remote 52.239.140.10:443
  netpath ip-flow export/ --vm app1 --direction Inbound --local 10.0.1.4:443 --remote 203.0.113.7:40000 --expect deny
  netpath ip-flow nsg.json --nsg web --virtual-network 10.0.0.0/16 --direction Outbound --local 10.0.0.5 --remote 10.1.0.4:1433 --rules
  netpath ip-flow export/ --flows flows.csv -o ndjson`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.ipFlow(cmd, args, f) }),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.nsg, "nsg", "", "ask this network security group alone, by `name` or ID")
	fs.StringVar(&f.nic, "nic", "", "ask the gates of this network interface, by `name` or ID")
	fs.StringVar(&f.vm, "vm", "", "ask the interface of this virtual machine that owns --local, by `name` or ID")
	fs.StringVar(&f.direction, "direction", "", "the `direction`, seen from the interface: Inbound or Outbound")
	fs.StringVar(&f.protocol, "protocol", "tcp", "the `protocol`: tcp, udp, icmp, esp, ah, or * for all of them")
	fs.StringVar(&f.local, "local", "", "the interface's side: `address`[:port]")
	fs.StringVar(&f.remote, "remote", "", "the other side: `address`[:port]")
	fs.BoolVar(&f.rules, "rules", false, "list for every rule which of its conditions the packet meets")
	fs.StringVar(&f.flows, "flows", "", "answer the flows of this CSV or NDJSON `file`, - for standard input")
	fs.StringVar(&f.expect, "expect", "", "the `answer` expected, allow or deny: exit 1 where it is certainly another")
	f.estateFlags.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("nsg", "nic", "vm")
	for _, name := range []string{"direction", "protocol", "local", "remote", "rules"} {
		cmd.MarkFlagsMutuallyExclusive("flows", name)
	}
	complete(cmd, "direction", "Inbound", "Outbound")
	complete(cmd, "protocol", "tcp", "udp", "icmp", "esp", "ah", "*")
	complete(cmd, "expect", "allow", "deny")
	return cmd
}

func (p *program) ipFlow(cmd *cobra.Command, paths []string, f *ipFlowFlags) error {
	expect, err := parseExpect(f.expect)
	if err != nil {
		return err
	}
	q := sim.IPFlowQuestion{NSG: f.nsg, Interface: f.nic, VM: f.vm, AllRules: f.rules}
	if f.flows == "" {
		if err := f.question(&q); err != nil {
			return err
		}
	}
	if _, err := p.targets(); err != nil {
		return err
	}
	if err := p.oneStdin(paths, f.flows); err != nil {
		return err
	}
	s, err := p.openSession(cmd, paths, &f.estateFlags)
	if err != nil {
		return err
	}
	if f.flows != "" {
		flows := &flowBatch{s.sim.Batch(), q}
		return s.batch(cmd, f.flows, &batch{
			columns: ipFlowColumns(), stream: report.FlowStream, expect: expect, ask: flows.ask, flows: flows,
		}, s.scopeOf())
	}
	answer, err := s.sim.IPFlow(q)
	if err != nil {
		return err
	}
	return s.answer(s.scopeOf(), expect, flowAnswered(answer), func(w *report.Writer) error { return w.IPFlow(q, answer) })
}

// question reads the flags of a single question.
func (f *ipFlowFlags) question(q *sim.IPFlowQuestion) (err error) {
	for _, need := range []struct{ flag, value string }{{"direction", f.direction}, {"local", f.local}, {"remote", f.remote}} {
		if need.value == "" {
			return usagef("ip-flow needs --%s, or --flows with a file of flows", need.flag)
		}
	}
	if q.Direction, err = parseDirection(f.direction); err != nil {
		return usagef("--%w", err)
	}
	if q.Protocol, err = parseProtocol(f.protocol); err != nil {
		return usagef("--%w", err)
	}
	if q.Local, err = parseEndpoint(f.local); err != nil {
		return usagef("--local: %w", err)
	}
	if q.Remote, err = parseEndpoint(f.remote); err != nil {
		return usagef("--remote: %w", err)
	}
	if err := checkFlow(q); err != nil {
		return usagef("%w", err)
	}
	return nil
}

func flowAnswered(f *sim.IPFlow) answered {
	a := outcomes(f.Access, f.AnyAllow, f.AnyDeny, f.Undecided)
	a.assumptions, a.underAssumptions = f.Assumptions, f.UnderAssumptions != ""
	for i := range f.Parts {
		a.addPart(&f.Parts[i])
	}
	return a
}

// addPart adds what a part rests on.
func (a *answered) addPart(part *sim.Part) {
	a.assumptions = append(a.assumptions[:len(a.assumptions):len(a.assumptions)], part.Assumptions...)
	a.underAssumptions = a.underAssumptions || part.UnderAssumptions != ""
}

// oneStdin refuses to read an estate and flows from the same stream.
func (p *program) oneStdin(paths []string, flows string) error {
	if flows != "-" {
		return nil
	}
	for _, path := range paths {
		if path == "-" {
			return usagef("standard input can hold the estate or the flows, not both; name a file for one of them")
		}
	}
	return nil
}

// batch answers a file of flows.
func (s *session) batch(cmd *cobra.Command, flows string, b *batch, scope string) error {
	in, err := s.openInput(flows)
	if err != nil {
		return err
	}
	defer in.Close()
	outs, err := s.openOutputs(report.Options{})
	if err != nil {
		return err
	}
	b.name, b.keepGoing, b.outs = flows, s.flags.keepGoing, outs
	if s.flags.ci {
		b.settle = s.settle
	}
	watched, end := s.progress(in)
	total, err := b.run(cmd.Context(), watched, s.codes)
	end()
	if err == nil {
		err = s.sim.Names().Unread()
	}
	if err != nil {
		outs.abandon()
		return err
	}
	if err := outs.commit(); err != nil {
		return err
	}
	if total.flows == 0 {
		s.warn("%s holds no flows", flows)
		if b.expect != topology.NoAccess {
			s.codes.add(exitUndecided)
		}
	}
	if total.broken > 0 {
		s.complain("%d of %d answers are not the expected %s", total.broken, total.flows, strings.ToLower(b.expect.String()))
	}
	return s.finish(scope)
}
