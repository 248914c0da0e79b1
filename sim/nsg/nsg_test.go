package nsg_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

const (
	a1 = "10.0.1.4"
	d1 = "10.0.2.4"
	b1 = "10.1.1.4" // in the peered network
)

// gateOf is the NSG of the subnet app, which the estate gives it.
func gateOf(e *golden.Estate, d topology.Direction) *nsg.Gate {
	n := e.Build()
	sub := e.SubnetOf("app")
	g, _ := topology.Lookup[*topology.NetworkSecurityGroup](n, sub.NetworkSecurityGroup)
	return nsg.New(g, d, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(sub))
}

func rules(list ...*golden.Rule) *golden.Estate { return golden.New().SubnetNSG("app", list...) }

// changed is rules of which the first is changed.
func changed(change func(*topology.SecurityRule), list ...*golden.Rule) *golden.Estate {
	e := rules(list...)
	change(e.NSGOf("nsg-app").SecurityRules[0])
	return e
}

func tuple(p topology.Protocol, from string, sport uint16, to string, dport uint16) flow.Tuple {
	return flow.Tuple{Protocol: p, Source: flow.At(netip.MustParseAddr(from)), SourcePort: sport, Destination: flow.At(netip.MustParseAddr(to)), DestinationPort: dport}
}

func tcp(from, to string, port uint16) flow.Tuple { return tuple(topology.TCP, from, 50000, to, port) }

func udp(from, to string, port uint16) flow.Tuple { return tuple(topology.UDP, from, 50000, to, port) }

func icmp(from, to string) flow.Tuple { return tuple(topology.ICMP, from, 0, to, 0) }

func somewhere(from, tag string, port uint16) flow.Tuple {
	t := tcp(from, golden.NET, port)
	t.Destination = flow.SomewhereIn(tag, false)
	return t
}

func decide(f func(*flow.World, flow.Tuple) nsg.Decision, t flow.Tuple) flow.Result[nsg.Decision] {
	return flow.Explore(func(w *flow.World) (bool, nsg.Decision) {
		d := f(w, t)
		return d.Access == topology.Allow || d.Access == topology.AlwaysAllow, d
	}, nil)
}

func name(d nsg.Decision) string {
	if d.Rule == nil {
		return ""
	}
	return d.Rule.Name
}

var verdicts = map[flowset.Answer]flow.Verdict{flowset.Allowed: flow.Allow, flowset.Denied: flow.Deny, flowset.Open: flow.Unknown}

// corners are the first and the last packet of each of the first boxes of a
// set, and its witness.
func corners(set flowset.Set) (out []flowset.Packet) {
	w, ok := set.Witness()
	if !ok {
		return nil
	}
	out = append(out, w)
	set.Boxes(func(b flowset.Box) bool {
		for _, last := range []bool{false, true} {
			p := w
			p.Protocol, p.SourcePort, p.DestinationPort = b.Protocols[0], 0, 0
			if last {
				p.Protocol = b.Protocols[len(b.Protocols)-1]
			}
			address := func(of *netipx.IPSet, old netip.Addr) netip.Addr {
				if of == nil {
					return old
				}
				r := of.Ranges()
				if last {
					return r[len(r)-1].To()
				}
				return r[0].From()
			}
			port := func(list []topology.PortRange) uint16 {
				switch {
				case !p.Protocol.HasPorts():
					return 0
				case list == nil && last:
					return 65535
				case list == nil:
					return 0
				case last:
					return list[len(list)-1].Last
				}
				return list[0].First
			}
			p.Source, p.Destination = address(b.Source, w.Source), address(b.Destination, w.Destination)
			p.SourcePort, p.DestinationPort = port(b.SourcePorts), port(b.DestinationPorts)
			out = append(out, p)
		}
		return len(out) < 60
	})
	return out
}

func TestAnNSGDecides(t *testing.T) {
	const in, out = golden.In, golden.Out
	allow := func(name string, priority int) *golden.Rule { return golden.Allow(name, priority, out) }
	deny := func(name string, priority int) *golden.Rule { return golden.Deny(name, priority, out) }
	expression := func(what string) func(*topology.SecurityRule) {
		return func(r *topology.SecurityRule) {
			r.Unresolved = append(r.Unresolved, what)
			switch what {
			case "access":
				r.Access = topology.NoAccess
			case "protocol":
				r.Protocol = topology.NoProtocol
			case "direction":
				r.Direction = topology.NoDirection
			case "sourcePortRange":
				r.Source.PortsUnresolved, r.Source.Ports = true, nil
			case "destinationPortRange":
				r.Destination.PortsUnresolved, r.Destination.Ports = true, nil
			}
		}
	}
	defaults := func(change func([]*topology.SecurityRule) []*topology.SecurityRule) *golden.Estate {
		return rules().With(func(e *golden.Estate) {
			g := e.NSGOf("nsg-app")
			g.DefaultRules = change(topology.DefaultSecurityRules())
		})
	}
	ports := func(r *golden.Rule, p ...string) *golden.Rule { return r.SourcePorts(p...) }
	with := func(list []*topology.SecurityRule, name string, change func(*topology.SecurityRule)) []*topology.SecurityRule {
		for _, r := range list {
			if r.Name == name {
				change(r)
			}
		}
		return list
	}

	for _, x := range []struct {
		fact      string // with the key of its source in the specification
		direction topology.Direction
		estate    *golden.Estate
		packet    flow.Tuple
		verdict   flow.Verdict
		rule      string    // where every open fact is as its text says
		missing   flow.Code // Unknown: what would settle it
		assumes   flow.AssumptionID
	}{
		// Order and default rules (spec 2.1).
		{"NSG: the network may reach itself", out, rules(), tcp(a1, d1, 1433), flow.Allow, "AllowVnetOutBound", "", ""},
		{"NSG: and the Internet", out, rules(), tcp(a1, golden.NET, 443), flow.Allow, "AllowInternetOutBound", "", ""},
		{"NSG: nothing else", out, rules(), tcp(a1, "10.200.0.1", 443), flow.Deny, "DenyAllOutBound", "", ""},
		{"NSG: the network is let in", in, rules(), tcp(b1, a1, 445), flow.Allow, "AllowVnetInBound", "", ""},
		{"NSG: the Internet is not", in, rules(), tcp(golden.NET, a1, 443), flow.Deny, "DenyAllInBound", "", ""},
		{"NSG: default rules exist though they were not exported", out,
			defaults(func([]*topology.SecurityRule) []*topology.SecurityRule { return nil }), tcp(a1, golden.NET, 443), flow.Allow, "AllowInternetOutBound", "", ""},
		{"NSG: the lower number comes first", out, rules(deny("late", 200), allow("early", 100)), tcp(a1, d1, 443), flow.Allow, "early", "", ""},
		{"NSG: 1000 is after 200", out, rules(allow("200", 200), deny("1000", 1000)), tcp(a1, d1, 443), flow.Allow, "200", "", ""},
		{"NSG: a rule of the other direction is not asked", out, rules(golden.Deny("in", 100, in)), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"two rules of one priority that disagree are in no order", out, rules(allow("one", 100), deny("two", 100)), tcp(a1, d1, 443), flow.Unknown, "one", flow.SamePriority, ""},
		{"of three, any may decide", out, rules(allow("one", 100), allow("two", 100), deny("three", 100)), tcp(a1, d1, 443), flow.Unknown, "one", flow.SamePriority, ""},
		{"two that agree are certain", out, rules(deny("one", 100), deny("two", 100)), tcp(a1, d1, 443), flow.Deny, "one", "", ""},
		{"two of which one matches are certain", out, rules(allow("one", 100).Ports("80"), deny("two", 100)), tcp(a1, d1, 443), flow.Deny, "two", "", ""},
		{"two of which none matches do not decide", out, rules(allow("one", 100).Ports("80"), deny("two", 100).Ports("81")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"two of neighbouring priorities are in order", out, rules(allow("one", 100), deny("two", 101)), tcp(a1, d1, 443), flow.Allow, "one", "", ""},

		// What an export says of the default rules.
		{"a default rule that was exported with other content may be right", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Access = topology.Deny })
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"one with another destination too", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) {
				r.Destination.Prefixes = []topology.AddressPrefix{{Kind: topology.TagAddress, Text: "Storage", Tag: "Storage"}}
			})
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"or another source", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) {
				r.Source.Prefixes = []topology.AddressPrefix{{Kind: topology.TagAddress, Text: "Storage", Tag: "Storage"}}
			})
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"or another protocol", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Protocol = topology.UDP })
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"or other ports", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Destination.Ports = []topology.PortRange{{First: 80, Last: 80}} })
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"or other source ports", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Source.Ports = []topology.PortRange{{First: 80, Last: 80}} })
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},
		{"where it says the same of the packet it does not matter", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Access = topology.Deny })
		}), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"a user rule comes before it all the same", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) { r.Access = topology.Deny })
		}).With(func(e *golden.Estate) {
			e.NSGOf("nsg-app").SecurityRules = rules(allow("net", 100).To("Internet")).NSGOf("nsg-app").SecurityRules
		}), tcp(a1, golden.NET, 443), flow.Allow, "net", "", ""},
		{"a missing default rule is no difference", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return slices.DeleteFunc(l, func(r *topology.SecurityRule) bool { return r.Name == "AllowInternetOutBound" })
		}), tcp(a1, golden.NET, 443), flow.Allow, "AllowInternetOutBound", "", ""},
		{"nor is 0.0.0.0/0 for *", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "AllowInternetOutBound", func(r *topology.SecurityRule) {
				r.Source.Prefixes = []topology.AddressPrefix{{Kind: topology.PrefixAddress, Text: "0.0.0.0/0", Prefix: netip.MustParsePrefix("0.0.0.0/0")}}
			})
		}), tcp(a1, golden.NET, 443), flow.Allow, "AllowInternetOutBound", "", ""},
		{"another priority of a default rule is", out, defaults(func(l []*topology.SecurityRule) []*topology.SecurityRule {
			return with(l, "DenyAllOutBound", func(r *topology.SecurityRule) { r.Priority = 64999 })
		}), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.DefaultRulesAltered, ""},

		// Matching (spec 2.4).
		{"NSG: the protocol must match", out, rules(deny("tcp", 100).TCP()), udp(a1, d1, 53), flow.Allow, "AllowVnetOutBound", "", ""},
		{"SPEC: a range of ports is a range: 80-443 holds 135", out, rules(allow("web", 100).TCP().Ports("80-443"), deny("all", 200)), tcp(a1, golden.NET, 135), flow.Allow, "web", "", ""},
		{"SPEC: it begins with its first port", out, rules(deny("web", 100).Ports("80-443")), tcp(a1, d1, 80), flow.Deny, "web", "", ""},
		{"SPEC: and not before", out, rules(deny("web", 100).Ports("80-443")), tcp(a1, d1, 79), flow.Allow, "AllowVnetOutBound", "", ""},
		{"SPEC: it ends with its last port", out, rules(deny("web", 100).Ports("80-443")), tcp(a1, d1, 443), flow.Deny, "web", "", ""},
		{"SPEC: and not after", out, rules(deny("web", 100).Ports("80-443")), tcp(a1, d1, 444), flow.Allow, "AllowVnetOutBound", "", ""},
		{"NSG: of a list of ranges any may match", out, rules(deny("web", 100).Ports("80", "8000-8080")), tcp(a1, d1, 8080), flow.Deny, "web", "", ""},
		{"NSG: the source port counts too", out, rules(ports(deny("from", 100), "50000")), tcp(a1, d1, 443), flow.Deny, "from", "", ""},
		{"NSG: another source port does not match", out, rules(ports(deny("from", 100), "50001")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"NSG: the source counts", out, rules(deny("from", 100).From("10.0.1.5")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"NSG: the destination counts", out, rules(deny("to", 100).To("10.0.2.0/30")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"NSG: of a list of prefixes any may match", out, rules(deny("to", 100).To("10.0.3.0/24", "10.0.2.0/29")), tcp(a1, d1, 443), flow.Deny, "to", "", ""},
		{"a rule for every protocol that names ports is taken not to match ICMP", out, rules(allow("web", 100).Ports("443"), deny("all", 200)), icmp(a1, d1), flow.Deny, "all", "", flow.ICMPNeedsAllPorts},
		{"nor one that names source ports", out, rules(ports(allow("web", 100), "443"), deny("all", 200)), icmp(a1, d1), flow.Deny, "all", "", flow.ICMPNeedsAllPorts},
		{"with every port it matches ICMP", out, rules(deny("all", 100)), icmp(a1, d1), flow.Deny, "all", "", ""},
		{"ranges that only together are all ports restrict them", out, rules(allow("two", 100).Ports("0-100", "101-65535"), deny("all", 200)), icmp(a1, d1), flow.Deny, "all", "", flow.ICMPNeedsAllPorts},
		{"a rule for ICMP has no ports to match", out, rules(deny("ping", 100).ICMP().Ports("443")), icmp(a1, d1), flow.Deny, "ping", "", flow.PropertyNotModelled},
		{"nor source ports", out, rules(ports(deny("ping", 100).ICMP(), "443")), icmp(a1, d1), flow.Deny, "ping", "", flow.PropertyNotModelled},
		{"with every port nothing is assumed of them", out, rules(deny("ping", 100).ICMP()), icmp(a1, d1), flow.Deny, "ping", "", ""},
		{"a rule for TCP does not match ICMP", out, rules(deny("tcp", 100).TCP()), icmp(a1, d1), flow.Allow, "AllowVnetOutBound", "", ""},

		// Tags (spec 3).
		{"TAG: a service tag holds its addresses", out, rules(allow("blobs", 100).To("Storage.WestEurope").Ports("443"), deny("internet", 4000).To("Internet")), tcp(a1, golden.SWE, 443), flow.Allow, "blobs", "", ""},
		{"TAG: another region's are not in a regional tag", out, rules(allow("blobs", 100).To("Storage.WestEurope").Ports("443"), deny("internet", 4000).To("Internet")), tcp(a1, golden.SNE, 443), flow.Deny, "internet", "", ""},
		{"a tag that no file holds may hold the address", out, rules(deny("sql", 100).To("Sql")), tcp(a1, golden.NET, 443), flow.Unknown, "AllowInternetOutBound", flow.UnknownTag, ""},
		{"it holds no private one where it is public by its name", out, rules(deny("sql", 100).To("Sql")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"an address of a tag is in the tag", out, rules(deny("sql", 100).To("Sql")).NoServiceTags(), somewhere(a1, "Sql", 443), flow.Deny, "sql", "", ""},
		{"TAG: 168.63.129.16 is what AzureLoadBalancer names", in, rules(golden.Deny("probe", 4096, in)), tcp(golden.Host, a1, 80), flow.Deny, "probe", "", ""},
		{"TAG: the client behind a load balancer is not AzureLoadBalancer", in, rules(golden.Allow("lb", 100, in).From("AzureLoadBalancer")), tcp(golden.NET, a1, 80), flow.Deny, "DenyAllInBound", "", ""},

		// Platform traffic (spec 3.4).
		{"168: the agent's port 80 is never filtered", out, rules(deny("all", 100)), tcp(a1, golden.Host, 80), flow.Allow, "", "", ""},
		{"168: nor its port 32526", out, rules(deny("host", 100).To(golden.Host)), tcp(a1, golden.Host, 32526), flow.Allow, "", "", ""},
		{"168: nor DHCP", out, rules(deny("all", 100)), udp(a1, golden.Host, 67), flow.Allow, "", "", ""},
		{"168: not by its own tag either", out, rules(deny("dns", 100).To("AzurePlatformDNS")), tcp(a1, golden.Host, 80), flow.Allow, "", "", ""},
		{"168: another port of it is filtered", out, rules(deny("all", 100)), tcp(a1, golden.Host, 81), flow.Deny, "all", "", ""},
		{"168: UDP 80 of it is", out, rules(deny("all", 100)), udp(a1, golden.Host, 80), flow.Deny, "all", "", ""},
		{"168: TCP 67 of it is", out, rules(deny("all", 100)), tcp(a1, golden.Host, 67), flow.Deny, "all", "", ""},
		{"168: so is ICMP", out, rules(deny("all", 100)), icmp(a1, golden.Host), flow.Deny, "all", "", ""},
		{"168: DNS is not filtered by other rules", out, rules(deny("all", 100)), udp(a1, golden.Host, 53), flow.Allow, "", "", ""},
		{"168: DNS is filtered by its tag", out, rules(deny("dns", 200).To("AzurePlatformDNS")), tcp(a1, golden.Host, 53), flow.Deny, "dns", "", ""},
		{"168: which a rule for everything before it does not pre-empt", out, rules(allow("all", 100), deny("dns", 200).To("AzurePlatformDNS")), udp(a1, golden.Host, 53), flow.Deny, "dns", "", ""},
		{"168: an expression may be that tag", out, rules(deny("x", 100).To("[parameters('tag')]")), udp(a1, golden.Host, 53), flow.Unknown, "", flow.UnresolvedExpression, ""},
		{"NSG: the metadata service is not filtered by other rules", out, rules(deny("all", 100)), tcp(a1, golden.IMDS, 80), flow.Allow, "", "", ""},
		{"NSG: it is by its tag", out, rules(deny("imds", 100).To("AzurePlatformIMDS")), tcp(a1, golden.IMDS, 80), flow.Deny, "imds", "", ""},
		{"NSG: another port of it is filtered", out, rules(deny("all", 100)), tcp(a1, golden.IMDS, 443), flow.Deny, "all", "", ""},
		{"NSG: UDP to it is filtered", out, rules(deny("all", 100)), udp(a1, golden.IMDS, 80), flow.Deny, "all", "", ""},
		{"NSG: a platform tag stands for its own port", out, rules(deny("dns", 100).To("AzurePlatformDNS")), tcp(a1, golden.Host, 54), flow.Allow, "AllowVnetOutBound", "", ""},
		{"168: a packet from the host is filtered inbound", in, rules(golden.Deny("all", 100, in)), udp(golden.Host, a1, 53), flow.Deny, "all", "", ""},
		{"168: inbound to it nothing is platform traffic", in, rules(golden.Deny("all", 100, in)), tcp(golden.NET, golden.Host, 80), flow.Deny, "all", "", ""},

		// Application security groups (spec 4).
		{"ASG: a rule is for members", out, rules(deny("asg", 100).FromASG("web").To(d1)).ASG("a1", "web"), tcp(a1, d1, 443), flow.Deny, "asg", "", ""},
		{"ASG: for others it is as if absent", out, rules(deny("asg", 100).FromASG("web").To(d1)).ASG("a1", "web"), tcp("10.0.1.5", d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"an address that no interface owns may be a member", out, rules(deny("asg", 100).ToASG("web")).ASG("a1", "web"), tcp(a1, "10.0.2.99", 443), flow.Unknown, "AllowVnetOutBound", flow.ASGMembersUnknown, ""},

		// Expressions.
		{"a rule whose access is an expression may do either", out, changed(expression("access"), deny("x", 100)), tcp(a1, d1, 443), flow.Unknown, "x", flow.UnresolvedExpression, ""},
		{"one whose protocol is may match", out, changed(expression("protocol"), deny("x", 100)), tcp(a1, d1, 443), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"or may not, of ICMP too", out, changed(expression("protocol"), deny("x", 100)), icmp(a1, d1), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"one whose port is may match", out, changed(expression("destinationPortRange"), deny("x", 100)), tcp(a1, d1, 443), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"one whose source port is too", out, changed(expression("sourcePortRange"), deny("x", 100)), tcp(a1, d1, 443), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"but the other port must match", out, changed(expression("sourcePortRange"), deny("x", 100).Ports("80")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"for ICMP an expression may be all ports", out, changed(expression("destinationPortRange"), deny("x", 100)), icmp(a1, d1), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"with a restriction beside it, it is not", out, changed(expression("destinationPortRange"), ports(deny("x", 100), "80")), icmp(a1, d1), flow.Allow, "AllowVnetOutBound", "", flow.ICMPNeedsAllPorts},
		{"one whose priority is may be before all others", out, changed(expression("priority"), deny("x", 100), allow("all", 100)), tcp(a1, d1, 443), flow.Unknown, "all", flow.UnresolvedExpression, ""},
		{"but is before the default rules", out, changed(expression("priority"), deny("x", 100)), tcp(a1, d1, 443), flow.Deny, "x", "", ""},
		{"where it says the same, it does not matter", out, changed(expression("priority"), deny("x", 100), deny("all", 100)), tcp(a1, d1, 443), flow.Deny, "all", "", ""},
		{"one that does not match neither", out, changed(expression("priority"), deny("x", 100).Ports("80"), allow("all", 100)), tcp(a1, d1, 443), flow.Allow, "all", "", ""},
		{"one whose direction is may be of this one", out, changed(expression("direction"), deny("x", 100)), tcp(a1, d1, 443), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"or of the other", in, changed(expression("direction"), golden.Deny("x", 100, in)), tcp(b1, a1, 443), flow.Unknown, "x", flow.UnresolvedExpression, ""},
		{"one whose address is may match", out, rules(deny("x", 100).To("[parameters('to')]")), tcp(a1, d1, 443), flow.Unknown, "AllowVnetOutBound", flow.UnresolvedExpression, ""},
		{"what an expression is does not matter to other ports", out, rules(deny("x", 100).To("[parameters('to')]").Ports("80")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},

		// What is said about a rule.
		{"a rule that did not succeed is taken to be in effect", out, changed(func(r *topology.SecurityRule) { r.ProvisioningState = "Failed" }, deny("x", 100)), tcp(a1, d1, 443), flow.Deny, "x", "", flow.NotSucceeded},
		{"a property that is not modelled is taken not to matter", out, rules(deny("x", 100).NotModelled("new", "1")), tcp(a1, d1, 443), flow.Deny, "x", "", flow.PropertyNotModelled},
		{"neither matters where the rule does not match", out, rules(deny("x", 100).Ports("80").NotModelled("new", "1")), tcp(a1, d1, 443), flow.Allow, "AllowVnetOutBound", "", ""},
		{"an effective export says itself which addresses a side has", out, changed(func(r *topology.SecurityRule) {
			r.Destination.HasExpanded, r.Destination.Expanded = true, []netip.Prefix{netip.MustParsePrefix("10.0.2.0/29")}
		}, deny("x", 100).To("Storage")), tcp(a1, d1, 443), flow.Deny, "x", "", ""},
		{"and which it has not", out, changed(func(r *topology.SecurityRule) {
			r.Destination.HasExpanded, r.Destination.Expanded = true, []netip.Prefix{netip.MustParsePrefix("10.0.2.0/29")}
		}, deny("x", 100).To("Storage")), tcp(a1, golden.SWE, 443), flow.Allow, "AllowInternetOutBound", "", ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			gate := gateOf(x.estate, x.direction)
			r := decide(gate.RuleByRule, x.packet)
			if r.Verdict != x.verdict || name(r.Walk) != x.rule {
				t.Errorf("%v by %q, want %v by %q", r.Verdict, name(r.Walk), x.verdict, x.rule)
			}
			var missing flow.Code
			if len(r.Missing) > 0 {
				missing = r.Missing[0].Code
			}
			var assumes flow.AssumptionID
			if len(r.Assumptions) > 0 {
				assumes = r.Assumptions[0].ID
			}
			if missing != x.missing || assumes != x.assumes {
				t.Errorf("missing %q, want %q; rests on %q, want %q", missing, x.missing, assumes, x.assumes)
			}
			want := flow.NSGRuleAllow
			switch {
			case r.Walk.Rule == nil:
				want = flow.PlatformAddress
			case r.Walk.Access == topology.Deny:
				want = flow.NSGRuleDeny
			}
			if r.Walk.Code != want {
				t.Errorf("code %s, want %s", r.Walk.Code, want)
			}
			// A gate that is asked often is compiled, and decides the same.
			for range 300 {
				decide(gate.Decide, x.packet)
			}
			if c := decide(gate.Decide, x.packet); c.Verdict != r.Verdict || c.Walk != r.Walk {
				t.Errorf("compiled %v by %q, rule by rule %v by %q", c.Verdict, name(c.Walk), r.Verdict, name(r.Walk))
			}
			if !x.packet.Destination.Known() {
				return
			}
			// The exact sets say the same of the packet.
			p := flowset.Packet{Protocol: x.packet.Protocol, Source: x.packet.Source.IP, SourcePort: x.packet.SourcePort,
				Destination: x.packet.Destination.IP, DestinationPort: x.packet.DestinationPort}
			if got := verdicts[gate.Ask(p)]; got != x.verdict {
				t.Errorf("asked for a packet: %v", got)
			}
			parts := nsg.Exact(false, nil, gate)[0]
			for want, set := range map[flow.Verdict]flowset.Set{flow.Allow: parts.Allowed, flow.Deny: parts.Denied, flow.Unknown: parts.Open} {
				if set.Has(p) != (want == x.verdict) {
					t.Errorf("the set of %v has it: %v", want, set.Has(p))
				}
				for _, c := range corners(set) {
					if got := verdicts[gate.Ask(c)]; got != want && c.Source != c.Destination {
						t.Errorf("%v is in the set of %v, asked alone it is %v", c, want, got)
					}
				}
			}
		})
	}
}

// bad-inputs 112: never let an export replace the default rules.
func TestAsFarAsIsKnownTheDocumentedDefaultRulesDecide(t *testing.T) {
	e := rules().With(func(e *golden.Estate) {
		g := e.NSGOf("nsg-app")
		g.DefaultRules = topology.DefaultSecurityRules()
		for _, r := range g.DefaultRules {
			r.Access = map[topology.Access]topology.Access{topology.Allow: topology.Deny, topology.Deny: topology.Allow}[r.Access]
		}
	})
	for to, want := range map[string]topology.Access{golden.NET: topology.Allow, "10.200.0.1": topology.Deny} {
		if r := decide(gateOf(e, golden.Out).Decide, tcp(a1, to, 443)); r.Verdict != flow.Unknown || r.Walk.Access != want {
			t.Errorf("to %s: %v, as far as is known %v", to, r.Verdict, r.Walk.Access)
		}
	}
}

func TestAsFarAsIsKnownARuleOfUnknownAccessDenies(t *testing.T) {
	e := changed(func(r *topology.SecurityRule) { r.Access = topology.NoAccess }, golden.Allow("x", 100, golden.Out))
	if r := decide(gateOf(e, golden.Out).Decide, tcp(a1, d1, 443)); r.Verdict != flow.Unknown || r.Walk.Access != topology.Deny {
		t.Errorf("%v, as far as is known %v", r.Verdict, r.Walk.Access)
	}
}

func TestSecurityAdminRulesDecideBeforeNSGs(t *testing.T) {
	const in = golden.In
	admin := func(list ...*golden.Rule) *nsg.Gate {
		e := golden.New().Admin("v1", list...)
		n := e.Build()
		return nsg.NewAdmin(n.AdminRules, in, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(e.SubnetOf("app")))
	}
	for _, x := range []struct {
		fact   string
		gate   *nsg.Gate
		access topology.Access
		code   flow.Code
		part   flowset.Answer
	}{
		{"AVNM: Allow goes on to the NSGs", admin(golden.Allow("x", 1, in).Ports("443")), topology.Allow, flow.AdminRuleAllow, flowset.Allowed},
		{"AVNM: AlwaysAllow accepts", admin(golden.AlwaysAllow("x", 1, in).Ports("443")), topology.AlwaysAllow, flow.AdminRuleAlwaysAllow, flowset.Allowed},
		{"AVNM: Deny drops", admin(golden.Deny("x", 1, in).Ports("443")), topology.Deny, flow.AdminRuleDeny, flowset.Denied},
		{"AVNM: the lower priority decides", admin(golden.Allow("y", 2, in), golden.Deny("x", 1, in)), topology.Deny, flow.AdminRuleDeny, flowset.Denied},
		{"AVNM: what none matches goes on to the NSGs", admin(golden.Deny("x", 1, in).Ports("80")), topology.NoAccess, "", flowset.Unmatched},
		{"AVNM: a rule of the other direction is not asked", admin(golden.Deny("x", 1, golden.Out)), topology.NoAccess, "", flowset.Unmatched},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := decide(x.gate.Decide, tcp(b1, a1, 443))
			if r.Verdict == flow.Unknown || r.Walk.Access != x.access || r.Walk.Code != x.code {
				t.Errorf("%v %s", r.Walk.Access, r.Walk.Code)
			}
			for range 300 {
				if again := decide(x.gate.Decide, tcp(b1, a1, 443)); again.Walk != r.Walk {
					t.Fatalf("compiled: %+v", again.Walk)
				}
			}
			p := flowset.Packet{Protocol: topology.TCP, Source: netip.MustParseAddr(b1), SourcePort: 50000, Destination: netip.MustParseAddr(a1), DestinationPort: 443}
			if got := x.gate.Ask(p); got != x.part {
				t.Errorf("part %v, want %v", got, x.part)
			}
			parts := nsg.Exact(false, nil, x.gate)[0]
			for part, set := range map[flowset.Answer]flowset.Set{flowset.Allowed: parts.Allowed, flowset.Denied: parts.Denied, flowset.Open: parts.Open, flowset.Unmatched: parts.Unmatched} {
				if set.Has(p) != (part == x.part) {
					t.Errorf("the set %v has it: %v", part, set.Has(p))
				}
			}
			if x.gate.Element() != nil {
				t.Error("admin rules are no element")
			}
		})
	}
	same := admin(golden.Allow("one", 1, in), golden.Deny("two", 1, in))
	if r := decide(same.Decide, tcp(b1, a1, 443)); r.Verdict != flow.Unknown || r.Missing[0].Code != flow.SamePriority || r.Missing[0].About != "admin rules" {
		t.Errorf("two admin rules of one priority: %v, %v", r.Verdict, r.Missing)
	}
	open := admin(golden.Deny("x", 1, in).From("Sql"))
	if got := open.Ask(flowset.Packet{Protocol: topology.TCP, Source: netip.MustParseAddr(golden.NET), Destination: netip.MustParseAddr(a1), DestinationPort: 443}); got != flowset.Open {
		t.Errorf("a denying rule that may match leaves it open whether one does: %v", got)
	}
}

// The shape of NSG diagnostics: condition by condition, an earlier match or not.
func TestEveryRuleIsEvaluatedConditionByCondition(t *testing.T) {
	gate := gateOf(rules(
		golden.Allow("match", 100, golden.Out),
		golden.Allow("protocol", 110, golden.Out).UDP(),
		golden.Allow("source", 120, golden.Out).From("10.0.9.0/24"),
		golden.Allow("source port", 130, golden.Out).SourcePorts("1"),
		golden.Allow("destination", 140, golden.Out).To("10.0.9.0/24"),
		golden.Allow("port", 150, golden.Out).Ports("80"),
		golden.Allow("tag", 160, golden.Out).To("AppService"),
		golden.Allow("expression", 170, golden.Out).From("[parameters('from')]"),
	), golden.Out)
	type conditions struct {
		protocol, source, sourcePort, destination, port bool
		undecided                                       string
	}
	look := func(p flow.Tuple) map[string]conditions {
		out := map[string]conditions{}
		for _, e := range gate.Evaluate(p) {
			out[e.Rule.Name] = conditions{e.Protocol, e.Source, e.SourcePort, e.Destination, e.DestinationPort, strings.Join(e.Undecided, " ")}
		}
		return out
	}
	want := map[string]conditions{
		"match":                 {true, true, true, true, true, ""},
		"protocol":              {false, true, true, true, true, ""},
		"source":                {true, false, true, true, true, ""},
		"source port":           {true, true, false, true, true, ""},
		"destination":           {true, true, true, false, true, ""},
		"port":                  {true, true, true, true, false, ""},
		"tag":                   {true, true, true, false, true, "destination"},
		"expression":            {true, false, true, true, true, "source"},
		"AllowVnetOutBound":     {true, true, true, true, true, ""},
		"AllowInternetOutBound": {true, true, true, false, true, ""},
		"DenyAllOutBound":       {true, true, true, true, true, ""},
	}
	if d := cmp.Diff(want, look(tcp(a1, d1, 443)), cmp.AllowUnexported(conditions{})); d != "" {
		t.Error(d)
	}
	got := look(icmp(a1, d1))
	if c := got["port"]; c.port || !c.sourcePort {
		t.Errorf("ICMP at a rule for port 80: %+v", c)
	}
	if c := got["source port"]; c.sourcePort || !c.port {
		t.Errorf("ICMP at a rule for source port 1: %+v", c)
	}
	if c := got["protocol"]; c.protocol {
		t.Errorf("ICMP at a rule for UDP: %+v", c)
	}
	ping := gateOf(rules(golden.Allow("ping", 100, golden.Out).ICMP().Ports("80")), golden.Out).Evaluate(icmp(a1, d1))[0]
	if !ping.Protocol || !ping.SourcePort || !ping.DestinationPort {
		t.Errorf("a rule for ICMP has no ports: %+v", ping)
	}
}

// PENP: at a private endpoint conditions on the source port are taken as "*".
func TestAtAPrivateEndpointEverySourcePortMatches(t *testing.T) {
	gate := gateOf(changed(func(r *topology.SecurityRule) { r.Source.PortsUnresolved, r.Source.Ports = true, nil },
		golden.Allow("expression", 100, golden.In).Ports("80"), golden.Allow("port", 110, golden.In).SourcePorts("1").From("10.0.9.0/24"),
		golden.Deny("mine", 120, golden.In).SourcePorts("50001")), golden.In)
	p := tcp(b1, a1, 443)
	if r := decide(gate.Decide, p); r.Verdict != flow.Allow {
		t.Errorf("the rule is for source port 50001: %v", r.Verdict)
	}
	open := gate.AnySourcePort()
	if r := decide(open.Decide, p); r.Verdict != flow.Deny || name(r.Walk) != "mine" {
		t.Errorf("with every source port: %v by %q", r.Verdict, name(r.Walk))
	}
	if r := decide(open.Decide, tcp(b1, a1, 80)); r.Verdict != flow.Allow || name(r.Walk) != "expression" {
		t.Errorf("an expression for the source port: %v by %q", r.Verdict, name(r.Walk))
	}
	if r := decide(gate.Decide, p); r.Verdict != flow.Allow {
		t.Error("the gate itself has changed")
	}
	if open.NSG != gate.NSG || open.Element() != gate.Element() || gate.Element().Name != "nsg-app" {
		t.Error("it is the gate of another NSG")
	}
}

func TestARuleNamesAnAddressItself(t *testing.T) {
	for _, x := range []struct {
		rule *golden.Rule
		want bool
	}{
		{golden.Allow("x", 100, golden.Out).To("10.0.2.0/24"), true},
		{golden.Allow("x", 100, golden.Out).ToASG("web"), true},
		{golden.Allow("x", 100, golden.Out).To("[parameters('to')]"), true}, // it may
		{golden.Allow("x", 100, golden.Out).To("VirtualNetwork"), false},
		{golden.Allow("x", 100, golden.Out), false},
		{golden.Allow("x", 100, golden.Out).To("0.0.0.0/0"), false}, // which is "*"
		{golden.Allow("x", 100, golden.Out).To("0.0.0.0/1"), true},
	} {
		e := rules(x.rule).ASG("a1", "web")
		if got := gateOf(e, golden.Out).Rules[0].Destination; got.Explicit != x.want {
			t.Errorf("%v: %v, want %v", got.Sets[0].Name, got.Explicit, x.want)
		}
	}
}

func TestTheConstantsOfAGateAreThoseOfItsRules(t *testing.T) {
	e := rules(golden.Allow("one", 100, golden.Out).SourcePorts("7").Ports("80-443").To("10.0.2.0/29"),
		golden.Allow("dns", 110, golden.Out).To("AzurePlatformDNS"))
	e.NSGOf("nsg-app").SecurityRules[0].Unresolved = []string{"priority"}
	e.NSGOf("nsg-app").DefaultRules[0].Access = topology.Deny
	prefixes, from, to := gateOf(e, golden.Out).Constants()
	edge := netip.MustParseAddr("10.0.2.8")
	if !slices.ContainsFunc(prefixes, func(s *netipx.IPSet) bool { return s.Contains(edge.Prev()) && !s.Contains(edge) }) {
		t.Error("no constant ends at 10.0.2.7")
	}
	if !slices.Contains(from, topology.PortRange{First: 7, Last: 7}) || slices.Contains(from, topology.PortRange{First: 80, Last: 443}) {
		t.Errorf("source ports %v", from)
	}
	for _, want := range []topology.PortRange{{First: 80, Last: 443}, {First: 53, Last: 53}} {
		if !slices.Contains(to, want) {
			t.Errorf("destination ports %v lack %v", to, want)
		}
	}
	source, destination := gateOf(e, golden.Out).Axes()
	if len(source.Prefixes)+len(destination.Prefixes) != len(prefixes) || len(source.Ports) != len(from) {
		t.Error("the axes are not the constants")
	}
}

func TestOfAdminRulesThatAlwaysAllowAllOthersDeny(t *testing.T) {
	e := golden.New().Admin("v1", golden.AlwaysAllow("always", 1, golden.In).Ports("22"), golden.Allow("allow", 2, golden.In).Ports("80"), golden.Deny("deny", 3, golden.In).Ports("443"))
	n := e.Build()
	gate := nsg.NewAdmin(n.AdminRules, golden.In, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(e.SubnetOf("app")))
	always := gate.OnlyAlways()
	for port, want := range map[uint16][2]topology.Access{22: {topology.AlwaysAllow, topology.AlwaysAllow}, 80: {topology.Allow, topology.Deny}, 443: {topology.Deny, topology.Deny}, 8080: {}} {
		for i, g := range []*nsg.Gate{gate, always} {
			if got := decide(g.Decide, tcp(b1, a1, port)).Walk.Access; got != want[i] {
				t.Errorf("port %d of %d: %v, want %v", port, i, got, want[i])
			}
		}
	}
}
