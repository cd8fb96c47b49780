package walk

import (
	"slices"
	"strings"

	"sallyport.example/sallyport/test/e2e/tap"
)

// headers adds odd headers to a move.
func (c *chooser) headers(move *Move) {
	for c.chance(25) {
		line := pick(c, slices.Concat(headers, habits, c.target.Headers))
		name, _, _ := strings.Cut(line, ":")
		if !slices.ContainsFunc(move.Header, func(l string) bool { return strings.HasPrefix(l, name+":") }) {
			move.Header = append(move.Header, line)
		}
	}
}

// trick chooses an odd way to send a move.
func (c *chooser) trick(move *Move) {
	switch n := c.IntN(100); {
	case n < 68:
		if c.target.Secure && c.chance(50) && move.Method == strings.ToUpper(move.Method) && !move.Chunked {
			move.Trick = Second
		}
		return
	case n < 84:
		move.Trick = pick(c, []Trick{Half, Drop, Head, Head})
	case n < 88:
		move.Trick = Hold
	case n < 92:
		move.Trick = Slow
	case n < 95:
		move.Trick = Elsewhere
		return
	default:
		move.Trick = Twice
		return
	}
	if c.chance(60) {
		path, query, _ := strings.Cut(move.Target, "?")
		move.Target = path + "?" + join(query, tap.Parameter+"="+pick(c, []string{"drip:60", "hold:60"}))
	}
}
