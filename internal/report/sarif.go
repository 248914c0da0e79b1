package report

import (
	"net/url"
	"strings"

	"github.com/netpath/netpath/topology"
)

// The parts of SARIF 2.1.0 that reports use.
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
	Related      []sarifRelated     `json:"relatedLocations,omitempty"`
}

type sarifRelated struct {
	Physical sarifPhysical `json:"physicalLocation"`
	Message  sarifMessage  `json:"message"`
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

// sarif writes what is found as results of rules, the kinds of it.
func (w *Writer) sarif(s *stream) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "netpath", InformationURI: projectURI, Version: s.version, Rules: list(s.kinds)}}, Results: list(s.found), Properties: s.properties}
	return w.object(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// sarifFingerprints tell a finding of one run from those of another.
func sarifFingerprints(print string) map[string]string { return map[string]string{"netpath/v1": print} }

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
