package scope

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Set is what one name means at one place: a question about an address that
// is answered yes or no in every world.
type Set struct {
	Name   string // as written
	layers []layer
	tag    *tagSet // a service tag of the catalogue
	ports  portLimit
	// local: the own side of an NSG whose virtual network is not in the data
	// is a member (verdicts.md 15).
	local bool
	// inside: the own side's address is in the own space of a virtual network
	// that is not in the data, and so, by this assumption, not a member.
	inside  *flow.Fact
	literal []netip.Prefix
	// expression: it is not known what the field names, a platform tag perhaps.
	expression bool
}

// Literal are the prefixes of a set that a rule spells out, nil for others.
func (s *Set) Literal() []netip.Prefix { return s.literal }

// layer decides for the addresses it covers; the first that does so wins.
// Without a fact it decides always, with one where the fact has the value
// when.
type layer struct {
	where  *netipx.IPSet // nil: everywhere
	fact   *flow.Fact
	each   bool // the fact is about each address apart
	when   int
	member bool
	all    []flow.Fact // and only where all of these hold
	unless []flow.Fact // the layer counts only where one of these does not hold
	known  bool        // the layer counts only for known addresses
	apart  *flow.Fact  // or: where this assumption about each address apart does not hold
}

// sure reports whether the layer decides in every world.
func (l *layer) sure() bool { return l.fact == nil && l.all == nil }

// portLimit restricts platform tags to their ports (verdicts.md 17).
type portLimit uint8

const (
	anyPort portLimit = iota
	dnsPort
	imdsPort
	kmsPort
)

func (p portLimit) admits(t flow.Tuple, source bool) bool {
	port := t.DestinationPort
	if source {
		port = t.SourcePort
	}
	switch p {
	case dnsPort:
		return t.Protocol.HasPorts() && port == 53
	case imdsPort:
		return t.Protocol == topology.TCP && port == 80
	case kmsPort: // traffic to it only
		return t.Protocol == topology.TCP && port == 1688 && !source
	default:
		return true
	}
}

// Platform reports whether the set is a platform tag, which alone can stop
// platform traffic (spec 3.4).
func (s *Set) Platform() bool { return s.ports != anyPort }

// Ports are the ports that membership turns on: that of a platform tag.
func (s *Set) Ports() []topology.PortRange {
	port := map[portLimit]uint16{dnsPort: 53, imdsPort: 80, kmsPort: 1688}[s.ports]
	if port == 0 {
		return nil
	}
	return []topology.PortRange{{First: port, Last: port}}
}

// MayBePlatform reports whether the set is a platform tag or an expression
// that may resolve to one.
func (s *Set) MayBePlatform() bool { return s.Platform() || s.expression }

// Catalogued reports whether the set is a service tag whose content is that of
// the service tag file: another file may say something else.
func (s *Set) Catalogued() bool { return s.tag != nil && s.tag.in != nil }

// Admits reports whether a rule that names the set, as its source or its
// destination, can match the packet at all: a platform tag stands for its own
// port only, at its own end of the packet.
func (s *Set) Admits(t flow.Tuple, source bool) bool { return s.ports.admits(t, source) }

// Has reports whether the address is in the set in this world. local says
// that the address is on the own side of the gate that asks.
func (s *Set) Has(w *flow.World, a flow.Address, local bool) bool {
	if local && s.local {
		return true
	}
	if local && s.inside != nil && a.IP.IsValid() && IsPublic(a.IP) {
		return !w.Holds(*s.inside)
	}
	if s.tag != nil {
		return s.tag.has(w, a)
	}
	for i := range s.layers {
		l := &s.layers[i]
		if l.known && !a.IP.IsValid() {
			continue // no service tag reaches into it
		}
		if !within(w, a, l.where) {
			continue
		}
		if l.apart != nil {
			f := *l.apart
			f.Detail += a.Key()
			if w.Holds(f) {
				continue
			}
		}
		if l.unless != nil && !slices.ContainsFunc(l.unless, func(f flow.Fact) bool { return !w.Holds(f) }) {
			continue
		}
		if slices.ContainsFunc(l.all, func(f flow.Fact) bool { return !w.Holds(f) }) {
			continue
		}
		if l.fact == nil {
			return l.member
		}
		f := *l.fact
		if l.each {
			f.Detail += a.Key()
		}
		if w.Ask(f, 2) == l.when {
			return l.member
		}
	}
	return false
}

// within reports whether the address lies in the prefixes; nil is
// everywhere. For an address of which only the tag is known it is asked.
func within(w *flow.World, a flow.Address, where *netipx.IPSet) bool {
	if where == nil {
		return true
	}
	if a.IP.IsValid() {
		return where.Contains(a.IP)
	}
	family := familyOf(a)
	switch {
	case !where.Overlaps(family.set):
		return false
	case !slices.ContainsFunc(family.ranges, func(r netipx.IPRange) bool { return !where.ContainsRange(r) }):
		return true
	}
	f := flow.Fact{
		Code: flow.UnknownTag, About: a.Tag, Detail: "within " + fingerprint(where),
		Text:   "the addresses of the service tag " + a.Tag + " are not known",
		Export: exportTags,
	}
	switch {
	case behindEgress(a):
		f.Code, f.Text, f.Export = flow.EgressAddressUnknown, egressText, ""
	case a.Tag == "":
		f.Code, f.Text, f.Export = flow.AddressUnknown, "the private address of an interface is not in the data", "az network nic list -o json"
	}
	return w.Otherwise(f)
}

// family is where an address of which only the tag is known may lie.
type family struct {
	set    *netipx.IPSet
	ranges []netipx.IPRange
}

func newFamily(sets ...*netipx.IPSet) family {
	set := everything()
	for _, s := range sets {
		set = intersect(set, s)
	}
	return family{set, set.Ranges()}
}

var families = sync.OnceValue(func() (f [2][2]family) {
	f[0] = [2]family{newFamily(v4Space()), newFamily(v4Space(), InternetSpace())}
	f[1] = [2]family{newFamily(v6Space()), newFamily(v6Space(), InternetSpace())}
	return f
})

func familyOf(a flow.Address) *family {
	six, public := 0, 0
	if a.V6 {
		six = 1
	}
	if PublicTag(a.Tag) {
		public = 1
	}
	f := families()
	return &f[six][public]
}

// behindEgress reports whether the address is that behind a way out of which
// only this is known: it is public.
func behindEgress(a flow.Address) bool {
	return !a.IP.IsValid() && strings.EqualFold(a.Tag, "Internet")
}

const egressText = "the public address behind the way out is not known"

// Within reports whether the address lies in the prefixes; for an address of
// which only the tag is known the world is asked.
func Within(w *flow.World, a flow.Address, where *netipx.IPSet) bool { return within(w, a, where) }

const exportTags = "az network list-service-tags --location <region> -o json"

// tagSet is a tag of the service tag catalogue, or one the catalogue lacks.
type tagSet struct {
	name  string // as written
	names *Names
	in    *content      // nil: the catalogue does not hold it
	bound *netipx.IPSet // nil: none; where the members lie if the content is not known
}

// has follows the catalogue where it holds the tag and is current. Otherwise
// what is known of the name alone counts, and the rest is asked.
func (t *tagSet) has(w *flow.World, a flow.Address) bool {
	if t.in != nil && a.IP.IsValid() {
		if f := t.names.stale; f == nil || w.Holds(*f) {
			return t.in.contains(a.IP)
		}
	}
	if a.Tag != "" && Implies(a.Tag, t.name) {
		return true
	}
	if t.bound != nil && !within(w, a, t.bound) {
		return false
	}
	// A tag implies its parents: a region is part of its service.
	if parent := Parent(t.name); parent != "" {
		if v, ok := w.Value(t.fact(parent, a)); ok && v == 0 {
			return false
		}
		if p := t.names.Tag(parent); p.tag != nil && p.tag.in != nil && t.names.stale == nil && a.IP.IsValid() && !p.tag.in.contains(a.IP) {
			return false
		}
	}
	for _, region := range t.names.regionsAsked(t.name) {
		if v, ok := w.Value(t.fact(region, a)); ok && v == 1 {
			return true
		}
	}
	return w.Otherwise(t.fact(t.name, a))
}

func (t *tagSet) fact(name string, a flow.Address) flow.Fact {
	name = t.names.spelling(name)
	f := flow.Fact{
		Code: flow.UnknownTag, About: name, Detail: a.Key(),
		Text: "the content of the service tag " + name + " is not known", Export: exportTags,
	}
	switch {
	case behindEgress(a):
		f.Code, f.Text, f.Export = flow.EgressAddressUnknown, egressText, ""
	case a.IP.IsValid():
		f.Text = "whether " + a.IP.String() + " is in the service tag " + name + " is not known"
	}
	return f
}

// Parent is the tag that a regional tag is part of, "" for others.
func Parent(tag string) string {
	if i := strings.IndexByte(tag, '.'); i > 0 {
		return tag[:i]
	}
	return ""
}

// Implies reports whether every address of the tag a is in the tag b by their
// names alone: a tag equals itself and X.Region is part of X (verdicts.md 6).
func Implies(a, b string) bool {
	return strings.EqualFold(a, b) || strings.EqualFold(Parent(a), b)
}

// PublicTag reports whether the tag is part of Internet by its name alone
// (verdicts.md 6, TAG).
func PublicTag(tag string) bool {
	base := tag
	if p := Parent(tag); p != "" {
		base = p
	}
	switch strings.ToLower(base) {
	case "storage", "sql", "azurebackup", "azureactivedirectory", "internet":
		return true
	}
	return false
}

// Constants are the prefixes that the set's answer turns on; an address is
// asked about only through them.
func (s *Set) Constants() []*netipx.IPSet {
	var out []*netipx.IPSet
	for _, l := range s.layers {
		if l.where != nil {
			out = append(out, l.where)
		}
	}
	if s.tag != nil {
		if s.tag.in != nil {
			out = append(out, s.tag.in.set())
		}
		if s.tag.bound != nil {
			out = append(out, s.tag.bound)
		}
		if p := Parent(s.tag.name); p != "" {
			out = append(out, s.tag.names.Tag(p).Constants()...)
		}
	}
	return out
}

// Certain returns the addresses that are in the set in every world and those
// that are in it in some world (its must- and may-set), as far as facts about
// the place go; facts about assumptions count as not known.
func (s *Set) Certain() (must, may *netipx.IPSet) {
	must, may = SetOf(), SetOf()
	if s.tag != nil {
		switch {
		case s.tag.in != nil && s.tag.names.stale == nil:
			return s.tag.in.set(), s.tag.in.set()
		case s.tag.bound != nil:
			return must, s.tag.bound
		default:
			return must, everything()
		}
	}
	left := everything() // not decided by an earlier layer
	sure := everything() // of it, what no earlier layer could have decided
	for _, l := range s.layers {
		where := everything()
		if l.where != nil {
			where = l.where
		}
		hit := intersect(left, where)
		if l.member {
			may = union(may, hit)
			if l.sure() {
				must = union(must, intersect(sure, where))
			}
		}
		if l.sure() {
			left = subtract(left, where)
		}
		if l.sure() || !l.member {
			sure = subtract(sure, where)
		}
	}
	return must, may
}
