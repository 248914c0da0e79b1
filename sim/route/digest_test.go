package route_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/topology"
)

// Tables that choose differently somewhere have different digests; that of one
// estate is the same whenever it is made.
func TestTheDigestOfATableTellsWhatItChooses(t *testing.T) {
	peered := func(change func(*topology.Peering)) func() *golden.Estate {
		return func() *golden.Estate {
			return golden.New().With(func(e *golden.Estate) { change(e.Peering("v1", "v2")) })
		}
	}
	estates := map[string]func() *golden.Estate{
		"the usual routes":                func() *golden.Estate { return golden.New() },
		"a user route":                    func() *golden.Estate { return app(nva("0.0.0.0/0")) },
		"a shorter user route":            func() *golden.Estate { return app(nva("0.0.0.0/1")) },
		"one to another appliance":        func() *golden.Estate { return app(golden.Via("to-nva", "0.0.0.0/0", "10.0.0.11")) },
		"one to None":                     func() *golden.Estate { return app(golden.Hop("none", "0.0.0.0/0", topology.NextHopNone)) },
		"one to a service tag":            func() *golden.Estate { return app(nva("Storage")) },
		"one to another service tag":      func() *golden.Estate { return app(nva("Sql")) },
		"a peering that is not connected": peered(func(p *topology.Peering) { p.State = "Initiated" }),
		"a peering of no known state":     peered(func(p *topology.Peering) { p.State = "" }),
		"a peering that did not succeed":  peered(func(p *topology.Peering) { p.ProvisioningState = "Failed" }),
		"a peering to a network that is not in the data": peered(func(p *topology.Peering) {
			p.RemoteVirtualNetwork = topology.RefTo("/x/virtualNetworks/gone")
			p.RemoteAddressSpace, p.RemoteAddressSpaceGiven = []netip.Prefix{cidr("10.1.0.0/16")}, true
		}),
		"a private endpoint": func() *golden.Estate { return golden.New().PrivateEndpoint("pe1", "db", golden.PE, "x") },
		"another private endpoint at its address": func() *golden.Estate {
			return golden.New().PrivateEndpoint("pe2", "db", golden.PE, "x")
		},
		"a private endpoint that did not succeed": func() *golden.Estate {
			return golden.New().PrivateEndpoint("pe1", "db", golden.PE, "x").With(func(e *golden.Estate) { e.Build().PrivateEndpoints[0].ProvisioningState = "Failed" })
		},
		"a private endpoint that is not in the data": func() *golden.Estate {
			return golden.New().With(func(e *golden.Estate) {
				e.SubnetOf("db").PrivateEndpointRefs = []topology.Ref{topology.RefTo("/x/privateEndpoints/gone")}
			})
		},
		"a service endpoint":                func() *golden.Estate { return golden.New().ServiceEndpoint("app", "Microsoft.Storage") },
		"a gateway":                         func() *golden.Estate { return learned("172.20.0.0/16") },
		"one that has learned otherwise":    func() *golden.Estate { return learned("172.21.0.0/16") },
		"one of which it is not known what": notLearned,
		"the gateway of a peer":             remote,
		"a route table that is not in the data": func() *golden.Estate {
			return golden.New().With(func(e *golden.Estate) {
				e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone")
			})
		},
		"a route table that did not succeed": func() *golden.Estate {
			return app(nva("0.0.0.0/0")).With(func(e *golden.Estate) { e.RouteTable("app").ProvisioningState = "Failed" })
		},
		"a network known by its subnets alone": func() *golden.Estate {
			return golden.New().With(func(e *golden.Estate) { e.VNetOf("v1").Stub, e.VNetOf("v1").AddressSpace = true, nil })
		},
	}
	of := map[string]string{}
	for name, estate := range estates {
		d := table(estate().Build(), "app").Digest()
		if again := table(estate().Build(), "app").Digest(); again != d {
			t.Errorf("%s: made twice, two digests", name)
		}
		if other, there := of[d]; there {
			t.Errorf("%q has the digest of %q", name, other)
		}
		of[d] = name
	}
}
