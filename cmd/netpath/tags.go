package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

func (p *program) tagsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tags",
		Short: "Look into service tags and datacenter ranges",
		Long: `tags looks into service tag files and Azure datacenter ranges. The files are named by
--service-tags and --datacenter-ranges; what stands after the command is what is asked.`,
		Example: `  netpath tags lookup 52.239.140.10 --service-tags ServiceTags_Public.json
  netpath tags show Storage.WestEurope --service-tags ServiceTags_Public.json
  netpath tags list --region westeurope --service-tags ServiceTags_Public.json
  netpath tags diff ServiceTags_Public_20251021.json ServiceTags_Public_20251028.json`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(p.tagsLookupCommand(), p.tagsShowCommand(), p.tagsListCommand(), p.tagsDiffCommand())
	return cmd
}

func (p *program) tagsLookupCommand() *cobra.Command {
	f := &fileFlags{}
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS…",
		Short: "Say which tags and datacenter regions hold an address",
		Long: `lookup lists every service tag and datacenter region that holds an address, the most
specific first.`,
		Example: `  netpath tags lookup 52.239.140.10 --service-tags ServiceTags_Public.json
  netpath tags lookup 13.69.0.1 2603:1020:206::1 --service-tags ServiceTags_Public.json --datacenter-ranges PublicIPs.xml -o json`,
		Args: needArgs("addresses"),
		RunE: do(func(cmd *cobra.Command, args []string) error {
			var results []report.TagLookup
			for _, arg := range args {
				a, err := parseAddress(arg)
				if err != nil {
					return usagef("%w", err)
				}
				results = append(results, report.TagLookup{Address: a})
			}
			files, err := p.tagFiles(cmd, f)
			if err != nil {
				return err
			}
			for i := range results {
				results[i].Matches = lookup(files, &results[i])
			}
			return p.write(func(w *report.Writer) error { return w.TagLookups(results) })
		}),
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// lookup is what the files know of an address, the most specific first.
func lookup(files []*tagFile, l *report.TagLookup) []report.TagMatch {
	var out []report.TagMatch
	for _, f := range files {
		for _, m := range f.index.Lookup(l.Address) {
			out = append(out, report.TagMatch{Match: m, File: f.name})
		}
	}
	slices.SortStableFunc(out, func(a, b report.TagMatch) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	return out
}

func (p *program) tagsShowCommand() *cobra.Command {
	f := &fileFlags{}
	cmd := &cobra.Command{
		Use:   "show TAG…",
		Short: "List the prefixes of a tag or datacenter region",
		Long: `show lists the prefixes of a service tag or a datacenter region, in the order of the
file. A region may have its backend name (europewest) or its ARM name (westeurope).`,
		Example: `  netpath tags show Storage.WestEurope --service-tags ServiceTags_Public.json
  netpath tags show europewest --datacenter-ranges PublicIPs.xml -o table`,
		Args: needArgs("tags"),
		RunE: do(func(cmd *cobra.Command, args []string) error {
			files, err := p.tagFiles(cmd, f)
			if err != nil {
				return err
			}
			var tags []report.Tag
			for _, arg := range args {
				found := show(files, arg)
				if len(found) == 0 {
					return usagef("%q is neither a service tag nor a datacenter region of these files%s", arg, nearestTags(files, arg))
				}
				tags = append(tags, found...)
			}
			return p.write(func(w *report.Writer) error { return w.Tags(tags) })
		}),
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// show is what the files have under a name.
func show(files []*tagFile, name string) []report.Tag {
	var out []report.Tag
	for _, f := range files {
		if t, ok := f.index.Tag(name); ok {
			out = append(out, report.TagOf(t))
		}
		if r, ok := f.index.Region(name); ok {
			out = append(out, report.RegionOf(r))
		}
	}
	return out
}

// nearestTags names what a misspelt tag may have meant.
func nearestTags(files []*tagFile, name string) string {
	var names []string
	for _, f := range files {
		for _, n := range f.index.Nearest(name, 3) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; nearest: " + strings.Join(names, ", ")
}

func (p *program) tagsListCommand() *cobra.Command {
	f := &fileFlags{}
	var region, service string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tags and datacenter regions of the files",
		Example: `  netpath tags list --service-tags ServiceTags_Public.json
  netpath tags list --region westeurope --service Storage --service-tags ServiceTags_Public.json -o ndjson`,
		Args: noArgs,
		RunE: do(func(cmd *cobra.Command, _ []string) error {
			files, err := p.tagFiles(cmd, f)
			if err != nil {
				return err
			}
			var tags []report.Tag
			for _, f := range files {
				tags = append(tags, f.list(region, service)...)
			}
			if err := p.write(func(w *report.Writer) error { return w.TagList(tags) }); err != nil {
				return err
			}
			if len(tags) == 0 {
				p.warn("nothing in these files fits")
				return ended(exitUndecided)
			}
			return nil
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&region, "region", "", "only those of this `region`, by any of its names")
	fs.StringVar(&service, "service", "", "only those of this `service`: AzureStorage or Storage")
	f.register(cmd)
	return cmd
}

func (p *program) tagsDiffCommand() *cobra.Command {
	f := &fileFlags{}
	var estate, profiles []string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which prefixes the tags gained and lost between two files",
		Long: `diff compares two service tag files, or two files of datacenter ranges: which prefixes
each tag gained and lost. Prefixes are compared as written: a block that was cut in two
is one lost and two gained. With --estate it also says which machines' backup fares
differently with the new file.`,
		Example: `  netpath tags diff ServiceTags_Public_20251021.json ServiceTags_Public_20251028.json
  netpath tags diff old.json new.json --estate export/ --estate overlay.yaml
  netpath tags diff old.json new.json -o json=changes.json -o text`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s needs two files, the old and the new one", cmd.CommandPath())
			}
			return nil
		},
		RunE: do(func(cmd *cobra.Command, args []string) error {
			d, pair, err := p.tagDiff(cmd, args[0], args[1], f)
			if err != nil {
				return err
			}
			if len(estate) > 0 {
				if d.Backup, err = p.backupDiff(cmd, estate, f, pair, profiles); err != nil {
					return err
				}
			}
			return p.write(func(w *report.Writer) error { return w.TagDiff(d) })
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&estate, "estate", nil, "exported files or a `folder` whose machines are asked with both files; repeatable")
	registerProfiles(cmd, &profiles)
	f.registerLimits(cmd)
	return cmd
}

// tagDiff says what changed between two files of tags or ranges.
func (p *program) tagDiff(cmd *cobra.Command, old, new string, f *fileFlags) (d report.TagDiff, pair [2]*tagFile, err error) {
	for i, name := range []string{old, new} {
		if pair[i], err = p.tagFile(cmd, name, []string{name}, &fileFlags{limits: f.limits, noCache: f.noCache, allTags: true}); err != nil {
			return d, pair, err
		}
	}
	if (pair[0].tags == nil) != (pair[1].tags == nil) {
		return d, pair, usagef("%s and %s are of two kinds: compare two service tag files, or two of datacenter ranges", old, new)
	}
	return report.TagDiff{Old: pair[0].describe(), New: pair[1].describe(), Changes: servicetag.Diff(pair[0].catalogue(), pair[1].catalogue())}, pair, nil
}

// backupDiff reports on the machines of an estate with the old and with the
// new file, whatever file of the kind is among the estate's own.
func (p *program) backupDiff(cmd *cobra.Command, paths []string, f *fileFlags, pair [2]*tagFile, profiles []string) (*report.BackupDiff, error) {
	if err := knownProfiles(profiles); err != nil {
		return nil, err
	}
	r, err := p.load(cmd, paths, &fileFlags{limits: f.limits, noCache: f.noCache}, false)
	if err != nil {
		return nil, err
	}
	today, err := p.date("")
	if err != nil {
		return nil, err
	}
	var reports [2]*backup.Report
	for i, file := range pair {
		n, err := withFile(r.Network, file)
		if err != nil {
			return nil, err
		}
		s, err := sim.New(n, sim.Options{AsOf: today})
		if err != nil {
			return nil, refused(err)
		}
		if reports[i], err = backup.Examine(cmd.Context(), s, backup.Options{Profiles: profiles}); err != nil {
			return nil, err
		}
	}
	return &report.BackupDiff{Machines: len(reports[0].VMs), Changes: backup.Compare(reports[0], reports[1])}, nil
}

// withFile is the estate with the tags or ranges of a file in the place of its
// own.
func withFile(n *topology.Network, f *tagFile) (*topology.Network, error) {
	data := topology.Data{
		EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps,
	}
	if f.tags != nil {
		data.ServiceTags = f.tags
	} else {
		data.DatacenterRanges = f.ranges
	}
	return topology.NewNetwork(data, slices.Collect(n.All)...)
}

// tagFile is one file of tags or ranges.
type tagFile struct {
	name   string
	tags   *topology.ServiceTagCatalogue // or
	ranges *topology.DatacenterRanges
	index  *servicetag.Index
}

// tagFiles reads the files that the flags name, each for itself.
func (p *program) tagFiles(cmd *cobra.Command, f *fileFlags) ([]*tagFile, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if len(f.serviceTags)+len(f.datacenterRanges) == 0 {
		return nil, usagef("%s needs --service-tags or --datacenter-ranges", cmd.CommandPath())
	}
	var files []*tagFile
	for _, name := range f.serviceTags {
		file, err := p.tagFile(cmd, name, nil, &fileFlags{serviceTags: []string{name}, limits: f.limits, noCache: f.noCache, allTags: true})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	for _, name := range f.datacenterRanges {
		file, err := p.tagFile(cmd, name, nil, &fileFlags{datacenterRanges: []string{name}, limits: f.limits, noCache: f.noCache, allTags: true})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func (p *program) tagFile(cmd *cobra.Command, name string, paths []string, f *fileFlags) (*tagFile, error) {
	r, err := p.load(cmd, paths, f, false)
	if err != nil {
		return nil, err
	}
	n := r.Network
	if n.ServiceTags == nil && n.DatacenterRanges == nil {
		return nil, usagef("%s holds neither service tags nor datacenter ranges", name)
	}
	return &tagFile{name: name, tags: n.ServiceTags, ranges: n.DatacenterRanges, index: servicetag.New(n.ServiceTags, n.DatacenterRanges)}, nil
}

// list is what the file has of a region and a service; "" is all.
func (f *tagFile) list(region, service string) []report.Tag {
	var out []report.Tag
	for _, t := range f.index.Tags(region, service) {
		out = append(out, report.TagOf(t))
	}
	if f.ranges == nil || service != "" {
		return out
	}
	for _, r := range f.ranges.Regions {
		if region != "" {
			if x, ok := f.index.Region(region); !ok || x != r {
				continue
			}
		}
		out = append(out, report.RegionOf(r))
	}
	return out
}

func (f *tagFile) describe() report.TagFile {
	d := report.TagFile{File: f.name}
	var date time.Time
	switch {
	case f.tags != nil:
		d.Cloud, d.ChangeNumber, date = f.tags.Cloud, f.tags.ChangeNumber, f.tags.Date
	case f.ranges != nil:
		date = f.ranges.Date
	}
	if !date.IsZero() {
		d.Date = date.Format(time.DateOnly)
	}
	return d
}

// catalogue is the file as service tags: a datacenter region is the tag of its
// backend name.
func (f *tagFile) catalogue() *topology.ServiceTagCatalogue {
	if f.tags != nil {
		return f.tags
	}
	c := &topology.ServiceTagCatalogue{}
	for _, r := range f.ranges.Regions {
		c.Tags = append(c.Tags, &topology.ServiceTag{Name: r.Name, Region: r.Location, Prefixes: topology.MakePrefixList(r.Prefixes...), Origin: r.Origin})
	}
	return c
}

// write writes a result that ends the run with exit 0.
func (p *program) write(body func(*report.Writer) error) error {
	outs, err := p.openOutputs(report.Options{})
	if err != nil {
		return err
	}
	return outs.write(body)
}

// needArgs is the Args check of commands that take a list.
func needArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
