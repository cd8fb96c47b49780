package caddymodule

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"sallyport/login/presets"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: "preset", Usage: "list | show <name>", Short: "What is known of real apps: lists the presets, or shows the words of one",
		Long: `
A preset is what the Caddyfile says about a known app, for the word 'preset <name>' inside second_factor.

'preset list' prints the names of all, with the versions that each was tried on. 'preset show <name>' prints one, as it could
stand in the Caddyfile itself: to read what it shuts and what it cannot, or to start one of your own from the nearest.`,
		CobraFunc: func(command *cobra.Command) {
			command.SilenceUsage = true
			command.AddCommand(
				&cobra.Command{Use: "list", Short: "Names of all presets", Args: cobra.NoArgs, RunE: listPresets},
				&cobra.Command{Use: "show <name>", Short: "The words of one", Args: cobra.ExactArgs(1), RunE: showPreset},
			)
		},
	})
}

func listPresets(command *cobra.Command, _ []string) error {
	for _, name := range presets.Names() {
		if _, err := fmt.Fprintf(command.OutOrStdout(), "%-16s %s\n", name, presets.About(name)); err != nil {
			return err
		}
	}
	return nil
}

func showPreset(command *cobra.Command, arguments []string) error {
	text, err := presets.Text(arguments[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(command.OutOrStdout(), text)
	return err
}
