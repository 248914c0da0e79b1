package load

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/arm"
	"github.com/netpath/netpath/topology/load/design"
	"github.com/netpath/netpath/topology/load/guest"
	"github.com/netpath/netpath/topology/load/source"
)

// merger collects the elements of all files and makes one estate of them.
type merger struct {
	byID        map[topology.ID]topology.Any
	order       []topology.Any // top-level resources, in order of reading
	apart       []childApart
	children    map[*topology.Element]map[topology.ID]topology.Any // of parents to which children were attached
	designs     []*reading
	guests      []guestFile
	data        topology.Data
	tables      []*topology.EffectiveRouteTable
	diagnostics []Diagnostic
}

// childApart is a child resource that was exported apart from its parent.
type childApart struct {
	element topology.Any
	whole   bool // with all its siblings
}

func newMerger() *merger {
	return &merger{byID: map[topology.ID]topology.Any{}, children: map[*topology.Element]map[topology.ID]topology.Any{}}
}

func (m *merger) say(s Severity, o topology.Origin, message, hint string) {
	m.diagnostics = append(m.diagnostics, Diagnostic{Severity: s, Message: message, Hint: hint, Origin: o})
}

// refusedFile leaves the gap of a file that counts as absent.
func (m *merger) refusedFile(err error) {
	origin := topology.Origin{}
	var de *doctree.Error
	if errors.As(err, &de) {
		origin = topology.Origin{File: de.File, Line: de.Pos.Line, Column: de.Pos.Column, Pointer: de.Pointer}
	}
	m.data.Gaps = append(m.data.Gaps, topology.Gap{Kind: topology.FileRefused, Text: err.Error(), Origin: origin})
}

// refused leaves the gap of a file that could not be read. A guest's file can
// only hold that guest's settings.
func (m *merger) refused(err error) {
	var de *doctree.Error
	if errors.As(err, &de) {
		if place, _ := guest.PlaceOf(filepath.ToSlash(de.File)); place.Kind != 0 {
			m.guests = append(m.guests, guestFile{place: place, file: de.File, refused: true})
			return
		}
	}
	m.refusedFile(err)
}

// add takes over what a file brought.
func (m *merger) add(rd *reading) error {
	for _, e := range rd.arm.Resources {
		switch e.(type) {
		case *topology.SecurityRule, *topology.Route, *topology.Subnet, *topology.Peering, *topology.IPConfiguration,
			*topology.Frontend, *topology.BackendPool, *topology.LoadBalancingRule, *topology.InboundNATRule, *topology.OutboundRule,
			*arm.RuleCollectionGroup, *arm.ProtectedItem, *arm.Disk:
			m.apart = append(m.apart, childApart{e, rd.list && !rd.isCut})
		default:
			if err := m.resource(e); err != nil {
				return err
			}
		}
	}
	if len(rd.designs) > 0 {
		m.designs = append(m.designs, rd)
	}
	if rd.in.guest.Kind != 0 {
		m.guests = append(m.guests, guestFile{place: rd.in.guest, file: rd.in.path, settings: rd.guest})
	}
	m.data.EffectiveSecurityGroups = append(m.data.EffectiveSecurityGroups, rd.arm.EffectiveSecurityGroups...)
	if len(rd.arm.EffectiveRoutes) > 0 {
		m.tables = append(m.tables, &topology.EffectiveRouteTable{
			Origin: topology.Origin{File: rd.in.path, Line: 1, Column: 1}, Routes: rd.arm.EffectiveRoutes})
	}
	m.data.Gaps = append(m.data.Gaps, rd.arm.Gaps...)
	return m.catalogues(rd)
}

// resource adds a top-level resource, or combines it with its earlier
// description.
func (m *merger) resource(e topology.Any) error {
	id := e.Base().ID()
	if old, ok := m.byID[id]; ok {
		return combine(old, e, false)
	}
	m.byID[id] = e
	m.order = append(m.order, e)
	return nil
}

// catalogues takes over a service tag file and datacenter ranges: one of each
// for an estate.
func (m *merger) catalogues(rd *reading) error {
	if old := m.data.ServiceTags; rd.tags != nil && old != nil && !sameTags(old, rd.tags) {
		return twoOfAKind(rd.tags.Origin, old.Origin, "service tag file")
	}
	if rd.tags != nil && m.data.ServiceTags == nil {
		m.data.ServiceTags = rd.tags
	}
	if old := m.data.DatacenterRanges; rd.ranges != nil && old != nil && !sameRanges(old, rd.ranges) {
		return twoOfAKind(rd.ranges.Origin, old.Origin, "file of datacenter ranges")
	}
	if rd.ranges != nil && m.data.DatacenterRanges == nil {
		m.data.DatacenterRanges = rd.ranges
	}
	return nil
}

func twoOfAKind(second, first topology.Origin, what string) error {
	return &doctree.Error{File: second.File, Expected: "expected one " + what + " for an estate, found this one and " + first.File,
		Hint: "pass the one to use alone"}
}

func sameTags(a, b *topology.ServiceTagCatalogue) bool {
	return a.Cloud == b.Cloud && a.ChangeNumber == b.ChangeNumber && slices.EqualFunc(a.Tags, b.Tags, func(x, y *topology.ServiceTag) bool {
		return x.Name == y.Name && x.ChangeNumber == y.ChangeNumber && x.Prefixes == y.Prefixes
	})
}

func sameRanges(a, b *topology.DatacenterRanges) bool {
	return slices.EqualFunc(a.Regions, b.Regions, func(x, y *topology.DatacenterRegion) bool {
		return x.Name == y.Name && slices.Equal(x.Prefixes, y.Prefixes)
	})
}

// network makes the estate once all files are in.
func (m *merger) network() (*topology.Network, error) {
	for _, c := range m.apart {
		if err := m.attach(c); err != nil {
			return nil, err
		}
	}
	m.checkAttached()
	if err := m.layDesigns(); err != nil {
		return nil, err
	}
	if err := m.layGuests(); err != nil {
		return nil, err
	}
	m.join()
	m.completePolicies()
	m.nameEffective()
	m.data.EffectiveRouteTables = m.tables
	if err := m.unique(); err != nil {
		return nil, err
	}
	network, err := topology.NewNetwork(m.data, m.order...)
	if err != nil {
		return nil, err
	}
	return network, m.check(network)
}

// unique refuses two parts with one ID.
func (m *merger) unique() error {
	seen := make(map[topology.ID]*topology.Element, 2*len(m.order))
	for _, e := range m.order {
		for _, p := range append(parts(e), e) {
			b := p.Base()
			id := b.ID()
			if old := seen[id]; old != nil {
				return contradiction(b.Origin, "expected one element with the ID "+source.Quote(b.ResourceID)+", there is another at "+place(old.Origin), "remove one of the two")
			}
			seen[id] = b
		}
	}
	return nil
}

// parts lists the parts of a resource that have IDs of their own.
func parts(e topology.Any) []topology.Any {
	var out []topology.Any
	switch e := e.(type) {
	case *topology.VirtualNetwork:
		out = appendParts(out, e.Subnets)
	case *topology.NetworkInterface:
		out = appendParts(out, e.IPConfigurations)
	case *topology.LoadBalancer:
		out = appendParts(out, e.Frontends)
		out = appendParts(out, e.BackendPools)
		out = appendParts(out, e.NATRules)
	}
	return out
}

func appendParts[T topology.Any](out []topology.Any, list []T) []topology.Any {
	for _, e := range list {
		out = append(out, e)
	}
	return out
}

// attach puts a child that was exported apart under its parent.
func (m *merger) attach(c childApart) error {
	switch e := c.element.(type) {
	case *topology.Subnet:
		v := m.vnetOf(&e.Element)
		if old := same(v.Subnets, &e.Element); old != nil {
			return combine(old, e, false)
		}
		v.Subnets = append(v.Subnets, e)
	case *topology.Peering:
		v := m.vnetOf(&e.Element)
		if old := same(v.Peerings, &e.Element); old != nil {
			return combine(old, e, false)
		}
		v.Peerings = append(v.Peerings, e)
	case *topology.SecurityRule:
		return m.attachRule(e, c.whole)
	case *topology.Route:
		return m.attachRoute(e, c.whole)
	case *topology.IPConfiguration:
		nic, ok := m.parent(&e.Element).(*topology.NetworkInterface)
		if !ok {
			m.orphan(&e.Element, "network interface", "Microsoft.Network/networkInterfaces")
			return nil
		}
		if old := same(nic.IPConfigurations, &e.Element); old != nil {
			return combine(old, e, false)
		}
		nic.IPConfigurations = append(nic.IPConfigurations, e)
	case *arm.RuleCollectionGroup:
		m.attachGroup(e)
	case *arm.ProtectedItem:
		m.attachProtected(e)
	case *arm.Disk:
		m.attachDisk(e)
	default:
		return m.attachToBalancer(c.element)
	}
	return nil
}

// parent finds the resource that an ID's child belongs to.
func (m *merger) parent(e *topology.Element) topology.Any { return m.byID[e.ID().Parent()] }

// parentText is the parent's ID as written in the child's.
func parentText(id string) string {
	for range 2 {
		id = id[:max(strings.LastIndexByte(id, '/'), 0)]
	}
	return id
}

// children are a resource's children by their IDs, for those that are attached
// one by one: there may be a million.
func children[T topology.Any](m *merger, parent *topology.Element, lists ...[]T) map[topology.ID]topology.Any {
	known := m.children[parent]
	if known == nil {
		known = map[topology.ID]topology.Any{}
		m.children[parent] = known
		for _, list := range lists {
			for _, e := range list {
				known[e.Base().ID()] = e
			}
		}
	}
	return known
}

// same finds the element of a list that another one describes: by its ID,
// else by its name.
func same[T topology.Any](list []T, want *topology.Element) topology.Any {
	for _, e := range list {
		b := e.Base()
		if b.ResourceID != "" && want.ResourceID != "" {
			if b.ID() == want.ID() {
				return e
			}
		} else if strings.EqualFold(b.Name, want.Name) {
			return e
		}
	}
	return nil
}

// vnetOf returns the virtual network of a subnet or peering, a stub where it
// is not in the data.
func (m *merger) vnetOf(e *topology.Element) *topology.VirtualNetwork {
	if v, ok := m.parent(e).(*topology.VirtualNetwork); ok {
		return v
	}
	id := parentText(e.ResourceID)
	v := &topology.VirtualNetwork{Stub: true, Element: topology.Element{ResourceID: id, Name: id[strings.LastIndexByte(id, '/')+1:],
		ResourceGroup: e.ResourceGroup, Origin: e.Origin}}
	m.say(Doubt, e.Origin, "the virtual network "+source.Quote(v.Name)+" is known by its children alone", "export the virtual network")
	m.byID[v.ID()] = v
	m.order = append(m.order, v)
	return v
}

func (m *merger) attachRule(e *topology.SecurityRule, whole bool) error {
	g, ok := m.parent(&e.Element).(*topology.NetworkSecurityGroup)
	if !ok {
		id := parentText(e.ResourceID)
		g = &topology.NetworkSecurityGroup{RulesGiven: whole, Element: topology.Element{ResourceID: id, Name: id[strings.LastIndexByte(id, '/')+1:],
			ResourceGroup: e.ResourceGroup, Origin: e.Origin}}
		if !whole {
			m.say(Doubt, e.Origin, "of the network security group "+source.Quote(g.Name)+" only single rules are in the data", "export the group itself")
		}
		m.byID[g.ID()] = g
		m.order = append(m.order, g)
	}
	list := &g.SecurityRules
	if e.Default {
		list = &g.DefaultRules
	}
	known := children(m, &g.Element, g.SecurityRules, g.DefaultRules)
	if old := known[e.ID()]; old != nil {
		return combine(old, e, false)
	}
	if g.RulesGiven && !e.Default && g.Origin != e.Origin && !fromSameFile(g, e) {
		return conflict(&g.Element, &e.Element, "the rules ("+source.Escape(e.Name)+" is not there)")
	}
	known[e.ID()] = e
	*list = append(*list, e)
	return nil
}

// checkAttached warns of rules and routes that were exported apart as of those
// inside their parents.
func (m *merger) checkAttached() {
	for _, e := range m.order {
		if m.children[e.Base()] == nil {
			continue
		}
		f := source.File{Name: e.Base().Origin.File}
		switch e := e.(type) {
		case *topology.NetworkSecurityGroup:
			arm.CheckRules(&f, nil, e)
		case *topology.RouteTable:
			arm.CheckRoutes(&f, e)
		}
		m.diagnostics = append(m.diagnostics, f.Diagnostics...)
	}
}

// fromSameFile reports that a group was made up for rules that were exported
// as a list of their own: the list goes on.
func fromSameFile(g *topology.NetworkSecurityGroup, e *topology.SecurityRule) bool {
	return g.Origin.File == e.Origin.File && len(g.SecurityRules) > 0 && g.SecurityRules[0].Origin == g.Origin
}

func (m *merger) attachRoute(e *topology.Route, whole bool) error {
	t, ok := m.parent(&e.Element).(*topology.RouteTable)
	if !ok {
		id := parentText(e.ResourceID)
		t = &topology.RouteTable{RoutesGiven: whole, Element: topology.Element{ResourceID: id, Name: id[strings.LastIndexByte(id, '/')+1:],
			ResourceGroup: e.ResourceGroup, Origin: e.Origin}}
		if !whole {
			m.say(Doubt, e.Origin, "of the route table "+source.Quote(t.Name)+" only single routes are in the data", "export the route table itself")
		}
		m.byID[t.ID()] = t
		m.order = append(m.order, t)
	}
	known := children(m, &t.Element, t.Routes)
	if old := known[e.ID()]; old != nil {
		return combine(old, e, false)
	}
	if t.RoutesGiven && t.Origin != e.Origin && (t.Origin.File != e.Origin.File || len(t.Routes) == 0 || t.Routes[0].Origin != t.Origin) {
		return conflict(&t.Element, &e.Element, "the routes ("+source.Escape(e.Name)+" is not there)")
	}
	known[e.ID()] = e
	t.Routes = append(t.Routes, e)
	return nil
}

// orphan notes a child whose parent is not in the data and cannot be made up.
func (m *merger) orphan(e *topology.Element, what, typ string) {
	m.say(Doubt, e.Origin, source.Quote(e.Name)+" is part of a "+what+" that is not in the data, and is not used", "export the "+what)
	m.data.Gaps = append(m.data.Gaps, topology.Gap{Kind: topology.ListCut, ResourceType: typ, Name: e.ID().Parent().Name(),
		Text: "a " + what + " is known by a part of it alone", Origin: e.Origin})
}

func (m *merger) attachToBalancer(e topology.Any) error {
	b, ok := m.parent(e.Base()).(*topology.LoadBalancer)
	if !ok {
		m.orphan(e.Base(), "load balancer", "Microsoft.Network/loadBalancers")
		return nil
	}
	switch e := e.(type) {
	case *topology.Frontend:
		return into(&b.Frontends, e)
	case *topology.BackendPool:
		return into(&b.BackendPools, e)
	case *topology.LoadBalancingRule:
		return into(&b.Rules, e)
	case *topology.InboundNATRule:
		return into(&b.NATRules, e)
	case *topology.OutboundRule:
		return into(&b.OutboundRules, e)
	}
	return nil
}

func into[T topology.Any](list *[]T, e T) error {
	if old := same(*list, e.Base()); old != nil {
		return combine(old, e, false)
	}
	*list = append(*list, e)
	return nil
}

// attachGroup moves a rule collection group into its policy.
func (m *merger) attachGroup(g *arm.RuleCollectionGroup) {
	p, ok := m.parent(&g.Element).(*topology.FirewallPolicy)
	if !ok {
		id := parentText(g.ResourceID)
		p = &topology.FirewallPolicy{Element: topology.Element{ResourceID: id, Name: id[strings.LastIndexByte(id, '/')+1:],
			ResourceGroup: g.ResourceGroup, Origin: g.Origin}}
		m.say(Doubt, g.Origin, "the firewall policy "+source.Quote(p.Name)+" is known by a rule collection group alone", "export the policy")
		m.byID[p.ID()] = p
		m.order = append(m.order, p)
	}
	for _, c := range p.Collections {
		if strings.EqualFold(c.Group, g.Name) {
			return // the same group once more
		}
	}
	p.Collections = append(p.Collections, g.Collections...)
}

// completePolicies says of each exported policy whether all its rule
// collection groups are in the data.
func (m *merger) completePolicies() {
	loaded := map[topology.ID]bool{}
	for _, c := range m.apart {
		if g, ok := c.element.(*arm.RuleCollectionGroup); ok {
			loaded[g.ID()] = true
		}
	}
	for _, e := range m.order {
		p, ok := e.(*topology.FirewallPolicy)
		if !ok || p.GroupsGiven || p.GroupRefs == nil {
			continue
		}
		p.GroupsGiven = !slices.ContainsFunc(p.GroupRefs, func(r topology.Ref) bool { return !loaded[r.ID()] })
		if !p.GroupsGiven {
			m.say(Doubt, p.Origin, "rule collection groups of the firewall policy "+source.Quote(p.Name)+" are not in the data",
				"az network firewall policy rule-collection-group list")
		}
	}
}

func (m *merger) attachProtected(p *arm.ProtectedItem) {
	// …/vaults/V/backupFabrics/F/protectionContainers/C/protectedItems/P
	vault := p.ID().Parent().Parent().Parent()
	v, ok := m.byID[vault].(*topology.RecoveryServicesVault)
	if !ok {
		m.orphan(&p.Element, "vault", "Microsoft.RecoveryServices/vaults")
		return
	}
	if !p.Machine.IsZero() && !slices.ContainsFunc(v.ProtectedVirtualMachines, func(r topology.Ref) bool { return r.ID() == p.Machine.ID() }) {
		v.ProtectedVirtualMachines = append(v.ProtectedVirtualMachines, p.Machine)
	}
}

// attachDisk moves what a managed disk's export says into the machines it is
// attached to.
func (m *merger) attachDisk(d *arm.Disk) {
	for _, e := range m.order {
		vm, ok := e.(*topology.VirtualMachine)
		if !ok {
			continue
		}
		disks := vm.DataDisks
		if vm.OSDisk != nil {
			disks = append(slices.Clone(disks), vm.OSDisk)
		}
		for _, own := range disks {
			if own.ResourceID == "" || topology.MakeID(own.ResourceID) != d.ID() {
				continue
			}
			if own.SizeGB == 0 {
				own.SizeGB = d.SizeGB
			}
			if own.Clustered == topology.Unset {
				own.Clustered = d.Shared
			}
			own.Encrypted = d.Encrypted
			vm.AzureDiskEncryption = vm.AzureDiskEncryption || d.Encrypted == topology.On
			if vm.Encryption == "" || d.Encryption == "bek-only" {
				vm.Encryption = cmp.Or(d.Encryption, vm.Encryption)
			}
		}
	}
}

// nameEffective gives effective exports that do not say whose they are the
// element that their file is named after.
func (m *merger) nameEffective() {
	name := func(file string) string {
		base, _, _ := strings.Cut(filepath.Base(file), ".")
		return base
	}
	for _, t := range m.tables {
		if nic := only[*topology.NetworkInterface](m.order, name(t.Origin.File)); nic != nil {
			t.NetworkInterface = nic.Base().Ref()
		} else {
			m.say(Doubt, t.Origin, "effective routes do not say whose they are, and no interface has the name of the file",
				"name the file after the network interface: "+name(t.Origin.File)+".json")
		}
	}
	for _, e := range m.order {
		rule, ok := e.(*topology.AdminRule)
		if !ok || rule.Design || len(rule.VirtualNetworks) > 0 {
			continue
		}
		if v := only[*topology.VirtualNetwork](m.order, name(rule.Origin.File)); v != nil {
			rule.VirtualNetworks = []topology.Ref{v.Base().Ref()}
			continue
		}
		rule.VirtualNetworksUnknown = true
		m.say(Doubt, rule.Origin, "the security admin rule "+source.Quote(rule.Name)+" does not say which virtual networks it is deployed to",
			"name the file after the virtual network")
	}
}

// only finds the one element of a type with the name, in any letter case.
func only[T topology.Any](list []topology.Any, name string) topology.Any {
	var found topology.Any
	for _, e := range list {
		if _, ok := e.(T); ok && strings.EqualFold(e.Base().Name, name) {
			if found != nil {
				return nil
			}
			found = e
		}
	}
	return found
}

// kindOf is the kind of element that names in a design can mean.
func kindOf(e topology.Any) design.Kind {
	switch e.(type) {
	case *topology.VirtualNetwork:
		return design.VirtualNetworks
	case *topology.Subnet:
		return design.Subnets
	case *topology.NetworkSecurityGroup:
		return design.SecurityGroups
	case *topology.ApplicationSecurityGroup:
		return design.ASGs
	case *topology.RouteTable:
		return design.RouteTables
	case *topology.AdminRule:
		return design.AdminRules
	case *topology.PublicIPAddress:
		return design.PublicIPAddresses
	case *topology.NATGateway:
		return design.NATGateways
	case *topology.LoadBalancer:
		return design.LoadBalancers
	case *topology.AzureFirewall:
		return design.Firewalls
	case *topology.FirewallPolicy:
		return design.FirewallPolicies
	case *topology.IPGroup:
		return design.IPGroups
	case *topology.VirtualNetworkGateway:
		return design.Gateways
	case *topology.LocalNetworkGateway:
		return design.LocalGateways
	case *topology.GatewayConnection:
		return design.Connections
	case *topology.PrivateEndpoint:
		return design.PrivateEndpoints
	case *topology.NetworkInterface:
		return design.Interfaces
	case *topology.VirtualMachine:
		return design.Machines
	case *topology.RecoveryServicesVault:
		return design.Vaults
	case *topology.StorageAccount:
		return design.StorageAccounts
	default:
		return design.AnyKind
	}
}
