package backup_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// remediesOf examines one machine and looks for what would mend it.
func remediesOf(t *testing.T, n *topology.Network, vm string) backup.VM {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	r, err := backup.Examine(t.Context(), s, backup.Options{VMs: []string{vm}, Remedies: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.VMs[0]
}

func TestEachWayHasItsLeastChange(t *testing.T) {
	out, in := topology.Outbound, topology.Inbound
	shut := func() *golden.Rule { return golden.Deny("deny-internet", 4000, out).To("Internet") }
	for _, c := range []struct {
		name     string
		estate   *golden.Estate
		remedies []string
		no       []string
	}{
		{"a machine that passes", golden.New(), nil, nil},
		{"NSGs that deny the Internet, no proxy", golden.New().SubnetNSG("app", shut()).Datacenters(golden.Region("europewest", "westeurope", "20.60.0.0/16")),
			[]string{
				"serviceTag Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to Storage.WestEurope port 443",
				"datacenterRanges Outbound rule allow-ranges-Storage.WestEurope at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to 20.60.26.0/23 port 443",
			},
			[]string{"proxy no machine of the estate runs a proxy"}},
		{"the article's three steps, all wrong", golden.New().ProxyServer("px", 8080, "*.example.com").GuestFirewall("px").
			SubnetNSG("app", golden.Deny("deny-all", 4000, out)).SubnetNSG("dmz", shut(), golden.Deny("deny-in", 4000, in)),
			[]string{
				"serviceTag Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to Storage.WestEurope port 443",
				"datacenterRanges Outbound rule allow-ranges-Storage.WestEurope at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to 20.60.26.0/23 port 443",
				"proxy a1: proxy 10.0.0.5:8080 for the system account; Outbound rule allow-10.0.0.5-8080 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to 10.0.0.5 port 8080; " +
					"Inbound rule allow-10.0.1.4-8080 at 3999 in nsg-dmz: Allow Tcp from 10.0.1.4 to 10.0.0.5 port 8080; guest firewall of px: allow Tcp port 8080 from 10.0.1.4/32; " +
					"proxy px: allow the host *.blob.core.windows.net; Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-dmz: Allow Tcp from 10.0.0.5 to Storage.WestEurope port 443",
			}, nil},
		{"a wrong port in the setting", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 3128),
			[]string{"open a1: no proxy for the system account", "proxy a1: proxy 10.0.0.5:8080 for the system account"}, nil},
		{"a way out that no rule gives", golden.New().Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone)).SubnetNSG("app", shut()),
			nil, []string{"serviceTag the route 0.0.0.0/0 to None", "datacenterRanges the route 0.0.0.0/0 to None", "proxy no machine"}},
		{"a proxy that asks for a password", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone)).
			With(func(e *golden.Estate) { e.Machine("px").ProxyServer.Authentication = "required" }),
			nil, []string{"serviceTag the route", "datacenterRanges the route", "proxy the proxy px: it asks for a password"}},
		{"a guest firewall that blocks by a rule", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone)).GuestFirewall("px").
			With(func(e *golden.Estate) {
				fw := e.Machine("px").HostFirewall
				fw.Inbound = append(fw.Inbound, &topology.HostFirewallRule{Name: "block", Access: topology.Deny, Protocol: topology.TCP})
			}),
			nil, []string{"serviceTag the route", "datacenterRanges the route", "proxy the rule block of the guest firewall of px blocks: no added rule wins over it"}},
		{"a doubt in front is removed", golden.New().SubnetNSG("app", golden.Deny("odd", 500, out).To("NoSuchTag")),
			[]string{
				"serviceTag Outbound rule allow-Storage.WestEurope-443 at 499 in nsg-app: Allow Tcp from 10.0.1.4 to Storage.WestEurope port 443",
				"datacenterRanges Outbound rule allow-ranges-Storage.WestEurope at 499 in nsg-app: Allow Tcp from 10.0.1.4 to 20.60.26.0/23 port 443",
			}, []string{"proxy no machine"}},
		{"a doubt that no rule removes", golden.New().With(func(e *golden.Estate) {
			e.SubnetOf("app").NetworkSecurityGroup = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nowhere")
		}),
			nil, []string{"serviceTag nowhere (subnet v1/app outbound): the rules of network security group nowhere are not in the data", "datacenterRanges nowhere", "proxy no machine"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vm := remediesOf(t, c.estate.Build(), "a1")
			var got, no []string
			for _, r := range vm.Remedies {
				got = append(got, string(r.Way)+" "+r.Text)
				if len(r.Opens) != len(r.Edits) {
					t.Errorf("%d edits and %d openings", len(r.Edits), len(r.Opens))
				}
			}
			for _, h := range vm.Hindrances {
				no = append(no, string(h.Way)+" "+h.Text)
			}
			if d := cmp.Diff(c.remedies, got); d != "" {
				t.Error(d)
			}
			if !slices.EqualFunc(c.no, no, func(a, b string) bool { return strings.HasPrefix(b, a) }) {
				t.Errorf("the ways that cannot be had: %q, expected %q", no, c.no)
			}
		})
	}
}

func TestAnOpeningCountsWhatIsNotStorage(t *testing.T) {
	n := golden.New().NoServiceTags().SubnetNSG("app", golden.Deny("deny-internet", 4000, topology.Outbound).To("Internet")).
		Datacenters(golden.Region("europewest", "westeurope", "20.60.0.0/16")).Build()
	vm := remediesOf(t, n, "a1")
	var ranges *backup.Remedy
	for i := range vm.Remedies {
		if vm.Remedies[i].Way == backup.DatacenterRanges {
			ranges = &vm.Remedies[i]
		}
	}
	if ranges == nil {
		t.Fatalf("no remedy by ranges: %+v", vm.Hindrances)
	}
	if o := ranges.Opens[0]; o.Addresses != 65536 || o.Ports != 1 || !o.Known {
		t.Errorf("%+v", o)
	}
	n = golden.New().SubnetNSG("app", golden.Deny("deny-internet", 4000, topology.Outbound).To("Internet")).Build()
	for _, r := range remediesOf(t, n, "a1").Remedies {
		if o := r.Opens[0]; o.Addresses != 512 || o.Storage != 512 {
			t.Errorf("%s: %+v", r.Way, o)
		}
	}
}

// broken is a small estate in which much may stand between a1 and Storage.
func broken(r *rand.Rand) *golden.Estate {
	e := golden.New()
	some := func(n int) bool { return r.IntN(n) == 0 }
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	rules := func() []*golden.Rule {
		var out []*golden.Rule
		for i := range r.IntN(5) {
			d := []topology.Direction{topology.Inbound, topology.Outbound}[r.IntN(2)]
			name, priority := "r"+string(rune('a'+i)), 100+r.IntN(4)+10*i
			if some(8) {
				priority = 100 + i
			}
			x := golden.Deny(name, priority, d)
			if some(3) {
				x = golden.Allow(name, priority, d)
			}
			if some(2) {
				x.TCP()
			}
			if some(2) {
				x.To(pick("Internet", "Storage", "Storage.WestEurope", "Storage.NorthEurope", "VirtualNetwork", "10.0.0.0/24", "20.60.26.0/24", "20.60.26.128/25", "NoSuchTag", "*"))
			}
			if some(3) {
				x.From(pick("VirtualNetwork", "10.0.1.4", "10.0.1.0/24", "10.0.0.5", "*"))
			}
			if some(3) {
				x.Ports(pick("443", "80-443", "8080", "8000-9000", "444-8079"))
			}
			out = append(out, x)
		}
		if some(2) {
			out = append(out, golden.Deny("deny-out", 4000, topology.Outbound).To(pick("Internet", "*")))
		}
		return out
	}
	for _, sub := range []string{"app", "dmz"} {
		if !some(4) {
			e.SubnetNSG(sub, rules()...)
		}
	}
	for _, vm := range []string{"a1", "px"} {
		if some(3) {
			e.NICNSG(vm, rules()...)
		}
	}
	if some(2) {
		e.ProxyServer("px", 8080)
		if some(2) {
			e.ProxyServer("px", 8080, pick("*.example.com", "*.blob.core.windows.net", "*.windows.net"))
		}
		if some(8) {
			e.Machine("px").ProxyServer.Authentication = "required"
		}
	}
	if some(2) {
		e.UsesProxy("a1", golden.Proxy, []uint16{8080, 8080, 3128}[r.IntN(3)])
		if some(4) {
			e.Machine("a1").Proxy.Scope = "user"
		}
	}
	if some(3) {
		e.GuestFirewall("px", golden.Opening{Name: "in", Port: pick("8080", "22"), From: pick("10.0.1.0/24", "10.0.0.0/16", "10.0.2.0/24")})
	}
	switch r.IntN(12) {
	case 0:
		e.PrivateSubnet("app")
	case 1:
		e.Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone))
	case 2:
		e.Routes("app", golden.Via("nva", "0.0.0.0/0", golden.NVA))
	case 3:
		e.Admin("v1", golden.Deny("corp", 10, topology.Outbound).To(pick("Internet", "10.0.0.0/24")))
	case 4:
		e.NoServiceTags()
	case 5:
		e.NoServiceTags().Datacenters(golden.Region("europewest", "westeurope", "20.60.0.0/18"))
	}
	return e
}

// Every remedy, when it is made, makes the machine's network pass, and nothing
// that did not pass before passes beyond what the remedy says, nor is anything
// stopped by it.
func TestRemediesMendAndOpenNothingElse(t *testing.T) {
	estates, ways, opened := 0, map[backup.Way]int{}, 0
	for seed := uint64(1); estates < 1000; seed++ {
		r := rand.New(rand.NewPCG(seed, 3))
		n := broken(r).Build()
		opts := sim.Options{AsOf: golden.AsOf, Strict: seed%4 == 0}
		s, err := sim.New(n, opts)
		if err != nil {
			t.Fatal(err)
		}
		profile := []string{"vm-2018", "vm-2018", "sql"}[seed%3]
		ask := backup.Options{VMs: []string{"a1"}, Profiles: []string{profile}, Remedies: true}
		report, err := backup.Examine(t.Context(), s, ask)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if report.VMs[0].Verdict == backup.Pass {
			if len(report.VMs[0].Remedies) > 0 {
				t.Errorf("seed %d: a machine that passes has remedies", seed)
			}
			continue
		}
		estates++
		for _, remedy := range report.VMs[0].Remedies {
			ways[remedy.Way]++
			after, err := edit.Apply(n, remedy.Edits...)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			fresh, err := sim.New(after, opts)
			if err != nil {
				t.Fatal(err)
			}
			ask.Remedies = false
			again, err := backup.Examine(t.Context(), fresh, ask)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range again.VMs[0].Requirements {
				if q.Met != backup.Pass || q.Verdict != flow.Allow {
					t.Fatalf("seed %d: with %s %s is %s: %s", seed, remedy.Text, q.Name, q.Verdict, q.Text)
				}
			}
			if again.VMs[0].Way != remedy.Way && remedy.Way != backup.ServiceTag && remedy.Way != backup.DatacenterRanges {
				t.Errorf("seed %d: the remedy is for %s, and with it the way is %s", seed, remedy.Way, again.VMs[0].Way)
			}
			for range 16 {
				from, p := boundaryPacket(r, n)
				d := topology.Outbound
				was, is := s.Send(from, p), fresh.Send(from, p)
				if r.IntN(3) == 0 {
					d = topology.Inbound
					p.Source, p.Destination = p.Destination, p.Source
					was, is = s.Gates(from, d, p), fresh.Gates(from, d, p)
				}
				if was.Verdict == is.Verdict {
					continue
				}
				if was.Verdict == flow.Allow || is.Verdict == flow.Deny {
					t.Fatalf("seed %d: %s turns %s from %s to %s", seed, remedy.Text, p, was.Verdict, is.Verdict)
				}
				opened++
				if !said(fresh, is, remedy.Edits) {
					t.Fatalf("seed %d: %s opens %s (from %s to %s), which it does not say: %+v", seed, remedy.Text, p, was.Verdict, is.Verdict, is.Hops)
				}
			}
		}
	}
	t.Logf("%d broken machines, remedies %v, %d packets opened", estates, ways, opened)
	if ways[backup.ServiceTag] < 200 || ways[backup.DatacenterRanges] < 200 || ways[backup.Proxy] < 100 || opened < 150 {
		t.Errorf("%d broken machines, remedies %v, %d packets opened: too few to show anything", estates, ways, opened)
	}
}

// boundaryPacket is a packet of a machine of the estate, mostly one at the
// edge of what rules and tags name.
func boundaryPacket(r *rand.Rand, n *topology.Network) (topology.Owner, flow.Tuple) {
	nic := n.NetworkInterfaces[r.IntN(len(n.NetworkInterfaces))]
	if name := []string{"a1-nic", "px-nic", ""}[r.IntN(3)]; name != "" {
		nic = n.NetworkInterfaces[slices.IndexFunc(n.NetworkInterfaces, func(x *topology.NetworkInterface) bool { return x.Name == name })]
	}
	c := nic.IPConfigurations[0]
	far := []string{"20.60.26.1", "20.60.27.9", "20.60.25.255", "20.60.26.0", "20.60.26.127", "20.60.26.128", "20.60.27.255", "20.60.28.0", "20.60.40.10", "20.60.63.255", "20.60.64.0", "20.190.130.1", "203.0.113.10",
		"10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.1.4", "10.0.1.5", "10.0.2.4", "10.1.1.4", "168.63.129.16"}
	ports := []uint16{443, 443, 443, 443, 8080, 8080, 80, 442, 444, 3128, 8079, 8081}
	protocol := []topology.Protocol{topology.TCP, topology.TCP, topology.TCP, topology.UDP}[r.IntN(4)]
	return topology.Owner{Interface: nic, Configuration: c}, flow.Tuple{
		Protocol: protocol, Source: flow.At(c.PrivateIPAddress), SourcePort: uint16(1024 + r.IntN(60000)),
		Destination: flow.At(netip.MustParseAddr(far[r.IntN(len(far))])), DestinationPort: ports[r.IntN(len(ports))],
	}
}

// said reports whether an edit says what a packet does at one of the gates on
// its way.
func said(s *sim.Simulator, a sim.Packet, edits []edit.Edit) bool {
	for _, h := range a.Hops {
		for _, e := range edits {
			if e.Target() != h.Element {
				continue
			}
			c := fix.Measure(s, e)
			in := func(x fix.Extent, a flow.Address) bool {
				return !x.Known || x.Set().Contains(a.IP)
			}
			switch e := e.(type) {
			case edit.AddRule:
				if e.Direction.String() == h.Direction && e.Protocol == h.Packet.Protocol && in(c.Source, h.Packet.Source) && in(c.Destination, h.Packet.Destination) &&
					slices.ContainsFunc(e.Ports, func(p topology.PortRange) bool { return p.Contains(h.Packet.DestinationPort) }) {
					return true
				}
			case edit.OpenHostFirewall:
				if h.Kind == sim.HopHostFirewall && e.Protocol == h.Packet.Protocol && in(c.Source, h.Packet.Source) &&
					slices.ContainsFunc(e.Ports, func(p topology.PortRange) bool { return p.Contains(h.Packet.DestinationPort) }) {
					return true
				}
			}
		}
	}
	return false
}
