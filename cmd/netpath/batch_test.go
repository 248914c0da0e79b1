package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// echo answers a trace question with its own ends: verdict Allow, the rule
// named "FROM>TO:PORT". "unknown" as source is Unknown, "nowhere" a bad name.
func echo(index int, fields []string) (l report.Line, a answered, err error) {
	q, err := traceOf(fields, sim.TraceQuestion{})
	if err != nil {
		return l, a, &questionError{err}
	}
	t := &sim.Trace{Outcome: sim.Outcome{Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: q.From + ">" + q.To + ":" + strconv.Itoa(int(q.Port))}}
	switch q.From {
	case "unknown":
		t.Verdict, t.Code, t.RuleName = flow.Unknown, flow.UnknownTag, ""
	case "nowhere":
		return l, a, &sim.NameError{Kind: "end", Name: q.From}
	case "broken":
		return l, a, errors.New("the engine failed")
	case "panic":
		panic("the engine panicked")
	}
	return report.TraceLine(index, q, t), traceAnswered(t), nil
}

// runBatch answers a text of flows and returns what was written.
func runBatch(t *testing.T, in io.Reader, change func(*batch)) (out string, flows, code int, err error) {
	t.Helper()
	var w bytes.Buffer
	opt := report.Options{Format: report.NDJSON}
	b := &batch{
		name: "flows.csv", columns: traceColumns(), stream: report.TraceStream, ask: echo,
		outs: &outputs{sinks: []*sink{{writer: report.New(&w, opt), options: opt}}},
	}
	if change != nil {
		change(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	codes := exitCodes{}
	total, err := b.run(ctx, in, codes)
	return w.String(), total.flows, codes.worst(), err
}

func TestABatchAnswersInTheOrderOfTheFlows(t *testing.T) {
	const n = 20_000
	var in, want strings.Builder
	in.WriteString("port,to,from,protocol\n")
	for i := range n {
		fmt.Fprintf(&in, "%d,b%d,a%d,tcp\n", i%65536, i, i)
		fmt.Fprintf(&want, `{"index":%d,"verdict":"Allow","code":"NSG_RULE_ALLOW","ruleName":"a%d>b%d:%d"}`+"\n", i, i, i, i%65536)
	}
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(in.String()), "halves": iotest.HalfReader(strings.NewReader(in.String())), "with data and EOF": iotest.DataErrReader(strings.NewReader(in.String())),
	} {
		out, flows, code, err := runBatch(t, r, nil)
		if err != nil || code != exitOK || flows != n {
			t.Fatalf("%s: %d flows, exit %d, %v", name, flows, code, err)
		}
		if out != want.String() {
			t.Errorf("%s: the answers differ", name)
		}
	}
}

func TestFlowsAreReadInEverySpelling(t *testing.T) {
	want := `{"index":0,"verdict":"Allow","code":"NSG_RULE_ALLOW","ruleName":"a>b:443"}
{"index":1,"verdict":"Allow","code":"NSG_RULE_ALLOW","ruleName":"c>d:80"}
`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "from,to,protocol,port\na,b,tcp,443\nc,d,tcp,80\n")
	z.Close()
	for name, in := range map[string]string{
		"CSV":                   "from,to,protocol,port\na,b,tcp,443\nc,d,tcp,80\n",
		"no line end":           "from,to,protocol,port\na,b,tcp,443\nc,d,tcp,80",
		"CRLF":                  "from,to,protocol,port\r\na,b,tcp,443\r\nc,d,tcp,80\r\n",
		"byte order mark":       "\ufefffrom,to,protocol,port\na,b,tcp,443\nc,d,tcp,80\n",
		"blank lines":           "\n\r\nfrom,to,protocol,port\n\n\na,b,tcp,443\r\n\r\n\nc,d,tcp,80\n\n",
		"quotes":                "\"from\",to,\"protocol\",port\n\"a\",b,tcp,\"443\"\nc,\"d\",tcp,80\n",
		"blanks":                "from, to, protocol, port\na, b, tcp, 443\nc , d , tcp , 80\n",
		"letter case":           "FROM,To,protocol,PORT\na,b,TCP,443\nc,d,Tcp,80\n",
		"fewer columns":         "from,to,port\na,b,443\nc,d,80\n",
		"NDJSON":                `{"from":"a","to":"b","protocol":"tcp","port":443}` + "\n" + `{"port":"80","to":"d","from":"c"}` + "\n",
		"NDJSON, other spacing": "\n { \"from\" : \"a\", \"to\":\"b\",\"port\":443, \"sourcePort\":null } \r\n{\"from\":\"c\",\"to\":\"d\",\"port\":80}",
		"gzip":                  zipped.String(),
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			out, flows, code, err := runBatch(t, r, nil)
			if err != nil || code != exitOK || flows != 2 {
				t.Errorf("%s: %d flows, exit %d, %v", name, flows, code, err)
			}
			if d := cmp.Diff(want, out); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
	}
}

func TestAFlowThatCannotBeReadEndsTheBatchWithItsLine(t *testing.T) {
	const head = "from,to,protocol,port\n"
	for name, c := range map[string]struct{ in, want string }{
		"port":              {head + "a,b,tcp,443\n\na,b,tcp,99999\na,b,tcp,1\n", `flows.csv:4: port "99999"`},
		"fields":            {head + "a,b,tcp\n", "flows.csv:2: 3 fields where the header has 4"},
		"name":              {head + "nowhere,b,tcp,1\n", `flows.csv:2: end "nowhere" is not in the estate`},
		"quote":             {head + "\"a,b,tcp,1\n", "flows.csv:2: not a line of CSV"},
		"unknown column":    {"from,to,prt\n", `flows.csv:1: the header has an unknown column "prt"; known: from, to, protocol, port, sourcePort; did you mean port?`},
		"column twice":      {"from,to,from\n", "flows.csv:1: the header has the column from twice"},
		"missing column":    {"from,port\n", "flows.csv:1: the header has no column to"},
		"no header":         {"a,b,tcp,443\n", `flows.csv:1: the header has an unknown column "a"`},
		"empty":             {"", "flows.csv:1: the file is empty"},
		"blank":             {"\n\n", "flows.csv:3: the file is empty"},
		"unknown key":       {`{"from":"a","to":"b","porr":1}`, `flows.csv:1: unknown key "porr"`},
		"duplicate key":     {`{"from":"a","to":"b","to":"c"}`, "flows.csv:1: not JSON: duplicate object member name"},
		"missing key":       {`{"from":"a"}`, "flows.csv:1: to is missing"},
		"list":              {`{"from":["a"],"to":"b"}`, "flows.csv:1: from: expected a string or a number"},
		"two objects":       {`{"from":"a","to":"b"} {"from":"a","to":"b"}`, "flows.csv:1: expected one JSON object on the line"},
		"cut off":           {`{"from":"a","to":"b"`, "flows.csv:1: not JSON"},
		"JSON in CSV":       {head + `{"from":"a","to":"b"}` + "\n", "flows.csv:2: "},
		"CSV in NDJSON":     {`{"from":"a","to":"b"}` + "\na,b,tcp,443\n", "flows.csv:2: expected a JSON object"},
		"UTF-16":            {"\xff\xfef\x00r\x00o\x00m\x00", "flows.csv:1: the flows are UTF-16"},
		"cut-off gzip":      {"\x1f\x8b\x08\x00", "flows.csv:1: "},
		"endless line":      {head + strings.Repeat("a", maxLine+blockSize), "flows.csv:2: the line is longer than"},
		"line of blanks":    {head + "   \n", "flows.csv:2: 1 fields where the header has 4"},
		"JSON exponent":     {`{"from":"a","to":"b","port":1e2}`, `flows.csv:1: port "1e2"`},
		"the reader breaks": {head, "flows.csv:2: disk on fire"},
	} {
		t.Run(name, func(t *testing.T) {
			var in io.Reader = strings.NewReader(c.in)
			if name == "the reader breaks" {
				in = io.MultiReader(in, iotest.ErrReader(errors.New("disk on fire")))
			}
			out, _, _, err := runBatch(t, in, nil)
			if codeOf(err) != exitRefused || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("exit %d: %v\nwant %s", codeOf(err), err, c.want)
			}
			if name == "port" && !strings.HasPrefix(out, `{"index":0,`) {
				t.Errorf("the flows before the bad one were not answered: %q", out)
			}
		})
	}
}

func TestWithKeepGoingABadFlowIsALineOfItsOwn(t *testing.T) {
	out, flows, code, err := runBatch(t, strings.NewReader("from,to,port\na,b,1\na,b,x\nunknown,b,1\nnowhere,b,1\na,b,2\n"), func(b *batch) { b.keepGoing = true })
	want := `{"index":0,"verdict":"Allow","code":"NSG_RULE_ALLOW","ruleName":"a>b:1"}
{"index":1,"error":"flows.csv:3: port \"x\": expected one port, 0 to 65535, or *"}
{"index":2,"verdict":"Unknown","code":"UNKNOWN_TAG","ruleName":null}
{"index":3,"error":"flows.csv:5: end \"nowhere\" is not in the estate"}
{"index":4,"verdict":"Allow","code":"NSG_RULE_ALLOW","ruleName":"a>b:2"}
`
	if err != nil || flows != 5 || code != exitRefused {
		t.Errorf("%d flows, exit %d, %v", flows, code, err)
	}
	if d := cmp.Diff(want, out); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestTheWorstFlowDecidesTheExitCode(t *testing.T) {
	for _, c := range []struct {
		flows  string
		expect topology.Access
		want   int
	}{
		{"a,b,1", topology.NoAccess, exitOK}, {"a,b,1\nunknown,b,1\na,b,1", topology.NoAccess, exitUndecided},
		{"a,b,1", topology.Allow, exitOK}, {"a,b,1", topology.Deny, exitBroken}, {"unknown,b,1\na,b,1", topology.Deny, exitBroken}, {"unknown,b,1\na,b,1", topology.Allow, exitUndecided},
	} {
		_, _, code, err := runBatch(t, strings.NewReader("from,to,port\n"+c.flows), func(b *batch) { b.expect = c.expect })
		if err != nil || code != c.want {
			t.Errorf("%q, expect %v: exit %d, %v; want %d", c.flows, c.expect, code, err, c.want)
		}
	}
}

func TestAFailureOfTheEngineIsNoFaultOfTheFlow(t *testing.T) {
	for _, from := range []string{"broken", "panic"} {
		_, _, _, err := runBatch(t, strings.NewReader("from,to,port\na,b,1\n"+from+",b,1\n"), func(b *batch) { b.keepGoing = true })
		if err == nil || codeOf(err) != exitInternal {
			t.Errorf("%s: exit %d, %v", from, codeOf(err), err)
		}
	}
}

func TestAnOutputThatBreaksEndsTheBatch(t *testing.T) {
	lines := "from,to,port\n" + strings.Repeat("a,b,1\n", 200_000)
	_, _, _, err := runBatch(t, strings.NewReader(lines), func(b *batch) {
		opt := report.Options{Format: report.NDJSON}
		b.outs.sinks[0].writer = report.New(outputWriter{&failAfter{n: 3}}, opt)
	})
	if _, ok := errors.AsType[*outputError](err); !ok || codeOf(err) != exitInternal {
		t.Errorf("exit %d: %v", codeOf(err), err)
	}
}

// failAfter is a writer that breaks at its nth write.
type failAfter struct{ n int }

func (f *failAfter) Write(b []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(b), nil
}

func TestAnInterruptedBatchEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe() // a reader that waits for ever
	defer w.Close()
	go func() {
		io.WriteString(w, "from,to,port\na,b,1\n")
		cancel()
	}()
	var out bytes.Buffer
	opt := report.Options{Format: report.NDJSON}
	b := &batch{name: "-", columns: traceColumns(), stream: report.TraceStream, ask: echo, outs: &outputs{sinks: []*sink{{writer: report.New(&out, opt), options: opt}}}}
	if _, err := b.run(ctx, r, exitCodes{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerDoesNotWaitForTheEndOfTheInput(t *testing.T) {
	in, feed := io.Pipe()
	out, answers := io.Pipe()
	opt := report.Options{Format: report.NDJSON}
	b := &batch{name: "-", columns: traceColumns(), stream: report.TraceStream, ask: echo, outs: &outputs{sinks: []*sink{{writer: report.New(answers, opt), options: opt}}}}
	done := make(chan error, 1)
	go func() {
		_, err := b.run(context.Background(), in, exitCodes{})
		answers.Close()
		done <- err
	}()
	io.WriteString(feed, "from,to,port\na,b,1\n")
	got := make([]byte, 10)
	if _, err := io.ReadFull(out, got); err != nil || string(got) != `{"index":0` {
		t.Errorf("%q, %v", got, err)
	}
	go io.Copy(io.Discard, out)
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// lines is an endless file of flows, n lines long.
type lines struct {
	n   int
	buf []byte
}

func (l *lines) Read(b []byte) (int, error) {
	for len(l.buf) < len(b) && l.n > 0 {
		l.n--
		l.buf = append(l.buf, "some-machine,another-machine,443\n"...)
	}
	if len(l.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, l.buf)
	l.buf = append(l.buf[:0], l.buf[n:]...)
	return n, nil
}

func TestMemoryDoesNotGrowWithTheNumberOfFlows(t *testing.T) {
	peak := func(n int) uint64 {
		var most uint64
		seen := 0
		_, flows, _, err := runBatch(t, io.MultiReader(strings.NewReader("from,to,port\n"), &lines{n: n}), func(b *batch) {
			opt := report.Options{Format: report.NDJSON}
			b.outs.sinks[0].writer = report.New(writerFunc(func(p []byte) (int, error) {
				if seen++; seen%4 == 0 {
					var m runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
				return len(p), nil
			}), opt)
		})
		if err != nil || flows != n {
			t.Fatalf("%d flows, %v", flows, err)
		}
		return most
	}
	small, large := peak(50_000), peak(400_000)
	if large > small+8<<20 {
		t.Errorf("50,000 flows need %d bytes, 400,000 need %d", small, large)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestBlankLinesDoNotCountAsFlows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		lines, blank := 0, 0
		for range r.IntN(8) {
			lines++
			if r.IntN(2) == 0 {
				blank++
			} else {
				b.WriteString("x,y")
			}
			if r.IntN(2) == 0 {
				b.WriteByte('\r')
			}
			b.WriteByte('\n')
		}
		switch r.IntN(3) {
		case 0:
			b.WriteString("x")
			lines++
		case 1:
			b.WriteString("\r")
			lines++
			blank++
		}
		if l, bl := countLines([]byte(b.String())); l != lines || bl != blank {
			t.Fatalf("%q: %d lines, %d blank; want %d, %d", b.String(), l, bl, lines, blank)
		}
	}
}

func FuzzFlowLines(f *testing.F) {
	f.Add("from,to,port\na,b,1\n")
	f.Add("{\"from\":\"a\",\"to\":\"b\"}\n")
	f.Add("\"from\",to\r\n\"a\"\"x\",b\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		out, flows, _, err := runBatch(t, strings.NewReader(text), func(b *batch) { b.keepGoing = true })
		if err != nil && codeOf(err) != exitRefused && !strings.Contains(text, "broken") && !strings.Contains(text, "panic") {
			t.Fatalf("%q: %v", text, err)
		}
		if n := strings.Count(out, "\n"); err == nil && n != flows {
			t.Fatalf("%q: %d flows, %d answers", text, flows, n)
		}
	})
}
