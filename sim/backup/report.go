package backup

import (
	"net/netip"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Verdict is the answer about a machine, a way out or a readiness check. The
// zero value is Unknown, which never counts as Pass.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Pass
	Fail
)

// String is "Unknown", "Pass" or "Fail".
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "Pass"
	case Fail:
		return "Fail"
	default:
		return "Unknown"
	}
}

// MarshalText makes the verdict its word in JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Way is how a machine gets out to what backup needs.
type Way string

// The ways. The first three are those of the 2018 article (BK18); a report
// evaluates each of them on its own. The others say what is in use where none
// of the three is.
const (
	ServiceTag       Way = "serviceTag"       // a rule that names a service tag lets it out
	DatacenterRanges Way = "datacenterRanges" // a rule made of address ranges lets it out
	Proxy            Way = "proxy"            // through an HTTP proxy, set for the system account
	Open             Way = "open"             // a broader or default rule lets it out
	None             Way = "none"             // it is stopped
	NotNeeded        Way = "notNeeded"        // the profile requires nothing outbound
	Platform         Way = "platform"         // of a requirement: the host's own address, which is never filtered (168)
)

// Report is what [Examine] returns.
type Report struct {
	Profiles    []*Profile         // as asked for
	VMs         []VM               // in the order of the estate, or of the question
	ServiceTags *sim.CatalogueInfo // nil: no service tag file
	Ranges      *RangesInfo        // nil: no datacenter ranges file
	Notes       []string           // what holds for the whole report
	Without     *Removal           // what goes, where that was asked
	Changes     []Change           // the machines that fare differently without it
	Tradeoffs   []Tradeoff         // the three ways side by side, where remedies were looked for and a machine does not pass
}

// RangesInfo names the datacenter ranges file behind a report. It has no age
// limit: such files are history (last published in 2020).
type RangesInfo struct {
	File    string `json:"file"`
	Regions int    `json:"regions"`
}

// VM is what a report says of one virtual machine.
type VM struct {
	Machine          *topology.VirtualMachine
	Name             string
	Region           string // ARM location whose services are asked, "" where not known
	Verdict          Verdict
	UnderAssumptions string // strict mode: the verdict with its assumptions
	Way              Way    // in use
	Reason           string // one line: what decides the verdict
	Requirements     []Requirement
	Ways             []WayResult // the way in use first; empty where nothing outbound is required
	Readiness        []Check
	Remedies         []Remedy
	Hindrances       []Hindrance       // why a way has no remedy, where remedies were looked for
	Assumptions      []flow.Assumption // of the requirements and the checks
	Missing          []flow.Missing    // what would settle what is Unknown
}

// Requirement is one destination that a profile needs, with the answer for the
// way that the machine really uses.
type Requirement struct {
	Profile          string // that requires it
	Name             string // "storage-https"
	Tag              string // service tag with its region, "" where an address is required
	Destination      string // the tag, or the address
	Protocol         topology.Protocol
	Port             uint16
	Verdict          flow.Verdict
	UnderAssumptions string  // strict mode: the verdict with its assumptions
	Met              Verdict // Fail where a part of it is certainly stopped
	Via              Way     // by which way it goes or is stopped
	Through          string  // of the proxy: "proxy1 (10.0.0.5:8080)"
	Code             flow.Code
	RuleName         string // the deciding rule, with its priority and NSG
	Priority         int
	NSG              string
	Origin           *topology.Origin // of what decides
	Leg              string           // the first leg that stops it or is not known, "" where none
	Text             string           // what stops it, what lets it out, or why it cannot be asked
	Coverage         *Coverage        // of a destination whose prefixes are known, nil for others
	Assumptions      []flow.Assumption
	Missing          []flow.Missing
	Trace            *sim.Trace // the whole path, past the first gate that denies; nil where it cannot be asked

	hosts []string // the names behind the tag; one empty name where none is known
	under Verdict  // Met with the assumptions of strict mode granted
}

// Coverage says how much of a destination that is a set passes.
type Coverage struct {
	Prefixes int            // of the destination
	Allowed  int            // prefixes of it that pass whole
	Denied   []netip.Prefix // exact parts that are certainly stopped
	Unknown  []netip.Prefix // exact parts that are not decided
}

// WayResult is one of the three ways, evaluated on its own: as if it were the
// one to be used for everything that the profiles require.
type WayResult struct {
	Way         Way
	InUse       bool
	Verdict     Verdict
	Requirement string        // name of the requirement that decides
	Failing     string        // name of the first leg that does not pass, "" where all do
	Text        string        // one line: why
	Legs        []Leg         // in the order the traffic takes them
	Rules       *RuleCoverage // datacenter ranges: what the rules made of ranges cover; nil where there are none
	Through     string        // proxy: which, "proxy1 (10.0.0.5:8080)"
}

// Leg is one step of a way. Its Outcome holds the hops of the trace that
// belong to it.
type Leg struct {
	Name    string       // one of the Leg constants
	Step    int          // of the 2018 article's proxy set-up, 1 to 3; 0: not one of its steps
	Verdict flow.Verdict // Unknown where it was not reached or not decided
	Skipped bool         // not reached: an earlier leg ends the way
	Text    string       // what decides
	Code    flow.Code
	Hops    []sim.Hop // none where the leg is no path
	Origin  *topology.Origin
	Export  string // the command that would settle an Unknown
}

// The legs of the direct ways, then those of the way through a proxy.
const (
	LegRules  = "outbound-rules" // NSGs and security admin rules at the machine
	LegRoute  = "route"          // routes, peerings, appliances and firewalls
	LegEgress = "egress"         // the way out to the Internet

	LegSetting        = "client-setting"       // step 1: the proxy is set for the system account
	LegToProxy        = "machine-to-proxy"     // step 1: the machine's own rules and routes
	LegProxyGates     = "proxy-gates"          // step 2: the NSGs before the proxy
	LegProxyFirewall  = "proxy-host-firewall"  // step 2: the guest firewall of the proxy
	LegProxyService   = "proxy-service"        // the proxy listens on the port
	LegAuthentication = "proxy-authentication" // it asks for no password
	LegAllowList      = "proxy-allow-list"     // it lets the host name pass
	LegFromProxy      = "proxy-to-destination" // step 3: the proxy's own rules, routes and egress
)

// RuleCoverage compares the address ranges of rules with the prefixes that a
// region's service has by a service tag file and by a datacenter ranges file.
type RuleCoverage struct {
	Rules    []string       // names of the rules, "NSG/rule"
	Prefixes int            // ranges that the rules list
	Source   string         // the tag or region they are compared with
	Total    int            // prefixes of the source
	Covered  int            // of those, prefixes that the rules cover whole
	Missing  []netip.Prefix // of the source, not covered
	Stale    []netip.Prefix // of the rules, not or no longer wholly in the file
}

// Check is one readiness check (spec 9.4).
type Check struct {
	Name    string           `json:"check"`
	Verdict Verdict          `json:"verdict"`
	Profile string           `json:"profile,omitempty"` // whose limit it is, where profiles differ
	Found   any              `json:"found,omitempty"`   // a number or a text; nil where not known
	Limit   any              `json:"limit,omitempty"`   // a number or a text; nil where there is none
	Text    string           `json:"text,omitempty"`
	Source  string           `json:"source,omitempty"` // key of the specification
	Export  string           `json:"export,omitempty"` // Unknown: the command that would say it
	Origin  *topology.Origin `json:"origin,omitempty"`

	Assumptions []flow.Assumption `json:"assumptions,omitempty"`
}
