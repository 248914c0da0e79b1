package load

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// combine merges what a second description of a resource says into the first.
// A property that only one of them gives is taken; one that both give must be
// the same (bad-inputs row 32). Back references and positions never conflict.
// overlay is set where the second is a design laid over an exported element.
func combine(first, second topology.Any, overlay bool) error {
	a, b := reflect.ValueOf(first), reflect.ValueOf(second)
	if a.Type() != b.Type() {
		return conflict(first.Base(), second.Base(), "its type")
	}
	c := combiner{overlay: overlay, first: first.Base(), second: second.Base()}
	c.structs(a.Elem(), b.Elem(), "")
	return c.err
}

// conflict is the refusal of two contents of one resource, naming both places.
func conflict(first, second *topology.Element, what string) error {
	o := second.Origin
	return &doctree.Error{
		File: o.File, Pos: doctree.Pos{Line: o.Line, Column: o.Column}, Pointer: o.Pointer,
		Expected: "expected " + what + " of " + source.Escape(first.Name) + " to be the same as at " + place(first.Origin),
		Hint:     "keep one of the two, or export both again at the same time",
	}
}

// place is where an element was read, as exactly as it is known.
func place(o topology.Origin) string {
	if o.Pointer == "" {
		return o.String()
	}
	return o.String() + " (" + o.Pointer + ")"
}

type combiner struct {
	overlay       bool
	first, second *topology.Element // the nearest ones, for the message
	err           error
}

func (c *combiner) fail(what string) {
	if c.err == nil {
		c.err = conflict(c.first, c.second, what)
	}
}

// backReferences are lists that Azure fills in from the other side. They say
// nothing of their own, and exports of different times may differ in them.
var backReferences = map[string]bool{
	"NetworkSecurityGroup.Subnets": true, "NetworkSecurityGroup.Interfaces": true, "RouteTable.Subnets": true,
	"NATGateway.Subnets": true, "Subnet.IPConfigurationRefs": true, "Subnet.PrivateEndpointRefs": true,
	"PublicIPAddress.IPConfiguration": true, "PublicIPAddress.NATGateway": true, "FirewallPolicy.GroupRefs": true,
	"BackendPool.IPConfigurations": true,
}

// completeLists are the lists of children that an export gives in full.
var completeLists = map[string]bool{
	"NetworkSecurityGroup.SecurityRules": true, "RouteTable.Routes": true, "VirtualNetwork.Subnets": true,
}

func (c *combiner) structs(a, b reflect.Value, path string) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		name := a.Type().Name() + "." + f.Name
		fa, fb := a.Field(i), b.Field(i)
		switch {
		case f.Name == "Origin" || c.err != nil:
		case f.Type == reflect.TypeFor[topology.Element]():
			c.element(fa.Addr().Interface().(*topology.Element), fb.Addr().Interface().(*topology.Element))
		case backReferences[name]:
			c.union(fa, fb)
		default:
			c.value(fa, fb, path+lowerFirst(f.Name), name)
		}
	}
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func (c *combiner) element(a, b *topology.Element) {
	if a.Location == "" {
		a.Location = b.Location
	} else if b.Location != "" && topology.NormalLocation(a.Location) != topology.NormalLocation(b.Location) {
		c.fail("the location")
	}
	if a.ResourceGroup == "" {
		a.ResourceGroup = b.ResourceGroup
	}
	for _, t := range b.Tags {
		if !slices.Contains(a.Tags, t) {
			a.Tags = append(a.Tags, t)
		}
	}
	topology.SortTags(a.Tags)
	// A state passes: of two the one that is not Succeeded counts.
	if a.ProvisioningState == "" || strings.EqualFold(a.ProvisioningState, "Succeeded") && b.ProvisioningState != "" {
		a.ProvisioningState = b.ProvisioningState
	}
	for _, p := range b.NotModelled {
		if !slices.ContainsFunc(a.NotModelled, func(q topology.Property) bool { return q.Name == p.Name }) {
			a.NotModelled = append(a.NotModelled, p)
		}
	}
}

func (c *combiner) union(a, b reflect.Value) {
	if a.Kind() != reflect.Slice {
		if a.IsZero() {
			a.Set(b)
		}
		return
	}
	list := a.Interface().([]topology.Ref)
	for _, ref := range b.Interface().([]topology.Ref) {
		if !slices.ContainsFunc(list, func(r topology.Ref) bool { return r.ID() == ref.ID() }) {
			list = append(list, ref)
		}
	}
	a.Set(reflect.ValueOf(list))
}

func (c *combiner) value(a, b reflect.Value, path, name string) {
	switch {
	case isEmpty(b):
		return
	case isEmpty(a) && !(c.overlay && completeLists[name]):
		a.Set(b)
		return
	}
	switch va := a.Interface().(type) {
	case topology.Ref:
		if va.ID() != b.Interface().(topology.Ref).ID() {
			c.fail(path)
		}
		return
	case string:
		if !strings.EqualFold(va, b.String()) {
			c.fail(path)
		}
		return
	case bool:
		a.SetBool(va || b.Bool()) // what one of the two gives is given
		return
	case netip.Addr, netip.Prefix:
		if va != b.Interface() {
			c.fail(path)
		}
		return
	}
	switch a.Kind() {
	case reflect.Pointer:
		c.structs(a.Elem(), b.Elem(), path+".")
	case reflect.Struct:
		c.structs(a, b, path+".")
	case reflect.Slice:
		c.slices(a, b, path, name)
	default:
		if !a.Equal(b) {
			c.fail(path)
		}
	}
}

// isEmpty reports a value that was not given. An empty list that is not nil
// was given.
func isEmpty(v reflect.Value) bool { return v.IsZero() }

func (c *combiner) slices(a, b reflect.Value, path, name string) {
	if a.Type().Elem().Kind() == reflect.Pointer {
		if _, named := a.Type().Elem().MethodByName("Base"); named {
			c.children(a, b, path, name)
			return
		}
	}
	if !slices.Equal(contents(a), contents(b)) {
		c.fail(path)
	}
}

// contents renders a list of values for comparison, in an order of its own.
func contents(list reflect.Value) []string {
	out := make([]string, 0, list.Len())
	for i := range list.Len() {
		out = append(out, content(list.Index(i)))
	}
	slices.Sort(out)
	return out
}

// content renders what a value says, without its place and spelling.
func content(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case topology.Ref:
		return string(x.ID())
	case topology.AddressPrefix:
		if x.Kind == topology.UnresolvedAddress {
			return "?" + x.Text
		}
		return string(rune('0'+x.Kind)) + x.Prefix.String() + strings.ToLower(x.Tag)
	case netip.Prefix:
		return x.String()
	case netip.Addr:
		return x.String()
	case string:
		return strings.ToLower(x)
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		var b strings.Builder
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Origin" {
				continue
			}
			b.WriteString(content(v.Field(i)))
			b.WriteByte('|')
		}
		return b.String()
	}
	if v.Kind() == reflect.Slice {
		return strings.Join(contents(v), ",")
	}
	return reflectText(v)
}

// children merges two lists of named children.
func (c *combiner) children(a, b reflect.Value, path, name string) {
	find := func(list reflect.Value, want *topology.Element) reflect.Value {
		for i := range list.Len() {
			e := list.Index(i).Interface().(topology.Any).Base()
			if e.ResourceID != "" && e.ID() == want.ID() || e.Name != "" && strings.EqualFold(e.Name, want.Name) && (e.ResourceID == "" || want.ResourceID == "") {
				return list.Index(i)
			}
		}
		return reflect.Value{}
	}
	first, second := c.first, c.second
	for i := range b.Len() {
		eb := b.Index(i).Interface().(topology.Any).Base()
		match := find(a, eb)
		if !match.IsValid() && c.overlay && name == "NetworkInterface.IPConfigurations" && a.Len() == 1 && b.Len() == 1 {
			match = a.Index(0) // a design need not know what the one configuration is called
		}
		if !match.IsValid() {
			c.first, c.second = first, eb
			if completeLists[name] && c.overlay {
				c.failOverlay(path, eb)
			} else {
				c.fail(path + " (" + source.Escape(eb.Name) + " is not there)")
			}
			break
		}
		c.first, c.second = match.Interface().(topology.Any).Base(), eb
		c.structs(match.Elem(), b.Index(i).Elem(), "")
		if c.err != nil {
			break
		}
	}
	c.first, c.second = first, second // fail names the lists' owner from here on
	if c.err != nil || c.overlay {
		return
	}
	for i := range a.Len() {
		ea := a.Index(i).Interface().(topology.Any).Base()
		if !find(b, ea).IsValid() {
			c.fail(path + " (" + source.Escape(ea.Name) + " is only there)")
			return
		}
	}
}

func (c *combiner) failOverlay(path string, e *topology.Element) {
	if c.err != nil {
		return
	}
	o := e.Origin
	c.err = &doctree.Error{File: o.File, Pos: doctree.Pos{Line: o.Line, Column: o.Column}, Pointer: o.Pointer,
		Expected: "expected an overlay without new " + path + ": those of " + source.Escape(c.first.Name) + " are complete, exported at " + place(c.first.Origin),
		Hint:     "netpath diff compares two states, netpath fix proposes a rule"}
}

func reflectText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return "true"
		}
		return "false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return count(int(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return count(int(v.Uint()))
	default:
		return v.String()
	}
}

// byOrigin orders diagnostics by file, as the files were given, and position.
func byOrigin(a, b Diagnostic) int {
	return cmp.Or(cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Origin.Column, b.Origin.Column))
}
