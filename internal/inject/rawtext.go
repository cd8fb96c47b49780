package inject

// scanRaw goes on in p at i inside an element of raw text: up to its end tag, and in a script past those that its
// author has hidden as `<!-- <script> </script> -->` (HTML standard, §13.2.5.15 to 31).
func (s *scanner) scanRaw(p []byte, i int) int {
	c := p[i]
	switch s.state {
	case rawText:
		return s.past('<', p, i, rawOpen)

	case rawOpen:
		switch {
		case c == '/' && s.escape < 2:
			s.state = rawEndOpen
			return i + 1
		case c == '/':
			s.state, s.size = scriptInnerEnd, 0
			return i + 1
		case c == '!' && s.escape == 0 && s.raw == "script":
			s.state = scriptBang
			return i + 1
		case s.escape == 1 && isLetter(c):
			s.state, s.size = scriptInner, 0
			return i
		}
		s.resume()
		return i

	case rawEndOpen:
		if s.state, s.size = rawEndName, 0; !isLetter(c) {
			s.resume()
		}
		return i

	case rawEndName:
		i = s.letters(p, i)
		if i == len(p) {
			return i
		}
		if classes[p[i]]&endsName != 0 && s.reads(s.raw) {
			s.state, s.closing, s.kind = beforeAttribute, true, ordinary
			return i
		}
		s.resume()
		return i

	case scriptBang:
		if s.state = scriptBangDash; c != '-' {
			s.resume()
			return i
		}
		return i + 1

	case scriptBangDash:
		if c != '-' {
			s.resume()
			return i
		}
		s.state, s.escape, s.dashes = scriptEscaped, 1, 2
		return i + 1

	case scriptEscaped:
		return s.scanEscaped(p, i)

	default: // scriptInner, scriptInnerEnd: a tag's name that may open or close a script inside the comment
		opens := s.state == scriptInner
		i = s.letters(p, i)
		if i == len(p) {
			return i
		}
		if classes[p[i]]&endsName != 0 {
			if s.reads("script") {
				if s.escape = 1; opens {
					s.escape = 2
				}
			}
			i++
		}
		s.resume()
		return i
	}
}

// scanEscaped reads inside a script's `<!--`.
func (s *scanner) scanEscaped(p []byte, i int) int {
	for ; i < len(p); i++ {
		switch p[i] {
		case '-':
			s.dashes = min(s.dashes+1, 2)
			continue
		case '>':
			if s.dashes == 2 {
				s.state, s.escape = rawText, 0
				return i + 1
			}
		case '<':
			s.state, s.dashes = rawOpen, 0
			return i + 1
		}
		s.dashes = 0
	}
	return i
}

// resume goes back to text after something that was no tag.
func (s *scanner) resume() {
	if s.state = rawText; s.escape > 0 {
		s.state, s.dashes = scriptEscaped, 0
	}
}

// letters reads on in a name of letters.
func (s *scanner) letters(p []byte, i int) int {
	for ; i < len(p) && isLetter(p[i]); i++ {
		if s.size < len(s.name) {
			s.name[s.size] = lower(p[i])
		}
		s.size++
	}
	return i
}

func (s *scanner) reads(name string) bool {
	return s.size == len(name) && string(s.name[:s.size]) == name
}
