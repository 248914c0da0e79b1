package emit

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Group writes how a network security group becomes what it is after edits of
// its rules: the edits as commands, in order, or the group as it is then as a
// template, which takes the place of the one that is there. after needs all its
// rules without expressions where the form is a template.
func Group(form Form, after *topology.NetworkSecurityGroup, edits ...edit.Edit) ([]Block, error) {
	h := homeOf(after.Ref())
	switch form {
	case AzureCLI:
		text, err := cliEdits(h, edits)
		return []Block{{"az CLI", text}}, err
	case PowerShell:
		text, err := powershellEdits(h, edits)
		return []Block{{"Az PowerShell", text}}, err
	case ARM, Bicep, Terraform:
	default:
		return nil, fmt.Errorf("there is no form %q; expected one of %s", form, strings.Join(Forms(), ", "))
	}
	for _, r := range after.SecurityRules {
		if why := unwritable(r); why != "" {
			return nil, fmt.Errorf("%s cannot be written whole: rule %s %s; use --emit az or powershell, which write only what changes", after.Name, r.Name, why)
		}
	}
	if len(after.NotModelled) > 0 {
		return nil, fmt.Errorf("%s cannot be written whole: it has properties that are not modelled (%s); use --emit az or powershell, which write only what changes", after.Name, after.NotModelled[0].Name)
	}
	where := ", the whole group, to resource group " + h.group
	if h.subscription != "" {
		where += " of subscription " + h.subscription
	}
	switch form {
	case ARM:
		return []Block{{"ARM template" + where, armGroup(h, after)}}, nil
	case Bicep:
		return []Block{{"Bicep" + where, bicepGroup(h, after)}}, nil
	default:
		return []Block{{"Terraform, the whole group", terraformGroup(h, after)}}, nil
	}
}

// unwritable says what of a rule a template could not repeat, "" for nothing.
func unwritable(r *topology.SecurityRule) string {
	unresolved := func(m *topology.Match) bool {
		for i := range m.Prefixes {
			if m.Prefixes[i].Kind == topology.UnresolvedAddress {
				return true
			}
		}
		return m.PortsUnresolved
	}
	switch {
	case len(r.Unresolved) > 0 || unresolved(&r.Source) || unresolved(&r.Destination):
		return "holds an expression that is not resolved"
	case len(r.NotModelled) > 0:
		return "has properties that are not modelled (" + r.NotModelled[0].Name + ")"
	}
	return ""
}

func cliEdits(h home, edits []edit.Edit) (string, error) {
	var b strings.Builder
	for _, e := range edits {
		var words []string
		var err error
		add := func(option string, values ...string) {
			line := option
			for _, v := range values {
				if strings.HasPrefix(v, "@") || strings.HasPrefix(v, "-") {
					err = fmt.Errorf("the az CLI cannot be given %q as %s; use another form", v, option)
				}
				line += " " + shell(v)
			}
			words = append(words, line)
		}
		name := func(verb, name string) {
			words = append(words, "az network nsg rule "+verb)
			if h.subscription != "" {
				add("--subscription", h.subscription)
			}
			add("--resource-group", h.group)
			add("--nsg-name", h.nsg)
			add("--name", name)
		}
		switch e := e.(type) {
		case edit.RemoveRule:
			name("delete", e.Name)
		case edit.ReplaceRule:
			name("update", e.Rule.Name)
			for _, s := range []struct {
				name string
				m    *topology.Match
			}{{"source", &e.Rule.Source}, {"destination", &e.Rule.Destination}} {
				if len(s.m.Prefixes) > 0 { // application security groups stay as they are
					add("--"+s.name+"-address-prefixes", edit.Addresses(*s.m)...)
				}
				add("--"+s.name+"-port-ranges", edit.Ports(*s.m)...)
			}
		default:
			return "", fmt.Errorf("%s is no edit of a rule", e)
		}
		if err != nil {
			return "", err
		}
		b.WriteString(strings.Join(words, " \\\n  ") + "\n")
	}
	return b.String(), nil
}

func powershellEdits(h home, edits []edit.Edit) (string, error) {
	var b strings.Builder
	if h.subscription != "" {
		fmt.Fprintf(&b, "Set-AzContext -Subscription %s\n", powershell(h.subscription))
	}
	fmt.Fprintf(&b, "$nsg = Get-AzNetworkSecurityGroup -ResourceGroupName %s -Name %s\n", powershell(h.group), powershell(h.nsg))
	for _, e := range edits {
		switch e := e.(type) {
		case edit.RemoveRule:
			fmt.Fprintf(&b, "Remove-AzNetworkSecurityRuleConfig -NetworkSecurityGroup $nsg -Name %s | Out-Null\n", powershell(e.Name))
		case edit.ReplaceRule:
			r := e.Rule
			words := []string{
				"Set-AzNetworkSecurityRuleConfig -NetworkSecurityGroup $nsg -Name " + powershell(r.Name),
				fmt.Sprintf("-Priority %d -Direction %s -Access %s -Protocol %s", r.Priority, r.Direction, r.Access, powershell(r.Protocol.String())),
			}
			if r.Description != "" {
				words = append(words, "-Description "+powershell(r.Description))
			}
			for _, s := range []struct {
				name string
				m    *topology.Match
			}{{"Source", &r.Source}, {"Destination", &r.Destination}} {
				side := "-" + s.name + "AddressPrefix " + psList(edit.Addresses(*s.m))
				if len(s.m.Prefixes) == 0 {
					side = "-" + s.name + "ApplicationSecurityGroupId " + psList(groupIDs(s.m))
				}
				words = append(words, side+" -"+s.name+"PortRange "+psList(edit.Ports(*s.m)))
			}
			b.WriteString(strings.Join(words, " `\n  ") + " | Out-Null\n")
		default:
			return "", fmt.Errorf("%s is no edit of a rule", e)
		}
	}
	b.WriteString("Set-AzNetworkSecurityGroup -NetworkSecurityGroup $nsg\n")
	return b.String(), nil
}

func groupIDs(m *topology.Match) []string {
	out := make([]string, len(m.ASGs))
	for i, g := range m.ASGs {
		out[i] = g.Text
	}
	return out
}

// side are the properties of one side of a rule; groups are application
// security groups.
func side(name string, m *topology.Match) (list []property, groups []string) {
	field := func(name, plural string, values []string) {
		if len(values) == 1 {
			list = append(list, property{name: name, one: values[0]})
			return
		}
		list = append(list, property{name: plural, many: values})
	}
	if len(m.Prefixes) > 0 {
		field(name+"AddressPrefix", name+"AddressPrefixes", edit.Addresses(*m))
	} else {
		groups = groupIDs(m)
	}
	field(name+"PortRange", name+"PortRanges", edit.Ports(*m))
	return list, groups
}

// heads are the properties of a rule that are one text.
func heads(r *topology.SecurityRule) []property {
	out := []property{{name: "direction", one: r.Direction.String()}, {name: "access", one: r.Access.String()}, {name: "protocol", one: r.Protocol.String()}}
	if r.Description != "" {
		out = append(out, property{name: "description", one: r.Description})
	}
	return out
}

// indented writes the lines of a nested object.
type indented struct {
	strings.Builder
	depth int
}

func (b *indented) line(format string, args ...any) {
	b.WriteString(strings.Repeat("  ", b.depth))
	fmt.Fprintf(b, format, args...)
	b.WriteByte('\n')
}

func armGroup(h home, g *topology.NetworkSecurityGroup) string {
	b := &indented{}
	location := arm(g.Location)
	if g.Location == "" {
		location = `"[resourceGroup().location]"`
	}
	b.line("{")
	b.line(`  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",`)
	b.line(`  "contentVersion": "1.0.0.0",`)
	b.line(`  "resources": [`)
	b.line("    {")
	b.depth = 3
	b.line(`"type": "Microsoft.Network/networkSecurityGroups",`)
	b.line(`"apiVersion": %s,`, arm(apiVersion))
	b.line(`"name": %s,`, arm(h.nsg))
	b.line(`"location": %s,`, location)
	if len(g.Tags) > 0 {
		b.line(`"tags": {`)
		for i, t := range g.Tags {
			b.line("  %s: %s%s", arm(t.Name), arm(t.Value), comma(i, len(g.Tags)))
		}
		b.line("},")
	}
	b.line(`"properties": {`)
	b.depth++
	if g.FlushConnection != topology.Unset {
		b.line(`"flushConnection": %t,`, g.FlushConnection == topology.On)
	}
	b.line(`"securityRules": [`)
	for i, r := range g.SecurityRules {
		b.line("  {")
		b.line(`    "name": %s,`, arm(r.Name))
		b.line(`    "properties": {`)
		b.depth += 3
		text := fmt.Sprintf(`"priority": %d`, r.Priority)
		for _, p := range heads(r) {
			text += fmt.Sprintf(",\n%s: %s", arm(p.name), arm(p.one))
		}
		for _, s := range []struct {
			name string
			m    *topology.Match
		}{{"source", &r.Source}, {"destination", &r.Destination}} {
			list, groups := side(s.name, s.m)
			for _, p := range list {
				if p.many == nil {
					text += fmt.Sprintf(",\n%s: %s", arm(p.name), arm(p.one))
				} else {
					text += fmt.Sprintf(",\n%s: [%s]", arm(p.name), joined(p.many, arm, ", "))
				}
			}
			if len(groups) > 0 {
				text += fmt.Sprintf(",\n%s: [%s]", arm(s.name+"ApplicationSecurityGroups"), joined(groups, func(s string) string { return `{ "id": ` + arm(s) + " }" }, ", "))
			}
		}
		for _, l := range strings.Split(text, "\n") {
			b.line("%s", l)
		}
		b.depth -= 3
		b.line("    }")
		b.line("  }%s", comma(i, len(g.SecurityRules)))
	}
	b.line("]")
	b.depth--
	b.line("}")
	b.depth = 0
	b.line("    }")
	b.line("  ]")
	b.line("}")
	return b.String()
}

func comma(i, n int) string {
	if i+1 < n {
		return ","
	}
	return ""
}

func bicepGroup(h home, g *topology.NetworkSecurityGroup) string {
	b := &indented{}
	location := bicep(g.Location)
	if g.Location == "" {
		location = "resourceGroup().location"
	}
	b.line("resource %s 'Microsoft.Network/networkSecurityGroups@%s' = {", identifier(h.nsg, map[string]bool{}), apiVersion)
	b.depth++
	b.line("name: %s", bicep(h.nsg))
	b.line("location: %s", location)
	if len(g.Tags) > 0 {
		b.line("tags: {")
		for _, t := range g.Tags {
			b.line("  %s: %s", bicep(t.Name), bicep(t.Value))
		}
		b.line("}")
	}
	b.line("properties: {")
	b.depth++
	if g.FlushConnection != topology.Unset {
		b.line("flushConnection: %t", g.FlushConnection == topology.On)
	}
	b.line("securityRules: [")
	for _, r := range g.SecurityRules {
		b.line("  {")
		b.line("    name: %s", bicep(r.Name))
		b.line("    properties: {")
		b.depth += 3
		b.line("priority: %d", r.Priority)
		for _, p := range heads(r) {
			b.line("%s: %s", p.name, bicep(p.one))
		}
		for _, s := range []struct {
			name string
			m    *topology.Match
		}{{"source", &r.Source}, {"destination", &r.Destination}} {
			list, groups := side(s.name, s.m)
			for _, p := range list {
				bicepList(b, p.name, p.one, p.many, bicep)
			}
			if len(groups) > 0 {
				bicepList(b, s.name+"ApplicationSecurityGroups", "", groups, func(s string) string { return "{ id: " + bicep(s) + " }" })
			}
		}
		b.depth -= 3
		b.line("    }")
		b.line("  }")
	}
	b.line("]")
	b.depth--
	b.line("}")
	b.depth--
	b.line("}")
	return b.String()
}

func bicepList(b *indented, name, one string, many []string, quote func(string) string) {
	if many == nil {
		b.line("%s: %s", name, quote(one))
		return
	}
	b.line("%s: [", name)
	for _, v := range many {
		b.line("  %s", quote(v))
	}
	b.line("]")
}

func terraformGroup(h home, g *topology.NetworkSecurityGroup) string {
	b := &indented{}
	location := g.Location
	if location == "" {
		location = "<location>"
	}
	b.line("resource \"azurerm_network_security_group\" %s {", hcl(identifier(h.nsg, map[string]bool{})))
	b.depth++
	b.line("name                = %s", hcl(h.nsg))
	b.line("location            = %s", hcl(location))
	b.line("resource_group_name = %s", hcl(h.group))
	if len(g.Tags) > 0 {
		b.line("tags = {")
		for _, t := range g.Tags {
			b.line("  %s = %s", hcl(t.Name), hcl(t.Value))
		}
		b.line("}")
	}
	for _, r := range g.SecurityRules {
		b.WriteByte('\n')
		b.line("security_rule {")
		list := [][2]string{{"name", hcl(r.Name)}, {"priority", fmt.Sprint(r.Priority)}}
		for _, p := range heads(r) {
			list = append(list, [2]string{p.name, hcl(p.one)})
		}
		for _, s := range []struct {
			name string
			m    *topology.Match
		}{{"source", &r.Source}, {"destination", &r.Destination}} {
			properties, groups := side(s.name, s.m)
			for _, p := range properties {
				value := hcl(p.one)
				if p.many != nil {
					value = "[" + joined(p.many, hcl, ", ") + "]"
				}
				list = append(list, [2]string{snake(p.name), value})
			}
			if len(groups) > 0 {
				list = append(list, [2]string{s.name + "_application_security_group_ids", "[" + joined(groups, hcl, ", ") + "]"})
			}
		}
		width := 0
		for _, x := range list {
			width = max(width, len(x[0]))
		}
		for _, x := range list {
			b.line("  %-*s = %s", width, x[0], x[1])
		}
		b.line("}")
	}
	b.depth--
	b.line("}")
	return b.String()
}
