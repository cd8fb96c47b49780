package inject

// prologue is the beginning of a document up to its head: a byte order mark, white space, comments, the document type
// and the start tag of html. HTML allows the start tag of the head to be left out, and `<html>` with it (§13.1.2.4):
// then whatever else comes next begins the head. A script right in front of that is the first thing in the head, and
// what follows is read as it would be without it (§13.2.6.4.1 to 4).
type prologue struct {
	// begun: the prologue is over. declared: there was a document type, or a start tag of html.
	begun, declared bool
	// assumed: what is read is known to be a document, even if it does not say so.
	assumed bool
	// order counts the bytes of a byte order mark.
	order uint8
	// behind is how many bytes of what begins the head were read when that was found out.
	behind int
}

const (
	doctype   = "doctype"
	orderMark = "\xef\xbb\xbf"
)

// begins ends the prologue. It reports headImplied where something can be put in front of what was found, of which so
// many bytes were read.
func (s *scanner) begins(behind int) event {
	if s.begun {
		return nothing
	}
	s.begun = true
	if !s.declared && !s.assumed || s.missed {
		return nothing
	}
	s.headless, s.behind = true, behind
	return headImplied
}

// words looks at the text in front of the next tag, which is at k behind i, or in none of p where k is negative.
func (s *scanner) words(p []byte, i, k int) (at int, found event) {
	end := len(p)
	if k >= 0 {
		end = i + k
	}
	for ; i < end; i++ {
		c := p[i]
		switch {
		case int(s.order) < len(orderMark) && c == orderMark[s.order]:
			s.order++
			continue
		case s.broken():
			return i, nothing
		case isSpace(c):
			s.order = uint8(len(orderMark))
			continue
		}
		// What begins with words and does not say that it is a document may be anything that is called HTML: JSON, a
		// line of text.
		s.assumed, s.missed = false, false
		return i, s.begins(0)
	}
	if k >= 0 && !s.broken() {
		s.order = uint8(len(orderMark))
	}
	return i, nothing
}

// broken ends the prologue where what began as a byte order mark is another character, of which a part went out.
func (s *scanner) broken() bool {
	s.begun = s.begun || s.order > 0 && int(s.order) < len(orderMark)
	return s.begun
}

// introduces reports whether the tag that is being read belongs to the prologue, or is the head's own, or may still be
// so, where its name is not known to be whole.
func (s *scanner) introduces(whole bool) bool {
	if s.closing || s.size > len("html") {
		return false
	}
	name := string(s.name[:s.size])
	if !whole {
		return name == "html"[:s.size] || name == "head"[:s.size]
	}
	if name == "html" {
		s.declared = true
	}
	return name == "html" || name == "head"
}

// ends reports whether the place behind everything that was read is one where an element of the page can begin. It is
// asked at the end of a document that leaves `</body>` out.
func (s *scanner) ends() bool {
	return s.state == text && (s.declared || s.assumed) && s.begun && !s.uncertain() && s.templates == 0 && s.alone == ""
}

// candidate is how many bytes at the end of what was read may be the beginning of a tag that something is to be put
// before.
func (s *scanner) candidate() int {
	switch {
	case s.missed:
		return 0
	case s.state == tagOpen:
		return len("<")
	case s.state == endTagOpen:
		return len("</")
	case s.state == tagName && !s.begun:
		return len("<") + s.size
	case s.state == tagName && s.closing && s.size <= len("body") && string(s.name[:s.size]) == "body"[:s.size]:
		return len("</") + s.size
	}
	return 0
}
