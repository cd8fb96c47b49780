// Package desk is the help desk: pages on which operators find users and help them, behind a sign-in of the operators'
// own that an earlier handler sees to. Its pages work without scripts.
package desk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/pages"
)

// Config is everything that a Desk needs.
type Config struct {
	// Base is the path below which the pages live; `/` where nothing else is there.
	Base string
	// Apps are the names of those whose users may be helped, in the order in which they are shown.
	Apps []string
	// Operators does what is asked for, for users of Apps and no others.
	Operators *operator.Service
	// Operator returns the name of the operator who sent a request; empty for somebody who is none.
	Operator func(r *http.Request) string
	// Client returns the address that a request comes from, without a port, and Secure whether it left the client over
	// TLS.
	Client func(r *http.Request) string
	Secure func(r *http.Request) bool
	// Keys returns the keys that seal what a page shows next, the newest first. Nodes that share them take each other's
	// pages.
	Keys func(ctx context.Context) ([][]byte, error)
	// Pages renders.
	Pages *pages.Renderer
	// Logger gets the errors of stores.
	Logger *slog.Logger
}

// Desk is the handler; safe for concurrent use.
type Desk struct {
	Config
	origins *http.CrossOriginProtection
	shown   shown
}

// New makes a desk.
func New(config Config) (*Desk, error) {
	config.Base = strings.TrimSuffix(config.Base, "/")
	switch {
	case len(config.Apps) == 0:
		return nil, errors.New("apps: name the apps whose users may be helped")
	case config.Base != "" && (!strings.HasPrefix(config.Base, "/") || strings.ContainsAny(config.Base, "?#*")):
		return nil, errors.New("base: want a path, such as /desk")
	}
	return &Desk{Config: config, origins: http.NewCrossOriginProtection()}, nil
}
