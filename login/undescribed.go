package login

import "strconv"

// undescribed names what a login carries beside the fields that its block describes; empty where nothing is, or where the block
// describes none. By a field more, the app may read another name than the one that was judged.
func (x *examination) undescribed(c *compiled) string {
	if c.fields == nil {
		return ""
	}
	query, _ := x.readQuery()
	for _, list := range [][]field{query, x.form} {
		for _, f := range list {
			switch {
			case f.file || f.foreign:
				return "a field that is no text"
			case !c.fields[f.name]:
				return "a field that is not described"
			}
		}
	}
	// A form may be sent to the address of its page, with `next` in both. Of two values, apps differ in which one they take.
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
	switch {
	case x.shape == otherBody:
		return "a body that is neither form nor JSON"
	case x.shape == jsonBody && !describedJSON(&x.json, "", c.pointers):
		return "a member that is not described"
	}
	return ""
}

// describedJSON reports whether each value of a document that has no children stands at one of the pointers and is a plain one. An
// empty list or object is a value too: in some languages it is true.
func describedJSON(n *node, pointer string, fields map[string]bool) bool {
	if fields[pointer] {
		return n.kind != array && n.kind != object
	}
	if n.kind != array && n.kind != object || pointer != "" && len(n.members)+len(n.items) == 0 {
		return false
	}
	for i := range n.members {
		if !describedJSON(&n.members[i].value, pointer+"/"+escapePointer(n.members[i].name), fields) {
			return false
		}
	}
	for i := range n.items {
		if !describedJSON(&n.items[i], pointer+"/"+strconv.Itoa(i), fields) {
			return false
		}
	}
	return true
}
