package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
)

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "netpath",
		Short: "What Azure's network will do with a packet, from exported state",
		Long: `netpath answers, offline and exactly, what Azure's network will do with a packet:
it reads exported NSGs, virtual networks, interfaces and route tables, service tag
files and design files, and says Allow, Deny or Unknown, with every gate on the way.`,
		Example: `  netpath trace export/ --from app1 --to Storage.WestEurope --port 443
  netpath ip-flow nsg.json --nsg NSG-lockdown --direction Outbound --local 10.0.0.5:50000 --remote 52.239.140.10:443
  netpath tags lookup 52.239.140.10 --service-tags ServiceTags_Public.json`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          group,
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringArrayVarP(&p.output, "output", "o", nil, "`format` of the result: "+strings.Join(report.Formats(), ", ")+", and of check and lint "+strings.Join(report.CheckFormats()[len(report.Formats()):], ", ")+"; format=file writes it to a file; repeatable (default text)")
	f.StringVar(&p.color, "color", "auto", "`when` to paint text output: auto, always, never")
	f.BoolVar(&p.quiet, "quiet", false, "print results and errors, but no warnings and remarks")
	f.DurationVar(&p.timeout, "timeout", 0, "give up after this `time`, like 90s or 5m: exit 70, no report is written (default no limit)")
	f.BoolVarP(&p.verbose, "verbose", "v", false, "show every part of an answer hop by hop; print the inputs with their SHA-256, all remarks and the counts of what was read, on standard error")
	complete(root, "output", report.CheckFormats()...)
	complete(root, "color", "auto", "always", "never")
	root.AddCommand(p.ipFlowCommand(), p.traceCommand(), p.effectiveRulesCommand(), p.effectiveRoutesCommand(), p.tagsCommand(), p.backupCommand(), p.reachCommand(), p.diffCommand(), p.fixCommand(), p.optimizeCommand(), p.lintCommand(), p.checkCommand(), p.initCommand(), p.schemaCommand(), p.redactCommand(), p.selftestCommand(), p.limitsCommand(), p.explainCommand(), p.versionCommand())
	return root
}

// group is the body of a command that only holds others: a word after it is
// none of them, and no word is no answer.
func group(cmd *cobra.Command, args []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if len(args) == 0 {
		return usagef("%s needs a command: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	return usagef("%q is not a command of %s%s", args[0], cmd.CommandPath(), didYouMean(args[0], names))
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about a command",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 || found == nil {
				return usagef("there is no command %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// flagError adds the nearest flag to cobra's complaint about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return &exitError{code: exitUsage, err: err}
	}
	return usagef("there is no flag --%s%s", name, didYouMean("--"+name, flagNames(cmd)))
}

// oneOf checks a flag whose values are words; letter case does not count.
func oneOf(flag, value string, words ...string) (string, error) {
	for _, w := range words {
		if strings.EqualFold(w, value) {
			return w, nil
		}
	}
	return "", usagef("--%s %q: expected %s%s", flag, value, strings.Join(words, ", "), didYouMean(value, words))
}

// complete gives a flag the words that the shell offers for it.
func complete(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(fmt.Sprintf("flag %s of %s: %v", flag, cmd.Name(), err)) // a flag that the command does not have: a mistake of ours
	}
}
