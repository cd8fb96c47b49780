package login

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// Answer is the app's answer to a login or to an identity request.
type Answer struct {
	// Status is the final status code.
	Status int
	// Header as received; content codings are already undone in Body.
	Header http.Header
	// Body is the decoded body, at most AnswerLimit bytes.
	Body []byte
	// BodyUnknown: the body is cut off, too large, or in an unknown encoding. Then no `success` rule about it holds,
	// and every `failure` rule about it does.
	BodyUnknown bool
	// SetCookies are the raw Set-Cookie lines in their order; nil: those of Header.
	SetCookies []string
}

// Outcome of a login.
type Outcome uint8

// The outcomes. The zero value is Failed, so that nothing succeeds by mistake.
const (
	// Failed: the app did not accept the password.
	Failed Outcome = iota
	// Succeeded: the app did.
	Succeeded
	// AskIdentity: the answer alone does not show it, so the app has to be asked who is signed in.
	AskIdentity
	// Contradictory: the answer has everything that only a right password brings, but its status or another line says
	// failure. If the typed name counts, clients could cause such an answer to a right password.
	Contradictory
)

// String implements fmt.Stringer.
func (o Outcome) String() string {
	switch o {
	case Failed:
		return "failed"
	case Succeeded:
		return "succeeded"
	case AskIdentity:
		return "ask identity"
	case Contradictory:
		return "contradictory"
	}
	return "unknown"
}

// Judge returns the outcome of a login that block b took, for its answer and the request's path.
// A failure line that holds decides. Otherwise all success lines must hold. Without success lines the app is asked;
// with HTTP Basic and an app that cannot be asked, any answer below 400 is a success. A status of 400 and above is not
// a success, unless a success line names it.
//
// Rules never decide about custody if the app can be asked: what it says of the session counts (package gateway). If it
// cannot be asked, an answer that fails in spite of its proof is Contradictory.
func (s *Set) Judge(b *Block, a Answer, path match.Path) Outcome {
	j := judge{answer: &a, location: readLocation(a.Header["Location"], path)}
	outcome := s.byLines(b, &j)
	if outcome == Failed && s.Typed && j.proved(b) {
		return Contradictory
	}
	return outcome
}

// FailsByName reports whether a failure line of block b matches the answer to a login, so that the operator says that a
// wrong password brings such an answer.
func (s *Set) FailsByName(b *Block, a Answer, path match.Path) bool {
	return (&judge{answer: &a, location: readLocation(a.Header["Location"], path)}).fails(b)
}

func (j *judge) fails(b *Block) bool {
	return slices.ContainsFunc(b.Failure, func(line []Rule) bool {
		return slices.ContainsFunc(line, func(r Rule) bool { return j.holds(r, false) })
	})
}

func (s *Set) byLines(b *Block, j *judge) Outcome {
	if j.fails(b) {
		return Failed
	}
	named := false
	for _, line := range b.Success {
		held := false
		for _, rule := range line {
			if j.holds(rule, true) {
				held = true
				named = named || rule.Kind == Status
			}
		}
		if !held {
			return Failed
		}
	}
	status := j.answer.Status
	switch {
	case status < 200, status >= 400 && !named:
		return Failed
	case len(b.Success) > 0:
		return Succeeded
	case s.Asks():
		return AskIdentity
	case b.Username.Kind == Basic:
		return Succeeded
	}
	return Failed
}

// proof reports whether a success line names something that only a right password brings. Status and location depend on
// too much, many headers are in every answer, and anybody gets tokens against cross-site requests.
func proof(line []Rule) bool { return !slices.ContainsFunc(line, provesNothing) }

func provesNothing(r Rule) bool {
	switch name := strings.ToLower(r.Name); r.Kind {
	case Status, Location:
		return true
	case Cookie:
		return strings.Trim(name, "*") == "" || strings.Contains(name, "csrf") || strings.Contains(name, "xsrf")
	case Header:
		switch name {
		case "location", "refresh", "set-cookie", "date", "server", "content-type", "content-length", "content-language", "cache-control",
			"expires", "vary", "etag", "last-modified", "connection", "x-powered-by":
			return true
		}
	}
	return false
}

// proved reports whether there are such lines, and all of them hold.
func (j *judge) proved(b *Block) bool {
	found := false
	for _, line := range b.Success {
		if !proof(line) {
			continue
		}
		if found = slices.ContainsFunc(line, func(r Rule) bool { return j.holds(r, true) }); !found {
			return false
		}
	}
	return found
}

// location is the path and query that a redirect leads to.
type location struct {
	known bool
	// broken: there is a Location, but its destination is unclear.
	broken bool
	path   match.Path
	query  string
}

// readLocation resolves a Location against the path of the request. The result is unknown if there are none or two, or
// if it is not a web address.
func readLocation(values []string, from match.Path) location {
	if len(values) == 0 {
		return location{}
	}
	if len(values) > 1 || values[0] == "" {
		return location{broken: true}
	}
	// Browsers read a backslash as a slash.
	reference, err := url.Parse(strings.ReplaceAll(strings.TrimSpace(values[0]), `\`, "/"))
	if err != nil || reference.Opaque != "" || reference.Scheme != "" && reference.Scheme != "http" && reference.Scheme != "https" {
		return location{broken: true}
	}
	base := &url.URL{Path: from.Text}
	if reference.Path == "" && reference.Host != "" {
		reference.Path = "/"
	}
	resolved := base.ResolveReference(reference)
	return location{known: true, path: match.ParsePath(resolved), query: resolved.RawQuery}
}

// fits compares the location with the glob of a rule. Success rules (strict) need the canonical spelling. Failure rules
// fit any spelling, and a Location that cannot be read.
func (l location) fits(glob match.Glob, strict bool) bool {
	if !l.known {
		return l.broken && !strict
	}
	if strings.Contains(string(glob), "?") {
		return (!strict || l.path.Canonical) && glob.Match(l.path.Text+"?"+l.query)
	}
	if l.path.Canonical && glob.Match(l.path.Text) {
		return true
	}
	return !strict && match.LooseGlob(glob).Match(l.path.Loose())
}

// judge has what several rules share.
type judge struct {
	answer   *Answer
	location location
}

func (j *judge) holds(rule Rule, success bool) bool {
	switch rule.Kind {
	case Status:
		low, high, err := StatusRange(rule.Value)
		return err == nil && low <= j.answer.Status && j.answer.Status <= high
	case Location:
		return j.location.fits(match.Glob(rule.Value), success)
	case Cookie:
		return setsCookie(j.answer, match.Glob(rule.Name))
	case Header:
		for _, value := range j.answer.Header[http.CanonicalHeaderKey(rule.Name)] {
			if rule.AnyValue || match.Glob(rule.Value).Match(value) {
				return true
			}
		}
		return false
	}
	// The body.
	if j.answer.BodyUnknown {
		return !success
	}
	if rule.Kind == Body {
		return bytes.Contains(j.answer.Body, []byte(rule.Value))
	}
	return rule.Kind == JSON && j.holdsJSON(rule)
}

func (j *judge) holdsJSON(rule Rule) bool {
	tokens, err := parsePointer(rule.Name)
	if err != nil {
		return false
	}
	n, err := pickAnswer(j.answer.Body, tokens)
	if err != nil || n == nil {
		return false
	}
	if rule.AnyValue {
		return !n.empty()
	}
	return n.kind != object && n.kind != array && match.Glob(rule.Value).Match(n.text)
}

// empty reports whether a value is null, false, 0, "", [] or {}.
func (n *node) empty() bool {
	switch n.kind {
	case null:
		return true
	case boolean:
		return n.text == "false"
	case number:
		return n.zero()
	case text:
		return n.text == ""
	case array:
		return len(n.items) == 0
	case object:
		return len(n.members) == 0
	}
	return false
}

// zero reports whether a number's mantissa has no digit except 0.
func (n *node) zero() bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(n.text), "e")
	return strings.Trim(mantissa, "-0.") == ""
}

// Rule is one word of a `success` or `failure` line.
type Rule struct {
	// Kind is Status, Location, Cookie, Header, JSON or Body.
	Kind Kind
	// Name is the cookie's (a glob) or header's name, or the JSON pointer.
	Name string
	// Value is a status such as 302 or 3xx, a glob for a Location's path (or, if it contains a `?`, for path and
	// query), the glob that a header's or JSON value must match, or the text that the body must contain.
	Value string
	// AnyValue: the header or JSON value only has to be present. A JSON value that is null, false, 0 or empty does not
	// count as present.
	AnyValue bool
}

// ParseRules reads one line of `success` or `failure`: kind is the first word after it, words are the others. The
// returned rules are alternatives.
func ParseRules(kind string, words []string) ([]Rule, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("%s: a word is missing", kind)
	}
	var rules []Rule
	switch k := Kind(kind); k {
	case Status, Location:
		for _, word := range words {
			rules = append(rules, Rule{Kind: k, Value: word})
		}
	case Cookie, Body:
		if len(words) > 1 {
			return nil, fmt.Errorf("%s takes one word; put text with spaces in quotes", kind)
		}
		rule := Rule{Kind: k, Name: words[0]}
		if k == Body {
			rule = Rule{Kind: k, Value: words[0]}
		}
		rules = append(rules, rule)
	case Header, JSON:
		if len(words) > 2 {
			return nil, fmt.Errorf("%s takes a name and at most one value; put text with spaces in quotes", kind)
		}
		rule := Rule{Kind: k, Name: words[0], AnyValue: len(words) == 1}
		for _, value := range words[1:] {
			rule.Value = value
		}
		rules = append(rules, rule)
	default:
		return nil, fmt.Errorf("%q is none of status, location, cookie, header, json, body", kind)
	}
	for _, rule := range rules {
		if err := rule.validate(); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func (r Rule) validate() error {
	switch r.Kind {
	case Status:
		_, _, err := StatusRange(r.Value)
		return err
	case Location:
		if r.Value == "" || r.Value[0] != '/' && r.Value[0] != '*' {
			return fmt.Errorf("location %q must start with '/' or '*'", r.Value)
		}
		return nil
	case Cookie:
		if r.Name == "" || strings.ContainsAny(r.Name, " \t;=,") {
			return fmt.Errorf("cookie %q is no name of a cookie", r.Name)
		}
		return nil
	case Header:
		if !match.IsToken(r.Name) {
			return fmt.Errorf("header %q is no name of a header", r.Name)
		}
		return nil
	case JSON:
		_, err := parsePointer(r.Name)
		return err
	case Body:
		if r.Value == "" {
			return errors.New("body: the text is empty")
		}
		return nil
	}
	return fmt.Errorf("%q is none of status, location, cookie, header, json, body", r.Kind)
}

// StatusRange reads 302 or 3xx.
func StatusRange(value string) (low, high int, err error) {
	if len(value) == 3 && value[0] >= '1' && value[0] <= '5' {
		if strings.EqualFold(value[1:], "xx") {
			low = int(value[0]-'0') * 100
			return low, low + 99, nil
		}
		if n, err := strconv.Atoi(value); err == nil && value[1] != '+' && value[1] != '-' {
			return n, n, nil
		}
	}
	return 0, 0, fmt.Errorf("status %q is neither a status code nor a class such as 3xx", value)
}

// ReadsBody reports whether judging the block's answers needs their bodies.
func (b *Block) ReadsBody() bool {
	for _, lines := range [2][][]Rule{b.Success, b.Failure} {
		for _, line := range lines {
			for _, rule := range line {
				if rule.Kind == JSON || rule.Kind == Body {
					return true
				}
			}
		}
	}
	return false
}
