package backup

import "strings"

// suffixes are the host name suffixes of the public cloud and what stands for
// them in a national one; that they are these is general knowledge, not read in
// a source of the specification.
type suffixes map[string]string

// nationalSuffixes are those of the cloud that a service tag file names, or
// that a region lies in; nil for the public one.
func nationalSuffixes(cloud, region string) suffixes {
	switch {
	case cloud == "China" || cloud == "AzureChina" || strings.HasPrefix(region, "china"):
		return suffixes{"core.windows.net": "core.chinacloudapi.cn", "backup.windowsazure.com": "backup.windowsazure.cn",
			"login.microsoftonline.com": "login.chinacloudapi.cn", "login.windows.net": "login.chinacloudapi.cn"}
	case cloud == "AzureGovernment" || strings.HasPrefix(region, "usgov") || strings.HasPrefix(region, "usdod"):
		return suffixes{"core.windows.net": "core.usgovcloudapi.net", "backup.windowsazure.com": "backup.windowsazure.us",
			"login.microsoftonline.com": "login.microsoftonline.us", "login.windows.net": "login.microsoftonline.us"}
	case cloud == "AzureGermany" || region == "germanycentral" || region == "germanynortheast":
		return suffixes{"core.windows.net": "core.cloudapi.de", "backup.windowsazure.com": "backup.windowsazure.de",
			"login.microsoftonline.com": "login.microsoftonline.de", "login.windows.net": "login.microsoftonline.de"}
	}
	return nil
}

// hosts are the names behind a tag in the machine's cloud; one empty name where
// none is known.
func (x *subject) hosts(o Outbound) []string {
	if len(o.Hosts) == 0 {
		return []string{""}
	}
	cloud := ""
	if c := x.net.ServiceTags; c != nil {
		cloud = c.Cloud
	}
	national := nationalSuffixes(cloud, x.region)
	if national == nil {
		return o.Hosts
	}
	out := make([]string, len(o.Hosts))
	for i, h := range o.Hosts {
		out[i] = h
		for public, other := range national {
			if stem, ok := strings.CutSuffix(h, public); ok {
				out[i] = stem + other
			}
		}
	}
	return out
}
