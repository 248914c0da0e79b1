package topology_test

import (
	"slices"
	"testing"

	"github.com/netpath/netpath/topology"
)

// Ranges that overlap or touch become one, in order, and the list stays as it
// is.
func TestJoinedPortsAreInOrderAndApart(t *testing.T) {
	r := func(first, last uint16) topology.PortRange { return topology.PortRange{First: first, Last: last} }
	for _, c := range []struct{ list, want []topology.PortRange }{
		{nil, nil},
		{[]topology.PortRange{r(443, 443), r(80, 80)}, []topology.PortRange{r(80, 80), r(443, 443)}},
		{[]topology.PortRange{r(81, 90), r(80, 80)}, []topology.PortRange{r(80, 90)}},
		{[]topology.PortRange{r(10, 90), r(20, 30), r(85, 100)}, []topology.PortRange{r(10, 100)}},
		{[]topology.PortRange{r(0, 9), r(11, 65535)}, []topology.PortRange{r(0, 9), r(11, 65535)}},
		{[]topology.PortRange{r(0, 65535), r(65535, 65535)}, []topology.PortRange{topology.AllPorts}},
	} {
		before := slices.Clone(c.list)
		if got := topology.JoinPorts(c.list); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.list, got, c.want)
		}
		if !slices.Equal(c.list, before) {
			t.Errorf("%v became %v", before, c.list)
		}
	}
}
