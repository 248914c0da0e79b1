package tagfile

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/servicetag"
)

// index is what a service tag file says, in a form that is read in a moment:
// numbers as uvarints, texts with their length before them. It is made from
// the file's text or comes from a [Cache]; the catalogue is made from the
// index in either case.
type index struct {
	head     string // of the file, then the tables of texts that repeat
	tags     string // each tag but for its prefixes
	prefixes string // the packed lists of all tags, one behind the other
}

// scan makes the index of a text. It succeeds only where the text is written
// exactly as Microsoft writes it, so that the strict reader would read the
// same without a word; any doubt is left to that reader.
func scan(r io.Reader, size int64) (*index, bool) {
	if size > largestText {
		return nil, false
	}
	x := &indexer{scanner: newScanner(r), names: map[string]bool{},
		regions: table{at: map[string]int{}}, texts: table{at: map[string]int{}}, features: table{at: map[string]int{}}}
	// A prefix takes seven bytes of eight; its line in the file takes forty.
	x.prefixes.Grow(int(size/7) + longestCIDR)
	x.tags.Grow(int(size/32) + longestCIDR)
	return x.index()
}

// indexer reads the text of a service tag file.
type indexer struct {
	*scanner
	tags, prefixes strings.Builder
	names          map[string]bool // folded
	regions, texts table
	features       table  // lists of numbers of texts
	count          int    // tags
	used, idle     int    // values that become part of the catalogue, and others
	record, list   []byte // of the tag that is read
	name           []byte
}

// table numbers texts in the order of their first appearance.
type table struct {
	list []string
	at   map[string]int
}

func (t *table) number(text []byte) int {
	if i, ok := t.at[string(text)]; ok {
		return i
	}
	i := len(t.list)
	t.list = append(t.list, string(text))
	t.at[t.list[i]] = i
	return i
}

func (x *indexer) index() (*index, bool) {
	const changeNumber, cloud, values = 1, 2, 4
	var number int
	var name string
	seen := x.members(func(key []byte) int {
		switch string(key) {
		case "changeNumber":
			number = x.number()
			x.used++
			return changeNumber
		case "cloud":
			name = string(x.text())
			x.used++
			return cloud
		case "values":
			x.each('[', ']', x.tag)
			return values
		}
		return 0
	})
	if !x.finish() || seen != changeNumber|cloud|values || x.count == 0 {
		return nil, false
	}
	h := binary.AppendUvarint(nil, uint64(number))
	h = appendText(h, name)
	h = appendNumbers(h, x.used, x.idle, x.count)
	for _, t := range []*table{&x.regions, &x.texts, &x.features} {
		h = appendNumbers(h, len(t.list))
		for _, s := range t.list {
			h = appendText(h, s)
		}
	}
	return &index{head: string(h), tags: x.tags.String(), prefixes: x.prefixes.String()}, true
}

func appendNumbers(b []byte, numbers ...int) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// tag reads a tag and writes its record.
func (x *indexer) tag() {
	const name, id, properties = 1, 2, 4
	x.next()
	line, column := x.place()
	x.record = x.record[:0]
	seen := x.members(func(key []byte) int {
		switch string(key) {
		case "name":
			x.name = append(x.name[:0], x.text()...)
			x.used++
			return name
		case "id":
			x.text()
			x.idle++
			return id
		case "properties":
			x.properties()
			return properties
		}
		return 0
	})
	x.ok = x.ok && seen&(name|properties) == name|properties && len(x.name) > 0 && x.name[0] > ' '
	folded := strings.ToLower(string(x.name))
	if x.ok = x.ok && !x.names[folded]; !x.ok {
		return
	}
	x.names[folded] = true
	x.count++
	x.list = appendText(x.list[:0], string(x.name))
	x.list = appendNumbers(x.list, line, column)
	x.tags.Write(x.list)
	x.tags.Write(x.record)
}

// properties reads a tag's bag into the record.
func (x *indexer) properties() {
	const (
		changeNumber = 1 << iota
		region
		regionID
		platform
		systemService
		addressPrefixes
		networkFeatures
		state
	)
	var number, id, service, place, features, length int
	seen := x.members(func(key []byte) int {
		switch string(key) {
		case "changeNumber":
			number = x.number()
			x.used++
			return changeNumber
		case "region":
			place = 1 + x.regions.number(x.text())
			x.used++
			return region
		case "regionId":
			id = x.number()
			x.used++
			return regionID
		case "platform":
			x.text()
			x.idle++
			return platform
		case "state":
			x.text()
			x.idle++
			return state
		case "systemService":
			service = x.texts.number(x.text())
			x.used++
			return systemService
		case "addressPrefixes":
			length = x.addressPrefixes()
			return addressPrefixes
		case "networkFeatures":
			features = x.networkFeatures()
			return networkFeatures
		}
		return 0
	})
	x.ok = x.ok && seen&(systemService|addressPrefixes) == systemService|addressPrefixes
	x.record = appendNumbers(x.record, place, id, service, number, features, length)
}

// addressPrefixes adds a list to the prefixes and returns its length in bytes.
func (x *indexer) addressPrefixes() int {
	count := 0
	list := x.list[:0]
	x.each('[', ']', func() {
		if !x.take('"') {
			return
		}
		text := x.window(longestCIDR)
		if len(text) < longestCIDR { // at the end of the file
			text = append(bytes.Clone(text), make([]byte, longestCIDR)...)
		}
		var n int
		if list, n, x.ok = appendPrefix(list, (*[longestCIDR]byte)(text)); x.ok {
			x.i += n + 1
			count++
		}
	})
	x.list = list
	x.prefixes.Write(list)
	x.used += max(1, count)
	return len(list)
}

// networkFeatures returns the number of the list, counted from 1; 0 for null.
func (x *indexer) networkFeatures() int {
	if x.null() {
		x.used++
		return 0
	}
	count := 0
	list := x.list[:0]
	x.each('[', ']', func() {
		list = appendNumbers(list, x.texts.number(x.text()))
		count++
	})
	x.list = list
	x.used += max(1, count)
	return 1 + x.features.number(list)
}

// catalogue makes the catalogue of a file from its index. It fails where the
// bytes are no index.
func (x *index) catalogue(f *source.File, ledger *property.Ledger) (*topology.ServiceTagCatalogue, bool) {
	h := decoder{b: x.head, ok: true}
	c := &topology.ServiceTagCatalogue{Origin: topology.Origin{File: f.Name}, Date: Date(f.Name), ChangeNumber: h.number(), Cloud: h.text()}
	used, idle, count := h.number(), h.number(), h.number()
	regions := h.texts()
	for i, name := range regions {
		regions[i], _ = servicetag.Location(name)
	}
	texts := h.texts()
	var features [][]string
	for _, list := range h.texts() {
		d := decoder{b: list, ok: true}
		names := []string{}
		for d.ok && d.b != "" {
			names = append(names, at(&d, texts, d.number()))
		}
		h.ok = h.ok && d.ok
		features = append(features, names)
	}
	// Nine numbers and a name are a tag: a count beyond what there is is none.
	if !h.ok || h.b != "" || count > len(x.tags)/9 {
		return nil, false
	}
	d := decoder{b: x.tags, ok: true}
	tags := make([]topology.ServiceTag, count)
	c.Tags = make([]*topology.ServiceTag, count)
	prefixes := x.prefixes
	pointers := newPointers("/values/", count)
	for i := range tags {
		t := &tags[i]
		c.Tags[i] = t
		t.Name = d.text()
		t.Origin = topology.Origin{File: f.Name, Line: d.number(), Column: d.number(), Pointer: pointers.next()}
		if n := d.number(); n > 0 {
			t.Region = at(&d, regions, n-1)
		}
		t.RegionID = d.number()
		t.SystemService = at(&d, texts, d.number())
		t.ChangeNumber = d.number()
		if n := d.number(); n > 0 {
			t.NetworkFeatures = at(&d, features, n-1)
		}
		n := d.number()
		if !d.ok || n > len(prefixes) || !topology.PrefixList(prefixes[:n]).Valid() {
			return nil, false
		}
		t.Prefixes, prefixes = topology.PrefixList(prefixes[:n]), prefixes[n:]
	}
	if d.b != "" || prefixes != "" {
		return nil, false
	}
	ledger.AddUsed(used)
	ledger.Leaves += idle
	ledger.Irrelevant += idle
	return c, true
}

// decoder reads numbers and texts. After anything that is none ok is false.
type decoder struct {
	b  string
	ok bool
}

func (d *decoder) number() int {
	v := uint64(0)
	for i := 0; i < len(d.b) && i < 5; i++ {
		c := d.b[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.b = d.b[i+1:]
			if v > math.MaxInt32 {
				break
			}
			return int(v)
		}
	}
	d.b, d.ok = "", false
	return 0
}

func (d *decoder) text() string {
	n := d.number()
	if n > len(d.b) {
		d.b, d.ok = "", false
		return ""
	}
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

func (d *decoder) texts() []string {
	n := d.number()
	if n > len(d.b) { // each takes a byte at least
		d.b, d.ok = "", false
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

// at is an item of a table; an index beyond it ends the decoding.
func at[T any](d *decoder, table []T, i int) T {
	if i >= len(table) {
		d.ok = false
		var none T
		return none
	}
	return table[i]
}

// pointers are the JSON pointers of the items of a list, cut from one text.
type pointers struct {
	text   string
	prefix int
	i, ten int // of the next item; the power of ten above it
	digits int
}

func newPointers(prefix string, count int) *pointers {
	var b strings.Builder
	b.Grow(count * (len(prefix) + len(strconv.Itoa(count))))
	var digits [20]byte
	for i := range count {
		b.WriteString(prefix)
		b.Write(strconv.AppendInt(digits[:0], int64(i), 10))
	}
	return &pointers{text: b.String(), prefix: len(prefix), ten: 10, digits: 1}
}

func (p *pointers) next() string {
	if p.i == p.ten {
		p.ten *= 10
		p.digits++
	}
	p.i++
	n := p.prefix + p.digits
	s := p.text[:n]
	p.text = p.text[n:]
	return s
}
