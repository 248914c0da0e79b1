//go:build unix

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

const tagFileName = "ServiceTags_Public_20261120.json"

// The edited places of the first rule of nsg-app.json: a source, a port and a
// protocol.
const (
	atSource   = "nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): "
	atPort     = "nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): "
	atProtocol = "nsg-app.json:17:23 (/properties/securityRules/0/properties/protocol): "
	anAddress  = "expected an IP address or CIDR block, found "
	aPortRange = "expected a port from 0 to 65535, a range a-b, or *, found "

	plainDecimal = "; write it in plain decimal digits, without leading zeros"
)

// source starts with the estate where the rule allow-web has another source.
func (c *inputCase) source(address string) {
	c.Helper()
	c.export(nsgFile, aSource, `"sourceAddressPrefix": "`+address+`"`)
}

// port starts with the estate where the rule allow-web has another port.
func (c *inputCase) port(port string) {
	c.Helper()
	c.export(nsgFile, aPort, `"destinationPortRange": "`+port+`"`)
}

// defaults are the six default rules as exports give them, with texts replaced.
func defaults(oldNew ...string) string {
	const rule = `{"name": "%s", "id": "` + armID + `networkSecurityGroups/nsg-app/defaultSecurityRules/%[1]s", "properties": {"provisioningState": "Succeeded", "priority": %d, "direction": "%s", "access": "%s", "protocol": "*",
		"sourceAddressPrefix": "%s", "sourcePortRange": "*", "destinationAddressPrefix": "%s", "destinationPortRange": "*"}}`
	list := []string{
		fmt.Sprintf(rule, "AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
		fmt.Sprintf(rule, "AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
		fmt.Sprintf(rule, "DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
		fmt.Sprintf(rule, "AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
		fmt.Sprintf(rule, "AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
		fmt.Sprintf(rule, "DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
	}
	return strings.NewReplacer(oldNew...).Replace("[\n" + strings.Join(list, ",\n") + "\n]")
}

// withDefaults starts with the estate where nsg-app has default rules.
func (c *inputCase) withDefaults(list string) {
	c.Helper()
	c.export(nsgFile, `"securityRules": [`, `"defaultSecurityRules": `+list+`,
    "securityRules": [`)
}

var valueRows = []inputRow{
	{81, "host bits set", func(c *inputCase) {
		c.source("10.0.2.77/24")
		c.warned(`nsg-app.json:18: 10.0.2.77/24 has host bits set and is read as 10.0.2.0/24; write the network address`)
		c.export("vnets.json", `["10.1.0.0/16"]`, `["10.1.3.4/16"]`)
		c.warned(`vnets.json:59: 10.1.3.4/16 has host bits set and is read as 10.1.0.0/16; write the network address`)
	}},
	{82, "leading zeros in an address", func(c *inputCase) {
		c.source("010.0.2.0/24")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "010.0.2.0/24"; each of the four numbers goes from 0 to 255, without leading zeros`)
		c.export("nics.json", `"10.0.1.4"`, `"10.0.1.04"`)
		c.refused(`nics.json:19:33 (/0/properties/ipConfigurations/0/properties/privateIPAddress): expected an IP address, found "10.0.1.04"; each of the four numbers goes from 0 to 255, without leading zeros`)
	}},
	{83, "prefix lengths that are none", func(c *inputCase) {
		for _, length := range []string{"33", "08", "+8", "", "-1", "24/24", "1e1"} {
			c.source("10.0.2.0/" + length)
			c.refused(atSource + `expected a prefix length from 0 to 32, found "10.0.2.0/` + length + `"`)
		}
		c.source("10.0.2.0/ 24")
		c.refused(atSource + anAddress + `"10.0.2.0/ 24"; write each address as its own list item (PowerShell: ConvertTo-Json -Depth 100)`)
		c.source("10.0.2.0/255.255.255.0")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected a prefix length from 0 to 32, found "10.0.2.0/255.255.255.0"; write the mask as a prefix length, such as /24`)
		c.source("2001:db8::/129")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected a prefix length from 0 to 128, found "2001:db8::/129"`)
		c.source("10.0.2.4") // a bare address is a block of one
		c.expect(nil, nil)
		c.source("10.0.2.5")
		c.expect([]string{"web Deny NSG_RULE_DENY deny-db"}, nil)
	}},
	{84, "IPv4 written as IPv6", func(c *inputCase) {
		c.source("::ffff:10.0.2.0/120")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "::ffff:10.0.2.0/120"; write the IPv4 address 10.0.2.0 without ::ffff:`)
		c.source("::ffff:10.0.2.4")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "::ffff:10.0.2.4"; write the IPv4 address 10.0.2.4 without ::ffff:`)
		c.source("::ffff:a00:200/120")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "::ffff:a00:200/120"; write the IPv4 address 10.0.2.0 without ::ffff:`)
	}},
	{85, "an address with a zone", func(c *inputCase) {
		c.source("fe80::1%eth0")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block without a zone, found "fe80::1%eth0"; remove %eth0`)
		c.source("fe80::%1/64")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block without a zone, found "fe80::%1/64"; remove %1`)
	}},
	{86, "spellings of IPv6", func(c *inputCase) {
		ask := func(address string) {
			c.export(nsgFile, aSource, `"sourceAddressPrefix": "`+address+`"`, `"destinationAddressPrefix": "10.0.1.0/24"`, `"destinationAddressPrefix": "2001:db8:0:1::/64"`)
			flow := func(remote string) []string {
				return []string{"ip-flow", ".", "--nsg", "nsg-app", "--direction", "Inbound", "--local", "[2001:db8:0:1::4]:443", "--remote", remote, "--virtual-network", "2001:db8:0:1::/64"}
			}
			c.answer("Allow NSG_RULE_ALLOW allow-web", flow("2001:db8::2")...)
			c.answer("Deny NSG_RULE_DENY DenyAllInBound", flow("2001:db8::3")...)
		}
		for _, spelling := range []string{"2001:db8::2", "2001:DB8::2", "2001:0db8:0000:0000:0000:0000:0000:0002", "2001:db8:0:0:0:0:0.0.0.2", "2001:db8::2/128"} {
			ask(spelling)
		}
	}},
	{87, "addresses in other notations", func(c *inputCase) {
		for _, a := range []struct{ address, hint string }{
			{"10.0/8", "write all four numbers of the IPv4 address"}, {"10.0.2", "write all four numbers of the IPv4 address"},
			{"0x0a.0.2.4", "write IPv4 addresses as four decimal numbers"}, {"0x0a000204", "write IPv4 addresses as four decimal numbers"},
			{"167772676", "write IPv4 addresses as four decimal numbers"}, {"10.0.2.256", "each of the four numbers goes from 0 to 255, without leading zeros"},
		} {
			c.source(a.address)
			c.refused(atSource + anAddress + `"` + a.address + `"; ` + a.hint)
		}
	}},
	{88, "a range of addresses", func(c *inputCase) {
		c.source("10.0.2.0-10.0.2.255")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "10.0.2.0-10.0.2.255"; a range a-b is not allowed here; write the CIDR blocks that cover it`)
		c.export("route-table.json", `"10.9.0.0/16"`, `"10.9.0.0-10.9.255.255"`)
		c.refused(`route-table.json:15:28 (/properties/routes/0/properties/addressPrefix): expected an IP address or CIDR block, found "10.9.0.0-10.9.255.255"; a range a-b is not allowed here; write the CIDR blocks that cover it`)
	}},
	{89, "*, 0.0.0.0/0 and Internet", func(c *inputCase) {
		six := []string{"ip-flow", ".", "--nsg", "nsg-app", "--direction", "Outbound", "--local", "2001:db8:0:1::4", "--remote", "[2606:4700::1]:443", "--virtual-network", "2001:db8:0:1::/64,10.0.0.0/16"}
		inside := []string{"ip-flow", ".", "--nsg", "nsg-app", "--direction", "Outbound", "--local", "10.0.1.4", "--remote", "10.0.2.4:443", "--virtual-network", "10.0.0.0/16"}
		outside := []string{"ip-flow", ".", "--nsg", "nsg-app", "--direction", "Outbound", "--local", "10.0.1.4", "--remote", "203.0.113.9:443", "--virtual-network", "10.0.0.0/16"}
		for _, set := range []struct{ text, six, inside string }{
			{"Internet", "Deny NSG_RULE_DENY deny-internet", "Allow NSG_RULE_ALLOW AllowVnetOutBound"},
			{"*", "Deny NSG_RULE_DENY deny-internet", "Deny NSG_RULE_DENY deny-internet"},
			{"0.0.0.0/0", "Allow NSG_RULE_ALLOW AllowInternetOutBound", "Deny NSG_RULE_DENY deny-internet"},
		} {
			c.export(nsgFile, `"destinationAddressPrefix": "Internet"`, `"destinationAddressPrefix": "`+set.text+`"`)
			c.answer(set.six, six...)
			c.answer(set.inside, inside...)
			c.answer("Deny NSG_RULE_DENY deny-internet", outside...)
		}
	}},
	{90, "an empty list of addresses", func(c *inputCase) {
		c.export(nsgFile, aSource, `"sourceAddressPrefixes": []`)
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected an address or an application security group: there is no sourceAddressPrefix; a rule that means every address says "*"`)
		c.export(nsgFile, aSource, `"sourceAddressPrefix": "", "sourceAddressPrefixes": [], "sourceApplicationSecurityGroups": []`)
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an address or an application security group, found ""; a rule that means every address says "*"`)
		c.export(nsgFile, aPort, `"destinationPortRanges": []`)
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected a port, a range or *: there is no destinationPortRange; a rule that means every port says "*"`)
		c.export("vnets.json", `["10.0.0.0/16"]`, `[]`)
		c.refused(`vnets.json:9:23 (/0/properties/addressSpace): expected an address space, found an object`)
	}},
	{91, "IPv4 and IPv6 in one rule", func(c *inputCase) {
		c.export(nsgFile, aSource, `"sourceAddressPrefixes": ["10.0.2.0/24", "2001:db8::/32"]`)
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected one address family in a rule, found 10.0.1.0/24 and 2001:db8::/32 (ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies); write one rule for each family`)
		c.source("2001:db8::/32") // the destination is IPv4
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected one address family in a rule, found 10.0.1.0/24 and 2001:db8::/32 (ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies); write one rule for each family`)
	}},
	{92, "blanks around a text", func(c *inputCase) {
		c.source(" 10.0.2.0/24 ")
		c.warned(`nsg-app.json:18: blanks around " 10.0.2.0/24 " are ignored`)
		c.port(" 443")
		c.warned(`nsg-app.json:21: blanks around " 443" are ignored`)
		c.export(nsgFile, anAccess, `"access": "Allow "`)
		c.warned(`nsg-app.json:16: blanks around "Allow " are ignored`)
		c.export(nsgFile, `"Storage.WestEurope"`, `" Storage.WestEurope\t"`)
		c.warned(`nsg-app.json:50: blanks around " Storage.WestEurope\t" are ignored`)
	}},
	{93, "a tag that is misspelt or without a tag file", func(c *inputCase) {
		// By its name it is a part of Storage, which holds 20.38.0.9 too.
		c.export(nsgFile, "Storage.WestEurope", "Storage.WestEurop")
		c.expect([]string{"storage Unknown UNKNOWN_TAG", "other Unknown UNKNOWN_TAG"}, []string{`nsg-app.json:50: the service tag "Storage.WestEurop" is not in ServiceTags_Public_20261120.json: what it holds is not known; nearest: Storage.WestEurope`})
		c.export(nsgFile, "Storage.WestEurope", "Strage")
		c.expect([]string{"storage Unknown UNKNOWN_TAG", "other Unknown UNKNOWN_TAG", "out Unknown UNKNOWN_TAG"}, []string{`nsg-app.json:50: the service tag "Strage" is not in ServiceTags_Public_20261120.json: what it holds is not known; nearest: Storage`})
		c.export(nsgFile)
		if err := os.Remove(tagFileName); err != nil {
			c.Fatal(err)
		}
		c.expect([]string{"storage Unknown UNKNOWN_TAG", "other Unknown UNKNOWN_TAG", "out Unknown UNKNOWN_TAG"}, nil)
	}},
	{94, "a tag of another region or cloud", func(c *inputCase) {
		for _, tag := range []string{"Storage.USGovVirginia", "Storage.ChinaEast2"} {
			c.export(nsgFile, "Storage.WestEurope", tag)
			c.expect([]string{"storage Unknown UNKNOWN_TAG", "other Unknown UNKNOWN_TAG"}, []string{
				`nsg-app.json:50: the service tag "` + tag + `" is not in ServiceTags_Public_20261120.json: what it holds is not known`})
		}
	}},
	{95, "a tag file that is too old", func(c *inputCase) {
		c.export(nsgFile)
		if err := os.Rename(tagFileName, "ServiceTags_Public_20261010.json"); err != nil { // 45 days
			c.Fatal(err)
		}
		c.expect([]string{
			"storage Allow NSG_RULE_ALLOW allow-storage assuming CATALOGUE_CURRENT", "other Deny NSG_RULE_DENY deny-internet assuming CATALOGUE_CURRENT",
			"out Deny NSG_RULE_DENY deny-internet assuming CATALOGUE_CURRENT",
		}, nil)
		c.answer("Unknown UNWAIVED_ASSUMPTION allow-storage assuming CATALOGUE_CURRENT", trace("app1", "20.60.0.9", "443", "--ci")...)
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "443", "--ci")...)
		c.export(nsgFile)
		if err := os.Rename(tagFileName, "ServiceTags_Public_20261110.json"); err != nil { // 14 days
			c.Fatal(err)
		}
		c.expect(nil, []string{`ServiceTags_Public_20261110.json: the service tag file is 14 days old; a new one comes out every week`})
	}},
	{96, "an application security group without members or without its export", func(c *inputCase) {
		const group = `"sourceApplicationSecurityGroups": [{"id": "` + armID + `applicationSecurityGroups/asg-web"}]`
		asg := func() {
			c.export(nsgFile, aSource, group)
			c.write("asg.json", `{"id": "`+armID+`applicationSecurityGroups/asg-web", "name": "asg-web", "type": "Microsoft.Network/applicationSecurityGroups", "location": "westeurope", "properties": {}}`)
		}
		// db1 says itself that it is in no group: the rule is not for it.
		asg()
		c.expect([]string{"web Deny NSG_RULE_DENY deny-db"}, nil)
		// An address that no interface in the data owns may be a member.
		c.answer("Unknown ASG_MEMBERS_UNKNOWN", trace("10.0.2.99", "app1", "443")...)
		c.answer("Deny NSG_RULE_DENY deny-db", trace("10.0.2.99", "app1", "22")...)
		// The same without the group's own export.
		c.export(nsgFile, aSource, group)
		c.expect([]string{"web Deny NSG_RULE_DENY deny-db"}, nil)
		c.answer("Unknown ASG_MEMBERS_UNKNOWN", trace("10.0.2.99", "app1", "443")...)
		// With db1 in it the answer is that of the whole estate.
		asg()
		c.edit("nics.json", `"privateIPAddress": "10.0.2.4"`, `"applicationSecurityGroups": [{"id": "`+armID+`applicationSecurityGroups/asg-web"}], "privateIPAddress": "10.0.2.4"`)
		c.expect(nil, nil)
	}},
	{97, "port 0", func(c *inputCase) {
		c.port("0")
		c.expect([]string{"web Deny NSG_RULE_DENY deny-db"}, []string{`nsg-app.json:21: port 0 is in the range "0": no real flow has it`})
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "0")...)
		c.port("0-443")
		c.expect([]string{"ssh Allow NSG_RULE_ALLOW allow-web"}, []string{`nsg-app.json:21: port 0 is in the range "0-443": no real flow has it`})
	}},
	{98, "ports that are none", func(c *inputCase) {
		for port, hint := range map[string]string{"65536": "", "-1": "", "+443": plainDecimal, "0443": plainDecimal, "４４３": "", "4 43": "; write the range without blanks", "1e2": plainDecimal, "0x1bb": plainDecimal, "https": ""} {
			c.port(port)
			c.refused(atPort + aPortRange + `"` + port + `"` + hint)
		}
		c.export(nsgFile, aPort, `"destinationPortRange": 65536`)
		c.refused(`nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found 65536`)
	}},
	{99, "port ranges that are none", func(c *inputCase) {
		for _, port := range []string{"443-", "-443", "80--443", "80-443-500", "80:443"} {
			c.port(port)
			c.refused(atPort + aPortRange + `"` + port + `"`)
		}
		c.port("443-80")
		c.refused(atPort + `expected a range whose first port is not above its last, found "443-80"`)
		c.port("80 - 443")
		c.refused(atPort + aPortRange + `"80 - 443"; write the range without blanks`)
	}},
	{100, "a list in a single field", func(c *inputCase) {
		c.port("80,443")
		c.refused(`nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found "80,443"; list several ports in the plural property (SecurityRuleInvalidPortRange)`)
		c.port("80, 443")
		c.refused(`nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found "80, 443"; list several ports in the plural property (SecurityRuleInvalidPortRange)`)
		c.source("10.0.2.0/25,10.0.2.128/25")
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an IP address or CIDR block, found "10.0.2.0/25,10.0.2.128/25"; write each address as its own list item (PowerShell: ConvertTo-Json -Depth 100)`)
	}},
	{101, "ports in a rule for ICMP, ESP or AH", func(c *inputCase) {
		for _, protocol := range []string{"Icmp", "Esp", "Ah"} {
			c.export(nsgFile, aProtocol, `"protocol": "`+protocol+`"`)
			c.expect([]string{"web Deny NSG_RULE_DENY deny-db"}, []string{`nsg-app.json:9: rule "allow-web" names ports, which its protocol does not have: they are ignored; write "*" for the ports`})
			c.answer("Allow NSG_RULE_ALLOW allow-web assuming PROPERTY_NOT_MODELLED", "trace", ".", "--from", "db1", "--to", "app1", "--protocol", protocol)
		}
	}},
	{102, "protocols that are none", func(c *inputCase) {
		const several = `; write one rule for each protocol, or "*"`
		for protocol, hint := range map[string]string{"6": "", "sctp": "", "Tcp/Udp": several, "Tcp,Udp": several, "HTTPS": "", "Any Tcp": ""} {
			c.export(nsgFile, aProtocol, `"protocol": "`+protocol+`"`)
			c.refused(atProtocol + `expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *, found "` + protocol + `"` + hint)
		}
		c.export(nsgFile, aProtocol, `"protocol": 6`)
		c.refused(`nsg-app.json:17:23 (/properties/securityRules/0/properties/protocol): expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *, found 6`)
	}},
	{103, "the protocol *", func(c *inputCase) {
		for _, any := range []string{"*", "All", "Any", "all"} {
			c.export(nsgFile, aProtocol, `"protocol": "`+any+`"`, aPort, `"destinationPortRange": "*"`)
			for _, protocol := range []string{"tcp", "udp", "icmp", "esp", "ah"} {
				c.answer("Allow NSG_RULE_ALLOW allow-web", "trace", ".", "--from", "db1", "--to", "app1", "--protocol", protocol)
			}
		}
	}},
	{104, "TCP, tcp, Tcp", func(c *inputCase) {
		for _, tcp := range []string{"TCP", "tcp", "tCP"} {
			c.export(nsgFile, aProtocol, `"protocol": "`+tcp+`"`, anAccess, `"access": "ALLOW"`, aDirection, `"direction": "inbound"`)
			c.same()
		}
	}},
	{105, "priority 99, 4097 or none", func(c *inputCase) {
		for _, priority := range []string{"99", "4097", "0", "65000", "65500"} {
			c.export(nsgFile, aPriority, `"priority": `+priority)
			c.refused("nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found " + priority)
		}
		c.export(nsgFile, aPriority+",", "")
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected a priority: there is no priority`)
		c.withDefaults(defaults(`"priority": 65000`, `"priority": 4096`))
		c.refused(`nsg-app.json:9:267 (/properties/defaultSecurityRules/0/properties/priority): expected a priority, a whole number from 65000 to 65500, found 4096`)
	}},
	{106, "one priority and direction twice", func(c *inputCase) {
		const second = `"priority": 300`
		c.export(nsgFile, second, aPriority)
		c.expect([]string{"web Unknown SAME_PRIORITY"}, []string{`nsg-app.json:24: rules "allow-web" and "deny-db" of nsg-app have the same priority and direction; Azure refuses this; where the two disagree the verdict is Unknown`})
		c.export(nsgFile, second, aPriority, anAccess, `"access": "Deny"`)
		c.expect([]string{"web Deny NSG_RULE_DENY allow-web"}, []string{`nsg-app.json:24: rules "allow-web" and "deny-db" of nsg-app have the same priority and direction; Azure refuses this; where the two disagree the verdict is Unknown`})
	}},
	{107, "one priority in both directions", func(c *inputCase) {
		// allow-web and allow-storage share 200 from the start; now deny-db and
		// deny-internet give up 300 for 200's neighbour in both directions.
		c.export(nsgFile)
		c.write(nsgFile, strings.ReplaceAll(c.read(nsgFile), `"priority": 300`, `"priority": 201`))
		c.expect(nil, nil)
	}},
	{108, "direction or access missing", func(c *inputCase) {
		c.export(nsgFile, aDirection+",", "")
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected a direction, Inbound or Outbound: there is no direction`)
		c.export(nsgFile, anAccess+",", "")
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected an access, Allow or Deny: there is no access`)
		c.export(nsgFile, aProtocol+",", "")
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *: there is no protocol`)
	}},
	{109, "Permit, Block", func(c *inputCase) {
		for word, hint := range map[string]string{"Permit": "", "Block": "", "AlwaysAllow": "", "allow all": "; did you mean Allow?"} {
			c.export(nsgFile, anAccess, `"access": "`+word+`"`)
			c.refused(`nsg-app.json:16:21 (/properties/securityRules/0/properties/access): expected Allow or Deny, found "` + word + `"` + hint)
		}
		c.export(nsgFile, aDirection, `"direction": "In"`)
		c.refused(`nsg-app.json:15:24 (/properties/securityRules/0/properties/direction): expected Inbound or Outbound, found "In"`)
	}},
	{110, "one rule name twice", func(c *inputCase) {
		c.export(nsgFile, `"name": "deny-db"`, `"name": "Allow-Web"`)
		c.expect([]string{"ssh Deny NSG_RULE_DENY Allow-Web"}, []string{`nsg-app.json:24: rule "Allow-Web" of nsg-app is there twice, first at nsg-app.json:9`})
	}},
	{111, "default rules that are not in the export", func(c *inputCase) {
		// The whole estate has none; with them it is the same, and certain.
		c.withDefaults(defaults())
		c.same()
		c.answer("Allow NSG_RULE_ALLOW AllowVnetInBound", trace("free1", "app1", "22", "--ci")...)
		c.start("export")
		c.answer("Allow NSG_RULE_ALLOW AllowVnetInBound", trace("free1", "app1", "22", "--ci")...)
	}},
	{112, "default rules that were altered, or one missing", func(c *inputCase) {
		list := strings.Split(defaults(), ",\n{")
		c.withDefaults(strings.Join(slices.Delete(slices.Clone(list), 1, 2), ",\n{"))
		c.warned(`nsg-app.json:8: the default rule AllowAzureLoadBalancerInBound of "nsg-app" is missing; it cannot be deleted and is taken to be there`)
		c.withDefaults(defaults(`"access": "Deny"`, `"access": "Allow"`))
		c.expect(nil, []string{`nsg-app.json:13: the default rule DenyAllInBound of "nsg-app" is not as documented; default rules cannot be changed; where the two would decide otherwise the verdict is Unknown`, `nsg-app.json:19: the default rule DenyAllOutBound of "nsg-app" is not as documented; default rules cannot be changed; where the two would decide otherwise the verdict is Unknown`})
		c.answer("Unknown DEFAULT_RULES_ALTERED", "ip-flow", ".", "--nic", "app1-nic", "--direction", "Inbound", "--local", "10.0.1.4:22", "--remote", "203.0.113.9")
		c.answer("Allow NSG_RULE_ALLOW AllowVnetInBound", trace("free1", "app1", "22", "--ci")...)
		c.withDefaults(defaults(`"sourceAddressPrefix": "VirtualNetwork"`, `"sourceAddressPrefix": "10.0.2.0/24"`))
		c.expect([]string{"sql Unknown DEFAULT_RULES_ALTERED"}, []string{
			`nsg-app.json:9: the default rule AllowVnetInBound of "nsg-app" is not as documented; default rules cannot be changed; where the two would decide otherwise the verdict is Unknown`,
			`nsg-app.json:15: the default rule AllowVnetOutBound of "nsg-app" is not as documented; default rules cannot be changed; where the two would decide otherwise the verdict is Unknown`,
		})
	}},
}
