package selftest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var update = flag.Bool("update", false, "make the corpus anew")

// left are the features of random estates that the corpus does not have: it
// keeps to what exports of virtual networks, interfaces, NSGs, routes, public
// addresses and private endpoints say.
const left = estategen.AdminRules | estategen.Firewalls | estategen.LoadBalancers | estategen.Gateways | estategen.HostFirewalls | estategen.Proxies |
	estategen.Expressions | estategen.Stubs | estategen.CutLists | estategen.Designs | estategen.NotModelled | estategen.MissingLearnedRoutes |
	estategen.AlteredDefaults | estategen.AddressesOwnedTwice | estategen.AssociationConflicts

const (
	estates = 200
	samples = 16
)

// neutral is a random estate without what the corpus does not write.
func neutral(seed uint64) (*topology.Network, []estategen.Sample, error) {
	n, list := estategen.Random(rand.New(rand.NewPCG(seed, 21)), estategen.Options{Samples: samples, Without: left})
	var elements []topology.Any
	n.All(func(e topology.Any) bool {
		switch e := e.(type) {
		case *topology.VirtualMachine:
			return true
		case *topology.NetworkInterface:
			e.VirtualMachine = topology.Ref{}
		}
		elements = append(elements, e)
		return true
	})
	clean, err := topology.NewNetwork(topology.Data{ServiceTags: n.ServiceTags}, elements...)
	return clean, list, err
}

// caseOf is the question of a sample in the words of the corpus; false where
// the words cannot say it.
func caseOf(n *topology.Network, x estategen.Sample) (Case, bool) {
	c := Case{Protocol: x.Protocol.String(), SourcePort: x.SourcePort, DestinationPort: x.DestinationPort, Source: "oracle"}
	if x.DestinationTag != "" {
		return c, false
	}
	local, remote := x.Source, x.Destination
	if x.Direction == topology.Inbound {
		local, remote = remote, local
	}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		if x.Configuration.PrivateIPAddress != local {
			return c, false // forwarded traffic is asked of the whole way only
		}
		c.Ask, c.NIC, c.Direction, c.Local, c.Remote = "ip-flow", n.Holder(x.Configuration).ResourceID, x.Direction.String(), local.String(), remote.String()
	case estategen.GroupAlone:
		c.Ask, c.NSG, c.Direction, c.Local, c.Remote = "ip-flow", x.Group.ResourceID, x.Direction.String(), local.String(), remote.String()
	default:
		c.Ask, c.From, c.To = "trace", x.Source.String(), x.Destination.String()
	}
	return c, true
}

// expect asks the oracle.
func expect(o *oracle.Oracle, x estategen.Sample) oracle.Answer {
	p := flow.Tuple{Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort, Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		return o.IPFlow(oracle.Place{Configuration: x.Configuration}, x.Direction, p)
	case estategen.GroupAlone:
		return o.IPFlow(oracle.Place{Group: x.Group}, x.Direction, p)
	case estategen.WholeWay:
		return o.Trace(oracle.Question{From: x.Configuration, Packet: p, NoProxy: true})
	default:
		return o.Trace(oracle.Question{Packet: p, NoProxy: true})
	}
}

// generate makes the corpus.
func generate() (*Corpus, error) {
	var c Corpus
	for seed := range uint64(estates) {
		n, list, err := neutral(seed)
		if err != nil {
			return nil, err
		}
		e := Estate{Name: fmt.Sprintf("random estate %d", seed), AsOf: estategen.CatalogueDate.Format(time.DateOnly), Files: map[string]string{}}
		write := func(name string, v any) error {
			text, err := json.Marshal(v)
			e.Files[name] = string(text)
			return err
		}
		if err := write("estate.json", export(n)); err != nil {
			return nil, err
		}
		if n.ServiceTags != nil {
			name := "ServiceTags.json"
			if !n.ServiceTags.Date.IsZero() {
				name = "ServiceTags_Public_" + n.ServiceTags.Date.Format("20060102") + ".json"
			}
			if err := write(name, tagFile(n.ServiceTags)); err != nil {
				return nil, err
			}
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		for _, x := range list {
			q, ok := caseOf(n, x)
			a := expect(o, x)
			if !ok || a.Beyond || a.Refused {
				continue
			}
			q.Verdict, q.Certain = a.Verdict.String(), a.Verdict == a.Strict
			e.Cases = append(e.Cases, q)
		}
		c.Estates = append(c.Estates, e)
	}
	fromSpecification, err := goldenEstates()
	c.Estates = append(c.Estates, fromSpecification...)
	return &c, err
}

func pack(c *Corpus) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(z).Encode(c); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// again asks the oracle a case of the corpus.
func (x Case) again(n *topology.Network, o *oracle.Oracle) (oracle.Answer, error) {
	protocol, _ := topology.ParseProtocol(x.Protocol)
	p := flow.Tuple{Protocol: protocol, SourcePort: x.SourcePort, DestinationPort: x.DestinationPort}
	at := func(a string) flow.Address { return flow.At(netip.MustParseAddr(a)) }
	if x.Ask == "trace" {
		p.Source, p.Destination = at(x.From), at(x.To)
		q := oracle.Question{Packet: p, NoProxy: !x.Proxy}
		switch owners := n.Owners(p.Source.IP); len(owners) {
		case 0:
		case 1:
			q.From = owners[0].Configuration
		default:
			return oracle.Answer{}, fmt.Errorf("%d interfaces own %s", len(owners), x.From)
		}
		return o.Trace(q), nil
	}
	d := topology.Outbound
	p.Source, p.Destination = at(x.Local), at(x.Remote)
	if x.Direction == "Inbound" {
		d = topology.Inbound
		p.Source, p.Destination = p.Destination, p.Source
	}
	if x.NSG != "" {
		g, ok := topology.LookupID[*topology.NetworkSecurityGroup](n, topology.MakeID(x.NSG))
		if !ok {
			return oracle.Answer{}, fmt.Errorf("there is no NSG %s", x.NSG)
		}
		return o.IPFlow(oracle.Place{Group: g}, d, p), nil
	}
	for _, owner := range n.Owners(netip.MustParseAddr(x.Local)) {
		if x.NIC == "" || owner.Interface.ResourceID == x.NIC {
			return o.IPFlow(oracle.Place{Configuration: owner.Configuration}, d, p), nil
		}
	}
	return oracle.Answer{}, fmt.Errorf("%s does not own %s", x.NIC, x.Local)
}

// Every answer of the corpus is the oracle's, and the simulator gives it. With
// -update the corpus is made anew.
func TestTheCorpusIsTheOraclesAndTheSimulatorAnswersIt(t *testing.T) {
	if *update {
		fresh, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		if corpus, err = pack(fresh); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("corpus.json.gz", corpus, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Estates {
		if e.Refused != "" {
			continue // the oracle reads no files
		}
		n, err := e.Network(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, e.AsOf)
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: day})
		for i, x := range e.Cases {
			a, err := x.again(n, o)
			if err != nil {
				t.Fatalf("%s, case %d: %v", e.Name, i, err)
			}
			if a.Beyond || a.Refused || a.Verdict.String() != x.Verdict || (a.Verdict == a.Strict) != x.Certain && a.Verdict != flow.Unknown {
				t.Errorf("%s, case %d: %s: the corpus says %s, the oracle %s, strict %s", e.Name, i, x, said(x.Verdict, x.Certain), a.Verdict, a.Strict)
			}
		}
	}
	out, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases of %d estates: %d as expected, %d more cautious, %d wrong; %d bytes", out.Cases, out.Estates, out.Equal, out.Cautious, len(out.Wrong), len(corpus))
	for _, w := range out.Wrong[:min(len(out.Wrong), 20)] {
		t.Error(w)
	}
	if out.Cases < 2000 || out.Cautious*20 > out.Cases {
		t.Errorf("%d cases, %d of them answered with more caution", out.Cases, out.Cautious)
	}
}

// A case with another answer than the simulator's is reported.
func TestAWrongAnswerIsReported(t *testing.T) {
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	c.Estates = c.Estates[:5]
	turned := 0
	for i := range c.Estates {
		for j := range c.Estates[i].Cases {
			x := &c.Estates[i].Cases[j]
			switch x.Verdict {
			case "Allow":
				x.Verdict = "Deny"
			case "Deny":
				x.Verdict = "Allow"
			default:
				continue
			}
			turned++
		}
	}
	out, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Wrong) == 0 || len(out.Wrong)+out.Cautious < turned {
		t.Errorf("%d answers turned round, %d reported", turned, len(out.Wrong))
	}
}
