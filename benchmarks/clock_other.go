//go:build !linux

package main

import "time"

var started = time.Now()

// cpuTime is the time that has passed: the systems other than Linux have no
// clock of the thread in Go's libraries.
func cpuTime() time.Duration { return time.Since(started) }

const clockName = "wall clock"

// processTime is [cpuTime].
func processTime() time.Duration { return time.Since(started) }
