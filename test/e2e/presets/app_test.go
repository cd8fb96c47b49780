package presets

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// app is a real app, and the ways in which people use it. All requests are plain HTTP; some apps are also tested in a
// browser.
type app struct {
	// preset is its name, and kind how people sign in, for the table.
	preset, kind string
	start        func(testing.TB) *apps.App
	// more are the words of a site that this app needs besides its preset, or instead of it while a preset is being
	// written.
	more string
	// owner has a factor; guest has an account of his own. Apps with one account have no guest.
	owner, guest apps.Account
	// signIn sends a password by the app's own form or script, and returns the last answer.
	signIn func(t testing.TB, c *site.Client, account apps.Account) site.Answer
	// signOut signs out in the app's own way. nil: it has none, and the gateway's is used.
	signOut func(testing.TB, *site.Client)
	// script says that the login is sent by a script, so that the challenge comes as a problem document.
	script bool
	// reads are what nobody may read without the factor. Each is a request, and a text in its answer to a verified
	// session.
	reads []read
	// write changes something in the app and checks the change. nil: there is nothing to write.
	write func(testing.TB, *site.Client)
	// spellings are spellings of the owner's name that the app accepts, or might accept.
	spellings []string
	// doors are requests that sign in, or act, with the owner's password alone.
	doors []door
	// guestDoors are tried from the guest's verified session only. They first take something from it, such as a form
	// token, without which the app itself would refuse them.
	guestDoors []func(testing.TB, *site.Client) door
	// socket is where a WebSocket is opened; empty: the app has none.
	socket string
	// sessions matches the names of the app's own session cookies, which no browser may ever get.
	sessions *regexp.Regexp
	// own are the texts of the owner that a guest must not read.
	own []string
	// day replaces (*protected).walk for apps whose script has a token that it sends with each request. nil: it has
	// none.
	day func(*testing.T, *protected)
}

// read is a request, and a text in its answer to a verified session.
type read struct {
	path string
	// text is in the answer to a verified session. It may be empty if no text distinguishes that answer.
	text string
	// header is sent with the request.
	header http.Header
}

// door is a way into an app other than its login form.
type door struct {
	name, method, path string
	header             http.Header
	body               string
}

// form makes the headers of a form as a page sends it.
func form() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

// basic makes the header of HTTP Basic.
func basic(account apps.Account, more ...string) http.Header {
	request := &http.Request{Header: http.Header{}}
	request.SetBasicAuth(account.Name, account.Password)
	for i := 0; i+1 < len(more); i += 2 {
		request.Header.Set(more[i], more[i+1])
	}
	return request.Header
}

// xmlCall makes the body of an XML-RPC call whose arguments are all strings.
func xmlCall(method string, arguments ...string) string {
	var params strings.Builder
	for _, argument := range arguments {
		params.WriteString("<param><value><string>" + argument + "</string></value></param>")
	}
	return `<?xml version="1.0"?><methodCall><methodName>` + method + `</methodName><params>` + params.String() + `</params></methodCall>`
}

// jsonHeader makes the headers of a JSON document as a script sends it.
func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}
}

// signInByBasic opens a page with a password that every later request has too, as browsers do.
func signInByBasic(page string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Header = basic(account)
		return c.Get(page)
	}
}

// signOutOfBasic ends the gateway's session; the browser keeps the password until it is closed.
func signOutOfBasic(t testing.TB, c *site.Client) {
	t.Helper()
	c.SignOut()
	c.Header = nil
}
