package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Remedy is the least change that gives a machine what its profiles require by
// one of the three ways. It is proved: with the edits made, every requirement
// of the network is met.
type Remedy struct {
	Way      Way         `json:"way"`
	Text     string      `json:"text"`
	Edits    []edit.Edit `json:"-"`
	Opens    []Opening   `json:"opens"`              // what each edit lets pass, in the order of the edits
	Commands []Command   `json:"commands,omitempty"` // that make the edits, where a form was asked for
}

// Command is a text to be run, deployed or put into a file.
type Command struct {
	Where string `json:"where"`
	Text  string `json:"text"`
}

// Opening is what one edit lets pass at its gate.
type Opening struct {
	Edit        string `json:"edit"`
	Source      string `json:"source,omitempty"`
	Destination string `json:"destination,omitempty"`
	Known       bool   `json:"known"`            // the data says how many addresses these are
	Addresses   uint64 `json:"addresses"`        // IPv4 addresses of the destination
	IPv6        string `json:"ipv6,omitempty"`   // IPv6 addresses of the destination, in decimal
	Storage     uint64 `json:"storageAddresses"` // of Addresses, those of the service tag Storage
	Ports       int    `json:"ports"`
}

// Hindrance says why no edit gives a machine a way.
type Hindrance struct {
	Way  Way    `json:"way"`
	Text string `json:"text"`
}

// remedies lists, for a machine whose network does not give it what it needs,
// the least change for each way, and why a way cannot be had. A change that
// does not make every requirement pass is never listed.
func (x *subject) remedies(vm *VM) ([]Remedy, []Hindrance, error) {
	needs := outboundNeeds(vm.Requirements)
	if len(needs) == 0 || !slices.ContainsFunc(vm.Requirements, func(r Requirement) bool { return r.Met != Pass }) {
		return nil, nil, nil
	}
	var out []Remedy
	var no []Hindrance
	for _, w := range []Way{ServiceTag, DatacenterRanges, Proxy} {
		r, why, err := x.remedy(w, needs)
		switch {
		case err != nil:
			return nil, nil, err
		case r == nil:
			no = append(no, Hindrance{w, why})
		case !slices.ContainsFunc(out, func(o Remedy) bool { return o.Text == r.Text }):
			out = append(out, *r)
		}
	}
	return out, no, nil
}

// remedy looks for the edits of one way; nil with the reason where there are
// none.
func (x *subject) remedy(w Way, needs []*Requirement) (*Remedy, string, error) {
	var why string
	for _, start := range x.starts(w) {
		edits, with, text, err := x.complete(w, needs, start)
		if err != nil {
			return nil, "", err
		}
		if why == "" {
			why = text
		}
		if len(edits) == 0 || text != "" {
			continue
		}
		passes, way, err := x.passesIn(with)
		if err != nil {
			return nil, "", err
		}
		if !passes {
			why = "no edit was found that makes every requirement pass"
			continue
		}
		return x.describe(w, way, edits), "", nil
	}
	if why == "" {
		why = "no machine of the estate runs a proxy"
		if w != Proxy {
			why = "no edit was found that makes every requirement pass"
		}
	}
	return nil, why, nil
}

// starts are the settings of the machine that a way may begin with, the least
// change first.
func (x *subject) starts(w Way) [][]edit.Edit {
	set := func(host string, port uint16) []edit.Edit {
		return []edit.Edit{edit.SetProxy{Machine: topology.RefTo(x.vm.ResourceID), OS: x.vm.OSType, Host: host, Port: port}}
	}
	own := systemProxy(x.vm)
	if w != Proxy {
		if own != nil {
			return [][]edit.Edit{set("", 0)}
		}
		return [][]edit.Edit{nil}
	}
	var out [][]edit.Edit
	if own != nil {
		out = append(out, nil)
	} else if p := x.vm.Proxy; p != nil {
		out = append(out, set(p.Host, p.Port))
	}
	if p := x.offer(); p != nil && (x.vm.Proxy == nil || x.vm.Proxy.Host != p.Host || x.vm.Proxy.Port != p.Port) {
		out = append(out, set(p.Host, p.Port))
	}
	return out
}

// complete adds what each requirement needs on the way, and returns the estate
// with it. The text says what stands in the way, "" where nothing does.
func (x *subject) complete(w Way, needs []*Requirement, edits []edit.Edit) (all []edit.Edit, with *sim.Simulator, text string, err error) {
	for _, r := range needs {
		q := fix.Question{Want: topology.Allow, Guests: w == Proxy}
		q.From, q.To, q.Protocol, q.Port, q.NoProxy = x.vm.ResourceID, x.question(r, "").to, r.Protocol, r.Port, w != Proxy
		if w == DatacenterRanges {
			why, err := x.byRanges(&q, r)
			if why != "" || err != nil {
				return nil, nil, why, err
			}
		}
		for _, host := range r.hosts {
			q.Host, q.Made = host, edits
			plan, err := fix.Find(x.sim, q)
			if e, ok := errors.AsType[*sim.NameError](err); ok {
				return nil, nil, e.Error(), nil
			}
			if err != nil {
				return nil, nil, "", err
			}
			if !plan.Met() {
				var list []string
				for _, b := range plan.Blockers {
					list = append(list, b.Text)
				}
				return nil, nil, strings.Join(list, "; "), nil
			}
			with = plan.Sim
			edits = slices.Concat(edits, plan.Edits)
			if !actsOnNames(plan.After) {
				break
			}
		}
	}
	return edits, with, "", nil
}

// byRanges makes the question one for rules made of ranges: those of the
// requirement's service, or without a service tag file of the whole region,
// that do not pass already.
func (x *subject) byRanges(q *fix.Question, r *Requirement) (why string, err error) {
	need := x.prefixes(r.Tag)
	if need == nil {
		region, ok := x.sim.Names().Index().Region(x.region)
		switch {
		case !ok || x.region == "":
			return "neither a service tag file nor datacenter ranges among the inputs say what the ranges of " + r.Tag + " are", nil
		case x.hasIPv6():
			return "datacenter ranges hold no IPv6 addresses, and " + x.vm.Name + " has one", nil
		}
		need, q.To = region.Prefixes, "datacenter:"+region.Name
	}
	t, err := x.ask(question{to: q.To, host: r.hosts[0], protocol: r.Protocol, port: r.Port, direct: true})
	if err != nil {
		text, ok := unasked(err)
		if !ok {
			return "", err
		}
		return text, nil
	}
	var open netipx.IPSetBuilder
	for _, p := range partsOf(t) {
		if p.Verdict != flow.Allow {
			continue
		}
		to := p.to
		if len(to) == 0 {
			to = need
		}
		for _, a := range to {
			open.AddPrefix(a)
		}
	}
	passes := rangesOf(&open)
	for _, p := range need {
		if !passes.hold(p) && !slices.Contains(t.To.LeftOut, family(p)) {
			q.Ranges = append(q.Ranges, p)
		}
	}
	q.Name = "allow-ranges-" + r.Tag
	return "", nil
}

// passesIn examines the machine in the estate with edits: it reports whether
// all that the network must give is met, and by which way.
func (x *subject) passesIn(with *sim.Simulator) (bool, Way, error) {
	e := &examination{
		sim: with, net: with.Network(), profiles: x.profiles, region: x.examination.region, rules: x.rules, interfaces: x.interfaces,
		proxies: x.proxies, current: x.current, tags: map[string][]netip.Prefix{}, holding: map[[2]string]bool{},
		outbound: map[topology.ID][]*namedRule{}, covered: map[coverageKey]*RuleCoverage{}, regional: map[[2]string]string{},
	}
	vm, ok := topology.LookupID[*topology.VirtualMachine](e.net, x.vm.ID())
	if !ok {
		return false, None, nil
	}
	y := e.subjectOf(vm)
	reqs, err := y.requirements()
	if err != nil {
		return false, None, err
	}
	return !slices.ContainsFunc(reqs, func(r Requirement) bool { return r.Met != Pass }), y.wayInUse(reqs), nil
}

// describe tells a remedy. Where a machine needs no rule, its own say by which
// way it goes.
func (x *subject) describe(w, way Way, edits []edit.Edit) *Remedy {
	r := &Remedy{Way: w, Edits: edits}
	if !slices.ContainsFunc(edits, func(e edit.Edit) bool { _, ok := e.(edit.AddRule); return ok }) {
		r.Way = way
	}
	var texts []string
	for _, e := range edits {
		texts = append(texts, e.String())
		r.Opens = append(r.Opens, x.opening(e))
	}
	r.Text = strings.Join(texts, "; ")
	return r
}

// opening counts what an edit lets pass.
func (x *subject) opening(e edit.Edit) Opening {
	c := fix.Measure(x.sim, e)
	o := Opening{Edit: e.String(), Source: c.Source.Text, Destination: c.Destination.Text, Known: c.Destination.Known, Ports: c.Ports, Addresses: c.Destination.IPv4}
	switch e := e.(type) {
	case edit.AddRule:
		if len(e.Destination) > 4 {
			o.Destination = fmt.Sprintf("%d prefixes", len(e.Destination))
		}
		if c.Destination.IPv6 != nil && !onlyIPv4(e.Source) {
			o.IPv6 = c.Destination.IPv6.String()
		}
		if set := c.Destination.Set(); set != nil {
			o.Storage = x.ofStorage(set)
		}
	case edit.OpenHostFirewall:
		o.Known, o.Addresses = true, 1
	case edit.SetProxy, edit.AllowHost:
		o.Known = true // no address is opened
	}
	return o
}

// onlyIPv4 reports whether every source is an IPv4 address or prefix: a rule of
// such sources opens no IPv6 destination.
func onlyIPv4(sources []string) bool {
	return len(sources) > 0 && !slices.ContainsFunc(sources, func(s string) bool {
		host, _, _ := strings.Cut(s, "/")
		a, err := netip.ParseAddr(host)
		return err != nil || a.Is6()
	})
}

// ofStorage counts the IPv4 addresses of the set that are of the service tag
// Storage, of whatever region.
func (x *subject) ofStorage(set *netipx.IPSet) uint64 {
	storage := x.storage()
	var n uint64
	for _, r := range set.Ranges() {
		if r.From().Is6() {
			break // after all of IPv4
		}
		i, _ := slices.BinarySearchFunc(storage, r.From(), func(y netipx.IPRange, a netip.Addr) int { return y.To().Compare(a) })
		for ; i < len(storage) && storage[i].From().Compare(r.To()) <= 0; i++ {
			from, to := storage[i].From(), storage[i].To()
			if from.Less(r.From()) {
				from = r.From()
			}
			if r.To().Less(to) {
				to = r.To()
			}
			n += number(to) - number(from) + 1
		}
	}
	return n
}

// number is an IPv4 address as a number.
func number(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}

// storageRanges are the IPv4 ranges of the service tag Storage.
func (e *examination) storageRanges() ranges {
	var b netipx.IPSetBuilder
	for _, p := range e.prefixes("Storage") {
		if p.Addr().Is4() {
			b.AddPrefix(p)
		}
	}
	return rangesOf(&b)
}
