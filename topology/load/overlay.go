package load

import (
	"maps"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/design"
	"github.com/netpath/netpath/topology/load/source"
)

// names is an index of elements by kind and folded name.
type names map[design.Kind]map[string][]topology.Any

func (n names) add(kind design.Kind, name string, e topology.Any) {
	if n[kind] == nil {
		n[kind] = map[string][]topology.Any{}
	}
	key := strings.ToLower(name)
	n[kind][key] = append(n[kind][key], e)
}

// of returns the elements of a kind with the name; for AnyKind those of all
// kinds but subnets.
func (n names) of(kind design.Kind, name string) []topology.Any {
	key := strings.ToLower(name)
	if kind != design.AnyKind {
		return n[kind][key]
	}
	var out []topology.Any
	for k, list := range n {
		if k != design.Subnets {
			out = append(out, list[key]...)
		}
	}
	return out
}

// layDesigns gives the elements of designs their IDs, resolves their names and
// adds them to the estate: an overlay to the exported element it names.
func (m *merger) layDesigns() error {
	index := names{}
	for _, e := range m.order {
		index.element(e)
	}
	type laid struct {
		entry *design.Entry
		over  topology.Any // the exported element; nil: a new one
		rd    *reading
	}
	var all []laid
	fresh := map[topology.ID]*design.Entry{}
	for _, rd := range m.designs {
		for _, d := range rd.designs {
			for _, e := range d.Entries {
				b := e.Element.Base()
				var over topology.Any
				if b.ResourceID != "" {
					over = m.byID[b.ID()]
				} else if found := index.of(e.Kind, b.Name); len(found) == 1 {
					over = found[0]
				} else if len(found) > 1 {
					return ambiguous(b.Origin, b.Name, found)
				}
				id := b.ResourceID
				switch {
				case over != nil:
					id = over.Base().ResourceID
				case id == "":
					id = "/design/" + string(e.Kind) + "/" + b.Name
				}
				e.SetID(id)
				if over == nil && fresh[topology.MakeID(id)] == nil {
					fresh[topology.MakeID(id)] = e
				}
				all = append(all, laid{e, over, rd})
			}
		}
	}
	for _, l := range all {
		if l.over == nil && fresh[l.entry.Element.Base().ID()] == l.entry {
			index.element(l.entry.Element)
		}
	}
	for _, rd := range m.designs {
		for _, d := range rd.designs {
			for _, ref := range d.References {
				if err := m.resolve(index, ref); err != nil {
					return err
				}
			}
		}
	}
	for _, l := range all {
		if w, ok := l.entry.Element.(*topology.AzureFirewall); ok && !w.Subnet.IsZero() {
			w.VirtualNetwork = topology.Ref{Text: parentText(w.Subnet.Text), Origin: w.Subnet.Origin}
		}
		e := l.entry.Element
		over := l.over
		if over == nil {
			over = m.byID[e.Base().ID()] // an earlier design's
		}
		if over != nil {
			if err := combine(over, e, l.over != nil); err != nil {
				return err
			}
			if v, ok := over.(*topology.VirtualNetwork); ok && len(v.AddressSpace) > 0 {
				v.Stub = false // the design describes what the export lacks
			}
			continue
		}
		if err := m.resource(e); err != nil {
			return err
		}
	}
	// Only now is it known what a new element has: several designs may have
	// spoken of it.
	for _, l := range all {
		if l.over == nil && m.byID[l.entry.Element.Base().ID()] == l.entry.Element {
			before := len(l.rd.file.Diagnostics)
			l.entry.Complete()
			m.diagnostics = append(m.diagnostics, l.rd.file.Diagnostics[before:]...)
			if l.rd.file.Err != nil {
				return l.rd.file.Err
			}
		}
	}
	m.joinPools()
	return nil
}

// element adds an element and its subnets.
func (n names) element(e topology.Any) {
	n.add(kindOf(e), e.Base().Name, e)
	if v, ok := e.(*topology.VirtualNetwork); ok {
		for _, s := range v.Subnets {
			n.add(design.Subnets, s.Name, s)
			n.add(design.Subnets, v.Name+"/"+s.Name, s)
		}
	}
}

func ambiguous(o topology.Origin, name string, found []topology.Any) *doctree.Error {
	var ids []string
	for _, e := range found {
		ids = append(ids, source.Escape(e.Base().ResourceID))
	}
	return &doctree.Error{File: o.File, Pos: doctree.Pos{Line: o.Line, Column: o.Column}, Pointer: o.Pointer,
		Found: source.Quote(name), Expected: "expected a name that means one element; it means " + strings.Join(ids, ", "), Hint: "write its resource ID"}
}

// resolve gives a reference of a design the resource ID of what it names. A
// name that nothing has stays, dangling.
func (m *merger) resolve(index names, ref design.Reference) error {
	r := ref.Ref
	if ref.Target != nil {
		r.Text = ref.Target.Element.Base().ResourceID
		return nil
	}
	if strings.HasPrefix(r.Text, "/") || strings.Contains(strings.ToLower(r.Text), "/providers/") {
		return nil // a resource ID
	}
	found := index.of(ref.Kind, r.Text)
	switch len(found) {
	case 1:
		r.Text = found[0].Base().ResourceID
	case 0:
		hint := ""
		if near := source.Nearest(r.Text, slices.Sorted(maps.Keys(index[ref.Kind]))); near != "" {
			hint = "did you mean " + source.Escape(index[ref.Kind][near][0].Base().Name) + "?"
		}
		m.say(Doubt, r.Origin, "there is no element "+source.Quote(r.Text)+" under "+string(ref.Kind), hint)
	default:
		return ambiguous(r.Origin, r.Text, found)
	}
	return nil
}

// joinPools gives the backend pools and NAT rules of designs, which name
// interfaces, the primary IP configurations of these.
func (m *merger) joinPools() {
	primary := func(ref topology.Ref) (topology.Ref, bool) {
		nic, ok := m.byID[ref.ID()].(*topology.NetworkInterface)
		if !ok || len(nic.IPConfigurations) == 0 {
			return ref, false
		}
		c := nic.IPConfigurations[0]
		for _, other := range nic.IPConfigurations {
			if other.Primary == topology.On {
				c = other
				break
			}
		}
		return topology.Ref{Text: c.ResourceID, Origin: ref.Origin}, true
	}
	for _, e := range m.order {
		b, ok := e.(*topology.LoadBalancer)
		if !ok {
			continue
		}
		for _, p := range b.BackendPools {
			for _, ref := range p.Interfaces {
				if c, ok := primary(ref); ok {
					p.IPConfigurations = append(p.IPConfigurations, c)
				}
			}
		}
		for _, rule := range b.NATRules {
			if c, ok := primary(rule.BackendIPConfiguration); ok {
				rule.BackendIPConfiguration = c
			}
		}
	}
}
