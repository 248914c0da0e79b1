package sim

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// leftOut reports whether a proxy setting leaves a destination out (no_proxy,
// ProxyOverride), so that it is reached without the proxy: Allow it does, Deny
// it does not, Unknown where programs differ or the host name is not known
// well enough. Programs compare what they are asked for: of a destination with
// names behind it the names count, of another its address a, which is invalid
// where it is no one address.
func (s *Simulator) leftOut(p *topology.ProxySetting, target firewall.Target, a netip.Addr) flow.Verdict {
	if len(p.Bypass) == 0 {
		return flow.Deny
	}
	names := s.namesBehind(target)
	if len(names) == 0 {
		return addressLeftOut(p.Bypass, a)
	}
	var out flow.Verdict
	for i, name := range names {
		one := flow.Deny
		for _, b := range p.Bypass {
			one = stronger(one, doubted(b, nameCovered(strings.ToLower(b.Host), name)))
		}
		if i > 0 && one != out {
			return flow.Unknown
		}
		out = one
	}
	return out
}

// addressLeftOut is leftOut for a destination of which no name is known. Any
// name of the list may be the one that is meant, but one without a dot is no
// host outside the estate.
func addressLeftOut(list []topology.Bypass, a netip.Addr) flow.Verdict {
	out := flow.Deny
	for _, b := range list {
		switch {
		case b.Host == "*" || b.Prefix.IsValid() && a.IsValid() && b.Prefix.Contains(a.Unmap()):
			out = stronger(out, doubted(b, flow.Allow))
		case strings.Contains(strings.Trim(b.Host, "*."), "."):
			out = stronger(out, flow.Unknown)
		}
	}
	return out
}

// nameCovered says whether a pattern covers a name, or every name that ends as
// one with a leading dot does.
func nameCovered(pattern, name string) flow.Verdict {
	suffix, wild := strings.CutPrefix(pattern, "*")
	switch ending := strings.HasPrefix(name, "."); {
	case pattern == "":
		return flow.Deny // an address
	case wild && strings.HasSuffix(name, suffix), !ending && pattern == name:
		return flow.Allow
	case ending && strings.HasSuffix(suffix, name):
		return flow.Unknown // some of the names
	default:
		return flow.Deny
	}
}

// doubted is what an entry says, which programs may read in another way.
func doubted(b topology.Bypass, v flow.Verdict) flow.Verdict {
	if v == flow.Allow && b.Doubtful {
		return flow.Unknown
	}
	return v
}

// stronger is what two entries say together.
func stronger(a, b flow.Verdict) flow.Verdict {
	switch {
	case a == flow.Allow || b == flow.Allow:
		return flow.Allow
	case a == flow.Unknown || b == flow.Unknown:
		return flow.Unknown
	default:
		return flow.Deny
	}
}

// namesBehind are the names that a program may ask for at a destination, or
// with a leading dot how they end; none where nothing is known of them. Of a
// service tag they are those of the tag file's cloud.
func (s *Simulator) namesBehind(target firewall.Target) []string {
	if target.Host != "" {
		return []string{strings.ToLower(target.Host)}
	}
	cloud := ""
	if c := s.net.ServiceTags; c != nil {
		cloud = c.Cloud
	}
	ours := slices.DeleteFunc(slices.Clone(target.Suffixes), func(name string) bool {
		china, government := strings.HasSuffix(name, ".chinacloudapi.cn"), strings.HasSuffix(name, ".usgovcloudapi.net")
		switch cloud {
		case "China", "AzureChina":
			return !china
		case "AzureGovernment":
			return !government
		default:
			return china || government
		}
	})
	if len(ours) == 0 {
		return target.Suffixes
	}
	return ours
}

// proxied walks through the proxy of a machine, unless its setting leaves the
// destination out: then it reports false, and the packet goes direct.
func (k *walk) proxied(p position, t flow.Tuple, vm *topology.VirtualMachine, setting *topology.ProxySetting, depth int) bool {
	switch k.s.leftOut(setting, k.target, t.Destination.IP) {
	case flow.Allow:
		return false
	case flow.Unknown:
		k.leg++
		k.opaque(settingHop(vm, setting), flow.Fact{Code: flow.ProxyBypassUnknown, About: vm.Name, Detail: string(vm.ID()) + k.target.Host + t.Destination.Key(),
			Text: "whether the proxy setting of " + vm.Name + " leaves the destination out (no_proxy, ProxyOverride) is not known"})
	default:
		k.throughProxy(p, t, vm, setting, depth)
	}
	return true
}

// settingHop is the hop of a proxy setting that does not say where a packet
// goes.
func settingHop(vm *topology.VirtualMachine, setting *topology.ProxySetting) Hop {
	return Hop{Kind: HopProxy, Name: setting.Host, AppliedTo: "guest " + vm.Name, Origin: originOf(setting.Origin)}
}
