package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"

	"go4.org/netipx"
)

// own are blocks that are kept as blocks: what lies inside of one is mapped to
// what lies inside of it.
var own = []string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "25.0.0.0/8", "192.0.2.0/24", "198.18.0.0/15", "2000::/3", "fc00::/7",
}

// platform are addresses that mean something to the platform or to nobody:
// they stay as they are.
var platform = []string{
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "168.63.129.16/32", "::/128", "::1/128", "fe80::/10", "ff00::/8",
}

// Addresses is a permutation of all addresses that keeps what prefixes they
// share, and with it which prefix holds which: a prefix is mapped to a prefix
// of its length. It keeps private space private, and the given prefixes, those
// of service tags, as they are.
type Addresses struct {
	key   []byte
	fixed *netipx.IPSet
	roots []netip.Prefix
}

// NewAddresses makes the permutation of a key. Whoever does not have the key
// cannot undo it.
func NewAddresses(key []byte, fixed []netip.Prefix) *Addresses {
	var b netipx.IPSetBuilder
	for _, p := range fixed {
		b.AddPrefix(p)
	}
	for _, p := range platform {
		b.AddPrefix(netip.MustParsePrefix(p))
	}
	set, _ := b.IPSet() // its errors are invalid prefixes, which are left out
	a := &Addresses{key: key, fixed: set}
	for _, p := range own {
		a.roots = append(a.roots, netip.MustParsePrefix(p))
	}
	return a
}

// Address is the address that stands for another.
func (a *Addresses) Address(x netip.Addr) netip.Addr { return a.bits(x, x.BitLen()) }

// Prefix is the prefix that stands for another, of the same length. Host bits
// are mapped too.
func (a *Addresses) Prefix(p netip.Prefix) netip.Prefix {
	if p.Masked() == p {
		return netip.PrefixFrom(a.bits(p.Addr(), p.Bits()), p.Bits())
	}
	return netip.PrefixFrom(a.Address(p.Addr()), p.Bits())
}

// bits maps the first bits of an address.
func (a *Addresses) bits(x netip.Addr, n int) netip.Addr {
	in := x.AsSlice()
	out := x.AsSlice()
	for i := range n {
		above := netip.PrefixFrom(x, i).Masked()
		if a.keeps(above) {
			continue
		}
		mac := hmac.New(sha256.New, a.key)
		mac.Write([]byte(above.String()))
		out[i/8] = in[i/8]&(1<<(7-i%8)) ^ mac.Sum(nil)[0]>>7<<(7-i%8) | out[i/8]&^(1<<(7-i%8))
	}
	y, _ := netip.AddrFromSlice(out)
	return y
}

// keeps reports whether the halves of a prefix stay in place: because a block
// or a fixed prefix lies inside, or all of it is fixed.
func (a *Addresses) keeps(p netip.Prefix) bool {
	for _, r := range a.roots {
		if r.Bits() > p.Bits() && p.Contains(r.Addr()) {
			return true
		}
	}
	return a.fixed.OverlapsPrefix(p)
}

// Text maps an address, a prefix or a range of two addresses; false where the
// text is none of them.
func (a *Addresses) Text(s string) (string, bool) {
	if x, err := netip.ParseAddr(s); err == nil {
		return a.Address(x).String(), true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return a.Prefix(p).String(), true
	}
	if from, to, ok := strings.Cut(s, "-"); ok {
		x, err := netip.ParseAddr(from)
		y, err2 := netip.ParseAddr(to)
		if err == nil && err2 == nil {
			return a.span(x, y), true
		}
	}
	return "", false
}

// span maps a range that is a prefix; another one is not a range any more, and
// becomes its first address.
func (a *Addresses) span(x, y netip.Addr) string {
	if p, ok := netipx.IPRangeFrom(x, y).Prefix(); ok {
		r := netipx.RangeOfPrefix(a.Prefix(p))
		return r.From().String() + "-" + r.To().String()
	}
	return a.Address(x).String()
}
