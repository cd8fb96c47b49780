package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"sallyport.example/sallyport"
	"sallyport.example/sallyport/demo"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "demo",
		Short: "Shows a second factor in front of a small app, on this machine",
		Long: `Starts a small web app with a password login, and Sallyport in front of it, both on
loopback. Nothing else is needed, and nothing is left behind: it ends with Ctrl-C.`,
		CobraFunc: func(command *cobra.Command) {
			port := command.Flags().Int("port", 8080, "the port to serve on; another one where it is taken")
			command.Args = cobra.NoArgs
			command.RunE = func(command *cobra.Command, _ []string) error {
				ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
				defer stop()
				return runDemo(ctx, *port, command.OutOrStdout())
			}
		},
	})
}

// runDemo serves until ctx ends.
func runDemo(ctx context.Context, port int, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	app := &http.Server{
		Handler: demo.New(demo.Options{
			Links: []demo.Link{{Text: "Two-factor authentication", URL: "/second-factor/"}},
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	appDone := make(chan error, 1)
	go func() { appDone <- app.Serve(listener) }()
	defer func() {
		_ = app.Close()
		if stopped := <-appDone; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
	}()

	address, err := freeAddress(ctx, port)
	if err != nil {
		return err
	}
	told, err := listenToStory(ctx, out)
	if err != nil {
		return err
	}
	defer told.close()
	logo := filepath.Join(folder, "logo.svg")
	if err := os.WriteFile(logo, demo.Icon(), 0o600); err != nil {
		return err
	}
	config, err := demoConfig(logo, told.address, map[string]string{
		"SALLYPORT_SITE":      "http://" + address,
		"SALLYPORT_APP":       listener.Addr().String(),
		"SALLYPORT_SECRETS":   filepath.Join(folder, "secrets.db"),
		"SALLYPORT_ADMIN":     "off",
		"SALLYPORT_LOG_LEVEL": "ERROR",
	})
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	defer func() { err = errors.Join(err, caddy.Stop()) }()
	text := strings.NewReplacer("{site}", address, "{app}", listener.Addr().String(), "{command}", startedAs(), "{alice}", demo.AlicePassword, "{bob}", demo.BobPassword)
	if _, err := io.WriteString(out, text.Replace(walkThrough)); err != nil {
		return err
	}
	told.begin()
	select {
	case <-ctx.Done():
		told.close()
		_, err := fmt.Fprintln(out, "\nThe demo has ended.")
		return err
	case stopped := <-appDone:
		appDone <- http.ErrServerClosed
		return fmt.Errorf("the demo app stopped: %w", stopped)
	}
}

// demoConfig adapts the Caddyfile that an operator starts from, with its variables set for the demo. It adds what a
// real site would add: its look, trusted browsers, the dialog for apps that sign in by script, and a link to the
// settings page. It also sends the log to the address of a story.
func demoConfig(logo, story string, variables map[string]string) ([]byte, error) {
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	file := string(sallyport.Caddyfile)
	for _, part := range []struct{ before, added string }{
		{"\n\n\tsecond_factor {\n", "\n\tlog story {\n\t\toutput net " + story + "\n\t\tformat json\n\t\tlevel INFO\n\t\tinclude http.handlers.second_factor second_factor.audit\n\t}\n"},
		{"\n\t\tlogin /login {\n", "\t\tbrand {\n\t\t\tlogo \"" + logo + "\"\n\t\t\tcolour \"#0f6b5c\"\n\t\t}\n\t\tremember 30d\n\t\tguard\n\t\tsettings_link\n"},
	} {
		if strings.Count(file, part.before) != 1 {
			return nil, fmt.Errorf("the example Caddyfile has no line %q", strings.TrimSpace(part.before))
		}
		file = strings.Replace(file, part.before, "\n"+part.added+strings.TrimPrefix(part.before, "\n"), 1)
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(file), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// startedAs returns how this program was started, for the commands that the walk-through shows.
func startedAs() string {
	if executable, err := os.Executable(); err == nil && strings.Contains(executable, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/sallyport"
	}
	return os.Args[0]
}

// freeAddress returns an address on loopback with the wanted port, or with another one if that is taken.
func freeAddress(ctx context.Context, port int) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		if listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	return listener.Addr().String(), listener.Close()
}

const walkThrough = `
Sallyport stands in front of Ledger, a small app with a password login.

  Open      http://{site}/
  Sign in   alice with {alice}, or bob with {bob}

What to try:

  1. Sign in as alice, and follow "Two-factor authentication" in the app's menu
     (http://{site}/second-factor/).
  2. Press "Set up Two-Factor Authentication", scan the QR code with an authenticator app,
     type its code, press "Confirm". Without a phone at hand, this prints the code:
       {command} code <the key below the QR code>
  3. Keep the recovery codes that are shown, and sign out.
  4. Sign in again: the password alone leads to the challenge now, and no further. The code
     lets you in, and the browser can be trusted then. Without the phone a recovery code
     lets you in, once.
  5. "Reset Token" moves to another phone, "Disable Two-Factor Authentication" turns it off.

Be the thief, who has alice's password. At Sallyport it is refused, once alice has a factor:

  curl -sc jar -H "Content-Type: application/json" http://{site}/api/login \
    -d '{"user": {"name": "alice", "password": "{alice}"}}'; curl -sb jar http://{site}/api/entries

At the app's own port the same works. Nobody but Sallyport may reach that port:

  curl -sc jar -H "Content-Type: application/json" http://{app}/api/login \
    -d '{"user": {"name": "alice", "password": "{alice}"}}'; curl -sb jar http://{app}/api/entries

Everything is forgotten when the demo ends: press Ctrl-C. Until then, here is what Sallyport sees:

`
