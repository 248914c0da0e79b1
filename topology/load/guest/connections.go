package guest

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

// settingsPath is the key of an account's settings as it is written.
const settingsPath = `\Software\Microsoft\Windows\CurrentVersion\Internet Settings`

// hiveOf makes the hive of a key: that of an account's settings, or the key
// Connections below it.
func hiveOf(key string) *hive {
	h := &hive{whose: accountOf(key), key: key, values: map[string]value{}}
	const below = `\connections`
	if n := len(key) - len(below); n > 0 && strings.EqualFold(key[n:], below) {
		h.whose, h.binary = accountOf(key[:n]), true
	}
	return h
}

// connections looks at the binary forms of settings. Microsoft documents
// neither, so that they leave open what the values beside them do not say: the
// form of the system account's own setting, and that of WinHTTP (netsh winhttp
// set proxy), of which no source says whether backup uses it.
func (r *reader) connections(h *hive) {
	if r.out.System != nil || r.out.Off != nil {
		return
	}
	var why string
	v, ok := value{}, false
	switch h.whose {
	case system:
		v, ok = h.values["defaultconnectionsettings"]
		why = "only the binary form of the setting is given (DefaultConnectionSettings), which is not documented: export the whole key"
	case machine:
		v, ok = h.values["winhttpsettings"]
		ok = ok && !direct(v.text)
		why = "WinHTTP has a proxy of its own (WinHttpSettings), in a form that is not documented; whether backup uses it is in no source"
	}
	if ok {
		r.out.System = &topology.ProxySetting{Scope: "system", Origin: r.origin(v), Undecided: why}
	}
}

// direct reports whether the flags of a binary form say that no proxy is used:
// the ninth byte is 1 (general knowledge; all of it that is relied on).
func direct(text string) bool {
	hex, ok := strings.CutPrefix(strings.ToLower(text), "hex:")
	bytes := strings.Split(strings.ReplaceAll(hex, " ", ""), ",")
	return ok && len(bytes) > 8 && bytes[8] == "01"
}
