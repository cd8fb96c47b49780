package login

import (
	"fmt"
	"strconv"
	"strings"
)

// parsePointer reads a JSON pointer (RFC 6901). The empty pointer is the whole document.
func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("JSON pointer %q must start with '/'", pointer)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, raw := range tokens {
		for at := 0; at < len(raw); at++ {
			if raw[at] == '~' && (at+1 == len(raw) || raw[at+1] != '0' && raw[at+1] != '1') {
				return nil, fmt.Errorf("JSON pointer %q: '~' must be followed by 0 or 1", pointer)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(raw, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// pointerTo is the reverse of parsePointer.
func pointerTo(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// lookup follows the tokens from n; nil where there is nothing.
func (n *node) lookup(tokens []string) *node {
	for _, t := range tokens {
		if n == nil {
			return nil
		}
		switch n.kind {
		case object:
			n = n.member(t)
		case array:
			index, err := strconv.Atoi(t)
			if err != nil || index < 0 || index >= len(n.items) || strconv.Itoa(index) != t {
				return nil
			}
			n = &n.items[index]
		default:
			return nil
		}
	}
	return n
}

func (n *node) member(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}
