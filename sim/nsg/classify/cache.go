package classify

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim/cidr"
)

// Cache shares classifiers between equal lists of rules over one address
// table. A list is compiled when its classifier is first asked for, and again
// after it had to make room: the classifiers in memory together take about the
// given number of bytes, however many lists there are. A Cache is safe for
// concurrent use, and keeps the lists it was given as long as it lives.
type Cache struct {
	table *cidr.Table
	limit int
	o     Options

	mu    sync.Mutex
	lists map[uint64][]*List // by hash of the rules
	ring  []*List            // those with a classifier
	hand  int                // the next of them to make room
	held  int                // bytes of their classifiers
}

// List is a list of rules in a [Cache]; equal lists are one List.
type List struct {
	cache *Cache
	rules []Rule

	compiling sync.Mutex
	compiled  atomic.Pointer[Classifier]
	asked     atomic.Bool // since the hand passed
	size      int         // of compiled; guarded by cache.mu
}

// NewCache makes an empty cache of classifiers over a table that together take
// about limit bytes, but for the one asked last.
func NewCache(t *cidr.Table, limit int, o Options) *Cache {
	return &Cache{table: t, limit: limit, o: o, lists: map[uint64][]*List{}}
}

// Add returns the list of the rules, the same for equal rules. The rules must
// not be changed afterwards. A rule that cannot be is an error that names its
// place.
func (c *Cache) Add(rules []Rule) (*List, error) {
	if _, err := entriesOf(c.table, rules); err != nil {
		return nil, err
	}
	h := hashOf(rules)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lists[h] {
		if slices.EqualFunc(l.rules, rules, equalRules) {
			return l, nil
		}
	}
	l := &List{cache: c, rules: rules}
	c.lists[h] = append(c.lists[h], l)
	return l, nil
}

// Rules are the rules of the list. They must not be changed.
func (l *List) Rules() []Rule { return l.rules }

// Classifier returns the classifier of the list and compiles it where it is
// not in memory. It stays usable for those who hold it.
func (l *List) Classifier() *Classifier {
	if c := l.compiled.Load(); c != nil {
		if !l.asked.Load() {
			l.asked.Store(true)
		}
		return c
	}
	l.compiling.Lock()
	defer l.compiling.Unlock()
	if c := l.compiled.Load(); c != nil {
		return c
	}
	c, err := New(l.cache.table, l.rules, l.cache.o)
	if err != nil {
		panic("classify: rules were changed after Add: " + err.Error())
	}
	l.cache.admit(l, c)
	return c
}

// admit takes a classifier in, and drops those that nobody asked for since the
// hand passed them last until the rest fits.
func (c *Cache) admit(l *List, compiled *Classifier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.size = compiled.MemorySize()
	l.compiled.Store(compiled)
	l.asked.Store(true)
	c.held += l.size
	for c.held > c.limit && len(c.ring) > 0 {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		old := c.ring[c.hand]
		if old.asked.Swap(false) {
			c.hand++
			continue
		}
		old.compiled.Store(nil)
		c.held -= old.size
		c.ring[c.hand] = c.ring[len(c.ring)-1]
		c.ring = c.ring[:len(c.ring)-1]
	}
	c.ring = append(c.ring, l)
}

// MemorySize is the number of bytes of the classifiers in memory.
func (c *Cache) MemorySize() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func equalRules(a, b Rule) bool {
	return a.Outcome == b.Outcome && slices.EqualFunc(a.Must, b.Must, equalMatches) && slices.EqualFunc(a.May, b.May, equalMatches)
}

func equalMatches(a, b Match) bool {
	return a.Protocols == b.Protocols && equalAddresses(a.Source, b.Source) && equalAddresses(a.Destination, b.Destination) &&
		slices.Equal(a.SourcePorts, b.SourcePorts) && slices.Equal(a.DestinationPorts, b.DestinationPorts)
}

func equalAddresses(a, b Addresses) bool { return a.Any == b.Any && slices.Equal(a.Sets, b.Sets) }

// hashOf is a hash of everything that equalRules compares.
func hashOf(rules []Rule) uint64 {
	h := uint64(len(rules))
	add := func(x uint64) { h = bits.RotateLeft64((h^x)*0x9e3779b97f4a7c15, 27) }
	addresses := func(a *Addresses) {
		x := uint64(len(a.Sets)) << 1
		if a.Any {
			x |= 1
		}
		add(x)
		for _, s := range a.Sets {
			add(uint64(s))
		}
	}
	for i := range rules {
		r := &rules[i]
		add(uint64(r.Outcome)<<48 | uint64(len(r.Must))<<24 | uint64(len(r.May)))
		for _, list := range [2][]Match{r.Must, r.May} {
			for j := range list {
				m := &list[j]
				addresses(&m.Source)
				addresses(&m.Destination)
				add(uint64(m.Protocols)<<48 | uint64(len(m.SourcePorts))<<24 | uint64(len(m.DestinationPorts)))
				for _, p := range m.SourcePorts {
					add(uint64(p.First)<<16 | uint64(p.Last))
				}
				for _, p := range m.DestinationPorts {
					add(uint64(p.First)<<16 | uint64(p.Last))
				}
			}
		}
	}
	return h
}
