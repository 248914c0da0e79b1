package main

import (
	"bytes"
	"testing"
	"time"
)

// The progress line is written at most ten times a second and taken away.
func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := &progressLine{to: &out, now: func() time.Time { return now }, size: 4e6}
	for range 4 {
		l.Write(make([]byte, 1e6))
		now = now.Add(60 * time.Millisecond)
	}
	l.end()
	want := "\r 25 %  1.0 of 4.0 MB\r 75 %  3.0 of 4.0 MB\r\x1b[K"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}

	out.Reset()
	(&progressLine{to: &out}).end()
	if out.Len() != 0 {
		t.Errorf("a line that was never shown is taken away: %q", out.String())
	}
}

// Work that is done at once has no line; longer work has one that counts.
func TestCountedWork(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	done, end := countTo(&out, func() time.Time { return now }, "of it")
	done(1, 4)
	end()
	if out.Len() != 0 {
		t.Errorf("%q for work of no time", out.String())
	}
	now = now.Add(2 * time.Second)
	done(2, 4)
	done(3, 4)
	end()
	if want := "\r 50 %  of it\r\x1b[K"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
