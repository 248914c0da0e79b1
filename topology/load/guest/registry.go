package guest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// internetSettings is the key that holds the proxy of an account.
const internetSettings = `\software\microsoft\windows\currentversion\internet settings`

// account says whose settings a key of the registry holds.
type account uint8

const (
	nobody  account = iota
	system          // Local System, which the backup extension runs as
	user            // anyone else
	machine         // of the whole machine, where a policy says so
)

// accountOf finds the account of a key. The hive .DEFAULT is Local System's
// own, whatever its name says.
func accountOf(key string) account {
	key = strings.ToLower(strings.TrimRight(key, `\`))
	hive, ok := strings.CutSuffix(key, internetSettings)
	if !ok {
		return nobody
	}
	switch {
	case hive == `hkey_users\s-1-5-18`, hive == `hkey_users\.default`:
		return system
	case hive == "hkey_current_user", strings.HasPrefix(hive, `hkey_users\s-1-5-`) && strings.Count(hive, `\`) == 1:
		return user
	case hive == "hkey_local_machine":
		return machine
	default:
		return nobody
	}
}

// hive is one key with the settings of an account.
type hive struct {
	whose  account
	key    string
	binary bool             // the key Connections below it, which holds binary forms
	values map[string]value // by their names in lower case
}

// registry reads an export of the registry: a header, keys in brackets, and
// lines "name"=value below them.
func (r *reader) registry(lines []string) {
	i := 0
	for i < len(lines) && strings.TrimSpace(lines[i]) == "" {
		i++
	}
	if i == len(lines) || strings.TrimSpace(lines[i]) != "Windows Registry Editor Version 5.00" && strings.TrimSpace(lines[i]) != "REGEDIT4" {
		r.refuse(value{line: i + 1}, "", "expected an export of the registry, which begins with Windows Registry Editor Version 5.00", "reg export writes one")
		return
	}
	var hives []*hive
	var now *hive
	for i++; i < len(lines) && r.file.Err == nil; i++ {
		line := strings.TrimSpace(lines[i])
		v := value{line: i + 1, column: 1}
		switch {
		case line == "" || line[0] == ';':
		case line[0] == '[':
			key, ok := strings.CutSuffix(line[1:], "]")
			if !ok || key == "" || key[0] == '-' {
				r.refuse(v, source.Quote(line), "expected a key in brackets", "export the keys themselves, not a file that deletes them")
				return
			}
			j := slices.IndexFunc(hives, func(h *hive) bool { return strings.EqualFold(h.key, key) })
			if j < 0 {
				j = len(hives)
				hives = append(hives, hiveOf(key))
			}
			now = hives[j]
		default:
			for strings.HasSuffix(line, `\`) && i+1 < len(lines) { // binary data goes on
				i++
				line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
			}
			name, text, ok := entry(line)
			if !ok || now == nil {
				r.refuse(v, "", `expected a line "name"=value below a key`, "export the registry again")
				return
			}
			v.key, v.text = name, text
			r.entry(now, v)
		}
	}
	for _, h := range hives {
		if r.file.Err == nil && !h.binary {
			r.account(h)
		}
	}
	for _, h := range hives {
		if r.file.Err == nil && h.binary {
			r.connections(h)
		}
	}
	if !slices.ContainsFunc(hives, func(h *hive) bool { return h.whose != nobody }) {
		r.say(source.Warning, value{line: 1, column: 1}, "the export holds no proxy settings of an account", `reg export "HKU\S-1-5-18`+settingsPath+`" proxy.reg`)
	}
}

// account takes over the settings of one account.
func (r *reader) account(h *hive) {
	p := r.setting(h.values)
	switch {
	case r.file.Err != nil || h.whose == nobody:
	case p == nil:
		if v, ok := h.values["proxyenable"]; ok && h.whose == system && v.text == "0" && r.out.Off == nil {
			o := r.origin(v)
			r.out.Off = &o
		}
	case h.whose == user:
		if p.Scope = "user"; r.out.User == nil {
			r.out.User = p
		}
	case h.whose == machine:
		p.Undecided = "settings of the whole machine are given, which hold only where the policy ProxySettingsPerUser is 0"
		if r.out.System == nil {
			r.out.System, r.machine = p, true
		}
	case r.out.System == nil || r.machine:
		r.out.System, r.machine = p, false
	case !same(r.out.System, p):
		o := p.Origin
		r.refuse(value{key: o.Pointer, line: o.Line, column: o.Column}, "", "expected one setting of the system account; line "+itoa(r.out.System.Origin.Line)+" gives another", "export HKEY_USERS\\S-1-5-18 alone")
	}
	if r.out.System != nil {
		r.out.Off = nil
	}
}

// entry splits a line "name"=value.
func entry(line string) (name, text string, ok bool) {
	if rest, ok := strings.CutPrefix(line, "@="); ok {
		return "@", rest, true
	}
	name, rest, ok := quoted(line)
	if !ok {
		return "", "", false
	}
	text, ok = strings.CutPrefix(strings.TrimSpace(rest), "=")
	return name, strings.TrimSpace(text), ok && name != ""
}

// quoted reads a text in quotes, in which \ and " are escaped, and returns
// what follows it.
func quoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '"'):
			i++
			b.WriteByte(s[i])
		case c == '\\':
			return "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// entry takes over a value that is about the proxy.
func (r *reader) entry(h *hive, v value) {
	key := strings.ToLower(v.key)
	if h.whose == nobody {
		r.out.Skipped++
		return
	}
	switch key {
	case "proxyenable":
		digits, ok := strings.CutPrefix(strings.ToLower(v.text), "dword:")
		n, err := strconv.ParseUint(digits, 16, 32)
		if !ok || len(digits) != 8 || err != nil || n > 1 {
			r.refuse(v, source.Quote(v.text), "expected ProxyEnable to be dword:00000000 or dword:00000001", "")
			return
		}
		v.text = strconv.FormatUint(n, 10)
	case "proxyserver", "proxyoverride", "autoconfigurl":
		text, rest, ok := quoted(v.text)
		if !ok || rest != "" {
			r.refuse(v, "", "expected "+v.key+" to be a text in quotes", "export the registry again")
			return
		}
		v.text = strings.TrimSpace(text)
	case "defaultconnectionsettings", "winhttpsettings":
		if !h.binary {
			r.out.Skipped++
			return
		}
	default:
		r.out.Skipped++
		return
	}
	r.out.Used++
	r.once(h.values, key, v)
}

// setting is the proxy that an account's values set, nil for none.
func (r *reader) setting(s map[string]value) *topology.ProxySetting {
	if script := s["autoconfigurl"]; script.text != "" {
		// The script decides for each destination; its address may hold secrets.
		return &topology.ProxySetting{Scope: "system", Origin: r.origin(script), Undecided: "a script (AutoConfigURL) chooses the proxy"}
	}
	server, enabled := s["proxyserver"], s["proxyenable"]
	switch {
	case enabled.text == "0" || server.text == "" && enabled.text == "":
		return nil
	case enabled.text == "":
		r.say(source.Warning, server, "ProxyServer without ProxyEnable sets no proxy", "export the whole key")
		return nil
	case server.text == "":
		r.say(source.Warning, enabled, "ProxyEnable without ProxyServer sets no proxy", "export the whole key")
		return nil
	}
	a, ok := r.server(server)
	if !ok || a == nil {
		return nil
	}
	p := r.proxy(server, *a)
	if override := s["proxyoverride"]; override.text != "" {
		p.Bypass = r.override(override)
	}
	return p
}

// server reads ProxyServer: one address for all protocols, or one for each. Of
// these backup uses that of https. The address is nil where it names none.
func (r *reader) server(v value) (*proxyAddress, bool) {
	const expected = "expected ProxyServer to be host:port, or http=host:port;https=host:port"
	byScheme := map[string]proxyAddress{}
	for _, word := range strings.FieldsFunc(v.text, func(c rune) bool { return c == ';' || c == ' ' }) {
		scheme, text, ok := strings.Cut(word, "=")
		if !ok {
			scheme, text = "", word
		}
		a, valid := parseAddress(text)
		scheme = strings.ToLower(scheme)
		if _, twice := byScheme[scheme]; !valid || twice || scheme != "" && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz") != "" {
			r.refuse(v, "", expected, "")
			return nil, false
		}
		if a.port == 0 && (a.scheme == "" || a.scheme == "http") {
			a.port = 80 // as Windows takes it
		}
		byScheme[scheme] = a
	}
	if a, ok := byScheme["https"]; ok {
		return &a, true
	}
	if a, ok := byScheme[""]; ok {
		return &a, true
	}
	if a, ok := byScheme["socks"]; ok {
		a.scheme = "socks"
		return &a, true
	}
	r.say(source.Note, v, "ProxyServer names no proxy for https: HTTPS goes direct", "")
	return nil, true
}

// override reads ProxyOverride: names, with asterisks, that go past the proxy.
func (r *reader) override(v value) []topology.Bypass {
	var out []topology.Bypass
	for _, word := range strings.FieldsFunc(v.text, func(c rune) bool { return c == ';' || c == ' ' || c == ',' }) {
		if strings.HasPrefix(word, "<") {
			continue // <local>: names without a dot, which Azure's are not
		}
		entry := topology.Bypass{Origin: r.origin(v)}
		if _, rest, ok := strings.Cut(word, "://"); ok {
			word, entry.Doubtful = rest, true // for one protocol only
		}
		host, port := splitPort(word)
		entry.Doubtful = entry.Doubtful || port
		prefix, isAddress := addressPattern(host)
		i := strings.LastIndexByte(host, '*')
		switch {
		case host == "":
			continue
		case isAddress:
			entry.Prefix = prefix
		case i > 0:
			entry.Host, entry.Doubtful = strings.ToLower(host[i:]), true
		default:
			entry.Host = strings.ToLower(host)
		}
		out = append(out, entry)
	}
	return out
}
