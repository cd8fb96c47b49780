package caddymodule

import (
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// siteHosts returns the hosts of the site that a directive is in, each once. A host that is not fixed, as of `:8080` or
// `*.example.com`, is returned as an empty string: a name that a client can choose must never scope anything.
//
// Caddy does not expose which site a directive is in, so the field is read by reflection. TestDefaultApp fails if a new
// version of Caddy drops it.
func siteHosts(h httpcaddyfile.Helper) (hosts []string) {
	block := reflect.ValueOf(h).FieldByName("parentBlock")
	if !block.IsValid() {
		return nil
	}
	keys := block.FieldByName("Keys")
	if !keys.IsValid() || keys.Kind() != reflect.Slice {
		return nil
	}
	for i := range keys.Len() {
		host := ""
		if text := keys.Index(i).FieldByName("Text"); text.IsValid() && text.Kind() == reflect.String {
			address, err := httpcaddyfile.ParseAddress(text.String())
			if err == nil && !strings.ContainsAny(address.Host, "*{}") {
				host = strings.ToLower(address.Host)
			}
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// defaultApp returns the name of an app whose site does not set one: the site's host, if it has exactly one. With
// several hosts nobody could say whether they are one app with the same users, or several apps with users of their own.
func defaultApp(h httpcaddyfile.Helper) (string, error) {
	hosts := siteHosts(h)
	h.Reset()
	h.Next() // so that errors name the directive's line
	switch {
	case len(hosts) > 1:
		return "", h.Errf("this site has %d hosts: name the app with 'app <name>'", len(hosts))
	case len(hosts) == 0 || hosts[0] == "":
		return "", h.Err("this site has no host of its own: name the app with 'app <name>'")
	}
	return hosts[0], nil
}
