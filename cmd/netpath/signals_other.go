//go:build !unix

package main

import (
	"os"
	"syscall"
)

// writeSignals tell of a write that failed: a closed pipe. Ignored, it is an
// error of the write, exit 70.
func writeSignals() []os.Signal { return []os.Signal{syscall.SIGPIPE} }
