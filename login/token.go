package login

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
)

// The shortest and the longest bearer token that is accepted, in bytes. A shorter one could be guessed; no server
// accepts a longer one in a header.
const (
	TokenLeast = 8
	TokenLimit = 8 << 10
)

// ErrToken says that there is something other than a bearer token where one should be. It contains nothing of it.
var ErrToken = errors.New("no bearer token can be read")

// TokenSource is the place of a bearer token in the answer to a successful login.
type TokenSource struct {
	// Kind is JSON, Header or Body.
	Kind Kind
	// Name is the JSON pointer, or the header; empty for Body.
	Name string
}

// Token is a bearer token that an app issued.
type Token struct {
	// Text is the token alone.
	Text string
	// Header and Value are the header that carried it, unchanged; empty if none did.
	Header, Value string
}

// WholeBody reports whether one of the sources is an answer's whole body.
func WholeBody(sources []TokenSource) bool {
	return slices.ContainsFunc(sources, func(s TokenSource) bool { return s.Kind == Body })
}

// ParseToken reads the words after `token`.
func ParseToken(words []string) (TokenSource, error) {
	if len(words) == 0 {
		return TokenSource{}, errors.New("token: json, header or body is missing")
	}
	source := TokenSource{Kind: Kind(words[0])}
	want := 2
	if source.Kind == Body {
		want = 1
	}
	if len(words) != want {
		return TokenSource{}, errors.New("token takes json and a pointer, header and a name, or body")
	}
	if len(words) == 2 {
		source.Name = words[1]
	}
	return source, source.validate()
}

func (s TokenSource) validate() error {
	switch s.Kind {
	case JSON:
		_, err := parsePointer(s.Name)
		return err
	case Header:
		if !match.IsToken(s.Name) {
			return fmt.Errorf("token header: %q is no name of a header", s.Name)
		}
		return nil
	case Body:
		if s.Name != "" {
			return errors.New("token body takes nothing more")
		}
		return nil
	}
	return fmt.Errorf("token: %q is none of json, header, body", s.Kind)
}

// Tokens returns all places of bearer tokens in the answers of the site's logins, each once.
func (s *Set) Tokens() (sources []TokenSource) {
	seen := make(map[TokenSource]bool)
	for i := range s.Blocks {
		for _, source := range s.Blocks[i].Tokens {
			if !seen[source] {
				seen[source] = true
				sources = append(sources, source)
			}
		}
	}
	return sources
}

// ReadTokens reads the bearer tokens that an answer carries, in the order of the sources; a source may have none. It
// returns ErrToken if the text where one should be cannot be a token, or if the body is not known.
func ReadTokens(sources []TokenSource, a Answer) (tokens []Token, err error) {
	for _, source := range sources {
		found, err := source.read(a)
		if err != nil {
			return nil, err
		}
		if found.Text == "" {
			continue
		}
		if !tokenText(found.Text) {
			return nil, fmt.Errorf("%w: what stands there is none", ErrToken)
		}
		tokens = append(tokens, found)
	}
	return tokens, nil
}

func (s TokenSource) read(a Answer) (Token, error) {
	if s.Kind == Header {
		name := http.CanonicalHeaderKey(s.Name)
		switch values := a.Header[name]; len(values) {
		case 0:
			return Token{}, nil
		case 1:
			return Token{Text: match.WithoutScheme(values[0]), Header: name, Value: values[0]}, nil
		default:
			return Token{}, fmt.Errorf("%w: more than one header", ErrToken)
		}
	}
	if a.BodyUnknown {
		return Token{}, fmt.Errorf("%w: the body is not known", ErrToken)
	}
	if s.Kind == Body {
		return Token{Text: strings.TrimSpace(string(a.Body))}, nil
	}
	pointer, err := parsePointer(s.Name)
	if err != nil {
		return Token{}, err
	}
	found, err := pickAnswer(a.Body, pointer)
	if m, _ := readMedia(a.Header.Get("Content-Type")); err != nil && m.json() {
		return Token{}, fmt.Errorf("%w: the body is no JSON", ErrToken)
	}
	if err != nil || found == nil || found.kind == null {
		return Token{}, nil //nolint:nilerr // an answer of another kind has no token there
	}
	if found.kind != text {
		return Token{}, fmt.Errorf("%w: no text", ErrToken)
	}
	return Token{Text: found.text}, nil
}

// tokenText reports whether text can be a bearer token: visible ASCII, neither short nor long.
func tokenText(text string) bool {
	return len(text) >= TokenLeast && len(text) <= TokenLimit && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// A standing login is not an event: every request carries it. The app checks HTTP Basic's password each time, and a
// handler in front of the gateway determines the user each time.

// basicLimit is the longest Authorization line of HTTP Basic, in bytes.
const basicLimit = 4 << 10

// standing reports whether every request carries the name.
func (s Source) standing() bool { return s.Kind == Basic || s.Kind == Placeholder }

// Basic returns the block whose password is in the Authorization of every request; nil if there is none.
func (s *Set) Basic() *Block { return s.standing(Basic) }

// Placeholder returns the placeholder, in braces, that has the user whom an earlier handler of the route has signed in;
// empty if there is none.
func (s *Set) Placeholder() string {
	if block := s.standing(Placeholder); block != nil {
		return block.Username.Name
	}
	return ""
}

func (s *Set) standing(kind Kind) *Block {
	for i := range s.Blocks {
		if s.Blocks[i].Username.Kind == kind {
			return &s.Blocks[i]
		}
	}
	return nil
}

// Address returns where the password of a block of kind Basic is tried: its path up to the first `*`.
func (b *Block) Address() string {
	if len(b.Paths) == 0 {
		return "/"
	}
	address, _, _ := strings.Cut(string(b.Paths[0]), "*")
	if address == "" {
		return "/"
	}
	return address
}

// BasicLine returns the Authorization of a request if it is HTTP Basic (RFC 7617), unchanged; empty if there is none,
// or one of another scheme. If there are two lines and one is Basic they are refused, because servers differ in which
// one they use. [Set.ReadBasic] reads the line.
func BasicLine(h http.Header) (line string, refused *RefusedError) {
	lines := h["Authorization"]
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) == 1:
		if isBasic(lines[0]) {
			return lines[0], nil
		}
		return "", nil
	}
	for _, other := range lines {
		if isBasic(other) {
			return "", refuse(reasonPassword, "more than one Authorization line")
		}
	}
	return "", nil
}

// isBasic reports whether some server could read the line as HTTP Basic.
func isBasic(line string) bool {
	line = strings.TrimLeft(line, " \t,")
	return len(line) >= len("Basic") && strings.EqualFold(line[:len("Basic")], "Basic") &&
		(len(line) == len("Basic") || strings.IndexByte(" \t,;=\"", line[len("Basic")]) >= 0)
}

// ReadBasic reads a line of HTTP Basic, and returns the user's name in the form under which a record is kept. It
// accepts only one spelling: `Basic`, one space, and padded base64 of UTF-8 without control characters. Everything that
// servers read differently is refused.
func (s *Set) ReadBasic(line string) (name string, refused *RefusedError) {
	user, err := basicUser(line)
	if err != nil {
		return "", refuse(reasonPassword, "Authorization: "+err.Error())
	}
	name, err = s.Names.Normalise(user)
	if err != nil {
		return "", refuse(reasonName, err.Error())
	}
	return name, nil
}

var errBasic = errors.New("malformed HTTP Basic")

// basicUser returns the user of a line of HTTP Basic. Its errors contain nothing of the line.
func basicUser(line string) (string, error) {
	const scheme = "basic "
	if len(line) > basicLimit {
		return "", fmt.Errorf("%w: too long", errBasic)
	}
	if len(line) <= len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return "", fmt.Errorf("%w: scheme", errBasic)
	}
	encoded := line[len(scheme):]
	if strings.ContainsAny(encoded, "\r\n") { // the decoder would skip these
		return "", fmt.Errorf("%w: base64", errBasic)
	}
	text, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("%w: base64", errBasic)
	}
	switch user, _, found := strings.Cut(string(text), ":"); {
	case !utf8.Valid(text):
		return "", fmt.Errorf("%w: not UTF-8", errBasic)
	case strings.ContainsFunc(string(text), controls):
		return "", fmt.Errorf("%w: control character", errBasic)
	case !found:
		return "", fmt.Errorf("%w: no colon", errBasic)
	default:
		return user, nil
	}
}

// validateStanding checks the blocks of the Set whose names every request carries.
func (s *Set) validateStanding() error {
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if !b.Username.standing() {
			continue
		}
		if err := b.validateStanding(); err != nil {
			return fmt.Errorf("username %s: %w", b.Username.Kind, err)
		}
		switch kind := b.Username.Kind; {
		case s.standing(kind) != b:
			return fmt.Errorf("username %s: it can stand in one login only", kind)
		case kind == Placeholder && len(s.Blocks) > 1:
			return errors.New("username placeholder: where Caddy has made the login, there is no other beside it")
		case kind == Placeholder && (s.Asks() || s.Typed):
			return errors.New("identity: with username placeholder, Caddy says who is signed in at each request, and the app is not asked")
		case kind == Basic && s.Asks() && len(b.Success)+len(b.Failure) > 0:
			return errors.New("username basic: with identity, success and failure have no say")
		}
	}
	return nil
}

func (b *Block) validateStanding() error {
	switch {
	case len(b.When) > 0:
		return errors.New("it stands in every request, which 'when' cannot narrow")
	case len(b.Methods) > 0:
		return errors.New("it stands in every request, of whatever method")
	case len(b.Tokens) > 0:
		return errors.New("it stands in every request: no answer carries a token")
	case len(b.Fields) > 0:
		return errors.New("it stands in every request: 'fields' are those of a form")
	case len(b.From) > 0:
		return errors.New("it stands in every request: 'from' is for logins that other sites' pages send")
	case len(b.Paths) != 1:
		return errors.New("want one path")
	case b.Username.Kind == Basic:
		return validatePath(b.Address())
	case len(b.Success)+len(b.Failure) > 0:
		return errors.New("the login was made before: success and failure have nothing to judge")
	case b.Address() != "/":
		return errors.New("the login counts for the whole site: write 'login *'")
	}
	return nil
}
