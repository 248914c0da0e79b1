package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/emit"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/topology/edit"
)

// fixFlags are the flags of fix as given.
type fixFlags struct {
	estateFlags
	from, to, protocol, port, want, emit string
	noProxy                              bool
}

func (p *program) fixCommand() *cobra.Command {
	f := &fixFlags{}
	cmd := &cobra.Command{
		Use:   "fix FILE|FOLDER|-…",
		Short: "Find the least NSG edits that give traffic a wanted verdict",
		Long: `fix asks like trace and looks for the least edits of NSGs that give the wanted
verdict: one rule for each NSG in the way, in the last free priority before the rule
that decides, for the asked source, destination and port alone. The edits are made on
the simulated estate and asked again before they are shown, and what they change at the
NSG is compared, exactly, with what was asked. Nothing is changed in Azure.

Where no NSG edit can do it (a route that drops the packets, no way out, security admin
rules) the gates in the way are named, and the exit code is 1.`,
		Example: `  netpath fix export/ --from app1 --to Storage.WestEurope --port 443 --want allow
  netpath fix export/ --from Internet --to app1 --port 22 --want deny --emit az
  netpath fix export/ --from app1 --to db1 --port 1433 --want allow --emit bicep`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.fix(cmd, args, f) }),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.from, "from", "", "where the packet starts: an `end` by name, ID, address, or Internet")
	fs.StringVar(&f.to, "to", "", "where it goes: an `end` by name, ID, address, service tag, CIDR block, region or host name")
	fs.StringVar(&f.port, "port", "", "the destination `port`; * or none asks every port")
	fs.StringVar(&f.protocol, "protocol", "tcp", "the `protocol`: tcp, udp, icmp, esp, ah, or * for all of them")
	fs.StringVar(&f.want, "want", "", "the wanted `verdict`: allow or deny")
	fs.BoolVar(&f.noProxy, "no-proxy", false, "follow the direct path of a virtual machine that has a proxy")
	registerEmit(cmd, &f.emit)
	f.estateFlags.register(cmd)
	complete(cmd, "protocol", "tcp", "udp", "icmp", "esp", "ah", "*")
	complete(cmd, "want", "allow", "deny")
	return cmd
}

// registerEmit adds the flag that names a form for edits.
func registerEmit(cmd *cobra.Command, form *string) {
	cmd.Flags().StringVar(form, "emit", "", "print the edits in a `form` too: az, powershell, arm, bicep or terraform")
	complete(cmd, "emit", emit.Forms()...)
}

// knownForm checks the form that --emit names, and folds its case.
func knownForm(form *string) (err error) {
	if *form != "" {
		*form, err = oneOf("emit", *form, emit.Forms()...)
	}
	return err
}

// emitted writes edits in a form, nothing where none is named.
func emitted(form string, edits []edit.Edit) ([]backup.Command, error) {
	if form == "" || len(edits) == 0 {
		return nil, nil
	}
	blocks, err := emit.Write(emit.Form(form), edits...)
	if err != nil {
		return nil, usagef("--emit %s: %w", form, err)
	}
	out := make([]backup.Command, len(blocks))
	for i, b := range blocks {
		out[i] = backup.Command{Where: b.Where, Text: b.Text}
	}
	return out, nil
}

func (p *program) fix(cmd *cobra.Command, paths []string, f *fixFlags) error {
	for _, need := range []struct{ flag, value string }{{"from", f.from}, {"to", f.to}, {"want", f.want}} {
		if need.value == "" {
			return usagef("fix needs --%s", need.flag)
		}
	}
	want, err := oneOf("want", f.want, "allow", "deny")
	if err != nil {
		return err
	}
	if err := knownForm(&f.emit); err != nil {
		return err
	}
	q := fix.Question{}
	if q.Want, err = parseExpect(want); err != nil {
		return err
	}
	if q.TraceQuestion, err = traceOf([]string{f.from, f.to, f.protocol, f.port, ""}, sim.TraceQuestion{NoProxy: f.noProxy}); err != nil {
		return usagef("%w", err)
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
	plan, err := fix.Find(s.sim, q)
	if err != nil {
		return err
	}
	commands, err := emitted(f.emit, plan.Edits)
	if err != nil {
		return err
	}
	answer := plan.After
	if !plan.Met() {
		s.codes.add(exitBroken)
		answer = plan.Before
	}
	s.settle(traceAnswered(answer))
	differences := plan.Differences()
	taken := s.scopeOf("machines without a proxy setting go direct", "a guest's own firewall counts where given")
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(func(w *report.Writer) error { return w.Fix(q, plan, differences, commands) }); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}
