package tagfile

import (
	"strconv"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/servicetag"
)

// IsServiceTags reports whether a document is a service tag file, from its
// envelope and its first element (nil where the list is empty):
//
//   - the envelope has the change number and the cloud of a list of values, or
//     says that it is of the type Microsoft.Network/serviceTags; or
//   - the element has the name and the properties addressPrefixes and
//     systemService of a tag, as in a bare list of tags.
//
// Nothing else of Azure's looks like that: a subnet has addressPrefixes too,
// but no systemService.
func IsServiceTags(env *doctree.Envelope, first *doctree.Node) bool {
	if env.Single {
		return false
	}
	if strings.EqualFold(env.List, "values") {
		if env.Fold("changeNumber") != nil && env.Fold("cloud") != nil {
			return true
		}
		if t := env.Fold("type"); t != nil && strings.EqualFold(t.Text, "Microsoft.Network/serviceTags") {
			return true
		}
	}
	bag := first.Fold("properties")
	return first.Fold("name") != nil && bag.Fold("addressPrefixes") != nil && bag.Fold("systemService") != nil
}

// ReadServiceTags reads a service tag file of any shape, strictly. Diagnostics
// go to the file, counts to the ledger. A list of prefixes that cannot be read
// refuses the file where all is set, else only its tag: see
// [topology.ServiceTag].
func ReadServiceTags(f *source.File, ledger *property.Ledger, src *doctree.Source, all bool) (*topology.ServiceTagCatalogue, error) {
	b := NewBuilder(f, ledger, all)
	env, err := src.Each(b.Add)
	if err != nil {
		return nil, err
	}
	return b.Catalogue(env)
}

// Builder makes a catalogue from the elements of a service tag file, one at a
// time.
type Builder struct {
	file      *source.File
	ledger    *property.Ledger
	all       bool
	tags      []*topology.ServiceTag
	lines     map[string]int    // folded name → line
	locations map[string]string // as written → ARM name
	texts     map[string]string // one copy of what repeats
}

// NewBuilder starts an empty catalogue of the file. all is that of
// [ReadServiceTags].
func NewBuilder(f *source.File, ledger *property.Ledger, all bool) *Builder {
	return &Builder{file: f, ledger: ledger, all: all, lines: map[string]int{}, locations: map[string]string{}, texts: map[string]string{}}
}

const expectedTag = "expected a service tag with a name and properties"

// Add reads one element.
func (b *Builder) Add(env *doctree.Envelope, n *doctree.Node) error {
	f := b.file
	bag := n.Fold("properties")
	switch {
	case env.Single:
		f.RefuseAt(n, "expected a service tag file, with its tags in the list values", "export with az network list-service-tags, or download the weekly file")
	case n.Kind == doctree.String && source.DepthLost(n.Text), bag != nil && bag.Kind == doctree.String && source.DepthLost(bag.Text):
		f.Refuse(n, expectedTag, source.DepthHint)
	case n.Kind != doctree.Object:
		f.Refuse(n, expectedTag, "")
	case bag == nil || bag.Kind != doctree.Object:
		f.RefuseAt(n, expectedTag, "")
	}
	if f.Err != nil {
		return f.Err
	}
	t := &topology.ServiceTag{Origin: f.Origin(n)}
	for i := range n.Members {
		m := &n.Members[i]
		switch strings.ToLower(m.Key) {
		case "name":
			t.Name = b.one(f.Text(m.Value))
			b.used(m.Value)
		case "properties":
		case "id", "type", "etag":
			b.irrelevant(m.Value)
		default:
			b.unknown(m, "")
		}
	}
	var prefixes *doctree.Node
	for i := range bag.Members {
		m := &bag.Members[i]
		switch strings.ToLower(m.Key) {
		case "changenumber":
			t.ChangeNumber = b.number(m.Value, "a change number")
		case "region":
			t.Region = b.location(f.Text(m.Value))
		case "regionid":
			t.RegionID = b.number(m.Value, "a region ID")
		case "systemservice":
			t.SystemService = b.one(f.Text(m.Value))
		case "networkfeatures":
			t.NetworkFeatures = f.Texts(m.Value)
		case "addressprefixes":
			prefixes = m.Value
		case "platform", "state":
			b.irrelevant(m.Value)
			continue
		default:
			b.unknown(m, "properties.")
			continue
		}
		b.used(m.Value)
	}
	if source.IsNull(prefixes) {
		f.RefuseAt(bag, "expected the list addressPrefixes of a service tag", "")
	}
	t.Prefixes, t.Refused = b.prefixes(prefixes)
	if strings.TrimSpace(t.Name) == "" {
		f.RefuseAt(n, "expected a service tag with a name", "")
	}
	key := strings.ToLower(t.Name)
	if line, twice := b.lines[key]; twice {
		if name := n.Fold("name"); name != nil {
			n = name
		}
		f.Refuse(n, "expected each service tag once (line "+strconv.Itoa(line)+" has it)", "remove one of the two")
	}
	if f.Err != nil {
		return f.Err
	}
	b.lines[key] = t.Origin.Line
	b.tags = append(b.tags, t)
	return nil
}

// prefixes reads a list of prefixes. Unless all are to be read a list that
// cannot be is an error of its own.
func (b *Builder) prefixes(n *doctree.Node) (topology.PrefixList, error) {
	if b.all {
		return topology.MakePrefixList(b.file.Prefixes(n)...), nil
	}
	apart := source.File{Name: b.file.Name, YAML: b.file.YAML}
	list := apart.Prefixes(n)
	if apart.Err != nil {
		return "", apart.Err
	}
	b.file.Diagnostics = append(b.file.Diagnostics, apart.Diagnostics...)
	return topology.MakePrefixList(list...), nil
}

// one returns the same string for the same text.
func (b *Builder) one(text string) string {
	if s, ok := b.texts[text]; ok {
		return s
	}
	text = strings.Clone(text)
	b.texts[text] = text
	return text
}

// location is the ARM name of a region as the file writes it.
func (b *Builder) location(text string) string {
	if s, ok := b.locations[text]; ok {
		return s
	}
	arm, _ := servicetag.Location(text)
	b.locations[strings.Clone(text)] = arm
	return arm
}

func (b *Builder) number(n *doctree.Node, what string) int {
	if source.IsEmpty(n) {
		return 0
	}
	return b.file.Decimal(n, 0, 999_999_999, what)
}

func (b *Builder) used(n *doctree.Node) { b.ledger.AddUsed(n.Leaves()) }

func (b *Builder) irrelevant(n *doctree.Node) {
	b.ledger.Leaves += n.Leaves()
	b.ledger.Irrelevant += n.Leaves()
}

// unknown counts a member that no known tag file has.
func (b *Builder) unknown(m *doctree.Member, path string) {
	if source.IsEmpty(m.Value) {
		b.irrelevant(m.Value)
		return
	}
	leaves := m.Value.Leaves()
	b.ledger.Leaves += leaves
	b.ledger.NotModelled += leaves
	if b.ledger.Unmodelled == nil {
		b.ledger.Unmodelled = map[string]int{}
	}
	b.ledger.Unmodelled["Microsoft.Network/serviceTags: "+path+m.Key]++
}

// Catalogue is what was read, once the end of the file was reached.
func (b *Builder) Catalogue(env *doctree.Envelope) (*topology.ServiceTagCatalogue, error) {
	f := b.file
	c := &topology.ServiceTagCatalogue{Origin: topology.Origin{File: f.Name}, Date: Date(f.Name), Tags: b.tags}
	for i := range env.Members {
		m := &env.Members[i]
		switch strings.ToLower(m.Key) {
		case "cloud":
			c.Cloud = f.Text(m.Value)
			b.used(m.Value)
		case "changenumber":
			c.ChangeNumber = b.number(m.Value, "a change number")
			b.used(m.Value)
		case "nextlink":
			b.used(m.Value)
			if !source.IsEmpty(m.Value) {
				c.Cut = true
				f.Say(source.Doubt, m.Value, "export all pages", "the list of service tags is cut (nextLink): other tags exist")
			}
		case "name", "id", "type", "etag", "location", "tags":
			b.irrelevant(m.Value)
		default:
			b.unknown(m, "")
		}
	}
	if f.Err != nil {
		return nil, f.Err
	}
	if len(b.tags) == 0 {
		f.Diagnostics = append(f.Diagnostics, source.Diagnostic{Severity: source.Warning, Message: "the list of service tags is empty", Origin: c.Origin})
	}
	return c, nil
}
