package caddymodule

import (
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// siteHosts are the hosts of the site that a directive stands in, each once. One is empty that is not fixed, as those
// of `:8080` and `*.example.com` are; a name that a client can choose must never scope anything.
//
// Caddy does not tell a directive where it stands, so the field is read by reflection; TestDefaultApp notices when a
// new version of Caddy has it no longer.
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

// defaultApp is the name of an app whose site does not say it: the site's host, where it has one, and only one. Under
// several hosts nobody could say whether the app is the one, with the users of the one, or each of them has users of
// its own.
func defaultApp(h httpcaddyfile.Helper) (string, error) {
	hosts := siteHosts(h)
	h.Reset()
	h.Next() // errors name the line of the directive
	switch {
	case len(hosts) > 1:
		return "", h.Errf("this site has %d hosts: name the app with 'app <name>'", len(hosts))
	case len(hosts) == 0 || hosts[0] == "":
		return "", h.Err("this site has no host of its own: name the app with 'app <name>'")
	}
	return hosts[0], nil
}
