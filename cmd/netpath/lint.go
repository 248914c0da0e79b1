package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/lint"
)

// lintFlags are the flags of lint as given.
type lintFlags struct {
	estateFlags
	only, without []string
	failOn        string
	list          bool
}

func (p *program) lintCommand() *cobra.Command {
	f := &lintFlags{}
	cmd := &cobra.Command{
		Use:   "lint FILE|FOLDER|-…",
		Short: "Find rules that never decide, tags that mislead, and parts that lead nowhere",
		Long: `lint looks for what is wrong, useless or misleading in an estate although Azure takes it:
rules of NSGs that are shadowed, redundant or behind a blanket deny, tags that mean
something else than they seem to, groups that are attached to nothing, routes and peerings
that lead nowhere. Each finding has its place, why it matters and how to mend it; each
rule has a page in docs/lint, which "netpath lint explain" prints.

That a rule has no effect is proved: without it the same packets are allowed, denied and
left open, in IPv4 and IPv6, at every subnet and interface that the NSG is attached to.
What the data does not settle is never claimed.

Findings of the severity of --fail-on, or worse, are exit 1. A finding that is accepted is
suppressed in the policy file, by the ID of the rule and what it is about, with a reason,
an owner and a day.`,
		Example: `  netpath lint export/
  netpath lint export/ --service-tags ServiceTags_Public.json --fail-on warning
  netpath lint nsg.json --rule NP1001 --rule allow-after-deny
  netpath lint export/ -o text -o sarif=lint.sarif
  netpath lint explain NP1006`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return nil
			}
			return needInputs(cmd, args)
		},
		RunE: do(func(cmd *cobra.Command, args []string) error {
			p.formats = report.CheckFormats()
			if f.list {
				return p.lintRules(lint.Rules(), false)
			}
			return p.lint(cmd, args, f)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringSliceVar(&f.only, "rule", nil, "look for this `rule` only, by ID or name; repeatable (default every rule)")
	fs.StringSliceVar(&f.without, "disable", nil, "do not look for this `rule`; repeatable")
	fs.StringVar(&f.failOn, "fail-on", string(lint.Error), "exit 1 on findings of this `severity` and worse: "+strings.Join(lintFailWords, ", "))
	fs.BoolVar(&f.list, "list", false, "list the rules instead")
	complete(cmd, "fail-on", lintFailWords...)
	complete(cmd, "rule", lintNames()...)
	complete(cmd, "disable", lintNames()...)
	f.register(cmd)
	f.hashes = true
	cmd.AddCommand(p.lintRulesCommand(), p.lintExplainCommand())
	return cmd
}

// lintFailWords are the values of --fail-on of lint.
var lintFailWords = []string{string(lint.Error), string(lint.Warning), string(lint.Note), "none"}

func lintNames() (list []string) {
	for _, r := range lint.Rules() {
		list = append(list, r.ID)
	}
	return list
}

func (p *program) lint(cmd *cobra.Command, paths []string, f *lintFlags) error {
	word, err := oneOf("fail-on", f.failOn, lintFailWords...)
	if err != nil {
		return err
	}
	failOn := lint.Severity(word)
	if word == "none" {
		failOn = ""
	}
	for _, name := range append(append([]string{}, f.only...), f.without...) {
		if _, err := lintRule(name); err != nil {
			return err
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
	done, end := p.counted("of what lint looks at")
	r, err := lint.Lint(cmd.Context(), s.sim, lint.Options{Only: f.only, Without: f.without, Done: done})
	end()
	if err != nil {
		return err
	}
	if s.suppressLint(r) {
		s.codes.add(exitBroken)
	}
	if failOn != "" && r.Worst(failOn) {
		s.codes.add(exitBroken)
	}
	run := report.LintRun{Version: buildVersion().Version, FailOn: failOn, Strict: f.ci}
	for _, in := range s.loaded.Inputs {
		run.Inputs = append(run.Inputs, report.CheckInput{Path: in.Path, SHA256: in.SHA256})
	}
	taken := s.scopeOf()
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(func(w *report.Writer) error { return w.Lint(r, run) }); err != nil {
		return err
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}

// suppressLint accepts the findings that the policy file suppresses, and says
// what became of its suppressions of rules of lint. One that has expired
// suppresses nothing and fails the run.
func (s *session) suppressLint(r *lint.Report) (expired bool) {
	for _, x := range s.policy.suppressions {
		rule, err := lint.Find(x.ID)
		if err != nil {
			continue // of an assertion of check
		}
		switch {
		case x.lapsed:
			expired = true
			s.complain("%s: the suppression of %s expired on %s; renew it (owner: %s) or remove it", x.Origin, x.label(), x.Expires, x.Owner)
		case !r.Suppress(x.ID, x.About, fmt.Sprintf("%s (%s, until %s)", x.Reason, x.Owner, x.Expires)) &&
			slices.ContainsFunc(r.Rules, func(l *lint.Rule) bool { return l.ID == rule.ID }):
			s.warn("%s: the suppression of %s was not used; remove it", x.Origin, x.label())
		}
	}
	return expired
}

func (p *program) lintRulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rules",
		Short:   "List the rules of lint",
		Long:    `rules lists what lint looks for: the ID of each rule, its name, its severity and what it finds.`,
		Example: "  netpath lint rules\n  netpath lint rules -o json",
		Args:    noArgs,
		RunE:    do(func(*cobra.Command, []string) error { return p.lintRules(lint.Rules(), false) }),
	}
}

func (p *program) lintExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE…",
		Short: "Explain rules of lint: why they matter, an example, how to mend it",
		Long: `explain prints what the page of a rule in docs/lint says: what the rule finds, why it
matters, how to mend it, and an example in which lint finds it.`,
		Example:   "  netpath lint explain NP1001\n  netpath lint explain allow-after-deny",
		ValidArgs: lintNames(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("netpath lint explain needs a rule; netpath lint rules lists them")
			}
			return nil
		},
		RunE: do(func(_ *cobra.Command, args []string) error {
			var list []*lint.Rule
			for _, name := range args {
				r, err := lintRule(name)
				if err != nil {
					return err
				}
				list = append(list, r)
			}
			return p.lintRules(list, true)
		}),
	}
}

// lintRules writes rules; full: with all their texts.
func (p *program) lintRules(list []*lint.Rule, full bool) error {
	return p.write(func(w *report.Writer) error { return w.LintRules(list, full) })
}

// lintRule is the rule of a name; one that there is not is a usage error.
func lintRule(name string) (*lint.Rule, error) {
	r, err := lint.Find(name)
	if unknown, ok := errors.AsType[*lint.UnknownRuleError](err); ok {
		var names []string
		for _, x := range lint.Rules() {
			names = append(names, x.ID, x.Name)
		}
		return nil, usagef("%w%s", unknown, didYouMean(name, names))
	}
	return r, err
}
