package pages

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

// fallback is the language of those who ask for none that there is, and what every other is held complete against.
const fallback = "en"

// maxAccept is how much of an Accept-Language is looked at, in bytes. Browsers send some dozens.
const maxAccept = 512

// edition is everything that depends on the language: the words, and the templates that are bound to them.
type edition struct {
	catalogue
	// pages are made when somebody wants one in this language: most sites meet two languages or three, and what lies in
	// memory for nothing is looked through by each collection of garbage.
	pages func() templates
	// standard are the gateway's own pages, where pages are an operator's; otherwise nil.
	standard func() templates
}

// library are all editions. They depend on nothing but the program, so that all Renderers share them.
type library struct {
	editions []*edition // the fallback first
	matcher  language.Matcher
}

// open reads the files once. What is wrong with them is wrong with the program, and the tests of this package find it.
var open = sync.OnceValue(func() *library {
	catalogues, err := loadCatalogues(languageFiles)
	if err != nil {
		panic(err)
	}
	l := &library{}
	tags := make([]language.Tag, 0, len(catalogues))
	sources, err := templateSources()
	if err != nil {
		panic(err)
	}
	for _, c := range catalogues {
		pages := sync.OnceValue(func() templates {
			made, err := parseTemplates(c, sources)
			if err != nil {
				panic(err)
			}
			return made
		})
		l.editions = append(l.editions, &edition{catalogue: c, pages: pages})
		tags = append(tags, c.tag)
	}
	l.matcher = language.NewMatcher(tags)
	return l
})

// edition picks the best for what a browser says in Accept-Language.
func (l *library) edition(accept string) *edition {
	if accept == "" {
		return l.editions[0]
	}
	if len(accept) > maxAccept {
		// Cut at a comma: half a tag is another tag.
		accept = accept[:max(strings.LastIndexByte(accept[:maxAccept], ','), 0)]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return l.editions[0]
	}
	_, index, confidence := l.matcher.Match(wanted...)
	if confidence == language.No {
		return l.editions[0]
	}
	return l.editions[index]
}

// Languages are the tags (BCP 47) of the languages that the pages speak, English first.
func Languages() []string {
	var tags []string
	for _, e := range open().editions {
		tags = append(tags, e.language)
	}
	return tags
}

// loadCatalogues reads a catalogue from each file of a folder languages, the fallback first.
func loadCatalogues(files fs.FS) ([]catalogue, error) {
	names, err := fs.Glob(files, "languages/*.json")
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch first := "languages/" + fallback + ".json"; {
		case a == first:
			return -1
		case b == first:
			return 1
		}
		return strings.Compare(a, b)
	})
	var catalogues []catalogue
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
	if len(catalogues) == 0 || catalogues[0].language != fallback {
		return nil, fmt.Errorf("no language %q", fallback)
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
func parseCatalogue(name string, content []byte) (catalogue, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return catalogue{}, err
	}
	c := catalogue{tag: tag, language: name, direction: "ltr", messages: make(map[string]message)}
	if script, _ := tag.Script(); slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"}, script.String()) {
		c.direction = "rtl"
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(content, &raw); err != nil {
		return catalogue{}, err
	}
	for key, value := range raw {
		var m message
		if json.Unmarshal(value, &m.text) != nil {
			var named map[string]string
			if err := json.Unmarshal(value, &named); err != nil {
				return catalogue{}, fmt.Errorf("%s: %w", key, err)
			}
			m.forms = make(map[plural.Form]string, len(named))
			for form, words := range named {
				number, known := pluralForms[form]
				if !known {
					return catalogue{}, fmt.Errorf("%s: no plural form is called %q", key, form)
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
