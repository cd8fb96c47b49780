package custody

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// HeaderPolicy says which headers a client may send to the app.
type HeaderPolicy struct {
	// Pass are the headers that the operator lets through. Headers that change what a request is, or what the gateway
	// says of it, cannot be let through.
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
	// Login: the request is a login, whose method does count, and which goes as a stranger's.
	Login bool
	// Path is the request's, for what is let through at some paths only.
	Path match.Path
	// Closed reports whether the operator closed the path (protect, shut), so that the method may matter there. It is
	// called only if a header changes the method; nil means no.
	Closed func() bool
	// Token reports whether a bearer token is bound to the session, at sites whose apps issue them; nil where none may
	// come.
	Token func(string) bool
}

// Clean removes from a request's headers, in place, all that a client must not say (P3). To be called before the
// gateway adds headers of its own. A header's name is judged in the form that a careless server gives it:
// `X_Second.Factor-User` is X-Second-Factor-User.
//
// Whoever is not verified sends the documented headers (docs/configuration.md), in their one spelling, and those that
// the policy passes; all else is removed. For logins the same holds in every session.
//
// From a verified session's requests these are removed: the gateway's own headers (X-Second-Factor…); addresses other
// than the request's (X-Original-URL), and where the app is mounted (X-Script-Name); Proxy, Proxy-Authorization,
// Cookie2; other spellings of the documented headers (Cookie_, content_type); credentials, identities and claims of
// where a request comes from, unless the policy passes them, or they are a bearer token that is bound to the session;
// overrides of the method where the place is one that protect or shut closes.
//
// Connection is rebuilt. The headers that it names are removed, as the proxy would remove them, but for those on which
// gateway and app must agree (Cookie, Content-Type and so on). Only an upgrade to WebSocket remains of it. Of TE only
// trailers remain.
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

// spelled reports whether a header's name is spelled as net/http spells it, folded being its fold: no `_` for a `-`,
// upper case where a word begins.
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

// cleanHop judges a header that belongs to one connection, and changes its value where a part of it may stay. No other
// spelling than net/http's is one that may.
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

// upgradesToWebSocket reports whether the connection is to become a WebSocket and nothing else. It holds before and
// after Connection was rebuilt.
func upgradesToWebSocket(h http.Header) bool {
	upgrade := h["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && hasToken(h["Connection"], "upgrade")
}

// hasToken reports whether a list, spread over any number of lines, has a token in any case.
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

// removeNamed removes the headers that Connection names (RFC 9110 §7.6.1), but for those that a client must not have
// removed: then the app would read another request than the gateway judged, or than Caddy prepared.
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

// ordinary are the headers that need no judging, for speed. All are spelled as net/http spells them.
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
