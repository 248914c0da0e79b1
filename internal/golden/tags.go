package golden

import (
	"strings"
	"time"

	"github.com/netpath/netpath/topology"
)

// Date is the date of the fixture's service tag file.
var Date = time.Date(2025, time.October, 27, 0, 0, 0, 0, time.UTC)

// AsOf is three days after Date: the file is fresh.
var AsOf = Date.AddDate(0, 0, 3)

// ServiceTags returns the fixture's service tag file. Like Azure's own it
// lists a prefix under every tag that holds it.
func ServiceTags() *topology.ServiceTagCatalogue {
	return &topology.ServiceTagCatalogue{
		Origin: topology.Origin{File: "ServiceTags_Public_20251027.json"}, Cloud: "Public", ChangeNumber: 375, Date: Date,
		Tags: []*topology.ServiceTag{
			Tag("AzureActiveDirectory", "", "20.190.128.0/18"),
			Tag("AzureBackup", "", "40.74.30.96/28"),
			Tag("AzureCloud", "", "20.60.24.0/21", "20.60.40.0/23", "20.190.128.0/18", "40.74.30.96/28"),
			Tag("AzureCloud.westeurope", "westeurope", "20.60.24.0/21"),
			Tag("Storage", "", "20.60.26.0/23", "20.60.40.0/23"),
			Tag("Storage.NorthEurope", "northeurope", "20.60.40.0/23"),
			Tag("Storage.WestEurope", "westeurope", "20.60.26.0/23"),
		},
	}
}

// Tag is one service tag; region is "" for a global one.
func Tag(name, region string, cidrs ...string) *topology.ServiceTag {
	service, _, _ := strings.Cut(name, ".")
	if !strings.HasPrefix(service, "Azure") {
		service = "Azure" + service
	}
	return &topology.ServiceTag{
		Name: name, Region: region, SystemService: service, ChangeNumber: 1,
		NetworkFeatures: []string{"API", "NSG", "UDR", "FW"}, Prefixes: topology.MakePrefixList(prefixes(cidrs...)...),
		Origin: topology.Origin{File: "ServiceTags_Public_20251027.json", Pointer: "/values/" + name},
	}
}

// Region is one region of a datacenter ranges file: its backend name
// ("europewest"), its ARM name ("westeurope") and its ranges.
func Region(name, location string, cidrs ...string) *topology.DatacenterRegion {
	return &topology.DatacenterRegion{
		Name: name, Location: location, Prefixes: prefixes(cidrs...),
		Origin: topology.Origin{File: "PublicIPs_20180129.xml", Pointer: "/AzurePublicIpAddresses/Region[" + name + "]"},
	}
}
