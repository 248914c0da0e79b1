package servicetag

import "strings"

// Location is the ARM name of an Azure region given by any of its names: the
// ARM name itself ("westeurope"), the backend name of the datacenter ranges
// ("europewest"; XMLR) or the suffix of a regional service tag that differs
// from both ("centralfrance"; STJ). Letter case and blanks do not count
// ("West Europe"). known is false for a name that is in none of these lists;
// the name is then returned in its comparable form.
func Location(name string) (arm string, known bool) {
	name = fold(name)
	switch name {
	// Backend names that turn the words around or cut them short.
	case "asiaeast":
		return "eastasia", true
	case "asiasoutheast":
		return "southeastasia", true
	case "australiac":
		return "australiacentral", true
	case "australiac2":
		return "australiacentral2", true
	case "brazilse":
		return "brazilsoutheast", true
	case "chilec":
		return "chilecentral", true
	case "europenorth":
		return "northeurope", true
	case "europewest":
		return "westeurope", true
	case "francec", "centralfrance":
		return "francecentral", true
	case "frances", "southfrance":
		return "francesouth", true
	case "germanyn":
		return "germanynorth", true
	case "germanywc":
		return "germanywestcentral", true
	case "indiacentral":
		return "centralindia", true
	case "indiasouth":
		return "southindia", true
	case "indiawest":
		return "westindia", true
	case "norwaye":
		return "norwayeast", true
	case "norwayw":
		return "norwaywest", true
	case "southafrican":
		return "southafricanorth", true
	case "southafricaw":
		return "southafricawest", true
	case "switzerlandn":
		return "switzerlandnorth", true
	case "switzerlandw":
		return "switzerlandwest", true
	case "uaec":
		return "uaecentral", true
	case "uaen":
		return "uaenorth", true
	case "uscentral":
		return "centralus", true
	case "uscentraleuap":
		return "centraluseuap", true
	case "useast":
		return "eastus", true
	case "useast2":
		return "eastus2", true
	case "useast2euap":
		return "eastus2euap", true
	case "usnorth":
		return "northcentralus", true
	case "ussouth":
		return "southcentralus", true
	case "usstagec":
		return "southcentralusstg", true
	case "usstagee":
		return "eastusstg", true
	case "uswest":
		return "westus", true
	case "uswest2":
		return "westus2", true
	case "uswest3":
		return "westus3", true
	case "uswestcentral":
		return "westcentralus", true

	// Names that are ARM's own.
	case "australiacentral", "australiacentral2", "australiaeast", "australiasoutheast", "austriaeast",
		"belgiumcentral", "brazilsouth", "brazilsoutheast", "canadacentral", "canadaeast", "centralindia",
		"centralus", "centraluseuap", "chilecentral", "eastasia", "eastus", "eastus2", "eastus2euap", "eastusstg",
		"francecentral", "francesouth", "germanynorth", "germanywestcentral", "indonesiacentral",
		"israelcentral", "israelnorthwest", "italynorth", "japaneast", "japanwest", "jioindiacentral",
		"jioindiawest", "koreacentral", "koreasouth", "malaysiasouth", "malaysiawest", "mexicocentral",
		"newzealandnorth", "northcentralus", "northeurope", "northeurope2", "norwayeast", "norwaywest",
		"polandcentral", "qatarcentral", "southafricanorth", "southafricawest", "southcentralus",
		"southcentralus2", "southcentralusstg", "southeastasia", "southeastus", "southeastus3", "southindia",
		"spaincentral", "swedencentral", "swedensouth", "switzerlandnorth", "switzerlandwest", "taiwannorth",
		"taiwannorthwest", "uaecentral", "uaenorth", "uksouth", "ukwest", "westcentralus", "westeurope",
		"westindia", "westus", "westus2", "westus3",
		// National clouds.
		"chinaeast", "chinaeast2", "chinaeast3", "chinanorth", "chinanorth2", "chinanorth3",
		"germanycentral", "germanynortheast",
		"usdodcentral", "usdodeast", "usgovarizona", "usgovtexas", "usgovvirginia":
		return name, true
	}
	return name, false
}

// fold is the comparable form of a name: lower case, without blanks (STJ).
func fold(name string) string {
	if strings.ContainsAny(name, " \t\r\n\u00a0") {
		name = strings.Join(strings.Fields(name), "")
	}
	return strings.ToLower(name)
}

// canonical is the comparable form of a tag's name with the ARM name of its
// region: "Storage.Central France" and "Storage.FranceCentral" are both
// "storage.francecentral". base is the part before the region, "" where the
// name has no region that is known.
func canonical(name string) (full, base string) {
	name = fold(name)
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, ""
	}
	if arm, known := Location(name[dot+1:]); known {
		return name[:dot+1] + arm, name[:dot]
	}
	return name, ""
}
