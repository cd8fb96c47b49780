package walk

import "net/url"

// formOf is a request with a form.
func formOf(method, target string, trick Trick, fields ...string) Move {
	move := Move{Kind: Send, Method: method, Target: target, Trick: trick, Header: []string{"Content-Type: application/x-www-form-urlencoded"}}
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	move.Body = values.Encode()
	for _, name := range []string{"alice", "carol"} {
		if values.Get("password") == name+"-password" {
			move.Right = name
		}
	}
	return move
}

// as is a form with the right password.
func as(name, method, target string, trick Trick) Move {
	return formOf(method, target, trick, "username", name, "password", name+"-password")
}

// plain is a request without a body.
func plain(method, target string, trick Trick) Move {
	return Move{Kind: Send, Method: method, Target: target, Trick: trick}
}

// with adds header lines.
func (m Move) with(lines ...string) Move {
	m.Header = append(m.Header, lines...)
	return m
}

var (
	looks   = Move{Kind: Look}
	isCarol = Move{Kind: SignIn, What: "carol"}
	isOwn   = Move{Kind: SignIn, What: OwnName}
	code    = Move{Kind: Code}
)

func moves(all ...Move) Sequence { return Sequence{Moves: all} }

func always(line string, all ...Move) Sequence { return Sequence{Habit: []string{line}, Moves: all} }

// inAddress is a login whose fields are in the address.
const (
	inAddress = "/login?username=alice&password=alice-password"
	inEmail   = "/login?email=alice&password=alice-password"
)

// byAnotherField are logins in the address by a field that the operator does not know of, which begin a session or
// raise one. They are for apps that read such a field.
var byAnotherField = []Known{
	{"B: another field, in the address", moves(plain("GET", inEmail, ""), looks)},
	{"B: another field, in the address, raises a session", moves(looks, plain("GET", inEmail, ""), looks)},
	{"D: the same in a session of one's own", moves(isCarol, plain("GET", inEmail, ""), looks)},
	{"C: the same, hung up in the middle of the answer", moves(looks, plain("GET", inEmail+"&tap=drip:80", Head), looks, looks)},
	{"C: the same, half-closed", moves(looks, plain("GET", inEmail+"&tap=drip:80", Half), looks, looks)},
	{"C: the same, hung up before it", moves(looks, plain("GET", inEmail+"&tap=hold:60", Drop), looks, looks)},
}

// anywhere are logins at addresses that no login describes, in a session of one's own.
var anywhere = []Known{
	{"D: a login at a public path raises a session of one's own", moves(isCarol, as("alice", "PATCH", "/static/style.css", ""), looks)},
	{"D: the same at no path of the app's", moves(isOwn, as("alice", "POST", "/missing", ""), looks)},
	{"C: a page while a session of one's own is raised", moves(isCarol, as("alice", "POST", "/missing?tap=drip:150", Slow), plain("GET", "/", ""), looks)},
	{"D: a login at a public path raises a stranger's session", moves(looks, as("alice", "POST", "/static/style.css", ""), looks)},
	{"D: the same, hung up", moves(looks, as("alice", "POST", "/static/style.css?tap=drip:80", Head), looks, looks)},
	{"D: the same, half-closed", moves(looks, as("alice", "POST", "/static/style.css?tap=drip:80", Half), looks, looks)},
	{"D: the same, before the answer", moves(looks, as("alice", "POST", "/static/style.css?tap=hold:60", Drop), looks, looks)},
	{"D: a session of one's own is raised, half-closed", moves(isOwn, as("alice", "POST", "/missing?tap=drip:80", Half), looks)},
	{"D: the same at a public path", moves(isOwn, as("alice", "POST", "/static/style.css", Half), looks, looks)},
	{"D: the same, hung up before the app has it", moves(isOwn, as("alice", "POST", "/missing?tap=hold:120", Drop), looks, looks)},
	{"D: the same, and something is sent at once", moves(isOwn, as("alice", "POST", "/missing?tap=hold:60", Slow),
		formOf("POST", "/api/entries", "", "text", "hers"), looks)},
	{"D: the same, hung up in the middle of its body", moves(isOwn, as("alice", "POST", "/missing", Hold), formOf("POST", "/api/entries", Slow, "text", "hers"), looks)},
}

// known are the ways past the gate that were found by hand before there was a walk, and later by the walk, by the names
// of the variants to which they apply. They are played first.
var known = map[string][]Known{
	"identity": {
		{"C: hanging up in the middle of a login's answer", moves(looks, as("alice", "POST", "/login?tap=drip:80", Head), looks)},
		{"C: hanging up before a login's answer", moves(looks, as("alice", "POST", "/login?tap=hold:80", Drop), looks, looks)},
		{"C: hanging up before a second login's answer", moves(as("alice", "POST", "/login", ""), as("alice", "POST", "/login?tap=hold:60", Drop), looks, looks)},
		{"C: a login in the address that is hung up", moves(looks, plain("GET", inAddress+"&tap=drip:60", Drop), looks, looks)},
		{"C: a GET that signs in, and is hung up", moves(looks, as("alice", "GET", "/login?tap=drip:80", Head), looks)},
		{"D: a POST to a public path", moves(as("alice", "POST", "/static/style.css", ""))},
		{"E: HTTP Basic at the interface", moves(plain("GET", "/api/entries", "").with("Authorization: " + basic("alice", "alice-password")))},
	},
	"public door":           anywhere,
	"public door, in place": anywhere,
	"TLS": {
		{"C: a login in the address that is hung up", moves(looks, plain("GET", inAddress+"&tap=drip:60", Drop), looks, looks)},
		{"D: a login in the address, over HTTP/2", moves(looks, plain("GET", inAddress, Second), looks)},
	},
	"rules": {
		{"A: a login that fails by where it leads", moves(as("alice", "POST", "/login?next=/login", ""), looks)},
	},
	"typed": {
		{"A: a login that fails by where it leads", moves(as("alice", "POST", "/login?next=/login", ""), looks)},
		{"B: the login page reads another field", moves(formOf("POST", "/login", "", "username", "nobody", "email", "alice", "password", "alice-password"))},
		{"C: a distrusted answer leads to the login page", moves(isCarol, as("alice", "PUT", "/login?next=/login", ""), looks)},
		{"D: a login in the address", moves(plain("GET", inAddress, ""), looks)},
		{"D: a login in the address, by HEAD", moves(plain("HEAD", inAddress, ""), looks)},
		{"D: a login in a GET's body", moves(as("alice", "GET", "/login", ""), looks)},
	},
	"two realms": {
		{"B: the other realm's login", moves(as("alice", "POST", "/admin/login", ""), looks)},
		{"B: the other realm's login, then one's own", moves(as("alice", "POST", "/admin/login", ""), as("carol", "POST", "/login", ""), looks)},
	},
	"two realms, one door": {
		{"B: the other realm's login, in a session of one's own", moves(isCarol, as("alice", "POST", "/login", ""), looks)},
	},
	"one address": {
		{"A: a login at a page that there is not", moves(as("alice", "POST", "/?do=robots.txt", ""), looks)},
		{"D: a login at a public path", moves(as("alice", "POST", "/static/style.css", ""), looks)},
		{"D: a login at a public path in a session of one's own", moves(isCarol, as("alice", "POST", "/static/style.css", ""), looks)},
	},
	"one address, typed": {
		{"A: a login at a page that there is not", moves(as("alice", "POST", "/?do=robots.txt", ""), looks)},
		{"D: a login at a public path", moves(as("alice", "POST", "/static/style.css", ""), looks)},
		{"D: a login at a public path in a session of one's own", moves(isCarol, as("alice", "POST", "/static/style.css", ""), looks)},
	},
	"in place": {
		{"D: a login by another method raises the session", moves(isCarol, as("alice", "PUT", "/login", ""), looks)},
		{"D: the same by OPTIONS", moves(isOwn, as("alice", "OPTIONS", "/login", ""), looks)},
		{"D: a login in the address raises a stranger's session", moves(looks, plain("GET", inAddress, ""), looks)},
		{"C: a page asked for before the login, and answered after it", moves(looks, plain("GET", "/login?tap=hold:250", Slow), as("alice", "POST", "/login", ""))},
		{"C: a page that brings the session which a login raises, and goes on", moves(plain("GET", "/login", Live), as("alice", "POST", "/login", ""))},
	},
	"in place, typed": {
		{"C: one's own code opens a session that was raised", moves(isOwn, as("alice", "PUT", "/login", ""), code, looks)},
		{"C: a page asked for before the login, and answered after it", moves(looks, plain("GET", "/login?tap=hold:250", Slow), as("alice", "POST", "/login", ""))},
	},
	"in place, scripts have the cookie": {
		{"E: the cookie that a script has, in another browser", moves(looks, as("alice", "POST", "/login", ""), Move{Kind: Copy, Client: 1, What: theApps}, Move{Kind: Look, Client: 1})},
	},
	"404":                {{"A: a login that fails by its status", moves(as("alice", "POST", "/login", ""), looks)}},
	"406":                {{"A: a login that fails by its status", moves(as("alice", "POST", "/login", "").with("Accept: application/xml"), looks)}},
	"406, typed":         {{"A: a login that fails by its status", moves(as("alice", "POST", "/login", "").with("Accept: application/xml"), looks)}},
	"bound to Client-IP": {{"A: the question carries less than the login", always("Client-IP: 192.0.2.6", as("alice", "POST", "/login", ""), looks)}},
	"bound to X-Forwarded-For": {
		{"A: the question carries less than the login", always("X-Forwarded-For: 192.0.2.6", as("alice", "POST", "/login", ""), looks)},
	},
	"sent on, typed": {
		{"B: a session is bound to a name that did not make it", moves(
			as("alice", "POST", "/login?next=/login", ""), formOf("POST", "/login", "", "username", "nobody", "password", "guess"), looks)},
	},
	"speaks German": {
		{"A: words that the client chooses", moves(formOf("POST", "/login", "", "username", "carol", "password", "wrong").with("Accept-Language: de"))},
		{"A: parts that the client chooses", moves(formOf("POST", "/login", "", "username", "carol", "password", "wrong").with("Range: bytes=0-7"))},
	},
	"second session": {
		{"B: a cookie with another Path", moves(
			Move{
				Kind: Send, Method: "POST", Target: "/api/login", Right: "alice", Header: []string{"Content-Type: application/json"},
				Body: `{"user":{"name":"alice","password":"alice-password"}}`,
			}, as("carol", "POST", "/login", ""), looks)},
	},
	"full": {
		{"C: custody is full by the answer that signs in", moves(looks, plain("GET", inEmail+"&fill=40", ""), looks)},
		{"C: custody is full before it", moves(looks, plain("GET", "/login?fill=40", ""), plain("GET", inEmail, ""), looks)},
	},
	"full, in place": {
		{"C: custody is full by the answer that raises the session", moves(looks, plain("GET", inEmail+"&fill=40", ""), looks)},
		{"C: custody is full before it is raised", moves(looks, plain("GET", "/login?fill=40", ""), plain("GET", inEmail, ""), looks)},
		{"C: hanging up while the session is raised", moves(isCarol, as("alice", "PUT", "/login?tap=drip:80", Head), looks)},
		{"C: hanging up before it", moves(isCarol, as("alice", "PUT", "/login?tap=hold:60", Drop), looks, looks)},
		{"C: half-closed", moves(isCarol, as("alice", "PUT", "/login?tap=drip:80", Half), looks)},
		{"C: custody is full", moves(looks, plain("GET", "/login?fill=40", ""), plain("GET", inAddress, ""), looks)},
		{"C: custody is full by the very answer", moves(looks, plain("GET", inAddress+"&fill=40", ""), looks)},
	},
	"bearer": {
		{"D: a token by another method", moves(isCarol, Move{
			Kind: Send, Method: "PUT", Target: "/api/login", Right: "alice", Header: []string{"Content-Type: application/json"},
			Body: `{"user":{"name":"alice","password":"alice-password"}}`,
		})},
	},
	"rotates, typed":  {{"D: a login as a rotation", moves(isCarol, as("alice", "PUT", "/login", ""), looks)}},
	"moved":           {{"E: a public path that is the login's", moves(as("alice", "POST", "/static/login", "").with("X-Script-Name: /static"), looks)}},
	"names strangers": {{"B: a stranger has a name", moves(formOf("POST", "/login", "", "username", "nobody", "password", "guess"))}},
	"trusting, typed": {{"E: another method than it says", moves(as("alice", "GET", "/static/style.css", "").with("X-HTTP-Method-Override: POST", "X-Original-URL: /login"), looks)}},
	"errors": {
		{"E: what fails goes on with the client's headers", moves(plain("GET", "/files?tap=break:1", "").with("Authorization: " + basic("alice", "alice-password")))},
		{"E: when the question fails", moves(
			plain("GET", "/static/style.css?tap=deaf:300", ""), plain("GET", "/files", "").with("Authorization: "+basic("alice", "alice-password")))},
	},
}
