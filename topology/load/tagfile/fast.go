package tagfile

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

// Detect reports whether a file is certainly a service tag file, by the
// beginning of its text alone: its envelope starts with a change number and a
// cloud, or its first element is a tag. False says nothing: members may come
// in any order, and the first tag may be long; [IsServiceTags] decides then.
func Detect(src *doctree.Source) bool {
	if src.Format() != doctree.JSON {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(src.Head()))
	top, err := dec.ReadToken()
	if err != nil {
		return false
	}
	if top.Kind() == '[' {
		v, err := dec.ReadValue()
		return err == nil && isTag(v)
	}
	var number, cloud bool
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return false
		}
		switch name := key.String(); {
		case strings.EqualFold(name, "values") && dec.PeekKind() == '[':
			if number && cloud {
				return true
			}
			if _, err := dec.ReadToken(); err != nil {
				return false
			}
			v, err := dec.ReadValue()
			return err == nil && isTag(v)
		case strings.EqualFold(name, "changeNumber"):
			number = true
		case strings.EqualFold(name, "cloud"):
			cloud = true
		}
		if err := dec.SkipValue(); err != nil {
			return false
		}
	}
	return false
}

func isTag(text []byte) bool {
	b := NewBuilder(nil, nil)
	_, _, ok := b.scan(text)
	return ok
}

// raw reads one element from its text where it is entirely usual; false leaves
// the builder as it was.
func (b *Builder) raw(raw *doctree.Raw) bool {
	text := raw.Text()
	if text == nil {
		return false
	}
	t, counts, ok := b.scan(text)
	if !ok {
		return false
	}
	if _, twice := b.lines[strings.ToLower(t.Name)]; twice {
		return false
	}
	pos := raw.Pos()
	t.Origin = topology.Origin{File: b.file.Name, Line: pos.Line, Column: pos.Column, Pointer: raw.Pointer()}
	t.Prefixes = topology.MakePrefixList(b.scratch...)
	b.ledger.AddUsed(counts.used)
	b.ledger.Leaves += counts.irrelevant
	b.ledger.Irrelevant += counts.irrelevant
	return b.add(t, nil) == nil
}

// leaves counts what an element consists of.
type leaves struct{ used, irrelevant int }

// scan reads a tag from valid JSON text; its prefixes are left in b.scratch.
// It fails on anything that the weekly file and the API do not write: another
// key or letter case, a key twice, an escape, a kind of value out of place, a
// prefix that is malformed or not masked.
func (b *Builder) scan(text []byte) (*topology.ServiceTag, leaves, bool) {
	b.scratch = b.scratch[:0]
	s := scanner{b: text, ok: true}
	t := &topology.ServiceTag{}
	var n leaves
	const name, id, properties = 1, 2, 4
	seen := 0
	once := func(bit int) {
		s.ok = s.ok && seen&bit == 0
		seen |= bit
	}
	s.object(func(key []byte) {
		switch string(key) {
		case "name":
			once(name)
			t.Name = string(s.text())
			n.used++
		case "id":
			once(id)
			s.text()
			n.irrelevant++
		case "properties":
			once(properties)
			b.properties(&s, t, &n)
		default:
			s.ok = false
		}
	})
	return t, n, s.ok && t.Name != "" && seen&(name|properties) == name|properties
}

func (b *Builder) properties(s *scanner, t *topology.ServiceTag, n *leaves) {
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
	seen := 0
	once := func(bit int) {
		s.ok = s.ok && seen&bit == 0
		seen |= bit
	}
	s.object(func(key []byte) {
		switch string(key) {
		case "changeNumber":
			once(changeNumber)
			t.ChangeNumber = s.number()
			n.used++
		case "region":
			once(region)
			raw := s.text()
			arm, ok := b.locations[string(raw)]
			if !ok {
				arm = b.location(string(raw))
			}
			t.Region = arm
			n.used++
		case "regionId":
			once(regionID)
			t.RegionID = s.number()
			n.used++
		case "platform":
			once(platform)
			s.text()
			n.irrelevant++
		case "state":
			once(state)
			s.text()
			n.irrelevant++
		case "systemService":
			once(systemService)
			raw := s.text()
			service, ok := b.texts[string(raw)]
			if !ok {
				service = b.one(string(raw))
			}
			t.SystemService = service
			n.used++
		case "addressPrefixes":
			once(addressPrefixes)
			s.array(func() {
				p, ok := usualPrefix(s.text())
				s.ok = s.ok && ok
				b.scratch = append(b.scratch, p)
			})
			n.used += max(1, len(b.scratch))
		case "networkFeatures":
			once(networkFeatures)
			from := s.i
			if s.null() {
				n.used++
				return
			}
			count := 0
			s.array(func() {
				s.text()
				count++
			})
			n.used += max(1, count)
			if !s.ok {
				return
			}
			list := s.b[from:s.i]
			features, ok := b.features[string(list)]
			if !ok {
				inner := scanner{b: list, ok: true}
				inner.array(func() { features = append(features, b.one(string(inner.text()))) })
				b.features[string(list)] = features
			}
			t.NetworkFeatures = features
		default:
			s.ok = false
		}
	})
	s.ok = s.ok && seen&(systemService|addressPrefixes) == systemService|addressPrefixes
}

// scanner walks over valid JSON text. After anything it does not take, ok is
// false and it stands still.
type scanner struct {
	b  []byte
	i  int
	ok bool
}

// next skips blanks and returns the next byte without passing it, 0 at the
// end.
func (s *scanner) next() byte {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
		s.i++
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.ok && s.next() == c {
		s.i++
		return true
	}
	s.ok = false
	return false
}

// object reads an object; member reads the value of each key.
func (s *scanner) object(member func(key []byte)) {
	if !s.take('{') {
		return
	}
	for s.ok && s.next() != '}' {
		key := s.text()
		if s.take(':') {
			s.next()
			member(key)
		}
		if s.ok && s.next() == ',' {
			s.i++
		}
	}
	s.take('}')
}

// array reads a list; item reads each item.
func (s *scanner) array(item func()) {
	if !s.take('[') {
		return
	}
	for s.ok && s.next() != ']' {
		item()
		if s.ok && s.next() == ',' {
			s.i++
		}
	}
	s.take(']')
}

// text reads a string without escapes.
func (s *scanner) text() []byte {
	if !s.take('"') {
		return nil
	}
	from := s.i
	for s.i < len(s.b) && s.b[s.i] != '"' {
		if s.b[s.i] == '\\' {
			s.ok = false
			return nil
		}
		s.i++
	}
	out := s.b[from:s.i]
	s.i++
	return out
}

func (s *scanner) null() bool {
	if s.ok && bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		s.i += len("null")
		return true
	}
	return false
}

// number reads plain digits, which may be a string's.
func (s *scanner) number() int {
	var digits []byte
	if s.next() == '"' {
		digits = s.text()
	} else {
		from := s.i
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		digits = s.b[from:s.i]
		if c := s.next(); c != ',' && c != '}' {
			s.ok = false
		}
	}
	if len(digits) == 0 || len(digits) > 9 || len(digits) > 1 && digits[0] == '0' {
		s.ok = false
		return 0
	}
	v := 0
	for _, c := range digits {
		s.ok = s.ok && c >= '0' && c <= '9'
		v = v*10 + int(c-'0')
	}
	return v
}

// usualPrefix reads a CIDR block that is masked and written in the usual way.
func usualPrefix(b []byte) (netip.Prefix, bool) {
	if bytes.IndexByte(b, ':') >= 0 {
		p, err := netip.ParsePrefix(string(b))
		return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
	}
	var addr [4]byte
	i := 0
	for k := range addr {
		v, ok := digits(b, &i, 255)
		end := byte('.')
		if k == 3 {
			end = '/'
		}
		if !ok || i == len(b) || b[i] != end {
			return netip.Prefix{}, false
		}
		addr[k] = byte(v)
		i++
	}
	bits, ok := digits(b, &i, 32)
	if !ok || i != len(b) {
		return netip.Prefix{}, false
	}
	a := uint32(addr[0])<<24 | uint32(addr[1])<<16 | uint32(addr[2])<<8 | uint32(addr[3])
	if uint64(a)<<bits&0xffffffff != 0 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(netip.AddrFrom4(addr), bits), true
}

// digits reads a decimal number up to most, without leading zeros, at *i.
func digits(b []byte, i *int, most int) (int, bool) {
	from, v := *i, 0
	for *i < len(b) && b[*i] >= '0' && b[*i] <= '9' && *i-from < 3 {
		v = v*10 + int(b[*i]-'0')
		*i++
	}
	n := *i - from
	return v, n > 0 && v <= most && (n == 1 || b[from] != '0')
}
