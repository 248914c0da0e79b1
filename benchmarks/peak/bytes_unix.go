//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

func peakBytes(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := int64(usage.Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" { // they count bytes, the others KiB
		peak <<= 10
	}
	return peak
}
