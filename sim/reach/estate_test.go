package reach

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// The builders of small estates: v1 is 10.0.0.0/16, a machine has the name and
// the address that it is given.

func resource(kind, name string) topology.Element {
	return topology.Element{ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name, Name: name, ResourceGroup: "g"}
}

// group is an NSG with rules "100 in allow tcp SOURCE > DESTINATION 443"; * is
// anything, a source or destination that is no block is a tag.
func group(name string, rules ...string) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{Element: resource("networkSecurityGroups", name), RulesGiven: true}
	match := func(list, ports string) topology.Match {
		m := topology.Match{Ports: []topology.PortRange{topology.AllPorts}}
		if ports != "*" {
			r, err := parseRange(ports)
			if err != nil {
				panic(err)
			}
			m.Ports = []topology.PortRange{r}
		}
		for _, text := range strings.Split(list, ",") {
			a := topology.AddressPrefix{Kind: topology.TagAddress, Tag: text}
			if text == "*" {
				a = topology.AddressPrefix{Kind: topology.AnyAddress}
			} else if p, err := netip.ParsePrefix(text); err == nil {
				a = topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p}
			}
			m.Prefixes = append(m.Prefixes, a)
		}
		return m
	}
	for i, text := range rules {
		var priority int
		var direction, access, protocol, source, destination, port string
		if _, err := fmt.Sscanf(text, "%d %s %s %s %s > %s %s", &priority, &direction, &access, &protocol, &source, &destination, &port); err != nil {
			panic(text + ": " + err.Error())
		}
		r := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprint("r", priority), ResourceID: fmt.Sprint(g.ResourceID, "/securityRules/r", i)}, Priority: priority,
			Direction: topology.Inbound, Access: topology.Allow, Source: match(source, "*"), Destination: match(destination, port)}
		if direction == "out" {
			r.Direction = topology.Outbound
		}
		if access == "deny" {
			r.Access = topology.Deny
		}
		r.Protocol, _ = topology.ParseProtocol(protocol)
		g.SecurityRules = append(g.SecurityRules, r)
	}
	return g
}

type machine struct {
	name, subnet, address string
	nsg                   *topology.NetworkSecurityGroup // of its interface
	public                string                         // a Standard public IP address
}

type subnet struct {
	name, prefix string
	nsg          *topology.NetworkSecurityGroup
}

func estate(t testing.TB, subnets []subnet, machines []machine) *sim.Simulator {
	t.Helper()
	v := &topology.VirtualNetwork{Element: resource("virtualNetworks", "v1"), AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	all := []topology.Any{v}
	seen := map[*topology.NetworkSecurityGroup]bool{}
	ref := func(g *topology.NetworkSecurityGroup) topology.Ref {
		if g == nil {
			return topology.Ref{}
		}
		if !seen[g] {
			seen[g] = true
			all = append(all, g)
		}
		return topology.RefTo(g.ResourceID)
	}
	for _, x := range subnets {
		v.Subnets = append(v.Subnets, &topology.Subnet{Element: topology.Element{ResourceID: v.ResourceID + "/subnets/" + x.name, Name: x.name},
			Prefixes: []netip.Prefix{netip.MustParsePrefix(x.prefix)}, NetworkSecurityGroup: ref(x.nsg)})
	}
	for _, x := range machines {
		nic := &topology.NetworkInterface{Element: resource("networkInterfaces", x.name+"-nic"), NetworkSecurityGroup: ref(x.nsg)}
		c := &topology.IPConfiguration{Element: topology.Element{ResourceID: nic.ResourceID + "/ipConfigurations/c", Name: "c"}, PrivateIPAddress: netip.MustParseAddr(x.address),
			Subnet: topology.RefTo(v.ResourceID + "/subnets/" + x.subnet), Primary: topology.On}
		if x.public != "" {
			p := &topology.PublicIPAddress{Element: resource("publicIPAddresses", x.name+"-ip"), IPAddress: netip.MustParseAddr(x.public), SKU: "Standard"}
			c.PublicIPAddress = topology.RefTo(p.ResourceID)
			all = append(all, p)
		}
		nic.IPConfigurations = []*topology.IPConfiguration{c}
		vm := &topology.VirtualMachine{Element: resource("virtualMachines", x.name), NetworkInterfaces: []topology.Ref{topology.RefTo(nic.ResourceID)}}
		all = append(all, nic, vm)
	}
	n, err := topology.NewNetwork(topology.Data{}, all...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// say is the rows of an answer, a line each: "Allow app1 → db1 tcp/1433 r100".
func say(t testing.TB, s *sim.Simulator, q Question) []string {
	t.Helper()
	a, err := Between(context.Background(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range a.Rows {
		r := &a.Rows[i]
		names := func(list []*Place, part Addresses) string {
			var s []string
			for _, p := range list {
				s = append(s, p.Name)
			}
			if !part.Whole() {
				return strings.Join(s, "+") + "[" + part.Name + "]"
			}
			return strings.Join(s, "+")
		}
		out = append(out, fmt.Sprint(r.Outcome.Verdict, " ", names(r.From, r.Source), " → ", names(r.To, r.Destination), " ", services(r.Services), " ", r.Outcome.RuleName))
	}
	return out
}

// services are in short "tcp+udp/443 icmp", "any".
func services(list []Services) string {
	var out []string
	for _, s := range list {
		var names []string
		for _, p := range s.Protocols {
			names = append(names, strings.ToLower(p.String()))
		}
		text := strings.Join(names, "+")
		if s.Protocols == nil {
			text = "any"
		}
		for i, r := range s.Ports {
			text += map[bool]string{true: "/", false: ","}[i == 0] + r.String()
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}
