package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/cobra"
)

// errUnprotected is returned by `explain` if a request comes to no second_factor.
var errUnprotected = errors.New("no second_factor of the configuration gets this request: it goes where the route leads, without a second factor")

// handlerFor returns the settings of the second_factor that a request comes to, by the configuration that a command's
// flags name, and whether the request comes from this machine. Nothing is started.
func handlerFor(command *cobra.Command, r *http.Request) (handler *Handler, local bool, err error) {
	content, err := configContent(command)
	if err != nil {
		return nil, false, err
	}
	if content == nil {
		return nil, false, errors.New("no configuration: name it with --config")
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Listen []string            `json:"listen"`
					Routes caddyhttp.RouteList `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, false, fmt.Errorf("reading the configuration: %w", err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	replacer := caddy.NewReplacer()
	prepared := caddyhttp.PrepareRequest(r.Clone(context.WithValue(r.Context(), caddy.ReplacerCtxKey, replacer)), replacer, nil, nil)
	listening := false
	for _, server := range config.Apps.HTTP.Servers {
		on, listens := listener(server.Listen, r)
		if !listens {
			continue
		}
		listening = true
		found, err := through(ctx, server.Routes, prepared)
		if err != nil || found != nil {
			return found, isLoopback(on) || on == "" && isLoopback(r.URL.Hostname()), err
		}
	}
	if !listening {
		return nil, false, fmt.Errorf("no server of the configuration listens on port %d", portOf(r))
	}
	return nil, false, errUnprotected
}

// listener returns the host of the address that has the request's port, and reports whether there is one. The host is
// empty for an address of all interfaces.
func listener(addresses []string, r *http.Request) (host string, listens bool) {
	for _, text := range addresses {
		address, err := caddy.ParseNetworkAddress(text)
		if err == nil && address.StartPort <= portOf(r) && portOf(r) <= address.EndPort {
			return address.Host, true
		}
	}
	return "", false
}

// isLoopback reports whether a host is this machine, by a loopback name or address.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// portOf returns the port in a request's address, or its scheme's default.
func portOf(r *http.Request) uint {
	if port, err := strconv.ParseUint(r.URL.Port(), 10, 16); err == nil {
		return uint(port)
	}
	if r.URL.Scheme == "https" {
		return 443
	}
	return 80
}

// through follows a request through routes and returns the first second_factor that it comes to; nil if there is none.
// As in Caddy, of the routes in a group only the first that matches counts.
func through(ctx caddy.Context, routes caddyhttp.RouteList, r *http.Request) (*Handler, error) {
	if err := routes.ProvisionMatchers(ctx); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	entered := make(map[string]bool)
	for _, route := range routes {
		if route.Group != "" && entered[route.Group] {
			continue
		}
		matches, err := route.MatcherSets.AnyMatchWithError(r)
		if err != nil {
			return nil, fmt.Errorf("a matcher of the route: %w", err)
		}
		if !matches {
			continue
		}
		entered[route.Group] = true
		for _, raw := range route.HandlersRaw {
			found, err := inHandler(ctx, raw, r)
			if err != nil || found != nil {
				return found, err
			}
		}
		if route.Terminal {
			break
		}
	}
	return nil, nil //nolint:nilnil // the caller decides whether that is an error
}

// inHandler looks into one handler of a route.
func inHandler(ctx caddy.Context, raw json.RawMessage, r *http.Request) (*Handler, error) {
	var kind struct {
		Handler string              `json:"handler"`
		Routes  caddyhttp.RouteList `json:"routes"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	switch kind.Handler {
	case "subroute":
		return through(ctx, kind.Routes, r)
	case "second_factor":
		handler := new(Handler)
		if err := json.Unmarshal(raw, handler); err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		return handler, nil
	}
	return nil, nil //nolint:nilnil // the handler leads to no second_factor
}
