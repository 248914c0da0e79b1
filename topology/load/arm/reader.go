package arm

import (
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// Reader reads the elements of one file. Refusals and diagnostics go to File.
type Reader struct {
	File   *source.File
	Table  *property.Table
	Ledger *property.Ledger
	Names  bool // a reference may be a bare name, as in a design

	// What was read: resources, and children that were exported apart from
	// their parents (subnets, peerings, rules, …), in order.
	Resources               []topology.Any
	EffectiveSecurityGroups []*topology.EffectiveSecurityGroup
	EffectiveRoutes         []topology.EffectiveRoute // rows of the file's one table
	Gaps                    []topology.Gap

	notModelled map[*doctree.Node][]topology.Property // of the current element
}

// object is an object of an element with its properties resolved: flattened,
// in any letter case, without those that are null.
type object struct {
	r      *Reader
	node   *doctree.Node
	shape  *property.Shape
	fields []field
	bag    bool // a property that is not beside "properties" has a value
}

type field struct {
	prop *property.Property
	node *doctree.Node
}

// open resolves the properties of an object. Anything but an object is
// refused, null included.
func (r *Reader) open(n *doctree.Node, s *property.Shape) *object {
	o := &object{r: r, node: n, shape: s}
	if n == nil || n.Kind != doctree.Object {
		hint := ""
		if n != nil && n.Kind == doctree.String && source.DepthLost(n.Text) {
			hint = source.DepthHint
		}
		r.File.Refuse(n, "expected an object", hint)
		return o
	}
	o.fields = make([]field, 0, len(n.Members)+16)
	o.collect(n)
	if bag := n.Fold("properties"); bag != nil && bag.Kind == doctree.Object {
		o.collect(bag)
	}
	return o
}

func (o *object) collect(n *doctree.Node) {
	for i := range n.Members {
		m := &n.Members[i]
		if m.Value.Kind == doctree.Null {
			continue
		}
		if p := o.shape.Property(m.Key); p != nil {
			o.fields = append(o.fields, field{p, m.Value})
			o.bag = o.bag || !p.Beside && p.Name != "provisioningState" && !source.IsEmpty(m.Value)
		}
	}
}

// get returns the value of a property, nil where it is absent or null. The
// name is the table's spelling.
func (o *object) get(name string) *doctree.Node {
	for i := range o.fields {
		if o.fields[i].prop.Name == name {
			return o.fields[i].node
		}
	}
	return nil
}

// has reports a property that is neither absent nor null nor empty.
func (o *object) has(name string) bool { return !source.IsEmpty(o.get(name)) }

func (o *object) text(name string) string               { return o.r.File.Text(o.get(name)) }
func (o *object) sub(name string) *property.Shape       { return o.shape.Property(name).Shape }
func (o *object) child(name string) *object             { return o.r.open(o.get(name), o.sub(name)) }
func (o *object) refuse(name, expected, hint string)    { o.r.refuse(o, name, expected, hint) }
func (o *object) expression(name string) (string, bool) { return expression(o.get(name)) }

// toggles are the Booleans and words that decide where a packet goes and have
// no value for "not known": as an expression that was not evaluated they count
// as properties that are not modelled.
var toggles = []string{"enableIPForwarding", "primary", "flushConnection", "defaultOutboundAccess", "allowVirtualNetworkAccess",
	"allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways", "peerCompleteVnets", "peeringState", "disableBgpRoutePropagation",
	"enableBgp", "defaultOutboundConnectivityEnabled", "enableFloatingIP", "disableOutboundSnat", "privateEndpointNetworkPolicies"}

// toggle reads a Boolean.
func (o *object) toggle(name string) topology.Switch {
	if _, is := o.expression(name); is {
		return topology.Unset
	}
	return o.r.File.Switch(o.get(name))
}

// expressions lists the toggles that were not evaluated.
func (o *object) expressions() []topology.Property {
	var out []topology.Property
	for i := range o.fields {
		f := &o.fields[i]
		if text, is := expression(f.node); is && slices.Contains(toggles, f.prop.Name) {
			o.r.File.Say(source.Doubt, f.node, "export the deployed resource instead of a template", "the expression %s is not evaluated", source.Quote(text))
			out = append(out, topology.Property{Name: f.prop.Name, Value: source.Cut(text), Origin: o.r.File.Origin(f.node)})
		}
	}
	return out
}

func expression(n *doctree.Node) (string, bool) {
	if n != nil && n.Kind == doctree.String && source.Expression(n.Text) {
		return n.Text, true
	}
	return "", false
}

func (r *Reader) refuse(o *object, name, expected, hint string) {
	n := o.get(name)
	if n == nil { // null, which get leaves out
		if n = o.node.Fold(name); n == nil {
			n = o.node.Fold("properties").Fold(name)
		}
	}
	if n != nil {
		r.File.Refuse(n, expected, hint)
		return
	}
	r.File.RefuseAt(o.node, expected+": there is no "+name, hint)
}

// objects opens the objects of a list; a single object is a list of one, as
// PowerShell writes it. given reports that the property is there: a list,
// empty or not.
func (o *object) objects(name string) (list []*object, given bool) {
	n, s := o.get(name), o.sub(name)
	switch {
	case n == nil:
		return nil, false
	case n.Kind == doctree.Object:
		return []*object{o.r.open(n, s)}, true
	case n.Kind == doctree.Array:
		list = make([]*object, 0, len(n.Items))
		for _, it := range n.Items {
			list = append(list, o.r.open(it, s))
		}
		return list, true
	case n.Kind == doctree.String && n.Text == "":
		return nil, false
	}
	hint := ""
	if n.Kind == doctree.String && source.DepthLost(n.Text) {
		hint = source.DepthHint
	}
	o.r.File.Refuse(n, "expected a list of objects", hint)
	return nil, true
}

// ref reads a reference: {"id": …}, or the bare ID.
func (o *object) ref(name string) topology.Ref { return o.r.ref(o.get(name)) }

func (r *Reader) ref(n *doctree.Node) topology.Ref {
	switch {
	case source.IsEmpty(n):
		return topology.Ref{}
	case n.Kind == doctree.String && source.DepthLost(n.Text):
		r.File.Refuse(n, "expected a reference with an id", source.DepthHint)
	case n.Kind == doctree.String && (r.Names || strings.Contains(n.Text, "/") || source.Expression(n.Text)):
		return topology.Ref{Text: n.Text, Origin: r.File.Origin(n)}
	case n.Kind == doctree.Object:
		id := n.Fold("id")
		if source.IsEmpty(id) {
			return topology.Ref{} // Az PowerShell writes an object of nulls for none
		}
		return topology.Ref{Text: r.File.Text(id), Origin: r.File.Origin(id)}
	default:
		r.File.Refuse(n, "expected a reference: an object with an id", "")
	}
	return topology.Ref{}
}

// refs reads a list of references; nil where the property is absent.
func (o *object) refs(name string) []topology.Ref {
	n := o.get(name)
	switch {
	case source.IsNull(n) || n.Kind == doctree.String && n.Text == "":
		return nil
	case n.Kind != doctree.Array:
		if ref := o.r.ref(n); !ref.IsZero() {
			return []topology.Ref{ref}
		}
		return nil
	}
	out := make([]topology.Ref, 0, len(n.Items))
	for _, it := range n.Items {
		if ref := o.r.ref(it); !ref.IsZero() {
			out = append(out, ref)
		} else {
			o.r.File.Refuse(it, "expected a reference: an object with an id", "")
		}
	}
	return out
}

// element reads what every resource has. parent and segment make the ID of a
// child that was written without one.
func (o *object) element(parent, segment string) topology.Element {
	f := o.r.File
	e := topology.Element{
		ResourceID:        o.text("id"),
		Name:              f.Text(o.get("name")),
		ResourceGroup:     o.group(),
		ProvisioningState: o.text("provisioningState"),
		Origin:            f.Origin(o.node),
		NotModelled:       append(o.r.notModelled[o.node], o.expressions()...),
	}
	e.Tags = tagsOf(o.get("tags"), tagsOf(o.get("tag"), nil))
	if p := o.shape.Property("location"); p != nil && p.Class == property.Used {
		e.Location = o.text("location")
	}
	e.ResourceID = strings.TrimRight(strings.TrimSpace(e.ResourceID), "/")
	if e.Name == "" {
		e.Name = e.ResourceID[strings.LastIndexByte(e.ResourceID, '/')+1:]
	}
	if e.Name == "" && f.Err == nil {
		f.RefuseAt(o.node, "expected a resource with an id or a name", "")
	}
	if e.ResourceID == "" {
		if parent == "" {
			parent = "/" + o.shape.Name
			f.Say(source.Warning, o.node, "export it with its id, so that other elements can refer to it", "%s has no id", source.Quote(e.Name))
			e.ResourceID = parent + "/" + e.Name
		} else {
			e.ResourceID = parent + "/" + segment + "/" + e.Name
		}
	}
	if e.ResourceGroup == "" {
		e.ResourceGroup = segmentOf(e.ResourceID, "resourceGroups")
	}
	return e
}

// tagsOf appends the resource tags of an object that maps their names to their
// values, and sorts them. What is no such object says nothing: tags bear on no verdict.
func tagsOf(n *doctree.Node, out []topology.Tag) []topology.Tag {
	if n == nil || n.Kind != doctree.Object {
		return out
	}
	for i := range n.Members {
		if m := &n.Members[i]; m.Value.Kind != doctree.Object && m.Value.Kind != doctree.Array {
			out = append(out, topology.Tag{Name: strings.ToLower(m.Key), Value: textOf(m.Value)})
		}
	}
	topology.SortTags(out)
	return out
}

func (o *object) group() string {
	if s := o.text("resourceGroup"); s != "" {
		return s
	}
	if o.shape.Property("resourceGroupName") != nil {
		return o.text("resourceGroupName")
	}
	return ""
}

// segmentOf returns what follows a named segment of an ID, as written.
func segmentOf(id, name string) string {
	for s := id; ; {
		head, rest, more := strings.Cut(s, "/")
		if !more {
			return ""
		}
		if strings.EqualFold(head, name) {
			value, _, _ := strings.Cut(rest, "/")
			return value
		}
		s = rest
	}
}
