package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/sim/backup"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// assertionKinds are the keys of an assertion that say what it asserts.
var assertionKinds = []string{string(rules.Allow), string(rules.Deny), string(rules.BackupReady)}

// assertion reads one assertion of a policy file; before are those above it.
func (r *policyReader) assertion(n *doctree.Node, before []*rules.Assertion) *rules.Assertion {
	a := &rules.Assertion{Origin: topology.Origin{File: r.file, Line: n.Pos.Line, Column: n.Pos.Column, Pointer: n.Pointer()}}
	for _, m := range r.object(n, keysOf[assertionFile]()...) {
		switch m.Key {
		case "id":
			a.ID = r.text(m.Value)
			if i := slices.IndexFunc(before, func(b *rules.Assertion) bool { return b.ID == a.ID }); i >= 0 {
				r.fail(m.Value, m.Value.Pos, "expected an id of its own", fmt.Sprintf("%q", a.ID), fmt.Sprintf("it is also that of the assertion in line %d", before[i].Origin.Line))
			}
		case "reason":
			a.Reason = r.text(m.Value)
		default:
			if a.Kind != "" {
				r.fail(n, n.Pos, "expected one of "+strings.Join(assertionKinds, ", "), string(a.Kind)+" and "+m.Key, "write two assertions")
				continue
			}
			a.Kind = rules.Kind(m.Key)
			if a.Kind == rules.BackupReady {
				r.backupReady(m.Value, a)
			} else {
				r.packets(m.Value, a)
			}
		}
	}
	if n.Kind == doctree.Object {
		if n.Get("id") == nil {
			r.fail(n, n.Pos, "an assertion needs id", "", "write an id that stays the same: reports name it")
		}
		if a.Kind == "" {
			r.fail(n, n.Pos, "an assertion needs one of "+strings.Join(assertionKinds, ", "), "", "")
		}
		r.consistent(n, a, before)
	}
	return a
}

// packets reads what allow and deny are about.
func (r *policyReader) packets(n *doctree.Node, a *rules.Assertion) {
	for _, m := range r.object(n, keysOf[packetsFile]()...) {
		switch m.Key {
		case "from":
			a.From = r.texts(m.Value)
		case "to":
			a.To = r.texts(m.Value)
		case "ports":
			for _, text := range r.texts(m.Value) {
				p, err := parsePorts(text)
				if err != nil {
					r.fail(m.Value, m.Value.Pos, "expected ports like 443, 80-443 or *", fmt.Sprintf("%q", text), "")
				}
				a.Ports = append(a.Ports, p)
			}
		case "protocol":
			text := r.text(m.Value)
			p, err := parseProtocol(text)
			if err != nil {
				r.fail(m.Value, m.Value.Pos, "expected a protocol: tcp, udp, icmp, esp, ah or *", fmt.Sprintf("%q", text), "")
			}
			a.Protocol = p
		}
	}
	if n.Kind != doctree.Object {
		return
	}
	for _, key := range []string{"from", "to"} {
		if n.Get(key) == nil {
			r.fail(n, n.Pos, fmt.Sprintf("%s needs %s", a.Kind, key), "", "name machines, subnet:NETWORK/SUBNET, asg:NAME, a service tag, an address or Internet")
		}
	}
	if len(a.Ports) > 0 && a.Protocol != topology.NoProtocol && a.Protocol != topology.AnyProtocol && !a.Protocol.HasPorts() {
		r.fail(n, n.Pos, a.Protocol.String()+" has no ports", "ports", "leave them out")
	}
}

// backupReady reads which machines are to pass which profiles.
func (r *policyReader) backupReady(n *doctree.Node, a *rules.Assertion) {
	for _, m := range r.object(n, keysOf[backupReadyFile]()...) {
		switch m.Key {
		case "vms":
			a.VMs = r.texts(m.Value)
		case "profiles":
			a.Profiles = r.texts(m.Value)
			for _, name := range a.Profiles {
				if !slices.Contains(backup.ProfileNames(), name) {
					r.fail(m.Value, m.Value.Pos, "expected profiles of backup", fmt.Sprintf("%q", name), "known: "+strings.Join(backup.ProfileNames(), ", "))
				}
			}
		}
	}
	if n.Kind == doctree.Object && n.Get("vms") == nil {
		r.fail(n, n.Pos, "backup-ready needs vms", "", `write vms: ["*"] for every machine`)
	}
}

// texts reads a text, or a list of them that is not empty.
func (r *policyReader) texts(n *doctree.Node) []string {
	if n.Kind != doctree.Array {
		return []string{r.scalar(n)}
	}
	if len(n.Items) == 0 {
		r.fail(n, n.Pos, "expected at least one entry", "an empty list", "")
	}
	var out []string
	for _, item := range n.Items {
		out = append(out, r.scalar(item))
	}
	return out
}

// scalar is a text or a number as it is written.
func (r *policyReader) scalar(n *doctree.Node) string {
	if n.Kind == doctree.Number {
		return n.Text
	}
	return r.text(n)
}

// protocolOf is the protocol that an assertion asks.
func protocolOf(a *rules.Assertion) topology.Protocol {
	if a.Protocol == topology.NoProtocol {
		return topology.TCP
	}
	return a.Protocol
}

// sameNames compares selectors whatever their order and letter case.
func sameNames(a, b []string) bool {
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strings.ToLower(s)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(fold(a), fold(b))
}

// consistent refuses an assertion that says the opposite of an earlier one
// about the same packets.
func (r *policyReader) consistent(n *doctree.Node, a *rules.Assertion, before []*rules.Assertion) {
	for _, b := range before {
		opposite := a.Kind == rules.Allow && b.Kind == rules.Deny || a.Kind == rules.Deny && b.Kind == rules.Allow
		if opposite && protocolOf(a) == protocolOf(b) && sameNames(a.From, b.From) && sameNames(a.To, b.To) && slices.Equal(a.Ports, b.Ports) {
			r.fail(n, n.Pos, fmt.Sprintf("contradicts the assertion %q in line %d", b.ID, b.Origin.Line), fmt.Sprintf("%s of the same packets", a.Kind), "keep one of them")
		}
	}
}
