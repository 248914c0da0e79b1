package main

import (
	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// matrix says for every pair of some addresses and every port whether a list
// of rules allows a packet.
type matrix struct {
	words                 int      // of a row
	bits                  []uint64 // by source, port and destination: a row of bits for each source and port
	ports                 int
	sources, destinations int // groups
}

// newMatrix asks once for each pair of groups that the rules tell apart, and
// writes the answer of a group for all of its addresses.
func newMatrix(list *classify.Classifier, addresses []uint32, ports []uint16) *matrix {
	atoms := make([]cidr.Atom, len(addresses))
	list.Table().Lookup4Batch(atoms, addresses)
	from, firstFrom := list.SourceGroups(atoms)
	to, firstTo := list.DestinationGroups(atoms)
	m := &matrix{words: (len(addresses) + 63) / 64, ports: len(ports), sources: len(firstFrom), destinations: len(firstTo)}

	members := make([]uint64, len(firstTo)*m.words) // by destination group: its addresses
	for i, g := range to {
		members[g*m.words+i>>6] |= 1 << (i & 63)
	}
	rows := make([]uint64, len(firstFrom)*len(ports)*m.words) // by source group and port
	for s, i := range firstFrom {
		for p, port := range ports {
			row := rows[(s*len(ports)+p)*m.words:][:m.words]
			for d, j := range firstTo {
				if list.OfAtoms(atoms[i], atoms[j], topology.TCP, 50000, port).Outcomes != allow {
					continue
				}
				for w, x := range members[d*m.words:][:m.words] {
					row[w] |= x
				}
			}
		}
	}
	m.bits = make([]uint64, len(addresses)*len(ports)*m.words)
	for i, s := range from {
		n := len(ports) * m.words
		copy(m.bits[i*n:][:n], rows[s*n:])
	}
	return m
}

func (m *matrix) allows(from, to, port int) bool {
	return m.bits[(from*m.ports+port)*m.words+to>>6]>>(to&63)&1 != 0
}
