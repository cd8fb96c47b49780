package sallyport

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEventsAreToldInOnePlace: a line about a security event is written by its sink and by nobody else, so that what
// listens to events hears of all that the log has; and the gateway and
// package operator tell events by one function each.
func TestEventsAreToldInOnePlace(t *testing.T) {
	files := sources(t)
	messages := eventMessages(files["event/log.go"])
	if len(messages) < 25 {
		t.Fatalf("event/log.go has %d messages: %q", len(messages), messages)
	}
	emits := 0
	for path, file := range files {
		if strings.HasPrefix(path, "event/") {
			continue
		}
		for _, found := range linesOfEvents(file, messages) {
			t.Errorf("%s: logs %q, which is an event", path, found)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok && strings.HasSuffix(name(selector), "Events.Emit") {
				emits++
			}
			return true
		})
	}
	if emits != 2 { // gateway/exchange for requests, and package operator
		t.Errorf("events are told at %d places, and not by two", emits)
	}
}

// TestLinesOfEventsAreSeen: the test above finds what it looks for.
func TestLinesOfEventsAreSeen(t *testing.T) {
	messages := []string{"login accepted by the app", "signed out"}
	for source, want := range map[string]int{
		`func f() { x.log.InfoContext(ctx, "login accepted by the app", "app", app) }`:               1,
		`func f() { slog.Info("signed out") }`:                                                       1,
		`func f() { x.log.Log(ctx, slog.LevelInfo, "signed " + "out") }`:                             1,
		`func f() { x.log.LogAttrs(ctx, slog.LevelWarn, "login accepted by the app for " + "now") }`: 1,
		`func f() { x.log.InfoContext(ctx, "the client left", "signed out") }`:                       0,
		`func f() { t.say("signed out") }`:                                                           0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := linesOfEvents(file, messages); len(found) != want {
			t.Errorf("%s: %q, want %d", source, found, want)
		}
	}
}

// TestEventIsPure: what tells of events opens nothing and starts nothing.
func TestEventIsPure(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, "./event").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, used := range strings.Fields(string(output)) {
		if !slices.Contains([]string{"context", "log/slog", "time"}, used) {
			t.Errorf("event imports %s", used)
		}
	}
}

// eventMessages are the texts of a file that are messages: those with a space.
func eventMessages(file *ast.File) (messages []string) {
	ast.Inspect(file, func(node ast.Node) bool {
		if text, ok := literal(node); ok && strings.Contains(text, " ") {
			messages = append(messages, text)
		}
		return true
	})
	return messages
}

// linesOfEvents are the messages that a file logs and that are, or begin as, an event's.
func linesOfEvents(file *ast.File, messages []string) (found []string) {
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !logs(selector.Sel.Name) {
			return true
		}
		for _, argument := range call.Args {
			text, ok := literal(argument)
			if !ok {
				continue
			}
			if slices.ContainsFunc(messages, func(message string) bool { return strings.HasPrefix(text, message) }) {
				found = append(found, text)
			}
			break // what follows are fields
		}
		return true
	})
	return found
}

// logs reports whether a method of this name is one of slog's that write a line.
func logs(method string) bool {
	return method == "Log" || method == "LogAttrs" ||
		slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, strings.TrimSuffix(method, "Context"))
}

// literal is a text, or several that are joined.
func literal(node ast.Node) (text string, ok bool) {
	switch node := node.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(node.Value)
		return text, err == nil && node.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(node.X)
		right, also := literal(node.Y)
		return left + right, ok && also && node.Op == token.ADD
	}
	return "", false
}
