package scope

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// content is the addresses of a tag of the catalogue. A list may have ten
// thousand prefixes and a run ask about one address: the set of them is made
// when it is wanted itself, or once going through the list has become dear. It
// is safe for concurrent use.
type content struct {
	list  topology.PrefixList
	asked atomic.Int32
	set   func() *netipx.IPSet
}

// few is how many times a list is gone through before its set is made, which
// takes as long as going through it some twenty times.
const few = 8

func newContent(list topology.PrefixList) *content {
	return &content{list: list, set: sync.OnceValue(func() *netipx.IPSet { return SetOf(list.Slice()...) })}
}

func (c *content) contains(a netip.Addr) bool {
	if c.asked.Load() < few {
		c.asked.Add(1)
		return c.list.Contains(a)
	}
	return c.set().Contains(a)
}
