package login

import (
	"strconv"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// described are the fields that a login may carry, with what their values may be.
type described map[string]match.Globs

// anyValue is the value of a field of which nothing more is said.
const anyValue = "*"

// parseField reads a word of Fields: a name, or `name=glob`.
func parseField(word string) (name string, value match.Glob, valued bool) {
	name, text, valued := strings.Cut(word, "=")
	if !valued {
		text = anyValue
	}
	return name, match.Glob(text), valued
}

func (d described) add(name string, value match.Glob) { d[name] = append(d[name], value) }

// wants reports whether a field that is not among those of a login would have to be.
func (d described) wants(seen map[string]string) bool {
	for name, values := range d {
		if _, there := seen[name]; !there && !values.Match("") {
			return true
		}
	}
	return false
}

// undescribed names what a login carries beside the fields that its block describes, or with another value; empty where
// nothing is, or where the block describes none. By a field more, the app may read another name than the one that was
// judged, or run an errand that only somebody who is signed in may have run.
func (x *examination) undescribed(c *compiled) string {
	if c.fields == nil {
		return ""
	}
	query, flaw := x.readQuery()
	if flaw != "" {
		// What is one field to one server is two to another.
		return "query with " + flaw
	}
	for _, list := range [][]field{query, x.form} {
		for _, f := range list {
			switch values, there := c.fields[f.name]; {
			case f.file || f.foreign:
				return "a field that is no text"
			case !there:
				return "a field that is not described"
			case !values.Match(f.value):
				return "a field with a value that is not described"
			}
		}
	}
	// A form may be sent to the address of its page, with `next` in both. Of two values, apps differ in which one they
	// take.
	seen := make(map[string]string)
	for _, list := range [][]field{query, x.form} {
		here := make(map[string]bool)
		for _, f := range list {
			if other, again := seen[f.name]; here[f.name] || again && other != f.value {
				return "a field that stands twice"
			}
			here[f.name], seen[f.name] = true, f.value
		}
	}
	members := make(map[string]string)
	switch {
	case x.shape == otherBody:
		return "a body that is neither form nor JSON"
	case x.shape == jsonBody && !describedJSON(&x.json, "", c.pointers, members):
		return "a member that is not described, or with a value that is not"
	case c.fields.wants(seen) || c.pointers.wants(members):
		return "a field that has to be there is not"
	}
	return ""
}

// describedJSON reports whether each value of a document that has no children stands at one of the pointers, is a plain
// one, and one that is described; seen gets what it found. An empty list or object is a value too: in some languages it
// is true.
func describedJSON(n *node, pointer string, fields described, seen map[string]string) bool {
	if values, there := fields[pointer]; there {
		seen[pointer] = n.text
		return n.kind != array && n.kind != object && values.Match(n.text)
	}
	if n.kind != array && n.kind != object || pointer != "" && len(n.members)+len(n.items) == 0 {
		return false
	}
	for i := range n.members {
		if !describedJSON(&n.members[i].value, pointer+"/"+escapePointer(n.members[i].name), fields, seen) {
			return false
		}
	}
	for i := range n.items {
		if !describedJSON(&n.items[i], pointer+"/"+strconv.Itoa(i), fields, seen) {
			return false
		}
	}
	return true
}
