package caddymodule

import (
	"fmt"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/login/presets"
)

// presetCommands are the commands about known apps.
func presetCommands() command {
	return command{
		name: "preset", short: "What is known of real apps: lists the presets, or shows the words of one",
		long: `A preset is what the Caddyfile says about a known app, for the word 'preset <name>' inside second_factor.

'preset list' prints the names of all, with the versions that each was tried on. 'preset show <name>' prints one, as it could
stand in the Caddyfile itself: to read what it shuts and what it cannot, or to start one of your own from the nearest.`,
		inner: []command{
			{name: "list", short: "Names of all presets", set: func(made *cobra.Command) {
				made.Args, made.RunE = cobra.NoArgs, listPresets
			}},
			{name: "show", usage: "<name>", short: "The words of one", set: func(made *cobra.Command) {
				made.Args, made.RunE = cobra.ExactArgs(1), showPreset
			}},
		},
	}
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
