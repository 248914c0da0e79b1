package selftest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
)

var (
	//go:embed testdata/base.yaml
	base string
	//go:embed testdata/golden.txt
	table string
)

// proxyLayout is that of the article of 2018 (G80): app and dmz may not reach
// the Internet, but the proxy of dmz.
const proxyLayout = `networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: internet, priority: 100, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
  - name: nsg-dmz
    securityRules:
      - {name: allow-proxy, priority: 200, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.0.5/32, sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "80-443"}
      - {name: internet, priority: 300, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
`

// goldenEstates reads the golden tests. After "== NAME" stand, one a line:
//
//	nsg PLACE                    an NSG with the rules that follow at a subnet or interface
//	  DIR PRIORITY ACCESS PROTOCOL SOURCE DESTINATION PORTS NAME
//	admin VNET DIR PRIORITY ACCESS PROTOCOL PORT NAME
//	route SUBNET NAME PREFIX HOP [IP]
//	set NAME PROPERTY: VALUE     of the element of that name in base.yaml
//	= OLD => NEW                 in the whole design
//	| YAML                       another element
//	proxy                        the layout of G80
//	? trace|proxy|in|out FROM TO PROTOCOL PORT = VERDICT[~] [RULE]
//	! TEXT                       the design is refused, and so
//
// ~ is a verdict under an assumption.
func goldenEstates() ([]Estate, error) {
	tags, err := json.Marshal(tagFile(golden.ServiceTags()))
	if err != nil {
		return nil, err
	}
	var out []Estate
	var d *design
	flush := func() {
		if d != nil {
			e := &out[len(out)-1]
			e.Files = map[string]string{"design.yaml": d.text(), "ServiceTags_Public_" + golden.AsOf.Format("20060102") + ".json": string(tags)}
		}
	}
	for i, line := range strings.Split(table, "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		f := strings.Fields(rest)
		switch {
		case word == "" || word == "#":
			continue
		case word == "==":
			flush()
			out, d = append(out, Estate{Name: rest, AsOf: golden.AsOf.Format("2006-01-02")}), &design{}
			continue
		case d == nil:
			return nil, fmt.Errorf("golden.txt:%d: no estate has begun", i+1)
		}
		e := &out[len(out)-1]
		switch word {
		case "nsg":
			d.groups = append(d.groups, group{name: "nsg-" + rest})
			d.set(rest, "networkSecurityGroup: nsg-"+rest)
		case "in", "out":
			g := &d.groups[len(d.groups)-1]
			g.rules = append(g.rules, ruleOf(word, f))
		case "admin":
			d.admin = append(d.admin, fmt.Sprintf("{name: %s, virtualNetworks: [%s], direction: %s, priority: %s, access: %s, protocol: %s, sources: [\"*\"], destinations: [\"*\"], sourcePortRanges: [\"*\"], destinationPortRanges: [%q]}",
				f[6], f[0], direction(f[1]), f[2], f[3], f[4], f[5]))
		case "route":
			if len(d.routes) == 0 {
				d.set(f[0], "routeTable: rt-"+f[0])
				d.table = "rt-" + f[0]
			}
			x := fmt.Sprintf("{name: %s, addressPrefix: %s, nextHopType: %s", f[1], f[2], f[3])
			if len(f) > 4 {
				x += ", nextHopIpAddress: " + f[4]
			}
			d.routes = append(d.routes, x+"}")
		case "set":
			name, property, _ := strings.Cut(rest, " ")
			d.set(name, property)
		case "=":
			old, with, _ := strings.Cut(rest, " => ")
			d.edits = append(d.edits, [2]string{unescape(old), unescape(with)})
		case "|":
			d.more = append(d.more, strings.TrimPrefix(strings.TrimPrefix(line, "|"), " "))
		case "proxy":
			d.more = append(d.more, proxyLayout)
			d.set("app", "networkSecurityGroup: nsg-app")
			d.set("dmz", "networkSecurityGroup: nsg-dmz")
			d.set("a1", "proxy: {host: 10.0.0.5, port: 8080, scope: system}")
			d.set("px", `proxyServer: {port: 8080, authentication: none}, hostFirewall: {inboundDefault: Deny, inbound: [{name: proxy-in, access: Allow, protocol: Tcp, localPort: "8080", remoteAddress: [10.0.0.0/16]}]}`)
			d.set("px-nic", "publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}")
		case "!":
			e.Refused = rest
		case "?":
			c, err := goldenCase(f)
			if err != nil {
				return nil, fmt.Errorf("golden.txt:%d: %w", i+1, err)
			}
			c.Source = "specification " + strings.Fields(e.Name)[0]
			e.Cases = append(e.Cases, c)
		default:
			return nil, fmt.Errorf("golden.txt:%d: %q", i+1, word)
		}
	}
	flush()
	return out, nil
}

func unescape(s string) string { return strings.ReplaceAll(s, `\n`, "\n") }

// goldenCase reads "trace FROM TO PROTOCOL PORT = VERDICT [RULE]".
func goldenCase(f []string) (Case, error) {
	if len(f) < 7 || f[5] != "=" {
		return Case{}, fmt.Errorf("a question is KIND FROM TO PROTOCOL PORT = VERDICT [RULE], not %q", f)
	}
	port, err := strconv.ParseUint(f[4], 10, 16)
	if err != nil {
		return Case{}, err
	}
	c := Case{Ask: "trace", From: f[1], To: f[2], Protocol: f[3], DestinationPort: uint16(port)}
	if f[3] != "icmp" {
		c.SourcePort = 50000
	}
	switch f[0] {
	case "proxy":
		c.Proxy = true
	case "in", "out":
		c.Ask, c.From, c.To = "ip-flow", "", ""
		c.Direction, c.Local, c.Remote = direction(f[0]), f[1], f[2]
	}
	verdict, under := strings.CutSuffix(f[6], "~")
	c.Verdict, c.Certain = verdict, !under
	c.Rule = strings.Join(f[7:], " ")
	return c, nil
}

// design is the design file of a golden test.
type design struct {
	groups              []group
	table               string
	routes, admin, more []string
	sets, edits         [][2]string
}

type group struct {
	name  string
	rules []string
}

func (d *design) set(name, property string) { d.sets = append(d.sets, [2]string{name, property}) }

func direction(word string) string {
	return map[string]string{"in": "Inbound", "out": "Outbound"}[word]
}

// ruleOf is a security rule as a design file writes it.
func ruleOf(dir string, f []string) string {
	side := func(name, text string) string {
		if g, ok := strings.CutPrefix(text, "asg:"); ok {
			return name + "ApplicationSecurityGroups: [" + g + "]"
		}
		if strings.Contains(text, ",") {
			return name + "AddressPrefixes: [" + text + "]"
		}
		return name + "AddressPrefix: " + strconv.Quote(text)
	}
	ports := "destinationPortRange: " + strconv.Quote(f[5])
	if quoted, err := strconv.Unquote(f[5]); err == nil {
		ports = "destinationPortRange: " + strconv.Quote(quoted)
	} else if strings.Contains(f[5], ",") {
		ports = `destinationPortRanges: ["` + strings.ReplaceAll(f[5], ",", `", "`) + `"]`
	}
	return fmt.Sprintf(`{name: %s, direction: %s, priority: %s, access: %s, protocol: %q, %s, sourcePortRange: "*", %s, %s}`,
		f[6], direction(dir), f[0], f[1], f[2], side("source", f[3]), side("destination", f[4]), ports)
}

// text is the design file.
func (d *design) text() string {
	s := base
	for _, x := range d.sets {
		s = strings.ReplaceAll(s, "{name: "+x[0]+",", "{name: "+x[0]+", "+x[1]+",")
	}
	if len(d.groups) > 0 {
		s += "networkSecurityGroups:\n"
		for _, g := range d.groups {
			s += "  - {name: " + g.name + ", securityRules: [" + strings.Join(g.rules, ",\n      ") + "]}\n"
		}
	}
	if len(d.routes) > 0 {
		s += "routeTables:\n  - {name: " + d.table + ", routes: [" + strings.Join(d.routes, ", ") + "]}\n"
	}
	if len(d.admin) > 0 {
		s += "networkManagerAdminRules: [" + strings.Join(d.admin, ", ") + "]\n"
	}
	for _, x := range d.more {
		s += strings.TrimSuffix(x, "\n") + "\n"
	}
	for _, x := range d.edits {
		s = strings.ReplaceAll(s, x[0], x[1])
	}
	return s
}

// The corpus has the golden tests of the specification, but for those about
// the profiles of backup, host names and effective exports.
func TestTheCorpusHasTheGoldenTests(t *testing.T) {
	want, err := goldenEstates()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]Estate{}
	for _, e := range c.Estates {
		have[e.Name] = e
	}
	for _, e := range want {
		got, _ := json.Marshal(have[e.Name])
		if asked, _ := json.Marshal(e); string(got) != string(asked) {
			t.Errorf("%s is not in the corpus as it stands in golden.txt: run the tests of this package with -update", e.Name)
		}
	}
	for i := range 89 {
		n := fmt.Sprintf("G%02d", i+1)
		if slices.Contains([]string{"G46", "G77", "G86", "G87", "G88", "G89"}, n) {
			continue
		}
		if !slices.ContainsFunc(want, func(e Estate) bool { return strings.HasPrefix(e.Name, n+" ") && (e.Refused != "" || len(e.Cases) > 0) }) {
			t.Errorf("golden.txt does not have %s", n)
		}
	}
}
