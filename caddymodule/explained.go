package caddymodule

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"sallyport.example/sallyport/explain"
	"sallyport.example/sallyport/gate"
)

// explained is what `explain` prints. Its JSON is an interface.
type explained struct {
	// Canonical is the path as the gateway reads it, and Exact says that the request spells it so.
	Canonical string           `json:"canonical"`
	Exact     bool             `json:"exact"`
	Place     string           `json:"place"`
	Decision  explain.Decision `json:"decision"`
	// Status is 0 if the app answers.
	Status  int           `json:"status"`
	State   string        `json:"state"`
	Line    int           `json:"line"`
	File    string        `json:"file"`
	Why     string        `json:"why"`
	Headers explain.Parts `json:"headers"`
	Cookies explain.Parts `json:"cookies"`
}

// explainedBy adds the line of the Caddyfile that decided, and a sentence that says why.
func explainedBy(h *Handler, found explain.Explanation, state gate.State) explained {
	said := explained{
		Canonical: found.Path.Text, Exact: found.Path.Canonical, Place: placeWord(found.Place), Decision: found.Decision,
		Status: found.Status, State: state.String(), Headers: found.Headers, Cookies: found.Cookies,
	}
	where, preset := lines.ruled(h, found.Rule)
	said.File, said.Line = where.token.File, where.token.Line
	said.Why = because(found, preset)
	return said
}

// placeWord returns the name of a place in the command's output. The login page is called as in the Caddyfile.
func placeWord(place gate.Place) string {
	if place == gate.Entry {
		return "login_page"
	}
	return place.String()
}

// because returns the sentence that says why. preset says that the words of a preset decided.
func because(found explain.Explanation, preset bool) string {
	if found.Insecure {
		return "plain http is accepted from this machine only"
	}
	var why string
	switch rule := found.Rule; {
	case rule.Word == gate.WordNone && !found.Path.Canonical:
		why = "the path is not spelled as all servers read it, so nothing opens it"
	case rule.Word == gate.WordNone:
		why = "no word speaks of the path, so it is protected"
	case rule.Word == gate.WordLogin:
		why = fmt.Sprintf("login block %d", rule.Login)
		if rule.Pattern != "" {
			why += " with " + rule.Pattern
		}
	default:
		why = strings.TrimSpace(string(rule.Word) + " " + rule.Pattern)
	}
	if preset {
		why += ", of the preset"
	}
	if found.Refused != nil {
		return why + "; refused: " + found.Refused.Log
	}
	return why + "; " + found.Action.String()
}

// print writes the explanation for people.
func (e explained) print(to io.Writer) error {
	answer := "the app's"
	if e.Status != 0 {
		answer = fmt.Sprint(e.Status)
	}
	spelling := ""
	if !e.Exact {
		spelling = "  (not in the one spelling that all servers read alike)"
	}
	where := "no line: the default"
	if e.Line != 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	rows := [][2]string{
		{"decision", string(e.Decision)},
		{"why", e.Why},
		{"line", where},
		{"place", e.Place},
		{"path", e.Canonical + spelling},
		{"state", e.State},
		{"answer", answer},
	}
	for _, part := range []struct {
		name  string
		names []string
	}{
		{"headers kept", e.Headers.Kept},
		{"headers dropped", e.Headers.Dropped},
		{"cookies kept", e.Cookies.Kept},
		{"cookies dropped", e.Cookies.Dropped},
	} {
		if len(part.names) > 0 {
			rows = append(rows, [2]string{part.name, strings.Join(part.names, ", ")})
		}
	}
	for _, row := range rows {
		if _, err := fmt.Fprintf(to, "%-16s %s\n", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}

// ruled returns the position of the line that has a rule, and reports whether it is the preset's line. Without a line
// of its own, a rule is a default, and the line is the directive's.
func (w *written) ruled(h *Handler, rule gate.Rule) (where place, preset bool) {
	said := w.of(h)
	if rule.Word == gate.WordLogin {
		logins := said["login"]
		if rule.Login < 1 || rule.Login > len(logins) {
			return said.directive(), false
		}
		where = logins[rule.Login-1]
		return where, where.token.Text == "preset"
	}
	for _, line := range said[string(rule.Word)] {
		if len(line.arguments) == 0 || slices.Contains(line.arguments, rule.Pattern) {
			return line, false
		}
	}
	if from, ok := said.last("preset"); ok && h.fromPreset(rule) {
		return from, true
	}
	if logins := said["login"]; rule.Word == gate.WordLoginPage && len(logins) > 0 {
		return logins[0], logins[0].token.Text == "preset" // it is the first login's path by default
	}
	return said.directive(), false
}

// fromPreset reports whether a rule is one of the site's that none of its own lines has: its word and pattern are in
// the settings, so they came with the preset.
func (h *Handler) fromPreset(rule gate.Rule) bool {
	switch rule.Word {
	case gate.WordPublic:
		return slices.Contains(h.Public, rule.Pattern) ||
			slices.ContainsFunc(h.PublicMethods, func(o Opening) bool { return slices.Contains(o.Paths, rule.Pattern) })
	case gate.WordProtect:
		return slices.Contains(h.Protect, rule.Pattern)
	case gate.WordShut:
		return slices.Contains(h.Shut, rule.Pattern)
	case gate.WordLogout:
		return slices.Contains(h.Logout, rule.Pattern)
	case gate.WordRefresh:
		return slices.Contains(h.Refresh, rule.Pattern)
	case gate.WordLoginPage:
		return h.LoginPage == rule.Pattern
	}
	return false
}
