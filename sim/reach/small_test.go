package reach

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A world of four addresses and four ports: the quarters of 10.0.0.0/24, a
// machine in each, and those of the ports. Lists of up to two rules stand at the
// sender's gates and at the receivers'; what passes is compared with the rules
// tried one by one.
func TestSmallWorldsAreToldAsRuleByRule(t *testing.T) {
	blocks := []string{"10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/26"}
	ranges := []string{"0-65535", "0-32767", "32768-65535", "0-16383", "16384-32767", "32768-49151", "49152-65535"}
	type rule struct {
		allow         bool
		first, last   int
		prefix        netip.Prefix
		inText, outTo string
	}
	var all []rule
	for _, block := range blocks {
		for _, ports := range ranges {
			for _, allow := range []bool{true, false} {
				r := rule{allow: allow, prefix: netip.MustParsePrefix(block)}
				fmt.Sscanf(ports, "%d-%d", &r.first, &r.last)
				access := map[bool]string{true: "allow", false: "deny"}[allow]
				r.inText = fmt.Sprintf("in %s tcp %s > * %s", access, block, ports)
				r.outTo = fmt.Sprintf("out %s tcp * > %s %s", access, block, ports)
				all = append(all, r)
			}
		}
	}
	address := func(quarter int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(64*quarter + 5)}) }
	// decide is what a list does: default rules let the network talk to itself.
	decide := func(list []rule, peer netip.Addr, port int) bool {
		for _, r := range list {
			if r.prefix.Contains(peer) && r.first <= port && port <= r.last {
				return r.allow
			}
		}
		return true
	}
	texts := func(list []rule, out bool) []string {
		var s []string
		for i, r := range list {
			text := r.inText
			if out {
				text = r.outTo
			}
			s = append(s, fmt.Sprint(100+i, " ", text))
		}
		return s
	}
	worlds := 0
	check := func(out, in []rule) {
		worlds++
		sender, receiver := group("nsg-out", texts(out, true)...), group("nsg-in", texts(in, false)...)
		s := estate(t, []subnet{{"q0", "10.0.0.0/26", sender}, {"q1", "10.0.0.64/26", receiver}, {"q2", "10.0.0.128/26", receiver}, {"q3", "10.0.0.192/26", receiver}},
			[]machine{{name: "m0", subnet: "q0", address: address(0).String()}, {name: "m1", subnet: "q1", address: address(1).String()},
				{name: "m2", subnet: "q2", address: address(2).String()}, {name: "m3", subnet: "q3", address: address(3).String()}})
		m, err := Subnets(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if m.Traced > 0 {
			t.Fatalf("%d pairs needed a trace", m.Traced)
		}
		var a *Answer
		if worlds%11 == 0 {
			if a, err = Between(context.Background(), s, Question{From: "m0", To: "vnet:v1"}); err != nil {
				t.Fatal(err)
			}
		}
		for quarter := 1; quarter < 4; quarter++ {
			for port := 7; port < 65536; port += 16384 {
				want := decide(out, address(quarter), port) && decide(in, address(0), port)
				p := packet{protocol: topology.TCP, sourcePort: 50000, port: uint16(port), source: address(0), destination: address(quarter)}
				always, sometimes, open := m.Cells[m.Cell[0][quarter]].says(p)
				if always != want || sometimes || open {
					t.Fatalf("out %v, in %v: to m%d port %d the cell says %v %v %v, rule by rule it is %v", texts(out, true), texts(in, false), quarter, port, always, sometimes, open, want)
				}
				if a == nil {
					continue
				}
				p.from = a.From.Places[0]
				for _, x := range a.To.Places {
					if x.Name == fmt.Sprint("m", quarter) {
						p.to = x
					}
				}
				if got := rowOf(t, a, p).Outcome.Verdict == flow.Allow; got != want {
					t.Fatalf("out %v, in %v: to m%d port %d the row says %v, rule by rule it is %v", texts(out, true), texts(in, false), quarter, port, got, want)
				}
			}
		}
	}
	every := 17
	if testing.Short() {
		every = 211
	}
	check(nil, nil)
	n := 0
	for i, r := range all {
		for j, q := range all {
			if n++; n%every == 0 {
				check([]rule{r, q}, nil)
				check(nil, []rule{r, q})
				check([]rule{r}, []rule{q})
				check([]rule{r, q}, []rule{all[(i+j)%len(all)], all[(i*j)%len(all)]})
			}
		}
	}
	t.Logf("%d worlds", worlds)
}
