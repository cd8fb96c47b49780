package pages

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// hooks are what of a page password managers, tests and this package's script rely on (contract 5.2).
type hooks struct {
	// posts are where the page's forms post to, gets where those lead that only open a page.
	posts, gets map[string]bool
	// code is the field for a code, codeForm where its form posts to; empty for none.
	code, codeForm string
	// marked is what is in the elements of fixed ids, by id.
	marked map[string]string
	// said is what the elements of the roles status and alert say, by role.
	said map[string]string
	// problems are what is wrong with the page by itself.
	problems []string
}

// findHooks reads a page. What the script puts behind a dialog is no part of it. The token is that of the page's
// session.
func (r *Renderer) findHooks(content, token string) (hooks, error) {
	found := hooks{posts: map[string]bool{}, gets: map[string]bool{}, marked: map[string]string{}, said: map[string]string{}}
	root, err := html.Parse(strings.NewReader(content))
	if err != nil {
		return found, err
	}
	if strings.Contains(content, "ZgotmplZ") {
		found.problem("an attribute or an address is made of words that do not belong there")
	}
	r.walk(&found, root, nil, token)
	return found, nil
}

func (h *hooks) problem(format string, arguments ...any) {
	h.problems = append(h.problems, fmt.Sprintf(format, arguments...))
}

// walk looks at a node and what is in it; form is the form around it.
func (r *Renderer) walk(found *hooks, node, form *html.Node, token string) {
	if node.Type == html.ElementNode {
		if node.Data == "form" {
			form = node
			found.form(node, token)
		}
		r.element(found, node, form)
		if node.Data == "template" {
			return
		}
	}
	for child := range node.ChildNodes() {
		r.walk(found, child, form, token)
	}
}

func (r *Renderer) element(found *hooks, node, form *html.Node) {
	if problem := blocked(node.Data, node.Attr); problem != "" {
		found.problem("%s", problem)
	}
	switch node.Data {
	case "script", "style":
		if own := "<" + node.Data + ">" + textOf(node) + "</" + node.Data + ">"; !slices.Contains(r.scripts[:], template.HTML(own)) && !slices.Contains(r.styles[:], template.HTML(own)) { //nolint:gosec // it is compared.
			found.problem("<%s>: the policy allows the style and the script of {{.Style}} and {{.Script}} only", node.Data)
		}
	case "img", "image", "link":
		if address := attributeOf(node, "src") + attributeOf(node, "href"); r.logo == nil || !strings.HasSuffix(address, "/logo?v="+r.logo.Version) {
			found.problem("<%s>: the policy allows the logo only, at {{.Brand.Logo}}", node.Data)
		}
	case "input":
		switch name := attributeOf(node, "name"); name {
		case "kind", "factor", "name", "address", "proof", "from":
			found.marked["field "+name] = fmt.Sprintf("<input name=%q> in the form to %s", name, attributeOf(form, "action"))
		}
		if attributeOf(node, "name") == "code" {
			if found.code != "" {
				found.problem("two fields have name=\"code\"")
			}
			found.code = fmt.Sprintf("autocomplete=%q inputmode=%q", attributeOf(node, "autocomplete"), attributeOf(node, "inputmode"))
			found.codeForm = attributeOf(form, "action")
		}
	}
	switch id := attributeOf(node, "id"); id {
	case "qr":
		found.marked[id] = "<" + node.Data + ">"
	case "otpauth":
		found.marked[id] = "<" + node.Data + "> " + attributeOf(node, "href")
	case "proof":
		found.marked[id] = fmt.Sprintf("<%s> in the form to %s with data-base=%q data-kept=%q data-key=%q data-device=%q", node.Data, attributeOf(form, "action"),
			attributeOf(node, "data-base"), attributeOf(node, "data-kept"), attributeOf(node, "data-key"), attributeOf(node, "data-device"))
	case "way":
		found.marked[id] = fmt.Sprintf("an element with data-kind=%q", attributeOf(node, "data-kind"))
	case "ways":
		found.marked[id] = "an element with links to " + strings.Join(linksIn(node), " ")
	case "use-passkey", "add-passkey":
		found.marked[id] = fmt.Sprintf("<%s> with data-base=%q data-submits=%q", node.Data, attributeOf(node, "data-base"), attributeOf(node, "data-submits"))
	case "sent-to":
		found.marked[id] = "an element with " + wordsOf(node)
	case "secret", "recovery-codes":
		found.marked[id] = "<" + node.Data + "> " + wordsOf(node)
	}
	if role := attributeOf(node, "role"); role == "status" || role == "alert" {
		found.said[role] += wordsOf(node)
	}
}

// linksIn are the addresses of the links in an element.
func linksIn(node *html.Node) (links []string) {
	for child := range node.Descendants() {
		if child.Type == html.ElementNode && child.Data == "a" {
			links = append(links, attributeOf(child, "href"))
		}
	}
	return links
}

// form notes where a form leads.
func (h *hooks) form(form *html.Node, token string) {
	address := attributeOf(form, "action")
	if !strings.EqualFold(attributeOf(form, "method"), "post") {
		h.gets[address] = true
		return
	}
	h.posts[address] = true
	for node := range form.Descendants() {
		if node.Type == html.ElementNode && node.Data == "input" && attributeOf(node, "name") == "csrf_token" &&
			attributeOf(node, "type") == "hidden" && attributeOf(node, "value") == token {
			return
		}
	}
	h.problem("the form that posts to %s lacks the hidden field csrf_token: {{template \"csrf\" .}}", address)
}

// against says what of a page's fixed hooks is missing where the gateway's own page has it. The words are those that
// stand in a message of the page.
func (h hooks) against(own hooks, words []string) []string {
	problems := h.problems
	add := func(format string, arguments ...any) { problems = append(problems, fmt.Sprintf(format, arguments...)) }
	for _, address := range slices.Sorted(maps.Keys(own.posts)) {
		if !h.posts[address] {
			add("the form with method=\"post\" to %s is missing", address)
		}
	}
	for _, address := range slices.Sorted(maps.Keys(h.posts)) {
		if !own.posts[address] {
			add("a form posts to %s, which this page does not do", address)
		}
	}
	for _, address := range slices.Sorted(maps.Keys(h.gets)) {
		if !own.gets[address] {
			add("the form to %s lacks method=\"post\"", address)
		}
	}
	switch {
	case own.code == h.code && own.codeForm == h.codeForm:
	case h.code == "":
		add("the field name=\"code\" with %s is missing", own.code)
	case own.code == "":
		add("a field name=\"code\" stands where no code is asked for")
	case own.code != h.code:
		add("the field name=\"code\" has %s, want %s", h.code, own.code)
	default:
		add("the field name=\"code\" is in no form to %s", own.codeForm)
	}
	for _, id := range slices.Sorted(maps.Keys(own.marked)) {
		switch {
		case h.marked[id] == "" && strings.HasPrefix(id, "field "):
			add("the %s is missing: %s", id, own.marked[id])
		case h.marked[id] == "":
			add("the element id=%q is missing", id)
		case h.marked[id] != own.marked[id]:
			add("the element id=%q is %s, want %s", id, h.marked[id], own.marked[id])
		}
	}
	for _, role := range []string{"alert", "status"} {
		switch {
		case own.said[role] != "" && h.said[role] == "":
			add("the message with role=%q is missing", role)
		case own.said[role] == "" && h.said[role] != "":
			add("an element with role=%q says something where there is no message", role)
		}
		for _, word := range words {
			if strings.Contains(own.said[role], word) && !strings.Contains(h.said[role], word) {
				add("the element with role=%q does not say the message", role)
			}
		}
	}
	return problems
}

// attributeOf is the attribute of an element, empty where it has none.
func attributeOf(node *html.Node, name string) string {
	if node == nil {
		return ""
	}
	for _, a := range node.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// wordsOf is the text in an element, its white space folded.
func wordsOf(node *html.Node) string { return strings.Join(strings.Fields(textOf(node)), " ") }

// textOf is all the text in an element.
func textOf(node *html.Node) string {
	var b strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return b.String()
}
