package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

func unknownTag() *Rule {
	return &Rule{
		ID: "NP1102", Name: "unknown-tag", Severity: Warning,
		Short: "A rule or route names a service tag that the service tag file does not hold",
		Why: `Azure refuses a rule whose tag it does not know (SecurityRuleInvalidAddressPrefix), and no answer that turns on such a tag can be given. Often it is a misspelling, a tag of another cloud, or a service that has no tag for the region.

A tag newer than the file is not in it either: the finding names the file. Of tags that are in the file without the network feature NSG it is said, as a note, that a rule may not be able to name them.`,
		Fix: "Write the name as the service tag file has it, or load a newer file.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-storage, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Storage.WestEurop, destinationPortRange: "443"}
`,
		ExampleTags: exampleTags,
		check:       checkUnknownTag,
	}
}

// builtIn are the tags that no file lists (TAG).
var builtIn = []string{"VirtualNetwork", "Internet", "AzureLoadBalancer", "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM"}

// nearly reports whether a tag is a built-in one but for a slip of the keys.
func nearly(tag, builtIn string) bool {
	return levenshtein.ComputeDistance(strings.ToLower(tag), strings.ToLower(builtIn)) <= 2
}

// clouds are the names that service tag files give Azure's clouds.
var clouds = []string{"Public", "AzureGovernment", "AzureGermany", "China"}

// cloudOf is the cloud of a region, by its ARM name.
func cloudOf(region string) string {
	switch {
	case strings.HasPrefix(region, "usgov"), strings.HasPrefix(region, "usdod"):
		return "AzureGovernment"
	case strings.HasPrefix(region, "china"):
		return "China"
	case region == "germanycentral", region == "germanynortheast":
		return "AzureGermany"
	default:
		return "Public"
	}
}

func isBuiltIn(tag string) bool {
	return slices.ContainsFunc(builtIn, func(b string) bool { return strings.EqualFold(b, strings.TrimSpace(tag)) })
}

func checkUnknownTag(run *Run, report func(Finding)) {
	n := run.Network
	look := func(owner *topology.Element, part, what string, origin topology.Origin, nsg bool, list []topology.AddressPrefix) {
		for i := range list {
			a := &list[i]
			named := func(b topology.AddressPrefix) bool {
				return b.Kind == topology.TagAddress && strings.EqualFold(b.Tag, a.Tag)
			}
			if a.Kind != topology.TagAddress || isBuiltIn(a.Tag) || slices.ContainsFunc(list[:i], named) {
				continue
			}
			if f := run.unknownTag(a.Tag, what, nsg); f != nil {
				f.Subject, f.Name, f.Detail, f.Origin = owner.ID(), part, a.Tag, origin
				report(*f)
			}
		}
	}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			look(&g.Element, r.Name, ruleName(r), r.Origin, true, slices.Concat(r.Source.Prefixes, r.Destination.Prefixes))
		}
	}
	for _, r := range n.AdminRules {
		look(&r.Element, "", "admin rule "+quoted(r.Name), r.Origin, true, slices.Concat(r.Source.Prefixes, r.Destination.Prefixes))
	}
	for _, t := range n.RouteTables {
		for _, r := range t.Routes {
			look(&t.Element, r.Name, "route "+quoted(r.Name), r.Origin, false, []topology.AddressPrefix{r.Destination})
		}
	}
	for _, fw := range n.AzureFirewalls {
		for _, c := range fw.Collections {
			for _, r := range c.Rules {
				look(&fw.Element, r.Name, "firewall rule "+quoted(r.Name), r.Origin, false, slices.Concat(r.Sources, r.Destinations))
			}
		}
	}
	for _, p := range n.FirewallPolicies {
		for _, c := range p.Collections {
			for _, r := range c.Rules {
				look(&p.Element, r.Name, "firewall rule "+quoted(r.Name), r.Origin, false, slices.Concat(r.Sources, r.Destinations))
			}
		}
	}
}

// unknownTag says what is the matter with a tag, nil where nothing is.
func (run *Run) unknownTag(tag, what string, nsg bool) *Finding {
	file := run.Network.ServiceTags
	if file == nil {
		// Without a file only what is nearly the name of a built-in tag stands out.
		for _, b := range builtIn {
			if nearly(tag, b) {
				return &Finding{Severity: Note, Undecided: true, Text: what + " names the tag " + quoted(tag) + ", which may be a misspelling of " + b,
					Fix: "Write " + b + ", or load a service tag file (--service-tags) in which the tag can be looked up."}
			}
		}
		return nil
	}
	index := run.Sim.Names().Index()
	if t, ok := index.Tag(tag); ok {
		if nsg && len(t.NetworkFeatures) == 0 && run.featuresGiven() {
			fix := "Check that Azure takes it (az network list-service-tags lists the tags that rules can name)."
			if i := strings.IndexByte(t.Name, '.'); i > 0 {
				fix = "Name the tag " + t.Name[:i] + ", of all regions, or check that Azure takes this one (az network list-service-tags lists the tags that rules can name)."
			}
			return &Finding{Severity: Note, Undecided: true, Text: what + " names the service tag " + t.Name + ", of which " + run.tagFile() + " does not say that rules can name it", Fix: fix}
		}
		return nil
	}
	f := &Finding{Text: what + " names the service tag " + quoted(tag) + ", which is not in " + run.tagFile(), Undecided: file.Cut}
	if file.Cut {
		f.Text += ", of which other pages are missing"
	}
	if dot := strings.LastIndexByte(tag, '.'); dot > 0 {
		service, region := tag[:dot], tag[dot+1:]
		if t, ok := index.Tag(service); ok {
			arm, known := servicetag.Location(region)
			switch {
			case known && slices.Contains(clouds, file.Cloud) && cloudOf(arm) != file.Cloud:
				f.Text += ": " + arm + " is a region of the cloud " + cloudOf(arm)
				f.Fix = "Name a region of this cloud, or load the service tag file of the cloud " + cloudOf(arm) + "."
			case known:
				f.Text += ": it has no " + t.Name + " for " + arm
				f.Fix = "Name the tag " + t.Name + ", of all regions, or load a newer service tag file."
			}
		}
	}
	if f.Fix == "" {
		near := index.Nearest(tag, 3)
		for _, b := range builtIn {
			if nearly(tag, b) {
				near = slices.Insert(near, 0, b)
			}
		}
		if len(near) > 0 {
			f.Fix = "Write the name as the file has it; the nearest: " + strings.Join(near, ", ") + "."
		}
	}
	return f
}

// featuresGiven reports whether the service tag file says of any tag what can
// name it; files of 2019 do not.
func (run *Run) featuresGiven() bool {
	return slices.ContainsFunc(run.Network.ServiceTags.Tags, func(t *topology.ServiceTag) bool { return len(t.NetworkFeatures) > 0 })
}

// tagFile is "the service tag file (Public, change 375)".
func (run *Run) tagFile() string {
	c := run.Sim.Catalogue()
	text := "the service tag file (" + c.Cloud
	if c.ChangeNumber > 0 {
		text += ", change " + strconv.Itoa(c.ChangeNumber)
	}
	if c.Date != "" {
		text += ", " + c.Date
	}
	return text + ")"
}
