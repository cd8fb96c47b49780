package pages

import (
	"html/template"
	"strconv"
	"strings"
)

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
	if words.direction == "rtl" {
		end = "left"
	}
	return `<p align="` + end + `" lang="` + words.language + `" dir="` + words.direction + `"><small><a href="` + ascii(address) +
		`" target="_top">` + ascii(words.message(linkSettings)) + "</a></small></p>\n"
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
