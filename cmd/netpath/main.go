// Command netpath says, offline and exactly, what Azure's network will do
// with a packet: from exported state, service tag files and design files. See
// docs/commands for its commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long an interrupted run may take to clean up.
const grace = 2 * time.Second

func main() {
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error of the write, exit 70
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := make(chan int, 1)
	go func() { code <- newProgram(os.Stdin, os.Stdout, os.Stderr).run(ctx, os.Args[1:]) }()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { code <- exitInternal }) })
	os.Exit(<-code)
}
