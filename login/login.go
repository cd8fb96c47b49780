// Package login defines what a login is: it recognises the request that carries a password to the app, reads the typed
// name, judges the app's answer, and reads who the app says is signed in.
//
// It is strict where an app is lax. Apps differ in which of two fields they use, how they decode a path, and how they
// read a malformed body. Whatever two apps could read in two ways is refused before it reaches any. What is accepted
// reads the same everywhere, and is forwarded unchanged, byte for byte.
//
// A Set is checked with Validate and must not change afterwards: all its methods are then safe for concurrent use.
package login

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

const (
	// BodyLimit is the longest body of a login request, in bytes.
	BodyLimit = 64 << 10
	// ExamineLimit is how many bytes of a body are read to find out whether the request is a login, if logins are known
	// by their bodies.
	ExamineLimit = 1 << 20
	// AnswerLimit is the longest decoded body of an app's answer that is judged or read, in bytes.
	AnswerLimit = 1 << 20
	// NoName is the account's name at an app that has one shared password (source None).
	NoName = "-"
)

// Kind is a word of the configuration: the place of something in a request or an answer.
type Kind string

// The kinds. Condition takes Form, Query and JSON; Source takes Form, JSON, Query, Basic, Placeholder and None; Rule
// takes Status, Location, Cookie, Header, JSON and Body; Identity takes JSON, Header and Body.
const (
	Form     Kind = "form"
	Query    Kind = "query"
	JSON     Kind = "json"
	None     Kind = "none"
	Status   Kind = "status"
	Location Kind = "location"
	Cookie   Kind = "cookie"
	Header   Kind = "header"
	Body     Kind = "body"
	// Basic: the Authorization of every request has the name, with the password (RFC 7617).
	Basic Kind = "basic"
	// Placeholder: an earlier handler of the route signs users in, and names the user at every request.
	Placeholder Kind = "placeholder"
)

// Set is a site's configuration of logins. Call Validate before the first use and change nothing afterwards.
type Set struct {
	// Blocks are tried in order; the first whose conditions hold takes the request.
	Blocks []Block
	// Identities are the requests by which the app is asked who is signed in, one for each kind of account that it has
	// (realm). All of them are made.
	Identities []Identity
	// Typed: the app cannot be asked, and the typed name counts. Then each login must name its fields and the rules of
	// its success. It excludes Identities.
	Typed bool
	// Exits are sign-outs that have no address of their own.
	Exits []Exit
	// Names says how typed names are normalised.
	Names Names
	// Mail is a pointer (RFC 6901) to the user's e-mail address in the answers to Identities, and Phone one to the
	// telephone number; empty: nobody needs it.
	Mail, Phone string

	compiled []compiled
}

// Block is one `login` block: which requests are logins, and what their answers mean.
type Block struct {
	// Paths are compared with canonical paths; other spellings of them are refused.
	Paths match.Globs
	// Methods in upper case; empty: POST. HEAD counts as another spelling of GET.
	Methods []string
	// When narrows the block: all conditions must hold.
	When []Condition
	// Username is the place of the typed name.
	Username Source
	// Success are lines of rules, one inner slice for each line: every line needs a rule that holds.
	Success [][]Rule
	// Failure are lines of rules; one rule that holds wins over all of Success.
	Failure [][]Rule
	// Tokens are the places of bearer tokens in a successful answer. The first one is used to ask the app who is signed
	// in.
	Tokens []TokenSource
	// Fields are the names of all fields that the login may carry besides those of When and Username: fields of its
	// form and its query, or JSON pointers. A login with any other field is refused. Empty: any field is allowed, which
	// requires Identities in the Set.
	//
	// `name=glob` restricts the value, exactly as it is spelled; if there are several for one name, one of them must
	// match. A missing field counts as an empty one.
	Fields []string
	// Refuse: a request that fits the conditions is refused in every state, unless an earlier block takes it. Such a
	// block has only Paths and When.
	Refuse bool
	// Continues: this is the second step of a login, a form without a name that the app shows after the first step
	// succeeded. The cookies of the first step go with it, whatever name that had. Such a block has no name, and its
	// Fields allow none.
	Continues bool
	// From are the origins of other sites whose pages may send this login, such as `https://portal.example.com`.
	From []string
}

// General reports whether the app does other things too at the block's addresses, so that a login there may also ask
// for something else, such as which page to show or what to write. If Fields lists everything that a login may carry,
// the result is false.
func (b *Block) General() bool {
	return len(b.Fields) == 0 &&
		(len(b.When) > 0 || slices.ContainsFunc(b.Paths, func(path match.Glob) bool { return strings.Contains(string(path), "*") }))
}

// Condition is one `when` of a block.
type Condition struct {
	// Kind is Form, Query or JSON.
	Kind Kind
	// Name is the field's name, or the JSON pointer (RFC 6901).
	Name string
	// Value is a glob; `*` only requires that the field is present.
	Value string
}

// Source is the place of the typed name.
type Source struct {
	// Kind is Form, JSON, Query, Basic, Placeholder or None.
	Kind Kind
	// Name is the field's name, the JSON pointer, or the placeholder in braces; empty for Basic and None.
	Name string
}

// Attempt is a login request that may go on to the app.
type Attempt struct {
	// Block is the block that took the request.
	Block *Block
	// Name is the typed name, normalised; NoName if the app has no names.
	Name string
}

// Plain reports whether a request cannot sign anybody in, as far as its form shows: it is GET or HEAD, has no body, by
// length and by transfer coding, and asks for no upgrade, because some apps sign in by messages inside a WebSocket.
// [Set.NamesInQuery] examines its query.
func Plain(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !match.HasBody(r) && len(r.Header["Upgrade"]) == 0
}

// NamesInQuery reports whether the query of a request has a field that some server could take for one of a login's: a
// user's name, a condition, or one of its fields. A query that is too long to be examined counts as having one.
func (s *Set) NamesInQuery(r *http.Request) bool {
	if r.URL.RawQuery == "" {
		return false
	}
	return len(r.URL.RawQuery) > BodyLimit || s.named(&examination{request: r})
}

func (s *Set) named(x *examination) bool {
	if x.request.URL.RawQuery == "" {
		return false
	}
	for _, c := range s.plan() {
		if c.standing {
			continue
		}
		for _, t := range c.secret {
			if len(x.queryHits(t)) > 0 {
				return true
			}
		}
	}
	return false
}

// RefusedError says that a request is a login, or may be one to some app, and must not reach the app.
type RefusedError struct {
	// Status is what to answer: 400, 405, 413 or 429.
	Status int
	// Reason is a sentence for the user.
	Reason string
	// Log names the defect for the operator. It contains nothing that the client sent.
	Log string
}

// Error implements error.
func (e *RefusedError) Error() string { return "login refused: " + e.Log }

// UnexaminedError says that the request may be a login by its body, which could not be read to the end. The request
// must be refused unless the session is verified. A verified session may send it, and the app has to be asked who is
// signed in afterwards.
type UnexaminedError struct {
	// Status is what to answer if it is refused: 400, 413 or 429.
	Status int
	// Reason is a sentence for the user.
	Reason string
	// Log names the defect for the operator. It contains nothing that the client sent.
	Log string
}

// Error implements error.
func (e *UnexaminedError) Error() string { return "login not examined: " + e.Log }

const (
	reasonSpelling = "This address of the login is not spelled in the usual way. Please open the login page and sign in there."
	reasonForm     = "The login could not be read. Please open the login page again and sign in there."
	reasonMissing  = "The login did not carry a user name."
	reasonTwice    = "The login carried more than one user name."
	reasonName     = "A user name of this form cannot be used here."
	reasonLarge    = "The login is too large."
	reasonPassword = "The password that came with the request could not be read."
	reasonCharset  = "The login is not written in UTF-8."
)

func refuse(reason, log string) *RefusedError {
	return &RefusedError{Status: http.StatusBadRequest, Reason: reason, Log: log}
}

// refuseMethod refuses a request at a login's address that is neither the login nor its page.
func refuseMethod() *RefusedError {
	return &RefusedError{Status: http.StatusMethodNotAllowed, Reason: reasonForm, Log: "a login's address, asked for by a method that is not its own"}
}

func tooLarge() *RefusedError {
	return &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonLarge, Log: "body over 64 KiB"}
}

func noRoom() *RefusedError {
	return &RefusedError{Status: http.StatusTooManyRequests, Reason: reasonForm, Log: "too many bodies over 64 KiB at once"}
}

func longForm() *RefusedError {
	return &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonForm, Log: "form over 1 MiB where a login is known by its fields"}
}

func (e *RefusedError) unexamined() *UnexaminedError {
	return &UnexaminedError{Status: e.Status, Reason: e.Reason, Log: e.Log}
}

// parsePointer reads a JSON pointer (RFC 6901). The empty pointer is the whole document.
func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("JSON pointer %q must start with '/'", pointer)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, raw := range tokens {
		for at := 0; at < len(raw); at++ {
			if raw[at] == '~' && (at+1 == len(raw) || raw[at+1] != '0' && raw[at+1] != '1') {
				return nil, fmt.Errorf("JSON pointer %q: '~' must be followed by 0 or 1", pointer)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(raw, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// escapePointer returns a member's name as it is written in a pointer.
func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// MailAddress returns the e-mail address in an answer that named somebody, by a pointer of the operator's; empty if
// there is none. What is not the address of one mailbox, and nothing else, is none.
func (i *Identity) MailAddress(a Answer, pointer string) string {
	return addressIn(a, pointer, match.IsMailAddress)
}

// PhoneNumber is MailAddress for a telephone number: `+` and 5 to 15 digits.
func (i *Identity) PhoneNumber(a Answer, pointer string) string {
	return addressIn(a, pointer, match.IsPhoneNumber)
}

func addressIn(a Answer, pointer string, valid func(string) bool) string {
	tokens, err := parsePointer(pointer)
	if err != nil || pointer == "" || a.BodyUnknown {
		return ""
	}
	n, err := pickAnswer(a.Body, tokens)
	if err != nil || n == nil || n.kind != text || !valid(n.text) {
		return ""
	}
	return n.text
}

// CheckPointer returns what is wrong with a pointer (RFC 6901) to an address.
func CheckPointer(pointer string) error {
	if pointer == "" {
		return errors.New("want a JSON pointer such as /email")
	}
	_, err := parsePointer(pointer)
	return err
}
