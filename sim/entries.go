package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Entry is a way to interfaces of the estate by an address that is not their
// private one: a public IP address of theirs, a frontend of a load balancer, a
// public address of a firewall that translates to them, a private endpoint of a
// private link service. What leads in there meets other rules than what goes to
// the private address. It is immutable.
type Entry struct {
	Name     string             // "load balancer lb1", "public IP pip1", "firewall fw1"
	Address  netip.Addr         // invalid: not known
	Protocol topology.Protocol  // that leads in; AnyProtocol: every one, by every port
	Ports    topology.PortRange // of the address that lead in
	Port     uint16             // at the interfaces; 0: the same as at the address

	doubt   flow.Fact // Text "" where it is known what leads in; else what gets to the address may get in
	spread  bool      // which port leads to which is not known
	public  bool
	chained bool // from outside too it is no way in that the interfaces themselves show
	subnet  *topology.Subnet
	targets []*topology.IPConfiguration
}

// String is the entry by its address, with the port where not all lead in.
func (e *Entry) String() string {
	if !e.Address.IsValid() {
		return e.Name
	}
	switch {
	case e.Ports == topology.AllPorts:
		return e.Address.String()
	case e.Address.Is6():
		return "[" + e.Address.String() + "]:" + e.Ports.String()
	default:
		return e.Address.String() + ":" + e.Ports.String()
	}
}

// Subnet is the subnet of an entry inside the estate, nil for a public one and
// where it is not known.
func (e *Entry) Subnet() *topology.Subnet { return e.subnet }

// Public reports whether the entry is a public address.
func (e *Entry) Public() bool { return e.public }

// Leads reports whether the entry leads to another IP configuration than the
// given one.
func (e *Entry) Leads(besides *topology.IPConfiguration) bool {
	return slices.ContainsFunc(e.targets, func(c *topology.IPConfiguration) bool { return c != besides })
}

// End is the address of the entry; of one that is not known nothing is told.
func (e *Entry) End() End {
	x := &end{info: EndInfo{Text: e.String(), Kind: "address", Name: e.Name}}
	if !e.Address.IsValid() {
		x.named = true
		return End{x}
	}
	x.info.Address, x.addr, x.subnet = e.Address.String(), e.Address, e.subnet
	if e.subnet != nil {
		x.home = e.subnet.ID().Parent()
	}
	return End{x}
}

// Entries are the ways to IP configurations beside their private addresses,
// each once for all of them that it leads to.
func (s *Simulator) Entries(targets ...topology.Owner) []*Entry {
	list := &entryList{s: s, at: map[entryKey]*Entry{}}
	for _, o := range targets {
		list.own(o)
		list.balancers(o)
	}
	list.firewalls(targets)
	return list.all
}

type entryList struct {
	s   *Simulator
	all []*Entry
	at  map[entryKey]*Entry
}

type entryKey struct {
	name           string
	address        netip.Addr
	protocol       topology.Protocol
	ports          topology.PortRange
	port           uint16
	doubt          string
	spread, public bool
}

// add adds an entry for some IP configurations. Of a protocol that is "any"
// and of ports that are not all TCP and UDP are meant.
func (l *entryList) add(e Entry, targets ...*topology.IPConfiguration) {
	if e.Ports == (topology.PortRange{}) {
		e.Ports = topology.AllPorts
	}
	if e.Port != 0 && e.Ports.First == e.Port && e.Ports.Last == e.Port {
		e.Port = 0
	}
	if (e.Protocol == topology.AnyProtocol || e.Protocol == topology.NoProtocol) && (e.Ports != topology.AllPorts || e.Port != 0) {
		for _, p := range []topology.Protocol{topology.TCP, topology.UDP} {
			e.Protocol = p
			l.add(e, targets...)
		}
		return
	}
	if e.Protocol == topology.NoProtocol {
		e.Protocol = topology.AnyProtocol
	}
	key := entryKey{e.Name, e.Address, e.Protocol, e.Ports, e.Port, e.doubt.Text, e.spread, e.public}
	known := l.at[key]
	if known == nil {
		known = &e
		l.at[key] = known
		l.all = append(l.all, known)
	}
	known.chained = known.chained && e.chained
	for _, c := range targets {
		if !slices.Contains(known.targets, c) {
			known.targets = append(known.targets, c)
		}
	}
}

// own adds the public IP address of an IP configuration.
func (l *entryList) own(o topology.Owner) {
	nic, c := o.Interface, o.Configuration
	if c.PublicIPUnknown {
		l.add(Entry{Name: "public IP of " + nic.Name, public: true, doubt: publicIPUnknown(nic, c)}, c)
	}
	if !c.PublicIPAddress.IsZero() {
		l.public(Entry{}, c.PublicIPAddress, "", c)
	}
}

// public adds an entry at a public IP address; without a name it is named
// after that.
func (l *entryList) public(e Entry, ref topology.Ref, name string, targets ...*topology.IPConfiguration) {
	e.public = true
	if e.Name = name; name == "" {
		e.Name = "public IP " + ref.ID().Name()
	}
	if pip, ok := topology.Lookup[*topology.PublicIPAddress](l.s.net, ref); ok && pip.IPAddress.IsValid() {
		e.Address = pip.IPAddress
	} else if e.doubt.Text == "" {
		e.doubt = flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: string(ref.ID()),
			Text: "the address of public IP " + ref.ID().Name() + ", which leads in, is not in the data", Export: "az network public-ip list -o json"}
	}
	l.add(e, targets...)
}

// frontend adds an entry at each address of a frontend.
func (l *entryList) frontend(e Entry, lb *topology.LoadBalancer, ref topology.Ref, c *topology.IPConfiguration) {
	name := "load balancer " + lb.Name
	f, ok := topology.Lookup[*topology.Frontend](l.s.net, ref)
	if ok {
		switch {
		case f.PublicAddress.IsValid():
			e.Name, e.Address, e.public = name, f.PublicAddress, true
			l.add(e, c)
			return
		case !f.PublicIPAddress.IsZero():
			l.public(e, f.PublicIPAddress, name, c)
			return
		case f.PrivateIPAddress.IsValid():
			e.Name, e.Address = name, f.PrivateIPAddress
			e.subnet, _ = topology.Lookup[*topology.Subnet](l.s.net, f.Subnet)
			l.add(e, c)
			return
		}
	}
	e.Name, e.doubt = name, flow.Fact{Code: flow.DanglingReference, About: lb.Name, Detail: string(ref.ID()) + " address",
		Text: "the address of a frontend of load balancer " + lb.Name + ", which leads in, is not in the data", Export: "az network lb list -o json"}
	l.add(e, c)
}

// balancers adds the frontends that lead to an IP configuration: by rules for a
// pool that it is in, and by inbound NAT rules.
func (l *entryList) balancers(o topology.Owner) {
	s, nic, c := l.s, o.Interface, o.Configuration
	in, pools, dangling := s.before(nic, c)
	for _, ref := range dangling {
		pools = append(pools, ref.ID()) // one in the data may hold it
	}
	for _, lb := range in {
		if f, open := rangesOf(lb); open {
			for _, front := range lb.Frontends {
				l.frontend(Entry{spread: true, doubt: f}, lb, front.Ref(), c)
			}
		}
		for _, r := range lb.Rules {
			if slices.ContainsFunc(r.BackendPools, func(x topology.Ref) bool { return slices.Contains(pools, x.ID()) }) {
				e := Entry{Protocol: r.Protocol, Port: uint16(r.BackendPort)}
				if r.FrontendPort != 0 {
					e.Ports = topology.PortRange{First: uint16(r.FrontendPort), Last: uint16(r.FrontendPort)}
				}
				l.frontend(e, lb, r.Frontend, c)
			}
		}
		for _, r := range lb.NATRules {
			mine := r.BackendIPConfiguration.ID() != "" && r.BackendIPConfiguration.ID() == c.ID() || slices.ContainsFunc(c.InboundNATRules, func(x topology.Ref) bool { return x.ID() == r.ID() })
			if mine && r.FrontendPort != 0 {
				l.frontend(Entry{Protocol: r.Protocol, Port: uint16(r.BackendPort), Ports: topology.PortRange{First: uint16(r.FrontendPort), Last: uint16(r.FrontendPort)}}, lb, r.Frontend, c)
			}
		}
	}
	for _, ref := range slices.Concat(dangling, c.InboundNATRules) {
		id := ref.ID().Parent()
		if _, ok := topology.LookupID[*topology.LoadBalancer](s.net, id); !ok {
			l.add(Entry{Name: "load balancer " + id.Name(), doubt: flow.Fact{Code: flow.DanglingReference, About: id.Name(), Detail: string(ref.ID()) + " entry",
				Text: "the load balancer " + id.Name() + " before " + nic.Name + " is not in the data", Export: "az network lb list -o json"}}, c)
		}
	}
	if f, cut := s.names.Missing("Microsoft.Network/loadBalancers", string(nic.ID())); cut {
		l.add(Entry{Name: "a load balancer", doubt: f}, c)
	}
	if len(in) == 0 {
		return
	}
	for _, pe := range s.net.PrivateEndpoints {
		if !strings.Contains(string(pe.TargetResource.ID()), "/privatelinkservices/") {
			continue
		}
		e := Entry{Name: "private endpoint " + pe.Name, spread: true, doubt: flow.Fact{Code: flow.SourcesConflict, About: pe.Name, Detail: string(pe.ID()) + " entry",
			Text: "to which load balancer the private link service of private endpoint " + pe.Name + " leads is not modelled"}}
		e.subnet, _ = topology.Lookup[*topology.Subnet](s.net, pe.Subnet)
		if len(pe.Addresses) == 0 {
			l.add(e, c)
		}
		for _, e.Address = range pe.Addresses {
			l.add(e, c)
		}
	}
}

// firewalls adds the addresses of firewalls that are translated to an IP
// configuration, or to a frontend that leads to one.
func (l *entryList) firewalls(targets []topology.Owner) {
	s := l.s
	if f, cut := s.names.Missing("Microsoft.Network/azureFirewalls", "entry"); cut {
		for _, o := range targets {
			l.add(Entry{Name: "a firewall", public: true, doubt: f}, o.Configuration)
		}
	}
	fronts := slices.Clone(l.all)
	for _, fw := range s.net.AzureFirewalls {
		sub, _ := topology.Lookup[*topology.Subnet](s.net, fw.Subnet)
		x := s.firewall(fw, s.names.At(sub))
		add := func(e Entry, itself bool, list ...*topology.IPConfiguration) {
			name := "firewall " + fw.Name
			for _, ref := range fw.PublicIPs {
				l.public(e, ref, name, list...)
			}
			if itself && fw.PrivateIPAddress.IsValid() {
				e.Name, e.Address, e.subnet = name, fw.PrivateIPAddress, sub
				l.add(e, list...)
			}
		}
		var all []*topology.IPConfiguration
		for _, o := range targets {
			all = append(all, o.Configuration)
		}
		for _, f := range x.Missing() {
			add(Entry{spread: true, doubt: f}, false, all...)
		}
		for _, r := range x.Translations() {
			if !r.Translated.IsValid() || len(r.Unresolved) > 0 {
				add(Entry{spread: true, doubt: flow.Fact{Code: flow.FirewallContentUnknown, About: r.Name, Detail: string(fw.ID()) + " entry",
					Text: "where rule " + r.Name + " of firewall " + fw.Name + " translates to is not known"}}, false, all...)
				continue
			}
			itself := len(r.DestinationIPGroups) > 0 || slices.ContainsFunc(r.Destinations, func(a topology.AddressPrefix) bool {
				return a.Kind != topology.PrefixAddress || a.Prefix.Contains(fw.PrivateIPAddress)
			})
			protocols := r.Protocols
			if slices.Contains(protocols, topology.AnyProtocol) {
				protocols = []topology.Protocol{topology.TCP, topology.UDP}
			}
			for _, p := range protocols {
				for _, ports := range r.Ports {
					for _, o := range targets {
						if o.Configuration.PrivateIPAddress == r.Translated {
							add(Entry{Protocol: p, Ports: ports, Port: uint16(r.TranslatedPort)}, itself, o.Configuration)
						}
					}
					for _, f := range fronts {
						if f.public || f.Address != r.Translated || f.Protocol != p && f.Protocol != topology.AnyProtocol {
							continue
						}
						e := Entry{Protocol: p, Ports: ports, Port: f.Port, chained: true, spread: f.spread, doubt: f.doubt}
						switch {
						case r.TranslatedPort == 0:
							if e.Ports = common(ports, f.Ports); e.Ports.First > e.Ports.Last {
								continue
							}
						case !f.Ports.Contains(uint16(r.TranslatedPort)):
							continue
						case f.Port == 0:
							e.Port = uint16(r.TranslatedPort)
						}
						add(e, itself, f.targets...)
					}
				}
			}
		}
	}
}

// common is what two ranges have in common: the first after the last where
// that is nothing.
func common(a, b topology.PortRange) topology.PortRange {
	return topology.PortRange{First: max(a.First, b.First), Last: min(a.Last, b.Last)}
}

// TraceEntry is [Simulator.Trace] from an end, found already, by an entry: the
// ports and the protocol of the question, and those of the answer, are those at
// the interfaces that it leads to, and packets that come to others are denied.
// From and To of the question do not count. It is nil where nothing that is
// asked goes by the entry.
func (s *Simulator) TraceEntry(q TraceQuestion, from End, e *Entry) (*Trace, error) {
	x := *from.e
	if !s.comesBy(&x, e) || e.Address.IsValid() && !x.has(e.Address.Is6()) {
		return nil, nil
	}
	if q.Protocol == topology.NoProtocol {
		q.Protocol = topology.TCP
	}
	switch {
	case e.Protocol == topology.AnyProtocol:
	case q.Protocol == topology.AnyProtocol:
		q.Protocol = e.Protocol
	case q.Protocol != e.Protocol:
		return nil, nil
	}
	asked, ports := topology.AllPorts, e.Ports
	switch {
	case !q.AnyPort && (q.Protocol.HasPorts() || q.Protocol == topology.AnyProtocol):
		asked = topology.PortRange{First: q.Port, Last: q.Port}
	case q.AnyPort && q.Within != nil:
		asked = *q.Within
	}
	told := asked
	switch {
	case e.spread:
		ports = topology.AllPorts
	case e.Port != 0:
		if !asked.Contains(e.Port) {
			return nil, nil
		}
		told = topology.PortRange{First: e.Port, Last: e.Port}
	default:
		if told = common(asked, ports); told.First > told.Last {
			return nil, nil
		}
		ports = told
	}
	if q.AnyPort = ports.First != ports.Last; q.AnyPort {
		q.Port, q.Within = 0, &ports
	} else {
		q.Port, q.Within = ports.First, nil
	}
	t, err := s.byEntry(q, &x, e)
	if err != nil {
		return nil, err
	}
	if e.doubt.Text != "" {
		e.open(t)
	}
	t.Port = 0
	if told.First == told.Last {
		t.Port = int(told.First)
	}
	if len(t.Parts) == 0 {
		t.Parts = []Part{{Outcome: t.Outcome}}
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Protocol == "" && q.Protocol != topology.AnyProtocol {
			p.Protocol = q.Protocol.String()
		}
		if protocol, ok := topology.ParseProtocol(p.Protocol); ok && !protocol.HasPorts() {
			continue
		}
		if e.Port != 0 || len(p.Ports) == 0 && told != topology.AllPorts {
			p.Ports = []topology.PortRange{told}
		}
	}
	return t, nil
}

// byEntry asks at the address of the entry; of a public one that is not known
// at every public address.
func (s *Simulator) byEntry(q TraceQuestion, from *end, e *Entry) (*Trace, error) {
	to := e.End().e
	if !e.Address.IsValid() && e.public {
		internet, err := s.InternetEnd()
		if err != nil {
			return nil, err
		}
		to = internet.e
	}
	q.From, q.To = from.info.Text, to.info.Text
	nothing := &Trace{From: from.info, To: e.End().e.info, Protocol: q.Protocol.String(), ServiceTags: s.Catalogue()}
	nothing.Verdict, nothing.Undecided, nothing.Assumptions = flow.Unknown, true, []flow.Assumption{}
	if to.named {
		return nothing, nil
	}
	to.aim = e.targets
	t, err := s.trace(q, from, to)
	if refused, ok := errors.AsType[*NameError](err); ok { // what cannot be asked is not decided
		nothing.Code = flow.DanglingReference
		nothing.Missing = []flow.Missing{{Code: nothing.Code, About: e.Name, Text: fmt.Sprintf("what goes by %s cannot be asked: %v", e.Name, refused)}}
		return nothing, nil
	}
	return t, err
}

// open leaves open what gets to an entry of which it is not known what leads
// in.
func (e *Entry) open(t *Trace) {
	t.Parts = nil
	if t.Verdict == flow.Deny && !t.Undecided && !t.AnyAllow {
		return
	}
	t.Verdict, t.Code, t.RuleName, t.Priority, t.NetworkSecurityGroup = flow.Unknown, e.doubt.Code, "", 0, ""
	t.Undecided, t.AnyAllow, t.AnyDeny = true, false, false
	t.Hops = append(slices.Clip(t.Hops), Hop{Kind: HopEntry, Name: e.Name, Verdict: flow.Unknown, Code: e.doubt.Code, Note: e.doubt.Text})
	t.Missing = append(slices.Clip(t.Missing), flow.Missing{Code: e.doubt.Code, About: e.doubt.About, Text: e.doubt.Text, Export: e.doubt.Export})
}

// comesBy reports whether packets of a source may come by the entry: from
// inside the estate by each, from behind a gateway by those inside. What comes
// from outside is asked at every public entry as it is, so that only what lies
// behind two of them is left.
func (s *Simulator) comesBy(from *end, e *Entry) bool {
	if from.nic != nil || from.subnet != nil {
		return true
	}
	set := from.set
	if a := from.addr; a.IsValid() {
		if a == scope.WireServer {
			return false
		}
		if scope.IsPublic(a) && !s.holds(a) && len(s.names.Behind(a)) > 0 {
			return !e.public
		}
		set = scope.SetOf(netip.PrefixFrom(a, a.BitLen()))
	}
	switch {
	case set == nil:
		return e.chained // a tag, the Internet
	case slices.ContainsFunc(s.net.VirtualNetworks, func(v *topology.VirtualNetwork) bool {
		return slices.ContainsFunc(v.KnownSpace(), set.OverlapsPrefix)
	}) && !from.internet():
		return true
	case from.internet() || !slices.ContainsFunc(set.Ranges(), func(r netipx.IPRange) bool { return !scope.PublicSpace().ContainsRange(r) }):
		return e.chained
	case !set.Overlaps(scope.PublicSpace()):
		return !e.public
	default:
		return true
	}
}
