package login

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The shortest and the longest bearer token that is taken for one, in bytes. A shorter one could be guessed; no server
// takes a longer one in a header.
const (
	TokenLeast = 8
	TokenLimit = 8 << 10
)

// ErrToken says that where a bearer token was to be, something else stands. It holds nothing of it.
var ErrToken = errors.New("no bearer token can be read")

// TokenSource is where a successful login's answer carries a bearer token.
type TokenSource struct {
	// Kind is JSON, Header or Body.
	Kind Kind
	// Name is the JSON pointer, or the header; empty for Body.
	Name string
}

// Token is a bearer token that an app issued.
type Token struct {
	// Text is the token by itself.
	Text string
	// Header and Value are the header that carried it, as it stood there; empty where none did.
	Header, Value string
}

// WholeBody reports whether a token is whatever the whole of an answer's body is.
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
		if !token(s.Name) {
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

// Tokens are all the places at which the answers of the site's logins carry bearer tokens, each once.
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

// ReadTokens reads the bearer tokens that an answer carries, in the order of the sources; a source may have none. What
// stands where one should be and cannot be one is ErrToken, and so is a body that is not known.
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
			return Token{Text: WithoutScheme(values[0]), Header: name, Value: values[0]}, nil
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
		return Token{}, nil //nolint:nilerr // an answer of another kind carries none there
	}
	if found.kind != text {
		return Token{}, fmt.Errorf("%w: no text", ErrToken)
	}
	return Token{Text: found.text}, nil
}

// WithoutScheme is the token in a header's value: what stands behind the one scheme in front of it (`Bearer`, `JWT`,
// `Token`), or the whole.
func WithoutScheme(value string) string {
	scheme, rest, found := strings.Cut(value, " ")
	if found && token(scheme) {
		return rest
	}
	return value
}

// tokenText reports whether text can be a bearer token: visible ASCII, neither short nor long.
func tokenText(text string) bool {
	return len(text) >= TokenLeast && len(text) <= TokenLimit && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
