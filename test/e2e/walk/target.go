// Package walk attacks a gateway at random, as somebody would who has the owner's password, accounts of her own, and
// time. A [tap.Tap] between gateway and app says whom the app takes each request for, and so whether the gateway kept
// its promise:
//
// While a session is not verified, no request but the login itself and the gateway's own question is one that the app
// takes for signed in; a verified one never for anybody but its identity; and no answer to an unverified client holds a
// marker of a signed-in page or a credential.
package walk

import (
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/test/e2e/tap"
)

// Account is one of the app's.
type Account struct {
	// Typed are the names that sign in; the first is the usual one.
	Typed    []string
	Password string
	// Called is what the app calls it. Where that is a text which nobody can guess, it is a marker of signed-in pages
	// too.
	Called string
	// Markers are further texts that stand in nobody else's answers.
	Markers []string
}

// is reports whether a name, of the app or of the gateway's status, is this account's.
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
	// Recovery are codes that were not used yet.
	Recovery []string
}

// Door is an address at which the app takes a name and a password.
type Door struct {
	// Path, and the query that goes with each login.
	Path string
	// Form names the fields of the name and the password. JSON is a document in which %q stands for the two, in that
	// order. One of them is empty.
	Form [2]string
	JSON string
	// More goes with the form.
	More url.Values
	// Token is the name of a form token's field. It stands, as a hidden field, in the page at Page.
	Token, Page string
	// Basic says that the app takes the password in the header Authorization.
	Basic bool
}

// Target is what is attacked.
type Target struct {
	// Name tells it from others in what is printed.
	Name string
	// Address is the gateway's host and port; Secure says that it is on https.
	Address string
	Secure  bool
	// Base is where the gateway's own pages are, and Cookie the name of its cookie. Defaults: /second-factor and
	// sallyport.
	Base, Cookie string
	Tap          *tap.Tap

	// Owner has a second factor, of which the attacker has nothing. Plain has none. Enrolled have one each; a sequence
	// takes one.
	Owner, Plain Account
	Enrolled     []*Enrolled
	// Doors are the addresses of logins that the gateway is told of, the first one the usual; More those that it is
	// not.
	Doors, More []Door
	// Pages are addresses that mean something to the app; Public those of them that the gateway opens.
	Pages, Public []string
	// Sockets are where the app speaks WebSocket.
	Sockets []string
	// Queries and Headers are things that this app in particular may be surprised by.
	Queries, Headers []string
	// MarkerHeaders are headers that only signed-in answers have.
	MarkerHeaders []string
	// Listed says that names which the app does not know are not to be tried.
	Listed bool
	// Known are sequences that are played first: ways past the gate that there were once.
	Known []Known
	// Untold is a realm of the app's that the gateway does not ask about.
	Untold string
	// Raises says that the app signs in under the cookie that is there, at addresses too that no login describes. What
	// a session of the attacker's own does beside such a request, or behind one that she gave up, may come to the app
	// as another's then: no answer shows it.
	Raises bool
	// Anybody says that the gateway's state says nothing of a password: another part of Caddy asks for it.
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

// accountOf is the account that a name belongs to; "" where none does.
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

// isLogin reports whether a request is one of the logins that the gateway is told of.
func (t *Target) isLogin(method, target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return slices.ContainsFunc(t.Doors, func(d Door) bool {
		at, _, _ := strings.Cut(d.Path, "?")
		return method == "POST" && at == path && !d.Basic
	})
}
