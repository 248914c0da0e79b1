//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/doctree"
)

// allowWeb is the first line of the first rule of nsg-app.json that an edit
// may change.
const (
	anAccess   = `"access": "Allow"`
	aPriority  = `"priority": 200`
	aSource    = `"sourceAddressPrefix": "10.0.2.0/24"`
	aPort      = `"destinationPortRange": "443"`
	aProtocol  = `"protocol": "Tcp"`
	aDirection = `"direction": "Inbound"`
)

// assumed expects that the answers rest on what is not modelled, and that the
// strict answer to web is Unknown for it.
func (c *inputCase) assumed(id string, lines ...string) {
	c.Helper()
	var strict []string
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		strict = append(strict, name+" Unknown UNWAIVED_ASSUMPTION")
	}
	c.expect(lines, nil)
	r := c.batch(here(nil), "--ci")
	for i, q := range battery {
		line := strings.Split(c.answers(r), "\n")[i]
		for _, s := range strict {
			if strings.HasPrefix(s, q.name+" ") && (!strings.HasPrefix(line, s) || !strings.Contains(line, id)) {
				c.Errorf("strict: %s, want %s … %s", line, s, id)
			}
		}
	}
}

// ranges starts with the datacenter ranges alone and replaces texts in them.
func (c *inputCase) ranges(oldNew ...string) {
	c.Helper()
	c.start("")
	text, err := os.ReadFile(badInputs + "/ranges.xml")
	if err != nil {
		c.Fatal(err)
	}
	c.write("ranges.xml", string(text))
	c.edit("ranges.xml", oldNew...)
}

// lookup asks the datacenter ranges for an address.
func (c *inputCase) lookup() ran {
	c.Helper()
	c.asked++
	return c.netpath("tags", "lookup", "20.60.0.9", "--datacenter-ranges", "ranges.xml", "-o", "json")
}

const found = `{"schemaVersion":"1.0","results":[{"address":"20.60.0.9","matches":[{"name":"europewest","kind":"datacenterRegion","prefix":"20.60.0.0/22","region":"westeurope","service":"","file":"ranges.xml"}]}]}`

// found expects the answer of the clean file and exactly these warnings.
func (c *inputCase) found(warnings ...string) {
	c.Helper()
	r := c.lookup()
	var got, want any
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		c.Fatalf("exit %d, %v: %s", r.code, err, r.stderr)
	}
	if err := json.Unmarshal([]byte(found), &want); err != nil {
		c.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		c.Errorf("-want +got:\n%s", d)
	}
	var said []string
	for line := range strings.Lines(r.stderr) {
		said = append(said, strings.TrimPrefix(strings.TrimSpace(line), "warning: "))
	}
	if d := cmp.Diff(warnings, said); d != "" {
		c.Errorf("the warnings are others (-want +got):\n%s", d)
	}
}

var formatRows = []inputRow{
	{33, "duplicate key", func(c *inputCase) {
		c.export(nsgFile, anAccess, `"access": "Deny",`+"\n          "+anAccess)
		c.refused(`nsg-app.json:17:11 (/properties/securityRules/0/properties/access): expected each key once (line 16, column 11 has "access"), found "access"; remove one of the two`)
		c.export(nsgFile, anAccess, anAccess+`, "\u0061ccess": "Deny"`)
		c.refused(`nsg-app.json:16:30 (/properties/securityRules/0/properties/access): expected each key once (line 16, column 11 has "access"), found "access"; remove one of the two`)
		c.export(nsgFile, `"securityRules"`, `"securityRules": [], "securityRules"`)
		c.refused(`nsg-app.json:8:26 (/properties/securityRules): expected each key once (line 8, column 5 has "securityRules"), found "securityRules"; remove one of the two`)
		c.export("ServiceTags_Public_20261120.json", `"cloud": "Public"`, `"cloud": "Public", "cloud": "China"`)
		c.refused(`ServiceTags_Public_20261120.json:3:22 (/cloud): expected each key once (line 3, column 3 has "cloud"), found "cloud"; remove one of the two`)
		c.export("ServiceTags_Public_20261120.json", `"region": "westeurope"`, `"region": "westeurope", "region": ""`)
		c.refused(`ServiceTags_Public_20261120.json:23:33 (/values/1/properties/region): expected each key once (line 23, column 9 has "region"), found "region"; remove one of the two`)
	}},
	{34, "keys equal when folded", func(c *inputCase) {
		c.export(nsgFile, anAccess, `"Access": "Deny", `+anAccess)
		c.refused(`nsg-app.json:16:29 (/properties/securityRules/0/properties/access): expected keys that differ in more than letter case (line 16, column 11 has "Access"), found "access"; remove one of the two`)
		c.export(nsgFile, anAccess, anAccess+`, "acceſs": "Deny"`)
		c.refused(`nsg-app.json:16:30 (/properties/securityRules/0/properties/acceſs): expected keys that differ in more than letter case (line 16, column 11 has "access"), found "acceſs"; remove one of the two`)
		c.export("ServiceTags_Public_20261120.json", `"region": "westeurope"`, `"region": "westeurope", "Region": ""`)
		c.refused(`ServiceTags_Public_20261120.json:23:33 (/values/1/properties/Region): expected keys that differ in more than letter case (line 23, column 9 has "region"), found "Region"; remove one of the two`)
	}},
	{35, "look-alike Unicode key", func(c *inputCase) {
		c.export(nsgFile, aPort, aPort+`, "destinationPоrtRange": "22"`) // a Cyrillic o
		c.assumed("PROPERTY_NOT_MODELLED", "web Allow NSG_RULE_ALLOW allow-web assuming PROPERTY_NOT_MODELLED")
		c.export(nsgFile, `"access"`, `"acceſs"`) // a long s: the access itself is missing
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected an access, Allow or Deny: there is no access`)
	}},
	{36, "NaN, Infinity", func(c *inputCase) {
		for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
			c.export(nsgFile, aPriority, `"priority": `+word)
			c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a number, found "` + word + `,"; JSON has no NaN and no Infinity`)
		}
	}},
	{37, "comment, trailing comma, single quotes", func(c *inputCase) {
		c.export(nsgFile, `"properties": {`, `"properties": { // rules`)
		c.refused(`nsg-app.json:6:19 (/properties): expected JSON without comments, found "// rules"; remove the comments`)
		c.export(nsgFile, aPriority+",", aPriority+", /* first */")
		c.refused(`nsg-app.json:14:28 (/properties/securityRules/0/properties): expected JSON without comments, found "/* first */"; remove the comments`)
		c.export(nsgFile, aPort, aPort+",")
		c.refused(`nsg-app.json:22:9 (/properties/securityRules/0/properties): expected a value after the comma, found "}"; remove the trailing comma`)
		c.export(nsgFile, aPriority, `'priority': 200`)
		c.refused(`nsg-app.json:14:11 (/properties/securityRules/0/properties): expected double quotes, found "'priority': 200,"; JSON has no single quotes`)
		c.export(nsgFile, anAccess, `"access": 'Allow'`)
		c.refused(`nsg-app.json:16:21 (/properties/securityRules/0/properties/access): expected double quotes, found "'Allow',"; JSON has no single quotes`)
		c.export(nsgFile, aPriority, `priority: 200`)
		c.refused(`nsg-app.json:14:11 (/properties/securityRules/0/properties): expected a key in double quotes, found "priority: 200,"; YAML in brackets must begin with a line of ---`)
		c.export(nsgFile, `"location"`, `# mine`+"\n  "+`"location"`)
		c.refused(`nsg-app.json:5:3: expected JSON without comments, found "# mine"; remove the comments`)
	}},
	{38, "priority with an exponent or a fraction", func(c *inputCase) {
		c.export(nsgFile, aPriority, `"priority": 2e2`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found 2e2; write it in plain decimal digits, without leading zeros`)
		c.export(nsgFile, aPriority, `"priority": 200.0`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found 200.0; write it in plain decimal digits, without leading zeros`)
		c.export(nsgFile, aPriority, `"priority": "2e2"`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found "2e2"; write it in plain decimal digits, without leading zeros`)
		c.export(nsgFile, aPriority, `"priority": 0200`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a number as JSON writes it, found "0200,"; no leading zero, no plus sign, no other base`)
		c.export(nsgFile, aPriority, `"priority": "0200"`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found "0200"; write it in plain decimal digits, without leading zeros`)
		c.export(nsgFile, aPriority, `"priority": "200"`)
		c.same()
	}},
	{39, "integer above 2^53", func(c *inputCase) {
		c.export(nsgFile, aPriority, `"priority": 9007199254740993`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found 9007199254740993`)
		c.export("ServiceTags_Public_20261120.json", `"changeNumber": 420`, `"changeNumber": 9007199254740993`)
		c.refused(`ServiceTags_Public_20261120.json:2:19 (/changeNumber): expected a change number, a whole number from 0 to 999999999, found 9007199254740993`)
		c.export(nsgFile, aPort, `"destinationPortRange": 18446744073709552059`) // 443 modulo 2^64
		c.refused(`nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found 18446744073709552059`)
	}},
	{40, "negative numbers, -0", func(c *inputCase) {
		c.export(nsgFile, aPriority, `"priority": -200`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found -200`)
		c.export(nsgFile, aPriority, `"priority": -0`)
		c.refused(`nsg-app.json:14:23 (/properties/securityRules/0/properties/priority): expected a priority, a whole number from 100 to 4096, found -0`)
		c.export(nsgFile, aPort, `"destinationPortRange": -0`)
		c.refused(`nsg-app.json:21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found -0`)
		c.export("ServiceTags_Public_20261120.json", `"changeNumber": 420`, `"changeNumber": -0`)
		c.refused(`ServiceTags_Public_20261120.json:2:19 (/changeNumber): expected a change number, a whole number from 0 to 999999999, found -0`)
	}},
	{41, "lone surrogate", func(c *inputCase) {
		c.export(nsgFile, `"name": "allow-web"`, `"name": "allow\ud800web"`)
		c.refused(`nsg-app.json:10:23 (/properties/securityRules/0/name): expected whole characters, not half of a surrogate pair, found "\\ud800web\","`)
		c.export(nsgFile, `"name": "allow-web"`, `"name": "allow\udc00\ud800web"`)
		c.refused(`nsg-app.json:10:23 (/properties/securityRules/0/name): expected whole characters, not half of a surrogate pair, found "\\udc00\\ud800web\","`)
	}},
	{42, "invalid escape", func(c *inputCase) {
		c.export(nsgFile, `"name": "allow-web"`, `"name": "C:\web"`)
		c.refused(`nsg-app.json:10:20 (/properties/securityRules/0/name): expected a valid escape, found "\\web\","; a backslash is written \\`)
		c.export(nsgFile, `"name": "allow-web"`, `"name": "\u00g0"`)
		c.refused(`nsg-app.json:10:18 (/properties/securityRules/0/name): expected a valid escape, found "\\u00g0\","; a backslash is written \\`)
		c.export(nsgFile, `"name": "allow-web"`, `"name": "a\`+"\n"+`b"`)
		c.refused(`nsg-app.json:10:19 (/properties/securityRules/0/name): expected a valid escape, found "\\"; a backslash is written \\`)
	}},
	{43, "an empty list of NSGs", func(c *inputCase) {
		c.export(nsgFile)
		c.write("more.json", "[]\n")
		c.warned(`more.json: the list is empty; an empty list says that there is no such resource; export it again if there is`)
		c.write("more.json", `{"value": []}`)
		c.warned(`more.json: the list is empty; an empty list says that there is no such resource; export it again if there is`)
		c.start("")
		c.write("nsgs.json", "[]")
		c.usage(`name "db1" is not in the estate`, asking(here(nil), "--quiet")...)
	}},
	{44, "two dialects in one object", func(c *inputCase) {
		c.export(nsgFile, `"properties": {
          "provisioningState"`, `"priority": 100, "properties": {
          "provisioningState"`)
		c.refused(`nsg-app.json:12:21 (/properties/securityRules/0/priority): expected one dialect in an object: this property stands beside "properties", the others inside, found 100; export the resource again`)
		c.export("vnets.json", `"properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": "10.0.1.0/24"`, `"addressPrefix": "10.0.9.0/24", "properties": {
            "provisioningState": "Succeeded"`)
		c.refused(`vnets.json:14:28 (/0/properties/subnets/0/addressPrefix): expected one dialect in an object: this property stands beside "properties", the others inside, found "10.0.9.0/24"; export the resource again`)
	}},
	{45, "depth above 100", func(c *inputCase) {
		c.export(nsgFile, `"location"`, `"tags": `+strings.Repeat(`{"a":`, 101)+"1"+strings.Repeat("}", 101)+`, "location"`)
		c.refused(`nsg-app.json:5:506 (/tags/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/…): expected at most 100 levels of nesting; export the resources themselves`)
		c.export(nsgFile, `"location"`, `"tags": `+strings.Repeat("[", 1_000_000)+`, "location"`)
		c.refused(`nsg-app.json:5:10010 (/tags/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/…): expected at most 100 levels of nesting; export the resources themselves`)
		c.export(nsgFile, `"location"`, `"tags": {"a": `+strings.Repeat("[", 90)+strings.Repeat("]", 90)+`}, "location"`)
		c.same()
	}},
	{46, "null for a required value", func(c *inputCase) {
		for _, value := range []string{aPriority, aDirection, anAccess, aProtocol, aSource, aPort} {
			c.export(nsgFile, value, value[:strings.IndexByte(value, ':')]+": null")
			message := map[string]string{
				aPriority:  `14:23 (/properties/securityRules/0/properties/priority): expected a priority, found null`,
				aDirection: `15:24 (/properties/securityRules/0/properties/direction): expected a direction, Inbound or Outbound, found null`,
				anAccess:   `16:21 (/properties/securityRules/0/properties/access): expected an access, Allow or Deny, found null`,
				aProtocol:  `17:23 (/properties/securityRules/0/properties/protocol): expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *, found null`,
				aSource:    `18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected an address or an application security group, found null; a rule that means every address says "*"`,
				aPort:      `21:35 (/properties/securityRules/0/properties/destinationPortRange): expected a port, a range or *, found null; a rule that means every port says "*"`,
			}[value]
			c.refused("nsg-app.json:" + message)
		}
		c.export("vnets.json", `"addressPrefix": "10.0.1.0/24"`, `"addressPrefix": null`)
		c.refused(`vnets.json:16:30 (/0/properties/subnets/0/properties/addressPrefix): expected an address prefix of the subnet, found null`)
		c.export("vnets.json", `{"addressPrefixes": ["10.0.0.0/16"]}`, `{"addressPrefixes": [null]}`)
		c.refused(`vnets.json:9:44 (/0/properties/addressSpace/addressPrefixes/0): expected an IP address or CIDR block, found null`)
		c.export("route-table.json", `"nextHopType": "None"`, `"nextHopType": null`)
		c.refused(`route-table.json:10:7 (/properties/routes/0): expected a route with a nextHopType: VirtualNetworkGateway, VnetLocal, Internet, VirtualAppliance or None`)
	}},
	{47, "a string or an object for a list", func(c *inputCase) {
		// PowerShell writes a list of one as its element.
		c.export("vnets.json", `["10.1.0.0/16"]}`, `"10.1.0.0/16"}`)
		text := c.read("vnets.json")
		i := strings.LastIndex(text, `"subnets": [`)
		one := strings.Replace(strings.Replace(text[i:], `"subnets": [`, `"subnets": `, 1), "\n      ],", ",", 1)
		c.write("vnets.json", text[:i]+strings.Replace(strings.Replace(one, `"virtualNetworkPeerings": [`, `"virtualNetworkPeerings": `, 1), "\n      ]", "", 1))
		c.same()
		c.export(nsgFile, aSource, `"sourceAddressPrefixes": "10.0.2.0/24"`, aPort, `"destinationPortRanges": "443"`)
		c.same()
		c.export(nsgFile, aSource, `"sourceAddressPrefix": ["10.0.2.0/24"]`)
		c.same()
		c.export(nsgFile, aSource, `"sourceAddressPrefixes": {"value": "10.0.2.0/24"}`)
		c.refused(`nsg-app.json:18:36 (/properties/securityRules/0/properties/sourceAddressPrefixes): expected a list, found an object`)
		c.export(nsgFile, aSource, `"sourceAddressPrefixes": "10.0.2.0/25 10.0.2.128/25"`)
		c.refused(`nsg-app.json:18:36 (/properties/securityRules/0/properties/sourceAddressPrefixes): expected an IP address or CIDR block, found "10.0.2.0/25 10.0.2.128/25"; write each address as its own list item (PowerShell: ConvertTo-Json -Depth 100)`)
		c.export("vnets.json", `{"addressPrefixes": ["10.0.0.0/16"]}`, `"10.0.0.0/16"`)
		c.refused(`vnets.json:9:23 (/0/properties/addressSpace): expected an object, found "10.0.0.0/16"`)
		c.export(nsgFile)
		c.write(nsgFile, `{"id": "`+armID+`networkSecurityGroups/nsg-app", "name": "nsg-app", "properties": {"securityRules": "allow-web"}}`)
		c.refused(`nsg-app.json:1:191 (/properties/securityRules): expected a list of objects, found "allow-web"`)
		c.export(nsgFile, `"properties": {
          "provisioningState"`, `"properties": [{}], "other": {
          "provisioningState"`)
		c.refused(`nsg-app.json:9:7 (/properties/securityRules/0): expected a priority: there is no priority`)
	}},
	{48, "singular and plural both filled", func(c *inputCase) {
		c.export(nsgFile, aSource, aSource+`, "sourceAddressPrefixes": ["10.0.2.0/24"]`, aPort, aPort+`, "destinationPortRanges": ["443"]`)
		c.same()
		c.export(nsgFile, aSource, aSource+`, "sourceAddressPrefixes": ["10.0.3.0/24"]`)
		c.refused(`nsg-app.json:18:74 (/properties/securityRules/0/properties/sourceAddressPrefixes): expected the same addresses as in the singular property, found a list; keep one of the two`)
		c.export(nsgFile, aPort, aPort+`, "destinationPortRanges": ["443", "22"]`)
		c.refused(`nsg-app.json:21:67 (/properties/securityRules/0/properties/destinationPortRanges): expected the same ports as in the singular property, found a list; keep one of the two`)
		c.export("vnets.json", `"addressPrefix": "10.0.1.0/24"`, `"addressPrefix": "10.0.1.0/24", "addressPrefixes": ["10.0.1.0/24", "10.0.8.0/24"]`)
		c.refused(`vnets.json:16:64 (/0/properties/subnets/0/properties/addressPrefixes): expected the same prefixes as in addressPrefix, found a list; keep one of the two`)
		// Effective rules carry both, and the plural counts.
		c.start("")
		c.write("effective.json", `{"value": [{"networkSecurityGroup": {"id": "`+armID+`networkSecurityGroups/nsg-app"},
			"association": {"networkInterface": {"id": "`+armID+`networkInterfaces/app1-nic"}},
			"effectiveSecurityRules": [
				{"name": "securityRules/allow-web", "protocol": "Tcp", "sourcePortRange": "0-65535", "destinationPortRange": "443-443", "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["443-443"],
				 "sourceAddressPrefix": "10.0.2.0/24", "sourceAddressPrefixes": ["10.0.2.0/24", "10.0.9.0/24"], "destinationAddressPrefix": "0.0.0.0/0", "destinationAddressPrefixes": ["0.0.0.0/0"], "access": "Allow", "priority": 200, "direction": "Inbound"},
				{"name": "defaultSecurityRules/DenyAllInBound", "protocol": "All", "sourcePortRange": "0-65535", "destinationPortRange": "0-65535", "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["0-65535"],
				 "sourceAddressPrefix": "0.0.0.0/0", "sourceAddressPrefixes": ["0.0.0.0/0"], "destinationAddressPrefix": "0.0.0.0/0", "destinationAddressPrefixes": ["0.0.0.0/0"], "access": "Deny", "priority": 65500, "direction": "Inbound"}]}]}`)
		flow := []string{"ip-flow", ".", "--nsg", "nsg-app", "--direction", "Inbound", "--local", "10.0.1.4:443", "--virtual-network", "10.0.1.0/24", "--remote"}
		c.answer("Allow NSG_RULE_ALLOW allow-web", append(flow, "10.0.9.1")...)
		c.answer("Deny NSG_RULE_DENY DenyAllInBound", append(flow, "10.0.8.1")...)
	}},
	{49, "data after the top value", func(c *inputCase) {
		c.recoded(func(s string) string { return s + s })
		c.refused(`nsg-app.json:72:1: expected nothing after the JSON value, found "{"; JSON Lines are not read here: put the objects into one list, or into files of their own`)
		c.recoded(func(s string) string { return s + "]" })
		c.refused(`nsg-app.json:72:1: expected nothing after the JSON value, found "]"`)
		c.recoded(func(s string) string { return s + "null" })
		c.refused(`nsg-app.json:72:1: expected nothing after the JSON value, found "null"`)
	}},
	{50, "JSON Lines", func(c *inputCase) {
		c.recoded(func(s string) string {
			return strings.Join(strings.Fields(s), "") + "\n" + `{"id":"` + armID + `networkSecurityGroups/other","name":"other","securityRules":[]}` + "\n"
		})
		c.refused(`nsg-app.json:2:1: expected nothing after the JSON value, found "{\"id\":\"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/r…; JSON Lines are not read here: put the objects into one list, or into files of their own`)
	}},
	{51, "an unknown property of an object that decides", func(c *inputCase) {
		const assuming = " assuming PROPERTY_NOT_MODELLED"
		for _, object := range []struct{ file, at, question, answer string }{
			{nsgFile, aPriority, "web", "Allow NSG_RULE_ALLOW allow-web"},
			{"vnets.json", `"addressPrefix": "10.0.1.0/24"`, "web", "Allow NSG_RULE_ALLOW allow-web"},
			{"vnets.json", `"peeringState": "Connected"`, "peer", "Allow NO_NSG"},
			{"nics.json", `"privateIPAddress": "10.0.1.4"`, "web", "Allow NSG_RULE_ALLOW allow-web"},
			{"route-table.json", `"addressPrefix": "198.51.100.0/24"`, "nva", "Deny ROUTE_NONE"},
		} {
			change := func(property string) {
				c.export(object.file, object.at, property+", "+object.at)
				// A route that decides: without it the Internet is reached.
				if object.question == "nva" {
					c.edit(object.file, `"nextHopType": "VirtualAppliance",`, `"nextHopType": "None"`, `"nextHopIpAddress": "10.0.4.10"`, "")
				}
			}
			i := slices.IndexFunc(battery, func(q question) bool { return q.name == object.question })
			ask := trace(battery[i].from, battery[i].to, battery[i].port)
			change(`"futureProperty": "on"`)
			c.answer(object.answer+assuming, ask...)
			rule := strings.TrimSpace(strings.TrimPrefix(object.answer, strings.Join(strings.Fields(object.answer)[:2], " ")))
			c.answer(strings.Join(strings.Fields("Unknown UNWAIVED_ASSUMPTION "+rule+assuming), " "), append(ask, "--ci")...)
			c.answer("Allow NO_NSG", trace("nva1", "free1", "22", "--ci")...) // rests on none of them
			for _, empty := range []string{"null", `""`, "[]", "{}"} {
				change(`"futureProperty": ` + empty)
				c.answer(object.answer, append(ask, "--ci")...)
			}
		}
		c.export(nsgFile, aPriority, `"futureProperty": 0, `+aPriority) // 0 is a value
		c.assumed("PROPERTY_NOT_MODELLED", "web Allow NSG_RULE_ALLOW allow-web"+assuming)
	}},
	{52, "an unknown resource type", func(c *inputCase) {
		c.export(nsgFile)
		c.write("hub.json", `[{"id": "`+armID+`virtualHubs/h1", "name": "h1", "type": "Microsoft.Network/virtualHubs", "properties": {"addressPrefix": "10.7.0.0/16", "sku": "Standard"}},
			{"id": "`+armID+`virtualHubs/h2", "name": "h2", "type": "Microsoft.Network/virtualHubs"}]`)
		c.same()
		if r := c.netpath(asking(here(nil), "-v")...); !strings.Contains(r.stderr, "not modelled: Microsoft.Network/virtualHubs, 2 times\n") || !strings.Contains(r.stderr, "read: 288 values: 271 used, 9 irrelevant, 8 not modelled\n") {
			c.Errorf("not counted: %s", r.stderr)
		}
		// On the way: the appliance is of a type that is not modelled.
		c.export("route-table.json", `"nextHopIpAddress": "10.0.4.10"`, `"nextHopIpAddress": "10.0.4.20"`)
		c.write("appliance.json", `{"id": "`+armID+`networkVirtualAppliances/nva2", "name": "nva2", "type": "Microsoft.Network/networkVirtualAppliances", "properties": {"virtualApplianceNics": [{"privateIpAddress": "10.0.4.20"}]}}`)
		c.expect([]string{"nva Unknown NVA_NOT_FOUND"}, nil)
	}},
	{53, "depth lost by ConvertTo-Json", func(c *inputCase) {
		c.recoded(func(string) string {
			return `{"Name": "nsg-app", "Id": "` + armID + `networkSecurityGroups/nsg-app", "SecurityRules": ["@{Name=allow-web; Priority=200; Access=Allow}"]}`
		})
		c.refused(`nsg-app.json:1:177 (/SecurityRules/0): expected a value, cut off by PowerShell's depth, found "@{Name=allow-web; Priority=200; Access=Allow}"; export again with ConvertTo-Json -Depth 100`)
		c.export(nsgFile, aSource, `"sourceAddressPrefix": "System.Object[]"`)
		c.refused(`nsg-app.json:18:34 (/properties/securityRules/0/properties/sourceAddressPrefix): expected a list, cut off by PowerShell's depth, found "System.Object[]"; export again with ConvertTo-Json -Depth 100`)
		c.export(nsgFile, aSource, `"sourceAddressPrefix": ["System.Collections.Generic.List"]`)
		c.refused(`nsg-app.json:18:35 (/properties/securityRules/0/properties/sourceAddressPrefix/0): expected an IP address or CIDR block, cut off by PowerShell's depth, found "System.Collections.Generic.List"; export again with ConvertTo-Json -Depth 100`)
		c.export("nics.json", `"subnet": {"id": "`+armID+`virtualNetworks/v1/subnets/app"}`, `"subnet": "@{Id=subnets/app}"`)
		c.refused(`nics.json:21:23 (/0/properties/ipConfigurations/0/properties/subnet): expected a value, cut off by PowerShell's depth, found "@{Id=subnets/app}"; export again with ConvertTo-Json -Depth 100`)
	}},
	{54, "an ARM expression that was not evaluated", func(c *inputCase) {
		const message = `nsg-app.json:%d: the expression "[parameters('x')]" is not evaluated%s; export the deployed resource instead of a template`
		c.export(nsgFile, aSource, `"sourceAddressPrefix": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 18, ": it may name any address")})
		c.export(nsgFile, aPort, `"destinationPortRange": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION", "ssh Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 21, ": it may name any port")})
		c.export(nsgFile, anAccess, `"access": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 16, "")})
		c.export(nsgFile, aPriority, `"priority": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 14, "")})
		c.export(nsgFile, aDirection, `"direction": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 15, "")})
		c.export(nsgFile, aProtocol, `"protocol": "[parameters('x')]"`)
		c.expect([]string{"web Unknown UNRESOLVED_EXPRESSION"}, []string{fmt.Sprintf(message, 17, "")})
		c.export("route-table.json", `"nextHopType": "None"`, `"nextHopType": "[parameters('x')]"`)
		// The other destinations of the subnet are open too, the other subnets are not.
		c.expect([]string{"branch Unknown UNRESOLVED_EXPRESSION", "peer Unknown UNRESOLVED_EXPRESSION", "nva Unknown UNRESOLVED_EXPRESSION", "void Unknown UNRESOLVED_EXPRESSION"}, []string{`route-table.json:16: the expression "[parameters('x')]" is not evaluated; export the deployed resource instead of a template`})
		c.export("nics.json", `"enableIPForwarding": true`, `"enableIPForwarding": "[parameters('x')]"`)
		c.expect([]string{"nva Unknown UNRESOLVED_EXPRESSION"}, []string{`nics.json:84: the expression "[parameters('x')]" is not evaluated; export the deployed resource instead of a template`})
		c.export("vnets.json", `"addressPrefix": "10.0.3.0/24"`, `"addressPrefix": "[parameters('x')]"`)
		c.expect([]string{"void Unknown NO_SUBNET_AT_DESTINATION"}, []string{`vnets.json:34: the prefix of subnet "free" is an expression that is not evaluated; export the deployed resource instead of a template`})
	}},
	{55, "Terraform: after_unknown", func(c *inputCase) {
		c.export(nsgFile)
		c.write("plan.json", `{"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": [{"address": "azurerm_network_security_rule.r", "change": {"after": {"access": "Allow"}, "after_unknown": {"priority": true}}}]}`)
		c.refused(`plan.json:1:1: expected exported Azure state, found a Terraform plan, which is not read yet; export the deployed resources: az network nsg list, az network vnet list, …`)
		c.write("plan.json", `{"version": 4, "terraform_version": "1.9.0", "lineage": "x", "resources": []}`)
		c.refused(`plan.json:1:1: expected exported Azure state, found a Terraform state, which is not read; export the deployed resources: az network nsg list, az network vnet list, …`)
	}},
	{56, "Terraform: format_version", func(c *inputCase) {
		for _, version := range []string{"1.0", "1.99", "2.0"} {
			c.export(nsgFile)
			c.write("plan.json", `{"format_version": "`+version+`", "planned_values": {"root_module": {}}}`)
			c.refused(`plan.json:1:1: expected exported Azure state, found a Terraform plan, which is not read yet; export the deployed resources: az network nsg list, az network vnet list, …`)
		}
	}},

	// YAML
	{57, "no, off, on, yes where an enum is due", func(c *inputCase) {
		for _, word := range []string{"no", "off", "on", "yes"} {
			c.design("access: Allow", "access: "+word)
			c.refused(`design.yaml:39:17 (/networkSecurityGroups/0/securityRules/0/access): expected Allow or Deny, found "` + word + `"`)
			c.design("defaultOutboundAccess: true", "defaultOutboundAccess: "+word)
			c.refused(`design.yaml:10:32 (/virtualNetworks/0/subnets/0/defaultOutboundAccess): expected true or false, found "` + word + `"`)
		}
		c.design("access: Allow", "access: true")
		c.refused(`design.yaml:39:17 (/networkSecurityGroups/0/securityRules/0/access): expected Allow or Deny, found true`)
	}},
	{58, "ports and priorities in other notations", func(c *inputCase) {
		for _, n := range []string{"0443", "0o7", "0x1bb", "4_43", "443e0", "7:23", "+443", "443.0"} {
			c.design("destinationPortRange: 443", "destinationPortRange: "+n)
			c.refused(`design.yaml:44:31 (/networkSecurityGroups/0/securityRules/0/destinationPortRange): expected a port from 0 to 65535, a range a-b, or *, found ` + quoted(n) + hinted(n))
		}
		for _, n := range []string{"0200", "0o310", "0xc8", "2_00", "2e2", "3:20", "+200", "200.0"} {
			c.design("priority: 200", "priority: "+n)
			c.refused(`design.yaml:37:19 (/networkSecurityGroups/0/securityRules/0/priority): expected a priority, a whole number from 100 to 4096, found ` + quoted(n) + hinted(n))
		}
	}},
	{59, "alias bomb", func(c *inputCase) {
		bomb := "x0: &x0 [" + strings.TrimSuffix(strings.Repeat("a,", 10), ",") + "]\n"
		for i := 1; i < 10; i++ {
			bomb += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d,", i-1), 10), ","))
		}
		c.promptly(func() {
			c.design("virtualNetworks:\n", bomb+"virtualNetworks:\n")
			c.refused(`design.yaml:2:14 (/x4/7/0/7/5/2): expected aliases that stand for at most 100000 values; write the values out`)
		})
	}},
	{60, "an alias that contains itself", func(c *inputCase) {
		c.design("addressPrefixes: [10.0.0.0/16]", "addressPrefixes: &all [10.0.0.0/16, *all]")
		c.refused(`design.yaml:5:41 (/virtualNetworks/0/addressPrefixes/1): expected an alias that does not contain itself, found "*all"; write the value out`)
	}},
	{61, "a merge key", func(c *inputCase) {
		c.design("      - name: deny-db\n", "      - <<: {access: Allow}\n        name: deny-db\n")
		c.refused(`design.yaml:45:9 (/networkSecurityGroups/0/securityRules/1): expected no merge keys, found "<<"; write the members out`)
		c.design("      - name: allow-web\n", "      - &rule\n        name: allow-web\n", "      - name: deny-db\n", "      - <<: *rule\n        name: deny-db\n")
		c.refused(`design.yaml:46:9 (/networkSecurityGroups/0/securityRules/1): expected no merge keys, found "<<"; write the members out`)
	}},
	{62, "duplicate key", func(c *inputCase) {
		c.design("access: Allow", "access: Deny\n        access: Allow")
		c.refused(`design.yaml:40:9 (/networkSecurityGroups/0/securityRules/0/access): expected each key once (line 39, column 9 has "access"), found "access"; remove one of the two`)
	}},
	{63, "Access beside access", func(c *inputCase) {
		c.design("access: Allow", "access: Allow\n        Access: Deny")
		c.refused(`design.yaml:40:9 (/networkSecurityGroups/0/securityRules/0/Access): expected keys that differ in more than letter case (line 39, column 9 has "access"), found "Access"; remove one of the two`)
	}},
	{64, "several documents", func(c *inputCase) {
		c.design("networkSecurityGroups:", "---\napiVersion: netpath/v1\nnetworkSecurityGroups:", "routeTables:", "---\napiVersion: netpath/v1\nrouteTables:")
		c.same()
	}},
	{65, "tags", func(c *inputCase) {
		c.design("access: Allow", "access: !!binary QWxsb3c=")
		c.refused(`design.yaml:39:17 (/networkSecurityGroups/0/securityRules/0/access): expected a value without a tag, found "!!binary"; remove the tag`)
		c.design("access: Allow", "access: !!python/object/apply:os.system [id]")
		c.refused(`design.yaml:39:17 (/networkSecurityGroups/0/securityRules/0/access): expected a value without a tag, found "!!python/object/apply:os.system"; remove the tag`)
		c.design("priority: 200", "priority: !!int 0310")
		c.refused(`design.yaml:37:19 (/networkSecurityGroups/0/securityRules/0/priority): expected a value without a tag, found "!!int"; remove the tag`)
		c.design("access: Allow", "access: !mine Allow")
		c.refused(`design.yaml:39:17 (/networkSecurityGroups/0/securityRules/0/access): expected a value without a tag, found "!mine"; remove the tag`)
	}},
	{66, "a bare star", func(c *inputCase) {
		c.design(`sourcePortRange: "*"`, "sourcePortRange: *")
		c.refused(`design.yaml:42:26: expected a value, found "*"; a text that begins with * must be quoted: quote it ("*")`)
		c.design(`sourcePortRange: "*"`, "sourcePortRanges: [*]")
		c.refused(`design.yaml:42:28: expected a value, found "*]"; a text that begins with * must be quoted: quote it ("*")`)
	}},
	{67, "a tab as indentation", func(c *inputCase) {
		c.design("        access: Allow", "\taccess: Allow")
		c.refused(`design.yaml:39:1: expected spaces, found a tab in the indentation, found "access: Allow"; indent with spaces`)
	}},
	{68, "~ or nothing for a required value", func(c *inputCase) {
		for _, key := range []string{"priority: 200", "direction: Inbound", "access: Allow", "protocol: Tcp", "sourceAddressPrefix: 10.0.2.0/24", "destinationPortRange: 443"} {
			for _, empty := range []string{"", " ~", " null"} {
				name, _, _ := strings.Cut(key, ":")
				c.design(key, name+":"+empty)
				i := slices.Index([]string{"priority", "direction", "access", "protocol", "sourceAddressPrefix", "", "", "destinationPortRange"}, name)
				column := len("        " + name + ": ")
				if empty != "" {
					column++
				}
				expected := map[string]string{
					"sourceAddressPrefix":  `an address or an application security group, found null; a rule that means every address says "*"`,
					"destinationPortRange": `a port, a range or *, found null; a rule that means every port says "*"`,
				}[name]
				if expected == "" {
					expected = "a value, found null"
				}
				c.refused(fmt.Sprintf("design.yaml:%d:%d (/networkSecurityGroups/0/securityRules/0/%s): expected %s", 37+i, column, name, expected))
			}
		}
	}},
	{69, "text that looks like a date or a number", func(c *inputCase) {
		for _, name := range []string{"2024-01-01", "1.10", "0443", "1e3"} {
			c.design("name: allow-web", "name: "+name)
			c.expect([]string{"web Allow NSG_RULE_ALLOW " + name}, nil)
		}
	}},
	{70, "complex key, depth, %YAML 1.1", func(c *inputCase) {
		c.design("virtualNetworks:\n", "? [a, b]\n: c\nvirtualNetworks:\n")
		c.refused(`design.yaml:2:3: expected a key that is plain text; lists and mappings cannot be keys`)
		c.design("virtualNetworks:\n", "x: "+strings.Repeat("[", 101)+strings.Repeat("]", 101)+"\nvirtualNetworks:\n")
		c.refused(`design.yaml:2:103 (/x/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0): expected at most 100 levels of nesting`)
		c.design("virtualNetworks:\n", "x: "+strings.Repeat("[", 100_000)+"\nvirtualNetworks:\n")
		c.refused(`design.yaml:2:1: expected at most 100 levels of nesting`)
		c.design("apiVersion:", "%YAML 1.1\n---\napiVersion:")
		c.warned(`design.yaml:1: says %YAML 1.1: it is read as YAML 1.2, where only true and false are Booleans`)
	}},

	// XML
	{71, "DOCTYPE", func(c *inputCase) {
		c.ranges("<AzurePublicIpAddresses>", `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>`+"\n<AzurePublicIpAddresses>")
		c.isRefusal(c.lookup(), `ranges.xml:2:1: expected XML without a DOCTYPE, found "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]>"; remove it; entities and external files are never read`)
		c.ranges("<AzurePublicIpAddresses>", "<!doctype html>\n<AzurePublicIpAddresses>")
		c.isRefusal(c.lookup(), `ranges.xml:2:1: expected XML without a DOCTYPE, found "<!doctype html>"; remove it; entities and external files are never read`)
	}},
	{72, "external entity", func(c *inputCase) {
		c.ranges("<AzurePublicIpAddresses>", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`+"\n<AzurePublicIpAddresses>")
		c.isRefusal(c.lookup(), `ranges.xml:2:1: expected XML without a DOCTYPE, found "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"; remove it; entities and external files are never read`)
		c.ranges(`Name="europewest"`, `Name="&x;"`)
		c.isRefusal(c.lookup(), `ranges.xml:3:20 (/AzurePublicIpAddresses): expected only the entities of XML itself, found "&x;"; write the text out; entities are never expanded`)
	}},
	{73, "declared encoding", func(c *inputCase) {
		c.ranges(`encoding="utf-8"`, `encoding="iso-8859-1"`)
		c.isRefusal(c.lookup(), `ranges.xml:1:1: expected the declared encoding to be that of the file, UTF-8, found "iso-8859-1"; save the file as UTF-8 and declare it so`)
		c.ranges(`encoding="utf-8"`, `encoding="utf-16"`)
		c.isRefusal(c.lookup(), `ranges.xml:1:1: expected the declared encoding to be that of the file, UTF-8, found "utf-16"; save the file as UTF-8 and declare it so`)
		c.write("ranges.xml", "\xff\xfe"+wide(c.read("ranges.xml"), 2, false))
		c.found()
		c.ranges()
		c.write("ranges.xml", "\xff\xfe"+wide(c.read("ranges.xml"), 2, false))
		c.isRefusal(c.lookup(), `ranges.xml:1:1: expected the declared encoding to be that of the file, UTF-16, found "version=\"1.0\" encoding=\"utf-8\""; save the file as UTF-8`)
	}},
	{74, "a single-valued element twice", func(c *inputCase) {
		c.ranges(`Name="europewest"`, `Name="useast" Name="europewest"`)
		c.isRefusal(c.lookup(), `ranges.xml:3:3 (/AzurePublicIpAddresses/Region[1]/@Name): expected each key once (line 3, column 3 has "@Name"), found "@Name"; remove one of the two`)
		c.ranges(`Name="europewest"`, `name="useast" Name="europewest"`)
		c.isRefusal(c.lookup(), `ranges.xml:3:3 (/AzurePublicIpAddresses/Region[1]/@Name): expected keys that differ in more than letter case (line 3, column 3 has "@name"), found "@Name"; remove one of the two`)
		c.ranges("</AzurePublicIpAddresses>", "  <Region Name=\"europewest\">\n    <IpRange Subnet=\"40.74.0.0/18\" />\n  </Region>\n</AzurePublicIpAddresses>")
		c.isRefusal(c.lookup(), `ranges.xml:7:3 (/AzurePublicIpAddresses/Region[2]/@Name): expected each region once (line 3 has it), found "europewest"; remove one of the two`)
		c.ranges("</AzurePublicIpAddresses>", "  <region Name=\"useast\" />\n</AzurePublicIpAddresses>")
		c.isRefusal(c.lookup(), `ranges.xml:7:3 (/AzurePublicIpAddresses/region): expected keys that differ in more than letter case (line 3, column 3 has "Region"), found "region"; remove one of the two`)
	}},
	{75, "the same name in a foreign namespace", func(c *inputCase) {
		c.ranges("</AzurePublicIpAddresses>", "  <x:Region xmlns:x=\"urn:other\" Name=\"useast\"><x:IpRange Subnet=\"20.60.0.0/24\" /></x:Region>\n</AzurePublicIpAddresses>")
		c.found(`ranges.xml:7: elements of the namespace "urn:other" are not matched`)
	}},
	{76, "a second root or trailing text", func(c *inputCase) {
		c.ranges("</AzurePublicIpAddresses>", "</AzurePublicIpAddresses>\n<AzurePublicIpAddresses/>")
		c.isRefusal(c.lookup(), `ranges.xml:8:1: expected one root element, found "<AzurePublicIpAddresses>"; put each document into a file of its own`)
		c.ranges("</AzurePublicIpAddresses>", "</AzurePublicIpAddresses>\nend")
		c.isRefusal(c.lookup(), `ranges.xml:7:26: expected no text outside the root element, found "end"`)
	}},
	{77, "depth of a million", func(c *inputCase) {
		c.promptly(func() {
			c.ranges("</AzurePublicIpAddresses>", strings.Repeat("<a>", 1_000_000))
			c.isRefusal(c.lookup(), `ranges.xml:7:298 (/AzurePublicIpAddresses/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a[1]/a…): expected at most 100 levels of nesting`)
		})
	}},
	{78, "CDATA, comments in text, padding", func(c *inputCase) {
		c.ranges(`<Region Name="europewest">`, `<Region Name="europewest"><!-- the
			Netherlands --><![CDATA[   ]]>`, "<IpRange Subnet=\"13.69.0.0/17\" />", "<!-- <IpRange Subnet=\"1.0.0.0/8\"/> --> <IpRange\n\tSubnet = '13.69.0.0/17'></IpRange>")
		c.found()
		c.ranges(`"20.60.0.0/22"`, `" 20.60.0.0/22 "`)
		c.found(`ranges.xml:5: blanks around " 20.60.0.0/22 " are ignored`)
		// The ranges have no text; what the reader makes of one is shown on its own.
		doc, err := doctree.Read("a.xml", strings.NewReader("<a>\n  one<!-- and --> <![CDATA[ two ]]>&amp;  </a>"), doctree.Limits{})
		if err != nil {
			c.Fatal(err)
		}
		if got := doc.Roots[0].Get("a").Get("#text").Text; got != "one  two &" {
			c.Errorf("text %q", got)
		}
	}},
	{79, "PowerShell CLIXML", func(c *inputCase) {
		c.export(nsgFile)
		c.write("nsg.xml", `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0"><Props><S N="Name">nsg</S></Props></Obj></Objs>`)
		c.refused(`nsg.xml:1:1: expected JSON, YAML or plain XML, not PowerShell CLIXML, found "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004…; use ConvertTo-Json -Depth 100 instead of Export-Clixml`)
	}},
	{80, "an unbound prefix, cut off", func(c *inputCase) {
		c.ranges("<IpRange", "<x:IpRange")
		c.isRefusal(c.lookup(), `ranges.xml:4:5 (/AzurePublicIpAddresses/Region[1]): expected a prefix that is declared, found "x:IpRange"`)
		c.ranges("</AzurePublicIpAddresses>\n", "")
		c.isRefusal(c.lookup(), `ranges.xml:7:1 (/AzurePublicIpAddresses): ended early: expected </AzurePublicIpAddresses>; the file was cut off: download it again`)
		c.ranges("  </Region>\n</AzurePublicIpAddresses>\n", "")
		c.isRefusal(c.lookup(), `ranges.xml:6:1 (/AzurePublicIpAddresses/Region[1]): ended early: expected </Region>; the file was cut off: download it again`)
		c.ranges("22\" />\n  </Region>\n</AzurePublicIpAddresses>\n", "2")
		c.isRefusal(c.lookup(), `ranges.xml:5:33 (/AzurePublicIpAddresses/Region[1]): ended early: expected the rest of the XML; the file was cut off: download it again`)
	}},
}

// quoted is a YAML scalar as a message shows it: what is a number by JSON's
// grammar stands bare.
func quoted(n string) string {
	if slices.Contains([]string{"443e0", "443.0", "2e2", "200.0"}, n) {
		return n
	}
	return `"` + n + `"`
}

// hinted is the hint of a number in another notation.
func hinted(n string) string {
	if strings.Contains(n, ":") {
		return ""
	}
	return plainDecimal
}
