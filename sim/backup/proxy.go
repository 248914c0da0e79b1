package backup

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// byProxy evaluates the way through a proxy. Where the machine has no setting
// that reaches the extension, the further legs are asked as if it had that of
// its user, or one for the estate's proxy.
func (x *subject) byProxy(r *Requirement) (WayResult, error) {
	setting, leg := x.setting()
	result := WayResult{Legs: []Leg{leg}}
	if setting == nil {
		for _, name := range legNames(true) {
			result.Legs = append(result.Legs, Leg{Name: name, Step: step(name), Skipped: true})
		}
		result.Verdict, result.Failing, result.Text = Fail, LegSetting, leg.Text
		return result, nil
	}
	for i, host := range r.hosts {
		q := x.question(r, host)
		if setting != systemProxy(x.vm) {
			q.proxy = setting
		}
		t, err := x.trace(r, q)
		if err != nil {
			text, ok := unasked(err)
			if !ok {
				return result, err
			}
			return WayResult{Failing: LegToProxy, Text: text}, nil
		}
		one := WayResult{Through: t.Proxy, Legs: append([]Leg{leg}, legs(t)...)}
		v, _ := fold(t)
		switch first := &one.Legs[0]; {
		case t.Proxy == "" && r.Tag != "":
			// A service lies outside the estate: the setting leaves it out.
			first.Verdict, first.Code = flow.Deny, flow.ProxyNotFound
			first.Text = "the setting of " + x.vm.Name + " leaves " + hostOr(host, r.Destination) + " out (no_proxy, ProxyOverride): it goes direct"
			one.Legs = one.Legs[:1]
		case t.Proxy == "":
			one.Legs = one.Legs[:1] // inside the estate: the proxy is not for it
		case t.Code == flow.ProxyBypassUnknown && len(t.Missing) > 0:
			first.Verdict, first.Code, first.Text = flow.Unknown, t.Code, t.Missing[0].Text
		}
		one.Verdict = worse(met(one.Legs[0].Verdict), v)
		one.Failing = failing(one.Legs)
		one.Text = x.legText(&one, t)
		if one.Text == "" && one.Verdict == Pass {
			one.Text = "through " + t.Proxy
		}
		if i == 0 || severity(one.Verdict) > severity(result.Verdict) {
			result = one
		}
	}
	return result, nil
}

// hostOr is the name of a host, else the destination that it stands for.
func hostOr(host, destination string) string {
	if host == "" {
		return destination
	}
	return host
}

// setting is the proxy that the machine uses, or the one that it might, and
// the leg that says whether the setting reaches the extension; nil where no
// proxy is known.
func (x *subject) setting() (*topology.ProxySetting, Leg) {
	leg := Leg{Name: LegSetting, Step: step(LegSetting), Verdict: flow.Allow, Code: flow.ProxyAllow}
	p := x.vm.Proxy
	switch {
	case p == nil:
		leg.Verdict, leg.Code = flow.Deny, flow.ProxyNotFound
		leg.Text = "no proxy is set on " + x.vm.Name
		offer := x.offer()
		if offer == nil {
			leg.Text += ", and no machine of the estate runs one"
			return nil, leg
		}
		return offer, leg
	case strings.EqualFold(p.Scope, "user"):
		leg.Verdict, leg.Code = flow.Deny, flow.ProxyNotFound
		leg.Text = "the proxy is set for a user only; the extension runs as the system account"
		if p.Host != "" {
			leg.Text = fmt.Sprintf("the proxy %s:%d is set for a user only; the extension runs as the system account", p.Host, p.Port)
		}
	case p.Undecided != "":
		leg.Verdict, leg.Code, leg.Text = flow.Unknown, flow.ProxyUndecided, p.Undecided
	default:
		leg.Text = fmt.Sprintf("%s:%d, for the system account", p.Host, p.Port)
	}
	if p.Origin != (topology.Origin{}) {
		o := p.Origin
		leg.Origin = &o
	}
	return p, leg
}

// offer is the setting that would send the machine through a proxy of the
// estate: one in its own region before others; nil where there is none or the
// machine is that proxy itself.
func (x *subject) offer() *topology.ProxySetting {
	var best *topology.ProxySetting
	for _, p := range x.proxies {
		if p.vm == x.vm {
			continue
		}
		if topology.NormalLocation(p.vm.Location) == x.region {
			return p.setting
		}
		if best == nil {
			best = p.setting
		}
	}
	return best
}

// offeredProxy is a machine of the estate that runs a proxy, and the setting
// that leads to it.
type offeredProxy struct {
	vm      *topology.VirtualMachine
	setting *topology.ProxySetting
}

// offeredProxies are the machines that run a proxy at a known address.
func (e *examination) offeredProxies() []offeredProxy {
	var out []offeredProxy
	for _, vm := range e.net.VirtualMachines {
		if vm.ProxyServer == nil || vm.ProxyServer.Port == 0 {
			continue
		}
		nic := e.primaryInterface(vm)
		if nic == nil {
			continue
		}
		c := primaryConfiguration(nic)
		if c == nil || !c.PrivateIPAddress.IsValid() {
			continue
		}
		out = append(out, offeredProxy{vm, &topology.ProxySetting{Host: c.PrivateIPAddress.String(), Port: vm.ProxyServer.Port, Scope: "system"}})
	}
	return out
}
