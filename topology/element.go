package topology

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Origin says where an element was read: file as given to the loader, line and
// column (both counted from 1; 0 means not known) and JSON pointer or element
// path inside the file.
type Origin struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Pointer string `json:"pointer,omitempty"`
}

// String is the file:line form that editors jump to, "" for the zero Origin.
func (o Origin) String() string {
	switch {
	case o.File == "":
		return ""
	case o.Line == 0:
		return o.File
	default:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
}

// ID names a resource for comparison: lower case, percent escapes decoded,
// without a trailing slash. Build it with [MakeID]; the zero ID names nothing.
type ID string

// MakeID folds a resource ID as written into its comparable form.
func MakeID(text string) ID {
	s := strings.TrimSpace(text)
	if strings.Contains(s, "%") {
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
	}
	return ID(strings.ToLower(strings.TrimRight(s, "/")))
}

// segment returns the value that follows the named segment, or "".
func (id ID) segment(name string) string {
	parts := strings.Split(string(id), "/")
	for i := 0; i+1 < len(parts); i++ {
		if parts[i] == name {
			return parts[i+1]
		}
	}
	return ""
}

// Name is the last segment of the ID.
func (id ID) Name() string {
	return string(id)[strings.LastIndexByte(string(id), '/')+1:]
}

// ResourceGroup is the resource group the ID names, "" where it names none.
func (id ID) ResourceGroup() string { return id.segment("resourcegroups") }

// Subscription is the subscription the ID names, "" where it names none.
func (id ID) Subscription() string { return id.segment("subscriptions") }

// Parent is the ID of the resource that holds a child resource: two segments
// less. The parent of ".../virtualNetworks/v1/subnets/app" is ".../virtualNetworks/v1".
func (id ID) Parent() ID {
	s := string(id)
	for range 2 {
		i := strings.LastIndexByte(s, '/')
		if i < 0 {
			return ""
		}
		s = s[:i]
	}
	return ID(s)
}

// Ref is a reference to another element, as it was written. The zero Ref
// refers to nothing ([Ref.IsZero]); a Ref whose target is not in the
// [Network] is dangling, which is not the same.
type Ref struct {
	Text   string
	Origin Origin
}

// RefTo is a reference to the element with the given resource ID.
func RefTo(id string) Ref { return Ref{Text: id} }

// IsZero reports whether nothing is referred to.
func (r Ref) IsZero() bool { return r.Text == "" }

// ID is the comparable form of the reference.
func (r Ref) ID() ID { return MakeID(r.Text) }

// Property is a property that was read but is not modelled, with a value that
// is neither null nor empty (bad-inputs row 51).
type Property struct {
	Name   string
	Value  string // at most 80 characters of it
	Origin Origin
}

// Element is what every resource has. It is embedded.
type Element struct {
	ResourceID        string // as written, or made up by the loader for a design ("/design/…")
	Name              string
	ResourceGroup     string // as written in the ID or beside it, "" where not known
	Location          string // as written, "" where not known
	ProvisioningState string // "" where the export does not say
	Tags              []Tag  // resource tags, which selectors of a policy go by; they bear on no verdict of the network
	Design            bool   // from a design file: an omitted Boolean is the designer's silence, not Azure's
	Origin            Origin
	NotModelled       []Property
}

// Tag is a resource tag: a name, in lower case, and a value that the owner of
// the resource gave it. Where two exports of a resource differ, it has both
// values.
type Tag struct{ Name, Value string }

// SortTags puts tags in the order of their names and values.
func SortTags(list []Tag) {
	slices.SortFunc(list, func(a, b Tag) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
}

// ID is the element's comparable resource ID.
func (e *Element) ID() ID { return MakeID(e.ResourceID) }

// Ref is a reference to the element.
func (e *Element) Ref() Ref { return Ref{Text: e.ResourceID, Origin: e.Origin} }

// Base returns the element itself; it makes every resource an [Any].
func (e *Element) Base() *Element { return e }

// Any is any resource of a network.
type Any interface{ Base() *Element }

// Switch is a Boolean property that an export may leave out.
type Switch uint8

// The values of a Switch. The zero value is Unset: the data does not say.
const (
	Unset Switch = iota
	Off
	On
)

// SwitchOf makes a set Switch from a bool.
func SwitchOf(b bool) Switch {
	if b {
		return On
	}
	return Off
}

// Or is the switch's value, or def where it is unset.
func (s Switch) Or(def bool) bool {
	if s == Unset {
		return def
	}
	return s == On
}

// NormalLocation folds an Azure location to its ARM name: lower case, no
// blanks ("West Europe" is "westeurope").
func NormalLocation(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", ""))
}
