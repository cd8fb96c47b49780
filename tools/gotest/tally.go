package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// testName identifies a test of a run.
type testName struct{ pkg, test string }

func (n testName) String() string { return n.pkg + " " + n.test }

// tally counts outcomes. It prints result lines as they come, and keeps other output until it is known whether that is
// to be shown. Not safe for concurrent use.
type tally struct {
	out     io.Writer
	output  map[testName]*strings.Builder // of tests that are still running, and of packages (empty test name)
	passed  int
	failed  []string
	skipped []string
	broken  []string // packages and commands that failed without a failed test
	blamed  map[string]bool
}

func newTally(out io.Writer) *tally {
	return &tally{out: out, output: map[testName]*strings.Builder{}, blamed: map[string]bool{}}
}

// read counts events until the end of input. It prints lines that are no events (messages of the go command itself).
func (t *tally) read(input io.Reader) error {
	lines := bufio.NewReader(input)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				t.take(e)
			} else {
				fmt.Fprintf(t.out, "%s", line)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take counts one event.
func (t *tally) take(e event) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "run":
		t.output[name] = &strings.Builder{}
	case "output":
		t.takeOutput(name, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.packageEnded(e)
			return
		}
		t.testEnded(name, e.Action)
	}
}

// takeOutput keeps a test's output until the test has ended. It prints the result lines of a package at once.
func (t *tally) takeOutput(name testName, text string) {
	if name.test == "" && isResultLine(text) {
		fmt.Fprint(t.out, text)
		return
	}
	if name.test == "" && (text == "PASS\n" || text == "FAIL\n") {
		return
	}
	kept := t.output[name]
	if kept == nil {
		kept = &strings.Builder{}
		t.output[name] = kept
	}
	kept.WriteString(text)
}

// isResultLine reports whether this is one of the lines by which go test ends a package.
func isResultLine(text string) bool {
	for _, start := range []string{"ok  \t", "FAIL\t", "?   \t", "---\t"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return strings.HasPrefix(text, "\t") && strings.Contains(text, "coverage:")
}

func (t *tally) testEnded(name testName, action string) {
	switch action {
	case "pass":
		t.passed++
	case "fail":
		t.failed = append(t.failed, name.String())
		t.blamed[name.pkg] = true
		t.show(name)
	case "skip":
		t.skipped = append(t.skipped, name.String())
		t.show(name)
	}
	delete(t.output, name)
}

// packageEnded finds tests that never ended (a panic, os.Exit, the timeout): they count as failed in any case.
func (t *tally) packageEnded(e event) {
	if e.Action == "fail" {
		for _, name := range t.running(e.Package) {
			t.testEnded(name, "fail")
		}
		t.show(testName{e.Package, ""})
		if !t.blamed[e.Package] {
			t.broken = append(t.broken, e.Package)
			t.blamed[e.Package] = true
		}
	}
	delete(t.output, testName{e.Package, ""})
}

// running lists the tests of a package that began and did not end.
func (t *tally) running(pkg string) []testName {
	var names []testName
	for name := range t.output {
		if name.pkg == pkg && name.test != "" {
			names = append(names, name)
		}
	}
	sort.Slice(names, func(i, j int) bool { return names[i].test < names[j].test })
	return names
}

func (t *tally) show(name testName) {
	if kept := t.output[name]; kept != nil {
		fmt.Fprint(t.out, kept.String())
	}
}

// commandFailed records that `go test` itself ended with an error, unless failed tests explain that.
func (t *tally) commandFailed(folder string, err error) {
	if len(t.failed) == 0 && len(t.broken) == 0 {
		t.broken = append(t.broken, fmt.Sprintf("go test in %s: %v", folder, err))
	}
}

// close prints the summary and reports whether the run is good: something ran, nothing failed, nothing was skipped.
func (t *tally) close() bool {
	t.list("failed", t.failed)
	t.list("skipped, which counts as failed", t.skipped)
	t.list("did not run", t.broken)
	nothing := t.passed+len(t.failed)+len(t.skipped)+len(t.broken) == 0
	if nothing {
		fmt.Fprintln(t.out, "no test ran, which counts as failed")
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, len(t.failed)+len(t.broken), len(t.skipped))
	return !nothing && len(t.failed)+len(t.skipped)+len(t.broken) == 0
}

func (t *tally) list(title string, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(t.out, "\n%s:\n", title)
	for _, name := range names {
		fmt.Fprintf(t.out, "    %s\n", name)
	}
	fmt.Fprintln(t.out)
}
