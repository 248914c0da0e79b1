package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func hardCoded() *Rule {
	return &Rule{
		ID: "NP1105", Name: "hard-coded-service", Severity: Warning,
		Short: "A rule or routes list addresses of an Azure service instead of its service tag",
		Why: `The prefixes of Azure's services change every week, and the service tag follows them; a list of addresses does not. Blocks that have left the tag open or close what now belongs to somebody else, and blocks that joined it are missing (TAG).

Where all blocks are in a tag today it is a note, where some have left it, or never were in it, a warning. With datacenter ranges of the years before service tags, blocks that were Azure's then and are in no tag now are found too.`,
		Fix: "Name the service tag.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-storage, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefixes: [20.60.26.0/24, 20.60.27.0/24, 20.60.28.0/24], destinationPortRange: "443"}
      - {name: deny-internet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
`,
		ExampleTags: exampleTags,
		check:       checkHardCoded,
	}
}

func checkHardCoded(run *Run, report func(Finding)) {
	tags := run.tagged()
	if tags == nil {
		return
	}
	own := run.ownSpace()
	old := run.datacenters()
	for _, g := range run.Network.NetworkSecurityGroups {
		doubles := map[*topology.SecurityRule]bool{}
		run.doubledRules(g, func(r, _ *topology.SecurityRule, _ *topology.ServiceTag, _ []netip.Prefix) { doubles[r] = true })
		for _, r := range g.SecurityRules {
			if doubles[r] || len(r.Unresolved) > 0 {
				continue // NP1104 says it
			}
			var list []netip.Prefix
			for _, p := range blocks(remote(r).Prefixes) {
				if s := scope.SetOf(p); within(s, scope.PublicSpace()) && !s.Overlaps(own) {
					list = append(list, p)
				}
			}
			if len(list) == 0 {
				continue
			}
			f, names := run.hardCodedList(ruleName(r)+" lists", list, tags, old)
			if f == nil {
				continue
			}
			f.Subject, f.Name, f.Origin = g.ID(), r.Name, r.Origin
			if len(names) == 1 {
				f.Fix = azRule("Name the service tag "+names[0]+opens(r), g, r, "update", remoteOption(r), names[0])
			}
			report(*f)
		}
	}
	for _, t := range run.Network.RouteTables {
		run.hardCodedRoutes(t, own, old, report)
	}
}

// opens warns that a tag that is allowed is more than its listed part.
func opens(r *topology.SecurityRule) string {
	if r.Access == topology.Allow {
		return ", which opens all of it"
	}
	return ""
}

// hardCodedRoutes looks at the public blocks that a table sends to one next
// hop.
func (run *Run) hardCodedRoutes(t *topology.RouteTable, own, old *netipx.IPSet, report func(Finding)) {
	type hop struct {
		kind topology.NextHopType
		ip   netip.Addr
	}
	routes := map[hop][]*topology.Route{}
	var order []hop
	for _, r := range t.Routes {
		p := r.Destination.Prefix
		if r.Unresolved || r.Destination.Kind != topology.PrefixAddress {
			continue
		}
		if s := scope.SetOf(p); !within(s, scope.PublicSpace()) || s.Overlaps(own) || run.doubled(t, r) {
			continue
		}
		at := hop{r.NextHop, r.NextHopIP}
		if routes[at] == nil {
			order = append(order, at)
		}
		routes[at] = append(routes[at], r)
	}
	for _, at := range order {
		list := routes[at]
		var prefixes []netip.Prefix
		for _, r := range list {
			prefixes = append(prefixes, r.Destination.Prefix)
		}
		what := "route " + quoted(list[0].Name) + " is for"
		if len(list) > 1 {
			what = fmt.Sprintf("%d routes of %s to %s list", len(list), t.Name, at.kind)
		}
		f, names := run.hardCodedList(what, prefixes, run.tagged(), old)
		if f == nil {
			continue
		}
		f.Subject, f.Name, f.Origin = t.ID(), list[0].Name, list[0].Origin
		for _, r := range list[1:min(len(list), maxRelated)] {
			f.Related = append(f.Related, Related{Text: "route " + quoted(r.Name), Origin: r.Origin})
		}
		if len(names) == 1 {
			f.Fix = azRoute("Name the service tag "+names[0]+" as the prefix of one route", t, list[0], "update", "--address-prefix", names[0])
		}
		report(*f)
	}
}

// doubled reports whether a route is one that [doubledTag] finds.
func (run *Run) doubled(t *topology.RouteTable, r *topology.Route) bool {
	return slices.ContainsFunc(t.Routes, func(wide *topology.Route) bool {
		tags := run.tagsOf([]topology.AddressPrefix{wide.Destination})
		return len(tags) > 0 && wide.NextHop == r.NextHop && wide.NextHopIP == r.NextHopIP && len(heldBy(run.tagged(), tags[0], []netip.Prefix{r.Destination.Prefix})) > 0
	})
}

// ownSpace is the address space of the estate and its public addresses: what
// is there is no service of Azure's.
func (run *Run) ownSpace() *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, v := range run.Network.VirtualNetworks {
		for _, p := range v.KnownSpace() {
			b.AddPrefix(p)
		}
	}
	for _, p := range run.Network.PublicIPAddresses {
		if p.IPAddress.IsValid() {
			b.Add(p.IPAddress)
		}
	}
	s, _ := b.IPSet() // of valid prefixes: no error
	return s
}

// datacenters is every datacenter range, nil without a file.
func (run *Run) datacenters() *netipx.IPSet {
	d := run.Network.DatacenterRanges
	if d == nil {
		return nil
	}
	var b netipx.IPSetBuilder
	for _, r := range d.Regions {
		for _, p := range r.Prefixes {
			b.AddPrefix(p)
		}
	}
	s, _ := b.IPSet() // of valid prefixes: no error
	return s
}

// holder is a tag and the blocks of a list that it holds.
type holder struct {
	tag    *topology.ServiceTag
	blocks []netip.Prefix
}

// holders are the tags that together hold as many blocks of a list as tags do,
// each the one that holds most of those left, of equal ones the smallest.
func holders(tags *tagged, list []netip.Prefix) (out []holder, rest []netip.Prefix) {
	of := map[*topology.ServiceTag][]netip.Prefix{}
	for _, p := range list {
		block := scope.SetOf(p)
		for _, t := range tags.overlapping(p) {
			if !isCloud(t) && within(block, tags.set(t)) {
				of[t] = append(of[t], p)
			}
		}
	}
	rest = slices.Clone(list)
	for {
		var best *topology.ServiceTag
		var held []netip.Prefix
		for t, blocks := range of {
			var left []netip.Prefix
			for _, p := range blocks {
				if slices.Contains(rest, p) {
					left = append(left, p)
				}
			}
			if len(left) > 0 && (best == nil || better(t, len(left), best, len(held))) {
				best, held = t, left
			}
		}
		if best == nil {
			return out, rest
		}
		out = append(out, holder{best, held})
		rest = slices.DeleteFunc(rest, func(p netip.Prefix) bool { return slices.Contains(held, p) })
	}
}

// fewBlocks is how many blocks make a list of datacenter ranges.
const fewBlocks = 4

// cloudOfList is the regional tag of whatever runs in a cloud that holds most
// blocks of a list, and how many.
func cloudOfList(tags *tagged, list []netip.Prefix) (*topology.ServiceTag, int) {
	of := map[*topology.ServiceTag]int{}
	var best *topology.ServiceTag
	for _, p := range list {
		for _, t := range tags.overlapping(p) {
			if isCloud(t) && regionOf(t.Name) != "" && within(scope.SetOf(p), tags.set(t)) {
				of[t]++
				if best == nil || of[t] > of[best] || of[t] == of[best] && t.Name < best.Name {
					best = t
				}
			}
		}
	}
	return best, of[best]
}

// better reports whether a tag that holds n blocks says what is meant better
// than another that holds m.
func better(a *topology.ServiceTag, n int, b *topology.ServiceTag, m int) bool {
	switch {
	case n != m:
		return n > m
	case nameable(a) != nameable(b):
		return nameable(a)
	case a.Prefixes.Len() != b.Prefixes.Len():
		return a.Prefixes.Len() < b.Prefixes.Len()
	default:
		return a.Name < b.Name
	}
}

// hardCodedList looks at public blocks that are listed, and names the service
// tags that are meant; nil where they have nothing to do with a service.
func (run *Run) hardCodedList(what string, list []netip.Prefix, tags *tagged, old *netipx.IPSet) (f *Finding, names []string) {
	held, rest := holders(tags, list)
	cloud, inCloud := cloudOfList(tags, list)
	datacenters := len(list) >= fewBlocks && 2*len(rest) > len(list) && 2*inCloud >= len(list)
	var partly, left []netip.Prefix
	var most *topology.ServiceTag // of which the rest has a part
	for _, p := range rest {
		block := scope.SetOf(p)
		for _, t := range tags.overlapping(p) {
			part := intersection(block, tags.set(t))
			if !datacenters && !isCloud(t) && p.Addr().Is4() && 2*size(part) >= size(block) {
				partly = append(partly, p)
				if most == nil || len(held) > 0 && t == held[0].tag {
					most = t
				}
				break
			}
		}
		if old != nil && block.Overlaps(old) && !block.Overlaps(tags.all()) && p.Bits() >= 8 {
			left = append(left, p)
		}
	}
	inside := 0
	var said []string
	for _, h := range held {
		inside += len(h.blocks)
		names = append(names, h.tag.Name)
		said = append(said, few(h.blocks)+" in "+h.tag.Name)
	}
	gone := 0 // blocks in no tag, in a list that is mostly of a service
	if inside > len(rest) {
		gone = len(rest) - len(partly)
	}
	file := run.tagFile()
	f = &Finding{}
	switch {
	case len(left) > 0:
		f.Text = fmt.Sprintf("%s %s, which the datacenter ranges%s give to Azure and no tag of %s holds", what, few(left), run.datacenterDate(), file)
	case datacenters:
		f.Severity = Note
		f.Text = fmt.Sprintf("%s the addresses of datacenters, %d of its %d blocks in %s of %s: whatever runs there is meant", what, inCloud, len(list), cloud.Name, file)
		f.Fix = "Name the service tags of the services that are used; " + cloud.Name + " holds the machines of every customer, too."
		return f, nil
	case len(partly) > 0:
		f.Text = fmt.Sprintf("%s %s, of which only a part is in the service tag %s of %s", what, few(partly), most.Name, file)
		if !slices.Contains(names, most.Name) {
			names = append(names, most.Name)
		}
	case gone > 0:
		f.Text = fmt.Sprintf("%s %s of %s, and %s, which is in no tag of a service in %s", what, plural(inside, "block"), strings.Join(few4(names), ", "), few(rest), file)
		if len(rest) > 1 {
			f.Text = strings.Replace(f.Text, ", which is in", ", which are in", 1)
		}
	case inside > 0:
		f.Severity = Note
		f.Text = fmt.Sprintf("%s addresses of a service, %s of %s", what, strings.Join(few4(said), "; "), file)
	default:
		return nil, nil
	}
	switch {
	case datacenters:
		f.Fix = "Name the service tags of the services that are used; " + cloud.Name + " holds the machines of every customer, too."
		return f, nil
	case len(names) > 1:
		f.Fix = "Write one for each service tag: " + strings.Join(few4(names), ", ") + "."
	case len(names) == 0:
		f.Fix = "Find out what the addresses were for, and name the service tag of that service instead, or remove them."
	}
	return f, names
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(uint64(n)) + " " + what + "s"
}

// few4 is a list cut to four, with a word that there are more.
func few4(list []string) []string {
	if len(list) <= 4 {
		return list
	}
	return append(slices.Clone(list[:4]), fmt.Sprintf("%d more", len(list)-4))
}

// datacenterDate is " of 2018-01-29", "" where it is not known.
func (run *Run) datacenterDate() string {
	d := run.Network.DatacenterRanges.Date
	if d.IsZero() {
		return ""
	}
	return " of " + d.Format("2006-01-02")
}
