package lint

import "testing"

func TestStrayBlanksAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "allow-proxy": "", "allow proxy": "", "allow-proxy ": "at its end", " allow-proxy": "at its beginning", " a ": "at both ends",
		"allow  proxy": "inside that are not single", "allow\tproxy": "inside that are not single", "a\u00a0b": "inside that are not single",
	} {
		if got := strayBlank(text); got != want {
			t.Errorf("%q has blanks %q, wanted %q", text, got, want)
		}
	}
}

func TestBlanksAroundAnAddressAreANote(t *testing.T) {
	expect(t, design(t, "NP1107", outbound(`"Internet "`)), `note rule "r0" (Outbound, 100, Allow) writes the address "Internet ", which has blanks at its end`)
}
