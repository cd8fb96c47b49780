package caddymodule

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/seal"
)

// guests replace the modules for secrets and sessions.
type guests struct{ shared *session.Shared }

func (g guests) Open() error             { return nil }
func (g guests) Store() factor.Store     { return factor.NewMemoryStore() }
func (g guests) SessionKeys() seal.Keys  { return nil }
func (g guests) Identity() string        { return "none" }
func (g guests) Connect(Secrets) error   { return nil }
func (g guests) Shared() *session.Shared { return g.shared }

// TestBuildSettingsLink: the link is off by default, and on with the word.
func TestBuildSettingsLink(t *testing.T) {
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	g := guests{shared: session.NewShared(memory)}
	for _, want := range []bool{false, true} {
		h := Handler{App: "wiki", Logins: []Login{{Paths: []string{"/login"}, Username: []string{"form", "u"}}}, Identities: Identities{{Path: "/me", Name: []string{"json", "/n"}}}, SettingsLink: want}
		config, err := h.build(&App{secrets: g, sessions: g})
		if err != nil || config.SettingsLink != want {
			t.Errorf("%v %v, want %v", config.SettingsLink, err, want)
		}
		h.SettingsLinkInto = "header nav"
		if config, err = h.build(&App{secrets: g, sessions: g}); err != nil || !config.SettingsLink || config.SettingsLinkInto != "header nav" {
			t.Errorf("into an element: %v %q %v", config.SettingsLink, config.SettingsLinkInto, err)
		}
		h.SettingsLinkInto = "nav {"
		if _, err = h.build(&App{secrets: g, sessions: g}); err == nil || !strings.Contains(err.Error(), "settings_link") {
			t.Errorf("with a bad selector: %v", err)
		}
	}
}
