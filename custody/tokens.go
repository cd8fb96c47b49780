package custody

import (
	"net/http"
	"net/url"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// tokenEndings are the endings, folded, of the headers in which apps take bearer tokens.
var tokenEndings = []string{"token", "auth", "authorization", "authentication", "jwt", "bearer", "key", "apikey"}

// tokenNames are the query fields in which apps take bearer tokens, by their names without any character that is
// neither letter nor digit.
var tokenNames = map[string]bool{
	"token": true, "accesstoken": true, "authtoken": true, "auth": true, "authorization": true, "authentication": true, "jwt": true,
	"jwttoken": true, "bearer": true, "bearertoken": true, "apikey": true, "apitoken": true, "idtoken": true, "sessiontoken": true,
	"usertoken": true, "oauthtoken": true, "privatetoken": true, "xauthtoken": true, "xtoken": true, "xauth": true, "xapikey": true,
	"xaccesstoken": true, "refreshtoken": true,
}

func carriesToken(folded []byte) bool {
	for _, ending := range tokenEndings {
		if len(folded) >= len(ending) && string(folded[len(folded)-len(ending):]) == ending {
			return true
		}
	}
	return false
}

// holdsToken reports whether a header has exactly one line and this has a bound token, alone or after one scheme of any
// name.
func holdsToken(lines []string, bound func(string) bool) bool {
	if len(lines) != 1 {
		return false
	}
	if bound(lines[0]) {
		return true
	}
	scheme, rest, found := strings.Cut(lines[0], " ")
	return found && scheme != "" && allOf(scheme, classToken) && bound(rest)
}

// longestProtocol is the length of the longest name, in bytes, that counts as a WebSocket subprotocol.
const longestProtocol = 24

// CleanProtocols removes from the subprotocols that a WebSocket offers what may be a bearer token: anything longer than
// a usual name that is not bound. Scripts put tokens there because browsers let them set no header. A nil bound binds
// nothing.
func CleanProtocols(h http.Header, bound func(string) bool) {
	lines := h["Sec-Websocket-Protocol"]
	if lines == nil {
		return
	}
	var kept []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			item = trimSpace(item)
			if item != "" && (len(item) <= longestProtocol || bound != nil && bound(item)) {
				kept = append(kept, item)
			}
		}
	}
	if kept == nil {
		delete(h, "Sec-Websocket-Protocol")
		return
	}
	h["Sec-Websocket-Protocol"] = []string{strings.Join(kept, ", ")}
}

// CleanQuery removes from a raw query the fields in which apps take bearer tokens, except for those whose value is
// bound; a nil bound binds nothing. The names are read as the laxest of servers reads them: whatever their case and
// escapes, and with brackets after them. The rest stays unchanged.
func CleanQuery(raw string, bound func(string) bool) string {
	if !mayCarryToken(raw) {
		return raw
	}
	var kept []string
	for piece := range strings.SplitSeq(raw, "&") {
		if queryPieceStays(piece, bound) {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, "&")
}

// mayCarryToken quickly returns false for most queries.
func mayCarryToken(raw string) bool {
	if strings.ContainsFunc(raw, func(r rune) bool { return r == '%' || r >= 0x80 }) {
		return true
	}
	lower := strings.ToLower(raw)
	for _, word := range [...]string{"token", "auth", "jwt", "bearer", "key"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// queryPieceStays judges the text between two ampersands. Some servers divide it further at semicolons.
func queryPieceStays(piece string, bound func(string) bool) bool {
	if strings.IndexByte(piece, ';') >= 0 {
		for part := range strings.SplitSeq(piece, ";") {
			if name, _, _ := strings.Cut(part, "="); isTokenName(name) {
				return false
			}
		}
	}
	name, value, _ := strings.Cut(piece, "=")
	if !isTokenName(name) {
		return true
	}
	text, err := url.QueryUnescape(value)
	return err == nil && bound != nil && (bound(text) || bound(match.WithoutScheme(text)))
}

func isTokenName(name string) bool {
	for range 3 {
		again, err := url.QueryUnescape(name)
		if err != nil || again == name {
			break
		}
		name = again
	}
	name, _, _ = strings.Cut(name, "\x00")
	if base, _, found := strings.Cut(name, "["); found && base != "" {
		name = base
	}
	return tokenNames[strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case r == '\u212a': // the Kelvin sign; its small letter is k
			return 'k'
		case r == '\u017f': // the long s
			return 's'
		}
		return -1
	}, name)]
}
