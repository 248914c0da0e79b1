package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// The caps of the command line: the largest file it reads, and the most
// elements it takes from one.
const (
	largestFile  = 256 << 20
	mostElements = 500_000
)

// bounds measures what a run takes at its caps: the memory for the largest
// file, in two layouts, and the refusal of one with too many elements.
func (b *bench) bounds(s *starter) error {
	b.log("runs at the caps")
	for _, f := range []struct {
		name  string
		write func(file string) error
	}{
		{"NSGs of 1,000 rules as az prints them", func(file string) error { return writeGroups(file, 280, 1000, []string{"Storage"}) }},
		{"NSGs of 1,000 rules, in one line, with nothing that may be left out", writeDense},
	} {
		file := filepath.Join(s.dir, "largest.json")
		if err := f.write(file); err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if info.Size() > largestFile {
			return fmt.Errorf("%s: %d bytes are beyond the cap", f.name, info.Size())
		}
		v, err := s.run(s.ask(file))
		if err != nil {
			return err
		}
		if v[2] == 0 {
			b.row("S4").pending = "this system does not say what memory a process held"
			continue
		}
		c := figure{name: f.name, value: v[2] / float64(info.Size()),
			detail: fmt.Sprintf("%d MiB of JSON, %.0f MB of memory, %.1f s, CPU time %.1f s", info.Size()>>20, v[2]/1e6, v[0]/1e9, v[1]/1e9)}
		r := b.row("S4")
		r.cases = append(r.cases, c)
		b.log("%s, %s: %s %s (%s)", r.id, c.name, r.number(c.value), r.state(c), c.detail)
		if err := os.Remove(file); err != nil {
			return err
		}
	}

	file := filepath.Join(s.dir, "many.json")
	if err := writeMany(file, mostElements+1); err != nil {
		return err
	}
	took := make([]spent, 1)
	refusal := *s
	refusal.code = 3
	if err := refusal.turns(3, took, s.ask(file)); err != nil {
		return err
	}
	name := fmt.Sprintf("%d application security groups", mostElements+1)
	b.started("S5", name, file, 1000, took[0])
	return nil
}

// writeDense writes as many groups of 1,000 rules as the largest file holds,
// each rule in as few bytes as it may have.
func writeDense(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("[")
	var b []byte
	for g, size := 0, 1; ; g++ {
		b = fmt.Appendf(b[:0], `%s{"id":"%snetworkSecurityGroups/nsg-%03d","properties":{"securityRules":[`, comma(g), armPrefix, g)
		for r := range 1000 {
			b = fmt.Appendf(b, `%s{"name":"r%d","properties":{"protocol":"Tcp","sourcePortRange":"*","destinationPortRange":"%d","sourceAddressPrefix":"10.%d.%d.0/24","destinationAddressPrefix":"%s","access":%q,"priority":%d,"direction":%q}}`,
				comma(r), r, 1000+r, g%256, r%250, []string{"Storage", "*", "10.0.0.4"}[r%3], []string{"Allow", "Deny"}[r%7%2], 100+r, []string{"Inbound", "Outbound"}[r%2])
		}
		b = append(b, "]}}"...)
		if size += len(b); size > largestFile-1 {
			break
		}
		w.Write(b)
	}
	w.WriteString("]")
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// writeMany writes a list of small elements.
func writeMany(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("[")
	for i := range n {
		fmt.Fprintf(w, `%s{"id":"%sapplicationSecurityGroups/asg%d","location":"westeurope"}`, comma(i), armPrefix, i)
	}
	w.WriteString("]")
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
