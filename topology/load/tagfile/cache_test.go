package tagfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

const weekly = `{
  "changeNumber": 7,
  "cloud": "Public",
  "values": [
    {
      "name": "Sql",
      "id": "Sql",
      "properties": {
        "changeNumber": 1,
        "region": "",
        "regionId": 0,
        "platform": "Azure",
        "systemService": "AzureSQL",
        "addressPrefixes": [
          "40.72.175.176/30",
          "2404:7940:1:1::5e4/126"
        ],
        "networkFeatures": ["API", "NSG"]
      }
    },
    {
      "name": "Storage.WestEurope",
      "id": "Storage.WestEurope",
      "properties": {
        "changeNumber": 2,
        "region": "europewest",
        "systemService": "AzureStorage",
        "addressPrefixes": [],
        "networkFeatures": []
      }
    },
    {"name": "C", "properties": {"systemService": "", "addressPrefixes": ["0.0.0.0/0", "::/0"], "networkFeatures": null}}
  ]
}
`

// usually reads a text with a cache and fails where it is not a usual one.
func usually(t testing.TB, text string, cache Cache) (*topology.ServiceTagCatalogue, *property.Ledger, []string) {
	t.Helper()
	f, ledger := &source.File{Name: "dir/tags_20251028.json"}, &property.Ledger{}
	c, ok := ReadUsual(f, ledger, strings.NewReader(text), int64(len(text)), cache)
	if !ok {
		t.Fatal("not read as usual")
	}
	var notes []string
	for _, d := range f.Diagnostics {
		if d.Severity != source.Note {
			t.Errorf("%+v", d)
		}
		notes = append(notes, d.Message)
	}
	return c, ledger, notes
}

// cached fills a cache and returns the one file that is in it then.
func cached(t testing.TB, text string) (Cache, string) {
	t.Helper()
	cache := Cache{filepath.Join(t.TempDir(), "a", "b")}
	usually(t, text, cache)
	files, err := filepath.Glob(filepath.Join(cache.Folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	return cache, files[0]
}

func TestACachedIndexGivesTheSameCatalogueAsTheFile(t *testing.T) {
	for _, name := range []string{"small", "ServiceTags_Public_20251028.json", "ServiceTags_Public_20190722.json", "ServiceTags_AzureGermany_20220307.json",
		"ServiceTags_AzureGovernment_20260720.json", "ServiceTags_China_20260720.json"} {
		t.Run(name, func(t *testing.T) {
			text := weekly
			if name != "small" {
				data, err := os.ReadFile(shared(t, "service-tags", name))
				if err != nil {
					t.Fatal(err)
				}
				text = string(data)
			}
			want, counts, _ := usually(t, text, Cache{})
			cache, file := cached(t, text)
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, ledger, notes := usually(t, text, cache)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatal(diff)
				}
				if diff := cmp.Diff(counts, ledger); diff != "" || len(notes) > 0 {
					t.Errorf("%s %q", diff, notes)
				}
			}
			if again, err := os.Stat(file); err != nil || !os.SameFile(info, again) {
				t.Errorf("the index was not used but made again: %v", err)
			}
			folder, err := os.Stat(cache.Folder)
			if err != nil || info.Mode().Perm() != 0o600 || folder.Mode().Perm() != 0o700 {
				t.Errorf("others can see %v %v %v", info.Mode(), folder.Mode(), err)
			}
			if b, err := os.ReadFile(file); err != nil || bytes.Contains(b, []byte("tags_20251028")) {
				t.Errorf("the index knows where the tag file was: %v", err)
			}
		})
	}
}

func TestADamagedIndexIsMadeAgainAndNeverUsed(t *testing.T) {
	want, _, _ := usually(t, weekly, Cache{})
	cache, file := cached(t, weekly)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, bad []byte) {
		t.Helper()
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, notes := usually(t, weekly, cache)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", name, diff)
		}
		if len(notes) != 1 || !strings.HasPrefix(notes[0], "the index of this file in the cache is not used: ") {
			t.Errorf("%s: %q", name, notes)
		}
		if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, good) {
			t.Fatalf("%s: the index was not made again: %v", name, err)
		}
	}
	for i := range good {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			check(fmt.Sprintf("byte %d", i), bad)
		}
	}
	for n := range good {
		check(fmt.Sprintf("cut to %d bytes", n), good[:n])
	}
	check("longer", append(bytes.Clone(good), 0))
	// An index of other content, sound in itself, under this file's name.
	other := &index{head: string(good[headerBytes:]), tags: "", prefixes: ""}
	for key, size := range map[[16]byte]int64{{}: int64(len(weekly)), [16]byte(good[8:24]): 1} {
		check("other content", other.pack(key, size))
	}
	check("a checksum of what is no index", other.pack([16]byte(good[8:24]), int64(len(weekly))))
}

func TestAnIndexOfAnotherVersionIsMadeAgain(t *testing.T) {
	cache, file := cached(t, weekly)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(format)-1]++
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "the index of this file in the cache is not used: it is of another version of netpath"
	if _, _, notes := usually(t, weekly, cache); len(notes) != 1 || notes[0] != want {
		t.Errorf("%q", notes)
	}
	if _, _, notes := usually(t, weekly, cache); len(notes) > 0 {
		t.Errorf("%q", notes)
	}
}

func TestAFileWithOtherContentHasAnIndexOfItsOwn(t *testing.T) {
	cache, _ := cached(t, weekly)
	changed := strings.Replace(weekly, "40.72.175.176/30", "40.72.175.172/30", 1)
	for range 2 {
		c, _, notes := usually(t, changed, cache)
		if c.Tags[0].Prefixes != l("40.72.175.172/30", "2404:7940:1:1::5e4/126") || len(notes) > 0 {
			t.Errorf("%v %q", c.Tags[0].Prefixes.Slice(), notes)
		}
	}
	c, _, _ := usually(t, weekly, cache)
	if c.Tags[0].Prefixes != l("40.72.175.176/30", "2404:7940:1:1::5e4/126") {
		t.Errorf("%v", c.Tags[0].Prefixes.Slice())
	}
}

func TestAFolderThatCannotBeUsedIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want, _, _ := usually(t, weekly, Cache{})
	for _, folder := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "file", "below")} {
		got, _, notes := usually(t, weekly, Cache{folder})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if len(notes) != 1 || !strings.HasPrefix(notes[0], "the index of this file is not kept: ") || strings.Contains(notes[0], dir) {
			t.Errorf("%q", notes)
		}
	}
	cache, file := cached(t, weekly)
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	if got, _, notes := usually(t, weekly, cache); len(got.Tags) != 3 || len(notes) != 2 {
		t.Errorf("%d tags, %q", len(got.Tags), notes)
	}
}

func TestAnIndexIsReadFromNoSymbolicLink(t *testing.T) {
	cache, file := cached(t, weekly)
	elsewhere := filepath.Join(t.TempDir(), "x")
	if err := errors.Join(os.Rename(file, elsewhere), os.Symlink(elsewhere, file)); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if _, _, notes := usually(t, weekly, cache); len(notes) != 1 {
		t.Errorf("%q", notes)
	}
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v %v", info, err)
	}
}

func TestManyReadersMayFillTheCacheAtOnce(t *testing.T) {
	cache := Cache{filepath.Join(t.TempDir(), "cache")}
	want, _, _ := usually(t, weekly, Cache{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			f, ledger := &source.File{Name: "dir/tags_20251028.json"}, &property.Ledger{}
			for range 20 {
				got, ok := ReadUsual(f, ledger, strings.NewReader(weekly), int64(len(weekly)), cache)
				if diff := cmp.Diff(want, got); !ok || diff != "" || len(f.Diagnostics) > 0 {
					t.Errorf("%t %s %v", ok, diff, f.Diagnostics)
					return
				}
			}
		})
	}
	wg.Wait()
	if files, err := os.ReadDir(cache.Folder); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}

func TestTheCacheKeepsTheNewestIndexes(t *testing.T) {
	cache, first := cached(t, weekly)
	foreign := filepath.Join(cache.Folder, "notes.txt")
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := errors.Join(os.WriteFile(foreign, nil, 0o600), os.Chtimes(foreign, old, old), os.Chtimes(first, old, old)); err != nil {
		t.Fatal(err)
	}
	for i := range kept {
		usually(t, strings.Replace(weekly, `"changeNumber": 7`, fmt.Sprintf(`"changeNumber": %d`, 100+i), 1), cache)
	}
	if _, err := os.Stat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is no index was removed: %v", err)
	}
	if files, err := filepath.Glob(filepath.Join(cache.Folder, "*"+suffix)); err != nil || len(files) != kept {
		t.Errorf("%d files, %v", len(files), err)
	}
}

func TestTheScannerReadsInPiecesOfAnySize(t *testing.T) {
	text := `{"changeNumber":1,"cloud":"Public","values":[`
	for i := range 3000 {
		text += fmt.Sprintf("\r\n\r  {\"name\":\"T%d\",\"properties\":{\"systemService\":\"S%d\",\"addressPrefixes\":[\"10.%d.%d.0/24\" , \"2001:db8:%x::/48\"]}},", i, i%7, i/256, i%256, i)
	}
	text = strings.TrimSuffix(text, ",") + "]}"
	want, ok := scan(strings.NewReader(text), int64(len(text)))
	one, ok1 := scan(iotest.OneByteReader(strings.NewReader(text)), int64(len(text)))
	half, ok2 := scan(iotest.HalfReader(iotest.DataErrReader(strings.NewReader(text))), int64(len(text)))
	if !ok || !ok1 || !ok2 || *one != *want || *half != *want {
		t.Errorf("%t %t %t", ok, ok1, ok2)
	}
	fast, _, _, err1 := read("f", []byte(text), false)
	slow, _, _, err2 := read("f", []byte(text), true)
	if diff := cmp.Diff(slow, fast, prefixes); diff != "" || err1 != nil || err2 != nil {
		t.Error(diff, err1, err2)
	}
	if _, ok := scan(iotest.TimeoutReader(strings.NewReader(text)), int64(len(text))); ok {
		t.Error("a text whose end could not be read was taken as read")
	}
}

func TestAnythingUnusualIsLeftToTheStrictReader(t *testing.T) {
	for name, change := range map[string][2]string{
		"another key":              {`"id": "Sql"`, `"ID": "Sql"`},
		"a key twice":              {`"id": "Sql"`, `"name": "Sql"`},
		"an escape":                {`"Sql"`, `"\u0053ql"`},
		"no ASCII":                 {`"AzureSQL"`, `"Azurë"`},
		"a control character":      {`"AzureSQL"`, "\"Azure\tSQL\""},
		"host bits":                {`40.72.175.176/30`, `40.72.175.177/30`},
		"a malformed prefix":       {`40.72.175.176/30`, `40.72.175.176/33`},
		"an address":               {`40.72.175.176/30`, `40.72.175.176`},
		"a name twice":             {`"Storage.WestEurope",`, `"sql",`},
		"a comma too many":         {`"API", "NSG"]`, `"API", "NSG",]`},
		"a comma too few":          {`"API", "NSG"]`, `"API" "NSG"]`},
		"a comma after an element": {"}}\n  ]", "}},\n  ]"},
		"text after the end":       {"]\n}\n", "]\n} x"},
		"a byte order mark":        {`{`, "\ufeff{"},
		"a leading zero":           {`"changeNumber": 7`, `"changeNumber": 07`},
		"a fraction":               {`"changeNumber": 7`, `"changeNumber": 7.0`},
		"a huge number":            {`"changeNumber": 7`, `"changeNumber": 7000000000`},
		"null for a list":          {`"addressPrefixes": []`, `"addressPrefixes": null`},
		"text for a list":          {`"addressPrefixes": []`, `"addressPrefixes": ""`},
		"no service":               {`"systemService": "AzureSQL",`, ``},
		"a blank name":             {`"name": "C"`, `"name": " "`},
		"a page of several":        {`"cloud": "Public",`, `"cloud": "Public", "nextLink": "x",`},
		"no cloud":                 {`"cloud": "Public",`, ``},
		"cut off":                  {"  ]\n}\n", ""},
		"a vertical tab":           {`{`, "\v{"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(weekly, change[0], change[1], 1)
			if text == weekly {
				t.Fatal("nothing was changed")
			}
			if _, ok := scan(strings.NewReader(text), int64(len(text))); ok {
				t.Error("it was read as usual")
			}
			f := &source.File{Name: "f"}
			cache := Cache{filepath.Join(t.TempDir(), "cache")}
			if _, ok := ReadUsual(f, &property.Ledger{}, strings.NewReader(text), int64(len(text)), cache); ok || len(f.Diagnostics) > 0 {
				t.Errorf("%t %v", ok, f.Diagnostics)
			}
			if _, err := os.Stat(cache.Folder); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an index was kept: %v", err)
			}
		})
	}
}

func TestAFingerprintDependsOnEveryBitAndOnNothingElse(t *testing.T) {
	of := func(text []byte, piece int) [16]byte {
		var h fingerprint
		for len(text) > piece {
			h.Write(text[:piece])
			text = text[piece:]
		}
		h.WriteString(string(text))
		return h.Sum()
	}
	text := []byte(weekly)
	want := of(text, len(text))
	for piece := 1; piece < 70; piece++ {
		if of(text, piece) != want {
			t.Errorf("in pieces of %d bytes it is another", piece)
		}
	}
	seen := map[[16]byte]bool{want: true}
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			sum := of(text, len(text))
			if seen[sum] {
				t.Fatalf("bit %d of byte %d makes no difference", bit, i)
			}
			seen[sum] = true
			text[i] ^= 1 << bit
		}
	}
	for n := range text {
		if sum := of(text[:n], 64); seen[sum] {
			t.Fatalf("a text of %d bytes is as another", n)
		} else {
			seen[sum] = true
		}
	}
	if of(make([]byte, 16), 16) == of(make([]byte, 17), 16) {
		t.Error("zeros at the end make no difference")
	}
}

func FuzzACacheFileIsAnIndexOrRefused(f *testing.F) {
	x, ok := scan(strings.NewReader(weekly), int64(len(weekly)))
	if !ok {
		f.Fatal("not scanned")
	}
	f.Add(x.head, x.tags, x.prefixes)
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, head, tags, prefixes string) {
		x := &index{head, tags, prefixes}
		key := [16]byte{1, 2, 3}
		got, err := unpack(string(x.pack(key, 5)), key, 5)
		if err != nil || *got != *x {
			t.Fatalf("%v", err)
		}
		if _, err := unpack(head+tags+prefixes, key, 5); err == nil {
			t.Error("bytes without a header are an index")
		}
		c, ok := x.catalogue(&source.File{Name: "f"}, &property.Ledger{})
		if !ok {
			return
		}
		n := 0
		for _, tag := range c.Tags {
			n += len(tag.Prefixes)
			if !tag.Prefixes.Valid() {
				t.Errorf("%q", tag.Prefixes)
			}
		}
		if n != len(prefixes) {
			t.Errorf("%d bytes of prefixes, %d in the tags", len(prefixes), n)
		}
	})
}

func BenchmarkCachedIndex(b *testing.B) {
	data, err := os.ReadFile(shared(b, "service-tags", "ServiceTags_Public_20251028.json"))
	if err != nil {
		b.Fatal(err)
	}
	cache, _ := cached(b, string(data))
	b.ReportAllocs()
	for b.Loop() {
		f, ledger := &source.File{Name: "f"}, &property.Ledger{}
		if _, ok := ReadUsual(f, ledger, bytes.NewReader(data), int64(len(data)), cache); !ok {
			b.Fatal("not read")
		}
	}
}
