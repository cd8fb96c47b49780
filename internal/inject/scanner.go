package inject

import "bytes"

// scanner reads a document as the tokenizer of the HTML standard does (§13.2.5), without keeping any of it. It knows
// what the tree builder tells that tokenizer only where it is certain: `<style>` begins raw text, unless it stands
// inside `<svg>`, and so on. Where it is not certain, it goes on only as long as both readings come to the same, and
// gives up otherwise.
type scanner struct {
	state state
	// name is the name of the tag that is being read, in lower case; size its length, which may exceed what is kept.
	name [16]byte
	size int
	// closing: the tag is an end tag. kind is what its name means here.
	closing bool
	kind    kind
	// raw is the element whose raw text is being read.
	raw string
	// escape and dashes are of a script: how deep in `<!-- <script`, and how many dashes were seen last.
	escape uint8
	dashes uint8

	// alone is an element that may or may not begin raw text: the next `<` must begin its own end tag, or else, where
	// strict says so, the reading is uncertain. Where not, the element is one inside which HTML may stand in the middle
	// of SVG.
	alone  string
	strict bool
	// svg and math count open elements; in a select, older browsers ignore most tags.
	svg, math int
	inSelect  bool
	// mixed: HTML inside SVG, MathML or the like. From there on nobody counts.
	mixed     bool
	templates int

	// based: the document has a base element. headless: its head, if any, began already.
	based, headless bool
	// missed: the beginning of the tag that is being read was passed on, so that nothing can be put before it.
	missed bool
	prologue
}

type state uint8

const (
	text state = iota
	tagOpen
	endTagOpen
	tagName
	beforeAttribute
	attributeName
	afterAttribute
	beforeValue
	doubleQuoted
	singleQuoted
	unquoted
	selfClosing
	declaration
	declarationDash
	documentType
	bogus
	section
	commentStart
	commentStartDash
	comment
	commentDash
	commentEnd
	commentBang
	rawText
	rawOpen
	rawEndOpen
	rawEndName
	scriptBang
	scriptBangDash
	scriptEscaped
	scriptInner
	scriptInnerEnd
)

// found is why scan stopped.
type event uint8

const (
	// nothing: the piece is at its end.
	nothing event = iota
	// headOpened: right behind the start tag of the head.
	headOpened
	// headImplied: at, or in, what begins the head of a document that leaves its start tag out (prologue.behind).
	headImplied
	// bodyCloses: right behind the name in the end tag of the body.
	bodyCloses
	// bodyClosed: right behind an end tag of the body that was missed.
	bodyClosed
	// giveUp: how the rest is to be read is not certain.
	giveUp
)

// scan goes on in p at i. It returns where it stopped, and why.
func (s *scanner) scan(p []byte, i int) (int, event) {
	for i < len(p) {
		c := p[i]
		switch s.state {
		case text:
			k := bytes.IndexByte(p[i:], '<')
			if !s.begun {
				if at, found := s.words(p, i, k); found != nothing {
					return at, found
				}
			}
			if k < 0 {
				return len(p), nothing
			}
			i += k + 1
			s.state, s.missed = tagOpen, false

		case tagOpen:
			if s.alone != "" && c != '/' && !s.agree() {
				return i, giveUp
			}
			switch {
			case isLetter(c):
				s.state, s.closing, s.size = tagName, false, 0
			case c == '/':
				i++
				s.state = endTagOpen
			case c == '!':
				i++
				s.state = declaration
			case c == '?':
				s.state = bogus
			default:
				s.state = text
				if found := s.begins(len("<")); found != nothing {
					return i, found
				}
			}

		case endTagOpen:
			if isLetter(c) {
				s.state, s.closing, s.size = tagName, true, 0
				if found := s.begins(len("</")); found != nothing {
					return i, found
				}
				continue
			}
			if s.alone != "" && !s.agree() {
				return i, giveUp
			}
			// `</>` is nothing at all, and ends where a comment of that form would.
			s.state = bogus

		case tagName:
			size := s.size
			for i < len(p) {
				if c = p[i]; classes[c]&endsName != 0 {
					break
				}
				if size < len(s.name) {
					s.name[size] = lower(c)
				}
				size++
				i++
			}
			s.size = size
			if !s.begun && !s.introduces(i < len(p)) {
				if found := s.begins(len("<") + size); found != nothing {
					return i, found
				}
			}
			if i == len(p) {
				return i, nothing
			}
			if found := s.named(); found != nothing {
				return i, found
			}
			if c == '>' {
				i++
				if found := s.ended(false); found != nothing {
					return i, found
				}
			}

		case beforeAttribute:
			switch {
			case isSpace(c):
				i++
			case c == '>':
				i++
				if found := s.ended(false); found != nothing {
					return i, found
				}
			case c == '/':
				s.state = afterAttribute
			default:
				// Also an equals sign, which begins a name here.
				i++
				s.state = attributeName
			}

		case attributeName:
			for i < len(p) && classes[p[i]]&endsAttribute == 0 {
				i++
			}
			if i == len(p) {
				return i, nothing
			}
			if s.state = afterAttribute; p[i] != '=' {
				continue
			}
			i++
			if s.state = beforeValue; i < len(p) && p[i] == '"' {
				// Most attributes look like this.
				k := bytes.IndexByte(p[i+1:], '"')
				if k < 0 {
					s.state = doubleQuoted
					return len(p), nothing
				}
				i += k + 2
				s.state = beforeAttribute
			}

		case afterAttribute:
			switch {
			case isSpace(c):
				i++
			case c == '/':
				i++
				s.state = selfClosing
			case c == '=':
				i++
				s.state = beforeValue
			case c == '>':
				i++
				if found := s.ended(false); found != nothing {
					return i, found
				}
			default:
				s.state = attributeName
			}

		case beforeValue:
			switch {
			case isSpace(c):
				i++
			case c == '"':
				i++
				s.state = doubleQuoted
			case c == '\'':
				i++
				s.state = singleQuoted
			default:
				s.state = unquoted
			}

		case doubleQuoted, singleQuoted:
			quote := byte('"')
			if s.state == singleQuoted {
				quote = '\''
			}
			i = s.past(quote, p, i, beforeAttribute)

		case unquoted:
			for i < len(p) && classes[p[i]]&endsUnquoted == 0 {
				i++
			}
			if i == len(p) {
				return i, nothing
			}
			s.state = beforeAttribute

		case selfClosing:
			if c != '>' {
				s.state = beforeAttribute
				continue
			}
			i++
			if found := s.ended(true); found != nothing {
				return i, found
			}

		case declaration:
			switch {
			case c == '-':
				i++
				s.state = declarationDash
			case c == '[' && s.uncertain():
				i++
				s.state, s.dashes = section, 0
			case !s.begun && lower(c) == 'd':
				s.state, s.size = documentType, 0
			default:
				// A document type ends at the first `>` too, even one between quotes.
				s.state = bogus
			}

		case declarationDash:
			if s.state = bogus; c == '-' {
				i++
				s.state = commentStart
			}

		case documentType:
			if lower(c) != doctype[s.size] {
				s.state = bogus
				continue
			}
			i++
			if s.size++; s.size == len(doctype) {
				s.state, s.declared = bogus, true
			}

		case bogus:
			i = s.past('>', p, i, text)

		case section:
			// A CDATA section ends with `]]>`, and what looks like one in HTML with the first `>`.
			i++
			switch {
			case c == ']':
				s.dashes = min(s.dashes+1, 2)
			case c == '>' && s.dashes == 2:
				s.state = text
			case c == '>':
				return i, giveUp
			default:
				s.dashes = 0
			}

		case commentStart, commentStartDash:
			switch {
			case c == '>':
				i++
				s.state = text
			case c == '-' && s.state == commentStart:
				i++
				s.state = commentStartDash
			case c == '-':
				i++
				s.state = commentEnd
			default:
				s.state = comment
			}

		case comment:
			i = s.past('-', p, i, commentDash)

		case commentDash:
			if s.state = comment; c == '-' {
				i++
				s.state = commentEnd
			}

		case commentEnd:
			switch c {
			case '>':
				i++
				s.state = text
			case '-':
				i++
			case '!':
				i++
				s.state = commentBang
			default:
				s.state = comment
			}

		case commentBang:
			switch c {
			case '>':
				i++
				s.state = text
			case '-':
				i++
				s.state = commentDash
			default:
				s.state = comment
			}

		default:
			i = s.scanRaw(p, i)
		}
	}
	return i, nothing
}

// past goes on behind the next c in p, where the state is then; to the end of p where there is none.
func (s *scanner) past(c byte, p []byte, i int, then state) int {
	k := bytes.IndexByte(p[i:], c)
	if k < 0 {
		return len(p)
	}
	s.state = then
	return i + k + 1
}
