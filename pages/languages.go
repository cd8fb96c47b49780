package pages

import (
	"sync"

	"sallyport.example/sallyport/locale"
)

// edition is everything that depends on the language: the words, and the templates that are bound to them.
type edition struct {
	*locale.Catalogue
	// pages are made when somebody wants one in this language: most sites meet two languages or three, and what lies in
	// memory for nothing is looked through by each collection of garbage.
	pages func() templates
	// standard are the gateway's own pages, where pages are an operator's; otherwise nil.
	standard func() templates
}

// library are all editions, in the order of locale.All. They depend on nothing but the program, so that all Renderers
// share them.
type library struct{ editions []*edition }

// open binds the templates to each language once. What is wrong with them is wrong with the program, and the tests of
// this package find it.
var open = sync.OnceValue(func() *library {
	l := &library{}
	sources, err := templateSources()
	if err != nil {
		panic(err)
	}
	for _, c := range locale.All() {
		pages := sync.OnceValue(func() templates {
			made, err := parseTemplates(c, sources)
			if err != nil {
				panic(err)
			}
			return made
		})
		l.editions = append(l.editions, &edition{Catalogue: c, pages: pages})
	}
	return l
})

// edition picks the best for what a browser says in Accept-Language.
func (l *library) edition(accept string) *edition { return l.editions[locale.Best(accept)] }

// Language is the tag of the language in which the pages speak to a browser that says this in Accept-Language.
func Language(r *Renderer, accept string) string { return r.edition(accept).Catalogue.Language }

// Languages are the tags (BCP 47) of the languages that the pages speak, English first.
func Languages() []string {
	var tags []string
	for _, c := range locale.All() {
		tags = append(tags, c.Language)
	}
	return tags
}
