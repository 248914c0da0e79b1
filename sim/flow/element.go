package flow

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

// ElementFacts are the assumptions that anything said about the element rests
// on: NOT_SUCCEEDED where Azure does not report it as provisioned
// (bad-inputs 113), PROPERTY_NOT_MODELLED where it has a property that is not
// understood (bad-inputs 51).
func ElementFacts(e *topology.Element) []Fact {
	if e == nil {
		return nil
	}
	var out []Fact
	if s := e.ProvisioningState; s != "" && !strings.EqualFold(s, "Succeeded") {
		out = append(out, Fact{Assumption: NotSucceeded, About: e.Name, Detail: e.ResourceID,
			Text: e.Name + " is taken to be in effect although its provisioning state is " + s})
	}
	if len(e.NotModelled) > 0 {
		var names []string
		for _, p := range e.NotModelled {
			names = append(names, p.Name)
		}
		out = append(out, Fact{Assumption: PropertyNotModelled, About: e.Name, Detail: e.ResourceID + e.Origin.Pointer,
			Text: "properties of " + e.Name + " that are not modelled do not matter: " + strings.Join(names, ", ")})
	}
	return out
}
