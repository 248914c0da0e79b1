package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/internal/selftest"
)

func (p *program) selftestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "selftest",
		Short: "Ask the questions whose answers this binary carries",
		Long: `selftest asks the simulator of this binary some thousand questions and compares its
answers with those that come with the binary: exported estates, questions and
verdicts that an evaluator wrote that shares no code with the simulator, and the
golden tests of the specification of Azure's behaviour. An answer
that is Unknown, or rests on an assumption, where the verdict is known counts as
cautious; any other difference is exit 1.`,
		Example: `  netpath selftest
  netpath selftest -o json`,
		Args: noArgs,
		RunE: do(func(cmd *cobra.Command, _ []string) error {
			corpus, err := selftest.Read()
			if err != nil {
				return &exitError{code: exitInternal, err: err}
			}
			out, err := corpus.Run(cmd.Context())
			if err != nil {
				return &exitError{code: exitInternal, err: err}
			}
			r := report.Selftest{Cases: out.Cases, Estates: out.Estates, Equal: out.Equal, Cautious: out.Cautious, Wrong: out.Wrong}
			if err := p.write(func(w *report.Writer) error { return w.Selftest(r) }); err != nil {
				return err
			}
			if len(out.Wrong) > 0 {
				return &exitError{code: exitBroken}
			}
			return nil
		}),
	}
}
