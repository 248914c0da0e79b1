package sim

import (
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// Simulator answers questions about one estate.
type Simulator struct {
	net  *topology.Network
	opts Options
}

// New compiles an estate. The network must not be changed afterwards.
func New(n *topology.Network, opts Options) (*Simulator, error) {
	return &Simulator{net: n, opts: opts}, nil
}

func quote(s string) string      { return strconv.Quote(s) }
func join(names []string) string { return strings.Join(names, ", ") }
