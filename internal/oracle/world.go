package oracle

import (
	"github.com/netpath/netpath/sim/flow"
)

// world is one completion of the data: an answer to every question the data
// leaves open. The questions are found while the evaluator runs; it must be
// deterministic, so that the same answers lead to the same next question.
// next moves on to the following completion, depth first, and the first
// completion answers everything with 0.
type world struct {
	strict bool   // assumptions are questions like any other
	freed  string // not strict: the key of one assumption that is free all the same

	trail []question // the questions of this completion, in the order they were first asked
	asked int        // how many of them this run has asked

	assumed  []question // every assumption that any run met, each once
	unknowns []question // every open question that any run met, each once
}

// question is something the data does not say.
type question struct {
	key     string
	about   string
	code    flow.Code         // why it is not known
	id      flow.AssumptionID // "" for a question without a usual answer
	answers int               // how many there are
	answer  int               // the one of this completion
}

// pick answers an open question: a number below answers. The same key has the
// same answer throughout a completion. By convention 0 is the answer that
// takes what is not known to be absent.
func (w *world) pick(code flow.Code, key string, answers int) int {
	if answers <= 1 {
		return 0
	}
	return w.ask(question{key: key, code: code, answers: answers})
}

// maybe is pick for a question answered by no (first) or yes.
func (w *world) maybe(code flow.Code, key string) bool { return w.pick(code, key, 2) == 1 }

// passes is maybe the other way round, for gates whose rules are not known: in
// the first completion they let the packet through, so that a certain deny
// behind them is the one that is named.
func (w *world) passes(code flow.Code, key string) bool { return w.pick(code, key, 2) == 0 }

// holds reports whether an assumption holds in this completion. Outside
// strict mode it always does.
func (w *world) holds(id flow.AssumptionID, about string) bool {
	q := question{key: string(id) + "|" + about, about: about, id: id, answers: 2}
	record(&w.assumed, q)
	if !w.strict && w.freed != q.key {
		return true
	}
	return w.ask(q) == 0
}

func (w *world) ask(q question) int {
	for _, old := range w.trail[:w.asked] {
		if old.key == q.key {
			return old.answer
		}
	}
	if q.id == "" {
		record(&w.unknowns, q)
	}
	if w.asked == len(w.trail) {
		w.trail = append(w.trail, q)
	}
	got := w.trail[w.asked]
	if got.key != q.key || got.answers != q.answers {
		panic("oracle: the evaluator asked " + q.key + " where it asked " + got.key + " before")
	}
	w.asked++
	return got.answer
}

// next turns w into the completion after this one; false where this was the
// last.
func (w *world) next() bool {
	w.trail = w.trail[:w.asked]
	w.asked = 0
	for len(w.trail) > 0 {
		last := &w.trail[len(w.trail)-1]
		if last.answer++; last.answer < last.answers {
			return true
		}
		w.trail = w.trail[:len(w.trail)-1]
	}
	return false
}

func record(list *[]question, q question) {
	for _, old := range *list {
		if old.key == q.key {
			return
		}
	}
	*list = append(*list, q)
}
