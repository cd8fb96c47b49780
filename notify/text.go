package notify

import (
	"html/template"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/locale"
	"sallyport.example/sallyport/mail"
)

// piece is one piece of a message: a key of the catalogue with its arguments, or an operator's own words.
type piece struct {
	key       string
	arguments []any
	words     string
	// link is where the words lead, for an HTML message.
	link string
}

// compose writes the message about an event. It leads nowhere: a link in a mail about an account is what an attacker
// would send, and users who are used to none are not deceived by one. The operator's own (brand help) is the exception.
func (m *Mail) compose(words *locale.Catalogue, e event.Event, browser string) (mail.Message, error) {
	w := &writer{words: words}
	title := w.text(titleOf(e), m.options.Name)
	subject := w.text("page.title", title, m.options.Name)
	paragraphs := [][]piece{m.what(e), m.facts(w, e, browser), m.objection(e), {{key: "mail.automatic", arguments: []any{m.options.Name}}}}
	plain := title + "\n"
	html := `<!DOCTYPE html>` + "\n" + `<html lang="` + words.Language + `" dir="` + words.Direction + `">` +
		`<head><meta charset="utf-8"><title>` + template.HTMLEscapeString(title) + `</title></head>` +
		`<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">` + "\n<h1 style=\"font-size: 1.3em\">" + template.HTMLEscapeString(title) + "</h1>\n"
	for _, pieces := range paragraphs {
		if len(pieces) == 0 {
			continue
		}
		lines := make([]string, len(pieces))
		marked := make([]string, len(pieces))
		for i, p := range pieces {
			lines[i], marked[i] = w.piece(p)
		}
		plain += "\n" + strings.Join(lines, "\n") + "\n"
		html += "<p>" + strings.Join(marked, "<br>\n") + "</p>\n"
	}
	return mail.Message{Subject: subject, Language: words.Language, Text: plain, HTML: html + "</body></html>\n"}, w.err
}

// titleOf is the key of what happened, in a line.
func titleOf(e event.Event) string {
	return "mail.title." + strings.ReplaceAll(string(e.Name), "_", "-")
}

// what explains what happened, where the title does not say it all.
func (m *Mail) what(e event.Event) []piece {
	switch e.Name {
	case event.RecoveryCodeUsed:
		if e.Left != nil {
			return []piece{{key: "mail.what.left", arguments: []any{*e.Left}}}
		}
	case event.Stopped, event.AddressChanged, event.PasswordExposed, event.FactorsDisabled, event.BrowserTrusted, event.OperatorReset,
		event.PasskeyCopied:
		return []piece{{key: "mail.what." + strings.ReplaceAll(string(e.Name), "_", "-"), arguments: []any{m.options.Name}}}
	}
	return nil
}

// facts are by whom, when and from where.
func (m *Mail) facts(w *writer, e event.Event, browser string) []piece {
	moment, err := w.words.Moment(e.At)
	w.fail(err)
	facts := []piece{{key: "mail.account", arguments: []any{e.User, m.options.Name}}, {key: "mail.time", arguments: []any{moment}}}
	if e.Name == event.OperatorReset {
		return facts // the operator's browser and address are no concern of the user's
	}
	if browser != "" {
		facts = append(facts, piece{key: "mail.browser", arguments: []any{browser}})
	}
	if e.Client != "" {
		facts = append(facts, piece{key: "mail.address", arguments: []any{e.Client}})
	}
	return facts
}

// objection is what to do for somebody who did not do it.
func (m *Mail) objection(e event.Event) []piece {
	var pieces []piece
	switch e.Name {
	case event.Stopped, event.OperatorReset:
	default:
		pieces = append(pieces, piece{key: "mail.yours"})
	}
	change := piece{key: "mail.object", arguments: []any{m.options.Name}}
	if m.options.Password != "" {
		change = piece{key: "mail.object-at", arguments: []any{m.options.Name, m.options.Password}}
	}
	pieces = append(pieces, change)
	if m.options.Help == "" {
		return append(pieces, piece{key: "mail.ask"})
	}
	pieces = append(pieces, piece{words: m.options.Help, link: m.options.HelpLink})
	return pieces
}

// writer writes in a language, and remembers the first thing that cannot be said.
type writer struct {
	words *locale.Catalogue
	err   error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) text(key string, arguments ...any) string {
	harmless := make([]any, len(arguments))
	for i, argument := range arguments {
		if text, ok := argument.(string); ok {
			argument = locale.Harmless(text)
		}
		harmless[i] = argument
	}
	text, err := w.words.Text(key, harmless...)
	w.fail(err)
	return text
}

// piece is a piece as text and as HTML.
func (w *writer) piece(p piece) (text, html string) {
	if p.key == "" {
		text, html = locale.Harmless(p.words), template.HTMLEscapeString(locale.Harmless(p.words))
		if scheme, _, ok := strings.Cut(p.link, ":"); ok && (scheme == "https" || scheme == "mailto" || scheme == "tel") {
			html = `<a href="` + template.HTMLEscapeString(p.link) + `">` + html + "</a>"
			if text != p.link {
				text += " (" + p.link + ")"
			}
		}
		return text, html
	}
	marked, err := w.words.HTML(p.key, p.arguments...)
	w.fail(err)
	return w.text(p.key, p.arguments...), string(marked)
}
