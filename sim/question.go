package sim

import (
	"net/netip"
	"time"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Options are the settings of a [Simulator]. The zero value is the default
// mode with an age of the service tag file that is not known.
type Options struct {
	// AsOf is today, against which the age of the service tag file is
	// measured; the zero time leaves the age unknown.
	AsOf time.Time
	// CatalogueDate is the date of the service tag file where its name does
	// not say it.
	CatalogueDate time.Time
	// Strict counts a verdict that rests on an unwaived assumption as Unknown.
	Strict bool
	// Waivers are the assumptions that strict mode accepts.
	Waivers []flow.Waiver
	// VirtualNetwork is the whole content of the VirtualNetwork tag (beside
	// 168.63.129.16) of an NSG whose virtual network is not in the data.
	VirtualNetwork []netip.Prefix
}

// Endpoint is an address and a port of an IP flow question.
type Endpoint struct {
	Address netip.Addr
	Port    uint16
	AnyPort bool // every port is asked; Port does not count
}

// IPFlowQuestion asks the NSGs (and admin rules) of one interface, like
// Network Watcher's IP flow verify. NSG, Interface and VM are names as on the
// command line; at most one is set. With none the interface that owns Local
// is asked.
type IPFlowQuestion struct {
	NSG       string // that NSG alone
	Interface string
	VM        string
	Direction topology.Direction
	Protocol  topology.Protocol // AnyProtocol asks all five
	Local     Endpoint
	Remote    Endpoint
	AllRules  bool // list the evaluation of every rule, not only up to the match

	// Place, with NSG, is where the NSG is asked, whatever subnet owns Local;
	// nil: at that subnet.
	Place *scope.Place
}

// TraceQuestion asks for the whole path.
type TraceQuestion struct {
	From, To    string            // as on the command line: VM, interface, IP configuration by its ID, address, CIDR, tag, Internet, datacenter:region, tag:name, host name
	Protocol    topology.Protocol // NoProtocol is TCP; AnyProtocol asks all five
	Port        uint16
	AnyPort     bool
	Within      *topology.PortRange // with AnyPort: of these ports alone; nil: of all
	SourcePort  uint16              // 0 with AnySourcePort
	FixedSource bool                // SourcePort counts; otherwise every source port is asked
	NoProxy     bool                // the direct path of a VM that has a proxy configured
	AllBlockers bool                // go on past the first Deny
	Disputed    bool                // Internet is every public address, those too that sources leave out of the tag: for questions that must miss no way in or out
	AnyHost     bool                // no host name is taken for what addresses and tags of To are asked by: at gates that compare names, whatever names they have; for questions that must hold for all of them

	// Proxy is a setting that the VM is asked with in the place of its own;
	// nil: its own. Its scope does not count.
	Proxy *topology.ProxySetting
	// Host is the host name asked for where To is a set of addresses: what a
	// proxy's allow list and a firewall's application rules go by. "*.suffix" is
	// some name that ends so, not known which.
	Host string
}

// NameError says that a name of a question names nothing, or several things.
// It is a usage error (exit 2).
type NameError struct {
	Kind       string   // "virtual machine", "network security group", "address", …
	Name       string   // as asked
	Candidates []string // several fit: which
	Nearest    []string // nothing fits: the nearest names
	Reason     string   // anything else to say
}

func (e *NameError) Error() string {
	s := e.Kind + " " + quote(e.Name)
	switch {
	case len(e.Candidates) > 0:
		s += " is ambiguous: " + join(e.Candidates)
	case e.Reason != "":
		s += ": " + e.Reason
	default:
		s += " is not in the estate"
	}
	if len(e.Nearest) > 0 {
		s += " (nearest: " + join(e.Nearest) + ")"
	}
	return s
}
