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
	// Rotate gives a signed-in session a new cookie value with each answer, a WebSocket's 101 included. The last 16
	// values stay good, so that parallel requests work.
	Rotate bool
	// ScriptCookie sets the session cookie without HttpOnly.
	ScriptCookie bool
	// Gzip compresses answers where the client accepts that. Streams of events and downloads of ranges stay as they
	// are.
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
	// LooseCookies reads cookies with PHP's and Tomcat's liberties: names folded and percent-decoded, values unquoted,
	// pairs split at commas too. Of several that stand for the session the last one counts.
	LooseCookies bool
	// TrustHeaders obeys X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override, and Remote-User and its like, in
	// underscore spellings too.
	TrustHeaders bool
	// NoFormToken has forms need no token.
	NoFormToken bool
	// LooseLogin takes a login by any method; at /login it reads the fields from the address, a form, multipart or
	// JSON.
	LooseLogin bool
	// EmailField has the field `email` of a login count more than `username`, where there is one.
	EmailField bool
	// OneAddress has /?do=files stand for /files and so on, and a form with a name and a password sign in wherever it
	// is sent: the very answer is the account's.
	OneAddress bool
	// Realms adds a second kind of sign-in to the same session: /admin/login, /admin/ and /api/admin/me. A sign-in of
	// one kind leaves the other as it was.
	Realms bool
	// APISession has /api/login start a session of its own in the cookie [APICookie], whose Path is /api and which
	// counts most there. Who is signed in elsewhere is asked at /whoami, which takes that cookie too where somebody
	// sends it.
	APISession bool
	// LoginStatus is the status of the answer to a login that succeeded, in the place of a redirect: a page of the
	// account's.
	LoginStatus int
	// PickyAccept answers 406 to whoever does not take HTML, when the login has been done.
	PickyAccept bool
	// SendOn sends whoever is signed in on from a login, whatever it says.
	SendOn bool
	// SetAlways sets the session's cookie with every answer, and starts a stranger's session wherever there is none.
	SetAlways bool
	// Binds names a header: a session is good only with the value that it began with.
	Binds string
	// NamesStrangers has /api/me call a stranger `anonymous` instead of answering 401.
	NamesStrangers bool
	// Translates speaks German to whoever asks for it, and gives parts of pages where Range asks for them.
	Translates bool
	// Mounts obeys X-Script-Name and its like: what they name is taken off the path.
	Mounts bool
	// Fills sets as many large cookies as the parameter `fill` says, and small ones for what room is left, in front of
	// all others.
	Fills bool
	// TellsByCookie sets the cookie [LastCookie] anew at each sign-in, and at nothing else.
	TellsByCookie bool
	// OneSession lets an account have one session: a sign-in ends those before.
	OneSession bool
	// ChoosesCookie has a sign-in choose how many seconds the session's cookie lives, by the parameter `cookie_for`,
	// and for which domain it is, by `cookie_domain`.
	ChoosesCookie bool
	// Remembers sets the cookie [RememberCookie] at each sign-in, which counts where the session is none that is signed
	// in.
	Remembers bool
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

// SetMail gives an account an e-mail address, which /api/me names from then on.
func (a *App) SetMail(login, address string) { a.mails.Store(login, address) }

// FailIdentity has /api/me answer with this status until it is called with 0.
func (a *App) FailIdentity(status int) { a.failIdentity.Store(int32(status)) }

// Received gives the latest requests that reached the app, oldest first; at most [Knobs.Record] of them.
func (a *App) Received() []Received { return a.recorder.all() }

// ForgetReceived empties the list that [App.Received] gives.
func (a *App) ForgetReceived() { a.recorder.forget() }
