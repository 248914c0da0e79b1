//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// armID is where the resources of the fixtures are.
const armID = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/"

const nsgFile = "nsg-app.json"

// wide is the text as UTF-16 or UTF-32 without a byte order mark.
func wide(text string, bytes int, big bool) string {
	var units []uint32
	if bytes == 2 {
		for _, u := range utf16.Encode([]rune(text)) {
			units = append(units, uint32(u))
		}
	} else {
		for _, r := range text {
			units = append(units, uint32(r))
		}
	}
	var b strings.Builder
	for _, u := range units {
		for i := range bytes {
			shift := 8 * i
			if big {
				shift = 8 * (bytes - 1 - i)
			}
			b.WriteByte(byte(u >> shift))
		}
	}
	return b.String()
}

// recoded starts with the estate where nsg-app.json is written otherwise.
func (c *inputCase) recoded(as func(text string) string) {
	c.Helper()
	c.export(nsgFile)
	c.write(nsgFile, as(c.read(nsgFile)))
}

// renamed starts with the estate where nsg-app.json has another name and is
// written otherwise.
func (c *inputCase) renamed(name string, as func(text string) string) {
	c.Helper()
	c.recoded(as)
	if err := os.Rename(nsgFile, name); err != nil {
		c.Fatal(err)
	}
}

// promptly fails where body takes longer than what never ends, or grows with
// the square, would need at least; what it takes is milliseconds.
func (c *inputCase) promptly(body func()) {
	c.Helper()
	const most = 10 * time.Second
	start := time.Now()
	body()
	if took := time.Since(start); took > most {
		c.Errorf("it took %v", took)
	}
}

// process runs netpath as a process of its own, which the case may start as
// another user or with other settings. It may take 2 s of the processors and
// 300 MB.
func (c *inputCase) process(args ...string) ran {
	c.Helper()
	return c.processWith(func(*exec.Cmd) {}, args...)
}

func (c *inputCase) processWith(prepare func(*exec.Cmd), args ...string) ran {
	c.Helper()
	r, took, kib := c.spawn(prepare, args...)
	if took > 2*time.Second {
		c.Errorf("it took %v", took)
	}
	if kib > 300<<10 {
		c.Errorf("it took %d MB", kib>>10)
	}
	return r
}

// measured runs netpath as a process of its own and says how many KiB it held.
func (c *inputCase) measured(args ...string) (ran, int64) {
	c.Helper()
	r, _, kib := c.spawn(func(*exec.Cmd) {}, args...)
	return r, kib
}

// spawn starts the process; the KiB are 0 where the system does not tell.
func (c *inputCase) spawn(prepare func(*exec.Cmd), args ...string) (r ran, took time.Duration, kib int64) {
	c.Helper()
	c.asked++
	dir, err := os.Getwd()
	if err != nil {
		c.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.Fatal(err)
	}
	// The test binary is netpath where its name is. A copy can be read by
	// every user.
	bin := filepath.Join(c.TempDir(), "netpath")
	b, err := os.ReadFile(self)
	if err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(bin, b, 0o755); err != nil {
		c.Fatal(err)
	}
	var out, stderr strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &stderr, []string{"GOMAXPROCS=1"}
	cmd.Dir = dir
	prepare(cmd)
	if err := cmd.Run(); cmd.ProcessState == nil {
		c.Fatal(err)
	}
	took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // other work on the machine does not count
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" {
		kib = use.Maxrss
	}
	c.Logf("%v, %d MB", took.Round(time.Millisecond), kib>>10)
	return ran{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}, took, kib
}

var fileRows = []inputRow{
	{1, "empty or blank file", func(c *inputCase) {
		c.recoded(func(string) string { return "" })
		c.refused(`nsg-app.json:1:1: is empty; export it again; an az command that finds nothing prints []`)
		c.recoded(func(string) string { return " \n\t\r\n" })
		c.refused(`nsg-app.json:1:1: is empty; export it again; an az command that finds nothing prints []`)
		c.renamed("nsg-app.json.gz", func(string) string { return zipped("") })
		c.refused(`nsg-app.json.gz:1:1: is empty; export it again; an az command that finds nothing prints []`)
		c.renamed("nsg-app.json.gz", func(string) string { return "" })
		c.refused(`nsg-app.json.gz:1:1: is empty; export it again; an az command that finds nothing prints []`)
	}},
	{2, "UTF-8 byte order mark", func(c *inputCase) {
		c.recoded(func(s string) string { return "\ufeff" + s })
		c.same()
	}},
	{3, "UTF-16LE byte order mark", func(c *inputCase) {
		c.recoded(func(s string) string { return "\xff\xfe" + wide(s, 2, false) })
		c.same()
		if r := c.netpath(asking(here(nil), "-v")...); !strings.Contains(r.stderr, "note: nsg-app.json:1: is UTF-16LE (as Windows PowerShell writes with >)\n") {
			c.Errorf("not noted: %s", r.stderr)
		}
	}},
	{4, "UTF-16BE byte order mark", func(c *inputCase) {
		c.recoded(func(s string) string { return "\xfe\xff" + wide(s, 2, true) })
		c.same()
	}},
	{5, "UTF-16 without byte order mark, UTF-32", func(c *inputCase) {
		for _, w := range []struct {
			mark    string
			bytes   int
			big     bool
			message string
		}{
			{"", 2, false, "expected UTF-8, or UTF-16 with a byte order mark, not UTF-16 without one"},
			{"", 2, true, "expected UTF-8, or UTF-16 with a byte order mark, not UTF-16 without one"},
			{"", 4, false, "expected UTF-8 or UTF-16, not UTF-32"},
			{"", 4, true, "expected UTF-8 or UTF-16, not UTF-32"},
			{"\xff\xfe\x00\x00", 4, false, "expected UTF-8 or UTF-16, not UTF-32"},
			{"\x00\x00\xfe\xff", 4, true, "expected UTF-8 or UTF-16, not UTF-32"},
		} {
			c.recoded(func(s string) string { return w.mark + wide(s, w.bytes, w.big) })
			c.refused("nsg-app.json:1:1: " + w.message + "; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)")
		}
	}},
	{6, "cp1252, invalid UTF-8", func(c *inputCase) {
		c.export(nsgFile, `"name": "allow-web"`, "\"name\": \"caf\xe9\"")
		c.refused(`nsg-app.json:10:21 (/properties/securityRules/0/name): expected UTF-8 at byte 351, found "\xe9\","; save the file as UTF-8`)
		c.export(nsgFile, `"name": "allow-web"`, "\"name\": \"a\xc0\xafb\"") // an overlong slash
		c.refused(`nsg-app.json:10:19 (/properties/securityRules/0/name): expected UTF-8 at byte 349, found "\xc0\xafb\","; save the file as UTF-8`)
		c.export(nsgFile, `"name": "allow-web"`, "\"name\": \"a\xed\xa0\x80b\"") // a surrogate
		c.refused(`nsg-app.json:10:19 (/properties/securityRules/0/name): expected UTF-8 at byte 349, found "\xed\xa0\x80b\","; save the file as UTF-8`)
		c.design("name: allow-web", "name: caf\xe9")
		c.refused(`design.yaml:36:18: expected UTF-8, found "\xe9" at byte 964; save the file as UTF-8`)
	}},
	{7, "NUL or control bytes in a name", func(c *inputCase) {
		c.export(nsgFile, `"name": "allow-web"`, "\"name\": \"a\x00b\"")
		c.refused(`nsg-app.json:10:19 (/properties/securityRules/0/name): expected text without control characters, found "\x00b\","; a line break inside a text is written \n`)
		c.export(nsgFile, `"name": "allow-web"`, `"name": "a\u0000b"`)
		c.refused(`nsg-app.json:10:17 (/properties/securityRules/0/name): expected text without NUL characters, found "\"a\\u0000b\""`)
		c.export(nsgFile, `"name": "allow-web"`, "\"name\": \"a\x1b[2Jb\"")
		c.refused(`nsg-app.json:10:19 (/properties/securityRules/0/name): expected text without control characters, found "\x1b[2Jb\","; a line break inside a text is written \n`)
		c.export(nsgFile, `"name": "allow-web"`, `"name": "allow-web", "a\u001b[2J": 1`)
		c.refused(`nsg-app.json:10:30 (/properties/securityRules/0): expected a name without control characters, found "\"a\\u001b[2J\""`)
		c.design("name: allow-web", "name: \"a\\0b\"")
		c.refused(`design.yaml:36:15 (/networkSecurityGroups/0/securityRules/0/name): expected text without NUL characters, found "a\x00b"`)
	}},
	{8, "CRLF, lone CR, mixed line ends", func(c *inputCase) {
		c.start("export")
		clean := c.netpath(append([]string{"effective-rules", "."}, "--vm", "app1", "-o", "json", "--as-of", theDay)...)
		ends := strings.NewReplacer("\n", "\r\n")
		for _, as := range []func(string) string{
			ends.Replace,
			strings.NewReplacer("\n", "\r").Replace,
			func(s string) string {
				return ends.Replace(s[:len(s)/3]) + s[len(s)/3:len(s)/2] + strings.ReplaceAll(s[len(s)/2:], "\n", "\r")
			},
		} {
			c.recoded(as)
			c.same()
			// The places are those of the clean file, too.
			if r := c.netpath("effective-rules", ".", "--vm", "app1", "-o", "json", "--as-of", theDay); r.stdout != clean.stdout {
				c.Errorf("the places are others:\n%s", r.stdout)
			}
			text := c.read(nsgFile)
			c.write(nsgFile, strings.Replace(text, `"access": "Deny"`, `"access": "Block"`, 1))
			c.refused(`nsg-app.json:31:21 (/properties/securityRules/1/properties/access): expected Allow or Deny, found "Block"`)
		}
	}},
	{9, "cut off in the middle", func(c *inputCase) {
		c.recoded(func(s string) string { return s[:strings.Index(s, `"allow-web"`)+5] })
		c.refused(`nsg-app.json:10:22 (/properties/securityRules/0/name): ended early: expected the rest of the JSON; the export was cut off: export it again`)
		c.recoded(func(s string) string { return s[:strings.Index(s, `"direction"`)] })
		c.refused(`nsg-app.json:15:11 (/properties/securityRules/0/properties): ended early: expected the rest of the JSON; the export was cut off: export it again`)
		c.recoded(func(s string) string { return strings.TrimRight(s, "}\n ") })
		c.refused(`nsg-app.json:69:6 (/properties/securityRules): ended early: expected the rest of the JSON; the export was cut off: export it again`)
		c.recoded(func(s string) string { return s[:strings.Index(s, "200")+1] })
		c.refused(`nsg-app.json:14:24 (/properties/securityRules/0/properties/priority): ended early: expected the rest of the JSON; the export was cut off: export it again`)
		// Every beginning of the file is refused: none is taken for a whole one.
		c.start("export")
		text := c.read(nsgFile)
		for n := 1; n < len(strings.TrimSpace(text)); n += 97 {
			c.write(nsgFile, text[:n])
			if r := c.netpath(asking(here(nil))...); r.code != exitRefused || r.stdout != "" || !strings.HasPrefix(r.stderr, "error: nsg-app.json:") {
				c.Errorf("the first %d bytes: exit %d, %s%s", n, r.code, r.stdout, r.stderr)
			}
		}
	}},
	{10, "cut-off gzip", func(c *inputCase) {
		for _, share := range []int{1, 2, 9} {
			c.renamed("nsg-app.json.gz", func(s string) string { z := zipped(s); return z[:len(z)*share/10] })
			c.refused(`nsg-app.json.gz: gzip data ended early; copy or download the file again`)
		}
		c.renamed("nsg-app.json.gz", func(s string) string { z := zipped(s); return z[:len(z)-1] })
		c.refused(`nsg-app.json.gz: gzip data ended early; copy or download the file again`)
	}},
	{11, "gzip with garbage, members", func(c *inputCase) {
		c.renamed("nsg-app.json.gz", func(s string) string { return zipped(s) + "garbage after the end" })
		c.refused(`nsg-app.json.gz: expected nothing but gzip data after the first member; pack the file again`)
		c.renamed("nsg-app.json.gz", func(s string) string { z := []byte(zipped(s)); z[len(z)-6] ^= 1; return string(z) })
		c.refused(`nsg-app.json.gz: damaged gzip data: gzip: invalid checksum; copy or download the file again`)
		c.renamed("nsg-app.json.gz", func(s string) string { return zipped(s[:100]) + zipped(s[100:500]) + zipped("") + zipped(s[500:]) })
		c.same()
		c.renamed("nsg-app.json", zipped)
		c.same()
	}},
	{12, "gzip bomb", func(c *inputCase) {
		c.export(nsgFile)
		member := zipped(strings.Repeat(" ", 16<<20))
		c.write("bomb.json.gz", zipped("[")+strings.Repeat(member, 65)) // 1 GiB and 16 MiB
		c.isRefusal(c.process(asking(here(nil))...), `bomb.json.gz: JSON element of more than 63 MiB is not read; split the export, for example by resource group`)
		c.refused(`bomb.json.gz: unpacked file of more than 1 MiB is not read; split the export, for example by resource group`, ".", "--max-unpacked-size", "1MiB")
		c.write("bomb.json.gz", strings.Repeat(member, 65))
		c.refused(`bomb.json.gz:1:1: begins with more than 64 KiB of blanks; export it again`)
	}},
	{13, "file above the cap", func(c *inputCase) {
		c.export(nsgFile)
		if err := os.Truncate(nsgFile, 256<<20+1); err != nil {
			c.Fatal(err)
		}
		c.promptly(func() {
			c.refused(`nsg-app.json: file of more than 256 MiB is not read; split the export, for example by resource group`)
		})
		c.export(nsgFile)
		size := len(c.read(nsgFile))
		c.refused(`nics.json: file of more than 2663 bytes is not read; split the export, for example by resource group`, ".", "--max-file-size", fmt.Sprint(size-1))
		stdin, err := os.Open(nsgFile)
		if err != nil {
			c.Fatal(err)
		}
		defer stdin.Close()
		c.isRefusal(c.netpathReading(stdin, asking([]string{"-"}, "--max-file-size", "1KiB")...), `-: file of more than 1 KiB is not read; split the export, for example by resource group`)
		c.expect(nil, nil, ".", "--max-file-size", fmt.Sprint(max(size, len(c.read("nics.json")))))
	}},
	{14, "a gigabyte of tiny objects", func(c *inputCase) {
		// The default cap, ten times as many, takes some seconds.
		const most = 100_000
		for _, tiny := range []string{
			`{"type":"a/b"},`, `{"type":"Microsoft.Network/applicationSecurityGroups","name":"a"},`, `{"id":"` + armID + `networkInterfaces/n"},`,
		} {
			c.export(nsgFile)
			member := zipped(strings.Repeat(tiny, 1<<18))
			c.write("many.json.gz", zipped("[")+strings.Repeat(member, 1<<30/len(tiny)>>18))
			c.isRefusal(c.process(asking(here(nil), "--max-elements", fmt.Sprint(most))...),
				fmt.Sprintf("many.json.gz:1:%d (/100000): expected at most 100000 elements in one file; split the export", most*len(tiny)+2))
		}
	}},
	{15, "a path out of a bundle", func(c *inputCase) {
		c.export(nsgFile)
		c.write("bundle.zip.json", c.zipOf("../../nsg-app.json", "/etc/passwd"))
		c.refused(`bundle.zip.json:1:1: expected JSON, YAML or XML, not a zip archive, found "PK\x03\x04\x14\x00\b\x00\b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00…; unpack it first`)
		if _, err := os.Stat("../../nsg-app.json"); err == nil {
			c.Error("the archive was unpacked")
		}
	}},
	{16, "a symbolic link out of the folder", func(c *inputCase) {
		c.export(nsgFile)
		outside := filepath.Join(c.TempDir(), "outside.json")
		if err := os.Rename(nsgFile, outside); err != nil {
			c.Fatal(err)
		}
		c.link(outside, nsgFile)
		c.refused(`nsg-app.json: is a symbolic link that leads out of the directory that was given; name the file itself on the command line`)
		if err := os.Remove(nsgFile); err != nil {
			c.Fatal(err)
		}
		c.same(".", outside) // named itself it is read
	}},
	{17, "a loop of symbolic links", func(c *inputCase) {
		c.export(nsgFile)
		c.link("b.json", "a.json")
		c.link("a.json", "b.json")
		c.refused(`a.json: cannot be read: too many levels of symbolic links; remove it, or make it readable`)
		c.refused(`a.json: cannot be read: too many levels of symbolic links`, "a.json")
		c.export(nsgFile)
		c.link(".", "again")
		c.refused(`again: is a symbolic link back to a directory above it: a loop; remove the link`)
	}},
	{18, "the same member twice in an archive", func(c *inputCase) {
		c.export(nsgFile)
		c.write("bundle.json", c.zipOf("nsg.json", "nsg.json"))
		c.refused(`bundle.json:1:1: expected JSON, YAML or XML, not a zip archive, found "PK\x03\x04\x14\x00\b\x00\b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00…; unpack it first`)
	}},
	{19, "a directory where a file is asked", func(c *inputCase) {
		c.export(nsgFile)
		if err := os.Mkdir("tags", 0o755); err != nil {
			c.Fatal(err)
		}
		c.usage(`tags: a file is expected here, not a directory`, asking(here(nil), "--service-tags", "tags")...)
		c.usage(`tags: a file is expected here, not a directory`, asking(here(nil), "--datacenter-ranges", "tags")...)
		c.usage(`--flows: tags is a directory`, "trace", ".", "--flows", "tags")
		// As an input it is read whole; what is skipped is listed.
		c.write(filepath.Join("tags", "other.json"), `{"hello": "world"}`)
		c.warned(`1 file of no known kind is skipped: tags/other.json; netpath reads exports of az, Az PowerShell, the REST API and Resource Graph, service tag files, datacenter ranges and its own design files`)
	}},
	{20, "a file that is not there", func(c *inputCase) {
		c.export(nsgFile)
		c.usage(`nsg.jsn: there is no such file or directory`, asking([]string{".", "nsg.jsn"})...)
		c.usage(`none.json: there is no such file or directory`, asking(here(nil), "--service-tags", "none.json")...)
		c.usage(`--flows: open none.csv: no such file or directory`, "trace", ".", "--flows", "none.csv")
		c.link("nowhere.json", "link.json")
		c.refused(`link.json: is a symbolic link to a file that does not exist; remove the link`, "link.json")
	}},
	{21, "permission denied", func(c *inputCase) {
		c.export(nsgFile)
		dir, err := os.Getwd()
		if err != nil {
			c.Fatal(err)
		}
		for path, mode := range map[string]os.FileMode{nsgFile: 0, filepath.Dir(dir): 0o755} {
			if err := os.Chmod(path, mode); err != nil {
				c.Fatal(err)
			}
		}
		c.isRefusal(c.processWith(func(cmd *exec.Cmd) {
			if os.Geteuid() == 0 { // may read everything
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
			}
		}, asking(here(nil))...), `nsg-app.json: cannot be read: permission denied`)
	}},
	{22, "FIFO, socket, device", func(c *inputCase) {
		c.promptly(func() {
			c.export(nsgFile)
			if err := syscall.Mkfifo("pipe.json", 0o644); err != nil {
				c.Fatal(err)
			}
			c.refused(`pipe.json: is not a regular file (p---------); only - may stream; write the data to a file first`)
			c.refused(`pipe.json: is not a regular file (p---------); only - may stream; write the data to a file first`, "pipe.json")
			c.export(nsgFile)
			l, err := net.Listen("unix", "socket.json")
			if err != nil {
				c.Fatal(err)
			}
			defer l.Close()
			c.refused(`socket.json: is not a regular file (S---------); only - may stream; write the data to a file first`)
			c.refused(`/dev/zero: is not a regular file (Dc---------); only - may stream; write the data to a file first`, "/dev/zero")
			c.refused(`socket.json: is not a regular file (S---------); only - may stream; write the data to a file first`, ".", "--service-tags", "/dev/zero")
		})
	}},
	{23, "standard input that is empty or a terminal", func(c *inputCase) {
		c.export(nsgFile)
		c.promptly(func() {
			c.refused(`-: expected data on stdin, found a terminal or an empty device; pipe an export in, or name a file`, "-") // /dev/null
			c.write("empty", "")
			empty, err := os.Open("empty")
			if err != nil {
				c.Fatal(err)
			}
			defer empty.Close()
			c.isRefusal(c.netpathReading(empty, asking([]string{"-"})...), `-:1:1: is empty; export it again; an az command that finds nothing prints []`)
			c.isRefusal(c.netpathReading(empty, "trace", ".", "--flows", "-"), `-:1: the file is empty; expected a CSV header or JSON objects, one a line`)
			terminal, err := os.Open("/dev/ptmx")
			if err != nil {
				c.Fatal(err)
			}
			defer terminal.Close()
			c.asked++
			c.isRefusal(c.netpathReading(terminal, asking([]string{"-"})...), `-: standard input is a terminal; pipe a document into it or name a file`)
			c.isRefusal(c.netpathReading(terminal, "trace", ".", "--flows", "-"), `-: standard input is a terminal; pipe a document into it or name a file`)
		})
		// What stands there is read: the case shows more than an unread stream.
		f, err := os.Open(nsgFile)
		if err != nil {
			c.Fatal(err)
		}
		defer f.Close()
		if r := c.netpathReading(f, "ip-flow", "-", "--nsg", "nsg-app", "--direction", "Inbound", "--local", "10.0.1.4:443", "--remote", "10.0.2.4"); r.code != exitOK {
			c.Errorf("exit %d, %s", r.code, r.stderr)
		}
	}},
	{24, "the same file twice", func(c *inputCase) {
		c.export(nsgFile)
		c.expect(nil, []string{`./nsg-app.json: the same file as nsg-app.json: it is read once`}, ".", "./"+nsgFile)
		c.link(nsgFile, "again.json")
		c.warned(`nsg-app.json: the same file as again.json: it is read once`)
		c.export(nsgFile)
		if err := os.Link(nsgFile, "hard.json"); err != nil {
			c.Fatal(err)
		}
		c.warned(`nsg-app.json: the same file as hard.json: it is read once`)
	}},
	{25, "a file that changes while it is read", func(c *inputCase) {
		c.export(nsgFile)
		c.isRefusal(c.processWith(func(cmd *exec.Cmd) {
			// With one processor the files are read one after the other. Once the
			// first one, on stdin, is being read, the second one has been looked
			// at but not read.
			stdin, err := cmd.StdinPipe()
			if err != nil {
				c.Fatal(err)
			}
			go func() {
				defer stdin.Close()
				stdin.Write([]byte("[" + strings.Repeat(" ", 256<<10) + "]"))
				f, err := os.OpenFile(filepath.Join(cmd.Dir, nsgFile), os.O_APPEND|os.O_WRONLY, 0)
				if err == nil {
					f.WriteString("\n")
					f.Close()
				}
			}()
		}, asking([]string{"-", "."})...), `nsg-app.json: changed while it was read; run again when the export is complete`)
	}},
	{26, "a sign-in page saved as .json", func(c *inputCase) {
		c.recoded(func(string) string {
			return "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in to your account</title>"
		})
		c.refused(`nsg-app.json:1:1: expected an export, not a web page, found "<!DOCTYPE html>"; a sign-in page was saved: sign in and download the file again`)
		c.recoded(func(string) string { return "\n<html><body>Sign in</body></html>" })
		c.refused(`nsg-app.json:2:1: expected an export, not a web page, found "<html><body>Sign in</body></html>"; a sign-in page was saved: sign in and download the file again`)
	}},
	{27, "messages of the command line mixed in", func(c *inputCase) {
		const warning = "WARNING: The behavior of this command has been altered by the following extension: network\n"
		c.recoded(func(s string) string { return warning + s })
		c.refused(`nsg-app.json:1:1: expected an export alone, without messages of the command line, found "WARNING: The behavior of this command has been altered by the following extens…; redirect only the output (> file), not the messages (2>&1)`)
		c.recoded(func(s string) string { return s + warning })
		c.refused(`nsg-app.json:72:1: expected an export alone, without messages of the command line, found "WARNING: The behavior of this command has been altered by the following extens…; redirect only the output (> file), not the messages (2>&1)`)
		c.recoded(func(s string) string { return s[:2] + warning + s[2:] })
		c.refused(`nsg-app.json:2:1: expected an export alone, without messages of the command line, found "WARNING: The behavior of this command has been altered by the following extens…; redirect only the output (> file), not the messages (2>&1)`)
		c.recoded(func(s string) string { return "Please run 'az login'\n" })
		c.refused(`nsg-app.json:1:1: expected an export alone, without messages of the command line, found "Please run 'az login'"; redirect only the output (> file), not the messages (2>&1)`)
	}},
	{28, "terminal colours", func(c *inputCase) {
		c.recoded(func(s string) string { return "\x1b[39m" + s })
		c.refused(`nsg-app.json:1:1: expected an export without terminal colours, found "\x1b[39m{"; export with -o json, not -o jsonc`)
		c.recoded(func(s string) string { return strings.ReplaceAll(s, `"name"`, "\x1b[94m\"name\"\x1b[39m") })
		c.refused(`nsg-app.json:2:3: expected an export without terminal colours, found "\x1b[94m\"name\"\x1b[39m: \"nsg-app\","; export with -o json, not -o jsonc`)
	}},
	{29, "a list that says that it goes on", func(c *inputCase) {
		for _, link := range []string{"nextLink", "@odata.nextLink", "$skipToken", "skipToken", "skip_token"} {
			c.export("nics.json")
			nics := strings.TrimSpace(c.read("nics.json"))
			c.write("nics.json", `{"value": `+nics+`, "`+link+`": "https://management.azure.com/next"}`)
			c.expect([]string{"void Unknown LIST_CUT"}, []string{
				"nics.json:127: the list is cut (" + link + "): other resources of the type Microsoft.Network/networkInterfaces exist; export all pages"})
			c.write("nics.json", `{"value": `+nics+`, "`+link+`": null}`)
			c.same()
		}
	}},
	{30, "Resource Graph says that the result is cut", func(c *inputCase) {
		c.export("nics.json")
		nics := strings.TrimSpace(c.read("nics.json"))
		for _, cut := range []string{`"true"`, `true`, `1`} {
			c.write("nics.json", `{"count": 5, "data": `+nics+`, "resultTruncated": `+cut+`, "totalRecords": 9}`)
			c.expect([]string{"void Unknown LIST_CUT"}, []string{`nics.json:127: the list is cut (resultTruncated): other resources of the type Microsoft.Network/networkInterfaces exist; export all pages`})
		}
		for _, cut := range []string{`"false"`, `false`, `null`} {
			c.write("nics.json", `{"count": 5, "data": `+nics+`, "resultTruncated": `+cut+`, "totalRecords": 5}`)
			c.same()
		}
	}},
	{31, "a name that promises another format", func(c *inputCase) {
		c.renamed("nsg-app.xml", func(s string) string { return s })
		c.warned(`nsg-app.xml: the name ends in .xml, but the content is JSON: the content counts`)
		c.renamed("nsg-app.yaml", func(s string) string { return s }) // JSON is YAML too
		c.same()
		c.design()
		if err := os.Rename("design.yaml", "design.json"); err != nil {
			c.Fatal(err)
		}
		c.warned(`design.json: the name ends in .json, but the content is YAML: the content counts`)
		c.renamed("nsg-app.json", func(string) string { return "see the attached file\n" })
		c.refused(`nsg-app.json:1:1: expected JSON, YAML or XML with an object or a list at the top, found "see the attached file"`)
		c.renamed("nsg-app.json", func(string) string { return "\x7fELF\x02\x01\x01\x00" })
		c.refused(`nsg-app.json:1:1: expected JSON, YAML or XML, not binary data, found "\x7fELF\x02\x01\x01\x00"`)
	}},
	{32, "one resource with two contents", func(c *inputCase) {
		c.export(nsgFile)
		text := c.read(nsgFile)
		c.write("other.json", strings.Replace(text, `"access": "Allow"`, `"access": "Deny"`, 1))
		c.refused(`other.json:9:7 (/properties/securityRules/0): expected access of allow-web to be the same as at nsg-app.json:9 (/properties/securityRules/0); keep one of the two, or export both again at the same time`)
		c.write("other.json", strings.Replace(text, `"priority": 200`, `"priority": 210`, 1))
		c.refused(`other.json:9:7 (/properties/securityRules/0): expected priority of allow-web to be the same as at nsg-app.json:9 (/properties/securityRules/0); keep one of the two, or export both again at the same time`)
		c.write("other.json", strings.Replace(strings.Replace(text, `"allow-web"`, `"allow-others"`, 1), "/allow-web", "/allow-others", 1))
		c.refused(`other.json:9:7 (/properties/securityRules/0): expected securityRules (allow-others is not there) of nsg-app to be the same as at nsg-app.json:1; keep one of the two, or export both again at the same time`)
		// What only one of them says is no conflict.
		c.write("other.json", strings.Replace(text, `"location"`, `"etag": "W/\"1\"", "location"`, 1))
		c.same()
		c.write("other.json", `{"id": "`+armID+`networkSecurityGroups/nsg-app", "name": "nsg-app"}`)
		c.expect(nil, []string{`other.json:1: "nsg-app" comes without its rules; export the group itself`})
	}},
}

// zipOf is a zip archive with empty members of these names.
func (c *inputCase) zipOf(names ...string) string {
	c.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			c.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.Fatal(err)
	}
	return b.String()
}

// link makes a symbolic link.
func (c *inputCase) link(target, name string) {
	c.Helper()
	if err := os.Symlink(target, name); err != nil {
		c.Fatal(err)
	}
}

func TestWideTextIsWhatItSays(t *testing.T) {
	if got := wide("aé", 2, true); got != "\x00a\x00\xe9" || wide("a", 4, false) != "a\x00\x00\x00" || utf8.ValidString(wide("é", 2, false)) {
		t.Errorf("%q", got)
	}
}
