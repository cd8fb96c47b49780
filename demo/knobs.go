package demo

import "fmt"

// Knobs make the app behave like some real app that is harder to protect. All are off in the zero value.
type Knobs struct {
	// ElevateInPlace signs an existing session in without any Set-Cookie, as ZNC does.
	ElevateInPlace bool
	// EarlyHints sends every Set-Cookie of the session in a 103 answer too.
	EarlyHints bool
	// Trailers sends every Set-Cookie of the session in the answer's trailer too.
	Trailers bool
	// Rotate gives a signed-in session a new cookie value with each answer, including a WebSocket's 101. The last 16
	// values stay valid, so that parallel requests work.
	Rotate bool
	// ScriptCookie sets the session cookie without HttpOnly.
	ScriptCookie bool
	// Gzip compresses answers if the client accepts that, except streams of events and downloads of ranges.
	Gzip bool
	// DoubleSubmit keeps the form token in the cookie [TokenCookie] instead of in the session.
	DoubleSubmit bool
	// LeakSession puts the new session's value into the login's answer as well: header X-Session-Token, Location
	// (parameter sid) and body.
	LeakSession bool
	// BearerTokens makes /api/login answer with a token instead of a cookie; /api/* accepts it as
	// `Authorization: Bearer`.
	BearerTokens bool
	// BasicAnywhere accepts `Authorization: Basic` on every page and starts a session with it, as DokuWiki does.
	BasicAnywhere bool
	// LoosePaths serves /LOGIN, /login/, //login, /login;x, /login%20, /login. and /login%00 as /login.
	LoosePaths bool
	// LooseCookies reads cookies as loosely as PHP and Tomcat do: names are folded and percent-decoded, values
	// unquoted, and pairs also split at commas. If several cookies match the session's name the last one counts.
	LooseCookies bool
	// TrustHeaders obeys X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override, Remote-User and similar headers, in
	// underscore spellings too.
	TrustHeaders bool
	// NoFormToken makes forms work without a token.
	NoFormToken bool
	// LooseLogin accepts a login by any method; at /login it reads the fields from the address, a form, multipart or
	// JSON.
	LooseLogin bool
	// EmailField makes the field `email` of a login override `username`, if there is one.
	EmailField bool
	// OneAddress makes /?do=files mean /files and so on. A form with a name and a password signs in at any address, and
	// its answer is already the account's.
	OneAddress bool
	// Realms adds a second kind of sign-in to the same session: /admin/login, /admin/ and /api/admin/me. A sign-in of
	// one kind leaves the other as it was.
	Realms bool
	// APISession makes /api/login start a separate session in the cookie [APICookie], whose Path is /api and which
	// overrides the other one there. /whoami says who is signed in elsewhere; it also accepts that cookie if somebody
	// sends it.
	APISession bool
	// LoginStatus is the status of the answer to a successful login, which is then a page of the account instead of a
	// redirect.
	LoginStatus int
	// PickyAccept answers a login with 406 if the client does not accept HTML, after the login has been done.
	PickyAccept bool
	// SendOn redirects a user who is signed in already away from a login, whatever the login contains.
	SendOn bool
	// SetAlways sets the session's cookie with every answer, and starts a stranger's session if there is none.
	SetAlways bool
	// Binds names a header: a session is valid only with the value that it began with.
	Binds string
	// NamesStrangers makes /api/me call a stranger `anonymous` instead of answering 401.
	NamesStrangers bool
	// Translates answers in German if the client asks for it, and sends parts of pages if Range asks for them.
	Translates bool
	// Mounts obeys X-Script-Name and similar headers: it removes the prefix that they name from the path.
	Mounts bool
	// Fills sets as many large cookies as the parameter `fill` says, and small ones for the rest of the room, before
	// all others.
	Fills bool
	// TellsByCookie sets the cookie [LastCookie] at each sign-in, and at nothing else.
	TellsByCookie bool
	// OneSession lets an account have one session: a sign-in ends the earlier ones.
	OneSession bool
	// ChoosesCookie lets a sign-in choose how many seconds the session's cookie lasts, by the parameter `cookie_for`,
	// and for which domain it is, by `cookie_domain`.
	ChoosesCookie bool
	// Remembers sets the cookie [RememberCookie] at each sign-in. It signs its account in if the session is not signed
	// in.
	Remembers bool
	// Record keeps this many of the latest requests for [App.Received].
	Record int
}

// ResetToken makes a password-reset token for an account, valid for one sign-in at /reset?token=….
func (a *App) ResetToken(login string) (string, error) {
	who := a.accounts.find(login)
	if who == nil {
		return "", fmt.Errorf("reset token: no account %q", login)
	}
	return a.resets.add(who.Login), nil
}

// SwitchSessions makes every session of one account a session of another, like apps that let an administrator become a
// user. It returns how many there were.
func (a *App) SwitchSessions(from, to string) int { return a.sessions.switchAll(from, to) }

// EndSessions signs an account out everywhere and returns how many sessions there were.
func (a *App) EndSessions(login string) int { return a.sessions.endAll(login) }

// SetMail gives an account an e-mail address, which /api/me returns from then on.
func (a *App) SetMail(login, address string) { a.mails.Store(login, address) }

// FailIdentity makes /api/me answer with this status until it is called with 0.
func (a *App) FailIdentity(status int) { a.failIdentity.Store(int32(status)) }

// Received returns the latest requests that reached the app, oldest first; at most [Knobs.Record] of them.
func (a *App) Received() []Received { return a.recorder.all() }

// ForgetReceived empties the list that [App.Received] returns.
func (a *App) ForgetReceived() { a.recorder.forget() }
