package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// flowsRun is what a batch of flows came to.
type flowsRun struct {
	Out     []string
	Counts  counts
	Codes   []int
	Err     string
	Settled map[string]bool
}

// runFlows answers a text of flows: with the compiled gates and the plain way
// where quick is set, else line by line with the explained answer.
func runFlows(t *testing.T, s *sim.Simulator, base sim.IPFlowQuestion, text string, quick, keepGoing bool, expect topology.Access, formats ...report.Format) flowsRun {
	t.Helper()
	run := flowsRun{Settled: map[string]bool{}}
	flows := &flowBatch{s.Batch(), base}
	b := &batch{name: "flows.csv", columns: ipFlowColumns(), stream: report.FlowStream, expect: expect, keepGoing: keepGoing, outs: &outputs{}}
	b.settle = func(a answered) { run.Settled[fmt.Sprint(a)] = true }
	if quick {
		b.ask, b.flows = flows.ask, flows
	} else {
		b.ask = func(index int, fields []string) (l report.Line, a answered, err error) {
			q, err := ipFlowOf(fields, base)
			if err != nil {
				return l, a, &questionError{err}
			}
			answer, err := s.IPFlow(q)
			if err != nil {
				return l, a, err
			}
			return report.FlowLine(index, q, answer), flowAnswered(answer), nil
		}
	}
	bufs := make([]bytes.Buffer, len(formats))
	for i, f := range formats {
		opt := report.Options{Format: f}
		b.outs.sinks = append(b.outs.sinks, &sink{writer: report.New(&bufs[i], opt), options: opt})
	}
	codes := exitCodes{}
	total, err := b.run(context.Background(), strings.NewReader(text), codes)
	run.Counts, run.Codes = total, codes.list()
	if err != nil {
		run.Err = fmt.Sprint(codeOf(err), " ", err)
	}
	for i := range bufs {
		run.Out = append(run.Out, bufs[i].String())
	}
	return run
}

// flowSpeller writes flows of an estate in every spelling, bad ones among them.
type flowSpeller struct {
	r         *rand.Rand
	addresses []netip.Addr
	names     []string
	bad       bool
}

func pickOne[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (f *flowSpeller) value(column string) string {
	r := f.r
	odd := r.IntN(12) == 0
	bad := f.bad && r.IntN(40) == 0
	switch column {
	case "direction":
		switch {
		case bad:
			return pickOne(r, "", "in", "Outbounds", "Inboun")
		case odd:
			return pickOne(r, "inbound", "OUTBOUND")
		}
		return pickOne(r, "Inbound", "Outbound")
	case "protocol":
		switch {
		case bad:
			return pickOne(r, "", "sctp", "tcpp", "6")
		case odd:
			return pickOne(r, "*", "ICMP", "esp", "Ah", "any", "uDp")
		}
		return pickOne(r, "TCP", "tcp", "Udp")
	case "local", "remote":
		switch {
		case bad:
			return pickOne(r, "", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.4.5", "host", "10.0.0.4/32", "fe80::1%eth0", "1000.0.0.4")
		case odd:
			return pickOne(r, "::ffff:10.0.0.4", "0.0.0.0", "255.255.255.255", "168.63.129.16", "2001:db8::4")
		}
		return pickOne(r, f.addresses...).String()
	case "localPort", "remotePort":
		switch {
		case bad:
			return pickOne(r, "00", "65536", "99999999999", "-1", "http", "80-90", "080")
		case odd:
			return pickOne(r, "", "*", "0", "65535")
		}
		return pickOne(r, "443", "80", "22", "1433", "50000", "53")
	default:
		switch {
		case bad:
			return "nobody"
		case r.IntN(2) == 0:
			return ""
		}
		return pickOne(r, f.names...)
	}
}

// record is a line of CSV, with now and then blanks and quotes.
func (f *flowSpeller) record(columns []string) string {
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = f.value(c)
		switch f.r.IntN(60) {
		case 0:
			values[i] = ` ` + values[i] + "\t"
		case 1:
			values[i] = `"` + values[i] + `"`
		}
	}
	if f.bad && f.r.IntN(100) == 0 {
		values = append(values, "more")
	}
	return strings.Join(values, ",")
}

func (f *flowSpeller) object(columns []string) string {
	colon, comma := pickOne(f.r, ":", ": "), pickOne(f.r, ",", ", ")
	var parts []string
	for _, c := range columns {
		v := f.value(c)
		if v == "" && f.r.IntN(2) == 0 && strings.HasSuffix(c, "Port") {
			continue
		}
		switch {
		case strings.HasSuffix(c, "Port") && f.r.IntN(2) == 0 && v != "*" && v != "":
		case f.r.IntN(60) == 0:
			v = pickOne(f.r, "null", `"\u0031"`, "true", "1e2", `"`+v+` "`)
		default:
			v = `"` + v + `"`
		}
		parts = append(parts, `"`+c+`"`+colon+v)
	}
	if f.bad && f.r.IntN(100) == 0 {
		parts = append(parts, parts[0])
	}
	f.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, comma) + "}" + pickOne(f.r, "", "", "", " ")
}

// The plain way of a batch and compiled gates change no byte of what is
// written, no error and no exit code.
func TestEveryWayThroughABatchGivesTheSameLines(t *testing.T) {
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 5))
		n, samples := estategen.Random(r, estategen.Options{Samples: 30})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate, Strict: seed%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		f := &flowSpeller{r: r, bad: seed%3 == 0}
		columns := []string{"direction", "protocol", "local", "localPort", "remote", "remotePort"}
		var base sim.IPFlowQuestion
		switch gate := r.IntN(3); {
		case gate == 0 && len(n.NetworkSecurityGroups) > 0:
			columns = append(columns, "nsg")
			for _, g := range n.NetworkSecurityGroups {
				f.names = append(f.names, g.Name)
			}
			base.NSG = n.NetworkSecurityGroups[0].Name
		case gate == 1 && len(n.NetworkInterfaces) > 0:
			columns = append(columns, "nic")
			for _, nic := range n.NetworkInterfaces {
				f.names = append(f.names, nic.ResourceID)
			}
		case len(n.NetworkSecurityGroups) > 0:
			base.NSG = n.NetworkSecurityGroups[0].Name
		}
		for _, x := range samples {
			for _, a := range []netip.Addr{x.Source, x.Destination} {
				if a.IsValid() {
					f.addresses = append(f.addresses, a)
				}
			}
		}
		for _, nic := range n.NetworkInterfaces {
			for _, c := range nic.IPConfigurations {
				if c.PrivateIPAddress.IsValid() {
					f.addresses = append(f.addresses, c.PrivateIPAddress, c.PrivateIPAddress)
				}
			}
		}
		r.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		end := pickOne(r, "\n", "\r\n")
		var text strings.Builder
		line := f.object
		if r.IntN(2) == 0 {
			line = f.record
			text.WriteString(strings.Join(columns, ",") + end)
		}
		for range 400 {
			text.WriteString(line(columns))
			text.WriteString(end)
			if r.IntN(20) == 0 {
				text.WriteString(end)
			}
		}
		if r.IntN(2) == 0 {
			text.WriteString(line(columns))
		}
		expect := topology.Access(r.IntN(3))
		for _, keepGoing := range []bool{true, false} {
			for _, formats := range [][]report.Format{{report.NDJSON}, {report.JSON, report.NDJSON}, {report.Text, report.NDJSON}} {
				want := runFlows(t, s, base, text.String(), false, keepGoing, expect, formats...)
				got := runFlows(t, s, base, text.String(), true, keepGoing, expect, formats...)
				if d := cmp.Diff(want, got, cmp.AllowUnexported(counts{})); d != "" {
					t.Fatalf("seed %d, %v (-explained +compiled):\n%s\n%s", seed, formats, d, text.String()[:min(4000, text.Len())])
				}
			}
		}
	}
}

// A value that is read in words is the one that the general way reads, or none.
func TestPlainValuesAreThoseOfTheGeneralWay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "0123456789..,\n*a/:\xff"
	for k := range 300_000 {
		s := make([]byte, r.IntN(17))
		for i := range s {
			s[i] = letters[r.IntN(len(letters))]
		}
		if k%2 == 0 {
			s = fmt.Append(nil, r.IntN(300), ".", r.IntN(300), ".", r.IntN(300), ".", r.IntN(300))
			if r.IntN(4) == 0 {
				s[r.IntN(len(s))] = letters[r.IntN(len(letters))]
			}
		}
		b := append(append(bytes.Clone(s), '\n'), "0000000000000000"...)
		run := func(in string) string { return string(s[:len(s)-len(bytes.TrimLeft(s, in))]) }

		whole := run("0123456789.")
		want, err := parseAddress(whole)
		switch a, end := plainAddress(b, 0); {
		case end > len(s):
			t.Fatalf("%q: the address ends at %d", s, end)
		case end >= 0:
			if got, err := parseAddress(string(s[:end])); err != nil || got != netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}) {
				t.Fatalf("%q: address %x up to %d", s, a, end)
			}
		case err == nil && want.Is4():
			t.Fatalf("%q: the address %s is refused", s, want)
		}

		whole = run("0123456789")
		if whole == "" && len(s) > 0 && s[0] == '*' {
			whole = "*"
		}
		port, any, err := parsePort(whole)
		got, gotAny, end := plainPort(b, 0)
		if (err == nil) != (end >= 0) || err == nil && (got != port || gotAny != any || end != len(whole)) {
			t.Fatalf("%q: port %d, %v up to %d; want %d, %v, %v", s, got, gotAny, end, port, any, err)
		}
	}
}

// What is read of a line in the usual columns is what the general way reads,
// and every plain line is read.
func TestUsualFlowsAreThoseOfTheGeneralWay(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	format, err := csvFormat(ipFlowColumns(), []byte("direction,protocol,local,localPort,remote,remotePort"))
	if err != nil {
		t.Fatal(err)
	}
	const letters = "0123456789..,,\n\r*a/:\xff "
	octet := func() string {
		return pickOne(r, strconv.Itoa(r.IntN(256)), strconv.Itoa(r.IntN(300)), strconv.Itoa(r.IntN(10)))
	}
	port := func() string {
		return pickOne(r, "", "0", strconv.Itoa(r.IntN(65536)), strconv.Itoa(r.IntN(70000)), "65535", "65536")
	}
	address := func() string { return octet() + "." + octet() + "." + octet() + "." + octet() }
	known := newOctets()
	read, refused := 0, 0
	for range 200_000 {
		line := []byte(pickOne(r, "Inbound,", "Outbound,") + pickOne(r, "TCP,", "udp,", "Udp,", "tcP,") + address() + "," + port() + "," + address() + "," + port())
		for range r.IntN(3) {
			at := r.IntN(len(line))
			switch r.IntN(3) {
			case 0:
				line[at] = letters[r.IntN(len(letters))]
			case 1:
				line = slices.Insert(line, at, letters[r.IntN(len(letters))])
			default:
				line = slices.Delete(line, at, at+1)
			}
		}
		text, _, _ := bytes.Cut(line, []byte("\n"))
		text = bytes.TrimSuffix(text, []byte("\r"))
		var buf fieldBuffer
		var want sim.IPFlowQuestion
		fields, err := format.fields(text, &buf)
		if err == nil {
			want, err = ipFlowOf(fields, sim.IPFlowQuestion{})
		}
		b := append(append(bytes.Clone(line), '\n'), strings.Repeat("0", 80)...)
		w := flowWorker{format: format, usual: true, octets: known}
		end := w.record(b)
		if end == 0 {
			refused++
			plain := err == nil && want.Local.Address.Is4() && !bytes.ContainsAny(text, " *\r")
			if plain {
				t.Fatalf("%q is refused", line)
			}
			continue
		}
		read++
		end4 := func(a uint32, port uint16, any bool) sim.Endpoint {
			if any {
				port = 0
			}
			return sim.Endpoint{Address: netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}), Port: port, AnyPort: any}
		}
		f := w.flow
		got := sim.IPFlowQuestion{Direction: f.Direction, Protocol: f.Protocol, Local: end4(f.Local, f.LocalPort, f.AnyLocal), Remote: end4(f.Remote, f.RemotePort, f.AnyRemote)}
		if err != nil || got != want || !bytes.HasPrefix(b[end-1:], []byte("\n")) || bytes.IndexByte(b, '\n') != end-1 {
			t.Fatalf("%q: read as %+v up to %d, want %+v, %v", line, got, end, want, err)
		}
	}
	if read < 20_000 || refused < 20_000 {
		t.Errorf("%d read, %d refused: not a mix", read, refused)
	}
}
