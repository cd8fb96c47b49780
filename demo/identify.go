package demo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
)

type visitorKey struct{}

// visitorOf returns what identify found for this request.
func visitorOf(r *http.Request) visitor { return visitorFrom(r.Context()) }

func withVisitor(ctx context.Context, who visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, who)
}

func visitorFrom(ctx context.Context) visitor {
	who, _ := ctx.Value(visitorKey{}).(visitor)
	return who
}

// identify finds out who sent a request. On /api/* a valid API key, password or bearer token overrides the session; an
// invalid one has no effect.
func (a *App) identify(w http.ResponseWriter, r *http.Request) visitor {
	knobs := a.options.Knobs
	var who visitor
	if knobs.LooseCookies {
		for _, id := range looseCookies(r.Header["Cookie"], SessionCookie) {
			if found, ok := a.found(r, id); ok {
				who = found
			}
		}
	} else {
		for _, cookie := range r.CookiesNamed(SessionCookie) {
			if found, ok := a.found(r, cookie.Value); ok {
				who = found
				break
			}
		}
	}
	if who.login == "" {
		who.login = a.recall(r)
	}
	if knobs.APISession && readsAPISession(r) {
		who = a.apiVisitor(r, who)
	}
	if knobs.TrustHeaders {
		if user := a.accounts.find(trustedUser(r.Header)); user != nil {
			who.login = user.Login
			return who
		}
	}
	if isAPI(r) {
		if login := a.otherCredential(r); login != "" {
			return visitor{login: login}
		}
	}
	if knobs.BasicAnywhere && who.login == "" {
		if name, password, ok := r.BasicAuth(); ok {
			if user := a.accounts.check(name, password); user != nil {
				who = a.start(w, r, user.Login, "")
			}
		}
	}
	if knobs.OneAddress {
		who = a.signInAnywhere(w, r, who)
	}
	return who
}

// otherCredential returns the account of another credential than the session, on /api/*.
func (a *App) otherCredential(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		if user := a.accounts.byKey(key); user != nil {
			return user.Login
		}
	}
	if name, password, ok := r.BasicAuth(); ok {
		if user := a.accounts.check(name, password); user != nil {
			return user.Login
		}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if a.options.Knobs.BearerTokens && strings.EqualFold(scheme, "Bearer") {
		found, _ := a.sessions.find(token)
		return found.login
	}
	return ""
}

// setSession sends a session's value to the client, in all the ways that the knobs select.
func (a *App) setSession(w http.ResponseWriter, id string) {
	cookie := &http.Cookie{
		Name: SessionCookie, Value: id, Path: "/",
		HttpOnly: !a.options.Knobs.ScriptCookie, SameSite: http.SameSiteLaxMode,
	}
	line := cookie.String()
	w.Header().Add("Set-Cookie", line)
	if a.options.Knobs.Trailers {
		w.Header().Add(http.TrailerPrefix+"Set-Cookie", line)
	}
	if a.options.Knobs.EarlyHints {
		w.WriteHeader(http.StatusEarlyHints)
	}
}

// clearSession makes the client delete the session's cookie.
func clearSession(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// sameToken compares a form's token with the one that the sender was given.
func (a *App) sameToken(r *http.Request, who visitor, token string) bool {
	if a.options.Knobs.NoFormToken {
		return true
	}
	want := who.form
	if a.options.Knobs.DoubleSubmit {
		want = ""
		if cookie, err := r.Cookie(TokenCookie); err == nil {
			want = cookie.Value
		}
	}
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1
}

// formToken returns the token for a form that is about to be shown. It starts a stranger's session if there is none.
func (a *App) formToken(w http.ResponseWriter, r *http.Request, who visitor) string {
	if a.options.Knobs.DoubleSubmit {
		if cookie, err := r.Cookie(TokenCookie); err == nil && cookie.Value != "" {
			return cookie.Value
		}
		token := rand.Text()
		http.SetCookie(w, &http.Cookie{Name: TokenCookie, Value: token, Path: "/", SameSite: http.SameSiteLaxMode})
		return token
	}
	if who.form == "" {
		who = a.start(w, r, "", "")
	}
	return who.form
}
