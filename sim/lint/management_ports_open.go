package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// undecidedPorts are the management ports of which the data leaves open
// whether the Internet reaches them.
type undecidedPorts struct {
	run  *Run
	list []*undecidedPort
}

// undecidedPort are machines of which the same is open, for the same reason.
type undecidedPort struct {
	why, export string
	owners      []topology.Owner
	ports       []managementPort
}

func (u *undecidedPorts) add(e *entry, p managementPort, o *sim.Outcome) {
	why, export := string(o.Code), ""
	switch {
	case len(o.Missing) > 0:
		why, export = string(o.Missing[0].Code)+": "+o.Missing[0].Text, o.Missing[0].Export
	case len(o.Assumptions) > 0:
		why = string(flow.UnwaivedAssumption) + ": " + string(o.Assumptions[0].ID) + ", " + o.Assumptions[0].Text
	}
	i := slices.IndexFunc(u.list, func(x *undecidedPort) bool { return x.why == why })
	if i < 0 {
		u.list, i = append(u.list, &undecidedPort{why: why, export: export}), len(u.list)
	}
	x := u.list[i]
	for _, o := range e.owners {
		if !slices.Contains(x.owners, o) {
			x.owners = append(x.owners, o)
		}
	}
	if !slices.Contains(x.ports, p) {
		x.ports = append(x.ports, p)
	}
}

func (u *undecidedPorts) report(report func(Finding)) {
	for _, x := range u.list {
		var machines, ports []string
		for _, o := range x.owners {
			machines = append(machines, fmt.Sprintf("%s (%s)", u.run.shortName(o.Interface), o.Configuration.PrivateIPAddress))
		}
		for _, p := range x.ports {
			ports = append(ports, p.String())
		}
		f := Finding{Subject: x.owners[0].Interface.ID(), Detail: "undecided " + x.why, Origin: x.owners[0].Interface.Origin, Undecided: true,
			Text: oneOrMore("machine", machines) + " may be reachable from the Internet on " + strings.Join(ports, ", ") + ": " + x.why}
		if x.export != "" {
			f.Fix = "Export what is missing: " + x.export
		}
		for _, o := range x.owners[:min(len(x.owners), maxRelated)] {
			f.Related = append(f.Related, Related{Text: u.run.machineName(o.Interface), Origin: o.Interface.Origin})
		}
		report(f)
	}
}

// unseenEntries tells what the Internet may come in by and the data does not
// hold: interfaces that are named and missing or lack their address, and lists
// that are cut.
func (run *Run) unseenEntries(report func(Finding)) {
	var texts []string
	var first *topology.Absent
	list := run.Network.Absent()
	for i := range list {
		a := &list[i]
		if a.Receives || a.Addressed || slices.Contains(texts, a.Text) {
			continue
		}
		if first == nil {
			first = a
		}
		texts = append(texts, a.Text)
	}
	if first != nil {
		text := strings.Join(texts[:min(len(texts), fewRules)], "; ")
		if n := len(texts) - fewRules; n > 0 {
			text += fmt.Sprintf("; and %d more", n)
		}
		report(Finding{Subject: first.Interface, Detail: "not in the data", Origin: first.Element.Origin, Undecided: true,
			Text: "whether the Internet reaches a management port is not known: " + string(flow.DanglingReference) + ": " + text, Fix: "Export what is missing: " + first.Export})
	}
	entered := []string{"Microsoft.Network/networkInterfaces", "Microsoft.Network/loadBalancers", "Microsoft.Network/azureFirewalls"}
	for _, g := range run.Network.Gaps {
		cut := g.Kind == topology.ListCut && (g.ResourceType == "" || slices.ContainsFunc(entered, func(t string) bool { return strings.EqualFold(t, g.ResourceType) }))
		if cut || g.Kind == topology.FileRefused {
			report(Finding{Subject: topology.MakeID(g.ResourceType), Name: g.Name, Detail: "gap " + string(topology.MakeID(g.Origin.File)), Origin: g.Origin, Undecided: true,
				Text: "whether the Internet reaches a management port is not known: " + g.Text, Fix: "Export all of it again, with every page."})
		}
	}
}
