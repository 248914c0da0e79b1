package backup

// Remedy is the least change that gives a machine one of the three ways.
type Remedy struct {
	Way  Way    `json:"way"`
	Text string `json:"text"`
}

// remedies lists, for a machine that does not pass, the least change for each
// way. vm is the report of the machine, complete but for its remedies.
func remedies(x *subject, vm *VM) []Remedy { return nil }
