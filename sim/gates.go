package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// Gates are what an IP flow question about an interface asks, apart from what
// its gates decide.
type Gates struct {
	// Ways are the chains of gates that the interface may have: one where the
	// data says which, several where what it does not say makes a difference.
	Ways []Way
	// Always is what becomes of packets that an admin rule always allows.
	Always flow.Verdict
	// Open: which gates apply is not known at all.
	Open bool
	// Said tells apart what is said beside the gates: the levels without an
	// NSG, and what is not known.
	Said string
}

// Way is a chain of gates: a packet passes the admin rules, then each NSG in
// turn until one denies (HOW, AVNM).
type Way struct {
	Admin  *nsg.Gate   // nil: no admin rules are asked
	Groups []*nsg.Gate // NSGs in Azure's order
	Closed bool        // what passes all of them is denied: a Standard public IP without an NSG (PIP), or what is not known may deny
}

func (w Way) same(x Way) bool {
	return w.Admin == x.Admin && w.Closed == x.Closed && slices.Equal(w.Groups, x.Groups)
}

// manyWays is how many ways are told apart.
const manyWays = 16

// GatesOf are the gates of an IP configuration for packets from a public
// source, or from others.
func (s *Simulator) GatesOf(nic *topology.NetworkInterface, c *topology.IPConfiguration, d topology.Direction, public bool) Gates {
	at := chainAt{p: s.at(nic, c)}
	family, kind := 0, 0
	if c.PrivateIPAddress.Is6() {
		family = 1
	}
	if public {
		kind = 1
	}
	t := flow.Tuple{Protocol: topology.TCP, Source: flow.At(c.PrivateIPAddress), Destination: flow.At(probes[family][kind]), SourcePort: 1, DestinationPort: 1}
	if d == topology.Inbound {
		t.Source, t.Destination = t.Destination, t.Source
	}
	taken := s.waived
	if !s.opts.Strict {
		taken = nil
	}
	var g Gates
	var said strings.Builder
	walked := func(w *flow.World, admin topology.Access) (*walk, Way) {
		var x Way
		stand := standIn(admin)
		k := &walk{s: s, w: w, seen: map[string]bool{}}
		k.stand = func(y *nsg.Gate) nsg.Decision {
			if y.NSG == nil {
				x.Admin = y
			} else {
				x.Groups = append(x.Groups, y)
			}
			return stand(y)
		}
		k.gates(at, d, t)
		x.Closed = k.denied
		return k, x
	}
	flow.VerdictOf(func(w *flow.World) bool {
		k, x := walked(w, topology.NoAccess)
		if said.Len() == 0 {
			for _, h := range k.hops {
				fmt.Fprintf(&said, "%s %s %s %s;", h.Kind, h.AppliedTo, h.Code, h.Note)
				if h.Code != flow.NSGRuleAllow {
					said.WriteString(h.Name)
				}
			}
		}
		for _, f := range w.Assumed() {
			g.Open = g.Open || taken != nil && !taken(f)
		}
		if !slices.ContainsFunc(g.Ways, x.same) {
			g.Ways = append(g.Ways, x)
		}
		return true // in every world, so that none is left out
	})
	g.Open = g.Open || len(g.Ways) > manyWays
	g.Always = flow.VerdictOf(func(w *flow.World) bool {
		k, _ := walked(w, topology.AlwaysAllow)
		return !k.denied
	})
	g.Said = said.String()
	return g
}
