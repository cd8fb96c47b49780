package login

import (
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// compiled is what each request needs of a block, computed once.
type compiled struct {
	methods []string
	loose   match.Globs
	// standing blocks match no request, because every request carries their login.
	standing bool
	when     []target
	name     target
	// examines: a condition is about the body.
	examines bool
	// fields are those that the login may carry in a form or its query, pointers those of a JSON body; nil: any.
	fields, pointers described
	// secret are the fields that may be in the query of a login only: names, conditions on bodies, and, if an app has
	// no names, the described fields, one of which is the password.
	secret []target
}

var defaultMethods = []string{"POST"}

// ComesBy returns the methods of the login; nil if every request carries the login.
func (b *Block) ComesBy() []string {
	switch {
	case b.Username.standing():
		return nil
	case len(b.Methods) > 0:
		return b.Methods
	}
	return defaultMethods
}

func compile(blocks []Block) []compiled {
	all := make([]compiled, len(blocks))
	for i := range blocks {
		b, c := &blocks[i], &all[i]
		if c.standing = b.Username.standing(); c.standing {
			continue
		}
		c.methods = b.ComesBy()
		for _, path := range b.Paths {
			// Loose forms have no spaces.
			c.loose = append(c.loose, match.LooseGlob(match.Glob(strings.Join(strings.Fields(string(path)), "")))...)
		}
		for _, condition := range b.When {
			c.when = append(c.when, newTarget(condition.Kind, condition.Name))
			c.examines = c.examines || condition.Kind != Query
		}
		c.name = newTarget(b.Username.Kind, b.Username.Name)
		if b.Username.Kind != None && !b.Refuse {
			c.secret = append(c.secret, c.name)
		}
		for i, condition := range b.When {
			if condition.Kind != Query {
				c.secret = append(c.secret, c.when[i])
			}
		}
		c.describe(b)
	}
	return all
}

func (c *compiled) describe(b *Block) {
	if len(b.Fields) == 0 {
		return
	}
	c.fields, c.pointers = make(described), make(described)
	add := func(kind Kind, name string, value match.Glob) {
		if kind == JSON {
			c.pointers.add(name, value)
		} else {
			c.fields.add(name, value)
		}
	}
	if b.Username.Kind != None {
		add(b.Username.Kind, b.Username.Name, anyValue)
	}
	for _, condition := range b.When {
		add(condition.Kind, condition.Name, anyValue)
	}
	for _, word := range b.Fields {
		name, value, _ := parseField(word)
		kind := b.fieldKind(name)
		add(kind, name, value)
		if b.Username.Kind == None && !b.Continues && value == anyValue {
			c.secret = append(c.secret, newTarget(kind, name))
		}
	}
}

// fieldKind returns the kind of a name in Fields: a JSON pointer if the login can be JSON, else a field of a form or
// query.
func (b *Block) fieldKind(name string) Kind {
	if b.Username.Kind != Form && strings.HasPrefix(name, "/") {
		return JSON
	}
	return Form
}

// plan returns the compiled form. A Set that was never validated still works, only slower.
func (s *Set) plan() []compiled {
	if len(s.compiled) == len(s.Blocks) {
		return s.compiled
	}
	return compile(s.Blocks)
}
