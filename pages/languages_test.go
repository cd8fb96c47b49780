package pages

import (
	"slices"
	"testing"

	"sallyport.example/sallyport/locale"
)

// TestEdition: each language has its pages, and a language that the operator fixed is everybody's.
func TestEdition(t *testing.T) {
	var languages []string
	for i, c := range locale.All() {
		languages = append(languages, c.Language)
		e := open().edition(c.Language)
		if e != open().editions[i] || e.Language != c.Language || e.pages()["challenge"] == nil {
			t.Errorf("%s gets the pages of %s", c.Language, e.Language)
		}
	}
	if got := Languages(); !slices.Equal(got, languages) {
		t.Errorf("languages %q, want %q", got, languages)
	}
	if got := New(Options{Language: "de-CH"}).edition("fr").Language; got != "de" {
		t.Errorf("a fixed language gives %s", got)
	}
}
