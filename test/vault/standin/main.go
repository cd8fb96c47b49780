// Command standin replaces the `vault` command in the test of the guides on machines without HashiCorp's command. It
// has only what the guides use, and makes the same calls to Vault's API with the same library.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs one command.
func run(arguments []string) error {
	client, err := api.NewClient(nil) // VAULT_ADDR and VAULT_TOKEN
	if err != nil {
		return err
	}
	var words []string
	options := map[string]string{}
	for _, argument := range arguments {
		if name, value, _ := strings.Cut(argument, "="); strings.HasPrefix(argument, "-") {
			options[strings.TrimLeft(name, "-")] = value
		} else {
			words = append(words, argument)
		}
	}
	verb := strings.Join(words[:min(2, len(words))], " ")
	switch {
	case verb == "secrets enable" && len(words) == 3:
		path := words[2]
		if options["path"] != "" {
			path = options["path"]
		}
		input := &api.MountInput{Type: words[2]}
		if version := options["version"]; version != "" {
			input.Options = map[string]string{"version": version}
		}
		return client.Sys().Mount(path, input)
	case verb == "auth enable" && len(words) == 3:
		return client.Sys().EnableAuthWithOptions(words[2], &api.EnableAuthOptions{Type: words[2]})
	case verb == "policy write" && len(words) == 4:
		rules, err := os.ReadFile(words[3])
		if err != nil {
			return err
		}
		return client.Sys().PutPolicy(words[2], string(rules))
	case len(words) >= 2 && (words[0] == "write" || words[0] == "read"):
		return logical(client.Logical(), words, options["field"])
	}
	return fmt.Errorf("standin: unknown command %q", arguments)
}

// logical reads or writes a path, and prints the requested field.
func logical(logical *api.Logical, words []string, field string) error {
	var secret *api.Secret
	var err error
	if words[0] == "read" {
		secret, err = logical.Read(words[1])
	} else {
		data := map[string]any{}
		for _, word := range words[2:] {
			name, value, _ := strings.Cut(word, "=")
			data[name] = value
		}
		secret, err = logical.Write(words[1], data)
	}
	if err != nil || field == "" {
		return err
	}
	if secret == nil || secret.Data[field] == nil {
		return fmt.Errorf("standin: no field %q", field)
	}
	fmt.Print(secret.Data[field])
	return nil
}
