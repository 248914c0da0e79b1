package main

import "github.com/spf13/cobra"

func (p *program) tagsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tags",
		Short: "Look into service tags and datacenter ranges",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	return cmd
}
