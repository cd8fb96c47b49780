// Package login knows what a login is: it recognises the request that carries a password to the app, reads the name
// that was typed, judges the app's answer, and reads who the app says is signed in.
//
// It is strict where an app is lax. Apps differ in which of two fields they take, how they decode a path, and what they
// make of a body that is not quite right; whatever two of them could read in two ways is refused before it reaches any.
// What is accepted reads the same everywhere, and is forwarded byte for byte as it came.
//
// A Set is written once, checked with Validate and then only read: all its methods are safe for concurrent use.
package login

import (
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

const (
	// BodyLimit is the longest body of a login request, in bytes.
	BodyLimit = 64 << 10
	// ExamineLimit is how much of a body is read where a login is known by it, to see whether it is one, in bytes.
	ExamineLimit = 1 << 20
	// AnswerLimit is the longest decoded body of an app's answer that is judged or read, in bytes.
	AnswerLimit = 1 << 20
	// NoName is the account's name at an app that has one shared password (source None).
	NoName = "-"
)

// Kind is a word of the configuration: where something stands in a request or an answer.
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
	// Basic: the name stands in the Authorization of every request, with the password (RFC 7617).
	Basic Kind = "basic"
	// Placeholder: an earlier handler of the route has signed somebody in, and says whom at every request.
	Placeholder Kind = "placeholder"
)

// Set is everything that a site says about logins. Call Validate before the first use and change nothing afterwards.
type Set struct {
	// Blocks are tried in order; the first whose conditions hold takes the request.
	Blocks []Block
	// Identities are the questions by which the app says who is signed in, one for each kind of account that it has
	// (realm). All of them are asked.
	Identities []Identity
	// Typed: the app cannot be asked, and the typed name counts. Then each login names its fields, and what tells its
	// success. It excludes Identities.
	Typed bool
	// Names says how typed names are brought into one form.
	Names Names

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
	// Username is where the typed name stands.
	Username Source
	// Success are lines of rules, one inner slice a line: of each line any rule must hold.
	Success [][]Rule
	// Failure are lines of rules; one rule that holds wins over all of Success.
	Failure [][]Rule
	// Tokens are where a successful answer carries bearer tokens; the first one is what the app is asked with who is
	// signed in.
	Tokens []TokenSource
	// Fields are the names of all fields that the login may carry, beside those of When and Username: of its form and
	// its query, or JSON pointers. A login with any other field is refused. Empty: any field may come, which only a Set
	// with Identities allows.
	//
	// `name=glob` says what the value must be, exactly as it is spelled; of several for one name any may fit. A field
	// that is not there counts as an empty one.
	Fields []string
	// Refuse: what the conditions describe is refused in every state, unless a block in front of it takes it. Such a
	// block has nothing but Paths and When.
	Refuse bool
	// Continues: this is the second step of a login, a form without a name that the app shows when the first one was
	// right. What the first step left at the app goes with it, whatever name that came with. Such a block has no name,
	// and Fields that let none in.
	Continues bool
	// From are the origins of other sites whose pages may send this login, such as `https://portal.example.com`.
	From []string
}

// General reports whether the block stands at addresses where the app does other things too, and a login there may
// carry an errand beside itself: which page to show, what to write. Where Fields say all that it may carry, it carries
// none.
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
	// Value is a glob; `*` asks only that the field is there.
	Value string
}

// Source is where the typed name stands.
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
	// Name is the typed name, normalised; NoName where the app has no names.
	Name string
}
