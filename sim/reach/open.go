package reach

import (
	"fmt"
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// openKept is how many things that are not in the data an end tells one by one.
const openKept = 8

// open are the things that an end may hold and the data does not, in words.
func (f *finder) open(fits func(*topology.Absent) bool) (out []string) {
	more := 0
	list := f.absent()
	for i := range list {
		a := &list[i]
		text := string(flow.DanglingReference) + ": " + a.String()
		switch {
		case !fits(a) || slices.Contains(out, text):
		case len(out) == openKept:
			more++
		default:
			out = append(out, text)
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%s: and %d more interfaces or addresses", flow.DanglingReference, more))
	}
	return out
}

// ofInterface fits addresses of an interface that are not in the data.
func ofInterface(id topology.ID) func(*topology.Absent) bool {
	return func(a *topology.Absent) bool { return a.Interface == id && !a.Addressed }
}
