package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// fileFlags name what is read beside the positional arguments, and how much.
type fileFlags struct {
	serviceTags      []string
	datacenterRanges []string
	limits           doctree.Limits
	noCache          bool
	allTags          bool // every service tag of the files is looked at
	hashes           bool // the result tells the SHA-256 of the inputs
}

func (f *fileFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.serviceTags, "service-tags", nil, "read `file` as a service tag file; repeatable")
	fs.StringArrayVar(&f.datacenterRanges, "datacenter-ranges", nil, "read `file` as Azure datacenter ranges (XML); repeatable")
	f.registerLimits(cmd)
}

func (f *fileFlags) registerLimits(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Var((*byteSize)(&f.limits.FileBytes), "max-file-size", "refuse a file of more than this `size` (default 256MiB)")
	fs.Var((*byteSize)(&f.limits.UnpackedBytes), "max-unpacked-size", "refuse a file that unpacks to more than this `size` (default 1GiB)")
	fs.IntVar(&f.limits.Depth, "max-depth", 0, "refuse a document nested deeper than this many `levels` (default 100)")
	fs.IntVar(&f.limits.Nodes, "max-nodes", 0, "refuse an element of more than this many `values` (default 10000000)")
	fs.IntVar(&f.limits.Elements, "max-elements", 0, "refuse a file that lists more than this many `elements` (default 500000)")
	fs.BoolVar(&f.noCache, "no-cache", false, "neither use nor keep indexes of service tag files in the user's cache folder; the answers are the same")
}

func (f *fileFlags) check() error {
	if f.limits.Depth < 0 || f.limits.Nodes < 0 || f.limits.Elements < 0 {
		return usagef("--max-depth, --max-nodes and --max-elements take a positive number")
	}
	return nil
}

// estateFlags are the flags of every command that asks an estate.
type estateFlags struct {
	fileFlags
	keepGoing      bool
	virtualNetwork []string
	policy         string
	ci             bool
	asOf           string
	seeksPolicy    bool // the command cannot do without a policy file
}

func (f *estateFlags) register(cmd *cobra.Command) {
	f.fileFlags.register(cmd)
	fs := cmd.Flags()
	fs.StringSliceVar(&f.virtualNetwork, "virtual-network", nil, "the address space of the virtual network, `CIDR`[,CIDR…], where only an NSG was exported")
	fs.BoolVar(&f.keepGoing, "keep-going", false, "answer without the files that are refused; exit 3 all the same")
	fs.BoolVar(&f.ci, "ci", false, "strict: a verdict that rests on an assumption without a waiver is Unknown; finds netpath.yaml upward")
	fs.StringVar(&f.policy, "policy", "", "read waivers and settings from `file`")
	fs.StringVar(&f.asOf, "as-of", "", "the `date` taken for today, YYYY-MM-DD (default today)")
}

// session is a loaded estate with its simulator, and what the run has come to.
type session struct {
	*program
	flags  *estateFlags
	asOf   time.Time
	policy *policy
	loaded *load.Result
	opts   sim.Options
	sim    *sim.Simulator
	codes  exitCodes
	needed needed

	compared []load.Input // of the exports that assertions compare with
}

// openSession reads the policy and the estate that the command line names.
func (p *program) openSession(cmd *cobra.Command, paths []string, f *estateFlags) (*session, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	s := &session{program: p, flags: f, codes: exitCodes{}}
	var err error
	if s.asOf, err = p.date(f.asOf); err != nil {
		return nil, err
	}
	space, err := parsePrefixes(f.virtualNetwork)
	if err != nil {
		return nil, err
	}
	if s.policy, err = findPolicy(f.policy, f.ci || f.seeksPolicy, s.asOf); err != nil {
		return nil, err
	}
	if s.policy.expired(p) {
		s.codes.add(exitBroken)
	}
	if s.loaded, err = p.load(cmd, paths, &f.fileFlags, f.keepGoing); err != nil {
		return nil, err
	}
	if len(s.loaded.Refused) > 0 {
		s.codes.add(exitRefused)
	}
	s.opts = sim.Options{AsOf: s.asOf, CatalogueDate: s.policy.catalogueDate, Strict: f.ci, Waivers: s.policy.valid(), VirtualNetwork: space}
	if s.sim, err = sim.New(s.loaded.Network, s.opts); err != nil {
		return nil, refused(err)
	}
	if c := s.sim.Catalogue(); c != nil && c.AgeDays != nil && *c.AgeDays > freshDays && *c.AgeDays <= scope.FreshDays {
		p.warn("%s: the service tag file is %d days old; a new one comes out every week", c.File, *c.AgeDays)
	}
	return s, nil
}

// freshDays is the age in days from which a service tag file is warned of;
// past scope.FreshDays it is an assumption of the answers that rest on it.
const freshDays = 7

// date is the day that --as-of names, today without it.
func (p *program) date(text string) (time.Time, error) {
	if text == "" {
		return p.now().UTC().Truncate(24 * time.Hour), nil
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, usagef("--as-of %q: expected a date like 2025-10-28", text)
	}
	return d, nil
}

// load reads the inputs and prints what reading them brought up.
func (p *program) load(cmd *cobra.Command, paths []string, f *fileFlags, keepGoing bool) (*load.Result, error) {
	if slices.Contains(paths, "-") {
		if err := p.readable(); err != nil {
			return nil, err
		}
	}
	r, err := load.Estate(cmd.Context(), paths, load.Options{
		KeepGoing: keepGoing, Stdin: p.stdin, ServiceTags: f.serviceTags, DatacenterRanges: f.datacenterRanges, Limits: f.limits,
		AllTags: f.allTags, TagCache: p.tagCache(f), SkipSHA256: !p.verbose && !f.hashes,
	})
	if err != nil {
		if _, ok := errors.AsType[*load.UsageError](err); ok {
			return nil, err
		}
		return nil, refused(err)
	}
	p.printLoaded(r)
	return r, nil
}

// tagCache is the folder where indexes of service tag files are kept, "" for
// none: where it is not wanted, or where the user has no such folder.
func (p *program) tagCache(f *fileFlags) string {
	if f.noCache || p.cacheDir == nil {
		return ""
	}
	dir, err := p.cacheDir()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "netpath", "service-tags")
}

// readable refuses to wait for a person to type a document.
func (p *program) readable() error {
	if isatty.IsTerminal(p.stdin.Fd()) {
		return refused(errors.New("-: standard input is a terminal; pipe a document into it or name a file"))
	}
	return nil
}

// shownDiagnostics is how many warnings are printed without -v.
const shownDiagnostics = 20

func (p *program) printLoaded(r *load.Result) {
	for _, err := range r.Refused {
		p.complain("%v", err)
	}
	printed, hidden := 0, 0
	for _, d := range r.Diagnostics {
		switch {
		case p.quiet || d.Severity == load.Note && !p.verbose:
		case printed == shownDiagnostics && !p.verbose:
			hidden++
		default:
			printed++
			p.stderr.say(report.Escape(diagnosticText(d)))
		}
	}
	if hidden > 0 {
		p.stderr.say(fmt.Sprintf("%d more warnings; -v prints all", hidden))
	}
	if p.verbose {
		p.printInputs(r)
	}
}

func diagnosticText(d load.Diagnostic) string {
	word := "warning"
	if d.Severity == load.Note {
		word = "note"
	}
	s := word + ": "
	if at := d.Origin.String(); at != "" {
		s += at + ": "
	}
	s += d.Message
	if d.Hint != "" {
		s += "; " + d.Hint
	}
	return s
}

func (p *program) printInputs(r *load.Result) {
	for _, in := range r.Inputs {
		p.stderr.say(report.Escape(fmt.Sprintf("input: %s  %s, elements: %d, bytes: %d, sha256: %s", in.Path, in.Dialect, in.Elements, in.Bytes, in.SHA256)))
	}
	l := r.Ledger
	p.stderr.say(fmt.Sprintf("read: %d values: %d used, %d irrelevant, %d not modelled", l.Leaves, l.Used, l.Irrelevant, l.NotModelled))
	names := make([]string, 0, len(l.Unmodelled))
	for name := range l.Unmodelled {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p.stderr.say(report.Escape(fmt.Sprintf("not modelled: %s, %d times", name, l.Unmodelled[name])))
	}
}

// finish says what holds for the whole run and returns its exit code as an
// error; unsaid is the scope where the result has not told it.
func (s *session) finish(unsaid string) error {
	if unsaid != "" && !s.quiet {
		s.stderr.say("scope: " + unsaid)
	}
	s.policy.printUnused(s.program, s.flags.ci)
	if s.flags.ci {
		s.needed.print(s.program, s.asOf)
	}
	return ended(s.codes.worst())
}

// scopeOf names what every answer takes for granted.
func (s *session) scopeOf(more ...string) string {
	list := []string{"the six default rules hold in every NSG"}
	if len(s.loaded.Network.AdminRules) == 0 {
		list = append(list, "no security admin rules in the inputs")
	}
	return strings.Join(append(list, more...), "; ")
}

// answer writes the answer to a single question and ends the run with what it
// means for the exit code.
func (s *session) answer(taken string, expect topology.Access, a answered, write func(*report.Writer) error) error {
	code := a.code(expect)
	s.codes.add(code)
	s.settle(a)
	outs, err := s.openOutputs(report.Options{Scope: taken, ExitCodes: s.codes.list()})
	if err != nil {
		return err
	}
	if err := outs.write(write); err != nil {
		return err
	}
	if code == exitBroken {
		s.complain("the answer is not the expected %s", strings.ToLower(expect.String()))
	}
	if outs.text() {
		taken = ""
	}
	return s.finish(taken)
}

// settle notes which waivers an answer used and which it would have needed.
func (s *session) settle(a answered) {
	s.policy.use(a.assumptions)
	if a.underAssumptions {
		s.needed.add(s.policy.unwaived(a.assumptions))
	}
}

// answered is what the exit code of an answer depends on.
type answered struct {
	allow, deny, unknown bool // which outcomes some packet has
	underAssumptions     bool // strict mode made it Unknown
	assumptions          []flow.Assumption
}

// outcomes is the answered of a verdict and the flags beside it.
func outcomes(v flow.Verdict, anyAllow, anyDeny, undecided bool) answered {
	return answered{
		allow:   anyAllow || v == flow.Allow || v == flow.Split,
		deny:    anyDeny || v == flow.Deny || v == flow.Split,
		unknown: undecided || v == flow.Unknown,
	}
}

// code is the exit code of an answer under an expectation (NoAccess: none).
func (a answered) code(expect topology.Access) int {
	switch {
	case expect == topology.Allow && a.deny, expect == topology.Deny && a.allow:
		return exitBroken
	case a.unknown:
		return exitUndecided
	default:
		return exitOK
	}
}

// parseExpect reads --expect.
func parseExpect(text string) (topology.Access, error) {
	if text == "" {
		return topology.NoAccess, nil
	}
	word, err := oneOf("expect", text, "allow", "deny")
	if err != nil {
		return topology.NoAccess, err
	}
	if word == "allow" {
		return topology.Allow, nil
	}
	return topology.Deny, nil
}

func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		pfx, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err != nil {
			return nil, usagef("--virtual-network %q: expected a CIDR block like 10.0.0.0/16", s)
		}
		if pfx != pfx.Masked() {
			return nil, usagef("--virtual-network %q has host bits set; did you mean %s?", s, pfx.Masked())
		}
		if pfx.Addr().Is4In6() {
			return nil, usagef("--virtual-network %q: write an IPv4 block as such", s)
		}
		out = append(out, pfx)
	}
	return out, nil
}

// byteSize is a flag value: a number of bytes, or one with KiB, MiB or GiB.
type byteSize int64

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *byteSize) Set(s string) error {
	digits, unit := s, int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		if d, ok := strings.CutSuffix(s, u.suffix); ok {
			digits, unit = d, u.bytes
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("expected a size like 64MiB")
	}
	*b = byteSize(n * unit)
	return nil
}

// needInputs is the Args check of commands that ask an estate.
func needInputs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("%s needs the exported files or folders to read (- reads standard input)", cmd.CommandPath())
	}
	return nil
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, found %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// openInput opens a file of flows, "-" being standard input.
func (p *program) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		if err := p.readable(); err != nil {
			return nil, err
		}
		return io.NopCloser(p.stdin), nil
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usagef("--flows: %w", err)
	}
	if err != nil {
		return nil, refused(err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, usagef("--flows: %s is a directory", name)
	}
	return f, nil
}
