package learn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrUnwritable says that a name of the app's cannot be written into a Caddyfile so that it means only itself there.
var ErrUnwritable = errors.New("cannot be written into a Caddyfile safely")

var bare = regexp.MustCompile(`^[A-Za-z0-9_./~:@,=+%&?*;-]+$`)

// longestWord is how long a word of a proposal may be, in bytes.
const longestWord = 1024

// quote writes a word for a Caddyfile. Braces are refused outside of regular expressions, where they are escaped: they
// would begin a block or a placeholder, and {$NAME} is replaced by the environment even inside quotes and comments. So
// are line ends, other control characters and what no editor shows.
func quote(word string) (string, error) {
	switch {
	case word == "" || len(word) > longestWord || !utf8.ValidString(word) || strings.ContainsFunc(word, hidden):
		return "", ErrUnwritable
	case strings.ContainsAny(strings.NewReplacer(`\{`, "", `\}`, "").Replace(word), "{}") || strings.Contains(word, "{$"):
		return "", ErrUnwritable
	case bare.MatchString(word):
		return word, nil
	case !strings.Contains(word, "`"):
		return "`" + word + "`", nil
	case !strings.ContainsAny(word, `"\`):
		return `"` + word + `"`, nil
	}
	return "", ErrUnwritable
}

func hidden(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }

// shown writes a name of the app's into a comment or for a terminal: on one line, without control characters, and
// without braces, which Caddy reads even in comments.
func shown(text string) string {
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	quoted := fmt.Sprintf("%+q", text)
	if plain := quoted[1 : len(quoted)-1]; plain == text && !strings.Contains(text, " ") {
		quoted = plain
	}
	return strings.NewReplacer("{", "(", "}", ")").Replace(quoted)
}
