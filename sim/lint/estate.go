package lint

// estateRules are the rules about the estate as a whole, NP1100 and up.
func estateRules() []*Rule {
	return nil
}
