// Command gotest runs `go test` with stricter rules: a skipped test is a failure, and so is a run without any test.
//
// A test that skips itself has proved nothing, yet `go test` prints ok for its package. If a test needs something (a
// browser, a database), the test run has to install it.
//
// Usage:
//
//	gotest [-modules folder,folder...] [-fresh folder,folder...] [-- arguments for go test...]
//
// `go test` takes a result from its cache if no file of the same module has changed. Modules that test something
// outside of them are named with -fresh: their tests always run.
//
// Without arguments it tests ./... . It prints the lines of `go test` for each package (ok, FAIL, ?) as usual, and the
// output of a test only if it failed or was skipped. The last line counts: "12 passed, 0 failed, 0 skipped". The exit
// status is 1 if anything failed or was skipped, or if nothing ran.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	modules := flag.String("modules", ".", "folders of the Go modules to test, separated by commas")
	fresh := flag.String("fresh", "", "those of the modules whose tests always run, separated by commas")
	flag.Parse()
	arguments := flag.Args()
	if len(arguments) == 0 {
		arguments = []string{"./..."}
	}

	tally := newTally(os.Stdout)
	always := strings.Split(*fresh, ",")
	for _, folder := range strings.Split(*modules, ",") {
		if err := runModule(tally, folder, argumentsFor(folder, always, arguments)); err != nil {
			fmt.Fprintf(os.Stderr, "gotest: %s: %v\n", folder, err)
			os.Exit(2)
		}
	}
	if !tally.close() {
		os.Exit(1)
	}
}

// argumentsFor returns the arguments of `go test` in a module's folder.
func argumentsFor(folder string, always, arguments []string) []string {
	if slices.Contains(always, folder) {
		return append([]string{"-count=1"}, arguments...)
	}
	return arguments
}

// runModule tests one module and passes the events of `go test` to the tally. It returns an error only if `go test`
// could not run; the tally has the results of the tests.
func runModule(tally *tally, folder string, arguments []string) error {
	command := exec.Command("go", append([]string{"test", "-json"}, arguments...)...)
	command.Dir = folder
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("connecting to go test: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting go test: %w", err)
	}
	readErr := tally.read(output)
	if readErr != nil {
		// Read the rest, or go test would block for ever on writing.
		_, _ = io.Copy(io.Discard, output)
	}
	// The exit status says less than the events, but it shows failures without an event, such as a package that does
	// not exist.
	if err := command.Wait(); err != nil {
		tally.commandFailed(folder, err)
	}
	if readErr != nil {
		return fmt.Errorf("reading what go test reports: %w", readErr)
	}
	return nil
}
