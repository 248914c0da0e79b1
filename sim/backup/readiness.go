package backup

// readiness lists the checks of spec 9.4 for one machine, one Check each, in
// the order of the command line's contract.
func readiness(x *subject) []Check { return nil }
