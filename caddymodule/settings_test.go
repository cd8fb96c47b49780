package caddymodule

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// builds returns the settings of a site as package gateway gets them.
func builds(t *testing.T, h *Handler) (gateway.Config, error) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	g := guests{shared: session.NewShared(memory)}
	return h.build(&App{secrets: g, sessions: g})
}

// plainHandler returns a valid site.
func plainHandler() *Handler {
	return &Handler{
		App: "wiki", Logins: []Login{{Paths: []string{"/login"}, Username: []string{"form", "u"}}},
		Identities: Identities{{Path: "/me", Name: []string{"json", "/n"}}},
	}
}

// TestSettingsReachTheGateway: each setting that keeps somebody out, or makes the gateway ask for something, reaches
// the gateway's configuration unchanged.
func TestSettingsReachTheGateway(t *testing.T) {
	plain, err := builds(t, plainHandler())
	if err != nil {
		t.Fatal(err)
	}
	if plain.Name != "wiki" || plain.RequireEveryone || plain.Offer || plain.Renews || plain.Reauth != 0 || plain.LoginPage != "/login" || plain.Front != nil || plain.Digits != 6 {
		t.Errorf("by default: %+v", plain)
	}
	prefix := "staff:"
	h := plainHandler()
	h.Issuer, h.Base, h.LoginPage = "The Wiki", "/2fa", "/start"
	h.Logins = append(h.Logins, Login{
		Paths: []string{"/api"}, Username: []string{"form", "user"}, When: [][]string{{"form", "action", "login"}}, OnlyHere: true, Fields: []string{"password"},
		From: []string{"https://a.example"}, Token: [][]string{{"header", "X-Token"}},
	})
	h.Identities = append(h.Identities, &Identity{
		Path: "/staff", Name: []string{"header", "X-User", "^(\\w+)$"}, Prefix: &prefix, Guests: []string{"visitor"},
	})
	h.Require, h.Grace, h.Reauth, h.Recheck, h.Remember = "everyone", caddy.Duration(time.Hour), caddy.Duration(time.Minute), caddy.Duration(time.Second), caddy.Duration(24*time.Hour)
	h.Public, h.Protect, h.Shut, h.Logout = []string{"/pub/*"}, []string{"/pub/private"}, []string{"/shut"}, []string{"/out"}
	h.Hold, h.Pass, h.Rotates, h.Methods, h.Origins = []string{"h"}, []string{"p"}, []string{"r"}, []string{"GET", "POST"}, []string{"https://b.example"}
	h.Usernames, h.TokenHeader, h.Refresh, h.Renews, h.Guard, h.Cookie = "[a-z]+", []string{"X-Token", "Own"}, []string{"/refresh"}, true, true, "own"
	h.TOTP = &TOTP{Algorithm: "SHA256", Digits: 8, Period: caddy.Duration(time.Minute), Skew: new(2)}
	h.Factors, h.Passkey = []string{"passkey"}, &Passkey{RPID: "example.com", UserVerification: "required"}
	h.Throttle = &Throttle{Free: 2, Delay: caddy.Duration(time.Minute), MaxDelay: caddy.Duration(2 * time.Hour), Stop: 9}
	h.Enrolment, h.EnrolmentNetworks, h.Fallback, h.RememberKey = "network", []string{"10.0.0.0/8"}, "none", true
	got, err := builds(t, h)
	if err != nil {
		t.Fatal(err)
	}
	for what, is := range map[string]bool{
		"issuer": got.Name == "The Wiki", "base": got.Base == "/2fa", "login_page": got.LoginPage == "/start", "require": got.RequireEveryone,
		"grace": got.Grace == time.Hour, "reauth": got.Reauth == time.Minute, "recheck": got.Recheck == time.Second, "cookie": got.Cookie == "own",
		"public": len(got.Public) == 1, "protect": got.Protect.Match("/pub/private"), "shut": got.Shut.Match("/shut"), "logout": got.Logout.Match("/out"),
		"hold": got.Hold.Match("h"), "pass": got.Pass.Match("p"), "rotates": got.Rotates.Match("r"), "methods": slices.Equal(got.Methods, h.Methods),
		"origins": slices.Equal(got.Origins, h.Origins), "renews": got.Renews, "guard": got.Guard, "digits": got.Digits == 8, "period": got.Period == time.Minute,
		"enrolment":    len(got.EnrolFrom) == 1 && got.EnrolFrom[0].String() == "10.0.0.0/8",
		"token_header": got.TokenHeader == "X-Token" && got.TokenScheme == "Own", "refresh": got.Refresh.Match("/refresh"),
		"usernames": got.Logins.Names.Allowed != nil && !got.Logins.Names.Allowed.MatchString("Ä"),
		"from":      slices.Equal(got.Logins.Blocks[1].From, []string{"https://a.example"}), "fields": len(got.Logins.Blocks[1].Fields) == 1, "token": len(got.Logins.Tokens()) == 1,
		"only_here": len(got.Logins.Blocks) == 3 && got.Logins.Blocks[2].Refuse && got.Logins.Blocks[2].Paths.Match("/elsewhere"),
		"identity":  len(got.Logins.Identities) == 2 && got.Logins.Identities[1].Prefix == "staff:" && got.Logins.Identities[1].IsGuest("visitor"),
	} {
		if !is {
			t.Errorf("%s does not reach the gateway", what)
		}
	}
	answer := login.Answer{Status: http.StatusOK, Header: http.Header{"X-User": {"carol"}}}
	if name, verdict := got.Logins.Identities[1].Read(answer); name != "carol" || verdict != login.Known {
		t.Errorf("the pattern does not reach the gateway: %q", name)
	}
	factors, err := h.factors()
	if err != nil || factors.Remember != 24*time.Hour || factors.Throttle != (factor.Throttle{Free: 2, Delay: time.Minute, MaxDelay: 2 * time.Hour, Stop: 9}) {
		t.Errorf("factors: %+v %v", factors, err)
	}
	if factors.Fallback != factor.FallbackNone || !factors.RememberKey || factors.EnrolmentCode {
		t.Errorf("factors: %+v", factors)
	}
	if totp := h.totp(); string(totp.Algorithm) != "SHA256" || totp.Digits != 8 || totp.Period != time.Minute || totp.Skew != 2 {
		t.Errorf("totp: %+v", totp)
	}
}

// TestRefusedAtStart: settings that would leave a way in open are refused in a JSON configuration too, which no reader
// of a Caddyfile has checked.
func TestRefusedAtStart(t *testing.T) {
	for setting, change := range map[string]func(*Handler){
		"app":                    func(h *Handler) { h.App = "" },
		"login: at least":        func(h *Handler) { h.Logins = nil },
		"login: name at least":   func(h *Handler) { h.Logins[0].Paths = nil },
		"login_page":             func(h *Handler) { h.Logins[0].Paths = []string{"/log*"} },
		"only_here":              func(h *Handler) { h.Logins[0].OnlyHere = true },
		"identity":               func(h *Handler) { h.Identities = nil },
		"require":                func(h *Handler) { h.Require = "all" },
		"grace":                  func(h *Handler) { h.Grace = 1 },
		"grace: ":                func(h *Handler) { h.Grace, h.Require = -1, "everyone" },
		"offer":                  func(h *Handler) { h.Offer, h.Require = true, "everyone" },
		"remember":               func(h *Handler) { h.Remember = caddy.Duration(401 * 24 * time.Hour) },
		"enrolment: ":            func(h *Handler) { h.Enrolment = "closed" },
		"enrolment: network":     func(h *Handler) { h.Enrolment = "network" },
		"enrolment: network and": func(h *Handler) { h.EnrolmentNetworks = []string{"10.0.0.0/8"} },
		"enrolment: '10":         func(h *Handler) { h.Enrolment, h.EnrolmentNetworks = "network", []string{"10.0.0.0/33"} },
		"fallback":               func(h *Handler) { h.Fallback = "never" },
		"remember: a key":        func(h *Handler) { h.RememberKey = true },
		"remember: ":             func(h *Handler) { h.Remember = -1 },
		"usernames":              func(h *Handler) { h.Usernames = "(" },
		"token_header":           func(h *Handler) { h.TokenHeader = []string{"X-A", "b", "c"} },
		"token_header: ":         func(h *Handler) { h.TokenHeader = []string{"X-A"} },
		"refresh":                func(h *Handler) { h.Refresh = []string{"/r"} },
		"success":                func(h *Handler) { h.Logins[0].Success = [][]string{{}} },
		"success: ":              func(h *Handler) { h.Logins[0].Success = [][]string{{"odd", "x"}} },
		"failure":                func(h *Handler) { h.Logins[0].Failure = [][]string{{"odd", "x"}} },
		"when":                   func(h *Handler) { h.Logins[0].When = [][]string{{"odd"}} },
		"token":                  func(h *Handler) { h.Logins[0].Token = [][]string{{"odd"}} },
		"username":               func(h *Handler) { h.Logins[0].Username = []string{"odd"} },
		"username placeholder": func(h *Handler) {
			h.Logins[0] = Login{Paths: []string{"*"}, Username: []string{"placeholder", "{http.request.uri.query.user}"}}
			h.Identities = nil
		},
		"totp":     func(h *Handler) { h.TOTP = &TOTP{Digits: 4} },
		"throttle": func(h *Handler) { h.Throttle = &Throttle{Stop: 101} },
		"prefix":   func(h *Handler) { h.Identities[0].Prefix = new("a\nb") },
		"prefix: ": func(h *Handler) { h.Identities[0].Prefix = new(strings.Repeat("x", 1000)) },
	} {
		h := plainHandler()
		change(h)
		_, err := builds(t, h)
		if word, _, _ := strings.Cut(setting, ":"); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
