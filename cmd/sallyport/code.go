package main

import (
	"fmt"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "code",
		Usage: "<key>",
		Short: "Prints the code that an authenticator would show for a key",
		Long: `Stands in for an authenticator app when there is no phone at hand, to try the demo.
The key is the one that the set-up page shows beside the QR code. Whoever keeps a key on
the machine that the password is typed on has one factor, not two.`,
		CobraFunc: func(command *cobra.Command) {
			command.Args = cobra.MinimumNArgs(1)
			command.RunE = func(command *cobra.Command, arguments []string) error {
				code, err := totp.GenerateCode(strings.ToUpper(strings.Join(arguments, "")), time.Now())
				if err != nil {
					return fmt.Errorf("this is no key as the set-up page shows it: %w", err)
				}
				_, err = fmt.Fprintln(command.OutOrStdout(), code)
				return err
			}
		},
	})
}
