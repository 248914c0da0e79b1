package emit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Form is how changes of Azure resources are written.
type Form string

// The forms.
const (
	AzureCLI   Form = "az"
	PowerShell Form = "powershell"
	ARM        Form = "arm"
	Bicep      Form = "bicep"
	Terraform  Form = "terraform"
)

// Forms lists the names of the forms.
func Forms() []string {
	return []string{string(AzureCLI), string(PowerShell), string(ARM), string(Bicep), string(Terraform)}
}

// apiVersion is that of the resource types in templates.
const apiVersion = "2023-11-01"

// Block is a text to be run, deployed or put into a file.
type Block struct {
	Where string `json:"where"` // "az CLI", "resource group net (Bicep)", "/etc/waagent.conf on app1"
	Text  string `json:"text"`  // ends with a line end
}

// Write writes the edits: those of Azure resources in the form, in as few
// blocks as it allows, then those of guests, which have no other.
func Write(form Form, edits ...edit.Edit) ([]Block, error) {
	var rules []edit.AddRule
	var guests []edit.Edit
	for _, e := range edits {
		host := ""
		switch e := e.(type) {
		case edit.AddRule:
			rules = append(rules, e)
			continue
		case edit.RemoveRule, edit.ReplaceRule:
			return nil, fmt.Errorf("%s: rules that are there are written with their group", e)
		case edit.SetProxy:
			host = e.Host
		case edit.AllowHost:
			host = strings.TrimPrefix(e.Host, "*.")
		}
		if host != "" && !edit.ValidHost(host) {
			return nil, fmt.Errorf("%q is no host name", host)
		}
		guests = append(guests, e)
	}
	var out []Block
	if len(rules) > 0 {
		var err error
		switch form {
		case AzureCLI:
			out, err = azureCLI(rules)
		case PowerShell:
			out = azPowerShell(rules)
		case ARM:
			out = byResourceGroup(rules, "ARM template", armTemplate)
		case Bicep:
			out = byResourceGroup(rules, "Bicep", bicepFile)
		case Terraform:
			out = []Block{{"Terraform", terraform(rules)}}
		default:
			err = fmt.Errorf("there is no form %q; expected one of %s", form, strings.Join(Forms(), ", "))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, e := range guests {
		out = append(out, guest(e)...)
	}
	return out, nil
}

// home is where an NSG is, as its ID writes it.
type home struct{ subscription, group, nsg string }

// unknownGroup stands for a resource group that the data does not name.
const unknownGroup = "<resource group>"

func homeOf(r topology.Ref) home {
	h := home{group: unknownGroup, nsg: path.Base(strings.TrimRight(r.Text, "/"))}
	parts := strings.Split(r.Text, "/")
	for i := 0; i+1 < len(parts); i++ {
		switch strings.ToLower(parts[i]) {
		case "subscriptions":
			h.subscription = parts[i+1]
		case "resourcegroups":
			h.group = parts[i+1]
		}
	}
	return h
}

// byResourceGroup writes one block for each resource group: a deployment is to
// one.
func byResourceGroup(rules []edit.AddRule, what string, write func([]edit.AddRule) string) []Block {
	type key struct{ subscription, group string }
	var order []key
	of := map[key][]edit.AddRule{}
	for _, r := range rules {
		h := homeOf(r.Group)
		k := key{strings.ToLower(h.subscription), strings.ToLower(h.group)}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], r)
	}
	var out []Block
	for _, k := range order {
		h := homeOf(of[k][0].Group)
		where := what + ", to resource group " + h.group
		if h.subscription != "" {
			where += " of subscription " + h.subscription
		}
		out = append(out, Block{where, write(of[k])})
	}
	return out
}

func azureCLI(rules []edit.AddRule) ([]Block, error) {
	var b strings.Builder
	for _, r := range rules {
		h := homeOf(r.Group)
		words := []string{"az network nsg rule create"}
		var err error
		add := func(option string, values ...string) {
			line := option
			for _, v := range values {
				// The tool would read the value from a file, or take it for an
				// option: no quotes prevent that.
				if strings.HasPrefix(v, "@") || strings.HasPrefix(v, "-") {
					err = fmt.Errorf("the az CLI cannot be given %q as %s; use another form", v, option)
				}
				line += " " + shell(v)
			}
			words = append(words, line)
		}
		if h.subscription != "" {
			add("--subscription", h.subscription)
		}
		add("--resource-group", h.group)
		add("--nsg-name", h.nsg)
		add("--name", r.Name)
		add("--priority", fmt.Sprint(r.Priority))
		add("--direction", r.Direction.String())
		add("--access", r.Access.String())
		add("--protocol", r.Protocol.String())
		add("--source-address-prefixes", r.Source...)
		add("--source-port-ranges", "*")
		add("--destination-address-prefixes", r.Destination...)
		add("--destination-port-ranges", r.PortTexts()...)
		if err != nil {
			return nil, err
		}
		b.WriteString(strings.Join(words, " \\\n  ") + "\n")
	}
	return []Block{{"az CLI", b.String()}}, nil
}

func azPowerShell(rules []edit.AddRule) []Block {
	var b strings.Builder
	subscription := ""
	var order []topology.ID
	of := map[topology.ID][]edit.AddRule{}
	for _, r := range rules {
		id := r.Group.ID()
		if of[id] == nil {
			order = append(order, id)
		}
		of[id] = append(of[id], r)
	}
	for _, id := range order {
		h := homeOf(of[id][0].Group)
		if h.subscription != "" && h.subscription != subscription {
			fmt.Fprintf(&b, "Set-AzContext -Subscription %s\n", powershell(h.subscription))
			subscription = h.subscription
		}
		fmt.Fprintf(&b, "$nsg = Get-AzNetworkSecurityGroup -ResourceGroupName %s -Name %s\n", powershell(h.group), powershell(h.nsg))
		for _, r := range of[id] {
			words := []string{
				"Add-AzNetworkSecurityRuleConfig -NetworkSecurityGroup $nsg -Name " + powershell(r.Name),
				fmt.Sprintf("-Priority %d -Direction %s -Access %s -Protocol %s", r.Priority, r.Direction, r.Access, powershell(r.Protocol.String())),
				"-SourceAddressPrefix " + psList(r.Source) + " -SourcePortRange '*'",
				"-DestinationAddressPrefix " + psList(r.Destination) + " -DestinationPortRange " + psList(r.PortTexts()),
			}
			b.WriteString(strings.Join(words, " `\n  ") + " | Out-Null\n")
		}
		b.WriteString("Set-AzNetworkSecurityGroup -NetworkSecurityGroup $nsg\n")
	}
	return []Block{{"Az PowerShell", b.String()}}
}

func psList(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = powershell(v)
	}
	return strings.Join(out, ", ")
}

// property is a property of a rule: one text, or a list of them.
type property struct {
	name string
	one  string
	many []string
}

// properties are the address and port properties, singular where they have one
// value and plural where they have several, as Azure reads them.
func properties(r edit.AddRule) []property {
	field := func(name, plural string, values []string) property {
		if len(values) == 1 {
			return property{name: name, one: values[0]}
		}
		return property{name: plural, many: values}
	}
	return []property{
		field("sourceAddressPrefix", "sourceAddressPrefixes", r.Source),
		{name: "sourcePortRange", one: "*"},
		field("destinationAddressPrefix", "destinationAddressPrefixes", r.Destination),
		field("destinationPortRange", "destinationPortRanges", r.PortTexts()),
	}
}

func armTemplate(rules []edit.AddRule) string {
	var b strings.Builder
	b.WriteString("{\n")
	b.WriteString("  \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\",\n")
	b.WriteString("  \"contentVersion\": \"1.0.0.0\",\n  \"resources\": [\n")
	for i, r := range rules {
		fmt.Fprintf(&b, "    {\n      \"type\": \"Microsoft.Network/networkSecurityGroups/securityRules\",\n      \"apiVersion\": %s,\n", arm(apiVersion))
		fmt.Fprintf(&b, "      \"name\": %s,\n      \"properties\": {\n", arm(homeOf(r.Group).nsg+"/"+r.Name))
		fmt.Fprintf(&b, "        \"priority\": %d,\n        \"direction\": %s,\n        \"access\": %s,\n        \"protocol\": %s", r.Priority, arm(r.Direction.String()), arm(r.Access.String()), arm(r.Protocol.String()))
		for _, p := range properties(r) {
			if p.many == nil {
				fmt.Fprintf(&b, ",\n        %s: %s", arm(p.name), arm(p.one))
				continue
			}
			fmt.Fprintf(&b, ",\n        %s: [\n          %s\n        ]", arm(p.name), joined(p.many, arm, ",\n          "))
		}
		b.WriteString("\n      }\n    }")
		if i+1 < len(rules) {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

func bicepFile(rules []edit.AddRule) string {
	var b strings.Builder
	taken := map[string]bool{}
	parents := map[topology.ID]string{}
	for _, r := range rules {
		id, h := r.Group.ID(), homeOf(r.Group)
		if parents[id] == "" {
			parents[id] = identifier(h.nsg, taken)
			fmt.Fprintf(&b, "resource %s 'Microsoft.Network/networkSecurityGroups@%s' existing = {\n  name: %s\n}\n\n", parents[id], apiVersion, bicep(h.nsg))
		}
		fmt.Fprintf(&b, "resource %s 'Microsoft.Network/networkSecurityGroups/securityRules@%s' = {\n", identifier(r.Name, taken), apiVersion)
		fmt.Fprintf(&b, "  parent: %s\n  name: %s\n  properties: {\n", parents[id], bicep(r.Name))
		fmt.Fprintf(&b, "    priority: %d\n    direction: %s\n    access: %s\n    protocol: %s\n", r.Priority, bicep(r.Direction.String()), bicep(r.Access.String()), bicep(r.Protocol.String()))
		for _, p := range properties(r) {
			if p.many == nil {
				fmt.Fprintf(&b, "    %s: %s\n", p.name, bicep(p.one))
				continue
			}
			fmt.Fprintf(&b, "    %s: [\n      %s\n    ]\n", p.name, joined(p.many, bicep, "\n      "))
		}
		b.WriteString("  }\n}\n\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func terraform(rules []edit.AddRule) string {
	var b strings.Builder
	taken := map[string]bool{}
	for _, r := range rules {
		h := homeOf(r.Group)
		type attribute struct{ name, value string }
		list := []attribute{
			{"name", hcl(r.Name)}, {"priority", fmt.Sprint(r.Priority)}, {"direction", hcl(r.Direction.String())},
			{"access", hcl(r.Access.String())}, {"protocol", hcl(r.Protocol.String())},
		}
		for _, p := range properties(r) {
			a := attribute{snake(p.name), hcl(p.one)}
			if p.many != nil {
				a.value = "[" + joined(p.many, hcl, ", ") + "]"
			}
			list = append(list, a)
		}
		list = append(list, attribute{"resource_group_name", hcl(h.group)}, attribute{"network_security_group_name", hcl(h.nsg)})
		width := len(slices.MaxFunc(list, func(a, b attribute) int { return len(a.name) - len(b.name) }).name)
		fmt.Fprintf(&b, "resource \"azurerm_network_security_rule\" %s {\n", hcl(identifier(h.nsg+"_"+r.Name, taken)))
		for _, a := range list {
			fmt.Fprintf(&b, "  %-*s = %s\n", width, a.name, a.value)
		}
		b.WriteString("}\n\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// snake is the name of a property as Terraform writes it.
func snake(s string) string {
	var b strings.Builder
	for _, r := range s {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func joined(values []string, quote func(string) string, separator string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = quote(v)
	}
	return strings.Join(out, separator)
}
