package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// BackupView says how much of a backup report text shows.
type BackupView struct {
	Details bool // of every machine, not only of a few that do not pass
	AllLegs bool // every leg of each way with its hops, not only the first that fails
}

// Backup writes a report on backup. NDJSON has one machine a line.
func (w *Writer) Backup(r *backup.Report, v BackupView) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(backupDocument(r))
	case NDJSON:
		return eachObject(w, backupMachines(r))
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		p.table(backupRows(r))
		return w.flush(p)
	}
	w.backupText(p, r, v)
	return w.flush(p)
}

func passColor(v backup.Verdict) string {
	switch v {
	case backup.Pass:
		return green
	case backup.Fail:
		return red
	default:
		return yellow
	}
}

// passCell is a verdict in capitals.
func passCell(v backup.Verdict) cell {
	return cell{text: strings.ToUpper(v.String()), color: passColor(v)}
}

func (w *Writer) backupText(p *page, r *backup.Report, v BackupView) {
	p.line(p.paint.in(bold, "BACKUP"), "  ", Escape(profileNames(r)), ": ", tally(r))
	if len(r.VMs) > 1 {
		p.line("  ways in use: ", Escape(waysInUse(r)))
	}
	for _, x := range r.Profiles {
		p.line("  ", Escape(fmt.Sprintf("%s assumes: %s (%s)", x.Name, x.Assumes, x.Source)))
		if x.Newer != "" {
			p.line("  newer rule: ", Escape(x.Newer))
		}
	}
	if r.Without != nil {
		p.without(r)
	}
	p.blank()
	p.table(backupRows(r))
	shown, hidden := 0, 0
	for i := range r.VMs {
		m := &r.VMs[i]
		switch {
		case v.Details || w.opt.Full:
		case m.Verdict == backup.Pass:
			continue
		case shown == DetailedMachines:
			hidden++
			continue
		}
		shown++
		w.machine(p, m, v)
	}
	p.tradeoffs("  ", r.Tradeoffs)
	p.blank()
	if hidden > 0 {
		p.line("  ", count(hidden, "more machine does", "more machines do"), " not pass; --vm NAME or -v shows why")
	}
	p.catalogue("  ", r.ServiceTags)
	if r.Ranges != nil {
		p.line("  ", Escape(fmt.Sprintf("datacenter ranges: %s, %s; no longer published since 2020", r.Ranges.File, count(r.Ranges.Regions, "region", "regions"))))
	}
	p.notes("  ", r.Notes)
	if w.opt.Scope != "" {
		p.line("  ", p.paint.in(faint, "scope: "+Escape(w.opt.Scope)))
	}
}

// DetailedMachines is how many machines text tells the details of, unless asked.
const DetailedMachines = 10

func profileNames(r *backup.Report) string {
	var names []string
	for _, p := range r.Profiles {
		names = append(names, p.Name)
	}
	return strings.Join(names, ",")
}

// tally counts the machines by verdict.
func tally(r *backup.Report) string {
	n := map[backup.Verdict]int{}
	for i := range r.VMs {
		n[r.VMs[i].Verdict]++
	}
	s := count(len(r.VMs), "machine", "machines")
	for _, x := range []struct {
		v    backup.Verdict
		word string
	}{{backup.Pass, "pass"}, {backup.Fail, "fail"}, {backup.Unknown, "unknown"}} {
		if n[x.v] > 0 {
			s += fmt.Sprintf(", %s %s", thousands(n[x.v]), x.word)
		}
	}
	return s
}

// waysInUse counts the machines by the way they use, and those of each proxy.
func waysInUse(r *backup.Report) string {
	n := map[backup.Way]int{}
	for i := range r.VMs {
		n[r.VMs[i].Way]++
	}
	var s []string
	for _, w := range []backup.Way{backup.ServiceTag, backup.DatacenterRanges, backup.Proxy, backup.Open, backup.NotNeeded, backup.None} {
		if n[w] == 0 {
			continue
		}
		text := wayWord(w) + " " + thousands(n[w])
		if w == backup.Proxy {
			var each []string
			for _, x := range proxiesInUse(r) {
				each = append(each, x.Proxy+" "+thousands(len(x.Machines)))
			}
			if len(each) > 0 {
				text += " (" + strings.Join(each, ", ") + ")"
			}
		}
		s = append(s, text)
	}
	return strings.Join(s, ", ")
}

// proxiesInUse lists the proxies with the machines that hang on each, in the
// order of the report.
func proxiesInUse(r *backup.Report) []proxyJSON {
	var out []proxyJSON
	at := map[string]int{}
	for i := range r.VMs {
		m := &r.VMs[i]
		j := slices.IndexFunc(m.Requirements, func(q backup.Requirement) bool { return q.Through != "" })
		if j < 0 {
			continue
		}
		name := m.Requirements[j].Through
		k, ok := at[name]
		if !ok {
			k = len(out)
			at[name] = k
			out = append(out, proxyJSON{Proxy: name})
		}
		out[k].Machines = append(out[k].Machines, m.Name)
	}
	return out
}

// without says which machines fare differently when something goes.
func (p *page) without(r *backup.Report) {
	lost := 0
	for _, c := range r.Changes {
		if c.Lost() {
			lost++
		}
	}
	p.blank()
	p.line(Escape(fmt.Sprintf("without the %s %s backup is lost for %d of %s", r.Without.Kind, r.Without.Name, lost, count(len(r.VMs), "machine", "machines"))))
	p.grid("  ", changeRows(r.Changes)[1:])
}

// changeRows are the machines that fare differently, below column names.
func changeRows(changes []backup.Change) []row {
	rows := []row{header("machine", "before", "", "after", "way before", "way after", "why")}
	for _, c := range changes {
		rows = append(rows, row{cells: []cell{
			plain(c.VM), passCell(c.Before), {text: "→"}, passCell(c.After), plain(string(c.WayBefore)), plain(string(c.WayAfter)), plain(c.Reason),
		}})
	}
	return rows
}

func backupRows(r *backup.Report) []row {
	rows := []row{header("machine", "verdict", "way", "why")}
	if r.Without != nil {
		rows[0] = header("machine", "verdict", "without", "way", "why")
	}
	after := map[string]backup.Verdict{}
	for _, c := range r.Changes {
		after[c.ID] = c.After
	}
	for i := range r.VMs {
		m := &r.VMs[i]
		cells := []cell{plain(m.Name), passCell(m.Verdict)}
		if r.Without != nil {
			var without cell
			if v, ok := after[m.Machine.ResourceID]; ok {
				without = passCell(v)
			}
			cells = append(cells, without)
		}
		rows = append(rows, row{cells: append(cells, plain(string(m.Way)), plain(because(m)))})
	}
	return rows
}

// because is the line that says why a machine has its verdict.
func because(m *backup.VM) string {
	s := m.Reason
	if m.Verdict == backup.Pass {
		s = ""
		for i := range m.Requirements {
			if q := &m.Requirements[i]; q.Through != "" {
				s = "through " + q.Through
				break
			} else if q.Text != "" && s == "" {
				s = q.Text
			}
		}
	}
	if m.UnderAssumptions != "" {
		s = joined("; ", "under its assumptions it would be "+m.UnderAssumptions, s)
	}
	return s
}

// machine writes the details of one machine.
func (w *Writer) machine(p *page, m *backup.VM, v BackupView) {
	p.blank()
	title := []string{p.paint.in(bold, Escape(m.Name)), p.paint.in(passColor(m.Verdict), strings.ToUpper(m.Verdict.String())), Escape(m.Region)}
	p.line(joined("  ", title...))
	if len(m.Requirements) > 0 {
		p.line("  required")
		rows := make([]row, len(m.Requirements))
		for i := range m.Requirements {
			rows[i] = requirementRow(&m.Requirements[i])
		}
		p.grid("    ", rows)
	}
	if len(m.Ways) > 0 {
		p.line("  ways out")
		w.ways(p, m.Ways, v)
	}
	p.checks("  ", m.Readiness, w.opt.Full)
	p.remedies("  ", m)
	p.assumptions("  ", m.Assumptions)
	p.missing("  ", m.Missing)
}

func requirementRow(q *backup.Requirement) row {
	verdict := verdictCell(q.Verdict)
	where := cell{}
	if q.Origin != nil {
		where = plain(q.Origin.String()).dim()
	}
	return row{cells: []cell{
		plain(q.Name), plain(q.Destination), plain(requirementService(q)), plain(coverageText(q.Coverage)).dim(),
		verdict, plain(string(q.Via)), plain(joined(": ", q.Leg, q.Text)), where,
	}}
}

func requirementService(q *backup.Requirement) string {
	s := strings.ToLower(q.Protocol.String())
	if q.Port > 0 {
		s += "/" + strconv.Itoa(int(q.Port))
	}
	return s
}

func coverageText(c *backup.Coverage) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%d of %s", c.Allowed, count(c.Prefixes, "prefix", "prefixes"))
}

// wayWord is what a way is called in text.
func wayWord(w backup.Way) string {
	switch w {
	case backup.ServiceTag:
		return "service tag"
	case backup.DatacenterRanges:
		return "datacenter ranges"
	default:
		return string(w)
	}
}

func (w *Writer) ways(p *page, ways []backup.WayResult, v BackupView) {
	rows := make([]row, len(ways))
	for i := range ways {
		x := &ways[i]
		use := ""
		if x.InUse {
			use = "in use"
		}
		rows[i] = row{cells: []cell{{text: wayWord(x.Way)}, passCell(x.Verdict), {text: use}, plain(joined(": ", x.Failing, x.Text))}}
	}
	widths := columnWidths(rows)
	for i := range ways {
		p.row("    ", rows[i], widths)
		if c := ways[i].Rules; c != nil {
			p.ranges("        ", c)
		}
		if v.AllLegs {
			p.legs("        ", ways[i].Legs)
		}
	}
}

// ranges writes which prefixes the rules made of ranges lack, and which of
// their ranges are in no file.
func (p *page) ranges(indent string, c *backup.RuleCoverage) {
	if len(c.Missing) > 0 {
		p.line(indent, "not covered: ", prefixList(c.Missing))
	}
	if len(c.Stale) > 0 {
		p.line(indent, "not all in the current file: ", prefixList(c.Stale))
	}
}

func (p *page) legs(indent string, legs []backup.Leg) {
	rows := make([]row, len(legs))
	for i := range legs {
		l := &legs[i]
		step := ""
		if l.Step > 0 {
			step = fmt.Sprintf("step %d", l.Step)
		}
		verdict := verdictCell(l.Verdict)
		if l.Skipped {
			verdict = cell{text: "not reached", color: faint}
		}
		where := cell{}
		if l.Origin != nil {
			where = plain(l.Origin.String()).dim()
		}
		rows[i] = row{cells: []cell{{text: step}, {text: l.Name}, verdict, plain(l.Text), where}}
	}
	p.grid(indent, rows)
}

// checks writes the readiness checks that do not pass, all of them with full.
func (p *page) checks(indent string, checks []backup.Check, full bool) {
	if len(checks) == 0 {
		return
	}
	passed := 0
	var rows []row
	for i := range checks {
		c := &checks[i]
		if c.Verdict == backup.Pass && !full {
			passed++
			continue
		}
		r := row{cells: []cell{plain(c.Name), passCell(c.Verdict), plain(c.Profile).dim(), plain(checkText(c))}}
		if c.Verdict == backup.Unknown && c.Export != "" {
			r.notes = []string{"$ " + Escape(c.Export)}
		}
		rows = append(rows, r)
	}
	title := "readiness"
	if passed > 0 {
		title += ": " + count(passed, "check passes", "checks pass")
	}
	p.line(indent, title)
	p.grid(indent+"  ", rows)
}

func checkText(c *backup.Check) string {
	s := c.Text
	if s == "" && c.Found != nil {
		s = fmt.Sprint(c.Found)
		if c.Limit != nil {
			s += fmt.Sprintf(" (limit %v)", c.Limit)
		}
	}
	return s
}

// The JSON of a report. Field names are the contract's.

type backupJSON struct {
	Profile     string             `json:"profile"`
	Profiles    []profileJSON      `json:"profiles"`
	Machines    []machineJSON      `json:"vms"`
	Summary     summaryJSON        `json:"summary"`
	Without     *withoutJSON       `json:"without,omitempty"`
	ServiceTags *sim.CatalogueInfo `json:"serviceTags,omitempty"`
	Ranges      *backup.RangesInfo `json:"datacenterRanges,omitempty"`
	Notes       []string           `json:"notes,omitempty"`
	Tradeoffs   []backup.Tradeoff  `json:"tradeoffs,omitempty"`
}

type summaryJSON struct {
	Pass    int                `json:"pass"`
	Fail    int                `json:"fail"`
	Unknown int                `json:"unknown"`
	Ways    map[backup.Way]int `json:"ways"`
	Proxies []proxyJSON        `json:"proxies,omitempty"`
}

type proxyJSON struct {
	Proxy    string   `json:"proxy"`
	Machines []string `json:"vms"`
}

type withoutJSON struct {
	Kind    string          `json:"kind"`
	Name    string          `json:"name"`
	ID      string          `json:"id,omitempty"`
	Changes []backup.Change `json:"changes"`
}

type profileJSON struct {
	Name    string `json:"name"`
	Assumes string `json:"assumes"`
	Newer   string `json:"newer,omitempty"`
	Source  string `json:"source"`
	Date    string `json:"date"`
}

type machineJSON struct {
	VM               string             `json:"vm"`
	ID               string             `json:"id,omitempty"`
	Region           string             `json:"region,omitempty"`
	Verdict          backup.Verdict     `json:"verdict"`
	UnderAssumptions string             `json:"underAssumptions,omitempty"`
	Way              backup.Way         `json:"way"`
	Reason           string             `json:"reason,omitempty"`
	Requirements     []requirementJSON  `json:"requirements"`
	Readiness        []backup.Check     `json:"readiness"`
	Remedies         []backup.Remedy    `json:"remedies"`
	Hindrances       []backup.Hindrance `json:"waysWithoutRemedy,omitempty"`
	Ways             []wayJSON          `json:"ways,omitempty"`
	Assumptions      []flow.Assumption  `json:"assumptions"`
	Missing          []flow.Missing     `json:"missing,omitempty"`
}

type requirementJSON struct {
	Name                 string           `json:"name"`
	Profile              string           `json:"profile"`
	Destination          string           `json:"destination"`
	Protocol             string           `json:"protocol"`
	Port                 uint16           `json:"port"`
	Verdict              flow.Verdict     `json:"verdict"`
	UnderAssumptions     string           `json:"underAssumptions,omitempty"`
	Via                  backup.Way       `json:"via"`
	Proxy                string           `json:"proxy,omitempty"`
	Code                 flow.Code        `json:"code"`
	RuleName             string           `json:"ruleName,omitempty"`
	Priority             int              `json:"priority,omitempty"`
	NetworkSecurityGroup string           `json:"networkSecurityGroup,omitempty"`
	Leg                  string           `json:"leg,omitempty"`
	Text                 string           `json:"text,omitempty"`
	Coverage             *coverageJSON    `json:"coverage,omitempty"`
	Origin               *topology.Origin `json:"origin,omitempty"`
}

type coverageJSON struct {
	Prefixes int            `json:"prefixes"`
	Allowed  int            `json:"allowed"`
	Denied   []netip.Prefix `json:"denied,omitempty"`
	Unknown  []netip.Prefix `json:"unknown,omitempty"`
}

type wayJSON struct {
	Way         backup.Way        `json:"way"`
	InUse       bool              `json:"inUse"`
	Verdict     backup.Verdict    `json:"verdict"`
	Requirement string            `json:"requirement,omitempty"`
	Proxy       string            `json:"proxy,omitempty"`
	Failing     string            `json:"failingLeg,omitempty"`
	Text        string            `json:"text,omitempty"`
	Legs        []legJSON         `json:"legs"`
	Rules       *ruleCoverageJSON `json:"ranges,omitempty"`
}

type legJSON struct {
	Name    string           `json:"name"`
	Step    int              `json:"step,omitempty"`
	Verdict flow.Verdict     `json:"verdict"`
	Skipped bool             `json:"notReached,omitempty"`
	Code    flow.Code        `json:"code,omitempty"`
	Text    string           `json:"text,omitempty"`
	Export  string           `json:"export,omitempty"`
	Hops    []sim.Hop        `json:"hops,omitempty"`
	Origin  *topology.Origin `json:"origin,omitempty"`
}

type ruleCoverageJSON struct {
	Rules    []string       `json:"rules"`
	Ranges   int            `json:"ranges"`
	Source   string         `json:"comparedWith,omitempty"`
	Prefixes int            `json:"prefixes"`
	Covered  int            `json:"covered"`
	Missing  []netip.Prefix `json:"missing,omitempty"`
	Stale    []netip.Prefix `json:"notInFile,omitempty"`
}

func backupDocument(r *backup.Report) backupJSON {
	d := backupJSON{
		Profile: profileNames(r), Machines: backupMachines(r), ServiceTags: r.ServiceTags, Ranges: r.Ranges, Notes: r.Notes, Tradeoffs: r.Tradeoffs,
		Summary: summaryJSON{Ways: map[backup.Way]int{}, Proxies: proxiesInUse(r)},
	}
	for _, p := range r.Profiles {
		d.Profiles = append(d.Profiles, profileJSON{p.Name, p.Assumes, p.Newer, p.Source, p.Date})
	}
	for i := range r.VMs {
		switch d.Summary.Ways[r.VMs[i].Way]++; r.VMs[i].Verdict {
		case backup.Pass:
			d.Summary.Pass++
		case backup.Fail:
			d.Summary.Fail++
		default:
			d.Summary.Unknown++
		}
	}
	if x := r.Without; x != nil {
		d.Without = &withoutJSON{x.Kind, x.Name, x.ID, list(r.Changes)}
	}
	return d
}

func backupMachines(r *backup.Report) []machineJSON {
	out := make([]machineJSON, len(r.VMs))
	for i := range r.VMs {
		out[i] = machineOf(&r.VMs[i])
	}
	return out
}

func machineOf(m *backup.VM) machineJSON {
	out := machineJSON{
		VM: m.Name, ID: m.Machine.ResourceID, Region: m.Region, Verdict: m.Verdict, UnderAssumptions: m.UnderAssumptions, Way: m.Way,
		Reason: m.Reason, Requirements: []requirementJSON{}, Readiness: list(m.Readiness), Remedies: wholeRemedies(m.Remedies), Hindrances: m.Hindrances,
		Assumptions: list(m.Assumptions), Missing: m.Missing,
	}
	for i := range m.Requirements {
		q := &m.Requirements[i]
		x := requirementJSON{
			Name: q.Name, Profile: q.Profile, Destination: q.Destination, Protocol: strings.ToUpper(q.Protocol.String()), Port: q.Port,
			Verdict: q.Verdict, UnderAssumptions: q.UnderAssumptions, Via: q.Via, Proxy: q.Through, Code: q.Code, RuleName: q.RuleName,
			Priority: q.Priority, NetworkSecurityGroup: q.NSG, Leg: q.Leg, Text: q.Text, Origin: q.Origin,
		}
		if c := q.Coverage; c != nil {
			x.Coverage = &coverageJSON{c.Prefixes, c.Allowed, c.Denied, c.Unknown}
		}
		out.Requirements = append(out.Requirements, x)
	}
	for i := range m.Ways {
		out.Ways = append(out.Ways, wayOf(&m.Ways[i]))
	}
	return out
}

func wayOf(x *backup.WayResult) wayJSON {
	out := wayJSON{Way: x.Way, InUse: x.InUse, Verdict: x.Verdict, Requirement: x.Requirement, Proxy: x.Through, Failing: x.Failing, Text: x.Text, Legs: []legJSON{}}
	for i := range x.Legs {
		l := &x.Legs[i]
		out.Legs = append(out.Legs, legJSON{l.Name, l.Step, l.Verdict, l.Skipped, l.Code, l.Text, l.Export, l.Hops, l.Origin})
	}
	if c := x.Rules; c != nil {
		out.Rules = &ruleCoverageJSON{c.Rules, c.Prefixes, c.Source, c.Total, c.Covered, c.Missing, c.Stale}
	}
	return out
}
