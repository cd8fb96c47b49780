package caddymodule

import (
	"fmt"
	"slices"
	"strings"
)

// unknown returns an error for a word that is not known. It suggests the nearest known word, or else lists all.
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

// oneOf returns an error for a value that is not known.
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

// nearest returns the known word that was probably misspelt; empty if there is none. A short word may have one wrong
// letter, a longer one two.
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

// distance counts the letters to insert, delete, replace, or swap with their neighbour, to turn one word into the
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
