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
	signal.Ignore(writeSignals()...)
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := make(chan int, 1)
	p := newProgram(os.Stdin, os.Stdout, os.Stderr)
	p.cacheDir = os.UserCacheDir
	p.giveUp = func() { code <- exitInternal }
	go func() { code <- p.run(ctx, os.Args[1:]) }()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { code <- exitInternal }) })
	os.Exit(<-code)
}

// The slack of the garbage collector, in percent of what is in use.
const (
	firstSlack = 400
	usualSlack = 100
	largeSlack = 50 // where more than largeHeap is in use

	largeHeap = 128 << 20 // bytes
)

// collectLater lets the first garbage collection wait until there is some
// 16 MB of it: most runs end before. From then on all is as the runtime has
// it, with less slack for a large estate: it stays in use to the end.
func collectLater() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(firstSlack)
	afterCollection(firstSlack)
}

// afterCollection sets the slack after the next collection and all later ones;
// now is what it is.
func afterCollection(now int) {
	runtime.AddCleanup(new([2]*int), func(now int) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		want := usualSlack
		if inUse := m.NextGC / uint64(100+now) * 100; inUse > largeHeap {
			want = largeSlack
		}
		if want != now {
			debug.SetGCPercent(want)
		}
		afterCollection(want)
	}, now)
}
