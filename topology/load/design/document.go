package design

import (
	"reflect"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/arm"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// Kind is a kind of element that names can mean, in the spelling of resource
// IDs.
type Kind string

// The kinds of element.
const (
	VirtualNetworks   Kind = "virtualNetworks"
	Subnets           Kind = "subnets"
	Peerings          Kind = "virtualNetworkPeerings"
	SecurityGroups    Kind = "networkSecurityGroups"
	ASGs              Kind = "applicationSecurityGroups"
	RouteTables       Kind = "routeTables"
	AdminRules        Kind = "networkManagerAdminRules"
	PublicIPAddresses Kind = "publicIPAddresses"
	NATGateways       Kind = "natGateways"
	LoadBalancers     Kind = "loadBalancers"
	Firewalls         Kind = "azureFirewalls"
	FirewallPolicies  Kind = "firewallPolicies"
	IPGroups          Kind = "ipGroups"
	Gateways          Kind = "virtualNetworkGateways"
	LocalGateways     Kind = "localNetworkGateways"
	Connections       Kind = "connections"
	PrivateEndpoints  Kind = "privateEndpoints"
	Interfaces        Kind = "networkInterfaces"
	Machines          Kind = "virtualMachines"
	Vaults            Kind = "vaults"
	StorageAccounts   Kind = "storageAccounts"
	AnyKind           Kind = ""
)

// Document is what a design file says.
type Document struct {
	Entries    []*Entry
	References []Reference
	Elements   int
}

// Entry is an element of a design with what depends on its ID.
type Entry struct {
	Element topology.Any
	Kind    Kind
	// Complete lists are set where the element is new: an overlay that does
	// not speak of them says nothing about them.
	Complete func()
	children []child
	local    []localRef
}

// child is an element whose ID is made of its parent's.
type child struct {
	element topology.Any
	segment string
}

// localRef is a reference to a child of the same element.
type localRef struct {
	ref     *topology.Ref
	segment string
}

// SetID gives the element its resource ID, and its children theirs.
func (e *Entry) SetID(id string) {
	e.Element.Base().ResourceID = id
	for _, c := range e.children {
		if b := c.element.Base(); b.ResourceID == "" {
			b.ResourceID = id + "/" + c.segment + "/" + b.Name
		}
	}
	for _, l := range e.local {
		l.ref.Text = id + "/" + l.segment + "/" + l.ref.Text
	}
}

// Reference is a reference by name that is to be resolved.
type Reference struct {
	Ref    *topology.Ref
	Kind   Kind
	Target *Entry // the element that was written in place; nil: the name decides
}

// Resembles reports whether a document looks like a design that lacks its
// apiVersion: all its keys are those of a design, and one has a list.
func Resembles(n *doctree.Node) bool {
	if n.Kind != doctree.Object {
		return false
	}
	fields := fieldsOf(reflect.ValueOf(&File{}).Elem())
	list := false
	for i := range n.Members {
		m := &n.Members[i]
		fl := fields[strings.ToLower(m.Key)]
		if fl == nil || fl.value.Kind() != reflect.Slice {
			return false
		}
		list = list || m.Value.Kind == doctree.Array
	}
	return list
}

// Read reads a design document. Refusals and diagnostics go to f.
func Read(f *source.File, table *property.Table, n *doctree.Node) *Document {
	f.YAML = true // a JSON document is read by the same rules
	r := &reader{File: f, doc: &Document{}, rules: arm.Reader{File: f, Table: table, Ledger: &property.Ledger{}, Names: true}}
	version := n.Get("apiVersion")
	if version.Text != "netpath/v1" {
		f.Refuse(version, "expected apiVersion netpath/v1", "")
		return r.doc
	}
	var file File
	bind(f, n, reflect.ValueOf(&file).Elem())
	if f.Err == nil {
		r.file(&file)
	}
	r.doc.Elements = len(r.doc.Entries)
	return r.doc
}

type reader struct {
	*source.File
	doc   *Document
	rules arm.Reader
}

// entry adds an element.
func (r *reader) entry(kind Kind, p *Plain, e topology.Any) *Entry {
	b := e.Base()
	*b = r.element(p.At, p.Name)
	b.ResourceID = strings.TrimRight(r.Trimmed(p.ID.N), "/")
	b.Location = r.Text(p.Location.N)
	b.ResourceGroup = r.Text(p.ResourceGroup.N)
	b.Tags = r.tags(p.Tags)
	if b.Name == "" && b.ResourceID != "" {
		b.Name = b.ResourceID[strings.LastIndexByte(b.ResourceID, '/')+1:]
	}
	if b.Name == "" {
		r.RefuseAt(p.At, "expected a name", "")
	}
	entry := &Entry{Element: e, Kind: kind, Complete: func() {}}
	r.doc.Entries = append(r.doc.Entries, entry)
	return entry
}

func (r *reader) tags(d Labels) []topology.Tag {
	if source.IsEmpty(d.N) {
		return nil
	}
	if d.N.Kind != doctree.Object {
		r.Refuse(d.N, "expected resource tags: names with their values", "")
		return nil
	}
	var out []topology.Tag
	for i := range d.N.Members {
		m := &d.N.Members[i]
		if m.Value.Kind == doctree.Object || m.Value.Kind == doctree.Array {
			r.Refuse(m.Value, "expected the value of a resource tag: a text", "")
			continue
		}
		out = append(out, topology.Tag{Name: strings.ToLower(m.Key), Value: m.Value.Text})
	}
	topology.SortTags(out)
	return out
}

func (r *reader) element(at *doctree.Node, name Text) topology.Element {
	e := topology.Element{Name: r.Trimmed(name.N), Design: true, Origin: r.Origin(at)}
	if strings.Contains(e.Name, "/") {
		r.Refuse(name.N, "expected a name without /", "")
	}
	return e
}

func (e *Entry) add(segment string, c topology.Any) {
	e.children = append(e.children, child{c, segment})
}

// ref reads a reference and keeps it for resolution; dst must not move.
func (r *reader) ref(dst *topology.Ref, n Name, kind Kind) {
	if source.IsEmpty(n.N) {
		return
	}
	dst.Text, dst.Origin = r.Trimmed(n.N), r.Origin(n.N)
	r.doc.References = append(r.doc.References, Reference{Ref: dst, Kind: kind})
}

func (r *reader) refs(n Names, kind Kind) []topology.Ref {
	items := r.Items(n.N)
	if items == nil {
		return nil
	}
	out := make([]topology.Ref, len(items))
	for i, it := range items {
		r.ref(&out[i], Name{it}, kind)
	}
	return out
}

// local reads a reference to a child of the entry.
func (r *reader) local(e *Entry, dst *topology.Ref, n Text, segment string) {
	if source.IsEmpty(n.N) {
		return
	}
	name := r.Trimmed(n.N)
	dst.Text, dst.Origin = name, r.Origin(n.N)
	var names []string
	for _, c := range e.children {
		if c.segment == segment {
			if strings.EqualFold(c.element.Base().Name, name) {
				e.local = append(e.local, localRef{dst, segment})
				return
			}
			names = append(names, c.element.Base().Name)
		}
	}
	hint := ""
	if near := source.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.Refuse(n.N, "expected a name under "+segment, hint)
}
