package pages

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// text is a message as plain text, its arguments put in as they are.
func (c catalogue) text(key string, arguments ...any) (string, error) {
	message, ok := c.messages[key]
	if !ok {
		return "", fmt.Errorf("no message %q in language %q", key, c.language)
	}
	for i, argument := range arguments {
		message = strings.ReplaceAll(message, "{"+strconv.Itoa(i)+"}", fmt.Sprint(argument))
	}
	return message, nil
}

// html is a message as HTML. Text among its arguments is escaped and set apart with <bdi>, so that a name with marks of
// another writing direction cannot turn the words around it; what is HTML already goes in as it is.
func (c catalogue) html(key string, arguments ...any) (template.HTML, error) {
	message, ok := c.messages[key]
	if !ok {
		return "", fmt.Errorf("no message %q in language %q", key, c.language)
	}
	pairs := make([]string, 0, 2*len(arguments))
	for i, argument := range arguments {
		var piece string
		switch argument := argument.(type) {
		case template.HTML:
			piece = string(argument)
		case string:
			piece = "<bdi>" + template.HTMLEscapeString(harmless(argument)) + "</bdi>"
		default:
			piece = template.HTMLEscapeString(fmt.Sprint(argument))
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", piece)
	}
	// One pass: an argument that itself reads {1} stays what it is.
	return template.HTML(strings.NewReplacer(pairs...).Replace(template.HTMLEscapeString(message))), nil //nolint:gosec // every piece is escaped above.
}

// harmless shows control characters and those that steer writing direction as U+FFFD. <bdi> alone does not hold them: an
// isolate that a name leaves open takes the end of the <bdi> for its own, and an override before it runs on over our words.
func harmless(words string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\u061c', c == '\u200e', c == '\u200f', '\u202a' <= c && c <= '\u202e', '\u2066' <= c && c <= '\u2069', unicode.IsControl(c):
			return unicode.ReplacementChar
		}
		return c
	}, words)
}

// message gives the words of a key, or returns what is no key, made harmless.
func (c catalogue) message(keyOrWords string) string {
	if words, ok := c.messages[keyOrWords]; ok {
		return words
	}
	return harmless(keyOrWords)
}

// wait is a duration in words, rounded up, since a wait that is told too short leads to another refusal.
func (c catalogue) wait(d time.Duration) (string, error) {
	amount, unit := up(d, time.Second), "second"
	if amount > 90 {
		amount, unit = up(d, time.Minute), "minute"
		if amount > 90 {
			amount, unit = up(d, time.Hour), "hour"
		}
	}
	if amount == 1 {
		return c.text("wait." + unit)
	}
	return c.text("wait."+unit+"s", amount)
}

// up is how many whole units cover d.
func up(d, unit time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/unit) + 1
}

// when is a point in time as a <time> element: readable, in UTC since the server does not know the user's zone, and in ISO 8601.
func (c catalogue) when(t time.Time) (template.HTML, error) {
	t = t.UTC()
	month, err := c.text("month." + strconv.Itoa(int(t.Month())))
	if err != nil {
		return "", err
	}
	words, err := c.text("time.format", t.Day(), month, t.Year(), t.Format("15:04"))
	if err != nil {
		return "", err
	}
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + template.HTMLEscapeString(words) + `</time>`), nil //nolint:gosec // escaped, and RFC 3339 has nothing to escape.
}
