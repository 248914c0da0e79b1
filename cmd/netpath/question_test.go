package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/sim"
)

func TestEndpointsAreReadInEverySpelling(t *testing.T) {
	end := func(a string, port int) sim.Endpoint {
		e := sim.Endpoint{Address: netip.MustParseAddr(a), Port: uint16(max(port, 0)), AnyPort: port < 0}
		return e
	}
	for in, want := range map[string]sim.Endpoint{
		"10.0.0.5": end("10.0.0.5", -1), "10.0.0.5:443": end("10.0.0.5", 443), "10.0.0.5:*": end("10.0.0.5", -1), "10.0.0.5:0": end("10.0.0.5", 0),
		"fd00::1": end("fd00::1", -1), "[fd00::1]": end("fd00::1", -1), "[fd00::1]:65535": end("fd00::1", 65535), "[fd00::1]:*": end("fd00::1", -1),
		"[::ffff:10.0.0.5]:1": end("10.0.0.5", 1), "::ffff:10.0.0.5": end("10.0.0.5", -1),
	} {
		got, err := parseEndpoint(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
}

func TestEndpointsThatMeanNothingAreRefused(t *testing.T) {
	for _, in := range []string{
		"", ":", ":443", "app1", "app1:443", "10.0.0.5:", "10.0.0.5:80:90", "10.0.0.5:+80", "10.0.0.5:080", "10.0.0.5:65536", "10.0.0.5:-1", "10.0.0.5:80-90",
		"10.0.0.5: 80", "10.0.0", "010.0.0.1", "10.0.0.0/24", "[10.0.0.5]:80", "[fd00::1]443", "[fd00::1]:", "[fd00::1", "fe80::1%eth0", "[fe80::1%eth0]:80",
		"10.0.0.5:８０",
	} {
		if got, err := parseEndpoint(in); err == nil {
			t.Errorf("%q is taken as %+v", in, got)
		}
	}
}

func TestPortsArePlainDecimal(t *testing.T) {
	for _, in := range []string{"00", "080", "+80", "-1", "65536", "100000", "1e3", "0x50", " 80", "80 ", "80,443", "80-443", "٣"} {
		if p, _, err := parsePort(in); err == nil {
			t.Errorf("%q is taken as %d", in, p)
		}
	}
	for in, want := range map[string]int{"0": 0, "1": 1, "65535": 65535, "*": -1, "": -1} {
		p, any, err := parsePort(in)
		if got := int(p); err != nil || any != (want < 0) || !any && got != want {
			t.Errorf("%q: %d, any %v, %v", in, p, any, err)
		}
	}
}

func TestFlowsThatNoPacketCanBeAreRefused(t *testing.T) {
	for name, fields := range map[string][]string{
		"a port of ICMP":       {"Inbound", "icmp", "10.0.0.4", "", "10.0.0.5", "443", "", ""},
		"two families":         {"Inbound", "tcp", "10.0.0.4", "1", "fd00::1", "2", "", ""},
		"two gates":            {"Inbound", "tcp", "10.0.0.4", "1", "10.0.0.5", "2", "n", "n"},
		"an unknown direction": {"In", "tcp", "10.0.0.4", "1", "10.0.0.5", "2", "", ""},
		"an unknown protocol":  {"Inbound", "6", "10.0.0.4", "1", "10.0.0.5", "2", "", ""},
		"a name as address":    {"Inbound", "tcp", "app1", "1", "10.0.0.5", "2", "", ""},
		"a port in an address": {"Inbound", "tcp", "10.0.0.4:80", "", "10.0.0.5", "2", "", ""},
	} {
		if q, err := ipFlowOf(fields, sim.IPFlowQuestion{}); err == nil {
			t.Errorf("%s is taken: %+v", name, q)
		}
	}
	for name, fields := range map[string][]string{
		"no source":              {"", "b", "tcp", "443", ""},
		"no destination":         {"a", "", "tcp", "443", ""},
		"a port of ESP":          {"a", "b", "esp", "443", ""},
		"a source port of AH":    {"a", "b", "ah", "", "1"},
		"a port that is none":    {"a", "b", "tcp", "https", ""},
		"a source port too high": {"a", "b", "tcp", "443", "70000"},
	} {
		if q, err := traceOf(fields, sim.TraceQuestion{}); err == nil {
			t.Errorf("%s is taken: %+v", name, q)
		}
	}
}

func TestAFlowsOwnGateReplacesTheOneOfTheFlags(t *testing.T) {
	base := sim.IPFlowQuestion{VM: "app1"}
	fields := []string{"outbound", "UDP", "10.0.0.4", "*", "10.0.0.5", "53", "nsg1", ""}
	q, err := ipFlowOf(fields, base)
	if err != nil || q.NSG != "nsg1" || q.VM != "" {
		t.Errorf("%+v, %v", q, err)
	}
	fields[6] = ""
	if q, err = ipFlowOf(fields, base); err != nil || q.NSG != "" || q.VM != "app1" {
		t.Errorf("%+v, %v", q, err)
	}
}
