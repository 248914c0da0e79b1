package sim

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// every protocol a question about all of them asks.
var protocols = []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}

// MaxClasses bounds the packets that one question walks.
const MaxClasses = 500_000

// Trace walks the whole path. A *NameError says that a name of the question
// does not fit the estate.
func (s *Simulator) Trace(q TraceQuestion) (*Trace, error) {
	from, err := s.resolve(q.From, nil)
	if err != nil {
		return nil, err
	}
	to, err := s.resolve(q.To, from)
	if err != nil {
		return nil, err
	}
	if from.addr.IsValid() && from.nic == nil && to.nic != nil {
		if again, err := s.resolve(q.From, to); err == nil {
			from = again
		}
	}
	if q.Disputed {
		from.everyPublic()
		to.everyPublic()
	}
	return s.trace(q, from, to)
}

// trace walks from one end to another.
func (s *Simulator) trace(q TraceQuestion, from, to *end) (*Trace, error) {
	if err := s.askable(q, from, to); err != nil {
		return nil, err
	}
	if q.Protocol == topology.NoProtocol {
		q.Protocol = topology.TCP
	}
	t := &Trace{From: from.info, To: to.info, Protocol: q.Protocol.String(), ServiceTags: s.Catalogue()}
	if !q.AnyPort && q.Protocol.HasPorts() {
		t.Port = int(q.Port)
	}
	switch {
	case q.Host != "" && to.isSet():
		to.asked(q.Host)
	case q.AnyHost && to.target.Host == "":
		// A tag does not say which names its addresses have: its main hosts are
		// some of them.
		to.target = firewall.Target{}
	}
	tr := tracer{s: s, q: q, from: from, to: to, cuts: newCuts()}
	tr.proxy = tr.throughWhich()
	if p := tr.proxy; p != nil {
		t.Proxy, t.ProxySetBy = proxyText(p), originOf(p.Origin)
		if o, ok := s.proxyHost(p.Host); ok {
			t.Proxy = fmt.Sprintf("%s (%s:%d)", tr.proxyName(o), o.Configuration.PrivateIPAddress, p.Port)
		}
	} else if tr.setting() != nil {
		why := "it is for TCP to destinations outside the estate"
		if tr.proxyApplies() {
			why = "its setting sends this destination past it"
		}
		tr.notes = append(tr.notes, "the proxy of "+from.vm.Name+" is not used: "+why)
	}
	parts, err := tr.run()
	if err != nil {
		return nil, err
	}
	t.From, t.To = tr.from.info, tr.to.info
	combine(&t.Outcome, parts, &t.Undecided, &t.AnyAllow, &t.AnyDeny)
	if len(parts) > 1 {
		t.Parts = parts
	}
	s.current(&tr, t)
	t.Notes = append(t.Notes, tr.notes...)
	if t.Assumptions == nil {
		t.Assumptions = []flow.Assumption{}
	}
	if err := s.names.Unread(); err != nil {
		return nil, err
	}
	return t, nil
}

// askable refuses questions that cannot be meant (exit 2).
func (s *Simulator) askable(q TraceQuestion, from, to *end) error {
	if !from.has(false) && !from.has(true) {
		return &NameError{Kind: "source", Name: q.From, Reason: "it has no address in the data"}
	}
	if !to.has(false) && !to.has(true) && !to.named && to.nic != nil {
		return &NameError{Kind: "destination", Name: q.To, Reason: "it has no address in the data"}
	}
	if !(from.has(false) && to.has(false)) && !(from.has(true) && to.has(true)) {
		family := "IPv4"
		if to.has(true) {
			family = "IPv6"
		}
		return &NameError{Kind: "destination", Name: q.To, Reason: "the source " + q.From + " has no " + family + " address"}
	}
	if from.named {
		return &NameError{Kind: "source", Name: q.From, Reason: "its addresses are not known without a service tag file"}
	}
	outside := from.internet() && !from.isSet()
	if (outside || from.isSet() && from.internet()) && to.internet() && !s.ownsAny(to) {
		return &NameError{Kind: "destination", Name: q.To, Reason: "both ends lie outside the estate"}
	}
	if from.addr.IsValid() && from.nic == nil && from.subnet == nil && !from.internet() && from.addr != scope.WireServer {
		if len(s.names.Behind(from.addr)) == 0 && (to.nic == nil && to.subnet == nil || !s.mayLie(to)) {
			return &NameError{Kind: "source", Name: q.From, Reason: "no subnet and no gateway of the estate holds this private address"}
		}
	}
	return nil
}

// ownsAny reports whether a public end is an address of the estate.
func (s *Simulator) ownsAny(e *end) bool {
	if e.addr.IsValid() {
		_, ok := s.publicAt(e.addr)
		return ok
	}
	if e.set == nil {
		return false
	}
	for _, p := range s.net.PublicIPAddresses {
		if p.IPAddress.IsValid() && e.set.Contains(p.IPAddress) {
			return true
		}
	}
	return false
}

// mayLie reports whether a private source may lie behind a gateway of the
// destination's virtual network, whose routes are not in the data.
func (s *Simulator) mayLie(to *end) bool {
	v := s.networkOf(to)
	if v == nil {
		return false
	}
	g := s.names.GatewaysOf(v)
	return g.Present && g.LearnedUnknown != nil
}

func (s *Simulator) networkOf(e *end) *topology.VirtualNetwork {
	switch {
	case e.subnet != nil:
		return s.net.VirtualNetworkOf(e.subnet)
	case e.nic != nil:
		for _, c := range e.nic.IPConfigurations {
			if v, ok := topology.LookupID[*topology.VirtualNetwork](s.net, c.Subnet.ID().Parent()); ok {
				return v
			}
		}
	}
	return nil
}

// tracer answers one trace question.
type tracer struct {
	s        *Simulator
	q        TraceQuestion
	from, to *end
	cuts     *cuts
	proxy    *topology.ProxySetting // nil: it goes direct
	notes    []string
}

// side is a class of one end in one family.
type sideClass struct {
	addr flow.Address
	set  *netipx.IPSet // nil: the one address
}

func (tr *tracer) sides(e *end, v6 bool, m *met) []sideClass {
	switch {
	case e.nic != nil:
		return []sideClass{{addr: flow.At(e.config(v6).PrivateIPAddress)}}
	case e.addr.IsValid():
		return []sideClass{{addr: flow.At(e.addr)}}
	case e.named:
		return []sideClass{{addr: flow.SomewhereIn(e.tag, v6)}}
	}
	var out []sideClass
	for _, c := range m.classes(e, v6) {
		out = append(out, sideClass{addr: e.address(c.one), set: c.set})
	}
	return out
}

// packetClass is a set of packets that every gate treats alike.
type packetClass struct {
	t        flow.Tuple
	from, to *netipx.IPSet
	sports   []topology.PortRange
	dports   []topology.PortRange
	v6       bool
}

// run cuts the question at the boundaries of what its walks meet, until no
// walk meets anything new, and walks one packet of each class.
func (tr *tracer) run() ([]Part, error) {
	estate := tr.from.isSet() && !tr.from.named || tr.to.isSet() && !tr.to.named
	var ports []topology.PortRange
	if tr.q.AnyPort {
		ports = tr.s.estatePorts()
	}
	for {
		before := tr.cuts.size()
		m := tr.s.metBy(tr.cuts, estate)
		classes, err := tr.classes(m, append(slices.Clip(m.destination), ports...))
		if err != nil {
			return nil, err
		}
		results := make([]flow.Result[account], len(classes))
		for i, c := range classes {
			results[i] = tr.walk(c)
		}
		if tr.cuts.size() > before && tr.isCut() {
			continue
		}
		return tr.parts(classes, results), nil
	}
}

// isCut reports whether any dimension of the question is a set.
func (tr *tracer) isCut() bool {
	return tr.from.isSet() || tr.to.isSet() || tr.q.AnyPort || !tr.q.FixedSource
}

func (tr *tracer) classes(m *met, dports []topology.PortRange) ([]packetClass, error) {
	var out []packetClass
	asked := []topology.Protocol{tr.q.Protocol}
	if tr.q.Protocol == topology.AnyProtocol {
		asked = protocols
	}
	for _, v6 := range []bool{false, true} {
		if !tr.from.has(v6) || !tr.to.has(v6) {
			tr.leftOut(v6)
			continue
		}
		froms, tos := tr.sides(tr.from, v6, m), tr.sides(tr.to, v6, m)
		for _, proto := range asked {
			sp, dp := []portClass{{}}, []portClass{{}}
			if proto.HasPorts() {
				sp, dp = []portClass{{one: tr.q.SourcePort}}, []portClass{{one: tr.q.Port}}
				if !tr.q.FixedSource {
					sp = cutPorts(topology.AllPorts, m.source)
				}
				if tr.q.AnyPort {
					within := topology.AllPorts
					if tr.q.Within != nil {
						within = *tr.q.Within
					}
					dp = cutPorts(within, dports)
				}
			}
			if n := len(out) + len(froms)*len(tos)*len(sp)*len(dp); n > MaxClasses {
				return nil, &NameError{Kind: "question", Name: tr.q.From + " → " + tr.q.To, Reason: fmt.Sprintf("it falls into more than %d classes of packets; ask for a smaller set", MaxClasses)}
			}
			for _, f := range froms {
				for _, t := range tos {
					for _, a := range sp {
						for _, b := range dp {
							out = append(out, packetClass{
								t:    flow.Tuple{Protocol: proto, Source: f.addr, SourcePort: a.one, Destination: t.addr, DestinationPort: b.one},
								from: f.set, to: t.set, sports: a.ranges, dports: b.ranges, v6: v6,
							})
						}
					}
				}
			}
		}
	}
	return out, nil
}

// leftOut names the family of a set that the other end does not have.
func (tr *tracer) leftOut(v6 bool) {
	family := "IPv4"
	if v6 {
		family = "IPv6"
	}
	for _, e := range []*end{tr.from, tr.to} {
		if e.isSet() && !e.named && e.has(v6) && !slices.Contains(e.info.LeftOut, family) {
			e.info.LeftOut = append(e.info.LeftOut, family)
		}
	}
}

func (tr *tracer) walk(c packetClass) flow.Result[account] {
	s := tr.s
	return flow.Explore(func(w *flow.World) (bool, account) {
		k := &walk{s: s, w: w, all: tr.q.AllBlockers, target: tr.to.target, home: tr.to.home, aim: tr.to.aim, seen: map[string]bool{}, cuts: tr.cuts}
		tr.start(k, c)
		return !k.denied, k.account()
	}, s.waived)
}

// start sets a packet on its way.
func (tr *tracer) start(k *walk, c packetClass) {
	s, t := tr.s, c.t
	switch {
	case tr.from.nic != nil:
		p := s.at(tr.from.nic, tr.from.config(c.v6))
		if tr.viaProxy(t) && k.proxied(p, t, tr.from.vm, tr.proxy, 0) {
			return
		}
		k.send(p, t)
	case tr.from.subnet != nil:
		k.fromSubnet(tr.from.subnet, t)
	case scope.IsPublic(t.Source.IP) && !tr.onPremises(t) && !(tr.from.isSet() && s.holds(t.Source.IP)):
		tr.fromInternet(k, t)
	default:
		tr.fromPrivate(k, t)
	}
}

// onPremises reports whether a public source lies behind a gateway of the
// estate: it then comes that way to an address inside, and by the Internet to
// a public IP address.
func (tr *tracer) onPremises(t flow.Tuple) bool {
	if len(tr.s.names.Behind(t.Source.IP)) == 0 {
		return false
	}
	_, public := tr.s.publicAt(t.Destination.IP)
	return !public
}

// fromSubnet starts at an address of a known subnet that no interface owns.
func (k *walk) fromSubnet(sub *topology.Subnet, t flow.Tuple) {
	f := flow.Fact{Assumption: flow.NoNICAtDestination, About: subnetName(sub), Detail: string(sub.ID()) + t.Source.Key(),
		Text: "no interface in the data owns " + t.Source.String() + ": the gates of " + subnetName(sub) + " alone are asked"}
	if !k.w.Holds(f) {
		k.hop(Hop{Kind: HopSecurityRules, AppliedTo: subnetName(sub), Verdict: flow.Deny, Code: flow.UnwaivedAssumption, Note: "nothing sends the packet"})
		k.ended = true
		return
	}
	if f, cut := k.s.names.Missing("Microsoft.Network/networkInterfaces", t.Source.Key()); cut && k.w.Otherwise(f) {
		k.opaque(Hop{Kind: HopSecurityRules, AppliedTo: subnetName(sub)}, f)
		return
	}
	p := k.s.in(sub)
	if p.vnet != nil && strings.EqualFold(sub.Name, "AzureFirewallSubnet") {
		p.appliance = k.s.firewallAt(p.vnet, t.Source.IP) // it sends by its own public IP
	}
	k.send(p, t)
}

// fromInternet enters the estate from outside.
func (tr *tracer) fromInternet(k *walk, t flow.Tuple) {
	s := tr.s
	to := tr.to
	if to.nic != nil {
		k.enterVM(t, to.nic, to.config(t.Destination.Is6()))
		return
	}
	if pub, ok := s.publicAt(t.Destination.IP); ok {
		k.enter(position{internet: true}, t, pub)
		return
	}
	if owners := s.net.Owners(t.Destination.IP); len(owners) > 0 {
		o := k.one(owners, t.Destination.IP)
		k.enterVM(t, o.Interface, o.Configuration)
		return
	}
	for _, v := range s.net.VirtualNetworks {
		sub := subnetOf(v, t.Destination.IP)
		if sub == nil {
			continue
		}
		f := flow.Fact{Assumption: flow.NoNICAtDestination, About: subnetName(sub), Detail: string(sub.ID()) + t.Destination.Key() + " entry",
			Text: "no interface in the data owns " + t.Destination.String() + ", so nothing public leads there"}
		if !k.w.Holds(f) {
			k.opaque(Hop{Kind: HopEntry, AppliedTo: subnetName(sub)}, flow.Fact{Code: flow.UnwaivedAssumption, About: f.About, Detail: f.Key(), Text: f.Text})
			return
		}
		for _, kind := range []string{"Microsoft.Network/networkInterfaces", "Microsoft.Network/loadBalancers"} {
			if f, cut := s.names.Missing(kind, string(sub.ID())+t.Destination.Key()); cut && k.w.Otherwise(f) {
				k.opaque(Hop{Kind: HopEntry, AppliedTo: subnetName(sub)}, f)
				return
			}
		}
	}
	k.hop(Hop{Kind: HopEntry, Name: t.Destination.String(), Verdict: flow.Deny, Code: flow.NoPublicEntry, Note: "no public entry of the estate has or leads to this address"})
}

// fromPrivate starts at a private address that is part of a set, or behind a
// gateway, or is the platform's probe.
func (tr *tracer) fromPrivate(k *walk, t flow.Tuple) {
	s := tr.s
	to, ok := tr.destination(t)
	if t.Source.IP == scope.WireServer && ok {
		k.arrive(position{gateway: true}, t, to)
		return
	}
	if owners := s.net.Owners(t.Source.IP); len(owners) > 0 {
		o := k.one(owners, t.Source.IP)
		k.send(s.at(o.Interface, o.Configuration), t)
		return
	}
	var subs []*topology.Subnet
	for _, v := range s.net.VirtualNetworks {
		if sub := subnetOf(v, t.Source.IP); sub != nil {
			subs = append(subs, sub)
		}
	}
	if len(subs) > 0 {
		f := flow.Fact{Code: flow.AddressOwnedTwice, About: t.Source.String(), Detail: "subnet", Text: "several virtual networks hold " + t.Source.String()}
		k.fromSubnet(subs[k.w.Ask(f, len(subs))], t)
		return
	}
	if homes := s.names.Behind(t.Source.IP); len(homes) > 0 {
		f := flow.Fact{Code: flow.LearnedRoutesMissing, About: t.Source.String(), Detail: "source", Text: "behind which gateway " + t.Source.String() + " lies is not in the data"}
		k.enterOnPremises(homes[k.w.Ask(f, len(homes))], t)
		return
	}
	if ok && to.vnet != nil && k.mayLearn(to.vnet, t.Source.IP) {
		k.enterOnPremises(to.vnet, t)
		return
	}
	k.hop(Hop{Kind: HopRoute, Name: t.Source.String(), Verdict: flow.Deny, Code: flow.RouteNone, Note: "nothing in the estate has this source address"})
}

func (tr *tracer) destination(t flow.Tuple) (position, bool) {
	s := tr.s
	if tr.to.nic != nil {
		return s.at(tr.to.nic, tr.to.config(t.Destination.Is6())), true
	}
	if o := s.net.Owners(t.Destination.IP); len(o) == 1 {
		return s.at(o[0].Interface, o[0].Configuration), true
	}
	if tr.to.subnet != nil {
		return s.in(tr.to.subnet), true
	}
	for _, v := range s.net.VirtualNetworks {
		if sub := subnetOf(v, t.Destination.IP); sub != nil {
			return s.in(sub), true
		}
	}
	return position{}, false
}

// parts merges classes with one outcome for one reason.
func (tr *tracer) parts(classes []packetClass, results []flow.Result[account]) []Part {
	groups := map[string]*grouping{}
	var order []*grouping
	for i, c := range classes {
		o := tr.s.outcome(results[i])
		key := signature(o)
		if c.from != nil && c.to != nil {
			key += "|" + c.t.Source.Key() // a product of sets is kept apart by source
		}
		if c.v6 {
			key += "|6"
		}
		key += fmt.Sprint("|", c.sports, c.dports)
		if tr.q.Protocol == topology.AnyProtocol {
			key += "|" + c.t.Protocol.String()
		}
		g := groups[key]
		if g == nil {
			g = &grouping{part: Part{Outcome: o}, class: c}
			groups[key] = g
			order = append(order, g)
		} else {
			g.part.merge(o)
		}
		if c.from != nil {
			g.from.AddSet(c.from)
		}
		if c.to != nil {
			g.to.AddSet(c.to)
		}
	}
	var out []Part
	for _, g := range order {
		p := g.part
		if g.class.from != nil {
			set, _ := g.from.IPSet()
			p.Source = set.Prefixes()
		}
		if g.class.to != nil {
			set, _ := g.to.IPSet()
			p.Destination = set.Prefixes()
		}
		if tr.to.named {
			p.Tag = tr.to.tag
		}
		if tr.q.Protocol == topology.AnyProtocol {
			p.Protocol = g.class.t.Protocol.String()
		}
		p.SourcePorts, p.Ports = g.class.sports, g.class.dports
		out = append(out, p)
	}
	return mergePortParts(out)
}

type grouping struct {
	part     Part
	class    packetClass
	from, to netipx.IPSetBuilder
}

// mergePortParts joins parts that differ in their ports alone, and leaves out
// port lists that say all.
func mergePortParts(parts []Part) []Part {
	// join joins the parts that differ in one list of ports alone.
	join := func(others, ports func(*Part) *[]topology.PortRange) {
		var out []Part
		at := map[string]int{}
		for _, p := range parts {
			key := signature(p.Outcome) + fmt.Sprint("|", p.Protocol, p.Source, p.Destination, *others(&p))
			i, ok := at[key]
			if !ok {
				at[key] = len(out)
				out = append(out, p)
				continue
			}
			*ports(&out[i]) = mergePorts(slices.Concat(*ports(&out[i]), *ports(&p)))
			out[i].merge(p.Outcome)
		}
		parts = out
	}
	source, destination := func(p *Part) *[]topology.PortRange { return &p.SourcePorts }, func(p *Part) *[]topology.PortRange { return &p.Ports }
	join(destination, source)
	join(source, destination)
	for i := range parts {
		for _, list := range []*[]topology.PortRange{&parts[i].SourcePorts, &parts[i].Ports} {
			if len(*list) == 1 && (*list)[0] == topology.AllPorts {
				*list = nil
			}
		}
	}
	return parts
}

// signature tells outcomes apart that an engineer would call different.
func signature(o Outcome) string {
	var b strings.Builder
	fmt.Fprint(&b, o.Verdict, o.Code, o.RuleName, o.Priority, o.UnderAssumptions)
	for _, h := range o.Hops {
		fmt.Fprint(&b, "|", h.Leg, h.Kind, h.Name, h.Element, h.AppliedTo, h.Direction, h.Verdict, h.Code, h.RuleName, h.NextHopType, h.NextHopIPAddress)
	}
	return b.String()
}

// merge adds what another outcome of the same signature rests on.
func (o *Outcome) merge(p Outcome) {
	for _, a := range p.Assumptions {
		if !slices.Contains(o.Assumptions, a) {
			o.Assumptions = append(o.Assumptions, a)
		}
	}
	for _, m := range p.Missing {
		if !slices.Contains(o.Missing, m) {
			o.Missing = append(o.Missing, m)
		}
	}
	for _, n := range p.Notes {
		if !slices.Contains(o.Notes, n) {
			o.Notes = append(o.Notes, n)
		}
	}
}

// combine makes the answer about a set from its parts (spec/verdicts.md).
func combine(o *Outcome, parts []Part, undecided, allow, deny *bool) {
	var main *Part
	weight := func(p *Part) int {
		switch p.Verdict {
		case flow.Deny:
			return 3
		case flow.Unknown:
			return 2
		default:
			return 1
		}
	}
	for i := range parts {
		p := &parts[i]
		switch p.Verdict {
		case flow.Allow:
			*allow = true
		case flow.Deny:
			*deny = true
		default:
			*undecided = true
		}
		if main == nil || weight(p) > weight(main) {
			main = p
		}
	}
	if main == nil {
		return
	}
	if *allow && *deny {
		*o = main.Outcome
		o.Verdict, o.RuleName, o.Priority, o.NetworkSecurityGroup = flow.Split, "", 0, ""
	} else {
		if *undecided {
			for i := range parts {
				if parts[i].Verdict == flow.Unknown {
					main = &parts[i]
					break
				}
			}
		}
		*o = main.Outcome
	}
	o.Assumptions, o.Missing, o.Notes = nil, nil, nil
	for _, p := range parts {
		o.merge(p.Outcome)
	}
}

// outcome turns the result for one packet into what the answer says.
func (s *Simulator) outcome(r flow.Result[account]) Outcome {
	o := Outcome{Verdict: r.Verdict, Hops: r.Walk.hops, Assumptions: r.Assumptions, Missing: r.Missing, Notes: r.Walk.notes}
	if o.Hops == nil {
		o.Hops = []Hop{}
	}
	switch r.Verdict {
	case flow.Unknown:
		o.Hops, o.Notes = divide(r)
		o.Code = flow.TooManyUnknowns
		if len(r.Missing) > 0 {
			o.Code = r.Missing[0].Code
		}
		if n := len(o.Hops); n > 0 && o.Hops[n-1].Verdict == flow.Unknown {
			o.Hops[n-1].Code = o.Code
		}
	default:
		if h := deciding(o.Hops, r.Verdict); h != nil {
			o.Code = h.Code
			switch h.Kind {
			case HopSecurityRules:
				o.NetworkSecurityGroup = h.Name
				fallthrough
			case HopAdminRules, HopFirewall, HopHostFirewall:
				o.RuleName, o.Priority = h.RuleName, h.Priority
			}
		}
	}
	if s.opts.Strict && r.Verdict != flow.Unknown && r.Strict == flow.Unknown {
		o.UnderAssumptions = r.Verdict.String()
		o.Verdict, o.Code = flow.Unknown, flow.UnwaivedAssumption
	}
	return o
}

// deciding is the hop that the answer names: the first that denies; for Allow
// the last rule that allowed, as in flow logs, or an AlwaysAllow admin rule;
// without a rule the last gate.
func deciding(hops []Hop, v flow.Verdict) *Hop {
	if v == flow.Deny {
		for i := range hops {
			if hops[i].Verdict == flow.Deny {
				return &hops[i]
			}
		}
		return nil
	}
	for _, pick := range []func(*Hop) bool{
		func(h *Hop) bool {
			return h.RuleName != "" && (h.Kind == HopSecurityRules || h.Kind == HopAdminRules)
		},
		func(h *Hop) bool { return h.Kind == HopFirewall },
		func(h *Hop) bool { return h.Kind == HopSecurityRules || h.Kind == HopPlatform },
		func(*Hop) bool { return true },
	} {
		for i := len(hops) - 1; i >= 0; i-- {
			if pick(&hops[i]) {
				return &hops[i]
			}
		}
	}
	return nil
}

// divide shows an Unknown: what the allowed and the denied walk have in
// common, then the hop where they part.
func divide(r flow.Result[account]) ([]Hop, []string) {
	a, d := r.Allowed.hops, r.Denied.hops
	hops := []Hop{}
	i := 0
	for i < len(a) && i < len(d) && sameHop(a[i], d[i]) {
		hops = append(hops, a[i])
		i++
	}
	var at Hop
	switch {
	case i < len(d):
		at = d[i]
	case i < len(a):
		at = a[i]
	default:
		return hops, r.Walk.notes
	}
	at.Verdict = flow.Unknown
	if i < len(a) && i < len(d) && a[i].RuleName != d[i].RuleName {
		at.RuleName, at.Priority, at.Default, at.Origin = "", 0, false, nil
		at.Note = fmt.Sprintf("%s or %s decides", orNone(d[i].RuleName), orNone(a[i].RuleName))
	}
	return append(hops, at), r.Walk.notes
}

func orNone(s string) string {
	if s == "" {
		return "no rule"
	}
	return s
}

func sameHop(a, b Hop) bool {
	a.Origin, b.Origin = nil, nil
	a.Packet, b.Packet = flow.Tuple{}, flow.Tuple{}
	return a == b
}

// current adds CATALOGUE_CURRENT where the question takes its addresses from a
// service tag file that is not fresh, and an address that the file does not
// hold yet would fare differently.
func (s *Simulator) current(tr *tracer, t *Trace) {
	stale := s.names.Stale()
	if stale == nil || tr.to.tag == "" || tr.to.set == nil || tr.to.info.Kind != "serviceTag" && tr.to.info.Kind != "host" {
		return
	}
	if slices.ContainsFunc(t.Assumptions, func(a flow.Assumption) bool { return a.ID == flow.CatalogueCurrent }) {
		return
	}
	named := *tr.to
	named.named, named.set = true, nil
	other := tracer{s: s, q: tr.q, from: tr.from, to: &named, cuts: newCuts(), proxy: tr.proxy}
	parts, err := other.run()
	if err != nil {
		return
	}
	var o Outcome
	var undecided, allow, deny bool
	combine(&o, parts, &undecided, &allow, &deny)
	if o.Verdict == t.Verdict && (t.Verdict == flow.Allow || t.Verdict == flow.Deny) {
		return
	}
	if t.Verdict == flow.Unknown {
		return
	}
	t.Assumptions = append(t.Assumptions, flow.Assumption{ID: stale.Assumption, About: stale.About, Text: stale.Text})
	if s.opts.Strict && !s.waived(*stale) {
		t.UnderAssumptions = t.Verdict.String()
		t.Verdict, t.Code, t.Undecided = flow.Unknown, flow.UnwaivedAssumption, true
	}
}
