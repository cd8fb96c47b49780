package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport/login"
)

// checkAll looks at how the words of a site fit together. Its errors name the line of the word that they begin with.
func (h *Handler) checkAll(said places) error {
	if len(h.Logins) == 0 {
		return errors.New("describe the app's login with 'login <path> { ... }'")
	}
	if _, err := h.logins(); err != nil {
		return h.blame(err, said)
	}
	if err := h.checkPaths(); err != nil {
		return h.blame(err, said)
	}
	if err := h.checkPolicy(); err != nil {
		return h.blame(err, said)
	}
	if h.App == "" {
		return nil // it gets the site's host
	}
	_, err := h.factors()
	return h.blame(err, said)
}

// blame finds the line of an error about the whole. The errors of the core begin with the setting that they are about,
// or with the number of a login.
func (h *Handler) blame(err error, said places) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "second_factor: "), "login: ")
	at := -1
	if number := 0; strings.HasPrefix(text, "login block ") {
		if _, err := fmt.Sscanf(text, "login block %d:", &number); err == nil {
			_, text, _ = strings.Cut(text, ": ")
			at = number - 1
		}
	}
	word := setting(text)
	switch _, stands := said.last(word); {
	case at >= 0:
		word = "login"
	case stands:
	case word == "grace":
		word = "require"
	case word == "username":
		at = slices.IndexFunc(h.Logins, func(l Login) bool { return strings.HasPrefix(text, "username "+l.Username[0]+":") })
		word = "login"
	case word == "login_page": // which is the path of a login where it is not said
		word = "login"
	}
	where, stands := said.last(word)
	if logins := said["login"]; word == "login" && at >= 0 && at < len(logins) {
		where, stands = logins[at], true
	}
	reason := named(word, errors.New(text))
	if !stands {
		return reason
	}
	return where.wrap(reason)
}

// standsInEveryRequest reports whether a login is made by each request itself, so that it has no page.
func (l *Login) standsInEveryRequest() bool {
	if len(l.Username) == 0 {
		return false
	}
	kind := login.Kind(l.Username[0])
	return kind == login.Basic || kind == login.Placeholder
}
