package nsg

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// compileAfter is how many packets a gate answers rule by rule before it is
// compiled: a classifier takes about as long to make as that, and most gates
// of a run are asked a few times.
const compileAfter = 256

// compiled is the classifier of a gate, made when it is worth it.
type compiled struct {
	asked atomic.Uint32
	once  sync.Once
	rules []*Rule              // by number of the classifier's verdicts
	of    *classify.Classifier // nil: not to be had
}

// certainly is what [Gate.Decide] does with the packet in every world, by the
// classifier; false where there is none yet, or where the world is asked.
func (g *Gate) certainly(t flow.Tuple) (*Rule, bool) {
	c := &g.compiled
	if c.asked.Load() < compileAfter {
		c.asked.Add(1)
		return nil, false
	}
	if !t.Source.IP.IsValid() || !t.Destination.IP.IsValid() || t.Protocol < topology.TCP {
		return nil, false
	}
	c.once.Do(g.compile)
	if c.of == nil {
		return nil, false
	}
	v := c.of.Verdict(t.Protocol, netip.AddrPortFrom(t.Source.IP, t.SourcePort), netip.AddrPortFrom(t.Destination.IP, t.DestinationPort))
	if v.Open || v.Rule == classify.NoRule {
		return nil, false
	}
	r := c.rules[v.Rule]
	return r, r != nil
}

func (g *Gate) compile() {
	sets := NewSets()
	certain := g.Certain(sets)
	table, err := sets.Table()
	if err != nil {
		return // the rules themselves are asked
	}
	of, err := classify.New(table, certain.rules, classify.Options{TableBytes: tableBytes})
	if err != nil {
		return
	}
	g.compiled.rules, g.compiled.of = certain.of, of
}

// tableBytes is the most memory that the tables of one gate's classifier take.
const tableBytes = 1 << 20
