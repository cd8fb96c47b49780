package caddymodule

import (
	"encoding/json"
	"fmt"
	"sync"
)

// sites are the settings of each app that say who a user is. Several sites may share an app, and with it users and
// sessions, only where they all mean the same users: with another login or identity, who is alice at one site is whom
// a stranger chooses at the other.
//
// They belong to one configuration, as the App does that holds them, and go with it.
type sites struct {
	mu   sync.Mutex
	apps map[string][]byte
}

// meaning are the settings that say who a user is, and who of them needs a factor: a session is good at all sites of
// its app.
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
