package pages

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/locale"
)

// MaxGuard is the size that the guard's script never exceeds, in bytes: it comes with every page of the app's.
const MaxGuard = 3 << 10

// MaxGuardDialog is that of the dialog, which comes when it is needed.
const MaxGuardDialog = 14 << 10

// GuardView is what the guard and its dialog say and look like.
type GuardView struct {
	// Common says for whom; of it App, Base and Languages count.
	Common
	// Digits is the length of a code.
	Digits int
	// Remember is for how long a browser may be trusted; 0 for not at all.
	Remember time.Duration
}

// Guard is the script that may stand in the app's own pages, for apps that sign in by script: it has the code asked for
// in a dialog (GuardDialog) and hands the app's answer to the call that waits for it. It is text of one script file.
func (r *Renderer) Guard(v GuardView) ([]byte, error) {
	words := r.edition(v.Languages)
	hint, err := words.Text("code.hint", v.Digits)
	if err != nil {
		return nil, err
	}
	return configured(small().guard, map[string]any{
		// The script knows them by their places, to be small.
		"base": v.Base, "words": []string{words.Message("challenge.title"), hint},
	})
}

// GuardDialog is the module that shows the guard's dialog, in the look of our pages. It lives at Base and not in the
// app's pages, which may bring it only there.
func (r *Renderer) GuardDialog(v GuardView) ([]byte, error) {
	words := r.edition(v.Languages)
	hint, err := words.Text("code.hint", v.Digits)
	if err != nil {
		return nil, err
	}
	// How each way asks, and what its button does where no code is typed yet. Codes that are sent have six digits.
	ways := map[string]map[string]any{
		kindApp:     {"title": words.Message("challenge.title"), "hint": hint + " " + words.Message("challenge.sends"), "digits": v.Digits},
		kindPasskey: {"title": words.Message("challenge.passkey"), "hint": words.Message("challenge.passkey.lead"), "does": words.Message("passkey.use")},
	}
	for _, kind := range []string{kindMail, kindSMS} {
		ways[kind] = map[string]any{
			"title": words.Message("challenge.title"), "hint": words.Message("sent.weak." + kind), "does": words.Message("sent.send"), "digits": 6,
		}
	}
	for kind, label := range wayLabels {
		ways[kind]["label"] = words.Message(label)
	}
	said := map[string]any{
		"submit": words.Message("challenge.submit"), "checking": words.Message("challenge.checking"), "cancel": words.Message("page.cancel"),
		"recovery": words.Message("code.use-recovery"), "unavailable": words.Message("error.unavailable.happened"), "others": words.Message("challenge.ways"),
		"busy": words.Message("passkey.busy"), "failed": words.Message("passkey.failed"),
		"again": words.Message("sent.again"), "to": words.Message("sent.to"), "sent": words.Message("code.sent") + " " + words.Message("challenge.sends"),
	}
	if v.Remember > 0 {
		question, err := words.trusts(v.Remember)
		if err != nil {
			return nil, err
		}
		said["trust"] = map[string]any{
			"title": question, "hint": words.Message("trust.hint"), "yes": words.Message("trust.yes"), "no": words.Message("trust.no"),
		}
	}
	v.App, v.Base = locale.Harmless(v.App), strings.TrimSuffix(v.Base, "/")
	mark := brandMark(r, v.Common)
	return configured(small().guardDialog, map[string]any{
		"base": v.Base, "ways": ways, "lang": words.Language, "dir": words.Direction, "style": small().guardStyle + tokens(r.more),
		"kept": locale.Up(v.Remember, time.Second), "words": said,
		"brand": map[string]any{"name": mark.Name, "initial": mark.Initial, "logo": mark.Logo, "width": mark.Width, "height": mark.Height},
	})
}

// configured is a script with what it is to know. Marshal escapes what could end the script where somebody puts it into
// a page.
func configured(script string, config any) ([]byte, error) {
	known, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	return []byte(strings.Replace(script, "CONFIG", string(known), 1)), nil
}

// rootRule is a rule for the root, in a query of its own or not, of which a dialog needs the custom properties.
var rootRule = regexp.MustCompile(`(@media[^{}]*\{\s*)?:root\s*\{([^{}]*)\}`)

// tokens are the custom properties of a style for the screen, set on the dialog. They must not come from the page
// around it, which is the app's.
func tokens(style string) string {
	var b strings.Builder
	for _, rule := range rootRule.FindAllStringSubmatch(style, -1) {
		if strings.Contains(rule[1], "print") {
			continue
		}
		b.WriteString(rule[1] + "dialog{" + rule[2] + "}")
		if rule[1] != "" {
			b.WriteString("}")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// SettingsLink is a link to the settings page that can stand in any page of the app's, as markup in ASCII alone: in the
// middle of a line of its own at the end of the page, with room around it, in the language that the client names in
// Accept-Language, with that language's writing direction whatever the page's is. It has no class and no script, and
// opens in the window itself, also where the page's `<base>` names another target.
//
// Where the page has no policy (CSP), styled says so and the line has a style of its own, beside attributes that no
// policy takes away.
//
// Address may be any text; it is escaped as an attribute's value, and not judged.
func (r *Renderer) SettingsLink(languages, address string, styled bool) string {
	words := r.edition(languages)
	style := ""
	if styled {
		style = ` style="clear:both;margin:2em 1em 1.5em;text-align:center"`
	}
	// A landmark of its own, for those who listen, since it is in none of the page's.
	label := ascii(words.Message(linkSettings))
	return `<p align="center"` + style + ` role="navigation" aria-label="` + label + `" lang="` + words.Language + `" dir="` + words.Direction + `"><small><a href="` + ascii(address) +
		`" target="_top">` + label + "</a></small></p>\n"
}

// SettingsLinkScript is the script that comes right behind a SettingsLink and puts it into another element of the page.
func (r *Renderer) SettingsLinkScript(selector string) ([]byte, error) {
	return configured(small().link, selector)
}

// maxSelector is how long a selector may be, in bytes.
const maxSelector = 200

// CheckSelector says what is wrong with a selector (CSS) for an element. It finds what cannot be one; the last word has
// the browser.
func CheckSelector(selector string) error {
	if strings.TrimSpace(selector) == "" || len(selector) > maxSelector || !utf8.ValidString(selector) {
		return fmt.Errorf("want a CSS selector such as nav or \"#menu ul\", of at most %d bytes", maxSelector)
	}
	var open []rune
	quote, escaped := rune(0), false
	closing := map[rune]rune{')': '(', ']': '['}
	for _, c := range selector {
		switch {
		case unicode.IsControl(c):
			return fmt.Errorf("%q is no CSS selector: it holds a control character", selector)
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[':
			open = append(open, c)
		case closing[c] != 0:
			if len(open) == 0 || open[len(open)-1] != closing[c] {
				return fmt.Errorf("%q is no CSS selector: a %c closes nothing", selector, c)
			}
			open = open[:len(open)-1]
		case strings.ContainsRune("{};@<!/%&?`", c):
			return fmt.Errorf("%q is no CSS selector: it holds a %c", selector, c)
		}
	}
	words := strings.TrimSpace(selector)
	switch {
	case len(open) > 0 || quote != 0 || escaped:
		return fmt.Errorf("%q is no CSS selector: something in it is not closed", selector)
	case strings.Contains(words, "::"):
		return fmt.Errorf("%q names a part of an element; want an element", selector)
	case strings.ContainsAny(words[:1], ",>+~") || strings.ContainsAny(words[len(words)-1:], ",>+~.#:"):
		return fmt.Errorf("%q is no CSS selector: something is missing at an end of it", selector)
	}
	return nil
}

// ascii is text as HTML that reads the same in every encoding which has ASCII in it.
func ascii(words string) string {
	var b strings.Builder
	for _, c := range template.HTMLEscapeString(words) {
		if c < 0x80 {
			b.WriteRune(c)
			continue
		}
		b.WriteString("&#")
		b.WriteString(strconv.Itoa(int(c)))
		b.WriteByte(';')
	}
	return b.String()
}
