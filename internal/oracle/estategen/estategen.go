package estategen

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/netpath/netpath/topology"
)

// Feature is a set of things an estate may have.
type Feature uint64

// The features. Those from UnknownTags on make verdicts depend on what the
// data does not say.
const (
	Peerings Feature = 1 << iota
	RouteTables
	Hub // spokes that reach each other and the Internet through an appliance in the first virtual network
	TagRoutes
	Gateways
	NATGateways
	PublicIPs
	LoadBalancers
	PrivateEndpoints
	ServiceEndpoints
	PrivateSubnets
	AdminRules
	Firewalls
	ApplicationGroups
	IPv6
	PublicSpace    // a virtual network with public addresses
	PlatformTags   // rules that name AzurePlatformDNS, IMDS, LKM
	HostFirewalls  // guests with a firewall of their own
	Proxies        // guests that use or run an explicit proxy
	PeeringFlags   // access off, forwarded traffic on, gateway transit, subnet peering
	PortlessRules  // rules for ICMP, ESP and AH
	MailPort       // tcp/25
	UnknownTags    // tags that no file explains, or no file at all
	StaleCatalogue // a catalogue without a date
	DanglingReferences
	AssociationConflicts
	Expressions
	SamePriorities
	SamePrefixes
	AlteredDefaults
	NotSucceeded
	NotModelled
	PeerStates // peerings that are not connected, one-sided or lead out of the data
	CutLists
	MissingLearnedRoutes
	AddressesOwnedTwice
	Stubs       // virtual networks that are known by their subnets and peerings alone
	Designs     // subnets of a design that do not say whether they are private
	ProxyDoubts // proxy settings that contradict each other or that programs read in different ways
	lastFeature
)

// All is every feature.
const All = lastFeature - 1

// Certain are the features that leave no doubt.
const Certain = UnknownTags - 1

// Options are the settings of [Random]. The zero value is every feature and
// 20 samples.
type Options struct {
	Without Feature // never generated
	Samples int
}

// CatalogueDate is the date of the generated service tag files.
var CatalogueDate = time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)

// Sample is a packet and where it is asked about.
type Sample struct {
	Kind          Kind
	Configuration *topology.IPConfiguration      // Outbound, WholeWay: where it starts; Inbound: where it arrives
	Group         *topology.NetworkSecurityGroup // GroupAlone
	Direction     topology.Direction             // GroupAlone, and as Kind says

	Protocol        topology.Protocol
	Source          netip.Addr
	SourcePort      uint16
	Destination     netip.Addr // invalid where DestinationTag is set
	DestinationTag  string     // some address of the tag; the family is that of Source
	DestinationPort uint16
}

// Kind is the kind of question of a sample.
type Kind uint8

// The kinds of question.
const (
	Outbound    Kind = iota + 1 // the outbound gates of Configuration
	Inbound                     // the inbound gates of Configuration
	GroupAlone                  // one NSG in Direction
	WholeWay                    // the whole way from Configuration
	FromAddress                 // the whole way from Source: Internet, on-premises or an address of a subnet
)

// String is the kind in a word or three.
func (k Kind) String() string {
	return [...]string{"none", "outbound gates", "inbound gates", "NSG alone", "whole way", "from an address"}[k]
}

// String is the sample in one line, for failure messages.
func (s Sample) String() string {
	to := s.Destination.String()
	if s.DestinationTag != "" {
		to = "some address of " + s.DestinationTag
	}
	where := ""
	switch {
	case s.Group != nil:
		where = " at " + s.Group.Name
	case s.Configuration != nil:
		where = " at " + s.Configuration.ResourceID
	}
	return fmt.Sprintf("%s %s%s: %s %s:%d > %s:%d", [...]string{"", "outbound", "inbound", "alone", "way", "from"}[s.Kind], s.Direction, where,
		s.Protocol, s.Source, s.SourcePort, to, s.DestinationPort)
}

// Random makes an estate and packets to ask about. The same random source
// makes the same estate.
func Random(r *rand.Rand, options Options) (*topology.Network, []Sample) {
	if options.Samples == 0 {
		options.Samples = 20
	}
	g := &generator{r: r, without: options.Without}
	for f := Feature(1); f < lastFeature; f <<= 1 {
		share := 0.4
		if f >= UnknownTags {
			share = 0.12
		}
		if g.chance(share) {
			g.features |= f
		}
	}
	if g.has(Hub) {
		g.features |= RouteTables | Peerings
	}
	g.features &^= options.Without
	g.estate()
	n, err := topology.NewNetwork(g.data, g.elements...)
	if err != nil {
		panic("estategen: " + err.Error()) // a fault of the generator
	}
	samples := make([]Sample, 0, options.Samples)
	for len(samples) < options.Samples {
		samples = append(samples, g.sample())
	}
	return n, samples
}

// generator makes one estate.
type generator struct {
	r        *rand.Rand
	without  Feature
	features Feature

	data     topology.Data
	elements []topology.Any
	vnets    []*topology.VirtualNetwork
	groups   []*topology.NetworkSecurityGroup
	tables   []*topology.RouteTable
	asgs     []topology.Ref
	publics  []*topology.PublicIPAddress
	configs  []*topology.IPConfiguration
	nics     []*topology.NetworkInterface

	hub *topology.NetworkInterface // the appliance of Hub, nil where there is none

	used   map[netip.Addr]bool
	points []netip.Addr // addresses that matter somewhere
	ports  []uint16     // ports that matter somewhere
}

// stubs takes the own properties from some virtual networks, as where only
// their children were exported.
func (g *generator) stubs() {
	for _, v := range g.vnets {
		if g.doubt(Stubs, 0.4) {
			v.Stub, v.AddressSpace, v.Location = true, nil, ""
		}
	}
}

func (g *generator) has(f Feature) bool { return g.features&f != 0 }

func (g *generator) chance(p float64) bool { return g.r.Float64() < p }

// doubt is a rare choice that needs a feature.
func (g *generator) doubt(f Feature, p float64) bool { return g.has(f) && g.chance(p) }

func one[T any](g *generator, list ...T) T { return list[g.r.IntN(len(list))] }

func id(kind, name string) string {
	return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name
}

// element is the common part of a resource.
func (g *generator) element(kind, name string, row51 bool) topology.Element {
	e := topology.Element{ResourceID: id(kind, name), Name: name, ResourceGroup: "g", Location: "westeurope"}
	switch {
	case g.doubt(NotSucceeded, 0.1):
		e.ProvisioningState = one(g, "Failed", "Updating")
	case g.chance(0.5):
		e.ProvisioningState = "Succeeded"
	}
	if row51 && g.doubt(NotModelled, 0.1) {
		e.NotModelled = []topology.Property{{Name: "unheardOf", Value: "1"}}
	}
	return e
}

func (g *generator) add(e topology.Any) { g.elements = append(g.elements, e) }

// note remembers the ends of a prefix and their neighbours for packets.
func (g *generator) note(list ...netip.Prefix) {
	for _, p := range list {
		first, last := p.Addr(), lastOf(p)
		for _, a := range []netip.Addr{first, last, first.Prev(), last.Next()} {
			if a.IsValid() {
				g.points = append(g.points, a)
			}
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
