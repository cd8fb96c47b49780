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
	seen := make(map[string]bool)
	for _, list := range [][]field{query, x.form} {
		for _, f := range list {
			if seen[f.name] {
				return "a field that stands twice"
			}
			seen[f.name] = true
		}
	}
	if x.shape == jsonBody && !describedJSON(&x.json, "", c.fields) {
		return "a member that is not described"
	}
	return ""
}

// describedJSON reports whether each value of a document that has no children stands at one of the pointers.
func describedJSON(n *node, pointer string, fields map[string]bool) bool {
	if fields[pointer] {
		return n.kind != array && n.kind != object
	}
	if n.kind != array && n.kind != object {
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
