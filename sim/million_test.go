package sim_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var verdicts = flag.Int("verdicts", 1_000_000, "verdicts of the gates of an interface, or of an NSG alone, that are compared with the oracle")

// traits are what a comparison is counted by: what the estate has, then what
// the packet is and how it was answered.
var traits = []string{
	"peerings", "user routes", "gateway", "admin rules", "security groups", "IPv6 space", "public space", "service tags", "no tag file",
	"an unknown tag", "a tag of the platform", "an expression", "rules of one priority", "altered default rules", "an NSG that is not there",
	"not provisioned", "a list that is cut", "a private subnet", "private endpoints", "rules for ICMP, ESP, AH",
	"outbound", "inbound", "NSG alone", "IPv6 packet", "TCP", "UDP", "no ports", "port 0", "port 65535", "forwarded", "to the Internet", "to the platform",
	"Allow", "Deny", "Unknown", "an assumption", "a default rule decides",
}

// doubts are traits of few estates: two of them meet for certain only in ten
// million verdicts.
var doubts = []string{"no tag file", "an unknown tag", "an expression", "rules of one priority", "altered default rules", "an NSG that is not there", "not provisioned", "a list that is cut"}

// bit is the number of a trait.
func bit(name string) uint64 {
	i := slices.Index(traits, name)
	if i < 0 {
		panic("no trait " + name)
	}
	return 1 << i
}

// apart are pairs of traits that exclude each other.
func apart(a, b string) bool {
	for _, group := range [][]string{
		{"outbound", "inbound", "NSG alone"}, {"TCP", "UDP", "no ports"}, {"Allow", "Deny", "Unknown"},
		{"port 65535", "no ports"}, {"port 0", "no ports"}, {"service tags", "no tag file"}, {"Unknown", "a default rule decides"}, {"Unknown", "an assumption"},
		{"IPv6 packet", "to the platform"}, {"inbound", "to the platform"}, {"to the Internet", "to the platform"}, {"forwarded", "NSG alone"}, {"forwarded", "inbound"}, {"port 0", "port 65535"},
	} {
		if slices.Contains(group, a) && slices.Contains(group, b) {
			return true
		}
	}
	return false
}

// estateTraits are those of an estate.
func estateTraits(n *topology.Network) uint64 {
	var t uint64
	when := func(yes bool, name string) {
		if yes {
			t |= bit(name)
		}
	}
	for _, v := range n.VirtualNetworks {
		when(len(v.Peerings) > 0, "peerings")
		for _, s := range v.Subnets {
			when(!s.RouteTable.IsZero(), "user routes")
			when(s.DefaultOutboundAccess == topology.Off, "a private subnet")
			_, known := topology.Lookup[*topology.NetworkSecurityGroup](n, s.NetworkSecurityGroup)
			when(!s.NetworkSecurityGroup.IsZero() && !known, "an NSG that is not there")
		}
		for _, p := range v.AddressSpace {
			when(p.Addr().Is6(), "IPv6 space")
			when(!p.Addr().Is6() && !p.Addr().IsPrivate(), "public space")
		}
	}
	when(len(n.VirtualNetworkGateways) > 0, "gateway")
	when(len(n.AdminRules) > 0, "admin rules")
	when(len(n.ApplicationSecurityGroups) > 0, "security groups")
	when(n.ServiceTags != nil, "service tags")
	when(n.ServiceTags == nil, "no tag file")
	when(len(n.PrivateEndpoints) > 0, "private endpoints")
	when(slices.ContainsFunc(n.Gaps, func(g topology.Gap) bool { return g.Kind == topology.ListCut }), "a list that is cut")
	known := map[string]bool{"virtualnetwork": true, "internet": true, "azureloadbalancer": true}
	if n.ServiceTags != nil {
		for _, x := range n.ServiceTags.Tags {
			known[strings.ToLower(x.Name)] = true
		}
	}
	for _, g := range n.NetworkSecurityGroups {
		slots := map[string]bool{}
		when(!g.RulesGiven, "an NSG that is not there")
		when(g.ProvisioningState != "" && g.ProvisioningState != "Succeeded", "not provisioned")
		for _, r := range g.SecurityRules {
			slot := fmt.Sprint(r.Direction, r.Priority)
			when(slots[slot], "rules of one priority")
			slots[slot] = true
			when(len(r.Unresolved) > 0 || r.Source.PortsUnresolved || r.Destination.PortsUnresolved, "an expression")
			when(r.Protocol == topology.ICMP || r.Protocol == topology.ESP || r.Protocol == topology.AH, "rules for ICMP, ESP, AH")
			when(r.ProvisioningState != "" && r.ProvisioningState != "Succeeded", "not provisioned")
		}
		for _, r := range g.DefaultRules {
			usual := topology.DefaultSecurityRules()
			i := slices.IndexFunc(usual, func(d *topology.SecurityRule) bool { return d.Name == r.Name })
			when(i < 0 || usual[i].Access != r.Access, "altered default rules")
		}
	}
	sides(n, func(m *topology.Match) {
		for _, a := range m.Prefixes {
			when(a.Kind == topology.UnresolvedAddress, "an expression")
			platform := strings.HasPrefix(a.Tag, "AzurePlatform")
			when(platform, "a tag of the platform")
			when(a.Kind == topology.TagAddress && !platform && !known[strings.ToLower(a.Tag)], "an unknown tag")
		}
	})
	return t
}

// packetTraits are those of a question and its answer.
func packetTraits(x estategen.Sample, a oracle.Answer) uint64 {
	var t uint64
	when := func(yes bool, name string) {
		if yes {
			t |= bit(name)
		}
	}
	when(x.Kind == estategen.GroupAlone, "NSG alone")
	when(x.Kind == estategen.Outbound, "outbound")
	when(x.Kind == estategen.Inbound, "inbound")
	when(x.Source.Is6(), "IPv6 packet")
	when(x.Protocol == topology.TCP, "TCP")
	when(x.Protocol == topology.UDP, "UDP")
	when(!x.Protocol.HasPorts(), "no ports")
	when(x.Protocol.HasPorts() && x.DestinationPort == 0, "port 0")
	when(x.DestinationPort == 65535, "port 65535")
	when(x.Kind == estategen.Outbound && x.Source != x.Configuration.PrivateIPAddress, "forwarded")
	when(x.Destination == netip.MustParseAddr("168.63.129.16") || x.Destination == netip.MustParseAddr("169.254.169.254"), "to the platform")
	when(x.Destination.IsValid() && !x.Destination.IsPrivate() && x.Destination.IsGlobalUnicast() && t&bit("to the platform") == 0, "to the Internet")
	when(true, a.Verdict.String())
	when(a.Verdict != flow.Unknown && a.Strict == flow.Unknown, "an assumption")
	when(a.Verdict != flow.Unknown && a.Priority >= 65000, "a default rule decides")
	return t
}

// One million verdicts of NSG chains and of NSGs alone are those of the oracle,
// and each pair of traits was met among them.
func TestAMillionVerdictsOfGatesAreTheOracles(t *testing.T) {
	total := *verdicts
	if testing.Short() {
		total = min(total, 50_000)
	}
	const each = 2500 // of one estate
	rounds := (total + each - 1) / each
	type tally struct {
		asked, certain, cautious, beyond int
		pairs                            [64][64]int
		wrong                            []string
	}
	workers := runtime.GOMAXPROCS(0)
	tallies := make([]tally, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < rounds; i += workers {
				seed := *diffSeed + uint64(i)
				// Three of seven samples ask gates.
				n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 5)), estategen.Options{Samples: each * 7 / 3})
				s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
				if err != nil {
					tallies[w].wrong = append(tallies[w].wrong, fmt.Sprintf("seed %d: %v", seed, err))
					return
				}
				o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
				batch, estate := s.Batch().Asker(), estateTraits(n)
				x := &tallies[w]
				for _, sample := range samples {
					if sample.Kind >= estategen.WholeWay {
						continue
					}
					b, ok := gatesOfBoth(s, batch, o, sample)
					if !ok {
						continue
					}
					x.asked++
					if b.oracle.Beyond || b.oracle.Refused {
						x.beyond++
						continue
					}
					if b.oracle.Strict != flow.Unknown {
						x.certain++
					}
					mask := estate | packetTraits(sample, b.oracle)
					for p := range len(traits) {
						if mask>>p&1 == 0 {
							continue
						}
						for q := range p {
							if mask>>q&1 == 1 {
								x.pairs[p][q]++
							}
						}
					}
					e, r := b.engine, b.oracle
					same := (e.Verdict == r.Verdict || e.Verdict == flow.Unknown) && (e.Strict == r.Strict || e.Strict == flow.Unknown)
					if same && e.Verdict != flow.Unknown {
						same = slices.ContainsFunc(r.Deciders, func(d oracle.Decider) bool { return d.RuleName == e.RuleName })
					}
					switch {
					case !same && len(x.wrong) < *diffShow:
						x.wrong = append(x.wrong, fmt.Sprintf("seed %d: %s\n  simulator %v, strict %v, rule %q\n  oracle    %v, strict %v, rule %q", seed, sample, e.Verdict, e.Strict, e.RuleName, r.Verdict, r.Strict, r.RuleName))
					case e.Verdict != r.Verdict || e.Strict != r.Strict:
						x.cautious++
					}
				}
			}
		})
	}
	group.Wait()
	var all tally
	for _, x := range tallies {
		all.asked += x.asked
		all.certain += x.certain
		all.cautious += x.cautious
		all.beyond += x.beyond
		all.wrong = append(all.wrong, x.wrong...)
		for p := range x.pairs {
			for q := range x.pairs[p] {
				all.pairs[p][q] += x.pairs[p][q]
			}
		}
	}
	for _, w := range all.wrong {
		t.Error(w)
	}
	met, least, rarest := 0, 1<<62, ""
	for p := range traits {
		for q := range p {
			if apart(traits[p], traits[q]) {
				continue
			}
			c := all.pairs[p][q]
			needs := 1_000_000
			if slices.Contains(doubts, traits[p]) && slices.Contains(doubts, traits[q]) {
				needs = 10_000_000
			}
			if c == 0 && total >= needs {
				t.Errorf("%q never met %q", traits[p], traits[q])
			}
			if c > 0 {
				met++
			}
			if c > 0 && c < least {
				least, rarest = c, traits[p]+" and "+traits[q]
			}
		}
	}
	t.Logf("%d verdicts of %d estates: %d certain, %d beyond the oracle, %d more cautious than the oracle, %d wrong; %d pairs of traits met, the rarest (%s) %d times",
		all.asked, rounds, all.certain, all.beyond, all.cautious, len(all.wrong), met, rarest, least)
}

// gatesOfBoth asks a sample about gates of both: an interface's of the
// simulator itself, an NSG alone of its batch, which is compiled.
func gatesOfBoth(s *sim.Simulator, batch *sim.Asker, o *oracle.Oracle, x estategen.Sample) (b both, ok bool) {
	p := flow.Tuple{Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort, Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort}
	if x.DestinationTag != "" {
		if x.Kind == estategen.GroupAlone {
			return b, false
		}
		p.Destination = flow.SomewhereIn(x.DestinationTag, x.Source.Is6())
	}
	if x.Kind != estategen.GroupAlone {
		b.oracle = o.IPFlow(oracle.Place{Configuration: x.Configuration}, x.Direction, p)
		b.engine = s.Gates(topology.Owner{Interface: s.Network().Holder(x.Configuration), Configuration: x.Configuration}, x.Direction, p)
		return b, true
	}
	local, remote := sim.Endpoint{Address: x.Source, Port: x.SourcePort}, sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}
	if x.Direction == topology.Inbound {
		local, remote = remote, local
	}
	a, err := batch.Ask(&sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote})
	if err != nil {
		return b, false
	}
	b.oracle = o.IPFlow(oracle.Place{Group: x.Group}, x.Direction, p)
	b.engine.Verdict, b.engine.Strict = a.Access, a.Access
	if len(a.Assumptions) > 0 {
		b.engine.Strict = flow.Unknown
	}
	if a.RuleName != nil {
		b.engine.RuleName = *a.RuleName
	}
	return b, true
}
