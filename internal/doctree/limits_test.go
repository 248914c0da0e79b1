package doctree

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// repeated is text over and over, without end.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

func refusal(t *testing.T, r io.Reader, lim Limits) string {
	t.Helper()
	_, err := Stream("f", r, lim, func(*Envelope, *Node) error { return nil })
	if err == nil {
		t.Fatal("accepted")
	}
	return err.Error()
}

func TestAFileAboveTheCapIsRefused(t *testing.T) {
	const want = "f: file of more than 1 KiB is not read; split the export, for example by resource group"
	lim := Limits{FileBytes: 1 << 10}
	for _, start := range []string{"[", "a:\n", "<a>"} {
		elements := map[string]string{"[": "{},", "a:\n": "- b\n", "<a>": "<b/>"}[start]
		if got := refusal(t, io.MultiReader(strings.NewReader(start), &repeated{text: elements}), lim); got != want {
			t.Errorf("%q: %s", start, got)
		}
	}
	exact := "[" + strings.Repeat("1,", 510) + "10]"
	if len(exact) != 1<<10 {
		t.Fatal(len(exact))
	}
	if _, err := Read("f", strings.NewReader(exact), lim); err != nil {
		t.Errorf("a file of exactly the cap: %v", err)
	}
	if got := refusal(t, strings.NewReader(exact+"\n"), lim); got != want {
		t.Error(got)
	}
}

func TestARegularFileAboveTheCapIsNotReadAtAll(t *testing.T) {
	name := filepath.Join(t.TempDir(), "big.json")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 300<<20); err != nil {
		t.Skip("no sparse files here")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := refusal(t, f, Limits{}); got != "f: file of more than 256 MiB is not read; split the export, for example by resource group" {
		t.Error(got)
	}
	if off, _ := f.Seek(0, io.SeekCurrent); off != 0 {
		t.Errorf("%d bytes were read", off)
	}
}

func TestAGzipBombIsRefusedAtTheCap(t *testing.T) {
	for _, tt := range []struct{ name, head, body string }{
		{"elements", "[", "{},"},
		{"blanks", "[", "        "},
		{"one text", `["`, "aaaaaaaa"},
		{"YAML", "", "- a\n"},
		{"XML", "<a>", "<b/>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := io.CopyN(w, io.MultiReader(strings.NewReader(tt.head), &repeated{text: tt.body}), 3<<20); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if packed.Len() > 20<<10 {
				t.Fatalf("no bomb: %d bytes", packed.Len())
			}
			const want = "f: unpacked file of more than 2 MiB is not read; split the export, for example by resource group"
			if got := refusal(t, &packed, Limits{UnpackedBytes: 2 << 20, Elements: 1 << 20}); got != want {
				t.Error(got)
			}
		})
	}
}

func TestManyTinyElementsNeedLittleMemory(t *testing.T) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, most := 0, uint64(0)
	r := io.MultiReader(strings.NewReader("["), &repeated{text: "{\"a\":1},"})
	_, err := Stream("f", r, Limits{FileBytes: 6 << 20, Elements: 1 << 20}, func(*Envelope, *Node) error {
		if n++; n%200_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "more than 6 MiB") {
		t.Fatal(err)
	}
	if n < 700_000 {
		t.Errorf("only %d elements", n)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestAnElementHasAtMostSoManyValues(t *testing.T) {
	lim := Limits{Nodes: 10}
	for _, tt := range []struct{ input, want string }{
		{"[[1,2,3,4,5,6,7,8,9,10]]", "f:1:21 (/0/9): expected at most 10 values in one element; split the export"},
		{"a: [1,2,3,4,5,6,7,8,9]\n", "f:1:21 (/a/8): expected at most 10 values in one file; split the file"},
		{"<a><b/><b/><b/><b/><b/><b/><b/><b/><b/></a>", "f:1:36 (/a): expected at most 10 values in one file; split the file"},
	} {
		if got := refusal(t, strings.NewReader(tt.input), lim); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.input, got, tt.want)
		}
	}
	// Elements are counted one by one.
	_, err := Stream("f", strings.NewReader("["+strings.Repeat("[1,2,3,4,5,6,7,8,9],", 99)+"1]"), lim, func(*Envelope, *Node) error { return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestAListHasAtMostSoManyElements(t *testing.T) {
	const want = "f:1:16 (/value/2): expected at most 2 elements in one file; split the export"
	if got := refusal(t, strings.NewReader(`{"value":[1,22,333,4]}`), Limits{Elements: 2}); got != want {
		t.Error(got)
	}
	n := 0
	_, err := Stream("f", strings.NewReader(`[1,2]`), Limits{Elements: 2}, func(*Envelope, *Node) error { n++; return nil })
	if err != nil || n != 2 {
		t.Errorf("%d elements of exactly the cap: %v", n, err)
	}
}

func TestOneElementIsHeldOnlyUpToItsCap(t *testing.T) {
	s, err := Open("f", io.MultiReader(strings.NewReader("[[1,2],["), &repeated{text: "1,"}), Limits{FileBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	j := s.newJSON()
	s.text.limitBytes = 1 << 20
	n := 0
	err = j.list(&Envelope{}, "", func(*Envelope, *Raw) error {
		n++
		return nil
	})
	const want = "f: JSON element of more than 63 MiB is not read; split the export, for example by resource group"
	if n != 1 || err == nil || err.Error() != want {
		t.Errorf("%d elements, %v", n, err)
	}
	if s.text.offset() > 2<<20 {
		t.Errorf("%d bytes were read", s.text.offset())
	}
}

func TestAnObjectWithManyKeysIsReadInReasonableTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := range 300_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k`)
		b.WriteString(strings.ToLower(string(rune('a' + i%26))))
		for k := i; k > 0; k /= 10 {
			b.WriteByte(byte('0' + k%10))
		}
		b.WriteString(`":1`)
	}
	text := b.String()
	d, err := Read("f", strings.NewReader(text+"}"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Roots[0].Members); n != 300_000 {
		t.Errorf("%d members", n)
	}
	if got := refusal(t, strings.NewReader(text+`,"KA":2}`), Limits{}); !strings.Contains(got, `found "KA"`) {
		t.Error(got)
	}
}
