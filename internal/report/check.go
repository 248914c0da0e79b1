package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/lint"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// CheckRun is what a report of check says of the run beside its results.
type CheckRun struct {
	Version string // of netpath
	Policy  string // the policy file
	Strict  bool
	Inputs  []CheckInput
	Read    CheckRead

	Suppressions []CheckSuppression // of the policy file
	Baseline     string             // the file of old findings; "" for none
	Remarks      []CheckRemark      // on the suppressions and the baseline
}

// CheckSuppression is a suppression of the policy file, and what became of it.
type CheckSuppression struct {
	ID      string           `json:"id"`
	About   string           `json:"about,omitempty"`
	Reason  string           `json:"reason"`
	Owner   string           `json:"owner"`
	Expires string           `json:"expires"`
	Origin  *topology.Origin `json:"origin,omitempty"`
	State   SuppressionState `json:"state"`
}

// SuppressionState says what became of a suppression.
type SuppressionState string

// The states of a suppression.
const (
	SuppressionUsed    SuppressionState = "used"
	SuppressionUnused  SuppressionState = "unused"
	SuppressionExpired SuppressionState = "expired"
)

// CheckRemark is what a run says of its suppressions and its baseline.
type CheckRemark struct {
	Error  bool            `json:"error"` // the run fails by it
	Text   string          `json:"text"`
	Origin topology.Origin `json:"origin,omitzero"`
}

// CheckRead counts the values of the inputs by what became of them.
type CheckRead struct {
	Values      int `json:"values"`
	Used        int `json:"used"`
	Irrelevant  int `json:"irrelevant"`
	NotModelled int `json:"notModelled"`
}

// CheckInput is a file that was read.
type CheckInput struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Check writes what became of the assertions of a policy.
func (w *Writer) Check(r *policy.Report, run CheckRun) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(checkDocument(r, run))
	case NDJSON:
		return eachObject(w, checkDocument(r, run).Assertions)
	}
	if ok, err := w.pipeline(func() *stream { return checkStream(r, run) }); ok {
		return err
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		p.table(checkRows(r))
		return w.flush(p)
	}
	w.checkText(p, r, run)
	return w.flush(p)
}

func checkColor(v policy.Verdict) string {
	switch v {
	case policy.Pass:
		return green
	case policy.Fail:
		return red
	case policy.Suppressed:
		return cyan
	default:
		return yellow
	}
}

func checkCell(v policy.Verdict) cell {
	return cell{text: strings.ToUpper(v.String()), color: checkColor(v)}
}

// checkTally counts the assertions by verdict: the same words in every format.
func checkTally(r *policy.Report) string {
	return fmt.Sprintf("%s: %d met, %d broken, %d undecided, %d suppressed", count(len(r.Results), "assertion", "assertions"),
		r.Count(policy.Pass), r.Count(policy.Fail), r.Count(policy.Unknown), r.Count(policy.Suppressed))
}

func checkRows(r *policy.Report) []row {
	rows := []row{header("assertion", "verdict", "kind", "asked", "met", "broken", "undecided", "suppressed")}
	for i := range r.Results {
		x := &r.Results[i]
		rows = append(rows, row{cells: []cell{plain(x.ID), checkCell(x.Verdict), plain(string(x.Kind)),
			number(x.Asked), number(x.Met), number(x.Broken), number(x.Undecided), number(x.Suppressed)}})
	}
	return rows
}

func number(n int) cell { return cell{text: thousands(n), right: true} }

// casesInText is how many cases text tells of an assertion, unless all are
// asked for.
const casesInText = 3

func (w *Writer) checkText(p *page, r *policy.Report, run CheckRun) {
	p.line(p.paint.in(bold, "CHECK"), "  ", checkTally(r))
	p.blank()
	p.table(checkRows(r))
	for i := range r.Results {
		x := &r.Results[i]
		if x.Verdict == policy.Pass {
			continue
		}
		p.blank()
		p.line(p.paint.in(bold, Escape(x.ID)), "  ", p.paint.in(checkColor(x.Verdict), strings.ToUpper(x.Verdict.String())), "  ", Escape(x.Origin.String()))
		p.line("  ", Escape(sentence(x.Assertion)))
		if x.Reason != "" {
			p.line("  because ", Escape(x.Reason))
		}
		for j := range x.Open {
			c := &x.Open[j]
			p.line("  ", Escape(c.Text), Escape(standing(c)))
		}
		shown := 0
		for j := range x.Cases {
			c := &x.Cases[j]
			if shown == casesInText && !w.opt.Full {
				break
			}
			shown++
			p.line("    ", p.paint.in(checkColor(c.Verdict), caseWord(x.Kind, c)), "  ", Escape(caseText(c)+standing(c)))
			if at := c.Origin.String(); at != "" {
				p.line("      ", p.paint.in(faint, Escape(at)))
			}
		}
		kept, all := len(x.Cases)-shown, x.Broken+x.Undecided+x.Suppressed
		if kept > 0 {
			p.line(fmt.Sprintf("    %d more; -v or -o json shows them", all-shown))
		} else if all > shown {
			p.line(fmt.Sprintf("    %d more that the report does not keep", all-shown))
		}
	}
	if len(run.Remarks) > 0 {
		p.blank()
	}
	for _, x := range run.Remarks {
		p.line("  ", Escape(joined(": ", x.Origin.String(), x.Text)))
	}
	p.blank()
	p.line("  netpath ", Escape(run.Version), ", policy ", Escape(run.Policy), Escape(baselineWord(run)), strictWord(run))
	p.catalogue("  ", r.ServiceTags)
	if run.Strict {
		p.line(fmt.Sprintf("  read: %s: %s used, %s irrelevant, %s not modelled", count(run.Read.Values, "value", "values"), thousands(run.Read.Used), thousands(run.Read.Irrelevant), thousands(run.Read.NotModelled)))
		for _, in := range run.Inputs {
			p.line("  ", p.paint.in(faint, Escape("input: "+in.Path+"  sha256: "+in.SHA256)))
		}
	}
	if w.opt.Scope != "" {
		p.line("  ", p.paint.in(faint, "scope: "+Escape(w.opt.Scope)))
	}
}

// newInText is how many packets of a case a text tells that the baseline does
// not have.
const newInText = 3

// standing says why a case does not count, or why it does although it is in the
// baseline.
func standing(c *policy.Case) string {
	switch x := c.Suppressed; {
	case x == nil && len(c.New) > 0:
		var list []string
		for _, p := range c.New[:min(len(c.New), newInText)] {
			list = append(list, p.String())
		}
		if more := len(c.New) - len(list); more > 0 {
			list = append(list, "more")
		}
		return " (not in the baseline: " + strings.Join(list, "; ") + ")"
	case x == nil:
		return ""
	case x.Baselined():
		return " (suppressed: in the baseline)"
	default:
		return fmt.Sprintf(" (suppressed until %s: %s; %s)", x.Expires, x.Reason, x.Owner)
	}
}

func baselineWord(run CheckRun) string {
	if run.Baseline == "" {
		return ""
	}
	return ", baseline " + run.Baseline
}

func strictWord(run CheckRun) string {
	if run.Strict {
		return ", strict"
	}
	return ""
}

// sentence is an assertion in words.
func sentence(a *policy.Assertion) string {
	from, to := strings.Join(a.From, ", "), strings.Join(a.To, ", ")
	switch a.Kind {
	case policy.BackupReady:
		profiles := strings.Join(a.Profiles, ", ")
		if profiles == "" {
			profiles = "the usual profile"
		}
		return fmt.Sprintf("%s can be backed up by %s", strings.Join(a.VMs, ", "), profiles)
	case policy.NoNewlyAllowed:
		return "no traffic is allowed that was not in " + a.Baseline
	case policy.Lint:
		level, rules := a.Lint.FailOn, strings.Join(a.Lint.Rules, ", ")
		if level == "" {
			level = lint.Error
		}
		if rules == "" {
			rules = "lint"
		}
		return fmt.Sprintf("%s finds nothing of level %s or worse", rules, level)
	case policy.Only:
		if to == "" {
			to = "anything"
		}
		return fmt.Sprintf("%s reaches %s by nothing but %s", from, to, asserted(a))
	case policy.Deny:
		return fmt.Sprintf("%s does not reach %s on %s", from, to, asserted(a))
	default:
		return fmt.Sprintf("%s reaches %s on %s", from, to, asserted(a))
	}
}

func asserted(a *policy.Assertion) string {
	p := a.Protocol
	if p == topology.NoProtocol {
		p = topology.TCP
	}
	if a.Kind == policy.Only && a.Words != "" {
		return a.Words
	}
	name := strings.ToLower(p.String())
	if p == topology.AnyProtocol {
		name = "any protocol"
	}
	if len(a.Ports) == 0 {
		return name
	}
	var ports []string
	for _, r := range a.Ports {
		ports = append(ports, r.String())
	}
	return name + "/" + strings.Join(ports, ",")
}

// caseWord says what happens to the packet of a case that is not met.
func caseWord(k policy.Kind, c *policy.Case) string {
	switch {
	case c.Verdict == policy.Unknown:
		return "UNKNOWN"
	case k == policy.BackupReady:
		return "FAIL"
	case k == policy.Lint:
		return "FOUND"
	case k == policy.Allow:
		return "DENY"
	default:
		return "ALLOW"
	}
}

// caseText is a case with its packet and the gate that decides.
func caseText(c *policy.Case) string {
	ends := c.From
	if c.To != "" {
		ends += " → " + c.To
	}
	if x := c.Witness; x != (policy.Witness{}) {
		packet := x.Source + " → " + x.Destination
		if x.Protocol != "" {
			packet += " " + strings.ToLower(x.Protocol)
		}
		if x.Port != "" {
			packet += "/" + x.Port
		}
		ends += " (" + packet + ")"
	}
	return joined(": ", ends, c.Text)
}

// checkJSON is the document of check.
type checkJSON struct {
	Version     string             `json:"netpathVersion"`
	Policy      string             `json:"policy"`
	Strict      bool               `json:"strict"`
	Inputs      []CheckInput       `json:"inputs"`
	Read        CheckRead          `json:"read"`
	Summary     checkSummary       `json:"summary"`
	Assertions  []assertionJSON    `json:"assertions"`
	ServiceTags *sim.CatalogueInfo `json:"serviceTags,omitempty"`

	Suppressions []CheckSuppression `json:"suppressions,omitempty"`
	Baseline     string             `json:"baseline,omitempty"`
	Remarks      []CheckRemark      `json:"remarks,omitempty"`
}

type checkSummary struct {
	Assertions int `json:"assertions"`
	Run        int `json:"run"`     // of which a case was asked
	Certain    int `json:"certain"` // met or broken
	Met        int `json:"met"`
	Broken     int `json:"broken"`
	Undecided  int `json:"undecided"`
	Suppressed int `json:"suppressed"`
	Cases      int `json:"cases"`
}

type assertionJSON struct {
	ID          string            `json:"id"`
	Kind        policy.Kind       `json:"kind"`
	Verdict     policy.Verdict    `json:"verdict"`
	Reason      string            `json:"reason,omitempty"`
	Origin      *topology.Origin  `json:"origin,omitempty"`
	Asked       int               `json:"asked"`
	Met         int               `json:"met"`
	Broken      int               `json:"broken"`
	Undecided   int               `json:"undecided"`
	Suppressed  int               `json:"suppressed"`
	Empty       []string          `json:"empty,omitempty"` // the texts of Selectors
	Selectors   []openJSON        `json:"selectors,omitempty"`
	Cases       []caseJSON        `json:"cases"`
	Assumptions []flow.Assumption `json:"assumptions"`
}

// openJSON is a selector that selects nothing, or may select more.
type openJSON struct {
	Selector    string          `json:"selector"`
	Text        string          `json:"text"`
	Fingerprint string          `json:"fingerprint"`
	Suppressed  *suppressedJSON `json:"suppressed,omitempty"`
}

// suppressedJSON says why a case does not count.
type suppressedJSON struct {
	Baseline bool   `json:"baseline"` // or else by the policy file
	Reason   string `json:"reason"`
	Owner    string `json:"owner,omitempty"`
	Expires  string `json:"expires,omitempty"`
}

type caseJSON struct {
	Verdict  policy.Verdict   `json:"verdict"`
	From     string           `json:"from"`
	To       string           `json:"to,omitempty"`
	Source   string           `json:"source,omitempty"`
	Dest     string           `json:"destination,omitempty"`
	Protocol string           `json:"protocol,omitempty"`
	Port     string           `json:"port,omitempty"`
	Network  *flow.Verdict    `json:"networkVerdict,omitempty"`
	Code     flow.Code        `json:"code,omitempty"`
	RuleName string           `json:"ruleName,omitempty"`
	LintRule string           `json:"lintRule,omitempty"` // the ID of the rule of lint that found it
	Text     string           `json:"text,omitempty"`
	Origin   *topology.Origin `json:"origin,omitempty"`

	Fingerprint string           `json:"fingerprint"`
	Suppressed  *suppressedJSON  `json:"suppressed,omitempty"`
	Broken      []policy.Packets `json:"broken,omitempty"`    // packets that are not as asserted
	Undecided   []policy.Packets `json:"undecided,omitempty"` // of which it is not known
	New         []policy.Packets `json:"new,omitempty"`       // of these, what the baseline does not have, the first ones
}

func checkDocument(r *policy.Report, run CheckRun) checkJSON {
	d := checkJSON{Version: run.Version, Policy: run.Policy, Strict: run.Strict, Inputs: list(run.Inputs), Read: run.Read, ServiceTags: r.ServiceTags,
		Summary:      checkSummary{Assertions: len(r.Results), Met: r.Count(policy.Pass), Broken: r.Count(policy.Fail), Undecided: r.Count(policy.Unknown), Suppressed: r.Count(policy.Suppressed)},
		Suppressions: run.Suppressions, Baseline: run.Baseline, Remarks: run.Remarks}
	for i := range r.Results {
		x := &r.Results[i]
		d.Summary.Cases += x.Asked
		if x.Asked > 0 {
			d.Summary.Run++
		}
		if x.Verdict == policy.Pass || x.Verdict == policy.Fail {
			d.Summary.Certain++
		}
		a := assertionJSON{ID: x.ID, Kind: x.Kind, Verdict: x.Verdict, Reason: x.Reason, Origin: given(x.Origin), Asked: x.Asked, Met: x.Met, Broken: x.Broken,
			Undecided: x.Undecided, Suppressed: x.Suppressed, Assumptions: list(x.Assumptions), Cases: []caseJSON{}}
		for j := range x.Open {
			c := &x.Open[j]
			a.Empty = append(a.Empty, c.Text)
			a.Selectors = append(a.Selectors, openJSON{c.From, c.Text, x.Fingerprint(c), suppressionOf(c)})
		}
		for j := range x.Cases {
			c := &x.Cases[j]
			k := caseJSON{Verdict: c.Verdict, From: c.From, To: c.To, Source: c.Witness.Source, Dest: c.Witness.Destination, Protocol: c.Witness.Protocol,
				Port: c.Witness.Port, Text: c.Text, Origin: given(c.Origin), Fingerprint: x.Fingerprint(c), Suppressed: suppressionOf(c), Broken: c.Broken, Undecided: c.Undecided, New: c.New}
			if c.Outcome != nil {
				k.Network, k.Code, k.RuleName = &c.Outcome.Verdict, c.Outcome.Code, c.Outcome.RuleName
			}
			if c.Rule != nil {
				k.LintRule = c.Rule.ID
			}
			a.Cases = append(a.Cases, k)
		}
		d.Assertions = append(d.Assertions, a)
	}
	d.Assertions = list(d.Assertions)
	return d
}

func suppressionOf(c *policy.Case) *suppressedJSON {
	if c.Suppressed == nil {
		return nil
	}
	return &suppressedJSON{c.Suppressed.Baselined(), c.Suppressed.Reason, c.Suppressed.Owner, c.Suppressed.Expires}
}

// given is an origin, nil where nothing is known of it.
func given(o topology.Origin) *topology.Origin {
	if o == (topology.Origin{}) {
		return nil
	}
	return &o
}

// worstFirst are the results that are not met, broken ones first.
func worstFirst(r *policy.Report) []*policy.Result {
	var out []*policy.Result
	for i := range r.Results {
		if r.Results[i].Verdict != policy.Pass {
			out = append(out, &r.Results[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *policy.Result) int { return int(b.Verdict) - int(a.Verdict) })
	return out
}

// message is a result that is not met, in one paragraph.
func message(x *policy.Result) string {
	bad := x.Broken + x.Undecided
	s := sentence(x.Assertion) + fmt.Sprintf(": %d of %s not met", bad, count(x.Asked, "case is", "cases are"))
	if x.Suppressed > 0 {
		s += fmt.Sprintf(", %d more are suppressed", x.Suppressed)
	}
	if x.Asked == 0 {
		s = sentence(x.Assertion)
	}
	for i := range x.Open {
		s += "; " + x.Open[i].Text + standing(&x.Open[i])
	}
	if len(x.Cases) > 0 {
		c := &x.Cases[0]
		s += "; " + strings.ToLower(caseWord(x.Kind, c)) + ": " + caseText(c) + standing(c)
	}
	return s
}
