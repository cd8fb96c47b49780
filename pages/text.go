package pages

// Text is a message of the catalogue in plain words, for clients that get no page: a key, or a message in English. What
// is neither is returned as it is. Languages is what the client says in Accept-Language.
func (r *Renderer) Text(languages, message string) string {
	return r.edition(languages).message(message)
}

// ErrorText is what the page of an error says, in plain words, for clients that get no page: its title, and what
// happened.
func (r *Renderer) ErrorText(v ErrorView) (title, happened string) {
	words := r.edition(v.Languages)
	if _, known := words.messages["error."+string(v.Kind)+".title"]; !known {
		v.Kind = ErrorInternal
	}
	title, happened = v.Title, v.Happened
	if title == "" {
		title = "error." + string(v.Kind) + ".title"
	}
	if happened == "" {
		happened = "error." + string(v.Kind) + ".happened"
	}
	return words.message(title), words.message(happened)
}
