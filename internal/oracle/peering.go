package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
)

// peerCovers is the length of the peered prefix that covers an address; in is
// false where none does.
func (o *Oracle) peerCovers(w *world, p *peer, a netip.Addr) (bits int, in bool) {
	if bits := longest(p.space, a); bits >= 0 {
		return bits, true
	}
	vague := p.vague && !p.local.holds(a) && a != hostAddress
	return unknownBits, vague && w.maybe(flow.AddressSpaceUnknown, "peering "+string(p.p.ID())+" covers "+a.String())
}

// linked reports whether a peering stands: Connected on both sides (PEER). A
// remote virtual network that is in the data must peer back; one that is not
// is believed to (bad-inputs 120).
func (o *Oracle) linked(w *world, p *peer) bool {
	if p.remote != nil && p.back == nil {
		// Of a network that is known by its children the peerings may be missing.
		if !p.remote.v.Stub || !w.maybe(flow.PeeringNotConnected, "the other side of peering "+string(p.p.ID())+" is there") {
			return false
		}
	}
	if !connected(w, string(p.p.ID()), p.p.State) || p.back != nil && !connected(w, string(p.back.ID()), p.back.State) {
		return false
	}
	return o.asWritten(w, &p.p.Element, true) && (p.back == nil || o.asWritten(w, &p.back.Element, true))
}

func connected(w *world, id, state string) bool {
	if state == "" {
		return w.maybe(flow.PeeringNotConnected, "peering "+id+" is connected")
	}
	return strings.EqualFold(state, "Connected")
}

// arrival is what lies behind a peering: what happens to the packet there,
// and the first inbound gate it meets.
type arrival struct {
	outcome
	gateAllows bool
	gateRule   *rule
}

// cross takes a packet over a peering (spec 3.1, 6.6; verdicts 3, 22, 23).
// behind is what happens on the other side; out is the rule that let the
// packet out on this one.
func (o *Oracle) cross(w *world, p *peer, t trip, behind func() arrival) outcome {
	got := behind()
	if !p.p.AllowVirtualNetworkAccess.Or(true) {
		// Off on the sender's side: traffic stops, unless both rules name the
		// other side, where the two generations of documents disagree.
		names := func(r *rule, s func(*rule) side) bool {
			if r == anyRule {
				return w.maybe(flow.DanglingReference, "rules that are not in the data name the other side of "+string(p.p.ID()))
			}
			return r != nil && s(r).names()
		}
		if !names(t.out, func(r *rule) side { return r.dst }) || !got.gateAllows || !names(got.gateRule, func(r *rule) side { return r.src }) {
			return drop(flow.PeeringAccessDisabled)
		}
		if !w.passes(flow.SourcesConflict, "peering "+string(p.p.ID())+" passes in spite of its flag") {
			return drop(flow.SourcesConflict)
		}
	} else if p.back != nil && !p.back.AllowVirtualNetworkAccess.Or(true) {
		if !w.passes(flow.SourcesConflict, "peering "+string(p.back.ID())+" receives in spite of its flag") {
			return drop(flow.SourcesConflict)
		}
	}
	// Forwarded traffic is accepted by the receiving side's peering; an
	// appliance in the source's own virtual network does not forward in this
	// sense (verdicts 3, 23).
	forwarded := t.appliance && t.origin != p.local
	if forwarded && (p.back == nil || !p.back.AllowForwardedTraffic.Or(false)) {
		if !w.passes(flow.PeeringForwardedTraffic, "peering from "+string(p.p.ID())+" accepts forwarded traffic") {
			return drop(flow.PeeringForwardedTraffic)
		}
	}
	return got.outcome
}

// transit reports whether the remote side of a peering uses gateways of the
// local one.
func transit(p *peer) bool {
	return p.p.AllowGatewayTransit.Or(false) && (p.back == nil || p.back.UseRemoteGateways.Or(false))
}

// remotePeers are the peerings of a virtual network that stand.
func (o *Oracle) remotePeers(w *world, v *vnet) []*peer {
	return slices.DeleteFunc(slices.Clone(v.peers), func(p *peer) bool { return !o.linked(w, p) })
}
