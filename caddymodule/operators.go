package caddymodule

import (
	"cmp"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/session"
)

// helpable are the apps of this configuration whose users operators can help, by name. Several sites may share an app,
// and the first one stands for all.
type helpable map[string]operator.App

// serve adds a site's app.
func (s *sites) serve(h *Handler, config gateway.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.helped == nil {
		s.helped = make(helpable)
	}
	if _, there := s.helped[h.App]; !there {
		s.helped[h.App] = operator.App{
			Name: h.App, Factors: config.Factors, Sessions: config.Sessions, Events: config.Events, Throttle: h.Throttle.limits(),
		}
	}
}

// find returns an app of this configuration.
func (s *sites) find(name string) (operator.App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, ok := s.helped[name]
	return app, ok
}

// operators returns the service for the apps that find returns.
func (a *App) operators(find func(name string) (operator.App, bool)) *operator.Service {
	lister, _ := a.secrets.Store().(factor.Lister)
	return &operator.Service{Find: find, Lister: lister}
}

// strayApp returns an app that has no site in this configuration, but records and sessions in its stores: the site may
// be on another machine. The default limits then decide whether an account is locked.
func (a *App) strayApp(name string, events event.Sink) (operator.App, error) {
	h := &Handler{App: name}
	return h.helpedBy(a, events)
}

// helpedBy makes the app of a site that is described, but not served here.
func (h *Handler) helpedBy(a *App, events event.Sink) (operator.App, error) {
	config, err := h.factors()
	if err != nil {
		return operator.App{}, err
	}
	return operator.App{
		Name: h.App, Factors: factor.NewService(a.secrets.Store(), config), Throttle: h.Throttle.limits(), Events: events,
		Sessions: a.sessions.Shared().Manager(session.Config{
			App: h.App, Pending: longestTrust, Idle: longestTrust, Lifetime: cmp.Or(duration(h.Lifetime), longestTrust),
		}),
	}, nil
}
