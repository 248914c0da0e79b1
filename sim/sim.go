package sim

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Simulator answers questions about one estate. It is immutable and safe for
// concurrent use; gates and route tables are compiled when first asked.
type Simulator struct {
	net   *topology.Network
	opts  Options
	names *scope.Names

	base *Simulator                              // of which this one is an edited copy; nil: none
	own  map[*topology.NetworkSecurityGroup]bool // that differ from those of the base

	claims   map[topology.ID][]claim                        // by subnet or interface: NSGs that say they are attached to it, or of which an effective export says so
	versions map[topology.ID][]version                      // by NSG: its rules in effective exports that are at odds with it
	admin    map[topology.ID][]*topology.AdminRule          // by virtual network
	anywhere []*topology.AdminRule                          // rules of which the data does not say to which networks they were deployed
	vms      map[topology.ID]*topology.VirtualMachine       // by interface
	beside   map[topology.ID][]int                          // by machine: numbers of its interfaces, by either side's reference
	pools    map[topology.ID][]*topology.LoadBalancer       // by IP configuration or interface: load balancers whose pools name it
	fronts   map[topology.ID][]*topology.LoadBalancer       // by IP configuration or NAT rule: load balancers that name it by its address or in a NAT rule
	groups   []*topology.NetworkSecurityGroup               // of the data, and those of which only the effective rules were exported
	viewed   map[topology.ID]*topology.NetworkSecurityGroup // the latter

	gates     sync.Map // gateKey → *nsg.Gate
	tables    sync.Map // *topology.Subnet → *route.Table
	firewalls sync.Map // *topology.AzureFirewall → *firewall.Firewall
	sets      sync.Map // string → *end, the addresses of a tag or region
	bare      sync.Map // *topology.VirtualNetwork → *topology.Subnet, of gateways whose subnet is not in the data
	met       metCache

	estateRanges func() [][]netipx.IPRange // of estateConstants, made once
	sourcePorts  func() []uint16           // readSourcePorts, made once
	ruleTags     func() map[string]bool    // readRuleTags, made once
}

type gateKey struct {
	nsg      *topology.NetworkSecurityGroup // nil: admin rules
	place    *scope.Place
	dir      topology.Direction
	endpoint bool // as it applies to private endpoints
	anywhere bool // admin rules, those of unknown networks among them
	allow    bool // admin rules, those that deny left out
}

// New compiles an estate. The network must not be changed afterwards.
func New(n *topology.Network, opts Options) (*Simulator, error) {
	s := &Simulator{
		net: n, opts: opts,
		names:  scope.New(n, scope.Options{AsOf: opts.AsOf, CatalogueDate: opts.CatalogueDate, VirtualNetwork: opts.VirtualNetwork}),
		claims: map[topology.ID][]claim{}, versions: map[topology.ID][]version{},
		admin:  map[topology.ID][]*topology.AdminRule{},
		vms:    map[topology.ID]*topology.VirtualMachine{},
		beside: map[topology.ID][]int{},
		pools:  map[topology.ID][]*topology.LoadBalancer{},
		fronts: map[topology.ID][]*topology.LoadBalancer{},
		groups: n.NetworkSecurityGroups,
		viewed: map[topology.ID]*topology.NetworkSecurityGroup{},
	}
	s.estateRanges = sync.OnceValue(func() [][]netipx.IPRange {
		var out [][]netipx.IPRange
		for _, c := range s.estateConstants() {
			out = append(out, c.Ranges())
		}
		return out
	})
	s.sourcePorts = sync.OnceValue(s.readSourcePorts)
	s.ruleTags = sync.OnceValue(s.readRuleTags)
	for _, e := range n.EffectiveSecurityGroups {
		s.view(e)
	}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.Subnets {
			s.claims[r.ID()] = append(s.claims[r.ID()], claim{group: g})
		}
		for _, r := range g.Interfaces {
			s.claims[r.ID()] = append(s.claims[r.ID()], claim{group: g})
		}
	}
	for _, e := range n.EffectiveSecurityGroups {
		s.contradict(e)
	}
	for _, r := range n.AdminRules {
		if r.VirtualNetworksUnknown {
			s.anywhere = append(s.anywhere, r)
		}
		for _, v := range r.VirtualNetworks {
			s.admin[v.ID()] = append(s.admin[v.ID()], r)
		}
	}
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			s.vms[r.ID()] = vm
		}
	}
	for i, nic := range n.NetworkInterfaces {
		id, named := nic.ID(), nic.VirtualMachine.ID()
		if vm, ok := topology.LookupID[*topology.VirtualMachine](n, named); ok && s.vms[id] == nil {
			s.vms[id] = vm
		}
		if named != "" {
			s.beside[named] = append(s.beside[named], i)
		}
		if vm := s.vms[id]; vm != nil && vm.ID() != named {
			s.beside[vm.ID()] = append(s.beside[vm.ID()], i)
		}
	}
	front := func(id topology.ID, lb *topology.LoadBalancer) {
		if id != "" && !slices.Contains(s.fronts[id], lb) {
			s.fronts[id] = append(s.fronts[id], lb)
		}
	}
	for _, lb := range n.LoadBalancers {
		for _, r := range lb.NATRules {
			front(r.ID(), lb)
			front(r.BackendIPConfiguration.ID(), lb)
		}
		for _, p := range lb.BackendPools {
			for _, a := range p.Addresses {
				for _, o := range n.Owners(a) {
					front(o.Configuration.ID(), lb)
				}
			}
			for _, r := range p.IPConfigurations {
				s.pools[r.ID()] = append(s.pools[r.ID()], lb)
			}
			for _, r := range p.Interfaces {
				s.pools[r.ID()] = append(s.pools[r.ID()], lb)
			}
		}
	}
	return s, nil
}

// view makes an NSG of an effective NSG export whose NSG itself was not
// exported: its rules are known as they apply.
func (s *Simulator) view(e *topology.EffectiveSecurityGroup) {
	id := e.NetworkSecurityGroup.ID()
	if len(e.Rules) == 0 {
		return // there are always the default rules: they were left out
	}
	if g, ok := topology.LookupID[*topology.NetworkSecurityGroup](s.net, id); id == "" || ok && g.RulesGiven || s.viewed[id] != nil {
		return
	}
	g := effectiveGroup(e)
	s.viewed[id] = g
	s.groups = append(slices.Clip(s.groups), g)
}

// effectiveGroup is the NSG that an effective export describes.
func effectiveGroup(e *topology.EffectiveSecurityGroup) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{RulesGiven: true}
	g.ResourceID, g.Name, g.Origin = e.NetworkSecurityGroup.Text, path.Base(e.NetworkSecurityGroup.Text), e.Origin
	for _, r := range e.Rules {
		if r.Default {
			g.DefaultRules = append(g.DefaultRules, r)
		} else {
			g.SecurityRules = append(g.SecurityRules, r)
		}
	}
	return g
}

// group is the NSG a reference names, by its own export or its effective
// rules.
func (s *Simulator) group(r topology.Ref) (*topology.NetworkSecurityGroup, bool) {
	if g := s.viewed[r.ID()]; g != nil {
		return g, true
	}
	return topology.Lookup[*topology.NetworkSecurityGroup](s.net, r)
}

// Network is the estate the simulator was compiled from.
func (s *Simulator) Network() *topology.Network { return s.net }

// Options are the settings the simulator was compiled with.
func (s *Simulator) Options() Options { return s.opts }

// Names resolves the estate's names.
func (s *Simulator) Names() *scope.Names { return s.names }

// Catalogue describes the service tag file in use, nil where there is none.
func (s *Simulator) Catalogue() *CatalogueInfo {
	c := s.net.ServiceTags
	if c == nil {
		return nil
	}
	info := &CatalogueInfo{Cloud: c.Cloud, ChangeNumber: c.ChangeNumber, File: c.Origin.File}
	if d := s.names.CatalogueDate(); !d.IsZero() {
		info.Date = d.Format("2006-01-02")
	}
	if age, ok := s.names.Age(); ok {
		info.AgeDays = &age
	}
	return info
}

func (s *Simulator) gate(g *topology.NetworkSecurityGroup, d topology.Direction, p *scope.Place) *nsg.Gate {
	if s.base != nil && !s.own[g] {
		return s.base.gate(g, d, p)
	}
	key := gateKey{nsg: g, place: p, dir: d}
	if x, ok := s.gates.Load(key); ok {
		return x.(*nsg.Gate)
	}
	x, _ := s.gates.LoadOrStore(key, nsg.New(g, d, p))
	return x.(*nsg.Gate)
}

// endpointGate is the NSG of a subnet as it applies to private endpoints:
// conditions on the source port count as "*" (PENP).
func (s *Simulator) endpointGate(g *topology.NetworkSecurityGroup, p *scope.Place) *nsg.Gate {
	if s.base != nil && !s.own[g] {
		return s.base.endpointGate(g, p)
	}
	key := gateKey{nsg: g, place: p, dir: topology.Inbound, endpoint: true}
	if x, ok := s.gates.Load(key); ok {
		return x.(*nsg.Gate)
	}
	x, _ := s.gates.LoadOrStore(key, nsg.New(g, topology.Inbound, p).AnySourcePort())
	return x.(*nsg.Gate)
}

func (s *Simulator) adminGate(v *topology.VirtualNetwork, d topology.Direction, p *scope.Place, anywhere, allow bool) *nsg.Gate {
	if s.base != nil {
		return s.base.adminGate(v, d, p, anywhere, allow)
	}
	key := gateKey{place: p, dir: d, anywhere: anywhere, allow: allow}
	if x, ok := s.gates.Load(key); ok {
		return x.(*nsg.Gate)
	}
	rules := s.admin[v.ID()]
	if anywhere {
		rules = slices.Concat(rules, s.anywhere)
	}
	if allow {
		rules = slices.DeleteFunc(slices.Clone(rules), func(r *topology.AdminRule) bool { return r.Access == topology.Deny })
	}
	x, _ := s.gates.LoadOrStore(key, nsg.NewAdmin(rules, d, p))
	return x.(*nsg.Gate)
}

func (s *Simulator) table(sub *topology.Subnet) *route.Table {
	if s.base != nil {
		return s.base.table(sub)
	}
	if x, ok := s.tables.Load(sub); ok {
		return x.(*route.Table)
	}
	x, _ := s.tables.LoadOrStore(sub, route.New(s.net, s.names, sub))
	return x.(*route.Table)
}

// gatewaySubnet is the subnet of the gateway in a virtual network, the same
// each time; without it in the data one that has the routes of the network.
func (s *Simulator) gatewaySubnet(home *topology.VirtualNetwork) *topology.Subnet {
	for _, sub := range home.Subnets {
		if strings.EqualFold(sub.Name, "GatewaySubnet") {
			return sub
		}
	}
	if s.base != nil {
		return s.base.gatewaySubnet(home)
	}
	x, _ := s.bare.LoadOrStore(home, &topology.Subnet{Element: topology.Element{Name: "GatewaySubnet", ResourceID: home.ResourceID + "/subnets/GatewaySubnet"}})
	return x.(*topology.Subnet)
}

func (s *Simulator) firewall(f *topology.AzureFirewall, p *scope.Place) *firewall.Firewall {
	if s.base != nil {
		return s.base.firewall(f, p)
	}
	if x, ok := s.firewalls.Load(f); ok {
		return x.(*firewall.Firewall)
	}
	x, _ := s.firewalls.LoadOrStore(f, firewall.New(s.net, p, f))
	return x.(*firewall.Firewall)
}

// vm is the virtual machine of an interface, nil where it is not in the data.
func (s *Simulator) vm(nic *topology.NetworkInterface) *topology.VirtualMachine {
	if nic == nil {
		return nil
	}
	return s.vms[nic.ID()]
}

// waived reports whether a waiver covers the assumption.
func (s *Simulator) waived(f flow.Fact) bool {
	return slices.ContainsFunc(s.opts.Waivers, func(w flow.Waiver) bool { return w.Covers(f.Assumption, f.About) })
}

func quote(s string) string      { return strconv.Quote(s) }
func join(names []string) string { return strings.Join(names, ", ") }
