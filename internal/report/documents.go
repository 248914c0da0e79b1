package report

import (
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// Document is a JSON document that a command writes with -o json. Its fields
// stand beside schemaVersion and exitCodes.
type Document struct {
	Command string // "tags lookup"; for a batch of flows with its flag where another document is behind it
	Value   any    // a zero value of what is encoded
}

// Documents lists the documents, for their schema.
func Documents() []Document {
	return []Document{
		{"backup", backupJSON{}},
		{"check", checkJSON{}},
		{"diff", diffJSON{}},
		{"effective-routes", struct {
			Value     []sim.EffectiveRoute `json:"value"`
			Undecided []flow.Missing       `json:"undecided,omitempty"`
		}{}},
		{"effective-rules", struct {
			Value []sim.EffectiveRuleSet `json:"value"`
		}{}},
		{"explain", struct {
			Results []explanationJSON `json:"results"`
		}{}},
		{"fix", fixJSON{}},
		{"ip-flow", sim.IPFlow{}},
		{"ip-flow --flows", struct {
			Results []flowLineJSON `json:"results"`
		}{}},
		{"limits", struct {
			Limits []Limit `json:"limits"`
		}{}},
		{"lint", lintJSON{}},
		{"lint explain", struct {
			Results []lintRuleJSON `json:"results"`
		}{}},
		{"lint rules", struct {
			Results []lintRuleJSON `json:"results"`
		}{}},
		{"optimize", optimizeJSON{}},
		{"reach", reachJSON{}},
		{"reach --matrix", matrixJSON{}},
		{"redact", Redaction{}},
		{"selftest", Selftest{}},
		{"tags diff", TagDiff{}},
		{"tags list", struct {
			Results []Tag `json:"results"`
		}{}},
		{"tags lookup", struct {
			Results []TagLookup `json:"results"`
		}{}},
		{"tags show", struct {
			Results []Tag `json:"results"`
		}{}},
		{"trace", sim.Trace{}},
		{"trace --flows", struct {
			Results []traceLineJSON `json:"results"`
		}{}},
		{"version", Version{}},
	}
}

// flowLineJSON is what [Line.Append] writes of an answer of ip-flow: an error,
// or an answer.
type flowLineJSON struct {
	Index            int                 `json:"index"`
	Error            string              `json:"error,omitempty"`
	Access           flow.Verdict        `json:"access,omitempty"`
	UnderAssumptions string              `json:"underAssumptions,omitempty"`
	RuleName         *string             `json:"ruleName,omitempty" schema:"nullable"`
	Priority         int                 `json:"priority,omitempty"`
	NSG              string              `json:"networkSecurityGroup,omitempty"`
	Codes            []flow.Code         `json:"codes,omitempty"`
	Assumptions      []flow.AssumptionID `json:"assumptions,omitempty"`
}

// traceLineJSON is the same of an answer of trace.
type traceLineJSON struct {
	Index            int                 `json:"index"`
	Error            string              `json:"error,omitempty"`
	Verdict          flow.Verdict        `json:"verdict,omitempty"`
	UnderAssumptions string              `json:"underAssumptions,omitempty"`
	Code             flow.Code           `json:"code,omitempty"`
	RuleName         *string             `json:"ruleName,omitempty" schema:"nullable"`
	Assumptions      []flow.AssumptionID `json:"assumptions,omitempty"`
}
