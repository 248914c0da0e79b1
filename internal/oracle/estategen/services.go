package estategen

import (
	"fmt"
	"net/netip"

	"github.com/netpath/netpath/topology"
)

// firewallsAndSubnets adds an Azure Firewall with its subnet to the first
// virtual network.
func (g *generator) firewallsAndSubnets() {
	if !g.has(Firewalls) {
		return
	}
	v := g.vnets[0]
	s := g.special(v, "AzureFirewallSubnet", "10.0.254.0/26")
	p := g.publicIP("pip-fw")
	f := &topology.AzureFirewall{
		Element: g.element("azureFirewalls", "fw", false), VirtualNetwork: v.Ref(), Subnet: s.Ref(),
		PrivateIPAddress: g.free(s.Prefixes[0]), PublicIPs: []topology.Ref{p.Ref()}, ThreatIntelMode: "Alert",
	}
	p.IPConfiguration = topology.RefTo(id("azureFirewalls", "fw/azureFirewallIpConfigurations/ipconfig"))
	collections := g.collections()
	if g.chance(0.5) {
		p := &topology.FirewallPolicy{Element: g.element("firewallPolicies", "policy", false), Collections: collections, GroupsGiven: true}
		f.Policy = p.Ref()
		if g.doubt(DanglingReferences, 0.2) {
			p.GroupsGiven, p.Collections = false, nil
		}
		g.add(p)
	} else {
		f.Collections = collections
	}
	g.add(f)
}

func (g *generator) collections() []*topology.RuleCollection {
	var list []*topology.RuleCollection
	for i := range 1 + g.r.IntN(3) {
		c := &topology.RuleCollection{
			Element: topology.Element{Name: fmt.Sprintf("collection%d", i)}, Kind: one(g, topology.NetworkCollection, topology.NetworkCollection, topology.ApplicationCollection),
			Priority: 100 + 10*g.r.IntN(100) + i, Action: one(g, topology.Allow, topology.Allow, topology.Deny),
		}
		if i == 0 && g.has(PublicIPs) && g.chance(0.5) {
			c.Kind, c.Action = topology.NATCollection, topology.NoAccess
		}
		for j := range 1 + g.r.IntN(2) {
			c.Rules = append(c.Rules, g.firewallRule(c.Kind, fmt.Sprintf("rule%d", j)))
		}
		list = append(list, c)
	}
	return list
}

func (g *generator) firewallRule(kind topology.CollectionKind, name string) *topology.FirewallRule {
	star := []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}
	r := &topology.FirewallRule{Element: topology.Element{Name: name}, Sources: star}
	if g.chance(0.4) {
		r.Sources = g.addresses(false)
	}
	switch kind {
	case topology.NATCollection:
		p := g.publics[len(g.publics)-1] // the firewall's own
		c := one(g, g.nics...).IPConfigurations[0]
		r.Protocols = []topology.Protocol{topology.TCP}
		r.Destinations = []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: single(p.IPAddress), Text: p.IPAddress.String()}}
		r.Ports = []topology.PortRange{{First: 443, Last: 443}}
		r.Translated, r.TranslatedPort = c.PrivateIPAddress, 8443
		g.ports = append(g.ports, 8443)
	case topology.NetworkCollection:
		r.Protocols = []topology.Protocol{one(g, topology.TCP, topology.TCP, topology.UDP, topology.AnyProtocol, topology.ICMP)}
		r.Destinations, r.Ports = star, g.portRanges()
		if g.chance(0.6) {
			r.Destinations = g.addresses(false)
		}
	case topology.ApplicationCollection:
		r.Application = []topology.ApplicationProtocol{{Type: "Https", Port: one(g, 443, 8443)}}
		r.TargetFQDNs = []string{one(g, "*", "*.blob.core.windows.net", "example.com")}
		if g.chance(0.2) {
			r.FQDNTags = []string{"AzureBackup"}
		}
	}
	return r
}

// guests makes machines of the interfaces.
func (g *generator) guests() {
	var proxy *topology.IPConfiguration
	for i, n := range g.nics {
		if !g.chance(0.7) {
			continue
		}
		m := &topology.VirtualMachine{
			Element:           topology.Element{ResourceID: id("virtualMachines", fmt.Sprintf("vm%d", i)), Name: fmt.Sprintf("vm%d", i)},
			NetworkInterfaces: []topology.Ref{n.Ref()},
		}
		n.VirtualMachine = m.Ref()
		m.Flexible = g.has(PrivateSubnets) && g.chance(0.1)
		if g.doubt(DanglingReferences, 0.1) {
			m.NetworkInterfaces = append(m.NetworkInterfaces, topology.RefTo(id("networkInterfaces", "gone")))
		}
		if g.has(HostFirewalls) && g.chance(0.4) {
			m.HostFirewall = &topology.HostFirewall{InboundDefault: one(g, topology.Allow, topology.Deny)}
			for range g.r.IntN(3) {
				r := &topology.HostFirewallRule{Access: one(g, topology.Allow, topology.Deny), Protocol: one(g, topology.TCP, topology.AnyProtocol), LocalPorts: g.portRanges()}
				if g.chance(0.5) {
					p := g.prefix(false)
					r.Remote = []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}}
				}
				m.HostFirewall.Inbound = append(m.HostFirewall.Inbound, r)
			}
		}
		if g.has(Proxies) {
			if proxy == nil {
				proxy = n.IPConfigurations[0]
				m.ProxyServer = &topology.ProxyServer{Port: 8080, Authentication: one(g, "none", "none", "required"), AnyHost: g.chance(0.7)}
				if g.doubt(ProxyDoubts, 0.4) {
					m.ProxyServer.Authentication = ""
				}
				if !m.ProxyServer.AnyHost {
					m.ProxyServer.AllowHosts = []string{"*.blob.core.windows.net"}
				}
			} else if g.chance(0.4) {
				m.Proxy = &topology.ProxySetting{Host: proxy.PrivateIPAddress.String(), Port: one[uint16](g, 8080, 8080, 3128), Scope: one(g, "system", "system", "user"), Bypass: g.bypasses()}
				if g.doubt(ProxyDoubts, 0.2) {
					m.Proxy.Undecided = "two settings name different proxies"
				}
			}
		}
		g.add(m)
	}
}

// bypasses are destinations that go past a proxy.
func (g *generator) bypasses() []topology.Bypass {
	if !g.chance(0.4) {
		return nil
	}
	var list []topology.Bypass
	for range 1 + g.r.IntN(2) {
		b := topology.Bypass{}
		switch x := g.r.Float64(); {
		case x < 0.5:
			b.Prefix = g.prefix(false)
		case x < 0.55:
			b.Host = "*"
		case x < 0.75:
			b.Host = one(g, "localhost", "*.local") // no host of the Internet
		default:
			b.Host = one(g, "*.blob.core.windows.net", "example.com")
		}
		b.Doubtful = g.doubt(ProxyDoubts, 0.3)
		list = append(list, b)
	}
	return list
}

// sample is a packet drawn from what matters in the estate.
func (g *generator) sample() Sample {
	c := one(g, g.configs...)
	local := c.PrivateIPAddress
	s := Sample{Configuration: c, Protocol: topology.TCP, SourcePort: one[uint16](g, 50000, 50000, 0, 65535), DestinationPort: one(g, g.ports...)}
	if g.chance(0.3) {
		s.SourcePort = one(g, g.ports...)
	}
	switch x := g.r.Float64(); {
	case x < 0.12:
		s.Protocol = topology.UDP
	case x < 0.2:
		s.Protocol = topology.ICMP
	case x < 0.22:
		s.Protocol = one(g, topology.ESP, topology.AH)
	}
	if !s.Protocol.HasPorts() {
		s.SourcePort, s.DestinationPort = 0, 0
	}
	if !g.has(MailPort) && s.DestinationPort == 25 {
		s.DestinationPort = 26
	}
	s.Kind = one(g, Outbound, Inbound, GroupAlone, WholeWay, WholeWay, WholeWay, FromAddress)
	remote := g.point(local.Is6())
	if s.Kind >= WholeWay && g.chance(0.6) {
		remote = g.remote(local.Is6())
		if s.Protocol == topology.TCP && g.chance(0.4) {
			s.DestinationPort = 443
		}
	}
	s.Source, s.Destination = local, remote
	switch s.Kind {
	case Outbound:
		s.Direction = topology.Outbound
		if g.chance(0.05) {
			s.Source = g.point(local.Is6()) // forwarded
		}
	case Inbound:
		s.Direction = topology.Inbound
		s.Source, s.Destination = remote, local
	case GroupAlone:
		s.Configuration, s.Group = nil, one(g, g.groups...)
		s.Direction = one(g, topology.Inbound, topology.Outbound)
		if g.chance(0.5) {
			local = one(g, netip.MustParseAddr("10.99.0.4"), netip.MustParseAddr("10.99.0.255"))
			s.Source, s.Destination = local, g.point(false)
		}
		if s.Direction == topology.Inbound {
			s.Source, s.Destination = s.Destination, s.Source
		}
	case FromAddress:
		s.Configuration = nil
		s.Source, s.Destination = remote, local
		if !local.Is6() && g.chance(0.6) {
			s.Source = netip.MustParseAddr(one(g, "203.0.113.10", "8.8.8.8", "20.60.26.10", "172.20.1.1", "192.168.100.5"))
		}
		if len(g.publics) > 0 && !local.Is6() && g.chance(0.5) {
			s.Destination = one(g, g.publics...).IPAddress
		}
		if s.Protocol.HasPorts() && g.chance(0.5) {
			s.DestinationPort = one[uint16](g, 443, 443, 8443, 22, 50022)
		}
	}
	if s.Source == s.Destination { // such a packet never leaves its guest
		return g.sample()
	}
	if (s.Kind == Outbound || s.Kind == WholeWay) && g.has(UnknownTags) && g.chance(0.15) {
		s.DestinationTag, s.Destination = one(g, unknownTags...), netip.Addr{}
		if g.data.ServiceTags == nil {
			s.DestinationTag = one(g, append(unknownTags[:len(unknownTags):len(unknownTags)], knownTags...)...)
		}
	}
	return s
}

// remote is an address at which something is there to answer.
func (g *generator) remote(six bool) netip.Addr {
	if len(g.publics) > 0 && !six && g.chance(0.2) {
		return one(g, g.publics...).IPAddress
	}
	for range 20 {
		if a := one(g, g.configs...).PrivateIPAddress; a.Is6() == six {
			return a
		}
	}
	return g.point(six)
}

// point is an address that matters, of one family.
func (g *generator) point(six bool) netip.Addr {
	for range 100 {
		if a := one(g, g.points...); a.Is6() == six {
			return a
		}
	}
	return netip.MustParseAddr(map[bool]string{false: "203.0.113.10", true: "2603:1000::1"}[six])
}
