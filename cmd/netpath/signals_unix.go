//go:build unix

package main

import (
	"os"
	"syscall"
)

// writeSignals tell of a write that failed: a closed pipe, a file that may not
// grow. Ignored, they are an error of the write, exit 70.
func writeSignals() []os.Signal { return []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ} }
