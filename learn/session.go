package learn

import (
	"regexp"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// sessionCookies returns the names of the cookies that are the account's session, sorted: what the right login's answer
// sets, and what the requests behind it carry that the browser's scripts cannot have made. held says which of them the
// gateway keeps without being told.
func (r *Recording) sessionCookies(o outcome) (names []string, held map[string]bool) {
	held = make(map[string]bool)
	sets := make(map[string]bool)
	for _, cookie := range o.right.set() {
		if !removes(cookie) {
			sets[cookie.Name], held[cookie.Name] = true, true
		} else {
			delete(sets, cookie.Name)
		}
	}
	wrong := make(map[string]bool)
	if o.wrong != nil {
		for _, cookie := range o.wrong.set() {
			wrong[cookie.Name] = true
		}
	}
	if len(sets) == 0 { // a session that was there before is signed in
		for at := range o.right.at {
			for _, cookie := range r.Exchanges[at].set() {
				if removes(cookie) || forgery(cookie.Name) {
					continue
				}
				if _, carried := o.right.sent()[cookie.Name]; carried && (cookie.HttpOnly || sessionName.MatchString(cookie.Name)) {
					sets[cookie.Name] = true
					held[cookie.Name] = held[cookie.Name] || cookie.HttpOnly
				}
			}
		}
	}
	for name := range sets {
		if !forgery(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, held
}

var sessionName = regexp.MustCompile(`(?i)sess|sid$|^sid|auth|token|login|remember`)

func forgery(name string) bool {
	folded := strings.ToLower(name)
	return strings.Contains(folded, "csrf") || strings.Contains(folded, "xsrf")
}

// scriptCookies returns the names of the cookies that scripts of the app's wrote while it was recorded: a request went
// without it, none of the answers set it, and then it was sent. Cookies that were there from the beginning may be those
// of an earlier session, so they are none.
func (r *Recording) scriptCookies() (names []string) {
	set, absent := make(map[string]bool), make(map[string]bool)
	found := make(map[string]bool)
	for i := range r.Exchanges {
		for _, cookie := range r.Exchanges[i].set() {
			set[cookie.Name] = true
		}
	}
	for i := range r.Exchanges {
		sent := r.Exchanges[i].sent()
		for name := range sent {
			if absent[name] && !set[name] && !forgery(name) && !sessionName.MatchString(name) {
				found[name] = true
			}
		}
		for j := range r.Exchanges {
			for name := range r.Exchanges[j].sent() {
				if _, there := sent[name]; !there && i < j {
					absent[name] = true
				}
			}
		}
	}
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// token is a bearer token in the right login's answer.
type token struct {
	words []string
	// header and scheme are how it was sent back; header is empty if it was not.
	header, scheme string
	why            string
}

// tokens returns the bearer tokens in the right login's answer: first the one that the requests behind it carry, then
// others that are called so.
func (r *Recording) tokens(o outcome) (found []token) {
	type place struct {
		words []string
		value string
		named bool
	}
	var places []place
	for _, member := range leaves(o.right.said()) {
		if member.text && !member.listed {
			places = append(places, place{[]string{"json", member.pointer}, member.value, strings.Contains(strings.ToLower(lastName(member.pointer)), "token")})
		}
	}
	for name, values := range o.right.Answer {
		if len(values) == 1 && name != "Set-Cookie" {
			places = append(places, place{[]string{"header", name}, match.WithoutScheme(values[0]), false})
		}
	}
	if kind := contentType(o.right.Answer); strings.HasPrefix(kind, "text/plain") {
		places = append(places, place{[]string{"body"}, strings.TrimSpace(string(o.right.Content)), false})
	}
	slices.SortStableFunc(places, func(a, b place) int { return strings.Compare(strings.Join(a.words, " "), strings.Join(b.words, " ")) })
	var named []token
	for _, place := range places {
		if len(place.value) < login.TokenLeast || len(place.value) > login.TokenLimit || strings.ContainsAny(place.value, " \t\r\n") {
			continue
		}
		if header, scheme, ok := r.sentBack(o, place.value); ok {
			found = append(found, token{place.words, header, scheme, "the requests behind the login carry it in " + shown(header)})
		} else if place.named {
			named = append(named, token{words: place.words, why: "its name says that it is a token, too"})
		}
	}
	if len(found) == 0 {
		return nil // nobody has used it, so it may be a form's
	}
	return append(found, named...)
}

// sentBack returns the header in which a value was sent to the app after the login, and the scheme in front of it. A
// value that was sent before the login is no token of it.
func (r *Recording) sentBack(o outcome, value string) (header, scheme string, ok bool) {
	for at := range o.until + 1 {
		for name, values := range r.Exchanges[at].Header {
			if name == "Cookie" || len(values) != 1 {
				continue
			}
			before, after, found := strings.Cut(values[0], " ")
			switch {
			case values[0] == value:
				header, scheme, ok = name, "", true
			case found && after == value:
				header, scheme, ok = name, before, true
			}
			if ok && at <= o.right.at {
				return "", "", false
			}
		}
		if ok {
			return header, scheme, true
		}
	}
	return "", "", false
}

// refreshes returns the addresses that answered with another token at the same place as the login, while the account
// was signed in.
func (r *Recording) refreshes(o outcome, all []token) (paths []string) {
	if len(all) == 0 || all[0].words[0] != "json" {
		return nil
	}
	for at := o.right.at + 1; at <= o.until; at++ {
		e := &r.Exchanges[at]
		for _, member := range leaves(e.said()) {
			if path := canonical(e.URL); path != "" && member.pointer == all[0].words[1] && member.text && len(member.value) >= login.TokenLeast &&
				e.Status == 200 && !slices.Contains(paths, path) && !holds(r.others, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}
