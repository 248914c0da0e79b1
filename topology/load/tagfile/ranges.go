package tagfile

import (
	"net/netip"
	"strconv"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/servicetag"
)

const rangesRoot = "AzurePublicIpAddresses"

// IsDatacenterRanges reports whether the root of an XML document is that of
// the datacenter ranges.
func IsDatacenterRanges(root *doctree.Node) bool { return root.Get(rangesRoot) != nil }

// DatacenterRanges reads the document of the datacenter ranges (XML). A region
// whose backend name is not known keeps it, without an ARM name, with a
// warning.
func DatacenterRanges(f *source.File, ledger *property.Ledger, root *doctree.Node) (*topology.DatacenterRanges, error) {
	top := root.Get(rangesRoot)
	if top == nil {
		f.RefuseAt(root, "expected the root element "+rangesRoot, "download the Azure Datacenter IP Ranges")
		return nil, f.Err
	}
	out := &topology.DatacenterRanges{Origin: topology.Origin{File: f.Name}, Date: Date(f.Name)}
	b := NewBuilder(f, ledger, true)
	names := map[string]int{}
	for i := range top.Members {
		m := &top.Members[i]
		if m.Key != "Region" {
			b.unknownXML(m, "")
			continue
		}
		for _, n := range m.Value.Items {
			r := b.region(n)
			if line, twice := names[r.Name]; twice {
				f.Refuse(n.Get("@Name"), "expected each region once (line "+strconv.Itoa(line)+" has it)", "remove one of the two")
			}
			names[r.Name] = n.Pos.Line
			out.Regions = append(out.Regions, r)
		}
	}
	if f.Err != nil {
		return nil, f.Err
	}
	if len(out.Regions) == 0 {
		f.Diagnostics = append(f.Diagnostics, source.Diagnostic{Severity: source.Warning, Message: "the list of datacenter regions is empty", Origin: out.Origin})
	}
	return out, nil
}

func (b *Builder) region(n *doctree.Node) *topology.DatacenterRegion {
	f := b.file
	r := &topology.DatacenterRegion{Origin: f.Origin(n)}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Key {
		case "@Name":
			r.Name = m.Value.Text
			b.used(m.Value)
		case "IpRange":
			for _, it := range m.Value.Items {
				r.Prefixes = append(r.Prefixes, b.subnet(it))
			}
		default:
			b.unknownXML(m, "Region.")
		}
	}
	if r.Name == "" {
		f.RefuseAt(n, "expected a region with a Name", "")
	}
	if arm, known := servicetag.Location(r.Name); known {
		r.Location = arm
	} else if r.Name != "" {
		f.Say(source.Warning, n.Get("@Name"), "ask for it by this name", "the region %s is not known: its ARM name is not either", source.Quote(r.Name))
	}
	return r
}

func (b *Builder) subnet(n *doctree.Node) netip.Prefix {
	subnet := n.Get("@Subnet")
	if subnet == nil {
		b.file.RefuseAt(n, "expected an IpRange with a Subnet", "")
		return netip.Prefix{}
	}
	for i := range n.Members {
		if m := &n.Members[i]; m.Value == subnet {
			b.used(subnet)
		} else {
			b.unknownXML(m, "Region.IpRange.")
		}
	}
	return b.file.Prefix(subnet)
}

// unknownXML counts what no known file of datacenter ranges has.
func (b *Builder) unknownXML(m *doctree.Member, path string) {
	leaves := m.Value.Leaves()
	b.ledger.Leaves += leaves
	b.ledger.NotModelled += leaves
	if b.ledger.Unmodelled == nil {
		b.ledger.Unmodelled = map[string]int{}
	}
	b.ledger.Unmodelled[rangesRoot+": "+path+m.Key]++
}
