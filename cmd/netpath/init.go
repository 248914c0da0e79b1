package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/sim"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

type initFlags struct {
	fileFlags
	asOf string
	file string
}

func (p *program) initCommand() *cobra.Command {
	f := &initFlags{}
	cmd := &cobra.Command{
		Use:   "init FILE|FOLDER|-…",
		Short: "Write a policy file to start from, made for an estate",
		Long: `init writes netpath.yaml with assertions that suit the estate: no management from
the Internet, no entry into subnets that have no public address, machines that can be
backed up. It never overwrites a file. Then it asks them, and prints the waivers that a
strict run (netpath check --ci) would need, ready to paste.`,
		Example: `  netpath init export/
  netpath init export/ --file - > policy.yaml`,
		Args: needInputs,
		RunE: do(func(cmd *cobra.Command, args []string) error { return p.init(cmd, args, f) }),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.file, "file", policyName, "write this `file`; - is standard output")
	f.register(cmd)
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "the `date` taken for today, YYYY-MM-DD (default today)")
	return cmd
}

func (p *program) init(cmd *cobra.Command, paths []string, f *initFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if len(p.output) > 0 {
		return usagef("init writes a policy file: -o has nothing to say; --file says where it goes")
	}
	asOf, err := p.date(f.asOf)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(f.file); f.file != "-" && err == nil {
		return existing(f.file)
	}
	loaded, err := p.load(cmd, paths, &f.fileFlags, false)
	if err != nil {
		return err
	}
	text := policyFor(loaded.Network, paths)
	pol, err := policyText(policyName, strings.NewReader(text), asOf)
	if err != nil {
		return fmt.Errorf("the policy file that was made is not one: %w", err)
	}
	s, err := sim.New(loaded.Network, sim.Options{AsOf: asOf, Strict: true})
	if err != nil {
		return refused(err)
	}
	r, err := rules.Check(cmd.Context(), s, pol.assertions, rules.Options{})
	if err != nil {
		return fmt.Errorf("the policy file that was made does not suit the estate: %w", err)
	}
	if f.file == "-" {
		err = p.writeOut([]byte(text))
	} else {
		err = createWhole(f.file, text)
	}
	if err != nil {
		return err
	}
	p.sayInit(f.file, r)
	var n needed
	for i := range r.Results {
		if x := &r.Results[i]; x.UnderAssumptions {
			n.add(x.Assumptions)
		}
	}
	n.print(p, asOf)
	return nil
}

// sayInit tells how the assertions fare, on standard error.
func (p *program) sayInit(file string, r *rules.Report) {
	if p.quiet {
		return
	}
	if file != "-" {
		p.stderr.say(file + " written")
	}
	bad := r.Count(rules.Fail) + r.Count(rules.Unknown)
	p.stderr.say(fmt.Sprintf("strict: %d assertions: %d met, %d broken, %d undecided", len(r.Results), r.Count(rules.Pass), r.Count(rules.Fail), r.Count(rules.Unknown)))
	if bad > 0 {
		p.stderr.say("netpath check shows why; with --write-baseline it starts from what there is")
	}
}

func existing(name string) error {
	return &exitError{code: exitUsage, err: fmt.Errorf("%s is there, and is not overwritten", name), hint: "--file names another file, - is standard output"}
}

// createWhole writes a new file. It is there complete or not at all.
func createWhole(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return existing(name)
	}
	if err != nil {
		return &outputError{err}
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(name)
		return &outputError{err}
	}
	return nil
}

// policyFor is a policy file for an estate that was read from the paths.
func policyFor(n *topology.Network, paths []string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# yaml-language-server: $schema=%s", schemaURL("policy"))
	say("#")
	say("# What this network promises. netpath check asks it; netpath check --help and")
	say("# docs/commands/check.md describe the words.")
	say("")
	all, one := "vm:*", "app1"
	switch {
	case len(n.VirtualMachines) > 0:
		one = n.VirtualMachines[0].Name
	case len(n.NetworkInterfaces) > 0:
		all, one = "nic:*", n.NetworkInterfaces[0].Name
	default:
		all = ""
	}
	private := privateSubnets(n)
	if all == "" {
		say("# No machine and no interface is in %s: these are examples.", strings.Join(commentTexts(paths), " "))
		say("assertions: []")
	} else {
		say("assertions:")
		say("  # Nobody on the Internet reaches a port that machines are managed by.")
		say("  - id: no-management-from-internet")
		say("    deny: {from: Internet, to: %s, ports: [22, 3389, 5985-5986]}", yamlText(all))
		say("    reason: machines are managed through a bastion or a private network")
	}
	if len(private) > 0 {
		say("")
		say("  # Subnets in which no machine has a public address stay without an entry.")
		say("  - id: private-subnets-stay-private")
		say("    deny:")
		say("      from: Internet")
		say("      to:")
		for _, name := range private {
			say("        - %s", yamlText("subnet:"+name))
		}
		say("      protocol: \"*\"")
		say("    reason: they have no public address today")
	}
	if len(n.VirtualMachines) > 0 {
		say("")
		say("  # Azure Backup works for every machine. netpath backup shows the profiles.")
		say("  - id: backups-are-ready")
		say("    backup-ready: {vms: [\"*\"]}")
		say("    reason: every machine is backed up")
	}
	if all != "" && len(n.NetworkSecurityGroups) > 0 {
		say("")
		say("  # No rule is certainly not what was meant. netpath lint tells more.")
		say("  - id: no-lint-errors")
		say("    lint: {fail-on: error}")
		say("    reason: rules do what they say")
	}
	say("")
	say("# More that engineers assert:")
	say("#")
	say("#  - id: app-reaches-storage")
	say("#    allow: {from: %s, to: Storage, ports: 443}", yamlText(one))
	say("#  - id: nothing-but-https-goes-out")
	say("#    only: {from: %s, to: Internet, services: [tcp/443]}", yamlText(one))
	say("#  - id: nothing-newly-allowed")
	say("#    no-newly-allowed: {baseline: export-of-main/}   # an earlier export")
	say("#  - id: production-is-apart")
	say("#    deny: {from: \"vm:env=test\", to: \"vm:env=prod\", protocol: \"*\"}   # by resource tags")
	say("")
	say("# What is known and accepted for a time; reason, owner and expiry are required.")
	say("#")
	say("# suppressions:")
	say("#  - id: no-management-from-internet")
	say("#    about: %s", yamlText(one))
	say("#    reason: \"\"")
	say("#    owner: \"\"")
	say("#    expires: YYYY-MM-DD")
	say("")
	say("# Assumptions that answers may rest on in a strict run: netpath check --ci prints")
	say("# those that are missing.")
	say("#")
	say("# waivers: []")
	return b.String()
}

func commentTexts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = yamlText(s)
	}
	return out
}

// privateSubnets are the subnets with interfaces of which none has a public
// address or is behind a load balancer, as a selector names them, sorted.
func privateSubnets(n *topology.Network) []string {
	open := map[string]bool{} // a subnet: whether it is open
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			id := c.Subnet.ID()
			if id == "" || id.Parent().Name() == "" {
				continue
			}
			name := id.Parent().Name() + "/" + id.Name()
			open[name] = open[name] || !c.PublicIPAddress.IsZero() || c.PublicIPUnknown || len(c.BackendPools) > 0 || len(c.InboundNATRules) > 0
		}
	}
	for _, lb := range n.LoadBalancers {
		for _, pool := range lb.BackendPools {
			for _, r := range pool.IPConfigurations {
				if c, ok := topology.Lookup[*topology.IPConfiguration](n, r); ok {
					open[c.Subnet.ID().Parent().Name()+"/"+c.Subnet.ID().Name()] = true
				}
			}
			for _, r := range pool.Interfaces {
				if nic, ok := topology.Lookup[*topology.NetworkInterface](n, r); ok {
					for _, c := range nic.IPConfigurations {
						open[c.Subnet.ID().Parent().Name()+"/"+c.Subnet.ID().Name()] = true
					}
				}
			}
			for _, a := range pool.Addresses {
				for _, o := range n.Owners(a) {
					id := o.Configuration.Subnet.ID()
					open[id.Parent().Name()+"/"+id.Name()] = true
				}
			}
		}
	}
	var out []string
	for name, is := range open {
		if !is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
