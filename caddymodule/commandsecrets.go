package caddymodule

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/factor/filestore"
)

// secretsCommands are the commands about where second factors are kept.
func secretsCommands() command {
	return command{
		name: "secrets", short: "Begins anew, or moves, where second factors are kept",
		inner: []command{initCommand(), moveCommand()},
	}
}

func initCommand() command {
	return command{
		name: "init", usage: "[--config <file>]", short: "Makes a new secrets file, in which nobody is enrolled",
		long: `Makes the secrets file that the configuration names, in which nobody is enrolled, and its key, unless that is there already.

A gateway does so by itself only where it finds neither of the two. Where the key is there and the file is not, the file was lost or is
not mounted, and a new one would let everybody in with the password alone: restore it if you can. A file that is there is never
replaced. Run this as the user that the gateway runs as, for the files are readable by their owner only.`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.RunE = func(made *cobra.Command, _ []string) error { return initSecrets(made) }
		},
	}
}

// initSecrets creates the secrets file of a command's configuration.
func initSecrets(command *cobra.Command) error {
	module, raw, err := configured(command)
	if err != nil {
		return err
	}
	file := new(SecretsFile)
	switch module {
	case "": // the gateway's default, which is `secrets file`
	case "file":
		if err := json.Unmarshal(raw, file); err != nil {
			return fmt.Errorf("reading the configuration: secrets file: %w", err)
		}
	default:
		return fmt.Errorf("the configuration keeps secrets elsewhere: it says `secrets %s`", module)
	}
	path, keyFile, err := file.places()
	if err != nil {
		return fmt.Errorf("secrets file: %w", err)
	}
	if err := filestore.Init(path, filestore.Options{KeyFile: keyFile}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(command.OutOrStdout(), "%s is a new secrets file, in which nobody is enrolled. Its key is %s.\n", path, keyFile)
	return err
}
