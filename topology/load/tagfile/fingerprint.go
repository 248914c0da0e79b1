package tagfile

import (
	"encoding/binary"
	"math/bits"
)

// fingerprint tells texts apart: equal texts have the same, and others differ
// but with a chance of 1 in 2^100 or less. It is not made to withstand a
// person who looks for two texts with the same fingerprint: such a person
// could hand over any tag file. It reads some ten bytes in a nanosecond, where
// SHA-256 reads one or two.
type fingerprint struct {
	a, b, c, d uint64
	size       uint64
	tail       [32]byte // the last size%32 bytes
}

// The first bits of the square roots of 2, 3, 5 and 7.
const (
	root2 = 0x6a09e667f3bcc908
	root3 = 0xbb67ae8584caa73b
	root5 = 0x3c6ef372fe94f82b
	root7 = 0xa54ff53a5f1d36f1
)

// Write adds text; it never fails.
func (h *fingerprint) Write(text []byte) (int, error) {
	n := len(text)
	if k := int(h.size % 32); k > 0 {
		m := copy(h.tail[k:], text)
		h.size += uint64(m)
		text = text[m:]
		if k+m < 32 {
			return n, nil
		}
		h.words(h.tail[:])
	}
	h.size += uint64(len(text))
	whole := len(text) &^ 31
	h.words(text[:whole])
	copy(h.tail[:], text[whole:])
	return n, nil
}

// WriteString adds text; it never fails.
func (h *fingerprint) WriteString(text string) (int, error) {
	var chunk [4096]byte
	for rest := text; rest != ""; {
		n := copy(chunk[:], rest)
		h.Write(chunk[:n])
		rest = rest[n:]
	}
	return len(text), nil
}

// words adds text of a multiple of 32 bytes. Each word meets two of the four
// parts of the fingerprint, in another product.
func (h *fingerprint) words(text []byte) {
	a, b, c, d := h.a, h.b, h.c, h.d
	for ; len(text) >= 32; text = text[32:] {
		v, w := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:])
		x, y := binary.LittleEndian.Uint64(text[16:]), binary.LittleEndian.Uint64(text[24:])
		a = bits.RotateLeft64(a, 23) ^ fold(v^root2, w^a^root3)
		b = bits.RotateLeft64(b, 29) ^ fold(w^root5, v^b^root7)
		c = bits.RotateLeft64(c, 31) ^ fold(x^root2, y^c^root5)
		d = bits.RotateLeft64(d, 37) ^ fold(y^root3, x^d^root7)
	}
	h.a, h.b, h.c, h.d = a, b, c, d
}

func fold(v, w uint64) uint64 {
	hi, lo := bits.Mul64(v, w)
	return hi ^ lo
}

// Sum is the fingerprint of what was written so far.
func (h *fingerprint) Sum() (sum [16]byte) {
	last := *h
	clear(last.tail[h.size%32:])
	last.words(last.tail[:])
	for range 2 {
		var mixed [32]byte
		for i, v := range []uint64{last.c ^ h.size, last.d, last.a, last.b ^ h.size} {
			binary.LittleEndian.PutUint64(mixed[8*i:], v)
		}
		last.words(mixed[:])
	}
	binary.LittleEndian.PutUint64(sum[:], last.a^last.c)
	binary.LittleEndian.PutUint64(sum[8:], last.b^last.d)
	return sum
}
