package lint

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

// shell writes a word so that a POSIX shell takes it as it is.
func shell(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:=,@+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// resourceGroup is the element's, as an argument of a command.
func resourceGroup(e *topology.Element) string {
	switch {
	case e.ResourceGroup != "":
		return shell(e.ResourceGroup)
	case e.ID().ResourceGroup() != "":
		return shell(e.ID().ResourceGroup())
	default:
		return "<group>"
	}
}

// az is advice followed by the command that does it; what is only designed has
// no command.
func az(advice string, e *topology.Element, command string, args ...string) string {
	if e.Design {
		return advice
	}
	return advice + ": az " + command + " -g " + resourceGroup(e) + " " + strings.Join(args, " ")
}

// azRule is [az] for a rule of an NSG.
func azRule(advice string, g *topology.NetworkSecurityGroup, rule *topology.SecurityRule, verb string, args ...string) string {
	return az(advice, &g.Element, "network nsg rule "+verb, append([]string{"--nsg-name", shell(g.Name), "-n", shell(rule.Name)}, args...)...)
}

// azRoute is [az] for a route of a route table.
func azRoute(advice string, t *topology.RouteTable, r *topology.Route, verb string, args ...string) string {
	return az(advice, &t.Element, "network route-table route "+verb, append([]string{"--route-table-name", shell(t.Name), "-n", shell(r.Name)}, args...)...)
}
