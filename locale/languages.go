package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// One file a language, named for its tag (BCP 47). A file that is added here is a language that is offered.
//
//go:embed languages/*.json
var languageFiles embed.FS

// Fallback is the language of those who ask for none that there is, and what every other is held complete against.
const Fallback = "en"

// maxAccept is how much of an Accept-Language is looked at, in bytes. Browsers send some dozens.
const maxAccept = 512

// library are all catalogues.
type library struct {
	catalogues []*Catalogue // the fallback first
	matcher    language.Matcher
}

// open reads the files once. What is wrong with them is wrong with the program, and the tests of this package find it.
var open = sync.OnceValue(func() *library {
	catalogues, err := loadCatalogues(languageFiles)
	if err != nil {
		panic(err)
	}
	l := &library{catalogues: catalogues}
	tags := make([]language.Tag, 0, len(catalogues))
	for _, c := range catalogues {
		tags = append(tags, c.tag)
	}
	l.matcher = language.NewMatcher(tags)
	return l
})

// All are the catalogues of all languages, the fallback first. It panics if the files that are part of the program are
// broken.
func All() []*Catalogue { return open().catalogues }

// Best is the place in All of the language that fits best what a browser says in Accept-Language (RFC 9110 §12.5.4).
// Where nothing fits, or the header is no header, that is the fallback's.
func Best(accept string) int {
	if accept == "" {
		return 0
	}
	if len(accept) > maxAccept {
		// Cut at a comma: half a tag is another tag.
		accept = accept[:max(strings.LastIndexByte(accept[:maxAccept], ','), 0)]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return 0
	}
	_, index, confidence := open().matcher.Match(wanted...)
	if confidence == language.No {
		return 0
	}
	return index
}

// loadCatalogues reads a catalogue from each file of a folder languages, the Fallback first.
func loadCatalogues(files fs.FS) ([]*Catalogue, error) {
	names, err := fs.Glob(files, "languages/*.json")
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch first := "languages/" + Fallback + ".json"; {
		case a == first:
			return -1
		case b == first:
			return 1
		}
		return strings.Compare(a, b)
	})
	var catalogues []*Catalogue
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		c, err := parseCatalogue(strings.TrimSuffix(path.Base(name), ".json"), content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		catalogues = append(catalogues, c)
	}
	if len(catalogues) == 0 || catalogues[0].Language != Fallback {
		return nil, fmt.Errorf("no language %q", Fallback)
	}
	english := make(map[string]string, len(catalogues[0].messages))
	for key, m := range catalogues[0].messages {
		if m.text != "" {
			english[m.text] = key
		}
	}
	for i := range catalogues {
		catalogues[i].english = english
	}
	return catalogues, nil
}

// parseCatalogue reads one file: an object that has, under each key, the words, or an object with the words for each
// plural form of the language, named as CLDR names them.
func parseCatalogue(name string, content []byte) (*Catalogue, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return nil, err
	}
	c := &Catalogue{tag: tag, Language: name, Direction: "ltr", messages: make(map[string]message)}
	if script, _ := tag.Script(); slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"}, script.String()) {
		c.Direction = "rtl"
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(content, &raw); err != nil {
		return nil, err
	}
	for key, value := range raw {
		var m message
		if json.Unmarshal(value, &m.text) != nil {
			var named map[string]string
			if err := json.Unmarshal(value, &named); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			m.forms = make(map[plural.Form]string, len(named))
			for form, words := range named {
				number, known := pluralForms[form]
				if !known {
					return nil, fmt.Errorf("%s: no plural form is called %q", key, form)
				}
				m.forms[number] = words
			}
		}
		c.messages[key] = m
	}
	return c, nil
}

// pluralForms are the names of CLDR.
var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}
