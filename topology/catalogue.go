package topology

import (
	"net/netip"
	"time"
)

// ServiceTagCatalogue is a service tag file (or the API's answer), as read.
type ServiceTagCatalogue struct {
	Origin       Origin
	Cloud        string // "Public", "AzureGovernment", …
	ChangeNumber int
	Date         time.Time // from the file's name; zero where not known
	Cut          bool      // the file is one page of several (nextLink): other tags exist
	Tags         []*ServiceTag
}

// ServiceTag is one tag with its prefixes in file order, duplicates kept.
type ServiceTag struct {
	Name            string // "Storage.WestEurope"
	Region          string // ARM name, "" for a global tag
	RegionID        int
	SystemService   string // "AzureStorage"
	ChangeNumber    int
	NetworkFeatures []string
	Prefixes        PrefixList
	Refused         error // why the list of prefixes cannot be read: what needs the tag is refused; nil where it was read
	Origin          Origin
}

// DatacenterRanges is an "Azure Datacenter IP Ranges" file.
type DatacenterRanges struct {
	Origin  Origin
	Date    time.Time // from the file's name; zero where not known
	Regions []*DatacenterRegion
}

// DatacenterRegion is a region of the datacenter ranges.
type DatacenterRegion struct {
	Name     string // the backend name: "europewest"
	Location string // the ARM name: "westeurope"; "" where the name is not known
	Prefixes []netip.Prefix
	Origin   Origin
}

// GapKind says what kind of knowledge is missing.
type GapKind uint8

// The kinds of gap.
const (
	ListCut     GapKind = iota + 1 // nextLink, skipToken, resultTruncated: other elements of the type exist
	FileRefused                    // a file was refused under --keep-going: anything may be in it
	UnknownType                    // a resource of a type that is not modelled
)

// Gap is something the loader could not know.
type Gap struct {
	Kind         GapKind
	ResourceType string // "Microsoft.Network/networkSecurityGroups"; "" where anything may be missing
	Name         string // of the resource, where it has one
	Text         string
	Origin       Origin
}
