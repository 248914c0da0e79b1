package classify

import "github.com/netpath/netpath/sim/cidr"

// block is how many packets of a batch are under way at once: the loads of one
// stage of all of them overlap.
const block = 64

// Batch4 puts the verdict about every packet into the same place of dst,
// which must be as long.
func (c *Classifier) Batch4(dst []Verdict, keys []Key4) {
	dst = dst[:len(keys)]
	for len(keys) > block {
		c.block4(dst[:block], keys[:block])
		dst, keys = dst[block:], keys[block:]
	}
	c.block4(dst, keys)
}

func (c *Classifier) block4(dst []Verdict, keys []Key4) {
	var sources, destinations [block]uint32
	a, b := sources[:len(keys)], destinations[:len(keys)]
	for i := range keys {
		k := &keys[i]
		a[i], b[i] = k.Source, k.Destination
	}
	var from, to [block]cidr.Atom
	s, d := from[:len(keys)], to[:len(keys)]
	c.table.Lookup4Batch(s, a)
	c.table.Lookup4Batch(d, b)
	c.batch(dst, keys, s, d)
}

// batch decides when the atoms are known.
func (c *Classifier) batch(dst []Verdict, keys []Key4, s, d []cidr.Atom) {
	dst, s, d = dst[:len(keys)], s[:len(keys)], d[:len(keys)]
	t := c.tables
	if t == nil {
		for i := range keys {
			k := &keys[i]
			dst[i] = c.parts(s[i], d[i], k.Protocol, k.SourcePort, k.DestinationPort)
		}
		return
	}
	t.batch(dst, keys, s, d)
}

// batch is verdict for some packets, stage by stage.
func (t *tables) batch(dst []Verdict, keys []Key4, s, d []cidr.Atom) {
	var room [block]uint32
	at := room[:len(keys)]
	dst, s, d = dst[:len(keys)], s[:len(keys)], d[:len(keys)]
	for i := range keys {
		k := &keys[i]
		at[i] = t.destinationPort.class(k.Protocol, k.DestinationPort)
		if t.columns != nil {
			at[i] = uint32(t.columns[t.sourcePort.class(k.Protocol, k.SourcePort)*t.ports+at[i]])
		}
	}
	source, destination, cells, answers := t.source, t.destination, t.cells, t.answers
	for i, column := range at {
		dst[i] = answers[cells[uint32(source[s[i]])+uint32(destination[d[i]])]+column].verdict()
	}
}

// Batch6 puts the verdict about every packet into the same place of dst,
// which must be as long.
func (c *Classifier) Batch6(dst []Verdict, keys []Key6) {
	dst = dst[:len(keys)]
	for i := range keys {
		dst[i] = c.Verdict6(keys[i])
	}
}
