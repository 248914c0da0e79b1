package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// traceFlags are the flags of trace as given.
type traceFlags struct {
	estateFlags
	from, to, protocol, port, sourcePort string
	noProxy, allBlockers                 bool
	flows, expect                        string
}

func (p *program) traceCommand() *cobra.Command {
	f := &traceFlags{}
	cmd := &cobra.Command{
		Use:   "trace FILE|FOLDER|-…",
		Short: "Follow a packet along its whole path, hop by hop",
		Long: `trace follows a packet from its source to its destination: NSGs and security admin
rules, routes, peerings, appliances, firewalls, the way out and the gates at the far
end. A virtual machine with a proxy configured is traced through its proxy.

--from is a virtual machine, an interface, an address or Internet. --to is one of
those, a service tag, a CIDR block, a datacenter region (datacenter:europewest) or a
host name. Where a name is a resource and a tag, tag:Storage says which. A tag, a
block or Internet is answered for every address of it.

--flows answers a file of questions, one answer a line, in order: CSV with the header
from,to,protocol,port and optionally sourcePort, or NDJSON with these keys; - is
standard input.`,
		Example: `  netpath trace export/ --from app1 --to Storage.WestEurope --port 443
  netpath trace export/ --from Internet --to app1 --port 22 --expect deny
  netpath trace export/ overlay.yaml --from app1 --to 10.1.1.4 --port 1433 --all-blockers
  netpath trace export/ --from app1 --to mystore.blob.core.windows.net --port 443 -o json
  netpath trace export/ --flows questions.csv -o ndjson`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.trace(cmd, args, f) }),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.from, "from", "", "where the packet starts: an `end` by name, ID, address, or Internet")
	fs.StringVar(&f.to, "to", "", "where it goes: an `end` by name, ID, address, service tag, CIDR block, region or host name")
	fs.StringVar(&f.port, "port", "", "the destination `port`; * or none asks every port")
	fs.StringVar(&f.protocol, "protocol", "tcp", "the `protocol`: tcp, udp, icmp, esp, ah, or * for all of them")
	fs.StringVar(&f.sourcePort, "source-port", "", "the source `port`; * or none asks every port")
	fs.BoolVar(&f.noProxy, "no-proxy", false, "follow the direct path of a virtual machine that has a proxy")
	fs.BoolVar(&f.allBlockers, "all-blockers", false, "go on past the first gate that denies and list every one that would")
	fs.StringVar(&f.flows, "flows", "", "answer the questions of this CSV or NDJSON `file`, - for standard input")
	fs.StringVar(&f.expect, "expect", "", "the `answer` expected, allow or deny: exit 1 where it is certainly another")
	f.estateFlags.register(cmd)
	for _, name := range []string{"from", "to", "port", "protocol", "source-port"} {
		cmd.MarkFlagsMutuallyExclusive("flows", name)
	}
	complete(cmd, "protocol", "tcp", "udp", "icmp", "esp", "ah", "*")
	complete(cmd, "expect", "allow", "deny")
	return cmd
}

func (p *program) trace(cmd *cobra.Command, paths []string, f *traceFlags) error {
	expect, err := parseExpect(f.expect)
	if err != nil {
		return err
	}
	q := sim.TraceQuestion{NoProxy: f.noProxy, AllBlockers: f.allBlockers, Disputed: expect == topology.Deny, AnyHost: expect == topology.Deny}
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
	scope := s.scopeOf("machines without a proxy setting go direct", "a guest's own firewall counts where given")
	if f.flows != "" {
		return s.batch(cmd, f.flows, &batch{
			columns: traceColumns(), stream: report.TraceStream, expect: expect,
			ask: func(index int, fields []string) (l report.Line, a answered, err error) {
				q, err := traceOf(fields, q)
				if err != nil {
					return l, a, &questionError{err}
				}
				answer, err := s.sim.Trace(q)
				if err != nil {
					return l, a, err
				}
				return report.TraceLine(index, q, answer), traceAnswered(answer), nil
			},
		}, scope)
	}
	answer, err := s.sim.Trace(q)
	if err != nil {
		return err
	}
	return s.answer(scope, expect, traceAnswered(answer), func(w *report.Writer) error { return w.Trace(q, answer) })
}

// question reads the flags of a single question.
func (f *traceFlags) question(q *sim.TraceQuestion) (err error) {
	for _, need := range []struct{ flag, value string }{{"from", f.from}, {"to", f.to}} {
		if need.value == "" {
			return usagef("trace needs --%s, or --flows with a file of questions", need.flag)
		}
	}
	if *q, err = traceOf([]string{f.from, f.to, f.protocol, f.port, f.sourcePort}, *q); err != nil {
		return usagef("%w", err)
	}
	return nil
}

func traceAnswered(t *sim.Trace) answered {
	a := outcomes(t.Verdict, t.AnyAllow, t.AnyDeny, t.Undecided)
	a.assumptions, a.underAssumptions = t.Assumptions, t.UnderAssumptions != ""
	for i := range t.Parts {
		a.addPart(&t.Parts[i])
	}
	return a
}
