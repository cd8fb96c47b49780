package caddymodule

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// warning is a setting that is probably a mistake, or one that leaves something open. `sallyport validate` and every
// start show it.
type warning struct{ setting, text string }

// warn logs all warnings about a site.
func (h *Handler) warn(ctx caddy.Context, logger *slog.Logger) {
	warnings := h.warnings()
	if prefix := strippedPrefix(ctx.Modules()); prefix != "" {
		warnings = append(warnings, warning{"handle_path", fmt.Sprintf("second_factor stands where %s was taken off the path (handle_path, "+
			"uri strip_prefix): its paths are judged without that, and the addresses that it sends browsers to (login_page, base) lack it and do "+
			"not lead back here; use handle, and write the whole paths", prefix)})
	}
	for _, w := range warnings {
		logger.Warn(w.text, "app", h.App, "setting", w.setting)
	}
}

// warnings returns a warning for each word that has no effect, or another effect than it seems to have, and for what
// the words leave open.
func (h *Handler) warnings() (found []warning) {
	found = append(found, h.tellSent()...)
	if h.Require == "everyone" && (h.Enrolment == "" || h.Enrolment == enrolmentOpen) {
		found = append(found, warning{"enrolment", "require everyone with enrolment open: whoever knows the password of somebody who has no second " +
			"factor yet sets up one of her own, is in, and keeps the user out. With 'enrolment code' it takes a code that an operator made, with " +
			"'enrolment network <cidr>...' an address in your networks"})
	}
	if len(h.Identities) > 0 {
		if slices.ContainsFunc(h.Logins, func(l Login) bool { return len(l.Success) > 0 }) {
			found = append(found, warning{"success", "success beside identity: the app's own word decides who is signed in; a login that the rules " +
				"call a success and of which the app knows nothing is refused"})
		}
		if len(h.Rotates) > 0 {
			found = append(found, warning{"rotates", "rotates beside identity has no effect: the app is asked whenever a held cookie changes"})
		}
		if h.CaseSensitive {
			found = append(found, warning{"case_sensitive", "case_sensitive beside identity has no effect: the app's own spelling of the name counts"})
		}
		if slices.ContainsFunc(h.Identities[1:], func(i *Identity) bool { return i.Prefix == nil }) {
			found = append(found, warning{"prefix", "several identity lines: an account of one kind that is called as one of another kind is the " +
				"same user here, with one second factor. Say prefix in the blocks of all but the first: a text of its own for other people, \"\" for the same"})
		}
	} else if h.Recheck != 0 {
		found = append(found, warning{"recheck", "recheck without identity has no effect: there is nothing to ask the app"})
	}
	if h.Renews && len(h.Identities) == 0 {
		found = append(found, warning{"renews", "renews without identity has no effect: there a session is known by a changed cookie only"})
	}
	for _, host := range h.plainWebhooks() {
		found = append(found, warning{"notify webhook", fmt.Sprintf("notices go to %s in plain http: whoever is on the way reads whose factors change; "+
			"use https", host)})
	}
	for _, l := range h.Logins {
		if methods := l.methods(); len(h.Methods) > 0 && len(methods) > 0 && !slices.ContainsFunc(methods, func(m string) bool { return slices.Contains(h.Methods, m) }) {
			found = append(found, warning{"methods", fmt.Sprintf("the login at %s comes by %s, which methods does not name, so that nobody can sign in there",
				strings.Join(l.Paths, " "), strings.Join(methods, " and "))})
		}
	}
	if slices.ContainsFunc(h.Logins, carriesErrands) {
		found = append(found, warning{"fields", "a login at an address that does other things too (when, or a * in its path) without fields may carry " +
			"an errand beside itself: where it fails, people see the login page again, and not what the app says. Name in fields all that it may carry"})
	}
	if header, _ := h.tokenHeader(); header != "" && !strings.EqualFold(header, "Authorization") {
		found = append(found, warning{"token_header", fmt.Sprintf("Caddy writes the header %s, and with it the users' tokens, into access logs; "+
			"docs/operations.md, \"Logs\", has the words that keep it out", header)})
	}
	for _, pattern := range h.Protect {
		if !slices.ContainsFunc(h.opened(), func(public string) bool { return overlap(public, pattern) }) {
			found = append(found, warning{"protect", fmt.Sprintf("protect %s has no effect: it lies in nothing that is public, and what is not "+
				"public is protected", pattern)})
		}
	}
	if h.Idle != 0 && h.Lifetime != 0 && h.Idle >= h.Lifetime {
		found = append(found, warning{"idle", "idle has no effect: the lifetime of a session is not longer"})
	}
	if t := h.Throttle; t != nil && t.Stop != 0 && t.Stop <= t.Free && (t.Delay != 0 || t.MaxDelay != 0) {
		found = append(found, warning{"throttle", "delay and max_delay of throttle have no effect: stop comes before the first wait"})
	}
	return found
}

// opened returns all paths that strangers may request, by any method.
func (h *Handler) opened() []string {
	opened := h.Public
	for _, opening := range h.PublicMethods {
		opened = slices.Concat(opened, opening.Paths)
	}
	return opened
}

// overlap reports whether some path matches both a public and a protected pattern, each compared as loosely as the
// gateway does.
func overlap(public, protect string) bool {
	for _, a := range match.LooseGlob(match.Glob(strings.TrimSuffix(public, "?*"))) {
		for _, b := range match.LooseGlob(match.Glob(protect)) {
			if meet(string(a), string(b)) {
				return true
			}
		}
	}
	return false
}

// meet reports whether any text matches both patterns. reached[j] reports whether the part of a that was read and b[:j]
// can match the same text.
func meet(a, b string) bool {
	reached := make([]bool, len(b)+1)
	for i := 0; i <= len(a); i++ {
		row := make([]bool, len(b)+1)
		for j := 0; j <= len(b); j++ {
			switch {
			case i == 0 && j == 0:
				row[j] = true
			case i > 0 && a[i-1] == '*':
				row[j] = reached[j] || j > 0 && row[j-1] // the star matches nothing, or one more character of b
			case j > 0 && b[j-1] == '*':
				row[j] = row[j-1] || i > 0 && reached[j]
			default:
				row[j] = i > 0 && j > 0 && a[i-1] == b[j-1] && reached[j-1]
			}
		}
		reached = row
	}
	return reached[len(b)]
}

// strippedPrefix returns what a handler in front strips from the path. Such a handler is in the same block as the
// handler that is being provisioned, or in a block around it. Caddy provisions routes in order, so routes that are
// still raw come later or at the same place.
func strippedPrefix(ancestry []caddy.Module) string {
	for _, module := range ancestry {
		block, ok := module.(*caddyhttp.Subroute)
		if !ok {
			continue
		}
		for _, route := range block.Routes {
			for _, handler := range route.Handlers {
				if rewriting, ok := handler.(*rewrite.Rewrite); ok && rewriting.StripPathPrefix != "" {
					return rewriting.StripPathPrefix
				}
			}
			if route.HandlersRaw == nil {
				continue
			}
			if prefix := strippedBefore(route.HandlersRaw); prefix != "" {
				return prefix
			}
			break
		}
	}
	return ""
}

// strippedBefore looks at the handlers of one route, up to the one that is or contains second_factor.
func strippedBefore(handlers []json.RawMessage) string {
	for _, raw := range handlers {
		var handler struct {
			Handler string `json:"handler"`
			Prefix  string `json:"strip_path_prefix"`
		}
		if err := json.Unmarshal(raw, &handler); err != nil || handler.Handler == appID || handler.Handler == "subroute" {
			return ""
		}
		if handler.Handler == "rewrite" && handler.Prefix != "" {
			return handler.Prefix
		}
	}
	return ""
}

// methods returns the HTTP methods of a login; empty if every request carries the login.
func (l *Login) methods() []string {
	block, err := l.parse()
	if err != nil {
		return nil
	}
	return block.ComesBy()
}

// carriesErrands reports whether a login request may also ask for something other than the login.
func carriesErrands(l Login) bool {
	block, err := l.parse()
	return err == nil && block.General() && block.Username.Kind != login.Basic && block.Username.Kind != login.Placeholder
}
