// Package scope says what a name means at one subnet: VirtualNetwork,
// Internet, AzureLoadBalancer, platform tags, service tags and application
// security groups. What the data does not say is asked of the world, so every
// name is a set with certain members, possible members and the facts between.
package scope

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
	"sync"
	"time"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

// FreshDays is the age in days up to which a service tag file is taken as
// current without saying so (spec/verdicts.md).
const FreshDays = 30

// Options are the settings of [New].
type Options struct {
	AsOf           time.Time      // today; zero: the age of the file is not known
	CatalogueDate  time.Time      // where the file's name does not say it
	VirtualNetwork []netip.Prefix // of an NSG whose virtual network is not in the data
}

// Names resolves the names of one estate. It is safe for concurrent use.
type Names struct {
	net      *topology.Network
	index    *servicetag.Index
	opts     Options
	stale    *flow.Fact // CATALOGUE_CURRENT, where the file is not fresh
	cuts     map[string]*topology.Gap
	refused  *topology.Gap
	gateways map[topology.ID]Gateways
	behind   map[topology.ID][]netip.Prefix // of the virtual network's own gateways

	mu       sync.Mutex
	unread   error
	tags     map[string]*Set
	regions  map[string][]string // by folded parent: regional tags that were resolved
	places   map[*topology.Subnet]*Place
	alone    *Place
	exported map[*topology.EffectiveSecurityGroup]*Place
}

// New prepares the names of an estate.
func New(n *topology.Network, opts Options) *Names {
	x := &Names{
		net: n, opts: opts,
		index:    servicetag.New(n.ServiceTags, n.DatacenterRanges),
		cuts:     map[string]*topology.Gap{},
		tags:     map[string]*Set{},
		regions:  map[string][]string{},
		places:   map[*topology.Subnet]*Place{},
		exported: map[*topology.EffectiveSecurityGroup]*Place{},
		gateways: map[topology.ID]Gateways{},
		behind:   map[topology.ID][]netip.Prefix{},
	}
	for i := range n.Gaps {
		g := &n.Gaps[i]
		switch g.Kind {
		case topology.ListCut:
			x.cuts[strings.ToLower(g.ResourceType)] = g
		case topology.FileRefused:
			x.refused = g
		}
	}
	if c := n.ServiceTags; c != nil {
		if age, known := x.Age(); !known || age > FreshDays {
			text := "the service tag file of unknown age is taken as current"
			if known {
				text = fmt.Sprintf("the service tag file is %d days old and taken as current", age)
			}
			x.stale = &flow.Fact{Assumption: flow.CatalogueCurrent, About: x.catalogueName(), Text: text, Export: exportTags}
		}
	}
	for _, v := range n.VirtualNetworks {
		x.gateways[v.ID()] = x.gatewaysOf(v)
		if own := x.ownGateways(v).Prefixes; len(own) > 0 {
			x.behind[v.ID()] = own
		}
	}
	return x
}

func (x *Names) catalogueName() string {
	c := x.net.ServiceTags
	return fmt.Sprintf("%s, change %d", c.Cloud, c.ChangeNumber)
}

// CatalogueDate is the date of the service tag file, zero where not known.
func (x *Names) CatalogueDate() time.Time {
	if x.net.ServiceTags == nil {
		return time.Time{}
	}
	if d := x.net.ServiceTags.Date; !d.IsZero() {
		return d
	}
	return x.opts.CatalogueDate
}

// Age is the age of the service tag file in days; false where it is not known.
func (x *Names) Age() (days int, known bool) {
	d := x.CatalogueDate()
	if d.IsZero() || x.opts.AsOf.IsZero() {
		return 0, false
	}
	return int(x.opts.AsOf.Sub(d).Hours() / 24), true
}

// Index is the index over the estate's service tags and datacenter ranges.
func (x *Names) Index() *servicetag.Index { return x.index }

// Stale is the assumption CATALOGUE_CURRENT, nil where the file is fresh or
// there is none.
func (x *Names) Stale() *flow.Fact { return x.stale }

// Cut returns the gap that leaves open whether other resources of the type
// exist ("Microsoft.Network/networkInterfaces"), nil where the data is whole.
func (x *Names) Cut(resourceType string) *topology.Gap {
	if len(x.cuts) == 0 {
		return x.refused
	}
	if g := x.cuts[strings.ToLower(resourceType)]; g != nil {
		return g
	}
	if g := x.cuts[""]; g != nil {
		return g
	}
	return x.refused
}

// Missing is the open fact that a resource of the type may exist that is not
// in the data; false where the data is whole.
func (x *Names) Missing(resourceType, detail string) (flow.Fact, bool) {
	g := x.Cut(resourceType)
	if g == nil {
		return flow.Fact{}, false
	}
	short := resourceType[strings.LastIndexByte(resourceType, '/')+1:]
	f := flow.Fact{Code: flow.ListCutCode, About: short, Detail: detail,
		Text: "the exported list of " + short + " is cut: others exist"}
	if g.Kind == topology.FileRefused {
		f.Code, f.Text = flow.FileRefusedCode, "the refused file "+g.Origin.File+" may hold other "+short
	}
	return f, true
}

// Tag is the set of a service tag, built in or of the catalogue, in any
// letter case. VirtualNetwork and Internet depend on the place: see
// [Place.Resolve].
func (x *Names) Tag(name string) *Set {
	key := strings.ToLower(strings.TrimSpace(name))
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.tags[key]; ok {
		return s
	}
	s := x.newTag(name, key)
	x.tags[key] = s
	if p := Parent(key); p != "" {
		x.regions[p] = append(x.regions[p], name)
	}
	return s
}

func (x *Names) newTag(name, key string) *Set {
	single := func(a netip.Addr, p portLimit) *Set {
		return &Set{Name: name, ports: p, layers: []layer{{where: SetOf(netip.PrefixFrom(a, a.BitLen())), member: true}}}
	}
	switch key {
	case "azureloadbalancer", "azure_loadbalancer":
		return single(WireServer, anyPort)
	case "azureplatformdns":
		return single(WireServer, dnsPort)
	case "azureplatformimds":
		return single(IMDS, imdsPort)
	case "azureplatformlkm":
		return &Set{Name: name, ports: kmsPort, layers: []layer{{
			where: PublicSpace(), when: 1, member: true, each: true,
			fact: &flow.Fact{Code: flow.UnknownTag, About: "azureplatformlkm", Text: "the addresses of AzurePlatformLKM are not published"},
		}}}
	}
	t := &tagSet{name: name, names: x}
	if PublicTag(name) {
		t.bound = PublicSpace()
	}
	if tag, ok := x.index.Tag(name); ok && tag.Refused != nil {
		x.unread = cmp.Or(x.unread, tag.Refused)
	} else if ok {
		t.in = newContent(tag.Prefixes)
	}
	return &Set{Name: name, tag: t}
}

// Unread is the refusal of the first tag that was asked for though its
// prefixes in the service tag file cannot be read, nil where there was none.
// An answer that was asked for meanwhile must not be given: to the names such
// a tag is one that no file holds.
func (x *Names) Unread() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unread
}

// KnownTag reports whether the catalogue holds the tag, or it is built in.
func (x *Names) KnownTag(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "virtualnetwork", "virtual_network", "internet", "azureloadbalancer", "azure_loadbalancer",
		"azureplatformdns", "azureplatformimds", "azureplatformlkm":
		return true
	}
	_, ok := x.index.Tag(name)
	return ok
}

// spelling is one spelling of a tag's name, so that rules that write it
// differently ask about one tag.
func (x *Names) spelling(name string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.tags[strings.ToLower(strings.TrimSpace(name))]; ok {
		return s.Name
	}
	return strings.ToLower(name)
}

func (x *Names) regionsAsked(parent string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.regions[strings.ToLower(parent)]
}

// RegionalTag is the tag of a service in a location ("Storage", "westeurope"):
// the catalogue's where it has one, else the name put together.
func (x *Names) RegionalTag(service, location string) string {
	loc := topology.NormalLocation(location)
	if t, ok := x.index.Tag(service + "." + loc); ok {
		return t.Name
	}
	if c := x.net.ServiceTags; c != nil {
		for _, t := range c.Tags {
			if strings.EqualFold(Parent(t.Name), service) && topology.NormalLocation(t.Region) == loc {
				return t.Name
			}
		}
	}
	return service + "." + loc
}

var (
	v4Space = sync.OnceValue(func() *netipx.IPSet { return SetOf(netip.MustParsePrefix("0.0.0.0/0")) })
	v6Space = sync.OnceValue(func() *netipx.IPSet { return SetOf(netip.MustParsePrefix("::/0")) })
)

// fingerprint tells sets of prefixes apart in the keys of facts.
func fingerprint(s *netipx.IPSet) string {
	h := fnv.New128a()
	for _, r := range s.Ranges() {
		from, to := r.From().As16(), r.To().As16()
		h.Write(from[:])
		h.Write(to[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
