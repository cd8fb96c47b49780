package caddymodule

import (
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"
)

// codeCommand is the command that computes a code, like an authenticator app.
func codeCommand() command {
	return command{
		name: "code", usage: "<key>", short: "Prints the code that an authenticator would show for a key",
		long: `Stands in for an authenticator app when there is no phone at hand, to try the demo.
The key is the one that the set-up page shows beside the QR code. Whoever keeps a key on
the machine that the password is typed on has one factor, not two.`,
		set: func(made *cobra.Command) {
			made.Args = cobra.MinimumNArgs(1)
			made.RunE = func(made *cobra.Command, arguments []string) error {
				code, err := totp.GenerateCode(strings.ToUpper(strings.Join(arguments, "")), time.Now())
				if err != nil {
					return fmt.Errorf("this is no key as the set-up page shows it: %w", err)
				}
				_, err = fmt.Fprintln(made.OutOrStdout(), code)
				return err
			}
		},
	}
}
