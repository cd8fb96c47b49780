package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/operator"
)

// userCommands are the commands that help users.
func userCommands() command {
	return command{
		name: "user", short: "Finds users and helps them: list, show, reset, unlock, sign-out, code",
		long: `Finds users, shows how they stand, and helps them.

The commands speak to the running gateway through Caddy's admin endpoint (--address), which may be a Unix socket
(--address unix//run/caddy/admin.sock). With --config they work on the stores that the configuration names, where no gateway runs.

A is the app, NAME the account exactly as the app calls it. What begins with a dash goes behind --.`,
		inner: []command{
			{
				name: "list", usage: "[--app A] [--state enrolled|waiting|throttled|stopped] [--prefix NAME] [--json]",
				short: "Lists users that have a record",
				long: `Lists the users that have a record: those with a second factor (enrolled), and those without of whom something is remembered
(waiting). No code is judged of who is throttled, for a while, or stopped, until somebody unlocks the account.`,
				set: func(made *cobra.Command) {
					reachFlags(made)
					made.Args = cobra.NoArgs
					made.Flags().String("app", "", "only users of this app")
					made.Flags().String("state", "", "only users who stand so: enrolled, waiting, throttled, stopped")
					made.Flags().String("prefix", "", "only users whose names begin so")
					made.RunE = withReach(listUsers)
				},
			},
			{
				name: "show", usage: "A NAME [--json]", short: "Shows how a user stands",
				long: "Shows a user's factors, recovery codes, sessions and activity. No secret is shown.",
				set: func(made *cobra.Command) {
					reachFlags(made)
					made.RunE = withReach(showUser)
				},
			},
			{
				name: "reset", usage: "A NAME --reason TEXT [--open] [--for 24h] [--json]",
				short: "Takes all of a user's factors away, and prints an enrolment code",
				long: `Takes all factors, recovery codes, trusted browsers and sessions of a user away, who has lost them.

The account is not left to the password alone: the next set-up asks for the enrolment code that is printed, once. With --open there
is none: the account is as one that never had a second factor.`,
				set: func(made *cobra.Command) {
					actFlags(made, true)
					made.Flags().Bool("open", false, "without an enrolment code: the password alone opens the account")
					made.RunE = withReach(resetUser)
				},
			},
			{
				name: "unlock", usage: "A NAME --reason TEXT [--json]", short: "Forgets a user's wrong codes, so that codes are judged again",
				set: func(made *cobra.Command) {
					actFlags(made, false)
					made.RunE = withReach(simply("unlock", "Codes of %s at %s are judged again.\n"))
				},
			},
			{
				name: "sign-out", usage: "A NAME --reason TEXT [--json]", short: "Ends all sessions of a user",
				set: func(made *cobra.Command) {
					actFlags(made, false)
					made.RunE = withReach(simply("sign-out", "All sessions of %s at %s have ended.\n"))
				},
			},
			{
				name: "code", usage: "A NAME --reason TEXT [--for 24h] [--json]", short: "Prints a one-time code for a user",
				long: `Prints a code, once: for somebody without a second factor an enrolment code, and for everybody else one that is typed
in place of a lost factor, on the page for recovery codes, and leads to another authenticator at once. A code that was made earlier ends.`,
				set: func(made *cobra.Command) {
					actFlags(made, true)
					made.RunE = withReach(makeCode)
				},
			},
		},
	}
}

// reachFlags adds the flags that say where users are, and how to print.
func reachFlags(made *cobra.Command) {
	configFlags(made)
	made.Flags().Lookup("config").Usage = "work on the stores of this configuration directly, where no gateway runs"
	made.Flags().String("address", "", "the admin endpoint of the running gateway; default: localhost:2019, or CADDY_ADMIN")
	made.Flags().Bool("json", false, "print JSON")
	made.Args = cobra.ExactArgs(2)
}

// actFlags adds the flags of commands that change something.
func actFlags(made *cobra.Command, code bool) {
	reachFlags(made)
	made.Flags().String("reason", "", "why, for the log (required)")
	made.Flags().String("by", "", "who does it, for the log; default: the name of who runs the command")
	if code {
		made.Flags().Duration("for", operator.DefaultCodeLifetime, "how long the code is valid, from 1s to 720h")
	}
}

// reach is how a command gets to users: call makes a call to the API.
type reach struct {
	*cobra.Command
	call func(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)
	json bool
}

// withReach makes the function of a command.
func withReach(run func(r *reach, arguments []string) error) func(*cobra.Command, []string) error {
	return func(made *cobra.Command, arguments []string) (err error) {
		r := &reach{Command: made}
		if r.json, err = made.Flags().GetBool("json"); err != nil {
			return err
		}
		if made.Flags().Lookup("reason") != nil {
			if reason, _ := made.Flags().GetString("reason"); reason == "" {
				return errors.New("--reason: say why; the reason is kept in the log")
			}
		}
		config, _ := made.Flags().GetString("config")
		address, err := made.Flags().GetString("address")
		switch {
		case err != nil:
			return err
		case config != "" && address != "":
			return errors.New("--config and --address: want one of them")
		case config == "":
			r.call = throughAdmin(address)
			return run(r, arguments)
		}
		direct, closed, err := openDirectly(made)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closed()) }()
		r.call = direct
		return run(r, arguments)
	}
}

// ask makes a call and decodes its answer. Any failure is an error with the API's own text.
func (r *reach) ask(method, path string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	status, answer, err := r.call(r.Context(), method, apiBase+path, content)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		var problem problemJSON
		if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
			return fmt.Errorf("the gateway answers %d %s: does it run, with second_factor?", status, http.StatusText(status))
		}
		return errors.New(problem.Detail)
	}
	return json.Unmarshal(answer, into)
}

// userPath is the address of a user.
func userPath(arguments []string) string {
	return "apps/" + url.PathEscape(arguments[0]) + "/users/" + url.PathEscape(arguments[1])
}

// actOf returns the body of an act, as the flags describe it.
func (r *reach) actOf() (actJSON, error) {
	flags := r.Flags()
	var body actJSON
	body.Reason, _ = flags.GetString("reason")
	body.Operator, _ = flags.GetString("by")
	if body.Operator == "" {
		body.Operator = whoRuns()
	}
	if flags.Lookup("for") != nil {
		long, err := flags.GetDuration("for")
		if err != nil {
			return body, err
		}
		if long < time.Second || long > 720*time.Hour {
			return body, errors.New("--for: want a duration from 1s to 720h")
		}
		body.For = long.String()
	}
	if flags.Lookup("open") != nil {
		body.Open, _ = flags.GetBool("open")
		if body.Open {
			body.For = ""
		}
	}
	return body, nil
}

// whoRuns returns the name of the person at the terminal.
func whoRuns() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if present, err := user.Current(); err == nil && present.Username != "" {
		return present.Username
	}
	return "command"
}

// print prints an answer as JSON with --json; otherwise it calls text.
func (r *reach) print(answer any, text func(w io.Writer) error) error {
	var out bytes.Buffer
	if r.json {
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	} else if err := text(&out); err != nil {
		return err
	}
	_, err := r.OutOrStdout().Write(out.Bytes())
	return err
}

// act calls the API for an act on the user that the arguments name, as the flags say, and reads the answer.
func (r *reach) act(arguments []string, act string, into any) (asked actJSON, err error) {
	if asked, err = r.actOf(); err != nil {
		return asked, err
	}
	return asked, r.ask(http.MethodPost, userPath(arguments)+"/"+act, asked, into)
}

// simply returns the function of a command whose act has no result.
func simply(act, said string) func(r *reach, arguments []string) error {
	return func(r *reach, arguments []string) error {
		if _, err := r.act(arguments, act, new(struct{})); err != nil {
			return err
		}
		return r.print(struct{}{}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, said, shownName(arguments[1]), shownName(arguments[0]))
			return err
		})
	}
}

func resetUser(r *reach, arguments []string) error {
	var code codeJSON
	body, err := r.act(arguments, "reset", &code)
	if err != nil {
		return err
	}
	if body.Open {
		return r.print(struct{}{}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s at %s has no second factor any more, and all sessions have ended. The password alone opens the account.\n",
				shownName(arguments[1]), shownName(arguments[0]))
			return err
		})
	}
	return r.print(code, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "The second factor of %s at %s was reset, and all sessions have ended.\nEnrolment code, shown once: %s\n"+
			"After the password, the set-up page asks for it. It ends at %s.\n",
			shownName(arguments[1]), shownName(arguments[0]), code.Code, local(code.Expires))
		return err
	})
}

func makeCode(r *reach, arguments []string) error {
	var code codeJSON
	if _, err := r.act(arguments, "code", &code); err != nil {
		return err
	}
	return r.print(code, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Code for %s at %s, shown once: %s\n"+
			"After the password, it is typed at \"Use a recovery code instead\", or on the set-up page by who has no factor yet. It ends at %s.\n",
			shownName(arguments[1]), shownName(arguments[0]), code.Code, local(code.Expires))
		return err
	})
}

func local(at time.Time) string { return at.Local().Format("2006-01-02 15:04:05 MST") }
