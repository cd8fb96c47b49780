// Package walk attacks a gateway at random, like an attacker who has the owner's password, accounts of her own, and
// time. A [tap.Tap] between gateway and app says for which account the app accepts each request, and so whether the
// gateway kept its promise:
//
// While a session is not verified, the app accepts none of its requests as signed in, except the login itself and the
// gateway's own question. It accepts requests of a verified session only for the session's identity. No answer to an
// unverified client has a marker of a signed-in page, or a credential.
package walk

import (
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/test/e2e/tap"
)

// Account is an account of the app.
type Account struct {
	// Typed are the names that sign in; the first is the usual one.
	Typed    []string
	Password string
	// Called is the app's name for it. If nobody can guess that text, it is also a marker of signed-in pages.
	Called string
	// Markers are further texts that are in no other account's answers.
	Markers []string
}

// is reports whether a name, from the app or from the gateway's status, is this account's.
func (a Account) is(name string) bool {
	return name != "" && (name == a.Called || slices.ContainsFunc(a.Typed, func(t string) bool { return strings.EqualFold(t, name) }))
}

// proves reports whether a line of HTTP Basic has this account's password, by whatever name.
func (a Account) proves(line string) bool {
	return slices.ContainsFunc(a.Typed, func(name string) bool { return line == basic(name, a.Password) })
}

// Enrolled is an account with a second factor that the attacker holds.
type Enrolled struct {
	Account
	Factor *Factor
	// Recovery are unused recovery codes.
	Recovery []string
	// Further are other factors of the account; nil if there are none.
	Further *Further
}

// Door is an address at which the app accepts a name and a password.
type Door struct {
	// Path, and the query that goes with each login.
	Path string
	// Form names the fields of the name and the password. JSON is a document with a %q for each, in that order. Either
	// Form or JSON is empty.
	Form [2]string
	JSON string
	// More are further fields of the form.
	More url.Values
	// Token is the name of a form token's field, which is a hidden field in the page at Page.
	Token, Page string
	// Basic says that the app accepts the password in the header Authorization.
	Basic bool
}

// Target is the site that is attacked.
type Target struct {
	// Name is the target's name in reports.
	Name string
	// Address is the gateway's host and port; Secure says that it is on https.
	Address string
	Secure  bool
	// Base is the path of the gateway's own pages, and Cookie the name of its cookie. Defaults: /second-factor and
	// sallyport.
	Base, Cookie string
	Tap          *tap.Tap

	// Owner has a second factor that the attacker does not have. Plain has no factor. Enrolled have one each; a
	// sequence uses one of them.
	Owner, Plain Account
	Enrolled     []*Enrolled
	// Doors are the logins that the gateway's configuration describes, the usual one first; More are logins that it
	// does not describe.
	Doors, More []Door
	// Pages are addresses of the app's pages; Public are those of them that the gateway opens.
	Pages, Public []string
	// Sockets are the addresses of the app's WebSockets.
	Sockets []string
	// Queries and Headers are those to which this app may react in an unexpected way.
	Queries, Headers []string
	// MarkerHeaders are headers that only signed-in answers have.
	MarkerHeaders []string
	// Listed says that names unknown to the app are not to be tried.
	Listed bool
	// Known are sequences that are played first: ways past the gate that once existed.
	Known []Known
	// Untold is a realm of the app's that the gateway does not ask about.
	Untold string
	// Raises says that the app signs in under the existing cookie, also at addresses that no login describes. Then
	// other requests of the attacker's own session, during such a request or after one that she gave up, may reach the
	// app as another account's; no answer shows that.
	Raises bool
	// Anybody says that the gateway's state does not depend on a password, because another part of Caddy asks for it.
	Anybody bool
}

func (t *Target) withDefaults() {
	if t.Base == "" {
		t.Base = "/second-factor"
	}
	if t.Cookie == "" {
		t.Cookie = "sallyport"
		if t.Secure {
			t.Cookie = "__Host-sallyport"
		}
	}
}

// accountOf returns the account that a name belongs to; "" if there is none.
func (t *Target) accountOf(name string) string {
	for _, account := range t.accounts() {
		if account.is(name) {
			return account.Typed[0]
		}
	}
	return ""
}

func (t *Target) accounts() []Account {
	all := []Account{t.Owner, t.Plain}
	for _, enrolled := range t.Enrolled {
		all = append(all, enrolled.Account)
	}
	return all
}

// isLogin reports whether a request is one of the logins that the gateway's configuration describes.
func (t *Target) isLogin(method, target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return slices.ContainsFunc(t.Doors, func(d Door) bool {
		at, _, _ := strings.Cut(d.Path, "?")
		return method == "POST" && at == path && !d.Basic
	})
}
