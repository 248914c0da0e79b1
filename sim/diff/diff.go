package diff

import (
	"context"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// Kind says how the verdict on traffic changes.
type Kind string

// The kinds of change, each packet that changes in one of them.
const (
	NewlyAllowed   Kind = "newlyAllowed"   // denied before
	NewlyDenied    Kind = "newlyDenied"    // allowed before
	NewlyUndecided Kind = "newlyUndecided" // allowed or denied before
	NowAllowed     Kind = "nowAllowed"     // undecided before
	NowDenied      Kind = "nowDenied"      // undecided before
	StillUndecided Kind = "stillUndecided" // undecided before and after, by other rules
)

// Kinds lists the kinds in the order of a report.
func Kinds() []Kind {
	return []Kind{NewlyAllowed, NewlyDenied, NewlyUndecided, NowAllowed, NowDenied, StillUndecided}
}

// Undecided reports whether traffic of the kind is undecided on a side: it is
// not known whether it is newly allowed, or newly denied.
func (k Kind) Undecided() bool { return k != NewlyAllowed && k != NewlyDenied }

// Options are the settings of [Compare]. The zero value keeps ten parts of a
// change.
type Options struct {
	// Parts is how many parts of a change are kept; 0: ten.
	Parts int
	// Boxes is how many boxes of a part are kept; 0: three.
	Boxes int
}

// Report is what changed between two estates.
type Report struct {
	Old, New    *sim.CatalogueInfo // the service tag files in use; nil: none
	Gates       []Gate             // of which traffic changes: NSGs, then interfaces
	Routes      []Routes           // subnets whose effective routes change
	Elements    []Element          // that only one side has, or that say something else
	Notes       []string           // how the sides were matched
	Assumptions []flow.Assumption  // that the report as a whole rests on
	Unwaived    bool               // strict mode: one of them is not waived
	Incomplete  bool               // a list of a side is cut or a file was refused, as a note says: more may have changed
	Compared    Compared
}

// Compared counts what was looked at.
type Compared struct {
	SecurityGroups int `json:"securityGroups"`
	Interfaces     int `json:"interfaces"`
	Subnets        int `json:"subnets"`
}

// Level says what a gate is.
type Level string

// The levels.
const (
	Subnet        Level = "subnet"               // the NSG of a subnet of which no interface is in the data
	SecurityGroup Level = "networkSecurityGroup" // one NSG, at one place
	Interface     Level = "networkInterface"     // the whole chain of an interface
)

// Gate is an NSG, or an interface's chain of gates, of which traffic changes.
type Gate struct {
	Level   Level
	Name    string      // of the new side
	ID      string      // resource ID of the new side, "" where only the old one has it
	OldID   string      // where it differs from ID
	Places  []string    // subnets where the NSG is asked ("v1/app"), or interfaces that change alike
	Gates   [2][]string // of an interface or subnet: its NSGs before and now
	Changes []Change
}

// Change is the traffic of one kind, direction and family of a gate. What is
// newly undecided is apart by what it was before.
type Change struct {
	Kind      Kind
	Before    flow.Verdict
	After     flow.Verdict
	MayAllow  bool // some of it may be newly allowed
	MayDeny   bool // some of it may be newly denied
	Direction topology.Direction
	V6        bool
	Size      *big.Int // packets; one without ports counts once for each pair of addresses
	Parts     []Part   // that do not overlap
	Rest      *big.Int // packets that no part holds; 0: the parts are all
}

// Part is packets that the same rules match on both sides; the rules named
// decide its witness. Others of the part meet these rules too, but a rule of
// the same access may come before.
type Part struct {
	Boxes    []Box // that do not overlap, the first ones
	More     bool  // there are more boxes
	Size     *big.Int
	Witness  flowset.Packet
	Old, New Decision
}

// Decision is what one side does with a part's witness.
type Decision struct {
	Verdict              flow.Verdict
	Code                 flow.Code
	RuleName             string // "" where no rule decides
	Priority             int
	NetworkSecurityGroup string
	AppliedTo            string
	Default              bool             // a default rule decides
	Origin               *topology.Origin // of the rule
	Assumptions          []flow.Assumption
	Missing              []flow.Missing
}

// Has reports whether the report has traffic of one of the kinds.
func (r *Report) Has(kinds ...Kind) bool {
	return r.any(func(c *Change) bool { return slices.Contains(kinds, c.Kind) })
}

// Newly reports whether some traffic is newly allowed (or newly denied):
// certainly, or perhaps, where a side does not decide it, or where what leads
// packets or filters them beside NSGs is not as it was.
func (r *Report) Newly(access topology.Access) (certainly, perhaps bool) {
	kind := NewlyAllowed
	if access == topology.Deny {
		kind = NewlyDenied
	}
	way := func(e Element) bool {
		if access == topology.Deny {
			return e.MayDeny()
		}
		return e.MayAllow()
	}
	routed := func(x Routes) bool {
		return slices.ContainsFunc(x.Changes, func(c RouteChange) bool { return access == topology.Deny || !c.Drops() })
	}
	if r.Incomplete || slices.ContainsFunc(r.Elements, way) || slices.ContainsFunc(r.Routes, routed) {
		return r.Has(kind), true
	}
	return r.Has(kind), r.Unwaived || r.any(func(c *Change) bool {
		return c.Kind != kind && (access == topology.Deny && c.MayDeny || access != topology.Deny && c.MayAllow)
	})
}

// Undecided reports whether it is not known of some traffic how its verdict
// changes.
func (r *Report) Undecided() bool {
	return r.Unwaived || r.Incomplete || r.any(func(c *Change) bool { return c.Kind.Undecided() })
}

func (r *Report) any(holds func(*Change) bool) bool {
	for i := range r.Gates {
		for k := range r.Gates[i].Changes {
			if holds(&r.Gates[i].Changes[k]) {
				return true
			}
		}
	}
	return false
}

// Empty reports whether there is nothing to tell.
func (r *Report) Empty() bool { return len(r.Gates)+len(r.Routes)+len(r.Elements) == 0 }

// Changed reports whether something certainly changed: the verdict on some
// traffic, effective routes, or the resources.
func (r *Report) Changed() bool {
	return len(r.Elements)+len(r.Routes) > 0 || r.any(func(c *Change) bool { return c.Kind != StillUndecided })
}

// Compare says what changed from old to new. Both simulators should have the
// same settings. A service tag file that is not fresh is taken as current, and
// the report says so; in strict mode, where that is not waived, the report as a
// whole is undecided.
func Compare(ctx context.Context, old, new *sim.Simulator, opts Options) (*Report, error) {
	if opts.Parts == 0 {
		opts.Parts = 10
	}
	if opts.Boxes == 0 {
		opts.Boxes = 3
	}
	c := &comparison{ctx: ctx, opts: opts, sets: nsg.Digests{}}
	for i, s := range []*sim.Simulator{old, new} {
		current, stale, err := current(s)
		if err != nil {
			return nil, err
		}
		c.sides[i] = side{current}
		if stale == nil {
			continue
		}
		a := flow.Assumption{ID: stale.Assumption, About: stale.About, Text: stale.Text}
		if !slices.Contains(c.report.Assumptions, a) {
			c.report.Assumptions = append(c.report.Assumptions, a)
		}
		c.report.Unwaived = c.report.Unwaived || s.Options().Strict && !c.sides[i].waived(*stale)
	}
	c.report.Old, c.report.New = old.Catalogue(), new.Catalogue()
	for _, s := range c.sides {
		for _, g := range s.Network().Gaps {
			if g.Kind == topology.ListCut || g.Kind == topology.FileRefused {
				c.report.Incomplete = true
				c.note("not all can be compared: %s", g.Text)
			}
		}
	}
	for _, step := range []func() error{c.groups, c.interfaces, c.subnets, c.routes, c.elements} {
		if err := step(); err != nil {
			return nil, err
		}
		for _, s := range c.sides {
			if err := s.Names().Unread(); err != nil {
				return nil, err
			}
		}
	}
	return &c.report, nil
}

// comparison is one run of Compare.
type comparison struct {
	ctx    context.Context
	opts   Options
	sides  [2]side // old, new
	report Report
	sets   nsg.Digests

	subnetPairs []pair[*topology.Subnet]
	groupPairs  []pair[*topology.NetworkSecurityGroup]
	machines    map[netip.Addr]string
	cardPairs   []card
	toldSubnets map[topology.ID]bool
	naming      [2]map[topology.ID]*topology.VirtualMachine // by interface
}

// current is the simulator with a service tag file that is taken as current,
// and the assumption that this is where it is not fresh.
func current(s *sim.Simulator) (*sim.Simulator, *flow.Fact, error) {
	stale := s.Names().Stale()
	if stale == nil {
		return s, nil, nil
	}
	o := s.Options()
	if o.CatalogueDate.IsZero() {
		o.CatalogueDate = time.Unix(0, 0).UTC()
	}
	o.AsOf = o.CatalogueDate
	if d := s.Names().CatalogueDate(); !d.IsZero() {
		o.AsOf = d
	}
	x, err := sim.New(s.Network(), o)
	return x, stale, err
}

// disagreement is an internal error: the exact sets and IP flow differ.
func disagreement(where string, p flowset.Packet, set, asked flow.Verdict) error {
	return fmt.Errorf("%s: %v is in the part %s, asked alone it is %s", where, p, set, asked)
}
