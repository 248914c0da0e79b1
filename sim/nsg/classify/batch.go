package classify

// Batch4 puts the verdict about every packet into the same place of dst,
// which must be as long.
func (c *Classifier) Batch4(dst []Verdict, keys []Key4) {
	dst = dst[:len(keys)]
	for i := range keys {
		dst[i] = c.Verdict4(keys[i])
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
