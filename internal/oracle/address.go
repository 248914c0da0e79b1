package oracle

import (
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The platform's addresses (168, NSG).
var (
	hostAddress     = netip.MustParseAddr("168.63.129.16")   // DNS, agent, probes
	metadataAddress = netip.MustParseAddr("169.254.169.254") // IMDS
)

// notPublic is IPv4 space that the Internet tag leaves out (spec 3.2).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// publicIPv6 is the IPv6 space of the Internet tag (verdicts 16).
var publicIPv6 = netip.MustParsePrefix("2000::/3")

// reserved are the ranges with a system route to None (UDR).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
}

// inDispute is public space that the recorded lists of the Internet tag leave
// out.
var inDispute = []netip.Prefix{
	netip.MustParsePrefix("25.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
}

func disputed(a netip.Addr) bool { return contains(inDispute, a) }

// public reports whether an address is reachable from the public Internet.
func public(a netip.Addr) bool {
	if a.Is6() {
		return publicIPv6.Contains(a)
	}
	return !contains(notPublic, a) && a != hostAddress
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// longest is the length of the longest prefix of the list that holds a, -1
// where none does.
func longest(list []netip.Prefix, a netip.Addr) int {
	bits := -1
	for _, p := range list {
		if p.Contains(a) && p.Bits() > bits {
			bits = p.Bits()
		}
	}
	return bits
}

// everywhere reports whether p is a whole address family.
func everywhere(p netip.Prefix) bool { return p.Bits() == 0 }

// place is an address of a packet. Where the question names "some address of
// a tag", ip is the one this completion puts it at.
type place struct {
	ip  netip.Addr
	tag string // folded; "" for an address that is known
}

// packet is the packet of a new flow at one point of its way.
type packet struct {
	protocol topology.Protocol
	src, dst place
	sport    uint16
	dport    uint16
	anySport bool   // private endpoints: conditions on the source port count as * (PENP)
	host     string // name of the destination, "" where the question does not give it
	asText   string // for keys of questions, made when needed
}

func (p *packet) key() string {
	if p.asText == "" {
		t := flow.Tuple{Protocol: p.protocol, Source: flow.At(p.src.ip), SourcePort: p.sport, Destination: flow.At(p.dst.ip), DestinationPort: p.dport}
		p.asText = t.String()
	}
	return p.asText
}

// from is the packet with another source address.
func (p packet) from(a place) packet {
	p.src, p.asText = a, ""
	return p
}

// to is the packet with another destination.
func (p packet) to(a netip.Addr, port uint16) packet {
	p.dst, p.dport, p.asText = place{ip: a}, port, ""
	return p
}

// oneFamily reports whether both ends are addresses of one family (verdicts 7).
func oneFamily(p *packet) bool {
	return p.src.ip.IsValid() && p.dst.ip.IsValid() && p.src.ip.Is6() == p.dst.ip.Is6()
}

// locate puts an end of the question's packet at an address: the one it
// names, or, for some address of a tag, any that the tag may have. Between
// two neighbouring boundaries of the estate all addresses are alike, so the
// first one stands for all of them.
func (o *Oracle) locate(w *world, a flow.Address, six bool) place {
	if a.Known() {
		return place{ip: a.IP, tag: foldTag(a.Tag)} // with a tag: the question says it is of it
	}
	tag := foldTag(a.Tag)
	candidates := o.candidates(tag, six)
	if len(candidates) == 0 {
		return place{tag: tag}
	}
	return place{ip: candidates[w.pick(flow.UnknownTag, "where in "+tag, len(candidates))], tag: tag}
}

// candidates are the representatives of the addresses a tag may hold.
func (o *Oracle) candidates(tag string, six bool) []netip.Addr {
	var list []netip.Addr
	for _, a := range o.boundaries {
		if a.Is6() != six || a == hostAddress || a == metadataAddress {
			continue
		}
		if prefixes, ok := o.tags[tag]; ok && !contains(prefixes, a) {
			continue
		}
		// The services' own addresses are no public IPs of the estate.
		if insideInternet(tag) && o.publicAt[a] != nil {
			continue
		}
		if (tag == internetTag || insideInternet(tag)) && (!public(a) || disputed(a)) {
			continue
		}
		list = append(list, a)
	}
	return list
}

// collectBoundaries notes the first address of every prefix and the first
// after it.
func (o *Oracle) collectBoundaries(prefixes []netip.Prefix) {
	for _, p := range prefixes {
		if !p.IsValid() {
			continue
		}
		o.routed = append(o.routed, p)
		o.boundaries = append(o.boundaries, p.Addr())
		if after := lastOf(p).Next(); after.IsValid() {
			o.boundaries = append(o.boundaries, after)
		}
	}
}

func (o *Oracle) sortBoundaries() {
	slices.SortFunc(o.boundaries, netip.Addr.Compare)
	o.boundaries = slices.Compact(o.boundaries)
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
