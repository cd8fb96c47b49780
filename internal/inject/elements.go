package inject

// kind is what a tag's name means for how the rest is read.
type kind uint8

const (
	ordinary kind = iota
	// body's end tag is a place; in a template or a select browsers ignore it. missedBody is one whose beginning is
	// out.
	body
	missedBody
	head
	base
	// rawElement holds text without tags.
	rawElement
	// endless is where no tag is read any more, or no body follows.
	endless
	svg
	math
	template
	selectElement
	// textPoint and point are elements of MathML and SVG inside which HTML may stand; in the first it seldom does.
	textPoint
	point
)

// lengths are those of the names that mean something, as bits, by their first letter: most tags need no second look.
var lengths = [32]uint32{
	'a' & 31: 1 << 14, 'b' & 31: 1 << 4, 'd' & 31: 1 << 4, 'f' & 31: 1<<8 | 1<<13, 'h' & 31: 1 << 4, 'i' & 31: 1 << 6, 'm' & 31: 1<<2 | 1<<4 | 1<<5,
	'n' & 31: 1<<7 | 1<<8, 'p' & 31: 1 << 9, 's' & 31: 1<<3 | 1<<5 | 1<<6, 't' & 31: 1<<5 | 1<<8, 'x' & 31: 1 << 3,
}

func (s *scanner) kindOf() kind {
	if s.size > len(s.name) || lengths[s.name[0]&31]>>s.size&1 == 0 {
		return ordinary
	}
	switch string(s.name[:s.size]) {
	case "body":
		return body
	case "head":
		return head
	case "base":
		return base
	case "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes",
		// With scripting off, browsers read on inside it. Then there is no script that a wrong place could let loose.
		"noscript":
		return rawElement
	case "plaintext", "frameset":
		return endless
	case "svg":
		return svg
	case "math":
		return math
	case "template":
		return template
	case "select":
		return selectElement
	case "desc", "mi", "mo", "mn", "ms", "mtext":
		return textPoint
	case "foreignobject", "annotation-xml":
		return point
	}
	return ordinary
}

// uncertain reports whether it depends on the tree how an element's content is read.
func (s *scanner) uncertain() bool { return s.foreign() || s.inSelect }

func (s *scanner) foreign() bool { return s.svg > 0 || s.math > 0 || s.mixed }

// named takes a tag's name, once it is read whole.
func (s *scanner) named() event {
	s.state = beforeAttribute
	if s.closing && s.alone != "" {
		if s.size <= len(s.name) && string(s.name[:s.size]) == s.alone {
			s.alone = ""
		} else if !s.agree() {
			return giveUp
		}
	}
	s.kind = s.kindOf()
	switch {
	case s.kind == endless && !s.closing:
		return giveUp
	case s.kind == body && s.closing && s.templates == 0 && !s.inSelect:
		if !s.missed {
			return bodyCloses
		}
		s.kind = missedBody
	}
	return nothing
}

// agree is called where an element that should have held nothing but text holds something else. It reports whether the
// reading is certain all the same.
func (s *scanner) agree() bool {
	s.alone = ""
	s.mixed = true
	return !s.strict
}

// ended takes a tag's `>`, and says how to go on behind it.
func (s *scanner) ended(selfClosed bool) event {
	s.state = text
	if s.closing {
		return s.endTag()
	}
	switch s.kind {
	case head:
		if !s.headless && s.templates == 0 {
			s.headless, s.begun = true, true
			return headOpened
		}
	case body:
		s.headless, s.begun = true, true
	case base:
		s.based = true
	case rawElement:
		name := rawNames[string(s.name[:s.size])]
		if s.uncertain() {
			s.alone, s.strict = name, true
			break
		}
		s.raw, s.escape, s.state = name, 0, rawText
	case svg:
		// Elements of SVG and MathML can close themselves; those of HTML cannot.
		if !selfClosed {
			s.svg++
		}
	case math:
		if !selfClosed {
			s.math++
		}
	case template:
		s.mixed = s.mixed || s.inSelect
		s.templates++
	case selectElement:
		s.inSelect = true
	case textPoint:
		if s.foreign() && !selfClosed {
			s.alone, s.strict = rawNames[string(s.name[:s.size])], false
		}
	case point:
		s.mixed = s.mixed || s.foreign()
	}
	return nothing
}

// rawNames has the names of elements that are remembered, so that remembering one does not allocate.
var rawNames = func() map[string]string {
	names := make(map[string]string)
	for _, name := range []string{
		"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript",
		"desc", "mi", "mo", "mn", "ms", "mtext",
	} {
		names[name] = name
	}
	return names
}()

// endTag counts what is open. An end tag may be one that browsers ignore; then they have closed the element before, but
// for what `mixed` stands for, where nobody counts any more.
func (s *scanner) endTag() event {
	switch s.kind {
	case missedBody:
		return bodyClosed
	case svg:
		s.svg = max(s.svg-1, 0)
	case math:
		s.math = max(s.math-1, 0)
	case template:
		s.templates = max(s.templates-1, 0)
	case selectElement:
		s.inSelect = false
	}
	return nothing
}
