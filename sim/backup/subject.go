package backup

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// subject is one machine under examination.
type subject struct {
	*examination
	vm     *topology.VirtualMachine
	nic    *topology.NetworkInterface // primary; nil where it is not known
	subnet *topology.Subnet           // of the primary address; nil where it is not in the data
	region string                     // ARM location whose services are asked; "" not known

	asked map[question]answer
}

// question is what a subject asks the simulator: one destination from itself.
type question struct {
	to       string
	host     string // the name of which a proxy or firewall is asked, "" for none
	protocol topology.Protocol
	port     uint16
	direct   bool                   // past the machine's proxy
	proxy    *topology.ProxySetting // as if this were the machine's setting
}

type answer struct {
	trace *sim.Trace
	err   error
}

// ask traces a question from the machine's primary interface, each question
// once.
func (x *subject) ask(q question) (*sim.Trace, error) {
	if a, ok := x.asked[q]; ok {
		return a.trace, a.err
	}
	t, err := x.sim.Trace(sim.TraceQuestion{
		From: x.vm.ResourceID, To: q.to, Protocol: q.protocol, Port: q.port, NoProxy: q.direct, AllBlockers: true,
		Proxy: q.proxy, Host: q.host,
	})
	if x.asked == nil {
		x.asked = map[question]answer{}
	}
	x.asked[q] = answer{t, err}
	return t, err
}

// trace asks a question for a requirement. Where no service tag file says what
// the tag of a region has, the datacenter ranges may decide: all of the
// region's addresses that fare alike, those of the service among them.
func (x *subject) trace(r *Requirement, q question) (*sim.Trace, error) {
	t, err := x.ask(q)
	if err != nil || t.Verdict != flow.Unknown || scope.Parent(r.Tag) == "" || x.net.ServiceTags != nil || x.hasIPv6() {
		return t, err
	}
	region, ok := x.sim.Names().Index().Region(x.region)
	if !ok {
		return t, nil
	}
	q.to = "datacenter:" + region.Name
	u, err := x.ask(q)
	if err != nil || u.Verdict != flow.Allow && u.Verdict != flow.Deny {
		return t, err
	}
	return u, nil
}

// hasIPv6 reports whether the machine has an IPv6 address, of which datacenter
// ranges say nothing.
func (x *subject) hasIPv6() bool {
	return x.nic != nil && slices.ContainsFunc(x.nic.IPConfigurations, func(c *topology.IPConfiguration) bool { return c.PrivateIPAddress.Is6() })
}

// unasked is the reason why a question has no answer; false where the error
// must stop the run.
func unasked(err error) (string, bool) {
	if e, ok := errors.AsType[*sim.NameError](err); ok {
		return e.Error(), true
	}
	return "", false
}

// subjectOf examines what is known of where a machine stands.
func (e *examination) subjectOf(vm *topology.VirtualMachine) *subject {
	x := &subject{examination: e, vm: vm, nic: e.primaryInterface(vm)}
	x.region = topology.NormalLocation(vm.Location)
	if x.nic != nil {
		if c := primaryConfiguration(x.nic); c != nil {
			x.subnet, _ = topology.Lookup[*topology.Subnet](e.net, c.Subnet)
		}
		if x.region == "" {
			x.region = topology.NormalLocation(x.nic.Location)
		}
	}
	if x.region == "" && x.subnet != nil {
		// A machine, its interface and its network are of one region.
		if v := e.net.VirtualNetworkOf(x.subnet); v != nil {
			x.region = topology.NormalLocation(v.Location)
		}
	}
	if e.region != "" {
		x.region = e.region
	}
	return x
}

// primaryInterface is the interface that the simulator takes for the machine
// in a trace, nil where there is none or it cannot be told.
func (e *examination) primaryInterface(vm *topology.VirtualMachine) *topology.NetworkInterface {
	if !vm.PrimaryInterface.IsZero() {
		nic, _ := topology.Lookup[*topology.NetworkInterface](e.net, vm.PrimaryInterface)
		return nic
	}
	var found []*topology.NetworkInterface
	for _, r := range vm.NetworkInterfaces {
		if nic, ok := topology.Lookup[*topology.NetworkInterface](e.net, r); ok {
			found = append(found, nic)
		}
	}
	if len(vm.NetworkInterfaces) == 0 {
		found = e.interfaces[vm.ID()]
	}
	if len(found) == 1 {
		return found[0]
	}
	var marked []*topology.NetworkInterface
	for _, nic := range found {
		if nic.Primary == topology.On {
			marked = append(marked, nic)
		}
	}
	if len(marked) == 1 {
		return marked[0]
	}
	return nil
}

// primaryConfiguration is the interface's primary IP configuration, of IPv4
// where it has one.
func primaryConfiguration(nic *topology.NetworkInterface) *topology.IPConfiguration {
	var best *topology.IPConfiguration
	rank := func(c *topology.IPConfiguration) int {
		n := 0
		if c.PrivateIPAddress.Is4() {
			n += 2
		}
		if c.Primary == topology.On {
			n++
		}
		return n
	}
	for _, c := range nic.IPConfigurations {
		if best == nil || rank(c) > rank(best) {
			best = c
		}
	}
	return best
}

// systemProxy is the proxy setting that reaches the backup extension, nil for
// none: a user's own does not (spec 8.2).
func systemProxy(vm *topology.VirtualMachine) *topology.ProxySetting {
	if vm.Proxy == nil || strings.EqualFold(vm.Proxy.Scope, "user") {
		return nil
	}
	return vm.Proxy
}

func quote(s string) string { return strconv.Quote(s) }

// addAssumption adds an assumption unless the list has it for the resource.
func addAssumption(list []flow.Assumption, more ...flow.Assumption) []flow.Assumption {
next:
	for _, a := range more {
		for _, b := range list {
			if a.ID == b.ID && a.About == b.About {
				continue next
			}
		}
		list = append(list, a)
	}
	return list
}

// addMissing adds what would settle an Unknown unless the list has it.
func addMissing(list []flow.Missing, more ...flow.Missing) []flow.Missing {
next:
	for _, a := range more {
		for _, b := range list {
			if a == b {
				continue next
			}
		}
		list = append(list, a)
	}
	return list
}
