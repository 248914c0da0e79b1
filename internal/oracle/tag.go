package oracle

import (
	"net/netip"
	"strings"
	"time"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The built-in tags, folded. They are never looked up in a file (verdicts 17).
const (
	virtualNetworkTag = "virtualnetwork"
	internetTag       = "internet"
	loadBalancerTag   = "azureloadbalancer"
	platformDNSTag    = "azureplatformdns"
	platformIMDSTag   = "azureplatformimds"
	platformLKMTag    = "azureplatformlkm"
)

// foldTag makes tag names comparable: any letter case, no blanks (STJ).
func foldTag(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, " ", ""))
}

func platformTag(tag string) bool {
	return tag == platformDNSTag || tag == platformIMDSTag || tag == platformLKMTag
}

// family is the tag that a regional tag is part of: "storage" for
// "storage.westeurope", "" for a tag without a region (TAG, verdicts 6).
func family(tag string) string {
	name, _, regional := strings.Cut(tag, ".")
	if !regional {
		return ""
	}
	return name
}

// insideInternet reports whether the name alone says that a tag is part of
// Internet (verdicts 6).
func insideInternet(tag string) bool {
	name, _, _ := strings.Cut(tag, ".")
	switch name {
	case "storage", "sql", "azurebackup", "azureactivedirectory":
		return true
	}
	return false
}

// scope is what the computed tags depend on: a subnet, or, for an NSG alone
// or an interface whose subnet is not in the data, next to nothing.
type scope struct {
	subnet *subnet
	about  string         // without a subnet: what it is the scope of
	local  netip.Addr     // without a subnet: an address that is inside
	given  []netip.Prefix // without a subnet: the content of VirtualNetwork, where the question gives it
	isSet  bool           // given is to be used
}

// name tells scopes apart: what an expression stands for may differ.
func (sc *scope) name() string {
	if sc.subnet != nil {
		return string(sc.subnet.s.ID())
	}
	return sc.about
}

// end is one end of a packet, as a tag sees it.
type end struct {
	place
	port     uint16
	protocol topology.Protocol
	source   bool
}

// inTag reports whether an end of a packet is in a tag, as seen from a scope.
func (o *Oracle) inTag(w *world, sc *scope, tag string, e end) bool {
	switch tag {
	case virtualNetworkTag:
		return o.inVirtualNetwork(w, sc, e.ip)
	case internetTag:
		return o.inInternet(w, sc, e.ip)
	case loadBalancerTag: // spec 3.3
		return e.ip == hostAddress
	case platformDNSTag: // verdicts 17
		return e.ip == hostAddress && e.port == 53 && e.protocol.HasPorts()
	case platformIMDSTag: // verdicts 17
		return e.ip == metadataAddress && e.port == 80 && e.protocol == topology.TCP
	case platformLKMTag: // verdicts 17: the addresses are not published; traffic to them only
		return !e.source && e.protocol == topology.TCP && e.port == 1688 && public(e.ip) &&
			w.maybe(flow.UnknownTag, "tag|"+tag+"|"+e.ip.String())
	}
	return o.inServiceTag(w, tag, e.place)
}

// inVirtualNetwork reports whether an address is in the VirtualNetwork tag
// (spec 3.1, TAG).
func (o *Oracle) inVirtualNetwork(w *world, sc *scope, a netip.Addr) bool {
	if a == hostAddress { // verdicts 16
		return true
	}
	if sc.subnet == nil {
		return inUnknownVirtualNetwork(w, sc, a)
	}
	v := sc.subnet.v
	if v.holds(a) {
		return true
	}
	for _, p := range v.peers { // PEER: access off takes the prefixes out of the tag (verdicts 22)
		if !p.p.AllowVirtualNetworkAccess.Or(true) {
			continue
		}
		if _, in := o.peerCovers(w, p, a); in && o.linked(w, p) {
			return true
		}
	}
	t := o.tableOf(w, sc.subnet)
	switch {
	case t.unknown:
		if w.maybe(flow.DanglingReference, "routes of "+string(sc.subnet.s.ID())+" name "+a.String()) {
			return true
		}
	case t.table != nil:
		if o.routesWiden(w, sc, t.table, a) {
			return true
		}
	}
	for _, g := range v.reachable {
		if g.peer != nil && !o.linked(w, g.peer) {
			continue
		}
		if _, in := o.learned(w, g.gateway, a); in {
			// The prefixes stay in the tag where propagation is off (verdicts 18).
			if !t.noPropagation || w.holds(flow.GatewayPrefixesInVNet, string(sc.subnet.s.ID())) {
				return true
			}
		}
	}
	return v.hides(w, a)
}

// routesWiden reports whether user-defined routes bring an address into the
// VirtualNetwork tag of their subnet (TAG: "address prefixes used on
// user-defined routes").
func (o *Oracle) routesWiden(w *world, sc *scope, t *table, a netip.Addr) bool {
	doubtful := false
	for _, r := range t.routes {
		if r.prefix.IsValid() && r.prefix.Contains(a) && o.asWritten(w, &r.r.Element, true) {
			if r.r.NextHop != topology.NextHopNone && r.r.NextHop != topology.NextHopInternet {
				return true
			}
			doubtful = true // spec 3.1: next hop None or Internet, included, [?]
		}
	}
	if doubtful && w.holds(flow.UDRPrefixesInVNet, string(t.t.ID())) {
		return true
	}
	for _, r := range t.routes {
		if r.unresolved() && w.maybe(flow.UnresolvedExpression, r.key+" names "+a.String()) {
			return true
		}
	}
	for _, r := range t.routes {
		if r.tag == "" || w.holds(flow.TagRouteNotInVNet, string(t.t.ID())) { // verdicts 18
			continue
		}
		if o.inTag(w, sc, r.tag, end{place: place{ip: a}}) {
			return true
		}
	}
	return false
}

// inUnknownVirtualNetwork is the VirtualNetwork tag of an NSG alone
// (verdicts 5, 15).
func inUnknownVirtualNetwork(w *world, sc *scope, a netip.Addr) bool {
	if sc.isSet {
		return contains(sc.given, a)
	}
	if a == sc.local {
		return true
	}
	if public(a) && w.holds(flow.VNetSpacePrivate, sc.about) {
		return false
	}
	return w.maybe(flow.AddressSpaceUnknown, "VirtualNetwork of "+sc.about+" holds "+a.String())
}

// inInternet reports whether an address is in the Internet tag (spec 3.2,
// verdicts 16).
func (o *Oracle) inInternet(w *world, sc *scope, a netip.Addr) bool {
	if !public(a) {
		return false
	}
	// Recorded lists of the tag leave these blocks out, the documents do not.
	if disputed(a) && w.maybe(flow.SourcesConflict, "Internet leaves disputed blocks out") {
		return false
	}
	switch {
	case sc.subnet != nil && sc.subnet.v.holds(a):
		return !w.holds(flow.VNetPublicSpaceNotInternet, string(sc.subnet.v.id()))
	case sc.subnet != nil && sc.subnet.v.hides(w, a):
		return w.maybe(flow.AddressSpaceUnknown, "Internet of "+string(sc.subnet.v.id())+" holds "+a.String())
	case sc.subnet != nil:
		return true
	case sc.isSet && contains(sc.given, a), !sc.isSet && a == sc.local:
		return !w.holds(flow.VNetPublicSpaceNotInternet, sc.about)
	case sc.isSet:
		return true
	}
	// In VirtualNetwork it may be the virtual network's own space, or come
	// from a route or gateway, which leaves Internet alone.
	return !inUnknownVirtualNetwork(w, sc, a) ||
		w.maybe(flow.AddressSpaceUnknown, "Internet of "+sc.about+" holds "+a.String())
}

// inServiceTag reports whether an address is in a service tag of the
// catalogue.
func (o *Oracle) inServiceTag(w *world, tag string, a place) bool {
	if a.tag != "" && (a.tag == tag || family(a.tag) == tag) { // verdicts 6
		return true
	}
	prefixes, held := o.tags[tag]
	said := contains(prefixes, a.ip)
	if !held {
		// A region of the tag that the file holds is part of the tag.
		for name, regional := range o.tags {
			if family(name) == tag && contains(regional, a.ip) {
				held, said = true, true
			}
		}
	}
	if held && (!o.stale || !public(a.ip) || w.holds(flow.CatalogueCurrent, "")) {
		return said
	}
	// Not known: the file does not hold the tag (verdicts 17), or is too old
	// to be believed. What the name says still holds (verdicts 6).
	if insideInternet(tag) && !public(a.ip) {
		return false
	}
	if whole := family(tag); whole != "" {
		wholePrefixes, wholeHeld := o.tags[whole]
		inconsistent := said && wholeHeld && !contains(wholePrefixes, a.ip) // the file contradicts the names
		if !inconsistent && !o.inServiceTag(w, whole, a) {
			return false
		}
	}
	return w.maybe(flow.UnknownTag, "tag|"+tag+"|"+a.ip.String())
}

// unknownBits is the length of a prefix that is not known.
const unknownBits = -1

// tagCovers is the length of the prefix by which a tag covers an address,
// unknownBits where the file does not say it; in is false where it does not.
func (o *Oracle) tagCovers(w *world, sc *scope, tag string, a place) (bits int, in bool) {
	if !o.inTag(w, sc, tag, end{place: a}) {
		return 0, false
	}
	return longest(o.tags[tag], a.ip), true // longest is unknownBits where there is none
}

// readCatalogue indexes the service tag file by folded name and measures its
// age (verdicts, "service tag age").
func (o *Oracle) readCatalogue() {
	o.tags = map[string][]netip.Prefix{}
	o.regions = map[string]string{}
	c := o.n.ServiceTags
	if c == nil {
		return
	}
	for _, t := range c.Tags {
		name := foldTag(t.Name)
		o.tags[name] = append(o.tags[name], t.Prefixes.Slice()...)
		if whole := family(name); whole != "" && t.Region != "" {
			o.regions[whole+"@"+topology.NormalLocation(t.Region)] = name
		}
	}
	date := o.options.CatalogueDate
	if date.IsZero() {
		date = c.Date
	}
	o.stale = date.IsZero() || o.options.AsOf.IsZero() || o.options.AsOf.Sub(date) > 30*24*time.Hour
}

// regionalTag is a service's tag for an Azure location. Some region suffixes
// are not the location's ARM name; the file says which (spec 3.5).
func (o *Oracle) regionalTag(service, location string) string {
	location = topology.NormalLocation(location)
	if name, ok := o.regions[service+"@"+location]; ok {
		return name
	}
	return service + "." + location
}
