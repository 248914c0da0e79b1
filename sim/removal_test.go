package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// removal takes something away from an estate: a resource that was not
// exported, a property that an export may leave out, a service tag.
type removal struct {
	name string
	// apply changes the network; pick chooses among n things. It reports
	// whether there was anything to take.
	apply func(n *topology.Network, pick func(n int) int) bool
	// documented is the sentence that gives the absence a meaning of its own,
	// with its source; "" where being gone may only make answers less certain.
	documented string
}

// removals is everything that is taken away. The documented ones are the
// exceptions of the law, each with an example in [TestDocumentedAbsences].
func removals() []removal {
	return []removal{
		// Resources
		resource("virtual network", func(n *topology.Network) *[]*topology.VirtualNetwork { return &n.VirtualNetworks }),
		resource("network security group", func(n *topology.Network) *[]*topology.NetworkSecurityGroup { return &n.NetworkSecurityGroups }),
		resource("application security group", func(n *topology.Network) *[]*topology.ApplicationSecurityGroup { return &n.ApplicationSecurityGroups }),
		resource("network interface", func(n *topology.Network) *[]*topology.NetworkInterface { return &n.NetworkInterfaces }),
		resource("route table", func(n *topology.Network) *[]*topology.RouteTable { return &n.RouteTables }),
		resource("virtual network gateway", func(n *topology.Network) *[]*topology.VirtualNetworkGateway { return &n.VirtualNetworkGateways }),
		resource("NAT gateway", func(n *topology.Network) *[]*topology.NATGateway { return &n.NATGateways }),
		resource("public IP address", func(n *topology.Network) *[]*topology.PublicIPAddress { return &n.PublicIPAddresses }),
		resource("load balancer", func(n *topology.Network) *[]*topology.LoadBalancer { return &n.LoadBalancers }),
		resource("private endpoint", func(n *topology.Network) *[]*topology.PrivateEndpoint { return &n.PrivateEndpoints }),
		resource("Azure Firewall", func(n *topology.Network) *[]*topology.AzureFirewall { return &n.AzureFirewalls }),
		resource("admin rule", func(n *topology.Network) *[]*topology.AdminRule { return &n.AdminRules }).
			means("AVNM: inputs without any admin rule mean that there are none (spec 5)"),
		{"virtual machine without settings of its guest", func(n *topology.Network, pick func(int) int) bool {
			return take(&n.VirtualMachines, pick, func(v *topology.VirtualMachine) bool { return v.Proxy == nil && v.HostFirewall == nil })
		}, ""},
		every("virtual network", func(n *topology.Network) *[]*topology.VirtualNetwork { return &n.VirtualNetworks }),
		every("network security group", func(n *topology.Network) *[]*topology.NetworkSecurityGroup { return &n.NetworkSecurityGroups }),
		every("network interface", func(n *topology.Network) *[]*topology.NetworkInterface { return &n.NetworkInterfaces }),
		every("route table", func(n *topology.Network) *[]*topology.RouteTable { return &n.RouteTables }),
		every("application security group", func(n *topology.Network) *[]*topology.ApplicationSecurityGroup { return &n.ApplicationSecurityGroups }),
		every("private endpoint", func(n *topology.Network) *[]*topology.PrivateEndpoint { return &n.PrivateEndpoints }),

		// Service tags
		{"service tag file", func(n *topology.Network, _ func(int) int) bool {
			had := n.ServiceTags != nil
			n.ServiceTags = nil
			return had
		}, ""},
		{"service tag", func(n *topology.Network, pick func(int) int) bool {
			return n.ServiceTags != nil && take(&n.ServiceTags.Tags, pick, nil)
		}, ""},
		{"date of the service tag file", func(n *topology.Network, _ func(int) int) bool {
			had := n.ServiceTags != nil
			if had {
				n.ServiceTags.Date = time.Time{}
			}
			return had
		}, ""},

		resource("firewall policy", func(n *topology.Network) *[]*topology.FirewallPolicy { return &n.FirewallPolicies }),
		resource("IP group", func(n *topology.Network) *[]*topology.IPGroup { return &n.IPGroups }),
		resource("local network gateway", func(n *topology.Network) *[]*topology.LocalNetworkGateway { return &n.LocalNetworkGateways }),
		resource("gateway connection", func(n *topology.Network) *[]*topology.GatewayConnection { return &n.GatewayConnections }),

		// Properties of virtual networks and subnets
		property("a virtual network of which its subnets and peerings are left", vnets, func(v *topology.VirtualNetwork) bool {
			had := !v.Stub
			*v = topology.VirtualNetwork{Element: v.Element, Subnets: v.Subnets, Peerings: v.Peerings, Stub: true}
			return had
		}),
		property("location of a virtual network", vnets, func(v *topology.VirtualNetwork) bool { return unset(&v.Location) }),
		property("peerings of a virtual network", vnets, func(v *topology.VirtualNetwork) bool { return unsetList(&v.Peerings) }).
			means("bad-inputs 120: a network in the data without the peering has no link"),
		property("state of a peering", peerings, func(p *topology.Peering) bool { return unset(&p.State) }),
		property("remote address space of a peering", peerings, func(p *topology.Peering) bool {
			p.RemoteAddressSpaceGiven = false
			return unsetList(&p.RemoteAddressSpace)
		}),
		property("allowForwardedTraffic", peerings, func(p *topology.Peering) bool { return unset(&p.AllowForwardedTraffic) }),
		property("allowVirtualNetworkAccess", peerings, func(p *topology.Peering) bool { return unset(&p.AllowVirtualNetworkAccess) }).
			means("PEER: allowVirtualNetworkAccess is true by default"),
		property("allowGatewayTransit", peerings, func(p *topology.Peering) bool { return unset(&p.AllowGatewayTransit) }).
			means("PEER: allowGatewayTransit is false by default"),
		property("useRemoteGateways", peerings, func(p *topology.Peering) bool { return unset(&p.UseRemoteGateways) }).
			means("PEER: useRemoteGateways is false by default"),
		property("networkSecurityGroup of a subnet", subnets, func(s *topology.Subnet) bool { return unset(&s.NetworkSecurityGroup) }).
			means("HOW: an NSG missing at a level: that level allows everything"),
		property("routeTable of a subnet", subnets, func(s *topology.Subnet) bool { return unset(&s.RouteTable) }).
			means("UDR: a subnet without a route table has the system routes"),
		property("natGateway of a subnet", subnets, func(s *topology.Subnet) bool { return unset(&s.NATGateway) }).
			means("NAT: a subnet that names no NAT gateway has none"),
		property("serviceEndpoints of a subnet", subnets, func(s *topology.Subnet) bool { return unsetList(&s.ServiceEndpoints) }).
			means("SE: service endpoints are listed by the subnet"),
		property("defaultOutboundAccess of a subnet", subnets, func(s *topology.Subnet) bool { return unset(&s.DefaultOutboundAccess) }).
			means("DOA: null or absent is implicit access allowed"),
		property("privateEndpointNetworkPolicies of a subnet", subnets, func(s *topology.Subnet) bool { return unset(&s.PrivateEndpointPolicy) }).
			means("PENP: the default is Disabled"),
		property("ipConfigurations of a subnet", subnets, func(s *topology.Subnet) bool { return unsetList(&s.IPConfigurationRefs) }),
		property("privateEndpoints of a subnet", subnets, func(s *topology.Subnet) bool { return unsetList(&s.PrivateEndpointRefs) }),

		// Properties of interfaces and machines
		property("networkSecurityGroup of an interface", nics, func(i *topology.NetworkInterface) bool { return unset(&i.NetworkSecurityGroup) }).
			means("HOW: an NSG missing at a level: that level allows everything"),
		property("enableIPForwarding", nics, func(i *topology.NetworkInterface) bool { return unset(&i.EnableIPForwarding) }),
		property("primary of an interface", nics, func(i *topology.NetworkInterface) bool { return unset(&i.Primary) }),
		property("virtualMachine of an interface", nics, func(i *topology.NetworkInterface) bool { return unset(&i.VirtualMachine) }),
		property("privateEndpoint of an interface", nics, func(i *topology.NetworkInterface) bool { return unset(&i.PrivateEndpoint) }),
		property("private address", ipConfigurations, func(c *topology.IPConfiguration) bool { return unset(&c.PrivateIPAddress) }),
		property("primary of an IP configuration", ipConfigurations, func(c *topology.IPConfiguration) bool { return unset(&c.Primary) }),
		property("backend pools of an IP configuration", ipConfigurations, func(c *topology.IPConfiguration) bool { return unsetList(&c.BackendPools) }),
		property("publicIPAddress of an IP configuration", ipConfigurations, func(c *topology.IPConfiguration) bool { return unset(&c.PublicIPAddress) }).
			means("PIP: an interface that names no public IP address has none (verdicts 19)"),
		property("applicationSecurityGroups of an IP configuration", ipConfigurations, func(c *topology.IPConfiguration) bool { return unsetList(&c.ASGs) }).
			means("bad-inputs 96: an interface in the data says itself which groups it is in"),
		property("interfaces of a machine", vms, func(v *topology.VirtualMachine) bool { return unsetList(&v.NetworkInterfaces) }),
		property("primary interface of a machine", vms, func(v *topology.VirtualMachine) bool { return unset(&v.PrimaryInterface) }),
		property("proxy server of a machine", vms, func(v *topology.VirtualMachine) bool { return unset(&v.ProxyServer) }),
		property("proxy setting of a machine", vms, func(v *topology.VirtualMachine) bool { return unset(&v.Proxy) }).
			means("verdicts, scope: no proxy setting given for a machine: it goes direct"),
		property("guest firewall of a machine", vms, func(v *topology.VirtualMachine) bool { return unset(&v.HostFirewall) }).
			means("verdicts, scope: a guest's own firewall counts only where it is given"),

		// Properties of the rest
		property("rules of an NSG", nsgs, func(g *topology.NetworkSecurityGroup) bool {
			g.SecurityRules = nil
			return unset(&g.RulesGiven)
		}),
		property("default rules of an NSG", nsgs, func(g *topology.NetworkSecurityGroup) bool { return unsetList(&g.DefaultRules) }),
		property("routes of a route table", tables, func(r *topology.RouteTable) bool {
			r.Routes = nil
			return unset(&r.RoutesGiven)
		}),
		property("disableBgpRoutePropagation", tables, func(r *topology.RouteTable) bool { return unset(&r.DisableBGPPropagation) }).
			means("UDR: disableBgpRoutePropagation is false by default"),
		property("learned routes of a gateway", gateways, func(g *topology.VirtualNetworkGateway) bool {
			g.LearnedPrefixes = nil
			return unset(&g.LearnedGiven)
		}),
		property("sku of a public IP address", publicIPs, func(p *topology.PublicIPAddress) bool { return unset(&p.SKU) }),
		property("address of a public IP address", publicIPs, func(p *topology.PublicIPAddress) bool { return unset(&p.IPAddress) }),
		property("state of a private endpoint's connection", endpoints, func(p *topology.PrivateEndpoint) bool { return unset(&p.ConnectionState) }),
		property("addresses of a private endpoint", endpoints, func(p *topology.PrivateEndpoint) bool { return unsetList(&p.Addresses) }),
		property("interfaces of a private endpoint", endpoints, func(p *topology.PrivateEndpoint) bool { return unsetList(&p.NetworkInterfaces) }),
		property("rule collection groups of a firewall policy", policies, func(p *topology.FirewallPolicy) bool {
			p.Collections = nil
			return unset(&p.GroupsGiven)
		}),
		property("public IP addresses of a NAT gateway", natGateways, func(g *topology.NATGateway) bool { return unsetList(&g.PublicIPs) }),
	}
}

func (r removal) means(sentence string) removal { r.documented = sentence; return r }

// resource removes one resource of a kind.
func resource[T any](name string, of func(*topology.Network) *[]T) removal {
	return removal{name: name, apply: func(n *topology.Network, pick func(int) int) bool { return take(of(n), pick, nil) }}
}

// every removes all resources of a kind: the file that lists them.
func every[T any](name string, of func(*topology.Network) *[]T) removal {
	return removal{name: "every " + name, apply: func(n *topology.Network, _ func(int) int) bool { return unsetList(of(n)) }}
}

// property clears a property of one of the things that have it.
func property[T any](name string, of func(*topology.Network) []T, unset func(T) bool) removal {
	return removal{name: name, apply: func(n *topology.Network, pick func(int) int) bool {
		things := of(n)
		for len(things) > 0 {
			i := pick(len(things))
			if unset(things[i]) {
				return true
			}
			things = slices.Delete(things, i, i+1)
		}
		return false
	}}
}

// take removes one element that fits from the list.
func take[T any](list *[]T, pick func(int) int, fits func(T) bool) bool {
	var at []int
	for i, e := range *list {
		if fits == nil || fits(e) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return false
	}
	i := at[pick(len(at))]
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return true
}

// unset sets a property to its zero value; false where it was that already.
func unset[T comparable](p *T) bool {
	var zero T
	had := *p != zero
	*p = zero
	return had
}

func unsetList[T any](p *[]T) bool {
	had := len(*p) > 0
	*p = nil
	return had
}

func vnets(n *topology.Network) []*topology.VirtualNetwork { return slices.Clone(n.VirtualNetworks) }

func subnets(n *topology.Network) []*topology.Subnet {
	var out []*topology.Subnet
	for _, v := range n.VirtualNetworks {
		out = append(out, v.Subnets...)
	}
	return out
}

func peerings(n *topology.Network) []*topology.Peering {
	var out []*topology.Peering
	for _, v := range n.VirtualNetworks {
		out = append(out, v.Peerings...)
	}
	return out
}

func nics(n *topology.Network) []*topology.NetworkInterface { return slices.Clone(n.NetworkInterfaces) }

func ipConfigurations(n *topology.Network) []*topology.IPConfiguration {
	var out []*topology.IPConfiguration
	for _, i := range n.NetworkInterfaces {
		out = append(out, i.IPConfigurations...)
	}
	return out
}

func vms(n *topology.Network) []*topology.VirtualMachine { return slices.Clone(n.VirtualMachines) }

func nsgs(n *topology.Network) []*topology.NetworkSecurityGroup {
	return slices.Clone(n.NetworkSecurityGroups)
}

func tables(n *topology.Network) []*topology.RouteTable { return slices.Clone(n.RouteTables) }

func gateways(n *topology.Network) []*topology.VirtualNetworkGateway {
	return slices.Clone(n.VirtualNetworkGateways)
}

func publicIPs(n *topology.Network) []*topology.PublicIPAddress {
	return slices.Clone(n.PublicIPAddresses)
}

func endpoints(n *topology.Network) []*topology.PrivateEndpoint {
	return slices.Clone(n.PrivateEndpoints)
}

func policies(n *topology.Network) []*topology.FirewallPolicy {
	return slices.Clone(n.FirewallPolicies)
}

func natGateways(n *topology.Network) []*topology.NATGateway { return slices.Clone(n.NATGateways) }

// rebuilt is the network that the changed lists make.
func rebuilt(n *topology.Network) (*topology.Network, error) {
	var elements []topology.Any
	n.All(func(e topology.Any) bool { elements = append(elements, e); return true })
	return topology.NewNetwork(topology.Data{
		EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps,
	}, elements...)
}

// certain is a strict answer as the law sees it: whether a part of the
// question is certainly allowed or denied, and whether all of it is.
type certain struct{ allow, deny, all bool }

func (c certain) String() string {
	switch {
	case c.allow && c.deny:
		return "Allow in part, Deny in part"
	case c.allow && c.all:
		return "Allow"
	case c.deny && c.all:
		return "Deny"
	case c.allow:
		return "Unknown, Allow in part"
	case c.deny:
		return "Unknown, Deny in part"
	default:
		return "Unknown"
	}
}

func certainly(r reply) certain {
	return certain{
		allow: r.verdict == flow.Allow || r.anyAllow, deny: r.verdict == flow.Deny || r.anyDeny,
		all: r.verdict != flow.Unknown && !r.undecided,
	}
}

// broken says how the answer after a removal breaks the law: what was
// certain never becomes certainly the other, and nothing becomes certainly
// allowed by being gone.
func broken(before, after certain) string {
	switch {
	case after.allow && !before.allow:
		return "allowed by a removal"
	case after.deny && before.allow && before.all && !before.deny:
		return "a certain Allow is denied by a removal"
	case after.allow && after.all && !after.deny && before.deny:
		return "a part that was denied is allowed by a removal"
	case after.deny && after.all && !after.allow && before.allow:
		return "a part that was allowed is denied by a removal"
	}
	return ""
}

// TestRemovalNeverFlips is the removal property: take something away from a
// random estate and no certain answer turns into the other one, and no Deny
// or Unknown into a certain Allow. Removals that are documented as meaning
// something are left out.
func TestRemovalNeverFlips(t *testing.T) {
	var open []removal
	for _, r := range removals() {
		if r.documented == "" {
			open = append(open, r)
		}
	}
	var answered, compared int
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		whole := p.build()
		full := strictly(t, whole)
		questions := make([]drawn, 6)
		before := make([]certain, len(questions))
		for i := range questions {
			questions[i] = drawQuestion(t)
			r, err := questions[i].ask(full)
			var name *sim.NameError
			switch {
			case errors.As(err, &name):
				questions[i].ask = nil // neither end is in this estate
			case err != nil:
				t.Fatalf("%s of the whole estate: %v", questions[i].text, err)
			default:
				before[i] = certainly(r)
				answered++
			}
		}
		for range 6 {
			n := p.build()
			var gone []string
			for range rapid.IntRange(1, 2).Draw(t, "removals") {
				r := rapid.SampledFrom(open).Draw(t, "removal")
				if r.apply(n, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }) {
					gone = append(gone, r.name)
				}
			}
			less, err := rebuilt(n)
			if err != nil {
				t.Fatalf("without %v: %v", gone, err)
			}
			s := strictly(t, less)
			for i, q := range questions {
				if q.ask == nil || q.another(whole, less) {
					continue
				}
				r, err := q.ask(s)
				var name *sim.NameError
				if errors.As(err, &name) {
					continue // what is asked about is gone itself
				}
				if err != nil {
					t.Fatalf("%s without %v: %v", q.text, gone, err)
				}
				compared++
				after := certainly(r)
				if how := broken(before[i], after); how != "" {
					full, _ := q.ask(full)
					t.Fatalf("%s: %s\nestate: %s\nquestion: %s\nwithout: %s\nbefore: %s %s\nafter:  %s %s", how, q.text,
						strings.Join(p.text, "; "), q.text, strings.Join(gone, ", "), before[i], full.path(), after, r.path())
				}
			}
		}
	})
	t.Logf("%d answers, %d of them compared after a removal", answered, compared)
	if compared < answered {
		t.Errorf("only %d comparisons of %d answers", compared, answered)
	}
}

// strictly compiles a network in strict mode.
func strictly(t *rapid.T, n *topology.Network) *sim.Simulator {
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plan is a random estate that can be built again and again.
type plan struct {
	steps []func(*golden.Estate)
	text  []string
}

func (p *plan) add(text string, step func(*golden.Estate)) {
	p.text, p.steps = append(p.text, text), append(p.steps, step)
}

func (p *plan) build() *topology.Network {
	e := golden.New()
	for _, s := range p.steps {
		s(e)
	}
	return e.Build()
}

// drawPlan draws what is put into the fixture. Every part is present about
// one time in three.
func drawPlan(t *rapid.T) *plan {
	p := &plan{}
	maybe := func(text string, step func(*golden.Estate)) {
		if rapid.IntRange(0, 2).Draw(t, text) == 2 {
			p.add(text, step)
		}
	}
	for _, subnet := range []string{"app", "db", "dmz", "web"} {
		if rules := drawRules(t, subnet); rules != nil {
			p.add(fmt.Sprintf("NSG on subnet %s %v", subnet, rules), func(e *golden.Estate) { e.SubnetNSG(subnet, build(rules)...) })
		}
	}
	for _, vm := range []string{"a1", "d1", "nva", "px"} {
		if rules := drawRules(t, vm); rules != nil {
			p.add(fmt.Sprintf("NSG on nic %s %v", vm, rules), func(e *golden.Estate) { e.NICNSG(vm, build(rules)...) })
		}
	}
	for _, subnet := range []string{"app", "dmz", "web"} {
		if routes := drawRoutes(t, subnet); routes != nil {
			p.add(fmt.Sprintf("routes of %s %v", subnet, routes), func(e *golden.Estate) { e.Routes(subnet, routes...) })
		}
	}
	sku := rapid.SampledFrom([]string{"Standard", "Basic"}).Draw(t, "sku")
	maybe("a1 has a public IP "+sku, func(e *golden.Estate) { e.PublicIP("a1", pip, sku) })
	maybe("b1 has a public IP", func(e *golden.Estate) { e.PublicIP("b1", "198.51.100.50", "Standard") })
	maybe("NAT gateway", func(e *golden.Estate) { e.NATGateway("app", "198.51.100.20") })
	maybe("app is private", func(e *golden.Estate) { e.PrivateSubnet("app") })
	maybe("service endpoint", func(e *golden.Estate) { e.ServiceEndpoint("app", "Microsoft.Storage", "westeurope") })
	maybe("load balancer", func(e *golden.Estate) { e.LoadBalancer("lb", "198.51.100.30", 443, 443, "a1", "a2") })
	policy := rapid.SampledFrom([]topology.NetworkPolicy{
		topology.PolicyUnset, topology.PolicyDisabled, topology.PolicyEnabled, topology.PolicyNSGEnabled, topology.PolicyRouteTableEnabled,
	}).Draw(t, "policy")
	maybe("private endpoint, policies "+string(policy), func(e *golden.Estate) {
		e.PrivateEndpoint("pe", "db", golden.PE, "mystore.blob.core.windows.net").PrivateEndpointPolicies("db", policy)
	})
	prefix := rapid.SampledFrom([]string{"172.20.0.0/16", "0.0.0.0/0", "10.1.1.0/24", "20.60.26.0/24"}).Draw(t, "learned")
	maybe("gateway learned "+prefix, func(e *golden.Estate) { e.Gateway("v1", "10.0.254.0/27", prefix) })
	maybe("no propagation to app", func(e *golden.Estate) { e.NoPropagation("app") })
	maybe("v2 uses the gateway of v1", func(e *golden.Estate) {
		e.Peering("v1", "v2").AllowGatewayTransit, e.Peering("v2", "v1").UseRemoteGateways = topology.On, topology.On
	})
	maybe("v1 does not access v2", func(e *golden.Estate) { e.NoAccess("v1", "v2") })
	maybe("v2 does not access v1", func(e *golden.Estate) { e.NoAccess("v2", "v1") })
	maybe("v2 takes forwarded traffic", func(e *golden.Estate) { e.ForwardedTraffic("v2", "v1") })
	maybe("groups", func(e *golden.Estate) { e.ASG("a1", "AsgLogic").ASG("d1", "AsgDb") })
	maybe("a1 uses the proxy", func(e *golden.Estate) { e.ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080) })
	maybe("px has a guest firewall", func(e *golden.Estate) {
		e.GuestFirewall("px", golden.Opening{Name: "proxy-in", Port: "8080", From: "10.0.0.0/16"})
	})
	web := rapid.SampledFrom([]topology.Access{topology.Allow, topology.Deny}).Draw(t, "web")
	maybe("app goes out by a firewall, web "+web.String(), func(e *golden.Estate) {
		e.Firewall("app", golden.NetworkRules("net", 200, web, golden.NetworkRule("web", "*", "443")),
			golden.NetworkRules("rest", 300, topology.Allow, golden.NetworkRule("storage", "Storage", "1433", "8080")))
	})
	maybe("d1 has a guest firewall", func(e *golden.Estate) {
		e.GuestFirewall("d1", golden.Opening{Name: "sql", Port: "1433", From: "10.0.1.0/24"})
	})
	maybe("nva does not forward", func(e *golden.Estate) { e.NoForwarding("nva") })
	return p
}

// ruleText is a drawn rule, built anew for every network.
type ruleText struct {
	access      topology.Access
	priority    int
	direction   topology.Direction
	protocol    topology.Protocol
	source      string
	destination string
	port        string
}

func (r ruleText) String() string {
	return fmt.Sprintf("%d %s %s %s %s>%s:%s", r.priority, r.direction, r.access, r.protocol, r.source, r.destination, r.port)
}

func drawRules(t *rapid.T, where string) []ruleText {
	if rapid.IntRange(0, 2).Draw(t, "NSG on "+where) == 0 {
		return nil
	}
	ends := rapid.SampledFrom([]string{
		"*", "*", "VirtualNetwork", "Internet", "Storage", "Storage.WestEurope", "AzureCloud", "NoSuchTag", "AzureLoadBalancer",
		"10.0.0.0/16", "10.0.1.0/24", "10.1.1.4", "20.60.26.0/24", "198.51.100.0/24", "asg:AsgLogic", "asg:AsgDb", "AzurePlatformDNS",
	})
	out := []ruleText{}
	for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
		out = append(out, ruleText{
			access:    rapid.SampledFrom([]topology.Access{topology.Allow, topology.Deny}).Draw(t, "access"),
			priority:  100 + 10*i,
			direction: rapid.SampledFrom([]topology.Direction{golden.In, golden.Out}).Draw(t, "direction"),
			protocol:  rapid.SampledFrom([]topology.Protocol{topology.AnyProtocol, topology.AnyProtocol, topology.TCP, topology.UDP}).Draw(t, "protocol"),
			source:    ends.Draw(t, "source"), destination: ends.Draw(t, "destination"),
			port: rapid.SampledFrom([]string{"*", "*", "443", "80-443", "8080", "1433"}).Draw(t, "port"),
		})
	}
	return out
}

func build(rules []ruleText) []*golden.Rule {
	var out []*golden.Rule
	for i, r := range rules {
		name := fmt.Sprintf("r%d", i)
		rule := golden.Allow(name, r.priority, r.direction)
		if r.access == topology.Deny {
			rule = golden.Deny(name, r.priority, r.direction)
		}
		switch r.protocol {
		case topology.TCP:
			rule.TCP()
		case topology.UDP:
			rule.UDP()
		}
		if group, ok := strings.CutPrefix(r.source, "asg:"); ok {
			rule.FromASG(group)
		} else {
			rule.From(r.source)
		}
		if group, ok := strings.CutPrefix(r.destination, "asg:"); ok {
			rule.ToASG(group)
		} else {
			rule.To(r.destination)
		}
		out = append(out, rule.Ports(r.port))
	}
	return out
}

func drawRoutes(t *rapid.T, subnet string) []golden.Route {
	if rapid.IntRange(0, 2).Draw(t, "routes of "+subnet) > 0 {
		return nil
	}
	pool := []golden.Route{
		golden.Via("all", "0.0.0.0/0", golden.NVA), golden.Via("to-v2", "10.1.0.0/16", golden.NVA),
		golden.Via("to-v3", "10.2.0.0/16", golden.NVA), golden.Via("nobody", "10.1.1.0/24", "10.0.0.99"),
		golden.Via("vnet", "10.0.0.0/16", golden.NVA), golden.Hop("drop", "20.60.26.0/23", topology.NextHopNone),
		golden.Hop("storage", "Storage.WestEurope", topology.NextHopInternet), golden.Hop("home", "172.20.0.0/16", topology.NextHopGateway),
		golden.Hop("drop-v1", "10.0.1.0/24", topology.NextHopNone), golden.Hop("direct", "203.0.113.0/24", topology.NextHopInternet),
	}
	at := rapid.SliceOfNDistinct(rapid.IntRange(0, len(pool)-1), 1, 3, rapid.ID[int]).Draw(t, "routes")
	var out []golden.Route
	for _, i := range at {
		out = append(out, pool[i])
	}
	return out
}

// drawn is a random question.
type drawn struct {
	text string
	ask  ask
	to   string // the destination as asked, "" for an IP flow
}

// another reports whether the question is another one after a removal: it is
// about a public address of the estate that no resource has any more, and
// such an address is taken to be anybody's on the Internet (bad-inputs 140).
func (d drawn) another(before, after *topology.Network) bool {
	for _, p := range before.PublicIPAddresses {
		lost := !slices.ContainsFunc(after.PublicIPAddresses, func(q *topology.PublicIPAddress) bool { return q.IPAddress == p.IPAddress })
		if lost && (d.to == p.IPAddress.String() || d.to == "Internet") {
			return true
		}
	}
	return false
}

func drawQuestion(t *rapid.T) drawn {
	machines := []string{"a1", "a2", "b1", "d1", "px"}
	protocol := rapid.SampledFrom([]topology.Protocol{topology.TCP, topology.TCP, topology.UDP, topology.ICMP}).Draw(t, "protocol")
	var port uint16
	if protocol.HasPorts() {
		port = rapid.SampledFrom([]uint16{443, 443, 1433, 8080, 53}).Draw(t, "port")
	}
	if rapid.IntRange(0, 3).Draw(t, "question") == 0 {
		local := rapid.SampledFrom([]string{"10.0.1.4", "10.0.2.4", "10.1.1.4", "10.0.0.10"}).Draw(t, "local")
		remote := rapid.SampledFrom([]string{
			"10.0.1.5", "10.0.2.4", "10.1.1.4", "10.2.1.4", "172.20.1.1", golden.NET, golden.SWE, golden.Host, "198.51.100.50",
		}).Draw(t, "remote")
		d := rapid.SampledFrom([]topology.Direction{golden.In, golden.Out}).Draw(t, "direction")
		q := sim.IPFlowQuestion{Direction: d, Protocol: protocol}
		q.Local, q.Remote = endpoint(local), endpoint(remote)
		q.Local.Port, q.Remote.Port = port, port
		if local == remote {
			q.Remote = endpoint("10.0.1.5")
		}
		return drawn{
			text: fmt.Sprintf("IP flow %s %s %s <> %s port %d", d, protocol, q.Local.Address, q.Remote.Address, port),
			ask: func(s *sim.Simulator) (reply, error) {
				return ipFlow(q, q.Local.Address.String(), q.Remote.Address.String())(s)
			},
		}
	}
	from := rapid.SampledFrom(append(slices.Clone(machines), golden.NET, "Internet")).Draw(t, "from")
	targets := append(slices.Clone(machines), "10.0.2.77", golden.PE, "10.2.1.4", "172.20.1.1")
	if from != golden.NET && from != "Internet" {
		targets = append(targets, golden.NET, golden.SWE, golden.SNE, golden.Host, "Storage", "Storage.WestEurope", "Internet")
	}
	targets = append(targets, pip, "198.51.100.50", "198.51.100.30")
	to := rapid.SampledFrom(slices.DeleteFunc(targets, func(s string) bool { return s == from })).Draw(t, "to")
	return drawn{
		text: fmt.Sprintf("trace %s %s > %s port %d", protocol, from, to, port),
		ask:  traceProtocol(protocol, from, to, port), to: to,
	}
}

// TestDocumentedAbsences shows, for every exception of the removal property,
// an estate where the absence decides: were the exception not needed, it
// should not be in the list.
func TestDocumentedAbsences(t *testing.T) {
	spoke := func() *golden.Estate {
		return golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16").SubnetNSG("web").With(func(e *golden.Estate) {
			e.Peering("v1", "v2").AllowGatewayTransit, e.Peering("v2", "v1").UseRemoteGateways = topology.On, topology.On
		})
	}
	fromHome := inbound("10.1.1.4:443", "172.20.1.1:50000")
	proxied := func() *golden.Estate {
		return golden.New().ProxyServer("px", 8080, "*.example.com").UsesProxy("a1", golden.Proxy, 8080)
	}
	examples := map[string]struct {
		estate        *golden.Estate
		ask           ask
		before, after flow.Verdict
	}{
		"admin rule":                    {golden.New().Admin("v1", golden.Deny("no", 10, golden.In)), trace("b1", "a1", 443), flow.Deny, flow.Allow},
		"peerings of a virtual network": {golden.New().With(onlyPeering), trace("a1", "b1", 443), flow.Allow, flow.Deny},
		"allowVirtualNetworkAccess":     {accessOff().With(onlyPeering), trace("a1", "b1", 443), flow.Deny, flow.Allow},
		"allowGatewayTransit":           {spoke().With(onlyPeering), fromHome, flow.Allow, flow.Deny},
		"useRemoteGateways":             {spoke().With(onlyPeering), fromHome, flow.Allow, flow.Deny},
		"networkSecurityGroup of a subnet": {golden.New().SubnetNSG("app", allBlocked(100, golden.Out)), trace("a1", "d1", 443),
			flow.Deny, flow.Allow},
		"routeTable of a subnet": {golden.New().Routes("app", golden.Hop("drop", "203.0.113.0/24", topology.NextHopNone)),
			trace("a1", golden.NET, 443), flow.Deny, flow.Allow},
		"natGateway of a subnet": {golden.New().PrivateSubnet("app").NATGateway("app", "198.51.100.20"), trace("a1", golden.NET, 443),
			flow.Allow, flow.Deny},
		"serviceEndpoints of a subnet": {golden.New().ServiceEndpoint("app", "Microsoft.Storage", "westeurope").
			Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone)), trace("a1", golden.SWE, 443), flow.Allow, flow.Deny},
		"defaultOutboundAccess of a subnet": {golden.New().PrivateSubnet("app"), trace("a1", golden.NET, 443), flow.Deny, flow.Allow},
		"privateEndpointNetworkPolicies of a subnet": {endpointInDB().PrivateEndpointPolicies("db", topology.PolicyEnabled).
			SubnetNSG("db", allBlocked(100, golden.In)), trace("a1", golden.PE, 443), flow.Deny, flow.Allow},
		"disableBgpRoutePropagation": {golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16").NoPropagation("app").SubnetNSG("app"),
			inbound("10.0.1.4:443", "172.20.1.1:50000"), flow.Unknown, flow.Allow},
		"networkSecurityGroup of an interface": {golden.New().NICNSG("a1", allBlocked(100, golden.Out)), trace("a1", "d1", 443),
			flow.Deny, flow.Allow},
		"publicIPAddress of an IP configuration": {golden.New().PublicIP("a1", pip, "Basic"), trace(golden.NET, "a1", 443),
			flow.Allow, flow.Deny},
		"applicationSecurityGroups of an IP configuration": {golden.New().ASG("d1", "AsgDb").
			SubnetNSG("db", golden.Deny("db", 100, golden.In).ToASG("AsgDb")), trace("a1", "d1", 443), flow.Deny, flow.Allow},
		"proxy setting of a machine": {proxied(), trace("a1", "mystore.blob.core.windows.net", 443), flow.Deny, flow.Allow},
		"guest firewall of a machine": {golden.New().GuestFirewall("d1", golden.Opening{Name: "ssh", Port: "22", From: "*"}),
			trace("a1", "d1", 443), flow.Deny, flow.Allow},
	}
	for _, r := range removals() {
		if r.documented == "" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			x, ok := examples[r.name]
			if !ok {
				t.Fatalf("no example of %q", r.documented)
			}
			opts := sim.Options{AsOf: golden.AsOf, Strict: true}
			if got := answer(t, x.estate.Build(), opts, x.ask); got.verdict != x.before {
				t.Fatalf("before: %s %s, want %s", got.verdict, got.path(), x.before)
			}
			// The thing is taken wherever it is: all of them, so that the one
			// that decides is among them.
			n := x.estate.Build()
			for r.apply(n, func(int) int { return 0 }) {
			}
			less, err := rebuilt(n)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer(t, less, opts, x.ask); got.verdict != x.after {
				t.Errorf("after: %s %s, want %s: %s", got.verdict, got.path(), x.after, r.documented)
			}
		})
	}
	for name := range examples {
		if !slices.ContainsFunc(removals(), func(r removal) bool { return r.name == name && r.documented != "" }) {
			t.Errorf("example %q is of no documented removal", name)
		}
	}
}

// TestRemovalExamples are removals that once turned a certain answer.
func TestRemovalExamples(t *testing.T) {
	first, last := func(int) int { return 0 }, func(n int) int { return n - 1 }
	behindNVA := func() *golden.Estate {
		return publicB1("Internet").Routes("web", golden.Via("all", "0.0.0.0/0", golden.NVA))
	}
	endpointBesideNVA := func() *golden.Estate { return vnetOverNVA().NoForwarding("nva") }
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		ask    ask
		before flow.Verdict
		gone   []string
		pick   func(int) int
		never  flow.Verdict
	}{
		{"a route table that is gone may have stopped propagation",
			learned("172.20.0.0/16").NoPropagation("app").SubnetNSG("app"), inbound("10.0.1.4:443", "172.20.1.1:50000"),
			flow.Unknown, []string{"route table"}, first, flow.Allow},
		{"the space of a network that is gone may be anything",
			learned("0.0.0.0/0").PublicIP("a1", pip, "Standard").
				NICNSG("a1", golden.Deny("group", 100, golden.In).FromASG("AsgLogic")).
				Routes("app", golden.Hop("direct", "203.0.113.0/24", topology.NextHopInternet)),
			trace(golden.NET, "a1", 443), flow.Allow, []string{"virtual network"}, first, flow.Deny},
		{"the way back to a NAT gateway that is gone", behindNVA().NATGateway("app", "198.51.100.20"),
			trace("a1", "198.51.100.50", 443), flow.Deny, []string{"NAT gateway"}, first, flow.Allow},
		{"the way back to a public address that is gone", behindNVA().PublicIP("a1", pip, "Standard"),
			trace("a1", "198.51.100.50", 443), flow.Deny, []string{"public IP address"}, last, flow.Allow},
		{"a private endpoint of which the interface is left", endpointBesideNVA(), trace("a1", golden.PE, 443),
			flow.Allow, []string{"private endpoint"}, first, flow.Deny},
		{"a private endpoint that its subnet still names", endpointBesideNVA(), trace("a1", golden.PE, 443),
			flow.Allow, []string{"private endpoint", "network interface"}, last, flow.Deny},
		{"a backend of which the pool still names the configuration",
			golden.New().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1", "a2").
				NICNSG("a1", golden.Allow("https", 100, golden.In).Ports("443")).NICNSG("a2"),
			trace(golden.NET, "198.51.100.30", 443), flow.Unknown, []string{"network interface"},
			func(int) int { return 3 /* a2's */ }, flow.Allow},
		{"an NSG of another interface is not asked for an address that nobody owns any more",
			golden.New().NICNSG("d1"), inbound("10.0.0.10:443", "10.2.1.4:50000"),
			flow.Allow, []string{"every network interface"}, first, flow.Deny},
	} {
		t.Run(c.fact, func(t *testing.T) {
			opts := sim.Options{AsOf: golden.AsOf, Strict: true}
			if got := answer(t, c.estate.Build(), opts, c.ask); got.verdict != c.before {
				t.Fatalf("before: %s %s, want %s", got.verdict, got.path(), c.before)
			}
			n := c.estate.Build()
			for _, r := range removals() {
				if slices.Contains(c.gone, r.name) && !r.apply(n, c.pick) {
					t.Fatalf("no %s to take", r.name)
				}
			}
			less, err := rebuilt(n)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sim.New(less, opts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.ask(s)
			var name *sim.NameError
			if err != nil && !errors.As(err, &name) {
				t.Fatal(err)
			}
			if err == nil && got.verdict == c.never {
				t.Errorf("without %v: %s %s", c.gone, got.verdict, got.path())
			}
		})
	}
}

// onlyPeering leaves the peering of v1 and v2 alone in the estate.
func onlyPeering(e *golden.Estate) {
	e.VNetOf("v3").Peerings = nil
	e.VNetOf("v2").Peerings = slices.DeleteFunc(e.VNetOf("v2").Peerings, func(p *topology.Peering) bool {
		return p.RemoteVirtualNetwork.ID() == e.VNetOf("v3").ID()
	})
}
