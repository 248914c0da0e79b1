// Command netpath says, offline and exactly, what Azure's network will do
// with a packet: from exported state, service tag files and design files. See
// docs/commands for its commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// grace is how long an interrupted run may take to clean up.
const grace = 2 * time.Second

func main() {
	collectLater()
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error of the write, exit 70
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := make(chan int, 1)
	p := newProgram(os.Stdin, os.Stdout, os.Stderr)
	p.cacheDir = os.UserCacheDir
	go func() { code <- p.run(ctx, os.Args[1:]) }()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { code <- exitInternal }) })
	os.Exit(<-code)
}

// collectLater lets the first garbage collection wait until there is some
// 16 MB of it: most runs end before. From then on all is as the runtime has it.
func collectLater() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(400)
	runtime.AddCleanup(new([2]*int), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
