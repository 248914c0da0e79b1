package oracle

import (
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// adminRules are the security admin rules of one virtual network, by
// topology.Direction, in priority order.
type adminRules [3][]*rule

func (o *Oracle) addAdminRules() {
	o.admin = map[topology.ID]*adminRules{}
	for i, r := range o.n.AdminRules {
		c := newAdminRule(i, r)
		where := idsOf(r.VirtualNetworks)
		if r.VirtualNetworksUnknown {
			// An export without the virtual network's name: it may apply to any.
			c.somewhere, where = true, nil
			for _, v := range o.vnets {
				where = append(where, v.id())
			}
			for _, e := range o.endpoints {
				where = appendNew(where, e.vnetID)
			}
		}
		for _, v := range where {
			list := o.admin[v]
			if list == nil {
				list = &adminRules{}
				o.admin[v] = list
			}
			at := &list[r.Direction]
			k := len(*at)
			for k > 0 && (*at)[k-1].priority > c.priority {
				k--
			}
			*at = append((*at)[:k], append([]*rule{c}, (*at)[k:]...)...)
		}
	}
}

// exempt reports whether admin rules do not apply to a subnet: virtual
// networks with SQL managed instances or Databricks as a whole, and the
// subnets of some services (AVNM).
func exempt(s *subnet) bool {
	for _, x := range s.v.subnets {
		for _, d := range x.s.Delegations {
			switch strings.ToLower(d) {
			case "microsoft.sql/managedinstances", "microsoft.databricks/workspaces":
				return true
			}
		}
	}
	for _, d := range s.s.Delegations {
		if strings.EqualFold(d, "Microsoft.Network/applicationGateways") {
			return true
		}
	}
	switch strings.ToLower(s.s.Name) {
	case "azurebastionsubnet", "azurefirewallsubnet", "azurefirewallmanagementsubnet", "routeserversubnet", "gatewaysubnet":
		return true
	}
	return false
}

// entrance is the public IP a packet from the Internet came in by.
type entrance struct {
	sku string // "" where the data does not say
}

// platformTraffic sorts a packet by spec 3.4: never filtered, filtered only
// by rules that name a platform tag, or ordinary.
func platformTraffic(p *packet) (never, byTag bool) {
	switch {
	case p.dst.ip == hostAddress && p.protocol == topology.TCP && (p.dport == 80 || p.dport == 32526):
		return true, false
	case p.dst.ip == hostAddress && p.protocol == topology.UDP && p.dport == 67: // DHCP via the host
		return true, false
	case p.dst.ip == hostAddress && p.protocol.HasPorts() && p.dport == 53:
		return false, true
	case p.dst.ip == metadataAddress && p.protocol == topology.TCP && p.dport == 80:
		return false, true
	}
	return false, false
}

// gates asks all gates of one side of a packet's way in Azure's order: admin
// rules, then outbound NIC NSG and subnet NSG, inbound the reverse (AVNM,
// HOW). The first deny ends it; for an allowed packet the last rule that let
// it through is the one named (NFL).
func (o *Oracle) gates(w *world, e *endpoint, d topology.Direction, p *packet, in *entrance) outcome {
	platform := false
	if d == topology.Outbound {
		var never bool
		if never, platform = platformTraffic(p); never {
			return outcome{allow: true, decider: Decider{Code: flow.PlatformAddress}}
		}
	}
	if !o.sideAsWritten(w, e) {
		return outcome{
			allow:   w.passes(flow.DanglingReference, "gates of "+e.key()+" allow "+d.String()+" "+p.key()),
			decider: Decider{Code: flow.DanglingReference}, rule: anyRule,
		}
	}

	// Two interfaces of networks that reach each other cannot have one address:
	// which of them the data is right about is not known (bad-inputs 133).
	if o.claimedTwice(e) {
		return outcome{
			allow:   w.passes(flow.AddressOwnedTwice, "gates of "+e.key()+" allow "+d.String()+" "+p.key()),
			decider: Decider{Code: flow.AddressOwnedTwice}, rule: anyRule,
		}
	}

	result := o.adminGate(w, e, d, p, platform)
	if !result.allow || result.decider.Code == flow.AdminRuleAlwaysAllow {
		if result.allow && in != nil && !o.anyGroup(w, e) && o.standard(w, in, e) {
			// AVNM: the NSGs are skipped. PIP: closed until an NSG allows it.
			// Without any NSG no document says which of the two wins.
			if !w.passes(flow.SourcesConflict, "AlwaysAllow opens a standard public IP") {
				return drop(flow.StandardIPClosed)
			}
		}
		return result
	}

	first, second := o.subnetGate, o.interfaceGate
	if d == topology.Outbound {
		first, second = second, first
	}
	any := false
	for _, gate := range []func(*world, *endpoint, topology.Direction, *packet, bool) (outcome, bool){first, second} {
		got, present := gate(w, e, d, p, platform)
		if !present {
			continue
		}
		any = true
		if !got.allow {
			return got
		}
		if got.rule != nil || result.rule == nil { // an NSG that the platform passes by names none
			result = got
		}
	}
	if platform && result.decider.Code == flow.NoNSG {
		result.decider.Code = flow.PlatformAddress
	}
	if !any && in != nil && o.standard(w, in, e) { // PIP: secure by default
		return drop(flow.StandardIPClosed)
	}
	return result
}

func (e *endpoint) key() string {
	if e.cfg != nil && e.cfg.ResourceID != "" {
		return string(e.cfg.ID())
	}
	return e.addr.String() + " in " + string(e.vnetID)
}

// station is where packets pass: the interface with all its configurations.
func (e *endpoint) station() string {
	if e.nic != nil {
		return string(e.nic.ID())
	}
	return e.key()
}

// sideAsWritten reports whether all that one side's gates hang from is as it
// was read.
func (o *Oracle) sideAsWritten(w *world, e *endpoint) bool {
	if s := e.subnet; s != nil && (!o.asWritten(w, &s.s.Element, true) || !o.asWritten(w, &s.v.v.Element, false)) {
		return false
	}
	return e.nic == nil || o.asWritten(w, &e.nic.Element, false) && o.asWritten(w, &e.cfg.Element, true)
}

// claimedTwice reports whether another interface of the same virtual network,
// or of a peered one, has the endpoint's address.
func (o *Oracle) claimedTwice(e *endpoint) bool {
	v := o.vnetByID[e.vnetID]
	if e.nic == nil || v == nil {
		return false
	}
	n := len(v.owners[e.addr])
	for _, other := range o.vnets {
		if other != v && (peersWith(v, other) || peersWith(other, v)) {
			n += len(other.owners[e.addr])
		}
	}
	return n > 1
}

func peersWith(v, other *vnet) bool {
	for _, p := range v.v.Peerings {
		if p.RemoteVirtualNetwork.ID() == other.id() {
			return true
		}
	}
	return false
}

// adminGate is the admin rules of the side's virtual network (AVNM, spec 5).
func (o *Oracle) adminGate(w *world, e *endpoint, d topology.Direction, p *packet, platform bool) outcome {
	pass := outcome{allow: true, decider: Decider{Code: flow.NoNSG}}
	if e.subnet != nil && e.subnet.exempt {
		return pass
	}
	if o.cut("networkmanager") {
		switch w.pick(flow.ListCutCode, "another admin rule for "+string(e.vnetID)+" "+d.String()+" "+p.key(), 3) {
		case 1:
			return drop(flow.AdminRuleDeny)
		case 2:
			return outcome{allow: true, decider: Decider{Code: flow.AdminRuleAlwaysAllow}, rule: anyRule}
		}
	}
	rules := o.admin[e.vnetID]
	if rules == nil {
		return pass
	}
	if e.subnet == nil && w.maybe(flow.DanglingReference, "admin rules leave out the subnet of "+e.key()) {
		return pass // it may be of a kind they do not apply to
	}
	r := firstMatch(w, rules[d], func(r *rule) bool {
		return (!platform || r.platformOnly()) && o.matches(w, e.scope, r, p) &&
			(!r.somewhere || w.maybe(flow.DanglingReference, r.key+" applies to "+string(e.vnetID)))
	})
	if r == nil {
		return pass
	}
	out := outcome{allow: true, rule: r, decider: Decider{RuleName: r.name, Priority: r.priority}}
	switch r.access {
	case topology.AlwaysAllow:
		out.decider.Code = flow.AdminRuleAlwaysAllow
	case topology.Allow:
		out.decider.Code = flow.AdminRuleAllow
	default:
		out.allow, out.decider.Code = false, flow.AdminRuleDeny
	}
	return out
}

// subnetGate is the NSG of the side's subnet; present is false where it has
// none, which allows everything (HOW).
func (o *Oracle) subnetGate(w *world, e *endpoint, d topology.Direction, p *packet, platform bool) (out outcome, present bool) {
	if e.subnet == nil {
		allow := w.passes(flow.DanglingReference, "subnet of "+e.key()+" allows "+d.String()+" "+p.key())
		return outcome{allow: allow, decider: Decider{Code: flow.DanglingReference}, rule: anyRule}, true
	}
	if strings.EqualFold(e.subnet.s.Name, "AzureFirewallSubnet") { // spec 8.1 [K]
		return outcome{}, false
	}
	return o.groupGate(w, e.subnet.group, e.scope, d, p, platform)
}

func (o *Oracle) interfaceGate(w *world, e *endpoint, d topology.Direction, p *packet, platform bool) (out outcome, present bool) {
	if e.nic == nil {
		return outcome{}, false
	}
	return o.groupGate(w, e.group, e.scope, d, p, platform)
}

// groupGate is an NSG attached to a subnet or interface.
func (o *Oracle) groupGate(w *world, a attachment[*nsg], sc *scope, d topology.Direction, p *packet, platform bool) (out outcome, present bool) {
	g, id, present := pickAttached(w, a)
	switch {
	case !present:
		return outcome{}, false
	case g != nil:
		return g.decide(o, w, sc, d, p, platform), true
	}
	allow := w.passes(flow.DanglingReference, "rules of "+string(id)+" allow "+d.String()+" "+p.key())
	return outcome{allow: allow, decider: Decider{Code: flow.DanglingReference}, rule: anyRule}, true
}

// pickAttached is what is attached in this completion; the zero target where
// its content is not in the data.
func pickAttached[T any](w *world, a attachment[T]) (target T, id topology.ID, present bool) {
	if len(a.claims) > 0 { // bad-inputs 118: either side may be right
		if k := w.pick(flow.AssociationConflict, "attached to "+string(a.about), len(a.claims)+1); k > 0 {
			return a.claims[k-1], a.claimed[k-1], true
		}
	}
	return a.target, a.ref.ID(), !a.ref.IsZero()
}

// anyGroup reports whether any NSG is attached at the side.
func (o *Oracle) anyGroup(w *world, e *endpoint) bool {
	if e.subnet == nil {
		return true
	}
	if _, _, present := pickAttached(w, e.subnet.group); present {
		return true
	}
	_, _, present := pickAttached(w, e.group)
	return present && e.nic != nil
}

// standard reports whether the public IP a packet came in by is a standard
// one.
func (o *Oracle) standard(w *world, in *entrance, e *endpoint) bool {
	if in.sku == "" {
		return w.maybe(flow.DanglingReference, "public IP of "+e.key()+" is standard")
	}
	return strings.HasPrefix(strings.ToLower(in.sku), "standard")
}
