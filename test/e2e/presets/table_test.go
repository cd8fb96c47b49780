package presets

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// table collects the results of the apps with which the suite passed.
var table struct {
	sync.Mutex
	rows []string
}

// row is one app's line of the table.
type row struct {
	app     app
	version string
	// open is how many of the doors are open without the gateway.
	open int
	// walked is how many sequences of the random walk were played.
	walked int
}

func newRow(t testing.TB, a app, running *apps.App) row {
	t.Helper()
	if running.Version == "" {
		t.Fatalf("the version of %s is not known", a.preset)
	}
	return row{app: a, version: running.Version}
}

// done adds the line once everything has passed.
func (r row) done(t testing.TB) {
	t.Helper()
	if t.Failed() {
		return
	}
	accounts := "one"
	if r.app.guest.Name != "" {
		accounts = "two"
	}
	socket := "–"
	if r.app.socket != "" {
		socket = "closed, then open"
	}
	table.Lock()
	defer table.Unlock()
	table.rows = append(table.rows, fmt.Sprintf("| `%s` | %s | %s | %d | %d | %d (%d) | %s | %s | %d |",
		r.app.preset, r.version, r.app.kind, len(r.app.reads), len(r.app.spellings), len(r.app.doors), r.open, accounts, socket, r.walked))
}

// Where the table stands in docs/apps.md.
const (
	tableBegin = "<!-- what the suite saw: begin -->\n"
	tableEnd   = "<!-- what the suite saw: end -->\n"
)

// TestMain writes the table.
func TestMain(m *testing.M) {
	code := site.Main(m)
	if file := os.Getenv("SALLYPORT_APPS_TABLE"); file != "" && code == 0 {
		if err := writeTable(file, table.rows, time.Now()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func writeTable(file string, rows []string, now time.Time) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(content), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return fmt.Errorf("%s: no place for the table", file)
	}
	slices.Sort(rows)
	written := fmt.Sprintf("Seen on %s.\n\n| preset | tried on | signs in by | reads | spellings | doors | accounts | WebSocket | sequences |\n|---|---|---|---|---|---|---|---|---|\n%s\n",
		now.Format(time.DateOnly), strings.Join(rows, "\n"))
	return os.WriteFile(file, []byte(before+tableBegin+written+tableEnd+after), 0o644)
}
