// Package report writes answers: as text an engineer reads, as tables, as
// JSON and as one JSON object a line.
//
// A [Writer] has one format; each kind of answer has one method. Whatever
// comes from the outside (names, file paths, notes) is escaped on its way, so
// that no name can steer a terminal; see [Escape]. Colour only repeats what
// the words say.
package report
