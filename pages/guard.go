package pages

import (
	"encoding/json"
	"html/template"
	"strconv"
	"strings"
)

// MaxGuard is the size that the guard's script never exceeds, in bytes.
const MaxGuard = 4 << 10

// Guard is the script that may stand in the app's own pages, for apps that sign in by script: it asks for the code in a
// dialog and hands the app's answer to the call that waits for it. Languages is what the client says in
// Accept-Language, base where the gateway's own addresses are, digits the length of a code. It is text of one script
// file.
func (r *Renderer) Guard(languages, base string, digits int) ([]byte, error) {
	words := r.edition(languages)
	hint, err := words.Text("code.hint", digits)
	if err != nil {
		return nil, err
	}
	script, style := small().guard, small().guardStyle
	// Marshal escapes what could end the script where somebody puts it into a page.
	config, err := json.Marshal(map[string]any{
		"base": base, "digits": digits, "lang": words.Language, "dir": words.Direction, "style": style,
		// The script knows them by their places, to be small.
		"words": []string{
			words.Message("challenge.title"), words.Message("code.label"), hint, words.Message("challenge.submit"),
			words.Message("page.cancel"), words.Message("code.use-recovery"), words.Message("error.unavailable.happened"),
		},
	})
	if err != nil {
		return nil, err
	}
	return []byte(strings.Replace(script, "CONFIG", string(config), 1)), nil
}

// SettingsLink is a link to the settings page that can stand in any page of the app's, as markup in ASCII alone: in a
// small paragraph at the end of the line, in the language that the client names in Accept-Language, with that
// language's writing direction whatever the page's is. It has no style, class or script, so that no policy of the app's
// (CSP) takes anything away from it, and it opens in the window itself, also where the page's `<base>` names another
// target.
//
// Address may be any text; it is escaped as an attribute's value, and not judged.
func (r *Renderer) SettingsLink(languages, address string) string {
	words := r.edition(languages)
	end := "right"
	if words.Direction == "rtl" {
		end = "left"
	}
	return `<p align="` + end + `" lang="` + words.Language + `" dir="` + words.Direction + `"><small><a href="` + ascii(address) +
		`" target="_top">` + ascii(words.Message(linkSettings)) + "</a></small></p>\n"
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
