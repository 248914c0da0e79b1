package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology/load"
)

// readable are files of every kind.
func readable() map[string]string {
	return map[string]string{
		"REST":             group(rule()),
		"an estate":        restEstate,
		"a design":         wholeDesign,
		"an effective NSG": exported,
		"service tags":     `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "T", "id": "T", "properties": {"changeNumber": 1, "region": "", "regionId": 0, "platform": "Azure", "systemService": "", "addressPrefixes": ["10.0.0.0/8", "2001:db8::/32"], "networkFeatures": []}}]}`,
		"datacenters":      `<?xml version="1.0" encoding="utf-8"?><AzurePublicIpAddresses><Region Name="europewest"><IpRange Subnet="13.69.0.0/17"/></Region></AzurePublicIpAddresses>`,
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A reader that fails, after however many bytes, gives a refusal and no part
// of an estate; one that gives few bytes at a time gives the same estate.
func TestAReaderThatFailsGivesNoEstate(t *testing.T) {
	broken := errors.New("the disk is broken")
	read := func(r io.Reader) (*load.Result, error) {
		return load.Estate(context.Background(), []string{"-"}, load.Options{Stdin: r})
	}
	model := func(t *testing.T, res *load.Result, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(res.Network)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for kind, text := range readable() {
		for form, text := range map[string]string{"": text, ", packed": packed(t, text)} {
			t.Run(kind+form, func(t *testing.T) {
				res, err := read(strings.NewReader(text))
				want := model(t, res, err)
				for name, r := range map[string]io.Reader{
					"byte by byte": iotest.OneByteReader(strings.NewReader(text)), "in halves": iotest.HalfReader(strings.NewReader(text)),
					"the end with the last bytes": iotest.DataErrReader(strings.NewReader(text)),
				} {
					res, err := read(r)
					if diff := cmp.Diff(want, model(t, res, err)); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
				}
				for n := 0; n <= len(text); n += max(1, len(text)/150) {
					for name, r := range map[string]io.Reader{
						"": iotest.ErrReader(broken), " with the last bytes": iotest.DataErrReader(iotest.ErrReader(broken)), ", in time": iotest.TimeoutReader(iotest.ErrReader(broken)),
					} {
						res, err := read(io.MultiReader(iotest.HalfReader(strings.NewReader(text[:n])), r))
						if err == nil || res != nil {
							t.Fatalf("fails%s after %d of %d bytes: %v, an estate %v", name, n, len(text), err, res != nil)
						}
					}
				}
			})
		}
	}
}
