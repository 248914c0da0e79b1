package classify

import "github.com/netpath/netpath/sim/cidr"

// SourceGroups tells which atoms the rules treat alike as sources: group[i] is
// the group of atoms[i], and atoms[first[g]] is one of group g. What is true of
// one is true of the whole group, so that questions about many addresses are
// asked once for each pair of groups.
func (c *Classifier) SourceGroups(atoms []cidr.Atom) (group, first []int) {
	return c.groups(atoms, func(p *part, a cidr.Atom) int {
		if p.tables != nil {
			return int(p.tables.source[a])
		}
		return int(p.sourceOf[a].class)
	})
}

// DestinationGroups is SourceGroups for destinations.
func (c *Classifier) DestinationGroups(atoms []cidr.Atom) (group, first []int) {
	return c.groups(atoms, func(p *part, a cidr.Atom) int {
		if p.tables != nil {
			return int(p.tables.destination[a])
		}
		return int(p.destinationOf[a].class)
	})
}

// groups splits the atoms by their classes in all parts.
func (c *Classifier) groups(atoms []cidr.Atom, class func(*part, cidr.Atom) int) (group, first []int) {
	group = make([]int, len(atoms)) // at first one, then split part by part
	type key struct{ group, class int }
	for p := c.part; p != nil; p = p.next {
		number := map[key]int{}
		first = first[:0]
		for i, a := range atoms {
			k := key{group[i], class(p, a)}
			g, ok := number[k]
			if !ok {
				g = len(first)
				number[k] = g
				first = append(first, i)
			}
			group[i] = g
		}
	}
	return group, first
}
