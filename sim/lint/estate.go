package lint

// estateRules are the rules about what is written and about the estate as a
// whole, NP1100 and up.
func estateRules() []*Rule {
	return []*Rule{
		widenedTag(), unknownTag(), otherRegion(), portList(), strayBlanks(), doubledTag(), hardCoded(), internetInDisguise(), openToAnyone(), refusedByAzure(), managementPortsOfGroup(),
		managementPorts(), unattachedGroup(), emptyApplicationGroup(), nextHop(), asymmetricReturn(), halfPeering(),
		singleProxy(), proxyUnreachable(), unguardedMachines(), gatewaySubnet(),
	}
}

// exampleTags is the service tag file beside the examples: four tags of one
// service in two regions, and of another.
const exampleTags = `{"changeNumber": 1, "cloud": "Public", "values": [
 {"name": "Storage", "properties": {"changeNumber": 1, "region": "", "systemService": "AzureStorage", "networkFeatures": ["API", "NSG"], "addressPrefixes": ["20.60.26.0/23", "20.60.40.0/23"]}},
 {"name": "Storage.WestEurope", "properties": {"changeNumber": 1, "region": "westeurope", "systemService": "AzureStorage", "networkFeatures": ["API", "NSG"], "addressPrefixes": ["20.60.26.0/23"]}},
 {"name": "Storage.NorthEurope", "properties": {"changeNumber": 1, "region": "northeurope", "systemService": "AzureStorage", "networkFeatures": ["API", "NSG"], "addressPrefixes": ["20.60.40.0/23"]}},
 {"name": "AzureBackup", "properties": {"changeNumber": 1, "region": "", "systemService": "AzureBackup", "networkFeatures": ["API", "NSG"], "addressPrefixes": ["40.74.30.96/28"]}}
]}
`
