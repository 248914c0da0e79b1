package lint

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

func widenedTag() *Rule {
	return &Rule{
		ID: "NP1101", Name: "virtual-network-widened", Severity: Warning,
		Short: "A route brings public addresses into the tag VirtualNetwork that a rule names",
		Why: `The tag VirtualNetwork is made for each subnet: to the address space of the network and of its peers come the prefixes of the user-defined routes of that subnet, and what gateways learn (TAG). With a route for 0.0.0.0/0, or for its two halves, the tag holds every address there. A rule that lets in VirtualNetwork then lets in the Internet, and one that denies it, to keep networks apart, denies the Internet too.

The default rules name the tag as well: where no other rule decides before them, AllowVnetInBound takes packets of any source. That is said once for each NSG, as a note.`,
		Fix: "Name the address spaces that are meant instead of the tag.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app, routeTable: rt-app}
      - {name: hub, addressPrefix: 10.0.0.0/24}
routeTables:
  - name: rt-app
    routes:
      - {name: to-nva, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-inside, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
      - {name: deny-rest, priority: 4096, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
virtualMachines:
  - name: nva
    networkInterfaces: [{name: nva-nic, subnet: v1/hub, privateIPAddress: 10.0.0.10, networkSecurityGroup: nsg-nva, enableIPForwarding: true}]
`,
		check: checkWidenedTag,
	}
}

// widened is what routes bring into the tag VirtualNetwork of a
// subnet.
type widened struct {
	subnet  *topology.Subnet
	network *topology.VirtualNetwork
	table   *topology.RouteTable
	certain *netipx.IPSet // public addresses that are in the tag because of a route
	maybe   *netipx.IPSet // and those that may be
	routes  []*topology.Route
}

func checkWidenedTag(run *Run, report func(Finding)) {
	at := map[topology.ID]*widened{} // by subnet
	for _, v := range run.Network.VirtualNetworks {
		for _, s := range v.Subnets {
			if w := run.widened(v, s); w != nil {
				at[s.ID()] = w
			}
		}
	}
	if len(at) == 0 {
		return
	}
	for _, g := range run.Network.NetworkSecurityGroups {
		if !g.RulesGiven {
			continue
		}
		var places []*widened
		for _, p := range run.Sim.Scopes(g) {
			if p.Subnet != nil && at[p.Subnet.ID()] != nil {
				places = append(places, at[p.Subnet.ID()])
			}
		}
		if len(places) > 0 {
			widenedGroup(g, places, report)
		}
	}
}

// widened looks at the routes of one subnet; nil where they bring no public
// address into the tag.
func (run *Run) widened(v *topology.VirtualNetwork, s *topology.Subnet) *widened {
	w := &widened{subnet: s, network: v}
	var brought, learned []netip.Prefix
	if table, ok := topology.Lookup[*topology.RouteTable](run.Network, s.RouteTable); ok {
		w.table = table
		for _, r := range table.Routes {
			p := r.Destination.Prefix
			if r.Destination.Kind == topology.PrefixAddress && scope.PublicSpace().OverlapsPrefix(p) {
				brought = append(brought, p)
				w.routes = append(w.routes, r)
			}
		}
	}
	for _, p := range run.Sim.Names().GatewaysOf(v).Prefixes {
		if p.Bits() == 0 { // forced tunnelling
			brought = append(brought, p)
		} else {
			learned = append(learned, p)
		}
	}
	if len(brought) == 0 {
		return nil
	}
	// What is in the tag without any route is not what routes bring.
	var own netipx.IPSetBuilder
	own.AddSet(scope.SetOf(v.KnownSpace()...))
	for _, p := range v.Peerings {
		if space, ok := run.Sim.Names().RemoteSpace(p); ok {
			own.AddSet(space)
		}
	}
	own.AddSet(scope.SetOf(learned...))
	before, _ := own.IPSet() // of valid prefixes: no error
	must, may := run.Sim.Place(s).VirtualNetworkTag().Certain()
	by := difference(intersection(scope.SetOf(brought...), scope.InternetSpace()), before)
	w.certain, w.maybe = intersection(must, by), intersection(may, by)
	if empty(w.maybe) {
		return nil
	}
	return w
}

func widenedGroup(g *topology.NetworkSecurityGroup, places []*widened, report func(Finding)) {
	covered := false // an inbound rule decides for every source before the default rules
	for _, r := range g.SecurityRules {
		if r.Direction == topology.Inbound && anyone(&r.Source) && anyone(&r.Destination) && allPorts(&r.Source) && allPorts(&r.Destination) && r.Protocol == topology.AnyProtocol {
			covered = true
		}
		side := remote(r)
		if !strings.EqualFold(tagOf(side.Prefixes), "VirtualNetwork") {
			continue
		}
		f := widenedFinding(places, ruleName(r)+" names VirtualNetwork, which %s %s at %s")
		f.Subject, f.Name, f.Origin = g.ID(), r.Name, r.Origin
		var spaces []string
		for _, p := range places[0].network.KnownSpace() {
			spaces = append(spaces, p.String())
		}
		f.Fix = azRule("Name the address spaces that are meant, those of peers among them ("+strings.Join(spaces, " ")+" of "+places[0].network.Name+"), instead of the tag",
			g, r, "update", append([]string{remoteOption(r)}, spaces...)...)
		report(f)
	}
	if covered {
		return
	}
	f := widenedFinding(places, "the default rule AllowVnetInBound of "+g.Name+" names VirtualNetwork, which %s %s at %s")
	f.Subject, f.Name, f.Origin, f.Severity = g.ID(), "AllowVnetInBound", g.Origin, Note
	f.Fix = "Deny what is not meant before the default rules, after rules that allow what is, the probes of AzureLoadBalancer among them"
	if free, ok := edit.FreePriority(g, topology.Inbound, edit.LastPriority+1); ok {
		f.Fix = az(f.Fix, &g.Element, "network nsg rule create", "--nsg-name", shell(g.Name),
			"-n deny-all-inbound --priority", strconv.Itoa(free), "--direction Inbound --access Deny --protocol '*' --source-address-prefixes '*' --destination-address-prefixes '*' --destination-port-ranges '*'")
	}
	report(f)
}

// widenedFinding says what the tag holds at the places, in a sentence with
// room for "holds" or "may hold", the addresses and the subnets.
func widenedFinding(places []*widened, sentence string) Finding {
	var f Finding
	f.Undecided = true
	for _, w := range places {
		if !empty(w.certain) {
			f.Undecided = false
		}
	}
	var subnets []string
	var what *netipx.IPSet
	said := map[*topology.Route]bool{}
	for _, w := range places {
		set := w.certain
		if f.Undecided {
			set = w.maybe
		}
		if empty(set) {
			continue
		}
		if what == nil || size(set) > size(what) {
			what = set
		}
		subnets = append(subnets, subnetName(w.subnet))
		for _, r := range w.routes {
			if !said[r] && len(f.Related) < 8 {
				said[r] = true
				f.Related = append(f.Related, Related{Text: "route " + quoted(r.Name) + " of " + w.table.Name + ": " + r.Destination.Text + " to " + string(r.NextHop), Origin: r.Origin})
			}
		}
	}
	verb := "holds"
	if f.Undecided {
		verb = "may hold"
	}
	f.Text = fmt.Sprintf(sentence, verb, public(what), oneOrMore("subnet", subnets))
	return f
}
