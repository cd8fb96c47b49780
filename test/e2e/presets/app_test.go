package presets

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// app is a real app, and the ways in which people use it. Everything goes by plain HTTP; a few are walked in a browser
// besides.
type app struct {
	// preset is its name, and kind how people sign in, for the table.
	preset, kind string
	start        func(testing.TB) *apps.App
	// more are the words of a site that this app needs beside its preset, or in place of it in an app's first try.
	more string
	// owner has a factor; guest has an account of his own. Apps with one account have no guest.
	owner, guest apps.Account
	// signIn sends a password by the app's own form or script; what it answers is the last answer.
	signIn func(t testing.TB, c *site.Client, account apps.Account) site.Answer
	// signOut leaves by the app's own way out. nil: it has none, and the gateway's is taken.
	signOut func(testing.TB, *site.Client)
	// script says that the login is a script's: the challenge comes as a problem document.
	script bool
	// reads are what nobody may read without the factor: each is a request, and a text that its answer then has.
	reads []read
	// write changes something in the app and makes sure that it is changed. nil: there is nothing to write.
	write func(testing.TB, *site.Client)
	// spellings of the owner's name that the app takes, or might.
	spellings []string
	// doors are requests that sign in, or act, with the owner's password alone.
	doors []door
	// guestDoors are tried from the guest's verified session only: they take something of it first, such as a token
	// against forgery, without which the app itself would not open them.
	guestDoors []func(testing.TB, *site.Client) door
	// socket is where a WebSocket is opened; empty: the app has none.
	socket string
	// sessions match the names of the app's own session cookies, which no browser may ever have.
	sessions *regexp.Regexp
	// own are the texts of the owner that a guest must not read.
	own []string
	// day is (*protected).walk for apps whose script holds a token, which goes with each request. nil: it holds none.
	day func(*testing.T, *protected)
}

// read is a request, and what its good answer contains.
type read struct {
	path string
	// text stands in the answer to the verified. It may be empty where the answer has no text that tells.
	text string
	// header is sent along.
	header http.Header
}

// door is a way into an app other than its login form.
type door struct {
	name, method, path string
	header             http.Header
	body               string
}

// form makes a header of a form, and json of a document, as a page and as a script send them.
func form() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

// basic is the header of HTTP Basic.
func basic(account apps.Account, more ...string) http.Header {
	request := &http.Request{Header: http.Header{}}
	request.SetBasicAuth(account.Name, account.Password)
	for i := 0; i+1 < len(more); i += 2 {
		request.Header.Set(more[i], more[i+1])
	}
	return request.Header
}

// xmlCall is a call by XML-RPC, all arguments being texts.
func xmlCall(method string, arguments ...string) string {
	var params strings.Builder
	for _, argument := range arguments {
		params.WriteString("<param><value><string>" + argument + "</string></value></param>")
	}
	return `<?xml version="1.0"?><methodCall><methodName>` + method + `</methodName><params>` + params.String() + `</params></methodCall>`
}

// jsonHeader is the header of a document that a script sends.
func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}
}

// signInByBasic opens a page with a password that every request has from then on, as browsers do it.
func signInByBasic(page string) func(testing.TB, *site.Client, apps.Account) site.Answer {
	return func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Header = basic(account)
		return c.Get(page)
	}
}

// signOutOfBasic ends the gateway's session; the browser still has the password, until it is closed.
func signOutOfBasic(t testing.TB, c *site.Client) {
	t.Helper()
	c.SignOut()
	c.Header = nil
}
