package sim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"go4.org/netipx"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// end is one end of a trace.
type end struct {
	info   EndInfo
	nic    *topology.NetworkInterface // an interface of the estate
	pinned *topology.IPConfiguration  // asked for by its address
	vm     *topology.VirtualMachine
	addr   netip.Addr // one address that no interface owns
	subnet *topology.Subnet
	home   topology.ID   // the virtual network of the end, whichever others have its addresses too; "": that does not count
	set    *netipx.IPSet // a set of addresses
	four   *netipx.IPSet // its IPv4 addresses
	six    *netipx.IPSet // its IPv6 addresses
	key    string        // names the set among those that are asked again and again; "" for others
	tag    string        // the service tag the set is
	named  bool          // the tag's addresses are not known
	target firewall.Target
	aim    []*topology.IPConfiguration // packets that come to others are denied; empty: none are
}

// internet reports whether the end lies outside the estate.
func (e *end) internet() bool {
	switch {
	case e.nic != nil, e.subnet != nil:
		return false
	case e.addr.IsValid():
		return scope.IsPublic(e.addr)
	default:
		return e.tag != "" || e.info.Kind == "internet" || e.info.Kind == "datacenterRegion"
	}
}

// nameAsked is a name on the command line. It means an element by its bare
// name, group/name or full resource ID, in any letter case.
type nameAsked struct {
	name        string
	id          topology.ID
	last        string // segment of id, "" where name has one segment
	group, bare string // of group/name, "" for others
}

func nameOf(name string) nameAsked {
	a := nameAsked{name: name}
	if !strings.Contains(name, "/") {
		return a
	}
	a.id = topology.MakeID(name)
	a.last = a.id.Name()
	if group, bare, _ := strings.Cut(name, "/"); !strings.Contains(bare, "/") {
		a.group, a.bare = group, bare
	}
	return a
}

func (a *nameAsked) means(e *topology.Element) bool {
	if strings.EqualFold(e.Name, a.name) || a.last != "" && strings.EqualFold(e.Name, a.last) && e.ID() == a.id {
		return true
	}
	if a.bare == "" || !strings.EqualFold(e.Name, a.bare) {
		return false
	}
	g := e.ResourceGroup
	if g == "" {
		g = e.ID().ResourceGroup()
	}
	return strings.EqualFold(a.group, g)
}

func find[T topology.Any](list []T, name string) []T {
	var out []T
	a := nameOf(name)
	for _, e := range list {
		if a.means(e.Base()) {
			out = append(out, e)
		}
	}
	return out
}

func ids[T topology.Any](list []T) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Base().ResourceID)
	}
	return out
}

// nearest are the names most like the one asked for.
func nearest(name string, names []string) []string {
	type scored struct {
		name string
		d    int
	}
	var list []scored
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || seen[n] {
			continue
		}
		seen[n] = true
		if d := levenshtein.ComputeDistance(strings.ToLower(n), strings.ToLower(name)); d <= max(2, len(name)/3) {
			list = append(list, scored{n, d})
		}
	}
	slices.SortFunc(list, func(a, b scored) int { return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, x := range list[:min(3, len(list))] {
		out = append(out, x.name)
	}
	return out
}

func namesOf[T topology.Any](list []T) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Base().Name)
	}
	return out
}

// unique is the one element a name means.
func unique[T topology.Any](kind string, list []T, name string) (T, error) {
	found := find(list, name)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var none T
		return none, &NameError{Kind: kind, Name: name, Nearest: nearest(name, namesOf(list))}
	default:
		var none T
		return none, &NameError{Kind: kind, Name: name, Candidates: ids(found)}
	}
}

// primaryNIC is the primary interface of a virtual machine; without one that
// is marked or alone the name is ambiguous.
func (s *Simulator) primaryNIC(vm *topology.VirtualMachine) (*topology.NetworkInterface, error) {
	var nics []*topology.NetworkInterface
	for _, r := range vm.NetworkInterfaces {
		if nic, ok := topology.Lookup[*topology.NetworkInterface](s.net, r); ok {
			nics = append(nics, nic)
		}
	}
	if len(vm.NetworkInterfaces) == 0 {
		for _, nic := range s.net.NetworkInterfaces {
			if nic.VirtualMachine.ID() == vm.ID() {
				nics = append(nics, nic)
			}
		}
	}
	if nic, ok := topology.Lookup[*topology.NetworkInterface](s.net, vm.PrimaryInterface); ok {
		return nic, nil
	}
	if !vm.PrimaryInterface.IsZero() {
		return nil, &NameError{Kind: "virtual machine", Name: vm.Name, Reason: "its primary network interface " + vm.PrimaryInterface.ID().Name() + " is not in the data"}
	}
	if len(nics) > 1 {
		marked := slices.DeleteFunc(slices.Clone(nics), func(n *topology.NetworkInterface) bool { return n.Primary != topology.On })
		if len(marked) == 1 {
			return marked[0], nil
		}
		return nil, &NameError{Kind: "primary network interface of virtual machine", Name: vm.Name, Candidates: ids(nics)}
	}
	if len(nics) == 0 {
		return nil, &NameError{Kind: "virtual machine", Name: vm.Name, Reason: "none of its network interfaces is in the data"}
	}
	return nics[0], nil
}

// resolve finds what one end of a trace means. near is the other end, where
// it is an interface: of several owners of an address the one it can reach is
// meant.
func (s *Simulator) resolve(text string, near *end) (*end, error) {
	name := strings.TrimSpace(text)
	if rest, ok := cutFold(name, "tag:"); ok {
		return s.tagEnd(text, rest, true)
	}
	if rest, ok := cutFold(name, "datacenter:"); ok {
		return s.regionEnd(text, rest)
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return s.addressEnd(text, a.Unmap(), near)
	}
	if p, err := netip.ParsePrefix(name); err == nil {
		e := &end{info: EndInfo{Text: text, Kind: "prefix", Prefixes: 1}}
		e.holds(scope.SetOf(p.Masked()))
		return e, nil
	}
	if strings.HasPrefix(name, "/") {
		switch x := s.net.Find(topology.MakeID(name)).(type) {
		case *topology.VirtualMachine:
			return s.machineEnd(text, x)
		case *topology.NetworkInterface:
			return s.interfaceEnd(text, x), nil
		case *topology.IPConfiguration:
			if nic := s.net.Holder(x); nic != nil && x.PrivateIPAddress.IsValid() {
				e := s.interfaceEnd(text, nic)
				e.pinned, e.info.Address = x, x.PrivateIPAddress.String()
				return e, nil
			}
		}
	}
	vms := find(s.net.VirtualMachines, name)
	nics := find(s.net.NetworkInterfaces, name)
	isTag := strings.EqualFold(name, "Internet") || s.names.KnownTag(name) || s.wellKnownTag(name)
	switch {
	case len(vms)+len(nics) > 0 && isTag:
		return nil, &NameError{Kind: "name", Name: text, Candidates: append(append(ids(vms), ids(nics)...), "tag:"+name)}
	case len(vms)+len(nics) > 1:
		return nil, &NameError{Kind: "name", Name: text, Candidates: append(ids(vms), ids(nics)...)}
	case len(vms) == 1:
		return s.machineEnd(text, vms[0])
	case len(nics) == 1:
		return s.interfaceEnd(text, nics[0]), nil
	case isTag:
		return s.tagEnd(text, name, false)
	}
	if strings.Count(name, ".") >= 2 && !strings.ContainsAny(name, "/ *") {
		return s.hostEnd(text, name, near)
	}
	all := append(namesOf(s.net.VirtualMachines), namesOf(s.net.NetworkInterfaces)...)
	close := append(nearest(name, all), s.names.Index().Nearest(name, 2)...)
	return nil, &NameError{Kind: "name", Name: text, Nearest: close}
}

// machineEnd is a virtual machine, by its primary interface.
func (s *Simulator) machineEnd(text string, vm *topology.VirtualMachine) (*end, error) {
	nic, err := s.primaryNIC(vm)
	if err != nil {
		return nil, err
	}
	return &end{info: EndInfo{Text: text, Kind: "virtualMachine", Name: vm.Name, Address: addressesOf(nic)}, vm: vm, nic: nic, home: homeOf(nic)}, nil
}

func (s *Simulator) interfaceEnd(text string, nic *topology.NetworkInterface) *end {
	return &end{info: EndInfo{Text: text, Kind: "networkInterface", Name: nic.Name, Address: addressesOf(nic)}, nic: nic, vm: s.vm(nic), home: homeOf(nic)}
}

// homeOf is the virtual network of an interface, "" where the data does not say
// it.
func homeOf(nic *topology.NetworkInterface) topology.ID {
	if len(nic.IPConfigurations) == 0 {
		return ""
	}
	return nic.IPConfigurations[0].Subnet.ID().Parent() // all are of one virtual network
}

// addressesOf are the interface's primary addresses, one of each family.
func addressesOf(nic *topology.NetworkInterface) string {
	var list []string
	for _, v6 := range []bool{false, true} {
		if c := primary(nic, v6); c != nil {
			list = append(list, c.PrivateIPAddress.String())
		}
	}
	return strings.Join(list, ", ")
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// wellKnownTag: without a service tag file a tag is known by its name where
// the documents speak of it or a rule of the estate names it.
func (s *Simulator) wellKnownTag(name string) bool {
	if s.net.ServiceTags != nil {
		return false
	}
	if scope.PublicTag(name) {
		return true
	}
	for _, known := range []string{"AzureCloud", "AzureMonitor", "AzureKeyVault", "EventHub", "ServiceBus", "AzureCosmosDB", "AppService", "AzureContainerRegistry"} {
		if strings.EqualFold(name, known) || strings.EqualFold(scope.Parent(name), known) {
			return true
		}
	}
	return s.ruleTags()[strings.ToLower(name)]
}

// readRuleTags are the tags that rules of NSGs name, in lower case.
func (s *Simulator) readRuleTags() map[string]bool {
	tags := map[string]bool{}
	for _, g := range s.net.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			for _, m := range []*topology.Match{&r.Source, &r.Destination} {
				for i := range m.Prefixes {
					if a := &m.Prefixes[i]; a.Kind == topology.TagAddress {
						tags[strings.ToLower(a.Tag)] = true
					}
				}
			}
		}
	}
	return tags
}

func (s *Simulator) tagEnd(text, name string, forced bool) (*end, error) {
	name = strings.TrimSpace(name)
	e := &end{info: EndInfo{Text: text, Kind: "serviceTag", Name: name}}
	switch strings.ToLower(name) {
	case "internet":
		e.info.Kind, e.info.Name = "internet", "Internet"
		e.tag, e.key = "Internet", "internet"
		e.holds(scope.InternetSpace())
		return e, nil
	case "virtualnetwork", "azureplatformlkm":
		return nil, &NameError{Kind: "service tag", Name: text, Reason: "its content differs from subnet to subnet; ask for a CIDR block"}
	case "azureloadbalancer", "azureplatformdns", "azureplatformimds":
		must, _ := s.names.Tag(name).Certain()
		e.tag, e.info.Prefixes = name, 1
		e.holds(must)
		return e, nil
	}
	e.tag = name
	e.target = firewall.Target{Tag: name, Suffixes: hostSuffixes(name)}
	if tag, ok := s.names.Index().Tag(name); ok {
		if tag.Refused != nil {
			return nil, tag.Refused
		}
		e.tag, e.info.Name, e.info.Prefixes = tag.Name, tag.Name, tag.Prefixes.Len()
		s.share(e, "tag "+tag.Name, tag.Prefixes.Slice)
		return e, nil
	}
	if s.net.ServiceTags != nil && !forced {
		return nil, &NameError{Kind: "service tag", Name: text, Nearest: s.names.Index().Nearest(name, 3)}
	}
	e.named = true
	return e, nil
}

// everyPublic takes the Internet for every public address, those of which the
// sources do not agree whether the tag has them among them.
func (e *end) everyPublic() {
	if e.info.Kind == "internet" {
		e.key = "every public address"
		e.holds(scope.PublicSpace())
	}
}

func (s *Simulator) regionEnd(text, name string) (*end, error) {
	if s.net.DatacenterRanges == nil {
		return nil, &NameError{Kind: "datacenter region", Name: text, Reason: "no datacenter ranges are among the inputs (--datacenter-ranges FILE)"}
	}
	r, ok := s.names.Index().Region(name)
	if !ok {
		var all []string
		for _, x := range s.net.DatacenterRanges.Regions {
			all = append(all, x.Name, x.Location)
		}
		return nil, &NameError{Kind: "datacenter region", Name: text, Nearest: nearest(name, all)}
	}
	e := &end{info: EndInfo{Text: text, Kind: "datacenterRegion", Name: r.Name, Prefixes: len(r.Prefixes)}}
	s.share(e, "region "+r.Name, func() []netip.Prefix { return r.Prefixes })
	return e, nil
}

// addressEnd: an address of an interface is that interface; one of a known
// subnet is asked at the subnet's gates; anything else is outside.
func (s *Simulator) addressEnd(text string, a netip.Addr, near *end) (*end, error) {
	if a.Zone() != "" {
		return nil, &NameError{Kind: "address", Name: text, Reason: "an address with a zone has no meaning here"}
	}
	e := &end{info: EndInfo{Text: text, Kind: "address", Address: a.String()}, addr: a}
	owners := s.net.Owners(a)
	if near != nil && near.nic != nil && len(owners) > 1 {
		owners = s.reachable(near, owners)
	}
	switch len(owners) {
	case 1:
		o := owners[0]
		e.nic, e.pinned, e.vm, e.info.Name = o.Interface, o.Configuration, s.vm(o.Interface), o.Interface.Name
		return e, nil
	case 0:
	default:
		var list []string
		for _, o := range owners {
			list = append(list, o.Interface.ResourceID)
		}
		return nil, &NameError{Kind: "address", Name: text, Candidates: list}
	}
	var subs []*topology.Subnet
	for _, v := range s.net.VirtualNetworks {
		if sub := subnetOf(v, a); sub != nil {
			subs = append(subs, sub)
		}
	}
	if near != nil && near.nic != nil && len(subs) > 1 {
		subs = slices.DeleteFunc(subs, func(x *topology.Subnet) bool { return !s.sees(near, x.VirtualNetworkID()) })
	}
	switch len(subs) {
	case 0:
	case 1:
		e.subnet = subs[0]
	default:
		return nil, &NameError{Kind: "address", Name: text, Candidates: ids(subs)}
	}
	return e, nil
}

// reachable keeps the owners in the virtual network of the other end or one
// it is peered with; all of them where none is.
func (s *Simulator) reachable(near *end, owners []topology.Owner) []topology.Owner {
	var out []topology.Owner
	for _, o := range owners {
		if s.sees(near, o.Configuration.Subnet.ID().Parent()) {
			out = append(out, o)
		}
	}
	if len(out) == 0 {
		return owners
	}
	return out
}

func (s *Simulator) sees(near *end, vnet topology.ID) bool {
	for _, c := range near.nic.IPConfigurations {
		home := c.Subnet.ID().Parent()
		if home == vnet {
			return true
		}
		if v, ok := topology.LookupID[*topology.VirtualNetwork](s.net, home); ok {
			for _, p := range v.Peerings {
				if p.RemoteVirtualNetwork.ID() == vnet {
					return true
				}
			}
		}
	}
	return false
}

// serviceSuffixes maps host name suffixes to the service tag of the service.
var serviceSuffixes = []struct{ suffix, tag string }{
	{".blob.core.windows.net", "Storage"}, {".queue.core.windows.net", "Storage"}, {".table.core.windows.net", "Storage"},
	{".file.core.windows.net", "Storage"}, {".dfs.core.windows.net", "Storage"}, {".web.core.windows.net", "Storage"},
	{".blob.storage.azure.net", "Storage"},
	{".blob.core.chinacloudapi.cn", "Storage"}, {".queue.core.chinacloudapi.cn", "Storage"}, {".table.core.chinacloudapi.cn", "Storage"}, {".file.core.chinacloudapi.cn", "Storage"},
	{".blob.core.usgovcloudapi.net", "Storage"}, {".queue.core.usgovcloudapi.net", "Storage"}, {".table.core.usgovcloudapi.net", "Storage"}, {".file.core.usgovcloudapi.net", "Storage"},
	{".database.windows.net", "Sql"},
	{".backup.windowsazure.com", "AzureBackup"},
	{"login.microsoftonline.com", "AzureActiveDirectory"}, {"login.windows.net", "AzureActiveDirectory"}, {"login.microsoft.com", "AzureActiveDirectory"},
	{".vault.azure.net", "AzureKeyVault"},
	{".documents.azure.com", "AzureCosmosDB"},
	{".azurecr.io", "AzureContainerRegistry"},
	{".azurewebsites.net", "AppService"},
}

// hostSuffixes are the host name suffixes that a question to a service tag is
// about at a gate that compares names: of Storage the blob endpoints, in any
// cloud (golden test G86), else all of the tag.
func hostSuffixes(tag string) []string {
	var out []string
	for _, x := range serviceSuffixes {
		if scope.Implies(tag, x.tag) && (x.tag != "Storage" || strings.HasPrefix(x.suffix, ".blob.core.")) {
			out = append(out, x.suffix)
		}
	}
	return out
}

// hostEnd resolves a host name offline: by the estate's private endpoints,
// else as the tag of its service suffix (cli.md).
func (s *Simulator) hostEnd(text, host string, near *end) (*end, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	target := firewall.Target{Host: host}
	var found []*topology.PrivateEndpoint
	for _, pe := range s.net.PrivateEndpoints {
		if slices.ContainsFunc(pe.HostNames, func(h string) bool { return strings.EqualFold(h, host) }) {
			found = append(found, pe)
		}
	}
	if near != nil && near.nic != nil && len(found) > 1 {
		own := slices.DeleteFunc(slices.Clone(found), func(pe *topology.PrivateEndpoint) bool { return !s.sees(near, pe.Subnet.ID().Parent()) })
		if len(own) > 0 {
			found = own
		}
	}
	if len(found) > 1 {
		return nil, &NameError{Kind: "host name", Name: text, Candidates: ids(found)}
	}
	if len(found) == 1 && len(found[0].Addresses) > 0 {
		pe := found[0]
		e := &end{info: EndInfo{Text: text, Kind: "host", Name: pe.Name, Address: pe.Addresses[0].String()}, addr: pe.Addresses[0], target: target}
		if sub, ok := topology.Lookup[*topology.Subnet](s.net, pe.Subnet); ok {
			e.subnet = sub
		}
		return e, nil
	}
	for _, x := range serviceSuffixes {
		if host != x.suffix && !(strings.HasPrefix(x.suffix, ".") && strings.HasSuffix(host, x.suffix)) {
			continue
		}
		tag := x.tag
		account, _, _ := strings.Cut(host, ".")
		for _, a := range s.net.StorageAccounts {
			if x.tag == "Storage" && strings.EqualFold(a.Name, account) && a.Location != "" {
				tag = s.names.RegionalTag("Storage", a.Location)
			}
		}
		e, err := s.tagEnd(text, tag, true)
		if err != nil {
			return nil, err
		}
		target.Tag = tag
		e.info.Kind, e.info.Name, e.target = "host", e.tag, target
		return e, nil
	}
	return nil, &NameError{Kind: "host name", Name: text, Reason: "neither a private endpoint of the estate nor a known service suffix explains it; ask for its address"}
}

// config is the IP configuration of an interface end in a family, nil where
// it has none.
func (e *end) config(v6 bool) *topology.IPConfiguration {
	if e.pinned != nil {
		if e.pinned.PrivateIPAddress.Is6() == v6 {
			return e.pinned
		}
		return nil
	}
	return primary(e.nic, v6)
}

// has reports whether the end exists in a family.
func (e *end) has(v6 bool) bool {
	switch {
	case e.nic != nil:
		return e.config(v6) != nil
	case e.addr.IsValid():
		return e.addr.Is6() == v6
	case e.named:
		return true
	default:
		return !isEmpty(e.addresses(v6))
	}
}

func isEmpty(s *netipx.IPSet) bool { return s.Equal(&netipx.IPSet{}) }

// isSet reports whether the end is more than one address.
func (e *end) isSet() bool { return e.nic == nil && !e.addr.IsValid() }

// asked says which host name behind the end is asked for, or, with a leading
// "*", how the name ends.
func (e *end) asked(host string) {
	e.target = firewall.Target{Tag: e.target.Tag, Host: host}
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		e.target.Host, e.target.Suffixes = "", []string{strings.ToLower(suffix)}
	}
}

// holds makes the end a set of addresses.
func (e *end) holds(set *netipx.IPSet) {
	var four, six netipx.IPSetBuilder
	for _, r := range set.Ranges() {
		if r.From().Is6() {
			six.AddRange(r)
		} else {
			four.AddRange(r)
		}
	}
	e.set = set
	e.four, _ = four.IPSet()
	e.six, _ = six.IPSet()
}

// share makes the end a set that is made once and asked by many questions.
func (s *Simulator) share(e *end, key string, prefixes func() []netip.Prefix) {
	e.key = key
	if s.base != nil {
		s.base.share(e, key, prefixes)
		return
	}
	if x, ok := s.sets.Load(key); ok {
		f := x.(*end)
		e.set, e.four, e.six = f.set, f.four, f.six
		return
	}
	e.holds(scope.SetOf(prefixes()...))
	s.sets.Store(key, &end{set: e.set, four: e.four, six: e.six})
}

// addresses are the end's addresses of a family, as a set.
func (e *end) addresses(v6 bool) *netipx.IPSet {
	if v6 {
		return e.six
	}
	return e.four
}

// address makes a packet's address of one of the end's addresses.
func (e *end) address(a netip.Addr) flow.Address {
	if e.tag != "" && e.info.Kind != "internet" {
		return flow.Address{IP: a, Tag: e.tag}
	}
	return flow.At(a)
}
