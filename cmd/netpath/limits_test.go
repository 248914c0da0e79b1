package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim/flow"
)

// Every limit has an ID of its own and an answer, and the codes and assumptions
// that the answers name exist.
func TestLimitsNameWhatNetpathAnswers(t *testing.T) {
	seen := map[string]bool{}
	word := regexp.MustCompile(`[A-Z]{2,}(_[A-Z]+)+`)
	for _, l := range limits() {
		if !regexp.MustCompile(`^L\d{3}$`).MatchString(l.ID) || seen[l.ID] {
			t.Errorf("%q is no ID of its own", l.ID)
		}
		seen[l.ID] = true
		if l.About == "" || l.Text == "" || l.Answer == "" || (l.Kind == "open") != (l.Source != "") {
			t.Errorf("%+v is not complete", l)
		}
		if _, assumption, ok := strings.Cut(l.Answer, "assumption "); ok {
			id := flow.AssumptionID(word.FindString(assumption))
			if !slices.Contains(flow.AssumptionIDs(), id) {
				t.Errorf("%s: there is no assumption %s", l.ID, id)
			}
		}
	}
	for _, id := range []string{"L001", "L022", "L101"} {
		if !seen[id] {
			t.Errorf("%s is gone: an ID keeps its meaning", id)
		}
	}
}
