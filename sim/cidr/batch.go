package cidr

// Lookup4Batch puts the atom of every key into the same place of dst, which
// must be as long.
func (t *Table) Lookup4Batch(dst []Atom, keys []uint32) {
	dst = dst[:len(keys)]
	for i, k := range keys {
		dst[i] = t.Lookup4(k)
	}
}

// Lookup6Batch puts the atom of every key into the same place of dst, which
// must be as long.
func (t *Table) Lookup6Batch(dst []Atom, keys []Key6) {
	dst = dst[:len(keys)]
	for i, k := range keys {
		dst[i] = t.Lookup6(k.Hi, k.Lo)
	}
}
