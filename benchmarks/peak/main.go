// Peak runs a program, throws away its standard output and prints its exit code
// and what the run took: nanoseconds by the clock on the wall, nanoseconds of
// CPU time and the most bytes of memory it held, 0 where the system does not
// say.
//
// It is a small program of its own because a process counts as its own the
// memory of the one that started it.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: peak PROGRAM ARGUMENT…")
		os.Exit(2)
	}
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stderr = os.Stderr
	begin := time.Now()
	err := c.Run()
	took := time.Since(begin)
	s := c.ProcessState
	if s == nil {
		fmt.Fprintln(os.Stderr, "peak:", err)
		os.Exit(1)
	}
	fmt.Println(s.ExitCode(), took.Nanoseconds(), (s.UserTime() + s.SystemTime()).Nanoseconds(), peakBytes(s))
}
