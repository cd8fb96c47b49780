package demo

import "fmt"

// Knobs make the app behave as some real app does that is harder to protect. All are off in the zero value.
type Knobs struct {
	// ElevateInPlace signs an existing session in without any Set-Cookie, as ZNC does.
	ElevateInPlace bool
	// EarlyHints sends every Set-Cookie of the session in a 103 answer too.
	EarlyHints bool
	// Trailers sends every Set-Cookie of the session in the answer's trailer too.
	Trailers bool
	// Rotate gives a signed-in session a new cookie value with each answer, a WebSocket's 101 included. The last 16 values
	// stay good, so that parallel requests work.
	Rotate bool
	// ScriptCookie sets the session cookie without HttpOnly.
	ScriptCookie bool
	// Gzip compresses answers where the client accepts that. Streams of events and downloads of ranges stay as they are.
	Gzip bool
	// DoubleSubmit keeps the form token in the cookie [TokenCookie] instead of in the session.
	DoubleSubmit bool
	// LeakSession puts the new session's value into the login's answer as well: header X-Session-Token, Location
	// (parameter sid) and body.
	LeakSession bool
	// BearerTokens has /api/login answer with a token instead of a cookie; /api/* takes it as `Authorization: Bearer`.
	BearerTokens bool
	// BasicAnywhere takes `Authorization: Basic` on every page and starts a session with it, as DokuWiki does.
	BasicAnywhere bool
	// LoosePaths serves /LOGIN, /login/, //login, /login;x, /login%20, /login. and /login%00 as /login.
	LoosePaths bool
	// LooseCookies reads cookies with PHP's and Tomcat's liberties: names folded and percent-decoded, values unquoted, pairs
	// split at commas too. Of several that stand for the session the last one counts.
	LooseCookies bool
	// TrustHeaders obeys X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override, and Remote-User and its like, in
	// underscore spellings too.
	TrustHeaders bool
	// Record keeps this many of the latest requests for [App.Received].
	Record int
}

// ResetToken makes a password-reset token for an account, good for one sign-in at /reset?token=….
func (a *App) ResetToken(login string) (string, error) {
	who := a.accounts.find(login)
	if who == nil {
		return "", fmt.Errorf("reset token: no account %q", login)
	}
	return a.resets.add(who.Login), nil
}

// SwitchSessions makes every session of one account a session of another, as apps do that let an administrator become a
// user. It returns how many there were.
func (a *App) SwitchSessions(from, to string) int { return a.sessions.switchAll(from, to) }

// EndSessions signs an account out everywhere and returns how many sessions there were.
func (a *App) EndSessions(login string) int { return a.sessions.endAll(login) }

// FailIdentity has /api/me answer with this status until it is called with 0.
func (a *App) FailIdentity(status int) { a.failIdentity.Store(int32(status)) }

// Received gives the latest requests that reached the app, oldest first; at most [Knobs.Record] of them.
func (a *App) Received() []Received { return a.recorder.all() }

// ForgetReceived empties the list that [App.Received] gives.
func (a *App) ForgetReceived() { a.recorder.forget() }
