package doctree

import "strings"

// MayBeSecret reports whether a name or a piece of a document speaks of
// something that is nobody's business: passwords, keys, tokens, signed URLs,
// scripts. What it is true for is never quoted in a message.
func MayBeSecret(text string) bool {
	s := strings.ToLower(text)
	for _, w := range []string{
		"secret", "password", "passwd", "pwd", "passphrase", "key", "token", "signature", "credential", "sas", "sig=",
		"connectionstring", "protectedsettings", "commandtoexecute", "customdata", "userdata", "unattend", "bearer", "auth",
	} {
		if strings.Contains(s, w) {
			return true
		}
	}
	// A URL with a user: scheme://name:password@host
	_, after, ok := strings.Cut(s, "://")
	return ok && strings.Contains(after, "@")
}

// found is the offending text as a message shows it: nothing where it, or the
// place where it stands (a pointer, whose last part counts, or the line), may
// be a secret's.
func found(place string, text []byte) string {
	last := place[strings.LastIndexByte(place, '/')+1:]
	shown := quote(text)
	if MayBeSecret(last) || MayBeSecret(shown) {
		return ""
	}
	return shown
}
