// Package selftest holds a corpus of questions with their answers and asks
// them of the simulator that is built into the same binary.
//
// The corpus is neutral: estates are exports as Azure writes them, questions
// are in the words of the command line, answers are verdicts. What is expected
// comes from the golden tests of the specification and from the oracle
// (internal/oracle), which shares no code with the simulator, and never from
// the simulator.
package selftest

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

//go:embed corpus.json.gz
var corpus []byte

// Corpus is a list of estates with what is asked of them.
type Corpus struct {
	Estates []Estate `json:"estates"`
}

// Estate is a folder of exported files and the cases that are asked of it.
type Estate struct {
	Name  string            `json:"name"`
	AsOf  string            `json:"asOf"` // YYYY-MM-DD
	Files map[string]string `json:"files"`
	Cases []Case            `json:"cases,omitempty"`

	Refused string `json:"refused,omitempty"` // the files must be refused, with this in the message
}

// Case is a question and its answer.
type Case struct {
	// Ask is "trace" for the whole way, "ip-flow" for the gates of one side.
	Ask       string `json:"ask"`
	From      string `json:"from,omitempty"` // trace
	To        string `json:"to,omitempty"`   // trace
	NSG       string `json:"nsg,omitempty"`  // ip-flow
	NIC       string `json:"nic,omitempty"`  // ip-flow
	Direction string `json:"direction,omitempty"`
	Local     string `json:"local,omitempty"`  // ip-flow: an address
	Remote    string `json:"remote,omitempty"` // ip-flow: an address

	Protocol        string `json:"protocol"`
	SourcePort      uint16 `json:"sourcePort"`
	DestinationPort uint16 `json:"destinationPort"`

	Proxy bool `json:"proxy,omitempty"` // trace: through the machine's proxy

	Verdict string `json:"verdict"`          // with the usual assumptions
	Rule    string `json:"rule,omitempty"`   // that decides; "": any, or none
	Certain bool   `json:"certain"`          // it rests on no assumption
	Source  string `json:"source,omitempty"` // what the answer comes from
}

// Outcome is how the simulator did.
type Outcome struct {
	Cases    int      // asked
	Estates  int      // read
	Equal    int      // answered as expected
	Cautious int      // Unknown, or under an assumption, where the answer is known: never wrong
	Wrong    []string // any other answer, each in a line
}

// Read unpacks the corpus of this binary.
func Read() (*Corpus, error) {
	z, err := gzip.NewReader(bytes.NewReader(corpus))
	if err != nil {
		return nil, fmt.Errorf("the corpus: %w", err)
	}
	var c Corpus
	if err := json.NewDecoder(z).Decode(&c); err != nil {
		return nil, fmt.Errorf("the corpus: %w", err)
	}
	return &c, nil
}

// Run asks every case. Its error is that of an estate that could not be read.
func (c *Corpus) Run(ctx context.Context) (*Outcome, error) {
	results := make([]Outcome, len(c.Estates))
	errs := make([]error, len(c.Estates))
	next := make(chan int)
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(c.Estates)) {
		group.Go(func() {
			for i := range next {
				errs[i] = c.Estates[i].run(ctx, &results[i])
			}
		})
	}
	for i := range c.Estates {
		next <- i
	}
	close(next)
	group.Wait()
	var all Outcome
	for _, r := range results {
		all.Cases += r.Cases
		all.Estates++
		all.Equal += r.Equal
		all.Cautious += r.Cautious
		all.Wrong = append(all.Wrong, r.Wrong...)
	}
	return &all, errors.Join(errs...)
}

// Network reads the files of the estate, from a folder that it removes again.
func (e *Estate) Network(ctx context.Context) (*topology.Network, error) {
	dir, err := os.MkdirTemp("", "netpath-selftest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range e.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	res, err := load.Estate(ctx, []string{dir}, load.Options{SkipSHA256: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	return res.Network, nil
}

func (e *Estate) run(ctx context.Context, out *Outcome) error {
	n, err := e.Network(ctx)
	if e.Refused != "" {
		out.Cases++
		if err == nil || !strings.Contains(err.Error(), e.Refused) {
			out.Wrong = append(out.Wrong, fmt.Sprintf("%s: expected to be refused with %s: %v", e.Name, e.Refused, err))
		} else {
			out.Equal++
		}
		return nil
	}
	if err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, e.AsOf)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	s, err := sim.New(n, sim.Options{AsOf: day})
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	for i, x := range e.Cases {
		out.Cases++
		verdict, rule, certain, err := x.answer(s)
		where := fmt.Sprintf("%s, case %d: %s", e.Name, i, x)
		switch {
		case err != nil:
			out.Wrong = append(out.Wrong, fmt.Sprintf("%s: %v", where, err))
		case verdict == x.Verdict && verdict != "Unknown" && x.Rule != "" && rule != x.Rule:
			out.Wrong = append(out.Wrong, fmt.Sprintf("%s: %s by rule %q, expected %q", where, verdict, rule, x.Rule))
		case verdict == x.Verdict && (certain == x.Certain || verdict == "Unknown"):
			out.Equal++
		case verdict == "Unknown", verdict == x.Verdict && x.Certain:
			out.Cautious++
		default:
			out.Wrong = append(out.Wrong, fmt.Sprintf("%s: %s, expected %s", where, said(verdict, certain), said(x.Verdict, x.Certain)))
		}
	}
	return nil
}

func said(verdict string, certain bool) string {
	if certain || verdict == "Unknown" {
		return verdict
	}
	return verdict + " under an assumption"
}

// String is the question in the words of the command line.
func (x Case) String() string {
	if x.Ask == "trace" {
		return fmt.Sprintf("trace %s:%d to %s:%d %s", x.From, x.SourcePort, x.To, x.DestinationPort, x.Protocol)
	}
	return fmt.Sprintf("ip-flow %s%s %s local %s remote %s ports %d %d %s", x.NSG, x.NIC, x.Direction, x.Local, x.Remote, x.SourcePort, x.DestinationPort, x.Protocol)
}

// answer asks the simulator.
func (x Case) answer(s *sim.Simulator) (verdict, rule string, certain bool, err error) {
	protocol, ok := topology.ParseProtocol(x.Protocol)
	if !ok {
		return "", "", false, fmt.Errorf("%q is no protocol", x.Protocol)
	}
	if x.Ask == "trace" {
		a, err := s.Trace(sim.TraceQuestion{From: x.From, To: x.To, Protocol: protocol, Port: x.DestinationPort,
			SourcePort: x.SourcePort, FixedSource: true, NoProxy: !x.Proxy})
		if err != nil {
			return "", "", false, err
		}
		return a.Verdict.String(), a.RuleName, len(a.Assumptions) == 0, nil
	}
	local, err := netip.ParseAddr(x.Local)
	if err != nil {
		return "", "", false, err
	}
	remote, err := netip.ParseAddr(x.Remote)
	if err != nil {
		return "", "", false, err
	}
	q := sim.IPFlowQuestion{NSG: x.NSG, Interface: x.NIC, Protocol: protocol, Direction: topology.Outbound,
		Local: sim.Endpoint{Address: local, Port: x.SourcePort}, Remote: sim.Endpoint{Address: remote, Port: x.DestinationPort}}
	if strings.EqualFold(x.Direction, topology.Inbound.String()) {
		q.Direction = topology.Inbound
		q.Local.Port, q.Remote.Port = x.DestinationPort, x.SourcePort
	}
	a, err := s.IPFlow(q)
	if err != nil {
		return "", "", false, err
	}
	if a.RuleName != nil {
		rule = *a.RuleName
	}
	return a.Access.String(), rule, len(a.Assumptions) == 0, nil
}
