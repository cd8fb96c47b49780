package locale

import (
	"fmt"
	"html/template"
	"iter"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	printing "golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Catalogue is one language. Safe for concurrent use. {0}, {1} … in a message are its arguments.
type Catalogue struct {
	tag language.Tag
	// Language is the tag for <html lang>, Direction ltr or rtl.
	Language, Direction string
	messages            map[string]message
	// english finds the key of an English message, for words that another room has in English only.
	english map[string]string
}

// message is what one key says: text, or one text for each plural form, chosen by the first argument.
type message struct {
	text  string
	forms map[plural.Form]string
}

// words are those of a key that fit the arguments.
func (c *Catalogue) words(key string, arguments []any) (string, error) {
	m, ok := c.messages[key]
	if !ok {
		return "", fmt.Errorf("no message %q in language %q", key, c.Language)
	}
	if m.forms == nil {
		return m.text, nil
	}
	var amount int64
	if len(arguments) > 0 {
		amount, ok = integer(arguments[0])
	}
	if len(arguments) == 0 || !ok {
		return "", fmt.Errorf("message %q needs a number first", key)
	}
	text, ok := m.forms[c.form(amount)]
	if !ok {
		return "", fmt.Errorf("message %q in language %q has no form for %d", key, c.Language, amount)
	}
	return text, nil
}

// form is the plural form that a whole number takes. The rules look at its last digits, and at whether there are more.
func (c *Catalogue) form(amount int64) plural.Form {
	const enough = 10_000_000
	if amount = max(amount, -amount); amount >= enough {
		amount = enough + amount%1_000_000
	}
	return plural.Cardinal.MatchPlural(c.tag, int(amount), 0, 0, 0, 0)
}

func integer(argument any) (int64, bool) {
	switch argument := argument.(type) {
	case int:
		return int64(argument), true
	case int64:
		return argument, true
	}
	return 0, false
}

// numerals writes numbers as the language does, but with the digits 0 to 9 everywhere: those are what authenticators
// show, and what must be typed.
func (c *Catalogue) numerals(argument any) string {
	tag, err := c.tag.SetTypeForKey("nu", "latn")
	if err != nil {
		tag = c.tag
	}
	return printing.NewPrinter(tag).Sprint(number.Decimal(argument))
}

// Text is a message as plain text, its arguments put in as they are, in one pass: an argument that itself reads {1}
// stays what it is.
func (c *Catalogue) Text(key string, arguments ...any) (string, error) {
	words, err := c.words(key, arguments)
	if err != nil || len(arguments) == 0 {
		return words, err
	}
	pairs := make([]string, 0, 2*len(arguments))
	for i, argument := range arguments {
		piece := fmt.Sprint(argument)
		if _, ok := integer(argument); ok {
			piece = c.numerals(argument)
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", piece)
	}
	return strings.NewReplacer(pairs...).Replace(words), nil
}

// HTML is a message as HTML. Text among its arguments is escaped and set apart with <bdi>, so that a name with marks of
// another writing direction cannot turn the words around it; what is HTML already goes in as it is.
func (c *Catalogue) HTML(key string, arguments ...any) (template.HTML, error) {
	words, err := c.words(key, arguments)
	if err != nil {
		return "", err
	}
	pairs := make([]string, 0, 2*len(arguments))
	for i, argument := range arguments {
		var piece string
		switch argument := argument.(type) {
		case template.HTML:
			piece = string(argument)
		case string:
			piece = "<bdi>" + template.HTMLEscapeString(Harmless(argument)) + "</bdi>"
		case int, int64:
			piece = template.HTMLEscapeString(c.numerals(argument))
		default:
			piece = template.HTMLEscapeString(fmt.Sprint(argument))
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", piece)
	}
	return template.HTML(strings.NewReplacer(pairs...).Replace(template.HTMLEscapeString(words))), nil //nolint:gosec // every piece is escaped above.
}

// Has reports whether there are words for a key.
func (c *Catalogue) Has(key string) bool {
	_, known := c.messages[key]
	return known
}

// Keys are all keys, in no order.
func (c *Catalogue) Keys() iter.Seq[string] { return maps.Keys(c.messages) }

// Harmless shows control characters and those that steer writing direction as U+FFFD. <bdi> alone does not hold them:
// an isolate that a name leaves open takes the end of the <bdi> for its own, and an override before it runs on over our
// words.
func Harmless(words string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\u061c', c == '\u200e', c == '\u200f', '\u202a' <= c && c <= '\u202e', '\u2066' <= c && c <= '\u2069', unicode.IsControl(c):
			return unicode.ReplacementChar
		}
		return c
	}, words)
}

// Message gives the words of a key, or of an English message that another room wrote out. What is neither is returned,
// made harmless.
func (c *Catalogue) Message(keyOrWords string) string {
	if m, ok := c.messages[keyOrWords]; ok {
		return m.text
	}
	if m, ok := c.messages[c.english[keyOrWords]]; ok {
		return m.text
	}
	return Harmless(keyOrWords)
}

// Wait says when to try again, rounded up, since a wait that is told too short leads to another refusal.
func (c *Catalogue) Wait(d time.Duration) (string, error) {
	amount, unit := Up(d, time.Second), "seconds"
	if amount > 90 {
		amount, unit = Up(d, time.Minute), "minutes"
		if amount > 90 {
			amount, unit = Up(d, time.Hour), "hours"
		}
	}
	return c.Text("wait."+unit, amount)
}

// Up is how many whole units cover d.
func Up(d, unit time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/unit) + 1
}

// When is a point in time as a <time> element: readable, in UTC since the server does not know the user's zone, and in
// ISO 8601. The script puts the user's own in its place.
func (c *Catalogue) When(t time.Time) (template.HTML, error) { return c.when(t, "") }

// Ago is When for what has happened: the script says how long ago that is, and leaves the time itself in the title.
func (c *Catalogue) Ago(t time.Time) (template.HTML, error) { return c.when(t, " data-ago") }

func (c *Catalogue) when(t time.Time, attribute string) (template.HTML, error) {
	words, err := c.Moment(t)
	if err != nil {
		return "", err
	}
	return timeElement(t.UTC(), attribute, words), nil
}

// Moment is a point in time as text, in UTC.
func (c *Catalogue) Moment(t time.Time) (string, error) {
	t = t.UTC()
	month, err := c.Text("month." + strconv.Itoa(int(t.Month())))
	if err != nil {
		return "", err
	}
	// A year is no number to put thousands apart in.
	return c.Text("time.date", strconv.Itoa(t.Day()), month, strconv.Itoa(t.Year()), t.Format("15:04"))
}

// Clock is the time of day alone, for a point in time that is near.
func (c *Catalogue) Clock(t time.Time) (template.HTML, error) {
	// Rounded up as the wait is.
	t = t.UTC().Add(time.Minute - time.Nanosecond).Truncate(time.Minute)
	words, err := c.Text("time.clock", t.Format("15:04"))
	if err != nil {
		return "", err
	}
	return timeElement(t, " data-clock", words), nil
}

func timeElement(t time.Time, attribute, words string) template.HTML {
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `"` + attribute + `>` + template.HTMLEscapeString(words) + `</time>`) //nolint:gosec // escaped, and RFC 3339 has nothing to escape.
}
