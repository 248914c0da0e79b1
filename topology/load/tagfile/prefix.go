package tagfile

import "bytes"

// longestCIDR is more than the bytes of a CIDR block and a quotation mark.
const longestCIDR = 64

// appendPrefix appends to a packed list (see [topology.PrefixList]) the CIDR
// block that the text begins with, up to a quotation mark, and returns the
// length of the block's text. ok is false where the block is not written in
// the usual way: without leading zeros, masked, IPv6 without a dotted part.
// What is behind a shorter text is zero.
func appendPrefix(dst []byte, text *[longestCIDR]byte) (out []byte, n int, ok bool) {
	var v uint32
	i := 0
	for k := range 4 {
		part := uint32(text[i] - '0')
		if part > 9 {
			return appendPrefix6(dst, text[:])
		}
		i++
		for digits := 1; ; digits++ {
			c := uint32(text[i] - '0')
			if c > 9 {
				break
			}
			if part == 0 || digits == 3 {
				return appendPrefix6(dst, text[:])
			}
			part = part*10 + c
			i++
		}
		end := byte('.')
		if k == 3 {
			end = '/'
		}
		if text[i] != end || part > 255 {
			return appendPrefix6(dst, text[:])
		}
		v = v<<8 | part
		i++
	}
	bits := int(text[i] - '0')
	i++
	if bits > 9 {
		return dst, 0, false
	}
	if c := int(text[i] - '0'); bits > 0 && c <= 9 {
		bits = bits*10 + c
		i++
	}
	if text[i] != '"' || bits > 32 || uint64(v)<<bits&0xffffffff != 0 {
		return dst, 0, false
	}
	a := [4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	dst = append(dst, byte(bits))
	return append(dst, a[:(bits+7)/8]...), i, true
}

func appendPrefix6(dst, text []byte) (out []byte, n int, ok bool) {
	var a [16]byte
	at, gap := 0, -1 // bytes filled; where "::" stands among them
	i := 0
	if bytes.HasPrefix(text, []byte("::")) {
		gap, i = 0, 2
	}
	for i < len(text) && text[i] != '/' {
		v, from := 0, i
		for i < len(text) && i-from < 4 {
			d, ok := hexDigit(text[i])
			if !ok {
				break
			}
			v = v<<4 | d
			i++
		}
		if i == from || at == len(a) || i == len(text) {
			return dst, 0, false
		}
		a[at], a[at+1] = byte(v>>8), byte(v)
		at += 2
		if text[i] == '/' {
			break
		}
		if text[i] != ':' {
			return dst, 0, false
		}
		if i++; i < len(text) && text[i] == ':' {
			if gap >= 0 {
				return dst, 0, false
			}
			gap = at
			i++
		} else if i == len(text) || text[i] == '/' {
			return dst, 0, false
		}
	}
	if i == len(text) {
		return dst, 0, false
	}
	switch {
	case gap < 0 && at < len(a), gap >= 0 && at == len(a):
		return dst, 0, false
	case gap >= 0:
		copy(a[len(a)-(at-gap):], a[gap:at])
		clear(a[gap : len(a)-(at-gap)])
	}
	i++
	bits, ok := digits(text, &i, 128)
	if !ok || i == len(text) || text[i] != '"' || bytes.HasPrefix(a[:], mapped) {
		return dst, 0, false
	}
	size := (bits + 7) / 8
	for k := size; k < len(a); k++ {
		if a[k] != 0 {
			return dst, 0, false
		}
	}
	if bits%8 != 0 && a[size-1]<<(bits%8) != 0 {
		return dst, 0, false
	}
	dst = append(dst, byte(33+bits))
	return append(dst, a[:size]...), i, true
}

// mapped begins the IPv6 addresses that stand for IPv4 ones.
var mapped = []byte{10: 0xff, 11: 0xff}

func hexDigit(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10, true
	default:
		return 0, false
	}
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
