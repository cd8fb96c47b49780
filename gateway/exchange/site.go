package exchange

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
)

// Site is what all exchanges of one site share. It does not change.
type Site struct {
	Config Config
	Policy *gate.Policy
	Log    *slog.Logger
	// SecureName is the cookie's name on https, and PlainName its name on http.
	SecureName, PlainName string
	// Requests is shared by all gateways of the app in this process.
	*underway.Requests
}

// NewSite checks the configuration, fills in the defaults, and makes a site of it. It does no I/O.
func NewSite(config Config) (*Site, error) {
	if config.App == "" || config.Sessions == nil || config.Factors == nil || config.Pages == nil {
		return nil, errors.New("gateway: app, sessions, factors and pages are required")
	}
	config.fillWords()
	if err := config.CheckCredentials(); err != nil {
		return nil, err
	}
	config.fillRest()
	policy, err := gate.NewPolicy(gate.Rules{
		Base: config.Base, LoginPage: config.LoginPage, Public: config.Public, Logout: config.Logout, Shut: config.Shut,
		Methods: config.Methods,
		Protect: config.Protect,
		// Tokens are issued to verified sessions only, even below a public path.
		Refresh: config.Refresh,
	})
	if err != nil {
		return nil, err
	}
	if err := config.Logins.Validate(); err != nil {
		return nil, err
	}
	if err := config.checkStanding(); err != nil {
		return nil, err
	}
	s := &Site{Config: config, Policy: policy, Log: config.Logger}
	if s.SecureName, s.PlainName, err = cookieNames(config.Cookie); err != nil {
		return nil, err
	}
	s.Requests = underway.Of(config.Sessions)
	return s, nil
}

// fillWords fills in the defaults that CheckCredentials does not look at.
func (c *Config) fillWords() {
	if c.Name == "" {
		c.Name = c.App
	}
	if c.Digits == 0 {
		c.Digits = 6
	}
	if c.Period == 0 {
		c.Period = 30 * time.Second
	}
	if c.Base == "" {
		c.Base = "/second-factor"
	}
	if c.Recheck == 0 {
		c.Recheck = time.Minute
	}
}

// fillRest fills in the other defaults.
func (c *Config) fillRest() {
	if c.TokenHeader == "" {
		c.TokenHeader, c.TokenScheme = "Authorization", "Bearer"
	}
	if c.Cookie == "" {
		c.Cookie = "__Host-sallyport"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Events == nil {
		c.Events = event.NewAudit(c.Logger)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ClientAddress == nil {
		c.ClientAddress = func(r *http.Request) string { return r.RemoteAddr }
	}
	if c.Secure == nil {
		c.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if c.PrepareProbe == nil {
		c.PrepareProbe = func(probe, _ *http.Request, _ http.ResponseWriter) *http.Request { return probe }
	}
	if c.Unanswered == nil {
		c.Unanswered = func(*http.Request, error) int { return 0 }
	}
	if c.Observe == nil {
		c.Observe = func(*http.Request, Outcome) {}
	}
}

// checkStanding returns what is wrong with a site that has no login page, or whose logins an earlier handler makes.
func (c *Config) checkStanding() error {
	switch placeholder := c.Logins.Placeholder() != ""; {
	case placeholder != (c.Front != nil):
		return errors.New("username placeholder: it and Front need each other")
	case c.LoginPage == "" && c.Logins.Basic() == nil && !placeholder:
		return errors.New("login_page: name the app's login page")
	}
	return nil
}
