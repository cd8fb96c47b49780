package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/operator"
)

// errNoMatch is returned if a list is empty.
var errNoMatch = errors.New("nobody matches")

// listUsers walks over all pages of one app, or of each.
func listUsers(r *reach, _ []string) error {
	flags := r.Flags()
	only, _ := flags.GetString("app")
	state, _ := flags.GetString("state")
	prefix, err := flags.GetString("prefix")
	if err != nil {
		return err
	}
	if _, err := operator.ParseState(state); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	var apps appsJSON
	if err := r.ask(http.MethodGet, "apps", nil, &apps); err != nil {
		return err
	}
	found, known := usersJSON{Users: []userJSON{}}, only == ""
	for _, app := range apps.Apps {
		if only != "" && app.App != only {
			continue
		}
		known = true
		query := url.Values{"state": {state}, "prefix": {prefix}}
		for cursor := ""; ; {
			if query.Set("cursor", cursor); cursor == "" {
				query.Del("cursor")
			}
			var page usersJSON
			if err := r.ask(http.MethodGet, "apps/"+url.PathEscape(app.App)+"/users?"+query.Encode(), nil, &page); err != nil {
				return err
			}
			found.Users = append(found.Users, page.Users...)
			found.Unreadable += page.Unreadable
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
	}
	switch {
	case !known:
		return fmt.Errorf("--app: %w", operator.ErrNoApp)
	case len(found.Users) == 0 && found.Unreadable > 0:
		return fmt.Errorf("%w, but %d records are damaged", errNoMatch, found.Unreadable)
	case len(found.Users) == 0:
		return errNoMatch
	}
	return r.print(found, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "APP\tUSER\tSTATE\tFACTORS") // it writes to memory
		for _, user := range found.Users {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", shownName(user.App), shownName(user.User), user.State, strings.Join(user.Factors, " "))
		}
		if found.Unreadable > 0 {
			_, _ = fmt.Fprintf(table, "%d records are damaged and not in this list.\n", found.Unreadable)
		}
		return table.Flush()
	})
}

func showUser(r *reach, arguments []string) error {
	var account accountJSON
	if err := r.ask(http.MethodGet, userPath(arguments), nil, &account); err != nil {
		return err
	}
	return r.print(account, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		say := func(form string, values ...any) {
			_, _ = fmt.Fprintf(table, form+"\n", values...) // it writes to memory
		}
		say("%s at %s: %s", shownName(account.User), shownName(account.App), account.State)
		if !account.Until.IsZero() {
			say("codes are judged again at %s", local(account.Until))
		}
		if account.CodeOwed {
			say("was reset: the next set-up asks for an enrolment code")
		}
		if !account.CodeExpires.IsZero() {
			say("a code that was made ends at %s", local(account.CodeExpires))
		}
		for _, f := range account.Factors {
			kind := f.Kind
			if factor.Method(kind).Sent() {
				kind += " (weaker)" // see tellSent
			}
			say("factor\t%s\t%s\tsince %s\tlast used %s", kind, shownName(f.Name), local(f.Created), orNever(f.Used))
		}
		say("recovery codes left: %d", account.RecoveryCodes.Left)
		for _, s := range account.Sessions {
			say("session\t%s\t%s\t%s\tseen %s", s.State, shownName(s.Browser), shownName(s.Address), local(s.Seen))
		}
		for _, e := range account.Activity {
			say("activity\t%s\t%s\t%s\t%s", e.Event, local(e.At), shownName(e.Browser), shownName(e.Address))
		}
		return table.Flush()
	})
}

func orNever(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return local(at)
}

// shownName returns a name for a terminal. It is quoted if it has characters that would be invisible or would change
// the text around it.
func shownName(name string) string {
	odd := !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsAny(name, `"'`+"`") ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
	if odd {
		return strconv.QuoteToGraphic(name)
	}
	return name
}
