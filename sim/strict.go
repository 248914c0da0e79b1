package sim

import "github.com/netpath/netpath/sim/flow"

// Strict reports whether the simulator counts a verdict that rests on an
// unwaived assumption as Unknown.
func (s *Simulator) Strict() bool { return s.opts.Strict }

// Waived reports whether a waiver accepts the assumption about the resource.
func (s *Simulator) Waived(id flow.AssumptionID, about string) bool {
	return s.waived(flow.Fact{Assumption: id, About: about})
}
