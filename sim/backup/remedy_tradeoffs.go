package backup

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Tradeoff is what one of the three ways costs in this estate, for the
// machines of one region.
type Tradeoff struct {
	Way          Way           `json:"way"`
	Region       string        `json:"region"`
	Machines     int           `json:"machines"`               // of the region that use it now
	Rules        int           `json:"rules"`                  // that an NSG needs
	RuleLimit    int           `json:"ruleLimit"`              // of an NSG (LIM)
	Prefixes     int           `json:"prefixes"`               // that these rules name as destinations
	PrefixLimit  int           `json:"prefixLimit"`            // of an NSG (LIM)
	Source       string        `json:"source"`                 // what the figures are of
	Known        bool          `json:"known"`                  // the files say which addresses these are
	Addresses    uint64        `json:"addresses"`              // IPv4 addresses that are opened
	Beyond       uint64        `json:"addressesBeyondStorage"` // of these, not of the service tag Storage
	StorageKnown bool          `json:"storageKnown"`           // a service tag file tells Storage apart
	Change       string        `json:"whenRangesChange"`       // what breaks when the ranges change
	Extra        string        `json:"extraMachine"`           // "" where none is needed
	Shared       []SharedProxy `json:"sharedProxies,omitempty"`
}

// SharedProxy is a proxy with the machines that hang on it.
type SharedProxy struct {
	Proxy    string   `json:"proxy"`
	Machines []string `json:"machines"`
}

// tradeoffs puts the three ways side by side for each region of a machine that
// does not pass.
func (e *examination) tradeoffs(r *Report, subjects []*subject) []Tradeoff {
	var out []Tradeoff
	var regions []string
	for i := range r.VMs {
		if x := subjects[i]; r.VMs[i].Verdict != Pass && x.region != "" && !slices.Contains(regions, x.region) && len(outboundNeeds(r.VMs[i].Requirements)) > 0 {
			regions = append(regions, x.region)
			out = append(out, x.compareWays(r, outboundNeeds(r.VMs[i].Requirements))...)
		}
	}
	return out
}

// compareWays is what each way costs a machine of the region of x.
func (x *subject) compareWays(r *Report, needs []*Requirement) []Tradeoff {
	uses := map[Way]int{}
	var shared []SharedProxy
	for i := range r.VMs {
		m := &r.VMs[i]
		if m.Region != x.region {
			continue
		}
		uses[m.Way]++
		j := slices.IndexFunc(m.Requirements, func(q Requirement) bool { return q.Through != "" })
		if j < 0 {
			continue
		}
		name := m.Requirements[j].Through
		k := slices.IndexFunc(shared, func(p SharedProxy) bool { return p.Proxy == name })
		if k < 0 {
			k = len(shared)
			shared = append(shared, SharedProxy{Proxy: name})
		}
		shared[k].Machines = append(shared[k].Machines, m.Name)
	}
	base := Tradeoff{Region: x.region, RuleLimit: edit.MaxRules, PrefixLimit: edit.MaxPrefixes, StorageKnown: x.prefixes("Storage") != nil}

	tag := base
	tag.Way, tag.Machines, tag.Rules, tag.Prefixes = ServiceTag, uses[ServiceTag], len(needs), len(needs)
	tag.Source = tagNames(needs)
	tag.Change = "nothing: Azure keeps the content of the tag"
	list, known := x.prefixesOf(needs)
	tag.count(x, list, known)

	ranges := base
	ranges.Way, ranges.Machines, ranges.Rules = DatacenterRanges, uses[DatacenterRanges], len(needs)
	if region, ok := x.sim.Names().Index().Region(x.region); ok {
		// The file of the article: one region whole, whatever the service.
		ranges.Source, ranges.Rules = "datacenter:"+region.Name, 1
		ranges.count(x, region.Prefixes, true)
		ranges.Prefixes = len(region.Prefixes)
	} else {
		ranges.Source = "the prefixes of " + tagNames(needs)
		ranges.count(x, list, known)
		ranges.Prefixes = len(ipv4(list))
	}
	ranges.Change = x.whenRangesChange(r)

	proxy := base
	proxy.Way, proxy.Machines, proxy.Rules, proxy.Prefixes, proxy.Shared = Proxy, uses[Proxy], 1, 1, shared
	proxy.Source = "the proxy's address and port; the proxy itself needs one of the other ways"
	proxy.Known, proxy.Addresses, proxy.Beyond = true, 1, 1
	proxy.Change = "nothing at the machines; at the proxy what its own way says"
	proxy.Extra = "a machine that runs the proxy: none is in the data"
	if len(x.proxies) > 0 {
		var names []string
		for _, p := range x.proxies {
			names = append(names, p.vm.Name)
		}
		proxy.Extra = strings.Join(names, ", ")
	}
	return []Tradeoff{tag, ranges, proxy}
}

// count counts what opening the prefixes opens.
func (t *Tradeoff) count(x *subject, list []netip.Prefix, known bool) {
	t.Known = known
	if !known {
		return
	}
	var b netipx.IPSetBuilder
	for _, p := range list {
		b.AddPrefix(p)
	}
	set, err := b.IPSet()
	if err != nil {
		return
	}
	t.Addresses, _ = fix.Count(set)
	t.Beyond = t.Addresses - x.ofStorage(set)
}

func tagNames(needs []*Requirement) string {
	var names []string
	for _, r := range needs {
		if !slices.Contains(names, r.Tag) {
			names = append(names, r.Tag)
		}
	}
	return strings.Join(names, ", ")
}

// prefixesOf are the prefixes behind the requirements; false where no file
// says those of all.
func (x *subject) prefixesOf(needs []*Requirement) (list []netip.Prefix, known bool) {
	for _, r := range needs {
		p := x.prefixes(r.Tag)
		if p == nil {
			return nil, false
		}
		list = append(list, p...)
	}
	return list, true
}

// whenRangesChange says what a change of the ranges breaks, with what it has
// broken here.
func (x *subject) whenRangesChange(r *Report) string {
	s := "the rules must follow every new file, or new addresses are denied"
	stale, missing := 0, 0
	seen := map[topology.ID]bool{}
	for i := range r.VMs {
		m := &r.VMs[i]
		y := x.examination.subjectOf(m.Machine)
		if m.Region != x.region || y.subnet == nil || seen[y.subnet.NetworkSecurityGroup.ID()] {
			continue
		}
		seen[y.subnet.NetworkSecurityGroup.ID()] = true
		for _, q := range outboundNeeds(m.Requirements) {
			if c := y.ruleCoverage(q); c != nil {
				stale, missing = stale+len(c.Stale), missing+len(c.Missing)
			}
		}
	}
	if stale+missing > 0 {
		s += fmt.Sprintf("; here %d prefixes of today are missing from such rules, and %d of their ranges are in no current file", missing, stale)
	}
	return s
}
