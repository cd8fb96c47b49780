package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/learn"
	"sallyport.example/sallyport/learn/trial"
	"sallyport.example/sallyport/learn/watch"
	"sallyport.example/sallyport/login/presets"
)

// errUnfinished is returned if the command was stopped before the guide's last step.
var errUnfinished = errors.New("stopped before the guide was finished")

// learnCommand is the command that proposes the block of an app.
func learnCommand() command {
	return command{
		name: "learn", usage: "URL | --har FILE", short: "Watches somebody sign in to an app, and proposes the block for it",
		long: `Proposes the whole 'second_factor' block of an app, with the evidence for each line as a comment, and tries it.

    sallyport learn http://127.0.0.1:8000 --listen 127.0.0.1:8090
    sallyport learn --har login.har --try http://127.0.0.1:8000

With an address it serves the app on this machine, and a guide in the browser at /sallyport-learn/: open the login page, sign
in with a wrong password, then with the right one, open a page that shows your name, sign out. With --har it reads those
steps from what a browser's network tab exports, sensitive data included. The proposal is tried in a gateway of this process
against the app: live always, and with --har where --try names the app; with the right password, which is kept in memory.

The block goes to stdout. What could not be established goes to stderr, with what to do by hand. Passwords, the values of cookies,
and tokens are written nowhere. Without anything to learn from there is no block, and the exit status is 1.`,
		set: func(made *cobra.Command) {
			made.Flags().String("har", "", "an HTTP archive that a browser has exported")
			made.Flags().String("listen", "127.0.0.1:8090", "where to serve the app and the guide: an address of this machine alone")
			made.Flags().String("try", "", "with --har: the app's address, to try the proposal on it")
			made.Flags().Bool("no-preset", false, "propose the words themselves where the app is a known one, too")
			made.Args, made.RunE = cobra.MaximumNArgs(1), runLearn
		},
	}
}

// learnFlags are the arguments of the command.
type learnFlags struct {
	har, listen string
	app         *url.URL
	options     learn.Options
}

func runLearn(command *cobra.Command, arguments []string) error {
	flags, err := readLearnFlags(command, arguments)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var exchanges []learn.Exchange
	if flags.har != "" {
		exchanges, err = fromArchive(flags.har, command.ErrOrStderr())
	} else {
		exchanges, err = fromBrowser(ctx, flags, command.ErrOrStderr())
	}
	if err != nil {
		return err
	}
	recording := learn.New(exchanges)
	proposal, err := recording.Propose(flags.options)
	if err != nil {
		return err
	}
	tried := []string{"Not tried: the app was not at hand."}
	if flags.app != nil {
		proposal, tried = tryOut(ctx, recording, proposal, flags)
	}
	if err := proposal.Write(command.OutOrStdout(), tried); err != nil {
		return err
	}
	return tellMissing(command.ErrOrStderr(), proposal)
}

// readLearnFlags checks the arguments before anything is done.
func readLearnFlags(command *cobra.Command, arguments []string) (flags learnFlags, err error) {
	text := func(name string) string {
		value, wrong := command.Flags().GetString(name)
		err = errors.Join(err, wrong)
		return value
	}
	flags.har, flags.listen = text("har"), text("listen")
	app := text("try")
	bare, wrong := command.Flags().GetBool("no-preset")
	if err = errors.Join(err, wrong); err != nil {
		return flags, err
	}
	switch {
	case flags.har == "" && len(arguments) == 0:
		return flags, errors.New("name the app's address, or an archive with --har")
	case flags.har != "" && len(arguments) > 0:
		return flags, errors.New("an address is watched and an archive is read: name one of the two; --try names the app of an archive")
	case flags.har == "" && app != "":
		return flags, errors.New("--try belongs to --har: an app that is watched is always tried")
	case flags.har == "":
		app = arguments[0]
		if err := watch.CheckListen(flags.listen); err != nil {
			return flags, fmt.Errorf("--listen %w", err)
		}
	}
	if app != "" {
		if flags.app, err = url.Parse(app); err != nil || flags.app.Host == "" || flags.app.User != nil ||
			flags.app.Scheme != "http" && flags.app.Scheme != "https" || flags.app.Path != "" && flags.app.Path != "/" || flags.app.RawQuery != "" {
			return flags, errors.New("want the app's address without a path, such as http://127.0.0.1:8000")
		}
		flags.app.Path = "/"
	}
	if !bare {
		flags.options.Presets = knownApps()
	}
	return flags, nil
}

// knownApps are the presets that say by what their app is known.
func knownApps() (known []learn.Preset) {
	for _, name := range presets.Names() {
		preset := learn.Preset{Name: name}
		for _, mark := range presets.Marks(name) {
			preset.Marks = append(preset.Marks, learn.Mark{Kind: mark[0], Value: mark[1]})
		}
		known = append(known, preset)
	}
	return known
}

// fromArchive reads a HAR file.
func fromArchive(name string, to io.Writer) ([]learn.Exchange, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--har: %w", err)
	}
	defer func() { _ = file.Close() }()
	exchanges, origin, withheld, err := learn.ReadHAR(file)
	if err != nil {
		return nil, fmt.Errorf("--har: %w", err)
	}
	if _, err := fmt.Fprintf(to, "Read %d requests to %q.\n", len(exchanges), origin); err != nil {
		return nil, err
	}
	if withheld {
		_, err = fmt.Fprintln(to, "The archive has no cookie in it: the browser left them out. Export it once more with sensitive data "+
			"(Chrome: Settings, Preferences, Network, \"Allow to generate HAR with sensitive data\"), or learn from the app itself.")
	}
	return exchanges, err
}

// fromBrowser serves the app and the guide until the user has finished.
func fromBrowser(ctx context.Context, flags learnFlags, to io.Writer) (exchanges []learn.Exchange, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", flags.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	proxy := watch.New(flags.app, nil)
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second, ErrorLog: nothingLogged()}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	_, err = fmt.Fprintf(to, "Open  http://%s%s  in a private window, and do what it says. Ctrl-C ends it without a proposal.\n", listener.Addr(), watch.Guide)
	if err == nil {
		select {
		case <-proxy.Finished():
		case <-ctx.Done():
			err = errUnfinished
		}
	}
	// The guide's last page goes out before the server ends; what else is open is cut.
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(leave) != nil {
		_ = server.Close()
	}
	if ended := <-stopped; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return proxy.Exchanges(), err
}

// mostTrials is how many places that name the account are tried.
const mostTrials = 3

// tryOut asks the app for what no recording shows, and tries the proposal. If something does not hold it tries the next
// place that names the account, and keeps the proposal of which most holds.
func tryOut(ctx context.Context, recording *learn.Recording, first *learn.Proposal, flags learnFlags) (best *learn.Proposal, lines []string) {
	options := flags.options
	best = first
	if found, err := trial.Probe(ctx, first, flags.app); err == nil {
		options.Anywhere, options.Renews = found.Anywhere, found.Renews
	}
	var bestResults []trial.Result
	var failed error
	for range mostTrials {
		proposal, err := recording.Propose(options)
		if err != nil || options.Place > 0 && proposal.Identity == "" {
			break
		}
		results, err := tryProposal(ctx, proposal, flags.app)
		if bestResults == nil || wrongIn(results) < wrongIn(bestResults) && len(results) >= len(bestResults) {
			best, bestResults, failed = proposal, results, err
		}
		if err == nil && wrongIn(results) == 0 || proposal.Preset != "" {
			break
		}
		if onlySpelling(results) && !options.Small {
			options.Small = true
		} else {
			options.Place, options.Small = options.Place+1, false
		}
	}
	lines = append(lines, "Tried in a gateway of its own, against the app:")
	for _, result := range bestResults {
		lines = append(lines, "  "+result.String())
	}
	if failed != nil {
		lines = append(lines, "  NOT OK     the trial ended early: "+failed.Error())
		best.Note("The trial could not be finished: %v", failed)
	}
	if wrongIn(bestResults) > 0 {
		best.Note("The trial found what does not hold: see the lines with NOT OK at the end of the block. Do not use it as it stands.")
	}
	return best, lines
}

// onlySpelling reports whether all that does not hold is about spellings of the name.
func onlySpelling(results []trial.Result) bool {
	return wrongIn(results) > 0 && !slices.ContainsFunc(results, func(r trial.Result) bool { return !r.OK && !r.Unknown && !r.Spelling })
}

func wrongIn(results []trial.Result) (count int) {
	for _, result := range results {
		if !result.OK && !result.Unknown {
			count++
		}
	}
	return count
}

// tellMissing prints what could not be established.
func tellMissing(to io.Writer, proposal *learn.Proposal) error {
	if proposal.Wrong == nil && proposal.Preset == "" {
		proposal.Note("No wrong password was recorded, so it was not seen what the app answers to one. Do it once more with one.")
	}
	for i, missing := range slices.Compact(proposal.Missing) {
		if i == 0 {
			if _, err := fmt.Fprintln(to, "By hand:"); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(to, "  - "+missing); err != nil {
			return err
		}
	}
	return nil
}

// nothingLogged is for servers whose errors would name addresses of the app's.
func nothingLogged() *log.Logger { return log.New(io.Discard, "", 0) }
