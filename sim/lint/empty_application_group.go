package lint

import (
	"github.com/netpath/netpath/topology"
)

func emptyApplicationGroup() *Rule {
	return &Rule{
		ID: "NP1203", Name: "empty-application-group", Severity: Warning,
		Short: "A rule names an application security group that has no members",
		Why:   `A rule with an application security group applies to the members alone, and without members it is as if it were not there (ASG): the next rule decides. An Allow that opens nothing is found soon; a Deny that stops nothing is not.`,
		Fix:   "Put the interfaces into the group, or name addresses.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
applicationSecurityGroups: [{name: asg-db}]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: deny-db, priority: 100, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-db], destinationPortRange: "1433"}
virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
`,
		check: checkEmptyApplicationGroup,
	}
}

func checkEmptyApplicationGroup(run *Run, report func(Finding)) {
	n := run.Network
	if len(n.NetworkInterfaces) == 0 {
		return // who is a member is not in the data
	}
	members := run.groupHomes()
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			for _, r := range c.ASGs { // of an interface without a subnet, too
				members[r.ID()] = append(members[r.ID()], "")
			}
		}
	}
	whole := run.whole("Microsoft.Network/networkInterfaces", "Microsoft.Network/privateEndpoints") && !run.danglingInterfaces()
	type use struct {
		group *topology.NetworkSecurityGroup
		rules []*topology.SecurityRule
		ref   topology.Ref
	}
	for _, g := range n.NetworkSecurityGroups {
		uses := map[topology.ID]*use{}
		var order []topology.ID
		for _, r := range g.SecurityRules {
			for _, m := range []*topology.Match{&r.Source, &r.Destination} {
				for _, ref := range m.ASGs {
					id := ref.ID()
					if len(members[id]) > 0 {
						continue
					}
					if uses[id] == nil {
						uses[id] = &use{group: g, ref: ref}
						order = append(order, id)
					}
					u := uses[id]
					if len(u.rules) == 0 || u.rules[len(u.rules)-1] != r {
						u.rules = append(u.rules, r)
					}
				}
			}
		}
		for _, id := range order {
			run.reportEmpty(g, uses[id].rules, uses[id].ref, whole, report)
		}
	}
}

func (run *Run) reportEmpty(g *topology.NetworkSecurityGroup, rules []*topology.SecurityRule, ref topology.Ref, whole bool, report func(Finding)) {
	name := ref.ID().Name()
	if a, ok := topology.Lookup[*topology.ApplicationSecurityGroup](run.Network, ref); ok {
		name = a.Name
	}
	f := Finding{Subject: g.ID(), Name: name, Origin: rules[0].Origin,
		Text: ruleName(rules[0]) + " names the application security group " + name + ", of which no interface in the data is a member",
		Fix:  "Put the interfaces into the group (az network nic ip-config update … --application-security-groups " + shell(name) + "), or name addresses in the rule."}
	if len(rules) > 1 {
		f.Text = ruleName(rules[0]) + " and " + plural(len(rules)-1, "more rule") + " of " + g.Name + " name the application security group " + name + ", of which no interface in the data is a member"
	}
	for _, r := range rules[1:] {
		f.Related = append(f.Related, Related{Text: ruleName(r), Origin: r.Origin})
	}
	if !whole {
		f.Severity, f.Undecided = Note, true
		f.Text += "; other interfaces exist"
	}
	report(f)
}
