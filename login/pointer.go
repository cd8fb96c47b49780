package login

import (
	"fmt"
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

// escapePointer writes a member's name as it stands in a pointer.
func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
