package pages

// Text is a message of the catalogue in plain words, for clients that get no page. What is no key is returned as it is.
func (r *Renderer) Text(key string) string { return r.words.message(key) }

// ErrorText is what the page of an error says, in plain words, for clients that get no page: its title, and what happened.
func (r *Renderer) ErrorText(v ErrorView) (title, happened string) {
	if _, known := r.words.messages["error."+string(v.Kind)+".title"]; !known {
		v.Kind = ErrorInternal
	}
	title, happened = v.Title, v.Happened
	if title == "" {
		title = "error." + string(v.Kind) + ".title"
	}
	if happened == "" {
		happened = "error." + string(v.Kind) + ".happened"
	}
	return r.words.message(title), r.words.message(happened)
}
