package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/backup"
)

// remedies writes what would mend a machine: the edits of each way, what they
// open, and the commands where they were asked for; then the ways that no edit
// gives.
func (p *page) remedies(indent string, m *backup.VM) {
	if len(m.Remedies) > 0 {
		p.line(indent, "what would mend it")
	}
	var rows []row
	for i := range m.Remedies {
		r := &m.Remedies[i]
		way := cell{text: wayWord(r.Way)}
		if len(r.Opens) == 0 {
			rows = append(rows, row{cells: []cell{way, plain(r.Text)}})
		}
		for _, o := range r.Opens {
			x := row{cells: []cell{way, plain(o.Edit)}}
			if s := openingText(&o); s != "" {
				x.notes = []string{Escape(s)}
			}
			rows = append(rows, x)
			way.text = ""
		}
	}
	p.grid(indent+"  ", rows)
	for i := range m.Remedies {
		p.commands(wayWord(m.Remedies[i].Way)+" for "+m.Name+": ", m.Remedies[i].Commands)
	}
	if len(m.Hindrances) == 0 {
		return
	}
	p.line(indent, "what no edit gives it")
	rows = nil
	for _, h := range m.Hindrances {
		rows = append(rows, row{cells: []cell{{text: wayWord(h.Way)}, plain(h.Text)}})
	}
	p.grid(indent+"  ", rows)
}

// wholeRemedies are the remedies with lists that are [], never null.
func wholeRemedies(remedies []backup.Remedy) []backup.Remedy {
	out := slices.Clone(list(remedies))
	for i := range out {
		out[i].Opens = list(out[i].Opens)
	}
	return out
}

// openingText says what an edit lets pass, "" where it opens no addresses.
func openingText(o *backup.Opening) string {
	switch {
	case !o.Known:
		return fmt.Sprintf("opens %s on %s; no file says which addresses these are", o.Destination, portsText(o.Ports))
	case o.Addresses == 0 && o.IPv6 == "":
		return ""
	}
	s := "opens " + addressesText(o.Addresses, o.IPv6) + " on " + portsText(o.Ports)
	switch {
	case o.Storage == 0:
	case o.Storage == o.Addresses:
		s += ", all of Storage"
	default:
		s += fmt.Sprintf(", %s of them Storage", thousands(int(o.Storage)))
	}
	return s
}

func addressesText(four uint64, six string) string {
	var s []string
	if four > 0 {
		s = append(s, count(int(four), "address", "addresses"))
	}
	if six != "" {
		s = append(s, six+" IPv6 addresses")
	}
	return strings.Join(s, " and ")
}

func portsText(n int) string {
	switch n {
	case 0:
		return "a protocol without ports"
	case 65536:
		return "every port"
	}
	return count(n, "port", "ports")
}

// commands writes texts to be run, deployed or put into files: each below a
// line that says where, not indented, so that it can be copied.
func (p *page) commands(what string, list []backup.Command) {
	for _, c := range list {
		p.blank()
		mark := "# "
		if strings.Contains(c.Where, "Bicep") || strings.Contains(c.Where, "ARM") {
			mark = "// "
		}
		p.line(p.paint.in(bold, mark+Escape(what+c.Where)))
		for _, line := range strings.Split(strings.TrimSuffix(c.Text, "\n"), "\n") {
			p.line(Escape(line))
		}
	}
	if len(list) > 0 {
		p.blank()
	}
}

// tradeoffs puts the three ways side by side, region by region.
func (p *page) tradeoffs(indent string, list []backup.Tradeoff) {
	for i := 0; i < len(list); {
		region := list[i].Region
		p.blank()
		p.line(indent, "the three ways side by side in ", Escape(region))
		rows := []row{header("way", "in use by", "rules", "prefixes", "addresses", "not storage")}
		first := i
		for ; i < len(list) && list[i].Region == region; i++ {
			t := &list[i]
			addresses, beyond := cell{text: "not known"}, cell{text: "not known"}
			if t.Known {
				addresses = cell{text: thousands(int(t.Addresses)), right: true}
				if t.StorageKnown || t.Way == backup.Proxy {
					beyond = cell{text: thousands(int(t.Beyond)), right: true}
				}
			}
			rows = append(rows, row{cells: []cell{
				{text: wayWord(t.Way)}, {text: count(t.Machines, "machine", "machines"), right: true}, {text: fmt.Sprintf("%s of %s", thousands(t.Rules), thousands(t.RuleLimit)), right: true},
				{text: fmt.Sprintf("%s of %s", thousands(t.Prefixes), thousands(t.PrefixLimit)), right: true}, addresses, beyond,
			}})
		}
		p.grid(indent+"  ", rows)
		for j := first; j < i; j++ {
			t := &list[j]
			var s []string
			if t.Source != "" {
				s = append(s, "counted: "+t.Source)
			}
			s = append(s, "when ranges change: "+t.Change)
			if t.Extra != "" {
				s = append(s, "extra machine: "+t.Extra)
			}
			for _, x := range t.Shared {
				s = append(s, fmt.Sprintf("%s is shared by %s", x.Proxy, count(len(x.Machines), "machine", "machines")))
			}
			p.line(indent, "  ", wayWord(t.Way), ": ", Escape(strings.Join(s, "; ")))
		}
	}
}
