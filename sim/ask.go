package sim

import (
	"errors"

	"github.com/netpath/netpath/topology"
)

// IPFlow answers what IP flow verify would. A *NameError says that a name of
// the question does not fit the estate.
func (s *Simulator) IPFlow(q IPFlowQuestion) (*IPFlow, error) { return nil, errors.New("not built yet") }

// Trace walks the whole path. A *NameError says that a name of the question
// does not fit the estate.
func (s *Simulator) Trace(q TraceQuestion) (*Trace, error) { return nil, errors.New("not built yet") }

// EffectiveRules lists the rules that apply to an interface (or a virtual
// machine's primary one) with their tags expanded.
func (s *Simulator) EffectiveRules(name string) (*EffectiveRules, error) {
	return nil, errors.New("not built yet")
}

// EffectiveRoutes lists the effective routes of an interface (or a virtual
// machine's primary one).
func (s *Simulator) EffectiveRoutes(name string) (*EffectiveRoutes, error) {
	return nil, errors.New("not built yet")
}

// Network is the estate the simulator was compiled from.
func (s *Simulator) Network() *topology.Network { return s.net }

// Catalogue describes the service tag file in use, nil where there is none.
func (s *Simulator) Catalogue() *CatalogueInfo { return nil }
