package doctree

import (
	"strings"
	"testing"
)

// A message shows the text that it complains about, but not where that text,
// its key or its neighbours may be secret.
func TestMessagesQuoteNoSecrets(t *testing.T) {
	const canary = "hunter2"
	for _, text := range []string{
		`{"osProfile": {"adminPassword": "x" "customData": "` + canary + `"}}`,
		`{"osProfile": {"adminPassword": ` + canary + `}}`,
		`{"osProfile": {"adminPassword": "x"` + canary + `"}}`,
		`{"url": "https://a.example/c" "https://u:` + canary + `@a.example/?sig=x"}`,
		`{"sharedKey": tru` + canary + `}`,
		`{"a": 1} {"connectionString": "` + canary + `"}`,
		`{"adminPassword": "x\` + canary + `"}`,
		"a: 1\nadminPassword: \"" + canary + "\n",
		"a:\n  - {name: x, password: " + canary + "\n",
		"sharedKey: a: " + canary + "\n",
		"sasToken: *" + canary + "\n",
		"password: @" + canary + "\n",
		`<a password="` + canary + `" <b/></a>`,
		`<a><password>` + canary + `</b></a>`,
	} {
		_, err := Read("f", strings.NewReader(text), Limits{})
		switch {
		case err == nil:
			t.Errorf("%s is accepted", text)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := Read("f", strings.NewReader(`{"name": app1}`), Limits{})
	if err == nil || !strings.Contains(err.Error(), "app1") {
		t.Errorf("an innocent text is not shown: %v", err)
	}
}
