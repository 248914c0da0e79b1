package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
)

// catalogue is a service tag file as far as it matters here: lists of
// prefixes.
type catalogue struct {
	name string
	tags [][]netip.Prefix
}

// unique is every different prefix, in the order of the lists.
func unique(sets [][]netip.Prefix) []netip.Prefix {
	seen := map[netip.Prefix]bool{}
	var out []netip.Prefix
	for _, set := range sets {
		for _, p := range set {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// readCatalogue reads a service tag file as Microsoft publishes it.
func readCatalogue(path string) (catalogue, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return catalogue{}, fmt.Errorf("service tag file: %w", err)
	}
	var file struct {
		ChangeNumber int
		Cloud        string
		Values       []struct {
			Properties struct{ AddressPrefixes []netip.Prefix }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return catalogue{}, fmt.Errorf("%s: expected a service tag file (ServiceTags_Public_….json): %w", path, err)
	}
	c := catalogue{name: fmt.Sprintf("%s, change %d", file.Cloud, file.ChangeNumber)}
	for _, v := range file.Values {
		c.tags = append(c.tags, v.Properties.AddressPrefixes)
	}
	if len(c.tags) == 0 {
		return catalogue{}, fmt.Errorf("%s: no tags: expected a service tag file (ServiceTags_Public_….json)", path)
	}
	return c, nil
}

// The shape of the public service tag file of October 2025: 52,340 different
// prefixes in 93,362 entries of 3,039 tags, 5,615 different sets of tags.
const (
	realPrefixes = 52340
	realShare6   = 0.276 // of them IPv6
)

// How many prefixes of each length the file has, from the first one on.
var (
	lengths4 = weights{14, []int{1, 20, 234, 533, 436, 321, 247, 328, 486, 1365, 3679, 1490, 3079, 4453, 4546, 4560, 2162, 2082, 8393}}
	shallow6 = weights{40, []int{2, 0, 0, 0, 4, 1, 14, 120, 733, 16, 1, 0, 3, 0, 85, 115, 299, 104, 34, 198, 68, 109, 264, 419, 1074}}
	deep6    = weights{117, []int{97, 8, 37, 478, 1875, 1757, 2494, 1015, 1606, 203, 157, 535}}
)

const (
	deepShare6  = 0.737 // of the IPv6 prefixes are longer than /64
	perSubnet   = 7.2   // of them lie in one /64 on average
	perBlock    = 2.85  // IPv4 prefixes longer than /24 in one /24
	globalOnly  = 0.3   // of the services have no tags for their regions
	twoServices = 0.1   // of the services share their prefixes with another one
	strangers   = 0.04  // of the prefixes lie in a block of another service
)

// weights is how often each number from first on is drawn.
type weights struct {
	first  int
	counts []int
}

func (w weights) draw(rng *rand.Rand) int {
	sum := 0
	for _, n := range w.counts {
		sum += n
	}
	k := rng.IntN(sum)
	for i, n := range w.counts {
		if k < n {
			return w.first + i
		}
		k -= n
	}
	panic("unreachable")
}

// generate makes a catalogue of n different prefixes in the shape of the real
// one: services and regions, tags for both, regions with pools of addresses
// that cluster in some /8s and /32s, and services whose prefixes cluster in
// some blocks of the pools. The same n and seed make the same catalogue.
func generate(n int, seed uint64) catalogue {
	g := generator{
		rng:  rand.New(rand.NewPCG(seed, uint64(n))),
		seen: map[netip.Prefix]bool{},
	}
	scale := math.Sqrt(float64(n) / realPrefixes)
	g.regions = max(3, int(60*scale))
	g.services = max(5, int(75*scale))
	// Tags: everything, one per region, one per service, one per service and
	// region.
	g.tags = make([][]netip.Prefix, 1+g.regions+g.services*(1+g.regions))

	n6 := int(realShare6 * float64(n))
	g.four(n-n6, scale)
	g.six(n6, scale)

	c := catalogue{name: fmt.Sprintf("generated, %d prefixes", n)}
	for _, t := range g.tags {
		if len(t) > 0 {
			c.tags = append(c.tags, t)
		}
	}
	return c
}

type generator struct {
	rng               *rand.Rand
	regions, services int
	tags              [][]netip.Prefix
	seen              map[netip.Prefix]bool
}

// fresh reports whether a prefix is new, and remembers it.
func (g *generator) fresh(p netip.Prefix) bool {
	if g.seen[p] {
		return false
	}
	g.seen[p] = true
	return true
}

// service draws a service: few are large.
func (g *generator) service() int {
	x := g.rng.Float64()
	return int(x * x * float64(g.services))
}

// owner is the service that has a block of a region's addresses, or now and
// then another one.
func (g *generator) owner(block uint64) int {
	if g.rng.Float64() < strangers {
		return g.service()
	}
	x := share(block)
	return int(x * x * float64(g.services))
}

// share is a number from 0 to 1 that is always the same for the same thing.
func share(x uint64) float64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

func (g *generator) region() int {
	x := g.rng.Float64()
	return int(math.Pow(x, 1.5) * float64(g.regions))
}

// pool puts a prefix into the tags of its region's addresses.
func (g *generator) pool(p netip.Prefix, region int) {
	g.tags[0] = append(g.tags[0], p)
	g.tags[1+region] = append(g.tags[1+region], p)
}

// serve puts a prefix into the tags of a service.
func (g *generator) serve(p netip.Prefix, service, region int) {
	own := func(service int) {
		first := 1 + g.regions + service*(1+g.regions)
		g.tags[first] = append(g.tags[first], p)
		if share(uint64(service)<<8) >= globalOnly {
			g.tags[first+1+region] = append(g.tags[first+1+region], p)
		}
	}
	own(service)
	if share(uint64(service)<<9) < twoServices {
		own((service + 1) % g.services)
	}
}

func prefix4(a uint32, bits int) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return netip.PrefixFrom(netip.AddrFrom4(b), bits).Masked()
}

func key4(p netip.Prefix) uint64 { return uint64(binary.BigEndian.Uint32(p.Addr().AsSlice())) }

func prefix6(hi, lo uint64, bits int) netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return netip.PrefixFrom(netip.AddrFrom16(b), bits).Masked()
}

// four makes the IPv4 prefixes. Those up to /19 are the regions' pools; the
// others lie in them, those longer than /24 some to a /24.
func (g *generator) four(n int, scale float64) {
	var lengths [33]int
	for range n {
		lengths[lengths4.draw(g.rng)]++
	}
	octets := min(200, max(8, int(57*scale)))
	first := g.rng.Perm(220)
	next := make([]uint64, octets) // by octet: the address not given out yet
	for i := range next {
		next[i] = uint64(first[i]+1) << 24
	}
	pools := make([][]netip.Prefix, g.regions)
	for bits := 14; bits <= 19; bits++ {
		for range lengths[bits] {
			size := uint64(1) << (32 - bits)
			for try := 0; ; try++ {
				i := g.rng.IntN(octets)
				at := (next[i] + size - 1) &^ (size - 1)
				if at+size > uint64(first[i]+2)<<24 {
					if try < 1000 {
						continue
					}
					break // the space is full
				}
				next[i] = at + size + size*uint64(g.rng.IntN(2))
				r := g.region()
				p := prefix4(uint32(at), bits)
				g.fresh(p)
				pools[r] = append(pools[r], p)
				g.pool(p, r)
				break
			}
		}
	}
	var inUse []int // regions with a pool
	for r := range pools {
		if len(pools[r]) > 0 {
			inUse = append(inUse, r)
		}
	}
	// within is a random prefix of some length in a random pool.
	within := func(region, bits int) netip.Prefix {
		pool := pools[region]
		p := pool[g.rng.IntN(len(pool))]
		return prefix4(uint32(key4(p))|g.rng.Uint32()>>p.Bits(), max(bits, p.Bits()))
	}
	region := func() int { return inUse[g.region()%len(inUse)] }
	for bits := 20; bits <= 24; bits++ {
		for range lengths[bits] {
			for try := 0; try < 100; try++ {
				r := region()
				if p := within(r, bits); g.fresh(p) {
					g.serve(p, g.owner(key4(p)>>12), r)
					break
				}
			}
		}
	}
	var deep []int
	for bits := 25; bits <= 32; bits++ {
		for range lengths[bits] {
			deep = append(deep, bits)
		}
	}
	g.rng.Shuffle(len(deep), func(i, j int) { deep[i], deep[j] = deep[j], deep[i] })
	for len(deep) > 0 {
		r := region()
		base := uint32(key4(within(r, 24)))
		for at := g.rng.Uint32N(200); at < 256 && len(deep) > 0; {
			bits := deep[0]
			size := uint32(1) << (32 - bits)
			at = (at + size - 1) &^ (size - 1)
			if at >= 256 {
				break
			}
			if p := prefix4(base|at, bits); g.fresh(p) {
				g.serve(p, g.owner(uint64(base)>>12), r)
				deep = deep[1:]
			}
			if g.rng.Float64() < 1/perBlock {
				break
			}
			at += size
			if g.rng.IntN(4) == 0 {
				at += size
			}
		}
	}
}

// six makes the IPv6 prefixes. Those up to /64 lie in the regions' /32s, the
// longer ones some to a /64, near its beginning.
func (g *generator) six(n int, scale float64) {
	nets := max(4, int(27*scale))
	net := func(region int) uint64 { return 0x2603_1000_0000_0000 + uint64(region%nets)*9<<32 }
	shallow := n - int(deepShare6*float64(n))
	for made := 0; made < shallow; {
		r := g.region()
		bits := shallow6.draw(g.rng)
		hi := net(r) | uint64(g.rng.IntN(64*int(scale+1)))<<20 | g.rng.Uint64N(1<<20)
		p := prefix6(hi, 0, bits)
		if !g.fresh(p) {
			continue
		}
		made++
		if bits <= 48 {
			g.pool(p, r)
		} else {
			g.serve(p, g.owner(hi>>16), r)
		}
	}
	for left := n - shallow; left > 0; {
		r := g.region()
		hi := net(r) | uint64(g.rng.IntN(64*int(scale+1)))<<20 | g.rng.Uint64N(1<<12)
		for at := g.rng.Uint64N(1 << 9); at < 1<<12 && left > 0; {
			bits := deep6.draw(g.rng)
			size := uint64(1) << (128 - bits)
			at = (at + size - 1) &^ (size - 1)
			if p := prefix6(hi, at, bits); g.fresh(p) {
				g.serve(p, g.owner(hi>>4), r)
				left--
			}
			if g.rng.Float64() < 1/perSubnet {
				break
			}
			at += size
			if g.rng.IntN(2) == 0 {
				at += size
			}
		}
	}
}
