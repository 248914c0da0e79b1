package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// diffFlags are the flags of diff as given.
type diffFlags struct {
	estateFlags
	failOn []string
}

// The words of --fail-on.
const (
	failNewlyAllowed   = "newly-allowed"
	failNewlyDenied    = "newly-denied"
	failNewlyUndecided = "newly-undecided"
	failAny            = "any"
)

func (p *program) diffCommand() *cobra.Command {
	f := &diffFlags{}
	words := []string{failNewlyAllowed, failNewlyDenied, failNewlyUndecided, failAny}
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which traffic is newly allowed, denied or undecided between two exports",
		Long: `diff compares two exports, each a file or a folder: which traffic of each NSG is newly
allowed, newly denied or newly undecided, exactly, with a packet that shows it, how many
packets there are, and the rule that decides on both sides. NSGs are matched by their
resource IDs, then by name; where each side has a single one, these two are compared.
An NSG is asked at each subnet where it applies, once where its rules mean the same. An
interface whose gates are others than before, an NSG attached or detached or admin rules
changed, is compared by all of them together. Of each subnet it is told which addresses go
to another next hop.

Two service tag files, or two files of datacenter ranges, are compared tag by tag, like
netpath tags diff does.

--service-tags and --datacenter-ranges hold for both sides. Traffic that is undecided on
both sides is told of only where rules that bear on it changed.

Exit: 0, whatever changed; 4 where it is not known of some traffic how its verdict
changes. With --fail-on, 1 where the asked change is certain, 4 where it is possible.
any is every change that is told of.`,
		Example: `  netpath diff main.json branch.json
  netpath diff export-monday/ export-friday/ --service-tags ServiceTags_Public.json
  netpath diff old/ new/ --fail-on newly-allowed -o markdown=comment.md -o text
  netpath diff ServiceTags_Public_20251021.json ServiceTags_Public_20251028.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s needs two files or folders, the old one and the new one", cmd.CommandPath())
			}
			if args[0] == "-" && args[1] == "-" {
				return usagef("standard input can hold one of the two sides, not both; name a file for one of them")
			}
			return nil
		},
		RunE: do(func(cmd *cobra.Command, args []string) error {
			for i, word := range f.failOn {
				var err error
				if f.failOn[i], err = oneOf("fail-on", word, words...); err != nil {
					return err
				}
			}
			p.formats = report.DiffFormats()
			return p.diff(cmd, args[0], args[1], f)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringSliceVar(&f.failOn, "fail-on", nil, "exit 1 where there is such a `change`: newly-allowed, newly-denied, newly-undecided, any; repeatable (default nothing)")
	f.estateFlags.register(cmd)
	complete(cmd, "fail-on", words...)
	return cmd
}

func (p *program) diff(cmd *cobra.Command, old, new string, f *diffFlags) error {
	if _, err := p.targets(); err != nil {
		return err
	}
	before, err := p.load(cmd, []string{old}, &f.fileFlags, f.keepGoing)
	if err != nil {
		return err
	}
	s, err := p.openSession(cmd, []string{new}, &f.estateFlags)
	if err != nil {
		return err
	}
	if len(before.Refused) > 0 {
		s.codes.add(exitRefused)
	}
	a, b := tagsAlone(before.Network), tagsAlone(s.loaded.Network)
	switch {
	case a && b && len(f.serviceTags)+len(f.datacenterRanges) == 0:
		return p.diffTags(cmd, old, new, f)
	case a != b:
		return usagef("one of %s and %s holds service tags or datacenter ranges alone, the other an estate; --service-tags gives both sides their tags", old, new)
	}
	oldSim, err := sim.New(before.Network, s.opts)
	if err != nil {
		return refused(err)
	}
	r, err := diff.Compare(cmd.Context(), oldSim, s.sim, diff.Options{})
	if err != nil {
		return err
	}
	for _, code := range diffCodes(r, f.failOn) {
		s.codes.add(code)
	}
	assumed, unwaived := r.Assumptions, r.Unwaived
	for _, g := range r.Gates {
		for _, c := range g.Changes {
			for _, x := range c.Parts {
				assumed = append(assumed, slices.Concat(x.Old.Assumptions, x.New.Assumptions)...)
				unwaived = unwaived || x.Old.Code == flow.UnwaivedAssumption || x.New.Code == flow.UnwaivedAssumption
			}
		}
	}
	s.settle(answered{assumptions: assumed, underAssumptions: unwaived})
	taken := s.scopeOf()
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	run := report.DiffRun{Version: buildVersion().Version, Old: old, New: new, Strict: f.ci}
	if err := outs.write(func(w *report.Writer) error { return w.Diff(r, run) }); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}

// diffCodes are the exit codes that a report means.
func diffCodes(r *diff.Report, failOn []string) (codes []int) {
	if len(failOn) == 0 && r.Undecided() {
		return []int{exitUndecided}
	}
	for _, word := range failOn {
		var certain, possible bool
		switch word {
		case failNewlyAllowed:
			certain, possible = r.Newly(topology.Allow)
		case failNewlyDenied:
			certain, possible = r.Newly(topology.Deny)
		case failNewlyUndecided:
			certain, possible = r.Has(diff.NewlyUndecided), r.Unwaived
		case failAny:
			certain, possible = r.Changed(), r.Undecided()
		}
		if certain {
			codes = append(codes, exitBroken)
		}
		if possible {
			codes = append(codes, exitUndecided)
		}
	}
	return codes
}

// tagsAlone reports whether the data holds service tags or datacenter ranges
// and nothing else.
func tagsAlone(n *topology.Network) bool {
	for range n.All {
		return false
	}
	return (n.ServiceTags != nil || n.DatacenterRanges != nil) && len(n.EffectiveSecurityGroups)+len(n.EffectiveRouteTables) == 0
}

// diffTags compares two files of tags or ranges.
func (p *program) diffTags(cmd *cobra.Command, old, new string, f *diffFlags) error {
	for _, word := range f.failOn {
		if word != failAny {
			return usagef("--fail-on %s is about traffic; two files of tags have only --fail-on any", word)
		}
	}
	p.formats = report.Formats()
	d, _, err := p.tagDiff(cmd, old, new, &f.fileFlags)
	if err != nil {
		return err
	}
	if err := p.write(func(w *report.Writer) error { return w.TagDiff(d) }); err != nil {
		return err
	}
	if len(f.failOn) > 0 && len(d.Changes) > 0 {
		return ended(exitBroken)
	}
	return nil
}
