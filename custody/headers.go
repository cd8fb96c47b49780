package custody

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// HeaderPolicy says which headers a client may send to the app.
type HeaderPolicy struct {
	// Pass are the headers that the operator lets through. Headers that change what a request is, or that the gateway
	// sets about it, cannot be let through.
	Pass []PassHeader
	// Token is the header in which the app takes bearer tokens; empty if it takes them in the usual ones only.
	Token string
}

// NewHeaderPolicy makes a policy that lets the given headers through.
func NewHeaderPolicy(pass []PassHeader) *HeaderPolicy { return &HeaderPolicy{Pass: pass} }

// CleanOptions describes the request that the headers belong to. The zero value is a stranger's request, at no path
// where a header is let through.
type CleanOptions struct {
	// Verified: the session is verified, so that the gateway does not decide by the method.
	Verified bool
	// Login: the request is a login. Its method does count, and it is treated like a stranger's.
	Login bool
	// Path is the request's path, for headers that are let through at some paths only.
	Path match.Path
	// Closed reports whether the operator closed the path (protect, shut), so that the method may matter there. It is
	// called only if a header changes the method; nil means no.
	Closed func() bool
	// Token reports whether a bearer token is bound to the session, at sites whose apps issue them; nil if no token may
	// be sent.
	Token func(string) bool
}

// Clean removes from a request's headers, in place, everything that a client must not say (P3). It must be called
// before the gateway adds headers of its own. A header's name is judged as a careless server reads it:
// `X_Second.Factor-User` counts as X-Second-Factor-User.
//
// Unless the session is verified, only the documented headers (docs/configuration.md) remain, in their usual spelling,
// and those that the policy passes; all others are removed. For logins the same is true in every session.
//
// From a verified session's requests these are removed: the gateway's own headers (X-Second-Factor…); addresses other
// than the request's (X-Original-URL), and where the app is mounted (X-Script-Name); Proxy, Proxy-Authorization,
// Cookie2; other spellings of the documented headers (Cookie_, content_type); credentials, identities and claims about
// where a request comes from, unless the policy passes them, or they are a bearer token that is bound to the session;
// overrides of the method if protect or shut closes the path.
//
// Connection is rebuilt. The headers that it names are removed, as the proxy would remove them, except for those that
// gateway and app must read alike (Cookie, Content-Type and so on). Of Connection only an upgrade to WebSocket remains,
// and of TE only trailers.
func (p *HeaderPolicy) Clean(h http.Header, state CleanOptions) {
	if values, ok := h["Connection"]; ok {
		removeNamed(h, values)
	}
	trusted := state.Verified && !state.Login
	for name := range h {
		if ordinary(name) {
			continue
		}
		var space [64]byte
		folded := appendFold(space[:0], name)
		var keep bool
		fate := fateOf(folded)
		own := p != nil && len(p.Token) == len(folded) && strings.EqualFold(p.Token, string(folded))
		if own && (fate == fateKeep || fate == fateSpelled) {
			fate = fateAsk
		}
		switch fate {
		case fateKeep:
			keep = trusted || p.passes(name, state.Path)
		case fateOpen:
			keep = spelled(name, folded)
		case fateSpelled:
			keep = trusted && spelled(name, folded) || p.passes(name, state.Path)
		case fateHop:
			keep = cleanHop(h, name)
		case fateAsk:
			keep = p.passes(name, state.Path) ||
				trusted && state.Token != nil && (own || carriesToken(folded)) && spelled(name, folded) && holdsToken(h[name], state.Token)
		case fateMethod:
			keep = trusted && spelled(name, folded) && (state.Closed == nil || !state.Closed())
		default:
			keep = false
		}
		if !keep {
			delete(h, name)
		}
	}
}

// Essential reports whether requests need a header of that name for its usual purpose, so that it cannot carry a token.
func Essential(name string) bool {
	fate := fateOf(appendFold(nil, name))
	return ordinary(name) || fate != fateKeep && fate != fateSpelled && fate != fateAsk
}

// Sensitive reports whether a header of that name may carry a credential, say who somebody is, or change what a request
// is.
func Sensitive(name string) bool {
	fate := fateOf(appendFold(nil, name))
	return fate != fateKeep && fate != fateSpelled && fate != fateOpen
}

// spelled reports whether a header's name is spelled as net/http spells it: no `_` for a `-`, and upper case where a
// word begins. folded is the name's fold.
func spelled(name string, folded []byte) bool {
	begins := true
	for i := range len(name) {
		wanted := folded[i]
		if begins && 'a' <= wanted && wanted <= 'z' {
			wanted -= 'a' - 'A'
		}
		if name[i] != wanted {
			return false
		}
		begins = wanted == '-'
	}
	return true
}

// cleanHop judges a header that belongs to one connection, and changes its value if only a part of it may stay. Only
// net/http's spelling may stay.
func cleanHop(h http.Header, name string) bool {
	switch name {
	case "Connection":
		if !upgradesToWebSocket(h) {
			return false
		}
		if values := h[name]; len(values) != 1 || values[0] != "Upgrade" {
			h[name] = []string{"Upgrade"}
		}
		return true
	case "Upgrade":
		return upgradesToWebSocket(h)
	case "Te":
		if !hasToken(h[name], "trailers") {
			return false
		}
		if values := h[name]; len(values) != 1 || values[0] != "trailers" {
			h[name] = []string{"trailers"}
		}
		return true
	}
	return false
}

// upgradesToWebSocket reports whether the connection is to become a WebSocket and nothing else. The result is the same
// before and after Connection was rebuilt.
func upgradesToWebSocket(h http.Header) bool {
	upgrade := h["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && hasToken(h["Connection"], "upgrade")
}

// hasToken reports whether a list, on any number of lines, contains a token in any case.
func hasToken(lines []string, token string) bool {
	for _, rest := range lines {
		for rest != "" {
			var item string
			item, rest, _ = strings.Cut(rest, ",")
			if strings.EqualFold(trimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// removeNamed removes the headers that Connection names (RFC 9110 §7.6.1), except for those that a client must not have
// removed: otherwise the app would read another request than the gateway judged, or than Caddy prepared.
func removeNamed(h http.Header, connection []string) {
	for _, rest := range connection {
		for rest != "" {
			var item string
			item, rest, _ = strings.Cut(rest, ",")
			item = trimSpace(item)
			if item == "" || strings.EqualFold(item, "keep-alive") || strings.EqualFold(item, "close") {
				continue
			}
			var space [64]byte
			switch fateOf(appendFold(space[:0], item)) {
			case fateKeep, fateSpelled, fateMethod:
				h.Del(item)
			}
		}
	}
}

// ordinary reports whether a header needs no judging, for speed. Its names are spelled as net/http spells them.
func ordinary(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Length", "Content-Type", "Cookie", "Dnt",
		"If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile",
		"Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc",
		"Upgrade-Insecure-Requests", "User-Agent", "X-Requested-With", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto":
		return true
	}
	return false
}
