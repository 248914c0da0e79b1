package lint

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // certainly not what was meant
	Warning Severity = "warning" // likely not what was meant
	Note    Severity = "note"    // worth knowing
)

// AtLeast reports whether the severity is s or worse.
func (s Severity) AtLeast(t Severity) bool { return s.rank() >= t.rank() }

func (s Severity) rank() int {
	return slices.Index([]Severity{Note, Warning, Error}, s)
}

// Rule is one thing that lint looks for. Its texts are those of its page in
// docs/lint and of "netpath lint explain".
type Rule struct {
	ID       string // "NP1001"; never means another thing
	Name     string // "shadowed-rule"
	Severity Severity
	Short    string // what it finds, one sentence without a full stop
	Why      string // why it matters; paragraphs are parted by a blank line
	Fix      string // what to do about it
	Example  string // a design file in which it finds something
	// ExampleTags is the service tag file beside the example, "" for none.
	ExampleTags string

	check      func(*Run, func(Finding))   // the estate as a whole; nil: none
	checkGroup func(*Group, func(Finding)) // one NSG; nil: none
}

// Rules are all rules, in the order of their IDs.
func Rules() []*Rule {
	all := slices.Concat(groupRules(), estateRules())
	slices.SortFunc(all, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Options are the settings of [Lint]. The zero value looks for everything.
type Options struct {
	Only    []string // IDs or names of rules, in any letter case; none: every rule
	Without []string // likewise: these not
	Workers int      // how many look at once; 0: one for each processor
	// Done is told how many of all pieces of work are done, from any
	// goroutine; nil: nobody is.
	Done func(done, all int)
}

// Report is what lint found.
type Report struct {
	Findings    []Finding // by file and line
	Rules       []*Rule   // that were looked for, by ID
	Groups      int       // NSGs whose rules were looked at
	ServiceTags *sim.CatalogueInfo
}

// Count is the number of findings of a severity that are not suppressed.
func (r *Report) Count(s Severity) int {
	n := 0
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Suppressed == "" && f.Severity == s {
			n++
		}
	}
	return n
}

// Suppressed is the number of findings that are.
func (r *Report) Suppressed() int {
	return len(r.Findings) - r.Count(Error) - r.Count(Warning) - r.Count(Note)
}

// Worst reports whether a finding that is certain and not suppressed is of the
// severity or worse.
func (r *Report) Worst(s Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Fails(s) })
}

// Suppress accepts the findings of a rule, named by its ID or its name, that
// concern what about says, and reports whether there are any.
func (r *Report) Suppress(rule, about, why string) bool {
	some := false
	for i := range r.Findings {
		f := &r.Findings[i]
		if (strings.EqualFold(f.Rule.ID, rule) || strings.EqualFold(f.Rule.Name, rule)) && f.Concerns(about) {
			some = true
			f.Suppressed = cmp.Or(f.Suppressed, why)
		}
	}
	return some
}

// Run is one run over an estate, for rules about the estate as a whole. It is
// safe for concurrent use.
type Run struct {
	Sim     *sim.Simulator
	Network *topology.Network

	rules     []*Rule                                         // that are looked for
	readings  []*nsg.Readings                                 // what is claimed holds in all of them
	free      []*nsg.Readings                                 // what holds in all of these rests on no assumption
	explicit  func() bool                                     // see tellsApart
	endpoints func() map[topology.ID]bool                     // subnets with private endpoints
	tagged    func() *tagged                                  // the index of the service tag file; nil without one
	machines  func() map[topology.ID]*topology.VirtualMachine // by interface
}

func newRun(s *sim.Simulator) *Run {
	r := &Run{Sim: s, Network: s.Network()}
	icmp := func(f flow.Fact) bool { return f.Assumption == flow.ICMPNeedsAllPorts }
	r.free = []*nsg.Readings{nsg.NewReadings(icmp, false), nsg.NewReadings(func(flow.Fact) bool { return false }, true)}
	r.readings = []*nsg.Readings{nsg.NewReadings(r.taken, false)}
	if s.Strict() {
		// Whether ICMP needs all ports is one fact of all rules: both ways are looked at.
		r.readings[0] = nsg.NewReadings(func(f flow.Fact) bool { return icmp(f) || r.taken(f) }, false)
		if !s.Waived(flow.ICMPNeedsAllPorts, "") {
			r.readings = append(r.readings, nsg.NewReadings(r.taken, true))
		}
	}
	r.machines = sync.OnceValue(func() map[topology.ID]*topology.VirtualMachine { return machinesByInterface(r.Network) })
	r.tagged = sync.OnceValue(func() *tagged { return newTagged(r.Network.ServiceTags) })
	r.explicit = sync.OnceValue(func() bool { return tellsApart(r.Network) })
	r.endpoints = sync.OnceValue(func() map[topology.ID]bool {
		out := map[topology.ID]bool{}
		for _, e := range r.Network.PrivateEndpoints {
			out[e.Subnet.ID()] = true
		}
		return out
	})
	return r
}

// tellsApart reports whether some peering does not allow access: on such a way
// a rule that allows the other side by its address does more than one that
// allows it by a tag, though NSGs treat the packets alike (verdicts.md 22).
func tellsApart(n *topology.Network) bool {
	return slices.ContainsFunc(n.VirtualNetworks, func(v *topology.VirtualNetwork) bool {
		return slices.ContainsFunc(v.Peerings, func(p *topology.Peering) bool { return p.AllowVirtualNetworkAccess == topology.Off })
	})
}

// UnknownRuleError names a rule that there is not.
type UnknownRuleError struct{ Name string }

func (e *UnknownRuleError) Error() string {
	return fmt.Sprintf("there is no lint rule %q; netpath lint rules lists them", e.Name)
}

// Find is the rule of an ID or a name, in any letter case.
func Find(name string) (*Rule, error) {
	for _, r := range Rules() {
		if strings.EqualFold(r.ID, name) || strings.EqualFold(r.Name, name) {
			return r, nil
		}
	}
	return nil, &UnknownRuleError{name}
}

// selected are the rules that the options name.
func selected(o Options) ([]*Rule, error) {
	pick := func(names []string) (map[string]bool, error) {
		out := map[string]bool{}
		for _, n := range names {
			r, err := Find(n)
			if err != nil {
				return nil, err
			}
			out[r.ID] = true
		}
		return out, nil
	}
	only, err := pick(o.Only)
	if err != nil {
		return nil, err
	}
	without, err := pick(o.Without)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(Rules(), func(r *Rule) bool { return len(only) > 0 && !only[r.ID] || without[r.ID] }), nil
}

// Lint looks for everything that the options select. The findings come in the
// same order whatever the number of workers. An error is an unknown rule, a
// context that ended, or a service tag file that turns out unreadable.
func Lint(ctx context.Context, s *sim.Simulator, o Options) (*Report, error) {
	rules, err := selected(o)
	if err != nil {
		return nil, err
	}
	out := &Report{Rules: rules, ServiceTags: s.Catalogue()}
	run := newRun(s)
	run.rules = rules
	var mu sync.Mutex
	report := func(r *Rule) func(Finding) {
		return func(f Finding) {
			f.Rule = r
			f.Severity, f.Why, f.Fix = cmp.Or(f.Severity, r.Severity), cmp.Or(f.Why, r.Why), cmp.Or(f.Fix, r.Fix)
			mu.Lock()
			defer mu.Unlock()
			out.Findings = append(out.Findings, f)
		}
	}
	var work []func()
	var forGroups []*Rule
	for _, r := range rules {
		if r.check != nil {
			work = append(work, func() { r.check(run, report(r)) })
		}
		if r.checkGroup != nil {
			forGroups = append(forGroups, r)
		}
	}
	for _, n := range run.Network.NetworkSecurityGroups {
		if !n.RulesGiven {
			continue
		}
		out.Groups++
		if len(forGroups) == 0 {
			continue
		}
		work = append(work, func() {
			g := newGroup(run, n)
			for _, r := range forGroups {
				r.checkGroup(g, report(r))
			}
		})
	}
	if err := each(ctx, work, o); err != nil {
		return nil, err
	}
	if err := s.Names().Unread(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Findings, compare)
	return out, nil
}

// each does the pieces of work, several at once.
func each(ctx context.Context, work []func(), o Options) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next, done atomic.Int64
	var group sync.WaitGroup
	for range min(workers, len(work)) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(work) {
					return
				}
				work[i]()
				if n := int(done.Add(1)); o.Done != nil {
					o.Done(n, len(work))
				}
			}
		})
	}
	group.Wait()
	return ctx.Err()
}
