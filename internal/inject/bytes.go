package inject

// The classes of bytes that end something.
const (
	space         = 1 << iota
	endsName      // of a tag
	endsAttribute // the name of an attribute
	endsUnquoted  // a value without quotes
)

var classes = func() (table [256]uint8) {
	for _, c := range " \t\n\f\r" {
		table[c] = space | endsName | endsAttribute | endsUnquoted
	}
	table['/'] = endsName | endsAttribute
	table['>'] = endsName | endsAttribute | endsUnquoted
	table['='] = endsAttribute
	return table
}()

func isSpace(c byte) bool  { return classes[c]&space != 0 }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
