package guest

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// portNumber reads a port in decimal digits without leading zeros.
func portNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}

// plainHost reports an IP address or a name of a host, and nothing beside it.
func plainHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	if s == "" || len(s) > 253 || digitsAndDots(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return s[0] != '.' && s[0] != '-'
}

// digitsAndDots reports what looks like an IPv4 address; where it is none,
// programs read it in ways of their own ("010.0.0.1", "10.1").
func digitsAndDots(s string) bool {
	return strings.Trim(s, "0123456789.") == ""
}

// proxyAddress is the host and port of a proxy as programs write it:
// [scheme://][user:password@]host[:port][/].
type proxyAddress struct {
	scheme string // lower case, "" where none is given
	host   string
	port   uint16 // 0: not given
	user   bool   // a user is given, with or without a password; not kept
}

// parseAddress reads a proxy's address; ok is false where it is none.
func parseAddress(s string) (a proxyAddress, ok bool) {
	if scheme, rest, found := strings.Cut(s, "://"); found {
		a.scheme, s = strings.ToLower(scheme), rest
		if a.scheme == "" || strings.Trim(a.scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
			return a, false
		}
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		a.user, s = true, s[i+1:]
	}
	s = strings.TrimSuffix(s, "/")
	var port string
	if rest, bracket := strings.CutPrefix(s, "["); bracket {
		a.host, port, ok = strings.Cut(rest, "]")
		ip, err := netip.ParseAddr(a.host)
		if !ok || err != nil || !ip.Is6() {
			return a, false
		}
		if port != "" {
			if port, ok = strings.CutPrefix(port, ":"); !ok {
				return a, false
			}
			a.port, ok = portNumber(port)
			return a, ok
		}
		return a, plainHost(a.host)
	}
	a.host, port, ok = strings.Cut(s, ":")
	if ok {
		if a.port, ok = portNumber(port); !ok {
			return a, false
		}
	}
	return a, plainHost(a.host)
}

// same reports whether two settings lead to one proxy.
func same(a, b *topology.ProxySetting) bool {
	return strings.EqualFold(a.Host, b.Host) && a.Port == b.Port && a.Undecided == b.Undecided
}
