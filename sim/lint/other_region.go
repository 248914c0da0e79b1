package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

func otherRegion() *Rule {
	return &Rule{
		ID: "NP1103", Name: "other-region", Severity: Warning,
		Short: "A rule allows a service in another region, while that of the own region is denied",
		Why: `Storage.NorthEurope and Storage.WestEurope have no address in common. Machines mostly use the services of their own region, and backup always does: its vault and the storage behind it are where the machine is. A rule that opens the tag of another region and leaves that of the own to a Deny is probably meant for the own.

It is a warning where the estate has a storage account or a vault in the own region; where the data does not say which region is used, a note.`,
		Fix: "Name the tag of the region in which the service is used.",
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
      - {name: allow-storage, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Storage.NorthEurope, destinationPortRange: "443"}
      - {name: deny-internet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
storageAccounts:
  - {name: mystore, location: westeurope}
`,
		ExampleTags: exampleTags,
		check:       checkOtherRegion,
	}
}

func checkOtherRegion(run *Run, report func(Finding)) {
	if run.tagged() == nil {
		return
	}
	used := run.usedRegions()
	for _, g := range run.Network.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			tag := tagOf(r.Destination.Prefixes)
			region := regionOf(tag)
			if r.Direction != topology.Outbound || r.Access != topology.Allow || region == "" || len(r.Unresolved) > 0 {
				continue
			}
			if f := run.otherRegion(g, r, tag, region, used); f != nil {
				f.Subject, f.Name, f.Origin = g.ID(), r.Name, r.Origin
				report(*f)
			}
		}
	}
}

// usedRegions are the regions of the storage accounts and vaults of the
// estate.
func (run *Run) usedRegions() []string {
	var out []string
	add := func(e *topology.Element) {
		if region, known := servicetag.Location(e.Location); known && !slices.Contains(out, region) {
			out = append(out, region)
		}
	}
	for _, a := range run.Network.StorageAccounts {
		add(&a.Element)
	}
	for _, v := range run.Network.RecoveryServicesVaults {
		add(&v.Element)
	}
	return out
}

func (run *Run) otherRegion(g *topology.NetworkSecurityGroup, r *topology.SecurityRule, tag, region string, used []string) *Finding {
	if slices.Contains(used, region) {
		return nil // it is used there
	}
	service := scope.Parent(tag)
	var at []string
	own, name := "", ""
	for _, p := range run.Sim.Scopes(g) {
		location := g.Location // that of the networks it is for (NSG)
		if p.VirtualNetwork != nil {
			location = p.VirtualNetwork.Location
		}
		home, known := servicetag.Location(location)
		if !known || home == region {
			return nil
		}
		t, ok := run.Sim.Names().Index().Tag(service + "." + home)
		if !ok || !run.denied(g, r, p, run.tagged().set(t)) {
			return nil
		}
		own, name = home, t.Name
		if p.Subnet != nil {
			at = append(at, subnetName(p.Subnet))
		}
	}
	if own == "" {
		return nil
	}
	where := g.Name + " is"
	if len(at) > 0 {
		where = oneOrMore("subnet", at) + isAre(len(at))
	}
	f := &Finding{
		Text: fmt.Sprintf("%s allows %s, but %s in %s, and %s is denied there", ruleName(r), tag, where, own, name),
		Fix:  azRule("Name "+name+" if the service of the own region is meant", g, r, "update", "--destination-address-prefixes", name),
	}
	switch stale := run.Sim.Names().Stale(); {
	case stale == nil:
	case !run.Sim.Strict():
		f.Assumptions = []flow.Assumption{{ID: stale.Assumption, About: stale.About, Text: stale.Text}}
	case !run.Sim.Waived(stale.Assumption, stale.About):
		f.Undecided = true
		f.Text += ", if " + stale.Text
	}
	if !slices.Contains(used, own) {
		f.Severity, f.Undecided = Note, true
		f.Text += "; which region is used is not in the data"
	}
	return f
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// denied reports whether the NSG certainly denies, at a place, what the rule
// allows to other addresses instead.
func (run *Run) denied(g *topology.NetworkSecurityGroup, like *topology.SecurityRule, p *scope.Place, left *netipx.IPSet) bool {
	if len(like.Destination.Ports) == 0 {
		return false
	}
	port := like.Destination.Ports[0].First
	rules := slices.Clone(g.SecurityRules)
	slices.SortStableFunc(rules, func(a, b *topology.SecurityRule) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, r := range rules {
		if len(r.Unresolved) > 0 {
			return false
		}
		ports := slices.ContainsFunc(r.Destination.Ports, func(x topology.PortRange) bool { return x.Contains(port) })
		if r.Direction != topology.Outbound || r.Protocol != like.Protocol && r.Protocol != topology.AnyProtocol || !ports && !r.Destination.PortsUnresolved {
			continue
		}
		must, may := run.holds(p, &r.Destination)
		switch {
		case r.Access == topology.Allow && left.Overlaps(may):
			return false
		case r.Access == topology.Deny && anySource(r) && allPorts(&r.Source) && ports:
			left = difference(left, must)
		}
	}
	return empty(left)
}

// anySource reports whether an outbound rule applies to every machine.
func anySource(r *topology.SecurityRule) bool {
	return slices.ContainsFunc(r.Source.Prefixes, func(a topology.AddressPrefix) bool {
		return a.Kind == topology.AnyAddress || a.Kind == topology.PrefixAddress && a.Prefix.Bits() == 0 || strings.EqualFold(a.Tag, "VirtualNetwork")
	})
}

// holds is what a side of a rule holds for certain of the addresses of services,
// and what it may hold, with the service tag file taken as current.
func (run *Run) holds(p *scope.Place, m *topology.Match) (must, may *netipx.IPSet) {
	must, may = &netipx.IPSet{}, &netipx.IPSet{}
	for i := range m.Prefixes {
		a := m.Prefixes[i]
		var certain, possible *netipx.IPSet
		t, ok := run.Sim.Names().Index().Tag(a.Tag)
		switch {
		case a.Kind == topology.TagAddress && strings.EqualFold(a.Tag, "Internet"):
			// Addresses of Azure's services are in no virtual network.
			certain, possible = scope.InternetSpace(), scope.PublicSpace()
		case a.Kind == topology.TagAddress && ok && !isBuiltIn(a.Tag):
			certain = run.tagged().set(t)
			possible = certain
		default:
			certain, possible = p.Resolve(a).Certain()
		}
		must, may = union(must, certain), union(may, possible)
	}
	if len(m.ASGs) > 0 {
		may = scope.Everything()
	}
	return must, may
}
