package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

const (
	blockSize = 128 << 10 // of text, handed to one worker at a time
	maxLine   = 1 << 20   // a longer line is refused
)

// batch answers a file of flows. One goroutine reads blocks of whole lines,
// workers on every core parse, evaluate and format them, and the caller's
// goroutine writes the blocks in the order of the file. Only a few blocks
// exist at a time, so memory does not grow with the number of flows.
type batch struct {
	name      string // of the file, for messages
	columns   []column
	stream    report.Stream
	keepGoing bool
	expect    topology.Access
	outs      *outputs

	// ask answers one flow. A *questionError or *sim.NameError says why the
	// flow cannot be asked; any other error is internal. It is called by
	// several goroutines.
	ask func(index int, fields []string) (report.Line, answered, error)
	// flows answers what it can in place of ask; nil: nothing.
	flows *flowBatch
	// settle is called for every answer that rests on assumptions, in the
	// order of the flows; nil: nobody asks.
	settle func(answered)
}

// block is a run of whole lines on its way through a batch.
type block struct {
	data  []byte
	line  int // number of the first line
	index int // of the first flow
	err   error
	done  chan struct{} // closed when the fields below are set

	out     [][]byte // the formatted lines, one text for each output
	counts  counts
	settled []answered
}

// counts is what the flows of a batch came to.
type counts struct {
	flows     int
	unread    int // could not be read, with --keep-going
	broken    int // certainly against the expectation
	undecided int
}

// add counts what another block came to.
func (c *counts) add(d counts) {
	c.flows += d.flows
	c.unread += d.unread
	c.broken += d.broken
	c.undecided += d.undecided
}

// codes adds the exit codes that the counts stand for.
func (c counts) codes(to exitCodes) {
	for code, n := range map[int]int{exitRefused: c.unread, exitBroken: c.broken, exitUndecided: c.undecided} {
		if n > 0 {
			to.add(code)
		}
	}
}

// run answers every flow of the file and says what they came to; codes are
// the exit codes that the run has come to before.
func (b *batch) run(ctx context.Context, in io.Reader, codes exitCodes) (total counts, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan *block, workers)
	order := make(chan *block, 2*workers)
	pool := &sync.Pool{New: func() any { return &block{out: make([][]byte, len(b.outs.sinks))} }}
	src := &lineSource{name: b.name, in: in, columns: b.columns, pool: pool}
	go func() { // not waited for: it may be blocked in a read that never ends
		defer close(order)
		defer close(jobs)
		for {
			blk := src.next()
			if blk == nil {
				return
			}
			for _, c := range []chan *block{order, jobs} {
				select {
				case c <- blk:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for range workers {
		go func() {
			w := worker{b: b}
			for blk := range jobs {
				w.answer(blk, src.format)
				close(blk.done)
			}
		}()
	}
	if err := b.outs.each(func(w *report.Writer) error { return w.BeginLines(b.stream) }); err != nil {
		return total, err
	}
	for {
		var blk *block
		select {
		case blk = <-order:
		case <-ctx.Done():
			return total, ctx.Err()
		}
		if blk == nil {
			break
		}
		select {
		case <-blk.done:
		case <-ctx.Done():
			return total, ctx.Err()
		}
		for i, s := range b.outs.sinks {
			if err := s.writer.Lines(blk.out[i]); err != nil {
				return total, err
			}
		}
		if blk.err != nil {
			return total, blk.err
		}
		for _, a := range blk.settled {
			b.settle(a)
		}
		total.add(blk.counts)
		pool.Put(blk)
	}
	total.codes(codes)
	return total, b.outs.each(func(w *report.Writer) error { return w.EndLines(codes.list()) })
}

// worker answers the flows of one block after the other.
type worker struct {
	b     *batch
	begun bool
	quick *flowWorker // nil: there is only the general way
	buf   fieldBuffer
}

// answer answers the flows of a block. At the first flow that cannot be asked
// it stops, unless the batch keeps going.
func (w *worker) answer(blk *block, format *flowFormat) {
	b := w.b
	defer func() {
		if v := recover(); v != nil {
			blk.err = fmt.Errorf("panic at a flow after line %d: %v\n%s", blk.line, v, debug.Stack())
		}
	}()
	if blk.err != nil {
		return
	}
	if !w.begun && format != nil {
		w.begun, w.quick = true, newFlowWorker(b, format)
	}
	if n := len(blk.data); n > 0 && blk.data[n-1] != '\n' {
		blk.data = append(blk.data, '\n')
	}
	end := len(blk.data)
	blk.data = append(blk.data, make([]byte, margin)...)
	line, index := blk.line, blk.index
	if w.quick != nil {
		w.quick.begin(index)
	}
	for data := blk.data[:end]; len(data) > 0; line++ {
		if w.quick != nil {
			if n := w.quick.line(blk.data[end-len(data):], blk); n > 0 {
				data = data[n:]
				index++
				blk.counts.flows++
				continue
			}
		}
		text, rest, _ := bytes.Cut(data, []byte{'\n'})
		data = rest
		text = bytes.TrimSuffix(text, []byte{'\r'})
		if len(text) == 0 {
			continue
		}
		var l report.Line
		var a answered
		fields, err := format.fields(text, &w.buf)
		if err == nil {
			l, a, err = b.ask(index, fields)
			if err != nil && !badQuestion(err) {
				blk.err = fmt.Errorf("%s:%d: %w", b.name, line, err)
				return
			}
		}
		switch {
		case err != nil && !b.keepGoing:
			blk.err = refused(fmt.Errorf("%s:%d: %w", b.name, line, err))
			return
		case err != nil:
			l = report.Line{Index: index, Error: fmt.Sprintf("%s:%d: %v", b.name, line, err)}
			blk.counts.unread++
		default:
			switch a.code(b.expect) {
			case exitBroken:
				blk.counts.broken++
			case exitUndecided:
				blk.counts.undecided++
			}
			if b.settle != nil && len(a.assumptions) > 0 {
				blk.settled = append(blk.settled, a)
			}
		}
		for i, s := range b.outs.sinks {
			blk.out[i] = l.Append(blk.out[i], b.stream, s.options, len(blk.out[i]) == 0)
		}
		index++
		blk.counts.flows++
		if w.quick != nil {
			w.quick.begin(index)
		}
	}
}

// questionError is a flow that is no question.
type questionError struct{ err error }

func (e *questionError) Error() string { return e.err.Error() }

// badQuestion reports whether the fault is the flow's.
func badQuestion(err error) bool {
	if _, ok := errors.AsType[*questionError](err); ok {
		return true
	}
	_, ok := errors.AsType[*sim.NameError](err)
	return ok
}

// lineSource cuts a file of flows into blocks of whole lines.
type lineSource struct {
	name    string
	in      io.Reader
	columns []column
	pool    *sync.Pool
	format  *flowFormat // set before the first block is handed out

	started, ended bool
	rest           []byte // the beginning of a line whose end was not read yet
	line, index    int    // lines and flows handed out
}

// next returns the next block, nil after the last. A block with an error ends
// the file.
func (s *lineSource) next() *block {
	for !s.ended {
		blk := s.pool.Get().(*block)
		blk.done = make(chan struct{})
		blk.err, blk.counts, blk.settled = nil, counts{}, blk.settled[:0]
		for i := range blk.out {
			blk.out[i] = blk.out[i][:0]
		}
		err := s.fill(blk)
		if err == nil && s.format == nil {
			err = s.begin(blk)
		}
		if err != nil {
			s.ended = true
			blk.data, blk.err = nil, refused(fmt.Errorf("%s:%d: %w", s.name, s.line+1, err))
			return blk
		}
		blk.line, blk.index = s.line+1, s.index
		lines, blank := countLines(blk.data)
		s.line += lines
		s.index += lines - blank
		if lines > blank {
			return blk
		}
	}
	return nil
}

// fill reads whole lines into the block: what one read brings, and more only
// where that holds no line end.
func (s *lineSource) fill(blk *block) error {
	if !s.started {
		s.started = true
		if err := s.unpack(); err != nil {
			return err
		}
	}
	if cap(blk.data) < blockSize {
		blk.data = make([]byte, 0, blockSize)
	}
	blk.data = append(blk.data[:0], s.rest...)
	s.rest = s.rest[:0]
	for {
		if len(blk.data) > maxLine {
			return fmt.Errorf("the line is longer than %d bytes", maxLine)
		}
		// A line end and the margin still have to go behind what is read.
		const behind = 1 + margin
		if cap(blk.data)-len(blk.data) <= behind {
			blk.data = slices.Grow(blk.data, blockSize)
		}
		start := len(blk.data)
		n, err := s.in.Read(blk.data[start : cap(blk.data)-behind])
		blk.data = blk.data[:start+n]
		if end := bytes.LastIndexByte(blk.data[start:], '\n'); end >= 0 {
			s.rest = append(s.rest, blk.data[start+end+1:]...)
			blk.data = blk.data[:start+end+1]
			if err == io.EOF {
				err = nil // seen again by the next read
			}
			return err
		}
		if err == io.EOF {
			s.ended = true
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// unpack looks at the first bytes: gzip is unpacked, a byte order mark passed
// over.
func (s *lineSource) unpack() error {
	buf := bufio.NewReaderSize(s.in, 4096)
	head, err := buf.Peek(3)
	if err != nil && err != io.EOF {
		return err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(buf)
		if err != nil {
			return err
		}
		buf = bufio.NewReaderSize(zip, 4096)
		if head, err = buf.Peek(3); err != nil && err != io.EOF {
			return err
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return errors.New("the flows are UTF-16; save them as UTF-8")
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		if _, err := buf.Discard(3); err != nil {
			return err
		}
	}
	s.in = buf
	return nil
}

// begin recognises the file by its first line that is not blank, and takes a
// CSV header out of the block.
func (s *lineSource) begin(blk *block) error {
	for len(blk.data) > 0 {
		text, rest, _ := bytes.Cut(blk.data, []byte{'\n'})
		text = bytes.TrimSuffix(text, []byte{'\r'})
		if len(text) > 0 {
			if bytes.HasPrefix(bytes.TrimSpace(text), []byte{'{'}) {
				s.format = &flowFormat{columns: s.columns, json: true}
				return nil
			}
			var err error
			if s.format, err = csvFormat(s.columns, text); err != nil {
				return err
			}
		}
		s.line++
		blk.data = blk.data[:copy(blk.data, rest)]
		if s.format != nil {
			return nil
		}
	}
	if s.ended {
		return errors.New("the file is empty; expected a CSV header or JSON objects, one a line")
	}
	return nil
}

// countLines counts the lines of a block, and those of them that are blank.
func countLines(data []byte) (lines, blank int) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end <= 0 || end == 1 && data[0] == '\r' {
			if end >= 0 || len(data) == 1 && data[0] == '\r' {
				blank++
			}
		}
		lines++
		if end < 0 {
			break
		}
		data = data[end+1:]
	}
	return lines, blank
}
