package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/flow"
)

func (p *program) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [CODE…]",
		Short: "Explain the codes and assumptions of answers",
		Long: `explain says what a code of an answer, or an assumption, means, and what settles or
mends it. Without a code it lists all.`,
		Example: `  netpath explain NSG_RULE_DENY
  netpath explain LEARNED_ROUTES_MISSING -o json
  netpath explain`,
		Args: cobra.ArbitraryArgs,
		RunE: do(func(_ *cobra.Command, args []string) error {
			list, err := explained(args)
			if err != nil {
				return err
			}
			return p.write(func(w *report.Writer) error { return w.Explanations(list) })
		}),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return codes(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	return cmd
}

// explained are the explanations of the codes, in any letter case; of all,
// where none is named.
func explained(names []string) ([]flow.Explanation, error) {
	all := flow.Explanations()
	if len(names) == 0 {
		return all, nil
	}
	var out []flow.Explanation
	for _, name := range names {
		i := slices.IndexFunc(all, func(e flow.Explanation) bool { return strings.EqualFold(e.Code, name) })
		if i < 0 {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("there is no code %q%s", name, didYouMean(strings.ToUpper(name), codes()))}
		}
		out = append(out, all[i])
	}
	return out, nil
}

func codes() (list []string) {
	for _, e := range flow.Explanations() {
		list = append(list, e.Code)
	}
	return list
}
