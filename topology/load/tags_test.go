package load_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// badTag is a service tag file whose tag B has a malformed prefix and whose
// tag C has host bits.
const badTag = `{
  "changeNumber": 1,
  "cloud": "Public",
  "values": [
    {"name": "A", "properties": {"systemService": "S", "addressPrefixes": ["1.0.0.0/8"]}},
    {"name": "B", "properties": {"systemService": "S", "addressPrefixes": ["2.0.0.0/8",
      "3.0.0.0/33"]}},
    {"name": "C", "properties": {"systemService": "S", "addressPrefixes": ["4.0.0.1/8"]}}
  ]
}
`

const badTagRefusal = `:7:7 (/values/1/properties/addressPrefixes/1): expected a prefix length from 0 to 32, found "3.0.0.0/33"`

func TestATagWithAMalformedPrefixIsRefusedAlone(t *testing.T) {
	path := filepath.Join(files(t, map[string]string{"tags_20251028.json": badTag}), "tags_20251028.json")
	for name, open := range map[string]func(load.Options) (*load.Result, error){
		"recognised": func(o load.Options) (*load.Result, error) {
			return load.Estate(context.Background(), []string{path}, o)
		},
		"named": func(o load.Options) (*load.Result, error) {
			o.ServiceTags = []string{path}
			return load.Estate(context.Background(), nil, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := open(load.Options{})
			if err != nil {
				t.Fatal(err)
			}
			tags := res.Network.ServiceTags.Tags
			var refusal *doctree.Error
			if len(tags) != 3 || !errors.As(tags[1].Refused, &refusal) || tags[1].Refused.Error() != path+badTagRefusal {
				t.Errorf("%v", tags[1].Refused)
			}
			if tags[1].Prefixes != "" || tags[0].Refused != nil || tags[0].Prefixes.Len() != 1 || tags[2].Refused != nil || tags[2].Prefixes.Len() != 1 {
				t.Errorf("%+v %+v %+v", tags[0], tags[1], tags[2])
			}
			if len(res.Diagnostics) != 1 || len(said(res, "host bits")) != 1 {
				t.Error(messages(res))
			}
			sums(t, res)
			if _, err := open(load.Options{AllTags: true}); err == nil || err.Error() != path+badTagRefusal {
				t.Errorf("with all tags: %v", err)
			}
			res, err = open(load.Options{KeepGoing: true})
			if err != nil || len(res.Refused) != 1 || res.Refused[0].Error() != path+badTagRefusal || res.Network.ServiceTags != nil {
				t.Errorf("when going on: %v %v", err, res.Refused)
			}
		})
	}
}

func TestTheCacheChangesNothingThatIsRead(t *testing.T) {
	good := strings.NewReplacer("/33", "/32", "4.0.0.1/8", "4.0.0.0/8").Replace(badTag)
	dir := files(t, map[string]string{"tags_20251028.json": good, "nsg.json": group(rule())})
	cache := filepath.Join(t.TempDir(), "cache")
	var want *load.Result
	for _, opt := range []load.Options{{}, {TagCache: cache}, {TagCache: cache}} {
		res, err := load.Estate(context.Background(), []string{dir}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = res
		}
		if diff := cmp.Diff(want.Network.ServiceTags, res.Network.ServiceTags); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want.Inputs, res.Inputs); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want.Ledger, res.Ledger); diff != "" || len(res.Diagnostics) > 0 {
			t.Error(diff, messages(res))
		}
	}
	if kept, err := os.ReadDir(cache); err != nil || len(kept) != 1 {
		t.Errorf("%v %v", kept, err)
	}
	if res, err := load.Estate(context.Background(), []string{dir}, load.Options{SkipSHA256: true}); err != nil || res.Inputs[0].SHA256+res.Inputs[1].SHA256 != "" {
		t.Errorf("%v", err)
	}
	// Limits are kept by the strict reader.
	if _, err := load.Estate(context.Background(), []string{dir}, load.Options{TagCache: cache, Limits: doctree.Limits{FileBytes: 100}}); err == nil {
		t.Error("a file above the limit was read from the cache")
	}
}

func TestAChangedTagFileIsReadAfresh(t *testing.T) {
	good := strings.NewReplacer("/33", "/32", "4.0.0.1/8", "4.0.0.0/8").Replace(badTag)
	dir := files(t, map[string]string{"tags.json": good})
	opt := load.Options{TagCache: filepath.Join(t.TempDir(), "cache")}
	for _, text := range []string{good, strings.Replace(good, "1.0.0.0/8", "5.0.0.0/8", 1), badTag, good} {
		if err := os.WriteFile(filepath.Join(dir, "tags.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		res, err := load.Estate(context.Background(), []string{dir}, opt)
		if err != nil {
			t.Fatal(err)
		}
		tags := res.Network.ServiceTags.Tags
		want := topology.MakePrefixList(tags[0].Prefixes.Slice()...)
		if !strings.Contains(text, tags[0].Prefixes.Slice()[0].String()) || want != tags[0].Prefixes || (tags[1].Refused != nil) != (text == badTag) {
			t.Errorf("%v %v", tags[0].Prefixes.Slice(), tags[1].Refused)
		}
	}
}
