package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress shows on standard error how much of a file has been read, where a
// person watches it: on a terminal that does not show the results as well.
// The function it returns takes the line away.
func (p *program) progress(in io.Reader) (io.Reader, func()) {
	f, ok := in.(*os.File)
	if !ok || p.quiet || !p.stderr.terminal() || p.stdout.terminal() {
		return in, func() {}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return in, func() {}
	}
	line := &progressLine{to: p.stderr, now: p.now, size: info.Size()}
	return io.TeeReader(in, line), line.end
}

// counted shows on standard error how much of some work is done, where a person
// watches it. The first function it returns takes the counts, from any
// goroutine, and is nil where nobody watches; the second takes the line away.
func (p *program) counted(what string) (done func(done, all int), end func()) {
	if p.quiet || !p.stderr.terminal() {
		return nil, func() {}
	}
	return countTo(p.stderr, p.now, what)
}

// countTo is counted on a terminal. What takes less than a second has no line.
func countTo(to io.Writer, now func() time.Time, what string) (done func(done, all int), end func()) {
	var mu sync.Mutex
	line := &progressLine{to: to, now: now}
	start := now()
	done = func(done, all int) {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); at.Sub(start) >= time.Second && at.Sub(line.shown) >= 100*time.Millisecond {
			line.shown = at
			fmt.Fprintf(to, "\r%3d %%  %s", 100*done/all, what)
		}
	}
	end = func() {
		mu.Lock()
		defer mu.Unlock()
		line.end()
	}
	return done, end
}

// progressLine counts what is written to it and says so in one line of a
// terminal, at most ten times a second.
type progressLine struct {
	to         io.Writer
	now        func() time.Time
	read, size int64
	shown      time.Time
}

func (l *progressLine) Write(b []byte) (int, error) {
	l.read += int64(len(b))
	if now := l.now(); now.Sub(l.shown) >= 100*time.Millisecond {
		l.shown = now
		fmt.Fprintf(l.to, "\r%3d %%  %.1f of %.1f MB", 100*l.read/l.size, float64(l.read)/1e6, float64(l.size)/1e6)
	}
	return len(b), nil
}

// end clears the line, if one was shown.
func (l *progressLine) end() {
	if !l.shown.IsZero() {
		fmt.Fprint(l.to, "\r\x1b[K")
	}
}
