package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

// Packets are some of the packets that a case asks about, in texts that a
// baseline keeps. A text that is empty says all that is asked.
type Packets struct {
	From        string `json:"from,omitempty"` // which of several places, commas between them
	To          string `json:"to,omitempty"`
	Through     string `json:"through,omitempty"`     // the proxy
	Protocol    string `json:"protocol"`              // "tcp", "tcp,udp", "any"; never empty
	SourcePorts string `json:"sourcePorts,omitempty"` // "1024-65535"
	Ports       string `json:"ports,omitempty"`       // "22,80-443"; of the destination
	Source      string `json:"source,omitempty"`      // "192.0.2.0/24,198.51.100.7-198.51.100.9"; 0.0.0.0/0 is all that is asked of IPv4
	Destination string `json:"destination,omitempty"`
}

// Valid reports, as an error, a text that cannot be read.
func (p Packets) Valid() error {
	_, err := p.box()
	return err
}

// addressesInWords is how many ranges of addresses [Packets.String] tells.
const addressesInWords = 3

// String is the packets in a few words: "tcp/22 from 192.0.2.0/24".
func (p Packets) String() string {
	s := p.Protocol
	if p.Ports != "" {
		s += "/" + p.Ports
	}
	end := func(word, place, addresses string) {
		list := strings.Split(addresses, ",")
		if n := len(list) - addressesInWords; n > 0 {
			addresses = fmt.Sprintf("%s and %d more", strings.Join(list[:addressesInWords], ", "), n)
		}
		if place != "" && addresses != "" {
			addresses = " (" + addresses + ")"
		}
		if place+addresses != "" {
			s += " " + word + " " + place + addresses
		}
	}
	end("from", p.From, p.Source)
	end("to", p.To, p.Destination)
	if p.SourcePorts != "" {
		s += " from port " + p.SourcePorts
	}
	if p.Through != "" {
		s += " through " + p.Through
	}
	return s
}

// box is the packets without their places.
func (p Packets) box() (b flowset.Box, err error) {
	if p.Protocol == "" {
		return b, fmt.Errorf("packets need a protocol")
	}
	for word := range strings.SplitSeq(p.Protocol, ",") {
		x, ok := topology.ParseProtocol(word)
		switch {
		case !ok:
			return b, fmt.Errorf("%q is no protocol", word)
		case x == topology.AnyProtocol && word != p.Protocol:
			return b, fmt.Errorf("%q stands alone", word)
		case x != topology.AnyProtocol:
			b.Protocols = append(b.Protocols, x)
		}
	}
	if b.SourcePorts, err = parsePorts(p.SourcePorts); err != nil {
		return b, err
	}
	if b.DestinationPorts, err = parsePorts(p.Ports); err != nil {
		return b, err
	}
	if b.Source, err = parseAddresses(p.Source); err != nil {
		return b, err
	}
	b.Destination, err = parseAddresses(p.Destination)
	return b, err
}

// parsePorts reads ports and ranges of ports; nil for "".
func parsePorts(text string) ([]topology.PortRange, error) {
	if text == "" {
		return nil, nil
	}
	var out []topology.PortRange
	for word := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(word, "-")
		if !ranged {
			last = first
		}
		low, err1 := strconv.ParseUint(first, 10, 16)
		high, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || low > high {
			return nil, fmt.Errorf("%q is no port and no range of ports", word)
		}
		out = append(out, topology.PortRange{First: uint16(low), Last: uint16(high)})
	}
	return out, nil
}

// parseAddresses reads prefixes, addresses and ranges of addresses; nil for "".
func parseAddresses(text string) (*netipx.IPSet, error) {
	if text == "" {
		return nil, nil
	}
	var b netipx.IPSetBuilder
	for word := range strings.SplitSeq(text, ",") {
		if a, err := netip.ParseAddr(word); err == nil {
			b.Add(a)
		} else if p, err := netip.ParsePrefix(word); err == nil {
			b.AddPrefix(p)
		} else if r, err := netipx.ParseIPRange(word); err == nil {
			b.AddRange(r)
		} else {
			return nil, fmt.Errorf("%q is no address, prefix or range of addresses", word)
		}
	}
	return b.IPSet()
}

// piece is a part of an answer: packets between two places. A set that is nil
// is all that is asked.
type piece struct {
	way
	flowset.Box
}

// way is between which places packets go, and through which proxy. The names of
// several places stand in one text.
type way struct{ from, to, through string }

// packetsOf are pieces of an answer in as few texts as they fit in, whichever
// rules cut them. all are the pieces of the whole answer: of an end of which
// every address is meant the addresses are not told.
func packetsOf(list, all []piece) []Packets {
	type addresses struct{ source, destination netipx.IPSetBuilder }
	asked := map[way]*addresses{}
	for _, p := range all {
		if asked[p.way] == nil {
			asked[p.way] = &addresses{}
		}
		add(&asked[p.way].source, p.Source)
		add(&asked[p.way].destination, p.Destination)
	}
	list = slices.Clone(list)
	for i := range list {
		p := &list[i]
		p.Source, p.Destination = widened(p.Source, &asked[p.way].source), widened(p.Destination, &asked[p.way].destination)
	}
	list = joined(list, func(t *Packets) { t.Source = "" }, func(p, q *piece) { p.Source = union(p.Source, q.Source) })
	list = joined(list, func(t *Packets) { t.Destination = "" }, func(p, q *piece) { p.Destination = union(p.Destination, q.Destination) })
	for i := range list {
		p := &list[i]
		p.Source, p.Destination = widened(p.Source, &asked[p.way].source), widened(p.Destination, &asked[p.way].destination)
	}
	list = joined(list, func(t *Packets) { t.SourcePorts = "" }, func(p, q *piece) { p.SourcePorts = joinedPorts(p.SourcePorts, q.SourcePorts) })
	list = joined(list, func(t *Packets) { t.Ports = "" }, func(p, q *piece) { p.DestinationPorts = joinedPorts(p.DestinationPorts, q.DestinationPorts) })
	list = joined(list, func(t *Packets) { t.Protocol = "" }, func(p, q *piece) { p.Protocols = joinedProtocols(p.Protocols, q.Protocols) })
	list = joined(list, func(t *Packets) { t.To = "" }, func(p, q *piece) { p.to += "," + q.to })
	list = joined(list, func(t *Packets) { t.From = "" }, func(p, q *piece) { p.from += "," + q.from })
	out := make([]Packets, len(list))
	for i := range list {
		out[i] = list[i].packets()
	}
	slices.SortFunc(out, func(a, b Packets) int { return slices.Compare(a.texts(), b.texts()) })
	return out
}

// joined are the pieces, those together that differ in one of their texts
// alone.
func joined(list []piece, blank func(*Packets), join func(p, q *piece)) []piece {
	at := map[Packets]int{}
	var out []piece
	for i := range list {
		key := list[i].packets()
		blank(&key)
		if n, ok := at[key]; ok {
			join(&out[n], &list[i])
			continue
		}
		at[key] = len(out)
		out = append(out, list[i])
	}
	return out
}

// packets are the piece in words.
func (p *piece) packets() Packets {
	names := func(text string) string {
		list := strings.Split(text, ",")
		slices.Sort(list)
		return strings.Join(list, ",")
	}
	t := Packets{From: names(p.from), To: names(p.to), Through: p.through, Protocol: "any", SourcePorts: portsText(p.SourcePorts), Ports: portsText(p.DestinationPorts),
		Source: addressesText(p.Source), Destination: addressesText(p.Destination)}
	if p.Protocols != nil && len(p.Protocols) < len(protocols) {
		var list []string
		for _, x := range p.Protocols {
			list = append(list, strings.ToLower(x.String()))
		}
		t.Protocol = strings.Join(list, ",")
	}
	return t
}

func portsText(list []topology.PortRange) string {
	var out []string
	for _, r := range list {
		out = append(out, r.String())
	}
	return strings.Join(out, ",")
}

func addressesText(set *netipx.IPSet) string {
	if set == nil {
		return ""
	}
	var out []string
	for _, r := range set.Ranges() {
		switch p, ok := r.Prefix(); {
		case !ok:
			out = append(out, r.String())
		case p.IsSingleIP():
			out = append(out, p.Addr().String())
		default:
			out = append(out, p.String())
		}
	}
	return strings.Join(out, ",")
}

// widened is the set with every address of a family of which it has all that
// are asked; nil where these are all.
func widened(set *netipx.IPSet, asked *netipx.IPSetBuilder) *netipx.IPSet {
	if set == nil {
		return nil
	}
	all, _ := asked.IPSet() // of valid ranges: no error
	whole := true
	var b netipx.IPSetBuilder
	b.AddSet(set)
	for _, family := range families {
		some, has := false, true
		for _, r := range all.Ranges() {
			if family.Contains(r.From()) {
				some, has = true, has && set.ContainsRange(r)
			}
		}
		if some && has {
			b.AddPrefix(family)
		}
		whole = whole && has
	}
	if whole {
		return nil
	}
	wide, _ := b.IPSet() // of valid ranges: no error
	return wide
}

// families are all addresses of each family.
var families = [2]netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// setOf is the addresses of prefixes; nil for none.
func setOf(list ...netip.Prefix) *netipx.IPSet {
	if len(list) == 0 {
		return nil
	}
	var b netipx.IPSetBuilder
	for _, p := range list {
		b.AddPrefix(p)
	}
	set, _ := b.IPSet() // of valid prefixes: no error
	return set
}

func add(b *netipx.IPSetBuilder, set *netipx.IPSet) {
	if set != nil {
		b.AddSet(set)
	}
}

func union(a, b *netipx.IPSet) *netipx.IPSet {
	if a == nil || b == nil {
		return nil
	}
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.AddSet(b)
	set, _ := x.IPSet() // of valid ranges: no error
	return set
}

// joinedPorts are the ports of either list, in order; nil: all.
func joinedPorts(a, b []topology.PortRange) []topology.PortRange {
	if a == nil || b == nil {
		return nil
	}
	out := topology.JoinPorts(slices.Concat(a, b))
	if out[0] == topology.AllPorts {
		return nil
	}
	return out
}

// joinedProtocols are those of either list, in order; nil: every one.
func joinedProtocols(a, b []topology.Protocol) []topology.Protocol {
	if a == nil || b == nil {
		return nil
	}
	var out []topology.Protocol
	for _, p := range protocols {
		if slices.Contains(a, p) || slices.Contains(b, p) {
			out = append(out, p)
		}
	}
	if len(out) == len(protocols) {
		return nil
	}
	return out
}

// protocols are those of packets.
var protocols = []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}

// beyondKept is how many boxes of a way [beyond] tells.
const beyondKept = 10

// beyond are the packets of now that are not among old, of each way the first
// ones; none where old has them all. Both are valid.
func beyond(now, old []Packets) []Packets {
	before, after := map[way][]flowset.Box{}, map[way][]flowset.Box{}
	var order []way
	for _, p := range now {
		if slices.Contains(old, p) {
			continue
		}
		b, _ := p.box() // valid: no error
		for _, w := range p.ways() {
			if after[w] == nil {
				order = append(order, w)
			}
			after[w] = append(after[w], b)
		}
	}
	if len(order) == 0 {
		return nil
	}
	for _, p := range old {
		b, _ := p.box() // valid: no error
		for _, w := range p.ways() {
			before[w] = append(before[w], b)
		}
	}
	var list, all []piece
	for _, w := range order {
		all = append(all, piece{w, flowset.Box{Source: setOf(families[:]...), Destination: setOf(families[:]...)}})
		for i, family := range families {
			space, lists := flowset.NewSpace(i == 1, nil, []flowset.Rule{{Allow: true, Must: after[w]}}, []flowset.Rule{{Allow: true, Must: before[w]}})
			n := 0
			for b := range space.Decide(lists[0], nil).Allowed.Without(space.Decide(lists[1], nil).Allowed).Boxes {
				if b.Source == nil && b.Destination == nil {
					b.Source = setOf(family)
				}
				list = append(list, piece{w, b})
				if n++; n == beyondKept {
					break
				}
			}
		}
	}
	return packetsOf(list, all)
}

// ways are the ways of the packets, one for each two of their places.
func (p Packets) ways() []way {
	var out []way
	for from := range strings.SplitSeq(p.From, ",") {
		for to := range strings.SplitSeq(p.To, ",") {
			out = append(out, way{from, to, p.Through})
		}
	}
	return out
}

// texts are the texts of the packets, by which they are put in order.
func (p Packets) texts() []string {
	return []string{p.From, p.To, p.Through, p.Protocol, p.Ports, p.SourcePorts, p.Source, p.Destination}
}
