package lint

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func halfPeering() *Rule {
	return &Rule{
		ID: "NP1206", Name: "peering-half-done", Severity: Error,
		Short: "The two sides of a peering do not fit each other",
		Why: `A peering carries traffic only where both networks have their side of it and both are Connected (PEER). A side that is missing, or still Initiated or Disconnected after the other was made anew, leaves no link at all: an error.

Access that is on at one side and off at the other, gateways that one side uses and the other does not offer, and an address space that has changed since the peering was last synchronised are warnings.`,
		Fix: "Make the other side, or delete both and make them anew.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    virtualNetworkPeerings:
      - {name: to-v2, remoteVirtualNetwork: v2}
  - name: v2
    location: westeurope
    addressPrefixes: [10.1.0.0/16]
`,
		check: checkHalfPeering,
	}
}

func checkHalfPeering(run *Run, report func(Finding)) {
	for _, v := range run.Network.VirtualNetworks {
		for _, p := range v.Peerings {
			if f := run.halfPeering(v, p); f != nil {
				f.Subject, f.Name, f.Origin = v.ID(), p.Name, p.Origin
				report(*f)
			}
		}
	}
}

func azPeering(advice string, v *topology.VirtualNetwork, verb string, args ...string) string {
	return az(advice, &v.Element, "network vnet peering "+verb, append([]string{"--vnet-name", shell(v.Name)}, args...)...)
}

func (run *Run) halfPeering(v *topology.VirtualNetwork, p *topology.Peering) *Finding {
	name := "peering " + quoted(p.Name) + " of " + v.Name
	far := p.RemoteVirtualNetwork.ID().Name()
	remote, back := run.Sim.Names().Back(v, p)
	if remote != nil {
		far = remote.Name
	}
	if p.State != "" && !strings.EqualFold(p.State, "Connected") {
		fix := "Make the peering of " + far + " back to " + v.Name + "; of a Disconnected one delete both sides and make them anew"
		return &Finding{Text: name + " with " + far + " is " + p.State + ": there is no link", Fix: azPeering(fix, v, "delete", "-n", shell(p.Name))}
	}
	if remote == nil {
		return nil // its side is not in the data
	}
	if back == nil {
		if remote.Stub || !run.whole("Microsoft.Network/virtualNetworks/virtualNetworkPeerings") {
			return nil
		}
		return &Finding{Text: name + " leads to " + far + ", which has no peering back: there is no link",
			Fix: azPeering("Make the other side", remote, "create", "-n", shell("to-"+v.Name), "--remote-vnet", shell(v.ResourceID), "--allow-vnet-access")}
	}
	related := []Related{{Text: "peering " + quoted(back.Name) + " of " + remote.Name, Origin: back.Origin}}
	if back.State != "" && !strings.EqualFold(back.State, "Connected") {
		return nil // said of the other side
	}
	switch {
	case p.AllowVirtualNetworkAccess == topology.Off && back.AllowVirtualNetworkAccess != topology.Off:
		return &Finding{Severity: Warning, Related: related,
			Text: name + " does not allow access to " + far + ", and the side of " + far + " does",
			Fix:  azPeering("Set both sides alike", v, "update", "-n", shell(p.Name), "--set allowVirtualNetworkAccess=true")}
	case p.UseRemoteGateways == topology.On && back.AllowGatewayTransit != topology.On:
		return &Finding{Severity: Warning, Related: related,
			Text: name + " uses the gateways of " + far + ", whose side does not allow gateway transit",
			Fix:  azPeering("Allow it", remote, "update", "-n", shell(back.Name), "--set allowGatewayTransit=true")}
	case p.RemoteAddressSpaceGiven && p.PeerCompleteVnets != topology.Off && !remote.Stub && len(remote.AddressSpace) > 0:
		var ours, theirs = scope.SetOf(p.RemoteAddressSpace...), scope.SetOf(remote.AddressSpace...)
		if ours.Equal(theirs) {
			return nil
		}
		var lost []netip.Prefix
		text := name + " has another address space of " + far + " than it has"
		if missing := difference(theirs, ours); !empty(missing) {
			lost = missing.Prefixes()
			text += ": without " + few(lost)
		} else if stale := difference(ours, theirs); !empty(stale) {
			lost = stale.Prefixes()
			text += ": " + few(lost) + " is there no more"
		}
		return &Finding{Severity: Warning, Related: append(related, Related{Text: "virtual network " + remote.Name, Origin: remote.Origin}), Text: text,
			Fix: azPeering("Synchronise the peering", v, "sync", "-n", shell(p.Name))}
	}
	return nil
}
