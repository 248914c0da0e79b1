package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows on standard error how much of a file has been read, where a
// person watches it: on a terminal that does not show the results as well.
// The function it returns ends the bar.
func (p *program) progress(in io.Reader) (io.Reader, func()) {
	f, ok := in.(*os.File)
	if !ok || p.quiet || !p.stderr.terminal() || p.stdout.terminal() {
		return in, func() {}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return in, func() {}
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetWriter(p.stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	return io.TeeReader(in, bar), func() { bar.Finish() }
}
