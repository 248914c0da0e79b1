package backup

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

// Options say what [Examine] is asked.
type Options struct {
	Profiles []string // by name; none is [DefaultProfile]
	VMs      []string // by name, group/name or ID; none is every machine of the estate
	Region   string   // whose services are asked, by any of its names; "": each machine's own
	Ways     bool     // evaluate each of the three ways on its own
	Remedies bool     // look for what would mend a machine that does not pass
	Mend     int      // for how many machines, the first of them, remedies are looked for; 0: all
}

// examination is what the machines of one report have in common.
type examination struct {
	sim        *sim.Simulator
	net        *topology.Network
	profiles   []*Profile
	region     string // "": each machine's own
	options    Options
	rules      ruleBook
	interfaces map[topology.ID][]*topology.NetworkInterface // by the machine that they name
	proxies    []offeredProxy
	protecting map[topology.ID][]*topology.RecoveryServicesVault // by the machine they protect
	pooled     map[topology.ID]bool                              // IP configurations behind load balancers
	current    func() ranges                                     // what published says, read once
	storage    func() ranges                                     // what storageRanges says, likewise

	mu       sync.Mutex
	tags     map[string][]netip.Prefix
	holding  map[[2]string]bool
	outbound map[topology.ID][]*namedRule
	covered  map[coverageKey]*RuleCoverage
	regional map[[2]string]string
}

// Examine reports on the machines of the simulator's estate. A *sim.NameError
// or *[UnknownProfileError] says that a name of the options names nothing.
func Examine(ctx context.Context, s *sim.Simulator, opt Options) (*Report, error) {
	e := &examination{
		sim: s, net: s.Network(), options: opt,
		rules:      newRuleBook(s.Network()),
		interfaces: map[topology.ID][]*topology.NetworkInterface{},
		tags:       map[string][]netip.Prefix{},
		holding:    map[[2]string]bool{},
		outbound:   map[topology.ID][]*namedRule{},
		covered:    map[coverageKey]*RuleCoverage{},
		regional:   map[[2]string]string{},
	}
	e.current = sync.OnceValue(e.published)
	e.storage = sync.OnceValue(e.storageRanges)
	for _, nic := range e.net.NetworkInterfaces {
		if !nic.VirtualMachine.IsZero() {
			e.interfaces[nic.VirtualMachine.ID()] = append(e.interfaces[nic.VirtualMachine.ID()], nic)
		}
	}
	e.proxies = e.offeredProxies()
	e.protecting, e.pooled = vaultsByMachine(e.net), balancedConfigurations(e.net)
	var err error
	if e.profiles, err = profilesNamed(opt.Profiles); err != nil {
		return nil, err
	}
	if err := e.takeRegion(opt.Region); err != nil {
		return nil, err
	}
	machines := e.net.VirtualMachines
	if len(opt.VMs) > 0 {
		if machines, err = e.named(opt.VMs); err != nil {
			return nil, err
		}
	}
	r := &Report{Profiles: e.profiles, ServiceTags: s.Catalogue(), VMs: make([]VM, len(machines))}
	if d := e.net.DatacenterRanges; d != nil {
		r.Ranges = &RangesInfo{File: d.Origin.File, Regions: len(d.Regions)}
	}
	subjects := make([]*subject, len(machines))
	if err := each(ctx, len(machines), func(i int) (err error) {
		subjects[i] = e.subjectOf(machines[i])
		r.VMs[i], err = subjects[i].report()
		return err
	}); err != nil {
		return nil, err
	}
	if opt.Remedies {
		var ill []int
		for i := range r.VMs {
			if r.VMs[i].Verdict != Pass && (opt.Mend == 0 || len(ill) < opt.Mend) {
				ill = append(ill, i)
			}
		}
		if err := each(ctx, len(ill), func(i int) (err error) {
			m := &r.VMs[ill[i]]
			m.Remedies, m.Hindrances, err = subjects[ill[i]].remedies(m)
			return err
		}); err != nil {
			return nil, err
		}
		r.Tradeoffs = e.tradeoffs(r, subjects)
	}
	if err := s.Names().Unread(); err != nil {
		return nil, err
	}
	needsTags := func(p *Profile) bool {
		return slices.ContainsFunc(p.Outbound, func(o Outbound) bool { return o.Tag != "" })
	}
	if e.net.ServiceTags == nil && slices.ContainsFunc(e.profiles, needsTags) {
		r.Notes = append(r.Notes, "no service tag file is among the inputs: which addresses a tag has is not known (--service-tags)")
	}
	return r, nil
}

// each calls body for 0 to n-1 on every processor, until one call has an
// error: the first by number is returned.
func each(ctx context.Context, n int, body func(i int) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next, failed, first := 0, n, error(nil)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := i >= n || i > failed || ctx.Err() != nil
				mu.Unlock()
				if stop {
					return
				}
				if err := body(i); err != nil {
					mu.Lock()
					if i < failed {
						failed, first = i, err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if first == nil {
		return ctx.Err()
	}
	return first
}

// takeRegion takes the region that the options name.
func (e *examination) takeRegion(name string) error {
	if name == "" {
		return nil
	}
	location, known := servicetag.Location(name)
	if !known {
		index := e.sim.Names().Index()
		if _, ok := index.Region(name); !ok && len(index.Tags(name, "")) == 0 {
			return &sim.NameError{Kind: "region", Name: name, Reason: "no region of Azure has this name"}
		}
	}
	e.region = location
	return nil
}

// named finds machines by name, each once.
func (e *examination) named(names []string) ([]*topology.VirtualMachine, error) {
	var out []*topology.VirtualMachine
	for _, name := range names {
		vm, err := e.sim.VirtualMachine(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, vm) {
			out = append(out, vm)
		}
	}
	return out, nil
}

// report is what is said of one machine.
func (x *subject) report() (VM, error) {
	r := VM{Machine: x.vm, Name: x.vm.Name, Region: x.region}
	var err error
	if r.Requirements, err = x.requirements(); err != nil {
		return r, err
	}
	r.Way = x.wayInUse(r.Requirements)
	r.Readiness = readiness(x)
	x.conclude(&r)
	if x.options.Ways {
		if r.Ways, err = x.ways(r.Requirements, r.Way); err != nil {
			return r, err
		}
	}
	return r, nil
}

// wayInUse is the way in use: that of the storage requirement (verdicts.md 11).
func (x *subject) wayInUse(reqs []Requirement) Way {
	r := storageRequirement(reqs)
	switch {
	case r == nil:
		return NotNeeded
	case systemProxy(x.vm) != nil && (r.Trace == nil || r.Trace.Proxy != ""):
		return Proxy // unless its setting leaves Storage out
	default:
		return r.Via
	}
}

// conclude folds requirements and checks into the verdict of the machine: a
// check that the data does not answer leaves it alone, but in strict mode
// (verdicts.md 12).
func (x *subject) conclude(r *VM) {
	v, under := Pass, Pass
	why := func(text string, one Verdict) {
		if one != Pass && severity(one) > severity(v) && text != "" {
			r.Reason = text
		}
	}
	for i := range r.Requirements {
		q := &r.Requirements[i]
		why(fmt.Sprintf("%s %s/%d: %s", q.Destination, strings.ToLower(q.Protocol.String()), q.Port, q.Text), q.Met)
		v, under = worse(v, q.Met), worse(under, q.under)
		r.Assumptions = addAssumption(r.Assumptions, q.Assumptions...)
		if q.Met == Unknown {
			r.Missing = addMissing(r.Missing, q.Missing...)
		}
	}
	for i := range r.Readiness {
		c := &r.Readiness[i]
		r.Assumptions = addAssumption(r.Assumptions, c.Assumptions...)
		switch {
		case c.Verdict == Fail:
			why(c.Name+": "+c.Text, Fail)
			v, under = Fail, Fail
		case c.Verdict == Unknown && x.sim.Strict() && x.unwaived(c):
			why(c.Name+": "+c.Text, Unknown)
			v = worse(v, Unknown)
		}
	}
	r.Verdict = v
	if v == Unknown && under != Unknown {
		r.UnderAssumptions = under.String()
	}
}

// prefixes are those of a service tag in the file, nil where no file holds it.
func (e *examination) prefixes(tag string) []netip.Prefix {
	key := strings.ToLower(tag)
	e.mu.Lock()
	defer e.mu.Unlock()
	if list, ok := e.tags[key]; ok {
		return list
	}
	var list []netip.Prefix
	if t, ok := e.sim.Names().Index().Tag(tag); ok && t.Refused == nil {
		list = t.Prefixes.Slice()
	}
	e.tags[key] = list
	return list
}

// holds reports whether the file's prefixes of one tag hold those of another.
func (e *examination) holds(outer, inner string) bool {
	key := [2]string{strings.ToLower(outer), strings.ToLower(inner)}
	e.mu.Lock()
	held, ok := e.holding[key]
	e.mu.Unlock()
	if ok {
		return held
	}
	if list := e.prefixes(inner); list != nil {
		var b netipx.IPSetBuilder
		for _, p := range e.prefixes(outer) {
			b.AddPrefix(p)
		}
		around := rangesOf(&b)
		held = !slices.ContainsFunc(list, func(p netip.Prefix) bool { return !around.hold(p) })
	}
	e.mu.Lock()
	e.holding[key] = held
	e.mu.Unlock()
	return held
}

// regionalTag is the tag of a service in a region.
func (e *examination) regionalTag(service, region string) string {
	key := [2]string{service, region}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.regional[key]; ok {
		return t
	}
	t := e.sim.Names().RegionalTag(service, region)
	e.regional[key] = t
	return t
}
