package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/vaultstore"
)

// vaultCommands are the commands about Vault.
func vaultCommands() command {
	return command{
		name: "vault", short: "Checks Vault, prints its policy, changes the key of sessions",
		inner: []command{checkCommand(), policyCommand(), rotateCommand()},
	}
}

func checkCommand() command {
	return command{
		name: "check", usage: "[--config <file>]", short: "Tries all that Sallyport needs of Vault, and says what is missing",
		long: `Signs in to Vault as the configuration says and tries, with a document of its own that it deletes again, everything that the gateway
does there. It ends with status 1 where something is missing, and says what to do.`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.RunE = func(made *cobra.Command, _ []string) error {
				opened, err := openConfigured(made)
				if err != nil {
					return err
				}
				defer opened.connection.Close()
				return checkVault(made.Context(), opened, made.OutOrStdout())
			}
		},
	}
}

func policyCommand() command {
	return command{
		name: "policy", usage: "[--config <file>] [--mount <mount>] [--path <path>] [--transit <mount>/<key>]",
		short: "Prints the least Vault policy that Sallyport works with",
		long: `Prints, in Vault's own language, what the gateway's token must be allowed to do: for the mount, the path and the transit key that
the configuration names, or that the flags do. For example:

    sallyport vault policy | vault policy write sallyport -`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.Flags().String("mount", "", "the KV v2 mount, instead of the configuration's")
			made.Flags().String("path", "", "the folder below the mount, instead of the configuration's")
			made.Flags().String("transit", "", "the transit key, instead of the configuration's")
			made.RunE = func(made *cobra.Command, _ []string) error { return printPolicy(made) }
		},
	}
}

func rotateCommand() command {
	return command{
		name: "rotate-key", usage: "[--config <file>] [--keep <duration>]",
		short: "Makes a new key that seals sessions at rest; nobody is signed out",
		long: `Adds a new session key in Vault. Gateways use it within a minute; sessions that an older key sealed stay open. Keys that were
replaced longer ago than --keep are dropped, which has to be longer than the longest lifetime of a session.`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.Flags().Duration("keep", 31*24*time.Hour, "how long a replaced key still opens sessions")
			made.RunE = func(made *cobra.Command, _ []string) error { return rotateSessionKey(made) }
		},
	}
}

// printPolicy prints the policy; flags override the configuration.
func printPolicy(command *cobra.Command) error {
	vault, err := configuredVault(command)
	if errors.Is(err, errNotVault) {
		vault, err = new(SecretsVault), nil // a policy is printed before the configuration that needs it exists
	}
	if err != nil {
		return err
	}
	for flag, setting := range map[string]*string{"mount": &vault.Mount, "path": &vault.Path, "transit": &vault.Transit} {
		value, err := command.Flags().GetString(flag)
		if err != nil {
			return err
		}
		if value != "" {
			*setting = value
		}
		if *setting, err = revealLiteral(flag, *setting); err != nil {
			return err
		}
	}
	policy, err := vaultstore.Policy(vault.Mount, vault.Path, vault.Transit)
	if err != nil {
		return err
	}
	_, err = io.WriteString(command.OutOrStdout(), policy)
	return err
}

// checkVault prints one line for each check.
func checkVault(ctx context.Context, opened *pooledVault, out io.Writer) error {
	report := opened.store.Check(ctx)
	missing := 0
	for _, finding := range report.Findings {
		line := "ok       " + finding.What
		if finding.Err != nil {
			missing++
			line = "MISSING  " + finding.What + "\n         " + finding.Err.Error()
			if finding.Advice != "" {
				line += "\n         what to do: " + finding.Advice
			}
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of the things that Sallyport needs of Vault are missing", missing)
	}
	_, err := fmt.Fprintf(out, "\nAll is well: records go to %s; this clock is %s ahead of Vault's.\n", opened.store, report.Clock)
	return err
}

func rotateSessionKey(command *cobra.Command) error {
	keep, err := command.Flags().GetDuration("keep")
	if err != nil {
		return err
	}
	if keep <= 0 {
		return errors.New("--keep must be positive")
	}
	opened, err := openConfigured(command)
	if err != nil {
		return err
	}
	defer opened.connection.Close()
	key, err := opened.store.RotateSessionKey(command.Context(), keep, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(command.OutOrStdout(), "Key %d seals sessions from now on.\n", key.ID)
	return err
}
