package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// sites are, for each app, the settings that define who a user is. Several sites may share an app, and with it users
// and sessions, only if they all mean the same users. Otherwise the user alice of one site could be anybody at another
// one, whose login or identity lets strangers choose that name.
//
// They belong to one configuration, like the App that holds them, and end with it.
type sites struct {
	mu   sync.Mutex
	apps map[string][]byte
	// helped are the apps whose users operators can help.
	helped helpable
}

// meaning returns the settings that define who a user is and which users need a factor. They must agree because a
// session is valid at all sites of its app.
func (h *Handler) meaning() ([]byte, error) {
	return json.Marshal(struct {
		Logins        any
		Identities    any
		Typed         bool
		Usernames     string
		CaseSensitive bool
		Require       string
	}{h.Logins, h.Identities, h.IdentityTyped, h.Usernames, h.CaseSensitive, h.Require})
}

// join adds a site.
func (s *sites) join(h *Handler) error {
	meaning, err := h.meaning()
	if err != nil {
		return fmt.Errorf("second_factor: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, taken := s.apps[h.App]; taken && string(other) != string(meaning) {
		return fmt.Errorf("second_factor: app %q stands at two places with different settings of who a user is (login, identity, "+
			"usernames, case_sensitive, require): give each an 'app' of its own, or both the same settings", h.App)
	}
	if s.apps == nil {
		s.apps = make(map[string][]byte)
	}
	s.apps[h.App] = meaning
	return nil
}

// names are the apps of all sites.
func (s *sites) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.apps))
}
