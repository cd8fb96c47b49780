// Package teach runs `sallyport learn` as a process, and a browser that does what its guide says.
package teach

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/site"
)

// Taught is what the command has said.
type Taught struct {
	// Block is standard output, and Said is standard error.
	Block, Said string
	// Status is the exit status.
	Status int
	// Folder was the command's home and its folder for temporary files.
	Folder string
}

// Words are the lines inside the block.
func (l Taught) Words(t testing.TB) string {
	t.Helper()
	inner, begins := strings.CutPrefix(l.Block, "second_factor {\n")
	inner, ends := strings.CutSuffix(inner, "}\n")
	if !begins || !ends {
		t.Fatalf("status %d, no block: %q\n%s", l.Status, l.Block, l.Said)
	}
	return inner
}

// Failures returns the lines about what was tried and does not hold, and nil if all that was tried holds.
func (l Taught) Failures() (lines []string) {
	for line := range strings.Lines(l.Block) {
		if strings.Contains(line, "# ") && strings.Contains(line, "NOT OK") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

var guide = regexp.MustCompile(`http://(127\.0\.0\.1:[0-9]+)/sallyport-learn/`)

// Live runs the command in front of an app, at host and port. steps are what a user does in the browser; the form that
// ends the guide is sent afterwards.
func Live(t testing.TB, app string, steps func(*site.Client), arguments ...string) Taught {
	t.Helper()
	command, taught, output := prepare(t, append([]string{"learn", "http://" + app, "--listen", "127.0.0.1:0"}, arguments...))
	exited := make(chan error, 1)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { exited <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	address := ""
	for deadline := time.Now().Add(time.Minute); address == ""; {
		if found := guide.FindStringSubmatch(output.said.String()); found != nil {
			address = found[1]
		} else if time.Now().After(deadline) {
			t.Fatalf("no guide: %s", output.said.String())
		}
		select {
		case err := <-exited:
			t.Fatalf("it ended at once: %v\n%s", err, output.said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	browser := (&site.Site{Address: address, URL: "http://" + address}).Client(t)
	browser.ByPath = true
	browser.Get("/sallyport-learn/").Wants(t, http.StatusOK, "")
	steps(browser)
	browser.Post("/sallyport-learn/finish", nil).Wants(t, http.StatusOK, "")
	select {
	case err := <-exited:
		return taught(err)
	case <-time.After(2 * time.Minute):
		t.Fatalf("it does not end: %s", output.said.String())
	}
	return Taught{}
}

// Archive runs the command on a HAR file.
func Archive(t testing.TB, file string, arguments ...string) Taught {
	t.Helper()
	command, taught, _ := prepare(t, append([]string{"learn", "--har", file}, arguments...))
	return taught(command.Run())
}

type output struct{ block, said site.Buffer }

func prepare(t testing.TB, arguments []string) (*exec.Cmd, func(error) Taught, *output) {
	t.Helper()
	folder := t.TempDir()
	binary, err := filepath.Abs(site.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	out := new(output)
	command := exec.CommandContext(context.Background(), binary, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(),
		"HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder, "TMPDIR="+folder, "GORACE=halt_on_error=1")
	command.Stdout, command.Stderr = &out.block, &out.said
	return command, func(err error) Taught {
		t.Helper()
		var status *exec.ExitError
		if err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		return Taught{Block: out.block.String(), Said: out.said.String(), Status: command.ProcessState.ExitCode(), Folder: folder}
	}, out
}
