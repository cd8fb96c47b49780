package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// secureVar is the request variable that has the result of secure.
const secureVar = "second_factor.secure"

// secure reports whether a request left the browser over TLS: either it reached this server so, or a proxy that the
// server trusts says so in a single word. The result is computed once for each request, since later handlers may change
// the header.
func secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if !ok {
		return false
	}
	if found, ok := vars[secureVar].(bool); ok {
		return found
	}
	trusted, _ := vars[caddyhttp.TrustedProxyVarKey].(bool)
	said := r.Header["X-Forwarded-Proto"]
	found := trusted && len(said) == 1 && said[0] == "https"
	vars[secureVar] = found
	return found
}

// checkTransport refuses a server that takes plain http from a network, where everybody on the way would read passwords
// and sessions, unless a trusted proxy in front of it terminates TLS.
func checkTransport(ctx caddy.Context, logger *slog.Logger) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil // not in a server, so there are no requests either
	}
	app, err := ctx.App("http")
	if err != nil {
		return err
	}
	loopback, network, err := plainListeners(server, app.(*caddyhttp.App).HTTPPort)
	switch {
	case err != nil:
		return err
	case trustsProxies(server):
		return nil
	case network != "" && !onlyLoopbackHosts(server.Routes):
		return fmt.Errorf("second_factor: plain http at %s, which is not loopback: serve the site over https, or 'bind 127.0.0.1'; where TLS "+
			"ends in front of this server, name what stands there with 'servers { trusted_proxies static <address>... }'", network)
	case network != "":
		logger.Warn("plain http, for hosts of this machine only, but the server listens on its network too, where it answers 403",
			"setting", "bind", "listen", network)
	case loopback != "":
		logger.Warn("plain http, which is taken on loopback only; where TLS ends in front of this server, name what stands there, or "+
			"the cookie is not Secure", "setting", "trusted_proxies", "listen", loopback)
	}
	return nil
}

// plainListeners returns an address where a server takes plain http from this machine only, and one where it does from
// a network; each is empty if there is none. For a Unix socket or an inherited one that cannot be known; then each
// request is checked.
func plainListeners(server *caddyhttp.Server, httpPort int) (loopback, network string, err error) {
	if httpPort == 0 {
		httpPort = caddyhttp.DefaultHTTPPort
	}
	for _, text := range server.Listen {
		address, err := caddy.ParseNetworkAddress(text)
		if err != nil {
			return "", "", fmt.Errorf("listen %q: %w", text, err)
		}
		// Caddy never serves TLS at the http port.
		port := uint(httpPort)
		tls := len(server.TLSConnPolicies) > 0 && (port < address.StartPort || port > address.EndPort)
		switch {
		case tls || address.IsUnixNetwork() || address.IsFdNetwork():
		case loopbackHost(address.Host):
			loopback = text
		default:
			network = text
		}
	}
	return loopback, network, nil
}

func loopbackHost(host string) bool {
	host = strings.ToLower(strings.Trim(host, "[]"))
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// onlyLoopbackHosts reports whether all of a server's routes are for hosts of this machine, as that of the site
// `http://127.0.0.1:8080` is. Caddy still listens on all interfaces then, unless `bind` is set.
func onlyLoopbackHosts(routes caddyhttp.RouteList) bool {
	for _, route := range routes {
		if len(route.MatcherSets) == 0 {
			return false
		}
		for _, set := range route.MatcherSets {
			found := false
			for _, matcher := range set {
				hosts, ok := matcher.(*caddyhttp.MatchHost)
				if !ok {
					continue
				}
				for _, host := range *hosts {
					if !loopbackHost(host) {
						return false
					}
					found = true
				}
			}
			if !found {
				return false
			}
		}
	}
	return len(routes) > 0
}

// trustsProxies reports whether a server trusts any proxy. By then Caddy keeps that in an unexported field;
// TestTrustedProxies fails if a new version drops it.
func trustsProxies(server *caddyhttp.Server) bool {
	field := reflect.ValueOf(server).Elem().FieldByName("trustedProxies")
	return field.IsValid() && field.Kind() == reflect.Interface && !field.IsNil()
}
