package guest

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// environment reads /etc/environment: lines NAME=value, export in front or
// not, quotes around the value or not; # begins a comment, as for pam_env.
// Names of the proxy variables count in both letter cases.
func (r *reader) environment(lines []string) {
	known := map[string]value{}
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		v := value{line: i + 1, column: 1 + len(line) - len(strings.TrimLeft(line, " \t"))}
		if rest, ok := strings.CutPrefix(text, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
			text = strings.TrimSpace(rest)
		}
		name, content, ok := strings.Cut(text, "=")
		if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool {
			return !(c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-')
		}) {
			r.refuse(v, "", "expected a line NAME=value of /etc/environment", "copy /etc/environment of the machine again")
			return
		}
		v.key = name
		if v.text, ok = unquote(content); !ok {
			r.refuse(v, "", "expected the value of "+name+" with quotes on both sides or none", "")
			return
		}
		switch key := strings.ToLower(name); key {
		case "http_proxy", "https_proxy", "no_proxy":
			r.out.Used++
			r.once(known, key, v)
		case "all_proxy":
			r.out.Used++
			r.say(source.Note, v, name+" is not used: the article names http_proxy and https_proxy", "")
		default:
			r.out.Skipped++
		}
	}
	if r.file.Err != nil {
		return
	}
	plain, secure := r.variable(known["http_proxy"]), r.variable(known["https_proxy"])
	r.out.System = secure
	switch {
	case secure == nil:
		// The article sets http_proxy alone (BK16 to BK18).
		r.out.System = plain
	case plain != nil && !same(plain, secure):
		// HTTPS asks for https_proxy, the article for http_proxy.
		secure.Undecided = "https_proxy and http_proxy name different proxies"
		r.say(source.Doubt, known["https_proxy"], secure.Undecided, "set both to the same")
	}
	if v, ok := known["no_proxy"]; ok {
		if list := r.noProxy(v); r.out.System != nil {
			r.out.System.Bypass = list
		} else {
			r.out.Bypass = list
		}
	}
}

// unquote takes off one pair of quotes.
func unquote(s string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, q := range []string{`"`, `'`} {
		rest, first := strings.CutPrefix(s, q)
		rest, last := strings.CutSuffix(rest, q)
		switch {
		case first && last:
			return strings.TrimSpace(rest), true
		case first || last:
			return "", false
		}
	}
	return s, true
}

// variable reads the proxy that a variable names, nil for none.
func (r *reader) variable(v value) *topology.ProxySetting {
	if v.text == "" {
		return nil
	}
	a, ok := parseAddress(v.text)
	if !ok {
		r.refuse(v, "", "expected "+v.key+" to be the address of a proxy, [http://]host:port", "a variable in the value is not replaced in /etc/environment")
		return nil
	}
	return r.proxy(v, a)
}

// proxy makes the system's setting of an address.
func (r *reader) proxy(v value, a proxyAddress) *topology.ProxySetting {
	p := &topology.ProxySetting{Host: a.host, Port: a.port, Scope: "system", Origin: r.origin(v)}
	switch {
	case a.scheme != "" && a.scheme != "http" && a.scheme != "https":
		p.Undecided = "the proxy " + a.host + " speaks " + a.scheme + ", which is not modelled"
	case a.port == 0:
		p.Undecided = "the proxy " + a.host + " is given without a port, and programs take different ones"
	}
	if a.user {
		r.say(source.Note, v, v.key+" logs in at the proxy; the user and the password are neither kept nor shown", "")
	}
	return p
}

// noProxy reads a list of destinations that go past the proxy.
func (r *reader) noProxy(v value) []topology.Bypass {
	var out []topology.Bypass
	for _, word := range strings.FieldsFunc(v.text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		host, port := splitPort(word)
		entry := topology.Bypass{Origin: r.origin(v), Doubtful: port}
		prefix, isAddress := addressPattern(host)
		switch {
		case host == "*":
			entry.Host = "*"
		case isAddress:
			entry.Prefix = prefix
			entry.Doubtful = entry.Doubtful || strings.Contains(host, "*")
		case strings.Contains(host, "*"):
			// Some programs take the asterisk as it stands.
			entry.Host, entry.Doubtful = strings.ToLower(host[strings.LastIndexByte(host, '*'):]), true
		case strings.HasPrefix(host, "."):
			entry.Host = "*" + strings.ToLower(host)
		default:
			// The name and all below it.
			entry.Host = strings.ToLower(host)
			out = append(out, entry)
			entry.Host = "*." + strings.ToLower(host)
		}
		out = append(out, entry)
	}
	return out
}

// splitPort takes a port off a name or an IPv4 address; port says that one was
// there.
func splitPort(s string) (host string, port bool) {
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.IndexByte(s, ':') == i {
		return s[:i], true
	}
	return s, false
}

// addressPattern reads an address, a CIDR block or an IPv4 address whose last
// numbers are asterisks.
func addressPattern(s string) (netip.Prefix, bool) {
	s = strings.Trim(s, "[]")
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	parts := strings.Split(s, ".")
	if !strings.Contains(s, "*") || len(parts) > 4 {
		return netip.Prefix{}, false
	}
	bits := 0
	for len(parts) < 4 {
		parts = append(parts, "*")
	}
	for i, part := range parts {
		switch {
		case part == "*":
			parts[i] = "0"
		case bits == 8*i:
			bits += 8
		default:
			return netip.Prefix{}, false // a number behind an asterisk
		}
	}
	a, err := netip.ParseAddr(strings.Join(parts, "."))
	return netip.PrefixFrom(a, bits), err == nil && bits > 0
}
