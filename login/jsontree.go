package login

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// nodeKind is the type of a JSON value.
type nodeKind byte

const (
	null nodeKind = iota
	boolean
	number
	text
	array
	object
)

// node is one JSON value. text is a string's characters, a number's digits as they were written, or true, false, null.
type node struct {
	kind    nodeKind
	text    string
	items   []node
	members []member
}

type member struct {
	name  string
	value node
}

// jsonDepth is how deep arrays and objects may be nested. jsonCount is how many values a document may have that is kept
// whole: as many as 64 KiB can have.
const (
	jsonDepth = 64
	jsonCount = BodyLimit / 2
)

var (
	errJSON      = errors.New("malformed JSON")
	errJSONNames = errors.New("JSON object with two members of one name")
	errJSONDepth = errors.New("JSON nested too deeply")
	errJSONCount = errors.New("JSON with too many values")
)

// parseJSON reads the body of a request: one JSON text (RFC 8259) and nothing else, so no comments, no trailing commas,
// no byte order mark, no invalid UTF-8, no half of a surrogate pair, no member twice. Members whose names some parser
// could mistake for one another count as one name: encoding/json matches `USERNAME` and `uſername` to a field
// `username`.
//
// With an error it returns what came before the defect, for callers that need to know what a laxer parser sees.
func parseJSON(data string) (node, error) {
	p := jsonParser{data: data, fold: true, build: true}
	return p.document()
}

// pickJSON reads an app's answer as strictly, except that names may differ in case. It returns the value at the pointer
// with these tokens; nil if there is none. It keeps nothing else, so that a large answer costs little. Of an object or
// array it keeps at most one child, to know whether it is empty.
func pickJSON(data string, tokens []string) (*node, error) {
	p := jsonParser{data: data, want: tokens}
	if _, err := p.document(); err != nil {
		return nil, err
	}
	return p.found, nil
}

type jsonParser struct {
	data string
	at   int
	// fold: names that differ in case count as one.
	fold bool
	// build keeps the whole document; otherwise only found, the value at want, is kept.
	build bool
	count int
	want  []string
	found *node
}

// off is the place of a value that is not on the path to the wanted one. Other places are the number of matched tokens.
const off = -1

func (p *jsonParser) document() (node, error) {
	root, err := p.value(0, 0)
	if err != nil {
		return root, err
	}
	p.space()
	if p.at != len(p.data) {
		return root, fmt.Errorf("%w: more than one value", errJSON)
	}
	return root, nil
}

// child returns the place of a child of the value at place.
func (p *jsonParser) child(place int, name string) int {
	if place == off || place >= len(p.want) || p.want[place] != name {
		return off
	}
	return place + 1
}

// keeps reports whether a child is kept. The value at place already has count children.
func (p *jsonParser) keeps(place, count int) bool {
	return p.build || place == len(p.want) && count == 0
}

func (p *jsonParser) space() {
	for p.at < len(p.data) && strings.IndexByte(" \t\r\n", p.data[p.at]) >= 0 {
		p.at++
	}
}

// next returns the next character that is not a space; 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at == len(p.data) {
		return 0
	}
	return p.data[p.at]
}

func (p *jsonParser) take(c byte) bool {
	if p.next() != c || p.at == len(p.data) {
		return false
	}
	p.at++
	return true
}

func (p *jsonParser) value(depth, place int) (node, error) {
	if depth > jsonDepth {
		return node{}, errJSONDepth
	}
	if p.count++; p.build && p.count > jsonCount {
		return node{}, errJSONCount
	}
	n, err := p.anyValue(depth, place)
	if err == nil && place == len(p.want) {
		found := n
		p.found = &found
	}
	return n, err
}

func (p *jsonParser) anyValue(depth, place int) (node, error) {
	switch c := p.next(); {
	case c == '{':
		return p.object(depth, place)
	case c == '[':
		return p.array(depth, place)
	case c == '"':
		s, err := p.string()
		return node{kind: text, text: s}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.word("true", boolean)
	case c == 'f':
		return p.word("false", boolean)
	case c == 'n':
		return p.word("null", null)
	}
	return node{}, errJSON
}

func (p *jsonParser) word(word string, kind nodeKind) (node, error) {
	if !strings.HasPrefix(p.data[p.at:], word) {
		return node{}, errJSON
	}
	p.at += len(word)
	return node{kind: kind, text: word}, nil
}

func (p *jsonParser) object(depth, place int) (node, error) {
	n := node{kind: object}
	p.at++
	if p.take('}') {
		return n, nil
	}
	seen := map[string]bool{}
	for {
		if p.next() != '"' {
			return n, errJSON
		}
		name, err := p.string()
		if err != nil {
			return n, err
		}
		key := name
		if p.fold {
			if strings.ContainsFunc(name, controls) {
				return n, fmt.Errorf("%w: control character in a name", errJSON)
			}
			key = foldText(name)
		}
		if !p.take(':') {
			return n, errJSON
		}
		value, err := p.value(depth+1, p.child(place, name))
		if p.keeps(place, len(n.members)) {
			n.members = append(n.members, member{name: name, value: value})
		}
		if err != nil {
			return n, err
		}
		if seen[key] {
			return n, errJSONNames
		}
		seen[key] = true
		switch {
		case p.take(','):
		case p.take('}'):
			return n, nil
		default:
			return n, errJSON
		}
	}
}

func (p *jsonParser) array(depth, place int) (node, error) {
	n := node{kind: array}
	p.at++
	if p.take(']') {
		return n, nil
	}
	for index := 0; ; index++ {
		at := off
		if place >= 0 && place < len(p.want) {
			at = p.child(place, strconv.Itoa(index))
		}
		value, err := p.value(depth+1, at)
		if p.keeps(place, len(n.items)) {
			n.items = append(n.items, value)
		}
		if err != nil {
			return n, err
		}
		switch {
		case p.take(','):
		case p.take(']'):
			return n, nil
		default:
			return n, errJSON
		}
	}
}

func (p *jsonParser) number() (node, error) {
	start := p.at
	digits := func() bool {
		from := p.at
		for p.at < len(p.data) && '0' <= p.data[p.at] && p.data[p.at] <= '9' {
			p.at++
		}
		return p.at > from
	}
	has := func(set string) bool {
		if p.at < len(p.data) && strings.IndexByte(set, p.data[p.at]) >= 0 {
			p.at++
			return true
		}
		return false
	}
	has("-")
	zero := p.at < len(p.data) && p.data[p.at] == '0'
	from := p.at
	if !digits() || zero && p.at != from+1 {
		return node{}, errJSON
	}
	if has(".") && !digits() {
		return node{}, errJSON
	}
	if has("eE") {
		has("+-")
		if !digits() {
			return node{}, errJSON
		}
	}
	return node{kind: number, text: p.data[start:p.at]}, nil
}

func (p *jsonParser) string() (string, error) {
	p.at++
	start := p.at
	for at := start; at < len(p.data); at++ {
		switch c := p.data[at]; {
		case c == '"':
			s := p.data[start:at]
			p.at = at + 1
			if !utf8.ValidString(s) {
				return s, fmt.Errorf("%w: invalid UTF-8", errJSON)
			}
			return s, nil
		case c == '\\':
			return p.escaped(start, at)
		case c < ' ':
			return p.data[start:at], errJSON
		}
	}
	return p.data[start:], errJSON
}

// escaped goes on from the first backslash of a string.
func (p *jsonParser) escaped(start, at int) (string, error) {
	b := []byte(p.data[start:at])
	for at < len(p.data) {
		c := p.data[at]
		switch {
		case c == '"':
			p.at = at + 1
			if !utf8.Valid(b) {
				return string(b), fmt.Errorf("%w: invalid UTF-8", errJSON)
			}
			return string(b), nil
		case c < ' ':
			return string(b), errJSON
		case c != '\\':
			b = append(b, c)
			at++
			continue
		}
		if at+1 == len(p.data) {
			break
		}
		escape := p.data[at+1]
		at += 2
		if escape == 'u' {
			r, width := unicodeEscape(p.data[at:])
			if width == 0 {
				return string(b), fmt.Errorf("%w: bad escape", errJSON)
			}
			b = utf8.AppendRune(b, r)
			at += width
			continue
		}
		which := strings.IndexByte(`"\/bfnrt`, escape)
		if which < 0 {
			return string(b), fmt.Errorf("%w: bad escape", errJSON)
		}
		b = append(b, "\"\\/\b\f\n\r\t"[which])
	}
	return string(b), errJSON
}

// unicodeEscape reads what follows `\u`, including the second half of a surrogate pair; width 0: malformed.
func unicodeEscape(s string) (r rune, width int) {
	first, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 4
	}
	if len(s) < 10 || s[4:6] != `\u` {
		return 0, 0
	}
	second, ok := hex4(s[6:])
	if r = utf16.DecodeRune(first, second); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 10
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 || strings.ContainsAny(s[:4], "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}
