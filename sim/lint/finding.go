package lint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Finding is one thing that a rule found.
type Finding struct {
	Rule     *Rule       // filled in by [Lint]
	Severity Severity    // "": that of the rule
	Subject  topology.ID // the resource it is about
	Name     string      // the part of the resource: a rule, a route, a prefix; "" for the whole
	Detail   string      // tells findings of one rule about one part apart; not printed
	Text     string      // what is found, one sentence
	Why      string      // why it matters here; "": as the rule says
	Fix      string      // what to do about it here; "": as the rule says
	Origin   topology.Origin
	Related  []Related
	Proof    *Proof // where it claims that something has no effect
	// Assumptions that the finding rests on; none in strict mode.
	Assumptions []flow.Assumption
	// Undecided: the data leaves open whether it is so; the text says what is
	// missing. It never fails a run.
	Undecided bool
	// Suppressed says by what the finding is accepted: it does not fail a run.
	// "" is not accepted.
	Suppressed string
}

// Related is another element that the finding is about.
type Related struct {
	Text   string
	Origin topology.Origin
}

// Proof says that a resource does the same without a part of it as with it:
// at every scope the allowed, denied and open packets are equal as sets.
type Proof struct {
	Scopes []ProofScope
}

// ProofScope are the sizes of the three sets at one place, in one direction
// and one family of addresses, with the part and without it.
type ProofScope struct {
	Place                 string // "subnet v1/app", or "" for an NSG without its virtual network
	Direction             topology.Direction
	IPv6                  bool
	Allowed, Denied, Open *big.Int // packets; one without ports counts once
}

// Fingerprint tells the finding from all others and stays the same when lines
// move: it is made of the rule's ID, the resource, the part of it and what tells
// it from others about that, in lower case.
func (f *Finding) Fingerprint() string {
	id := ""
	if f.Rule != nil {
		id = f.Rule.ID
	}
	parts := []string{id, string(f.Subject), strings.ToLower(f.Name)}
	if f.Detail != "" {
		parts = append(parts, strings.ToLower(f.Detail))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Fails reports whether the finding is certain, not suppressed, and of the
// severity or worse.
func (f *Finding) Fails(s Severity) bool {
	return !f.Undecided && f.Suppressed == "" && f.Severity.AtLeast(s)
}

// Concerns reports whether a suppression's pattern speaks of the finding: of
// its resource, of the part, or of both as "resource/part". "" speaks of all.
func (f *Finding) Concerns(about string) bool {
	return about == "" || flow.About(about, string(f.Subject)) || f.Name != "" && (flow.About(about, f.Name) || flow.About(about, f.Subject.Name()+"/"+f.Name))
}

// compare orders findings by file and line, then by rule.
func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Origin.File, b.Origin.File),
		cmp.Compare(a.Origin.Line, b.Origin.Line),
		cmp.Compare(a.Origin.Column, b.Origin.Column),
		cmp.Compare(a.Rule.ID, b.Rule.ID),
		cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Text, b.Text),
	)
}
