package lint

import (
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// quoted is a name of the data in a sentence.
func quoted(name string) string { return strconv.Quote(name) }

// ruleName is `rule "allow-web" (Inbound, 100, Allow)`.
func ruleName(r *topology.SecurityRule) string {
	return "rule " + quoted(r.Name) + " (" + r.Direction.String() + ", " + strconv.Itoa(r.Priority) + ", " + r.Access.String() + ")"
}

// subnetName is "v1/app".
func subnetName(s *topology.Subnet) string {
	parts := strings.Split(strings.TrimRight(s.ResourceID, "/"), "/")
	if len(parts) < 3 {
		return s.Name
	}
	return parts[len(parts)-3] + "/" + s.Name
}

// oneOrMore is `subnet v1/app` or `subnets v1/app, v1/db`.
func oneOrMore(kind string, names []string) string {
	if len(names) != 1 {
		kind += "s"
	}
	return kind + " " + fewOf(names)
}

// remote is the side of a rule that is not the interface's own.
func remote(r *topology.SecurityRule) *topology.Match {
	if r.Direction == topology.Inbound {
		return &r.Source
	}
	return &r.Destination
}

// remoteOption is the option of az network nsg rule update that sets the
// remote addresses.
func remoteOption(r *topology.SecurityRule) string {
	if r.Direction == topology.Inbound {
		return "--source-address-prefixes"
	}
	return "--destination-address-prefixes"
}

// tagOf is the tag that an address field names, "" where it names none.
func tagOf(list []topology.AddressPrefix) string {
	for i := range list {
		if list[i].Kind == topology.TagAddress {
			return list[i].Tag
		}
	}
	return ""
}
