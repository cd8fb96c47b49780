package caddymodule

import (
	"fmt"
	"slices"
	"strings"
)

// unknown says that a word is none of those known, and which one may have been meant, or else which there are.
func unknown(kind, word string, known []string) error {
	near := nearest(word, known)
	switch {
	case near != "":
		return fmt.Errorf("unknown %s '%s': did you mean '%s'?", kind, word, near)
	case len(known) == 0:
		return fmt.Errorf("unknown %s '%s': nothing stands in this block", kind, word)
	}
	return fmt.Errorf("unknown %s '%s': want %s", kind, word, choice(known))
}

// oneOf refuses a value that is none of those known.
func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	meant := ""
	if near := nearest(value, known); near != "" {
		meant = fmt.Sprintf("did you mean '%s'? ", near)
	}
	return fmt.Errorf("'%s': %swant %s", value, meant, choice(known))
}

// choice lists words for an error: "a, b or c".
func choice(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// nearest returns the known word that is a slip of the pen away; empty where none is. In a short word one letter may
// be wrong, in a longer one two.
func nearest(word string, known []string) string {
	if len(word) < 2 || len(word) > 64 {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", 1
	if len(word) > 4 {
		least = 2
	}
	for _, other := range known {
		if far := distance(word, strings.ToLower(other)); far < least || far == least && best == "" {
			best, least = other, far
		}
	}
	return best
}

// distance counts the letters to insert, leave out, replace, or exchange with their neighbour, to make one word of the
// other.
func distance(a, b string) int {
	var before, row []int
	next := make([]int, len(b)+1)
	for j := range next {
		next[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, row, next = row, next, make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
	}
	return next[len(b)]
}
