// Benchmarks measures the hot core against the libraries an engineer would
// otherwise take, and holds it to its gates.
//
//	go run ./benchmarks             remakes benchmarks/RESULTS.md
//	go run ./benchmarks -gates      a short form; exit 1 names the rows that fail
//	go run ./benchmarks -tags FILE  measures with a service tag file (or NETPATH_SERVICE_TAGS)
//
// Without a file the catalogue is generated in the shape of a real one. All
// that is compared is measured in one run, in turns, in the CPU time of the
// thread, and what counts is the median of the ratios of each turn: times of
// different runs are not comparable. What asks about all packets (the rows E) is
// measured in CPU time alone; that the exact sets are those which boxes cut out
// of each other give is checked in the same run.
package main
