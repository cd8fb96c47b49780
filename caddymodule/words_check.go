package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sallyport.example/sallyport/login"
)

// checkAll checks how the words of a site fit together. Its errors name the line of the word that they begin with.
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
	if err := cmp.Or(h.checkPolicy(), h.checkNotices()); err != nil {
		return h.blame(err, said)
	}
	if h.App == "" {
		return nil // the default is the site's host
	}
	_, err := h.factors()
	return h.blame(err, said)
}

// blame finds the line of an error about several words. The core's errors begin with the name of the setting they are
// about, or with the number of a login.
func (h *Handler) blame(err error, said places) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "second_factor: "), "login: ")
	number := 0
	if _, err := fmt.Sscanf(text, "login block %d:", &number); err == nil {
		_, text, _ = strings.Cut(text, ": ")
		text = "login: " + text
	} else if setting(text) == "username" {
		number = 1 + slices.IndexFunc(h.Logins, func(l Login) bool { return strings.HasPrefix(text, "username "+l.Username[0]+":") })
	}
	where, found := said.last(setting(text))
	if logins := said["login"]; number > 0 && number <= len(logins) {
		where, found = said.last(inLogin(number, setting(strings.TrimPrefix(text, "login: "))))
		if !found {
			where, found = logins[number-1], true
		}
	}
	if other, ok := otherwise[setting(text)]; !found && ok {
		where, found = said.last(other)
	}
	if !found {
		return errors.New(text)
	}
	return where.wrap(errors.New(text))
}

// otherwise maps settings that have no word of their own, or whose word may be absent, to the word to blame: grace is
// an argument of `require`, and without `login_page` the login page is a login's path.
var otherwise = map[string]string{"grace": "require", "login_page": "login"}

// inLogin returns the key of a login block's word in a site's places.
func inLogin(number int, word string) string { return fmt.Sprintf("login %d %s", number, word) }

// standsInEveryRequest reports whether every request carries the login itself, so that there is no login page.
func (l *Login) standsInEveryRequest() bool {
	if len(l.Username) == 0 {
		return false
	}
	kind := login.Kind(l.Username[0])
	return kind == login.Basic || kind == login.Placeholder
}
