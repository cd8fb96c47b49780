package signin

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// errUnnamedFailure is returned if a login left nobody signed in, as far as the app can be asked, and its answer is no
// page.
var errUnnamedFailure = errors.New("the login left no session, and its answer is no page: it may hold a token or an account's data. " +
	"Say in failure what a wrong password brings, or in token where the token stands")

// signInFailed handles the answer to a login that left nobody signed in. The cookies that it set are thrown away,
// unless the user tries again with the same name.
//
// It shows no page if another request, that may have ended this login's session, was at the app at the same time: then
// the page may be an account's. It shows a page only if that asks for the password again, because there are other ways
// to end a session before the app is asked: to lock the account, or to choose how long the session lasts. A page that
// limits attempts (423, 429) or asks for credentials (401) is an exception.
//
// That the app knows nobody afterwards does not mean that the password was wrong: the app may answer a right one with a
// token, or with something else that the login asked for, and set no cookie. So signInFailed shows little: only a page,
// or what the operator calls a failure, at an address where a login can ask for nothing else, and no redirect except
// back to where people sign in.
//
// The typed name is neither logged nor shown, because some users type their password into its field.
func (x *Exchange) signInFailed(try *tried) error {
	if err := x.keepForRetry(try); err != nil && !errors.Is(err, session.ErrGone) {
		return x.StoreFailed("keep the app's cookies", err)
	}
	answer, errand := try.answer, mayCarryErrand(x, try.Block)
	beside := try.at.Beside()
	if !errand && answer.Status < 300 && !showable(try) {
		return x.LoginUnclear("failure", errUnnamedFailure)
	}
	x.Tell(event.Event{Name: event.LoginFailed})
	switch {
	case errand:
		return x.AskLogin()
	case answer.Status >= 300 && answer.Status < 400:
		if !x.LeadsToSignIn(answer.Headers.Get("Location")) {
			return x.AskLogin()
		}
	case try.page && len(try.Block.Tokens) > 0 && !try.named:
		return x.AskLogin()
	case try.html && !try.named && beside, !try.asksAgain():
		return x.AskLogin()
	}
	forStrangers(answer.Headers)
	return answer.Send(x.W, x.R, try.sorted.Browser)
}

// showable reports whether an answer that is neither a redirect nor an error can be about a wrong password. It can if
// the operator calls it a failure, if it is empty, or if it is a page and the login issues no tokens. Apps that issue
// tokens also do so on a page if the client asks for a page.
func showable(try *tried) bool {
	return try.named || try.answer.Body.Len() == 0 || try.page && len(try.Block.Tokens) == 0
}

// asksAgain reports whether an answer may be shown after a failed login: the operator calls it a failure, it is no
// page, it asks for the password again, or its status says that no password was looked at.
func (try *tried) asksAgain() bool {
	switch try.status {
	case http.StatusUnauthorized, http.StatusLocked, http.StatusTooManyRequests:
		return true
	}
	return try.named || !try.html || try.again
}

// mayCarryErrand reports whether the login may have asked for something besides signing in, which its answer would then
// show. It may do so by a query, or at an address that does other things too. A query that only says where to go on, as
// those of login pages do, asks for nothing.
func mayCarryErrand(x *Exchange, block *login.Block) bool {
	if block.General() {
		return true
	}
	_, query, _ := strings.Cut(x.Target, "?")
	if len(block.Fields) > 0 || query == "" || x.Target == x.Config.LoginPage {
		return false
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return true
	}
	for name := range values {
		if !goesOn[strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))] && name != block.Username.Name {
			return true
		}
	}
	return false
}

// goesOn are the names of query parameters by which login pages say where to go on, or in which language.
var goesOn = func() map[string]bool {
	names := make(map[string]bool)
	for name := range strings.FieldsSeq(`next nexturl redirect redirectto redirecturl redirecturi return returnto returnurl returnuri url goto
		continue back backurl backto ref referer referrer from target dest destination origin originalurl callback callbackurl successurl rd
		error message lang language locale uselang hl`) {
		names[name] = true
	}
	return names
}()

// isPage reports whether an answer is a page for people. Old apps send everything as text/html.
func isPage(answer login.Answer) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(answer.Body, []byte("\xef\xbb\xbf")), " \t\r\n")
	return isHTML(answer) && bytes.HasPrefix(text, []byte("<"))
}

// isHTML reports whether an answer says that it is a page.
func isHTML(answer login.Answer) bool {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return media == "text/html" || media == "application/xhtml+xml"
}

// strangersHeaders are the headers of an answer that strangers may get. They may also get the app's own (X-..., HX-...)
// if these are no credentials.
var strangersHeaders = func() map[string]bool {
	headers := make(map[string]bool)
	for name := range strings.FieldsSeq(`Accept-Ch Accept-Ranges Age Allow Alt-Svc Cache-Control Connection Content-Disposition
		Content-Encoding Content-Language Content-Length Content-Security-Policy Content-Security-Policy-Report-Only Content-Type
		Cross-Origin-Embedder-Policy Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date Etag Expires Feature-Policy
		Keep-Alive Last-Modified Link Location Nel Origin-Agent-Cluster P3p Permissions-Policy Pragma Proxy-Status Referrer-Policy Report-To
		Reporting-Endpoints Retry-After Server Server-Timing Strict-Transport-Security Transfer-Encoding Upgrade Vary Via Warning
		Www-Authenticate`) {
		headers[name] = true
	}
	return headers
}()

// forStrangers removes from an answer's headers whatever may be a credential or may lead elsewhere (Refresh).
func forStrangers(header http.Header) {
	for name := range header {
		known := strangersHeaders[name] || strings.HasPrefix(name, "Access-Control-") ||
			(strings.HasPrefix(name, "X-") || strings.HasPrefix(name, "Hx-")) && !custody.Sensitive(name)
		if !known {
			delete(header, name)
		}
	}
}
