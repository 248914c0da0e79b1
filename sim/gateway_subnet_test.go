package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// A gateway whose subnet is not in the data has one subnet and one route
// table, however often it is passed: a question about a set is cut until no
// walk meets anything new.
func TestAQuestionAboutASetEndsAtAGatewayWithoutItsSubnet(t *testing.T) {
	e := golden.New().Gateway("v1", "10.0.255.0/27", "203.0.113.0/24", "192.168.0.0/16")
	v := e.VNetOf("v1")
	v.Subnets = v.Subnets[:len(v.Subnets)-1]
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"Internet", "192.168.0.0/16", "192.168.7.0/24"} {
		a, err := s.Trace(sim.TraceQuestion{From: from, To: "a1", Protocol: topology.TCP, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if from != "Internet" && !a.AnyAllow {
			t.Errorf("from %s it is %s", from, a.Verdict)
		}
	}
}
