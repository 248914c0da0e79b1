// Copylines copies standard input to standard output line by line and does
// nothing else: the yardstick of row P12.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "copylines:", err)
		os.Exit(1)
	}
}

func run() error {
	const buffer = 128 << 10
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, buffer), buffer)
	out := bufio.NewWriterSize(os.Stdout, buffer)
	for in.Scan() {
		if _, err := out.Write(in.Bytes()); err != nil {
			return err
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return out.Flush()
}
