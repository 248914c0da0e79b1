package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/lint"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// assertionKinds are the keys of an assertion that say what it asserts.
var assertionKinds = []string{string(rules.Allow), string(rules.Deny), string(rules.Only), string(rules.BackupReady), string(rules.NoNewlyAllowed), string(rules.Lint)}

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
			switch a.Kind {
			case rules.BackupReady:
				r.backupReady(m.Value, a)
			case rules.Only:
				r.only(m.Value, a)
			case rules.NoNewlyAllowed:
				r.noNewlyAllowed(m.Value, a)
			case rules.Lint:
				r.lint(m.Value, a)
			default:
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
		r.packet(m, a)
	}
	r.complete(n, a, "from", "to")
}

// packet reads a key that is about packets.
func (r *policyReader) packet(m doctree.Member, a *rules.Assertion) {
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

// complete refuses what is about packets and lacks a key, or has ports without
// a protocol that has them.
func (r *policyReader) complete(n *doctree.Node, a *rules.Assertion, keys ...string) {
	if n.Kind != doctree.Object {
		return
	}
	for _, key := range keys {
		if n.Get(key) == nil {
			r.fail(n, n.Pos, fmt.Sprintf("%s needs %s", a.Kind, key), "", "name machines, subnet:NETWORK/SUBNET, asg:NAME, a service tag, an address or Internet")
		}
	}
	if len(a.Ports) > 0 && a.Protocol != topology.NoProtocol && a.Protocol != topology.AnyProtocol && !a.Protocol.HasPorts() {
		r.fail(n, n.Pos, a.Protocol.String()+" has no ports", "ports", "leave them out")
	}
}

// only reads between which ends nothing but which services passes.
func (r *policyReader) only(n *doctree.Node, a *rules.Assertion) {
	var services *doctree.Node
	for _, m := range r.object(n, keysOf[onlyFile]()...) {
		if m.Key == "services" {
			services = m.Value
			continue
		}
		r.packet(m, a)
	}
	r.complete(n, a, "from")
	switch {
	case n.Kind != doctree.Object || r.err != nil:
		return
	case services != nil && (n.Get("ports") != nil || n.Get("protocol") != nil):
		r.fail(services, services.Pos, "expected services, or ports and a protocol", "both", "write all of them as services: tcp/443, udp/53")
		return
	case services != nil:
		a.Words = strings.Join(r.texts(services), ",")
	case n.Get("ports") == nil && n.Get("protocol") == nil:
		r.fail(n, n.Pos, "only needs ports, a protocol or services", "", "write what may pass: ports: 443, or services: [tcp/443, icmp]; services: none is nothing")
		return
	case a.Protocol == topology.AnyProtocol && len(a.Ports) == 0:
		r.fail(n, n.Pos, "expected something that may not pass", "protocol *", "name the protocols that may: services: [tcp, icmp]")
		return
	}
	words := a.Words
	if services == nil {
		words = servicesOf(a)
	}
	var err error
	if a.Services, err = reach.ParseAllowed(words); err != nil && r.err == nil {
		at := n
		if services != nil {
			at = services
		}
		r.fail(at, at.Pos, "expected services like tcp/443, udp/53, icmp or none", err.Error(), "")
	}
}

// servicesOf are the ports and the protocol of an assertion as services.
func servicesOf(a *rules.Assertion) string {
	name := strings.ToLower(protocolOf(a).String())
	if protocolOf(a) == topology.AnyProtocol {
		name = "any"
	}
	if len(a.Ports) == 0 {
		return name
	}
	var list []string
	for _, p := range a.Ports {
		list = append(list, name+"/"+p.String())
	}
	return strings.Join(list, ",")
}

// noNewlyAllowed reads which earlier export is the baseline.
func (r *policyReader) noNewlyAllowed(n *doctree.Node, a *rules.Assertion) {
	for _, m := range r.object(n, keysOf[newlyFile]()...) {
		a.Baseline = strings.Join(r.texts(m.Value), ", ")
		for _, name := range r.texts(m.Value) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(r.file), name)
			}
			r.earlier[a] = append(r.earlier[a], name)
		}
	}
	if n.Kind == doctree.Object && n.Get("baseline") == nil {
		r.fail(n, n.Pos, "no-newly-allowed needs baseline", "", "name the earlier export, from the folder of this file")
	}
}

// lint reads which level of lint is to be kept.
func (r *policyReader) lint(n *doctree.Node, a *rules.Assertion) {
	names := func(n *doctree.Node) []string {
		list := r.texts(n)
		for _, name := range list {
			if _, err := lint.Find(name); err != nil {
				var known []string
				for _, x := range lint.Rules() {
					known = append(known, x.ID, x.Name)
				}
				r.fail(n, n.Pos, "expected rules of lint", fmt.Sprintf("%q", name), strings.TrimPrefix(didYouMean(name, known), "; "))
			}
		}
		return list
	}
	for _, m := range r.object(n, keysOf[lintFile]()...) {
		switch m.Key {
		case "fail-on":
			levels := []string{string(lint.Error), string(lint.Warning), string(lint.Note)}
			a.Lint.FailOn = lint.Severity(r.text(m.Value))
			if !slices.Contains(levels, string(a.Lint.FailOn)) {
				r.fail(m.Value, m.Value.Pos, "expected error, warning or note", fmt.Sprintf("%q", string(a.Lint.FailOn)), strings.TrimPrefix(didYouMean(string(a.Lint.FailOn), levels), "; "))
			}
		case "rules":
			a.Lint.Rules = names(m.Value)
		case "without":
			a.Lint.Without = names(m.Value)
		}
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

// consistent refuses an assertion that cannot hold together with an earlier
// one about the same ends.
func (r *policyReader) consistent(n *doctree.Node, a *rules.Assertion, before []*rules.Assertion) {
	for _, b := range before {
		if sameNames(a.From, b.From) && sameNames(a.To, b.To) && len(a.From) > 0 && (contradict(a, b) || contradict(b, a)) {
			r.fail(n, n.Pos, fmt.Sprintf("contradicts the assertion %q in line %d", b.ID, b.Origin.Line), fmt.Sprintf("%s of the same packets", a.Kind), "keep one of them")
		}
	}
}

// contradict reports whether the first asserts that packets get through of
// which the second asserts that they do not.
func contradict(a, b *rules.Assertion) bool {
	if a.Kind != rules.Allow {
		return false
	}
	p := protocolOf(a)
	switch b.Kind {
	case rules.Deny:
		q := protocolOf(b)
		return (p == q || p == topology.AnyProtocol || q == topology.AnyProtocol) && overlap(a.Ports, b.Ports)
	case rules.Only:
		s := reach.Services{Ports: a.Ports}
		if p != topology.AnyProtocol {
			s.Protocols = []topology.Protocol{p}
		}
		return len(b.Services.Without(s)) > 0
	}
	return false
}

// overlap reports whether two lists of ports have one in common; an empty one
// is all.
func overlap(a, b []topology.PortRange) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(x topology.PortRange) bool {
		return slices.ContainsFunc(b, func(y topology.PortRange) bool { return x.First <= y.Last && y.First <= x.Last })
	})
}
