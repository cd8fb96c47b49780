package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// errNotVault is returned by commands that need Vault if the configuration does not use it.
var errNotVault = errors.New("the configuration keeps secrets elsewhere")

// configFlags adds the flags of every command that reads a configuration.
func configFlags(command *cobra.Command) {
	command.Flags().StringP("config", "c", "", "the configuration file; default: ./Caddyfile where there is one")
	command.Flags().StringP("adapter", "a", "", "what turns the file into Caddy's JSON; default: by the file's name")
	command.Args = cobra.NoArgs
	command.SilenceUsage = true
}

// configContent returns the configuration that a command's flags name, as JSON; nil without one. Nothing is started.
func configContent(command *cobra.Command) ([]byte, error) {
	file, err := command.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	adapter, err := command.Flags().GetString("adapter")
	if err != nil {
		return nil, err
	}
	content, _, _, err := caddycmd.LoadConfig(file, adapter)
	return content, err
}

// configured reads the configuration that a command's flags name, without starting anything, and returns its secrets
// module: the guest's name and its JSON. Without a configuration both are empty.
func configured(command *cobra.Command) (module string, raw json.RawMessage, err error) {
	content, err := configContent(command)
	if err != nil {
		return "", nil, err
	}
	if content == nil {
		return "", nil, nil
	}
	var config struct {
		Apps struct {
			SecondFactor struct {
				Secrets json.RawMessage `json:"secrets"`
			} `json:"second_factor"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return "", nil, fmt.Errorf("reading the configuration: %w", err)
	}
	raw = config.Apps.SecondFactor.Secrets
	if raw == nil {
		return "", nil, nil
	}
	var name struct {
		Module string `json:"module"`
	}
	if err := json.Unmarshal(raw, &name); err != nil {
		return "", nil, fmt.Errorf("reading the configuration: secrets: %w", err)
	}
	return name.Module, raw, nil
}

// openConfigured opens the Vault of a command's configuration.
func openConfigured(command *cobra.Command) (*pooledVault, error) {
	vault, err := configuredVault(command)
	if err != nil {
		return nil, err
	}
	resolved, err := vault.resolve()
	if err != nil {
		return nil, err
	}
	return resolved.open()
}

// configuredVault returns the settings of `secrets vault` in a command's configuration. Without a configuration it
// returns the defaults, with VAULT_ADDR and similar variables applied. Placeholders are not replaced yet.
func configuredVault(command *cobra.Command) (*SecretsVault, error) {
	module, raw, err := configured(command)
	if err != nil {
		return nil, err
	}
	vault := new(SecretsVault)
	switch module {
	case "":
		return vault, nil
	case "vault":
		if err := json.Unmarshal(raw, vault); err != nil {
			return nil, fmt.Errorf("reading the configuration: secrets vault: %w", err)
		}
		return vault, nil
	}
	return nil, fmt.Errorf("%w: it says `secrets %s`", errNotVault, module)
}
