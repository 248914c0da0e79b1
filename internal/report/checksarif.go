package report

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// The parts of SARIF 2.1.0 that a report of check uses.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool      `json:"tool"`
	Results    []sarifResult  `json:"results"`
	Properties map[string]any `json:"properties,omitempty"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Version        string      `json:"version"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Short     sarifMessage `json:"shortDescription"`
	Full      sarifMessage `json:"fullDescription"`
	HelpURI   string       `json:"helpUri"`
	Configure sarifLevel   `json:"defaultConfiguration"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifMessage      `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`

	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

const projectURI = "https://github.com/netpath/netpath"

// sarif writes one result for each case that is not met and each selector that
// selects nothing; the rules are the assertions.
func (w *Writer) sarif(r *policy.Report, run CheckRun) error {
	out := sarifRun{Tool: sarifTool{sarifDriver{Name: "netpath", InformationURI: projectURI, Version: run.Version, Rules: []sarifRule{}}}, Results: []sarifResult{},
		Properties: map[string]any{"summary": checkDocument(r, run).Summary}}
	if len(run.Remarks) > 0 {
		out.Properties["remarks"] = run.Remarks
	}
	for i := range r.Results {
		x := &r.Results[i]
		full := sentence(x.Assertion)
		if x.Reason != "" {
			full += ": " + x.Reason
		}
		out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, sarifRule{ID: x.ID, Name: string(x.Kind), Short: sarifMessage{sentence(x.Assertion)}, Full: sarifMessage{full},
			HelpURI: projectURI + "/blob/main/docs/commands/check.md", Configure: sarifLevel{"error"}})
		for j := range x.Open {
			c := &x.Open[j]
			out.Results = append(out.Results, sarifResult{RuleID: x.ID, RuleIndex: i, Level: "warning", Message: sarifMessage{sentence(x.Assertion) + ": " + c.Text},
				Locations: located(x.Origin), Fingerprints: fingerprints(x, c), Suppressions: sarifSuppressions(c)})
		}
		for j := range x.Cases {
			c := &x.Cases[j]
			level, at := "error", c.Origin
			if c.Verdict == policy.Unknown {
				level = "warning"
			}
			if at.File == "" {
				at = x.Origin
			}
			out.Results = append(out.Results, sarifResult{RuleID: x.ID, RuleIndex: i, Level: level, Locations: located(at),
				Message:      sarifMessage{sentence(x.Assertion) + ": " + strings.ToLower(caseWord(x.Kind, c)) + ": " + caseText(x.Kind, c)},
				Fingerprints: fingerprints(x, c), Suppressions: sarifSuppressions(c)})
		}
	}
	return w.object(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{out}})
}

// fingerprints tell a finding of one run from those of another: by the
// assertion and what is asked, whatever the lines of the files are.
func fingerprints(x *policy.Result, c *policy.Case) map[string]string {
	return map[string]string{"netpath/v1": x.Fingerprint(c)}
}

func sarifSuppressions(c *policy.Case) []sarifSuppression {
	x := c.Suppressed
	if x == nil {
		return nil
	}
	why := x.Reason
	if !x.Baselined() {
		why = fmt.Sprintf("%s (%s, until %s)", x.Reason, x.Owner, x.Expires)
	}
	return []sarifSuppression{{Kind: "external", Status: "accepted", Justification: why}}
}

func located(o topology.Origin) []sarifLocation {
	if o.File == "" {
		return nil
	}
	p := sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: strings.ReplaceAll(o.File, `\`, "/")}).String()}}
	if o.Line > 0 {
		p.Region = &sarifRegion{o.Line, o.Column}
	}
	return []sarifLocation{{p}}
}
