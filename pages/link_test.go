package pages

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestSettingsLink: the words of each language, in ASCII alone, and nothing that a policy could take away.
func TestSettingsLink(t *testing.T) {
	r := New(Options{})
	for _, e := range open().editions {
		link := r.SettingsLink(e.Language, "/second-factor/", false)
		if strings.ContainsFunc(link, func(c rune) bool { return c >= 0x80 }) {
			t.Errorf("%s: not ASCII: %s", e.Language, link)
		}
		tree, err := html.Parse(strings.NewReader(link))
		if err != nil {
			t.Fatal(err)
		}
		attributes := make(map[string]string)
		var words string
		for node := range tree.Descendants() {
			for _, a := range node.Attr {
				attributes[node.Data+" "+a.Key] = a.Val
			}
			if node.Type == html.TextNode && node.Parent.Data == "a" {
				words += node.Data
			}
		}
		want := map[string]string{
			"p lang": e.Language, "p dir": e.Direction, "p align": "center", "p role": "navigation", "p aria-label": e.Message("settings.link"),
			"a href": "/second-factor/", "a target": "_top",
		}
		for name, value := range want {
			if attributes[name] != value {
				t.Errorf("%s: %s is %q, want %q", e.Language, name, attributes[name], value)
			}
		}
		if len(attributes) != len(want) || words != e.Message("settings.link") {
			t.Errorf("%s: %q %v", e.Language, words, attributes)
		}
	}
	if got := r.SettingsLink("", `"><script>&é`, true); !strings.Contains(got, `href="&#34;&gt;&lt;script&gt;&amp;&#233;"`) {
		t.Errorf("not escaped: %s", got)
	}
}

// TestCheckSelector: what can be a selector is let through, and what cannot is refused.
func TestCheckSelector(t *testing.T) {
	for _, selector := range []string{
		"nav", "#menu", ".top .user-menu > ul", "header nav:first-of-type ul", `[data-role="user {menu}"]`, "a[href$='.pdf']", "nav, footer", `#a\:b`, "ul:not(.x, [y]) li:nth-child(2n+1)",
		"*", "main ~ footer", "ü",
	} {
		if err := CheckSelector(selector); err != nil {
			t.Errorf("%s: %v", selector, err)
		}
	}
	for _, selector := range []string{
		"", " ", "nav {", "nav; x", "@media x", "<nav>", "/html/body", "nav)", "(nav", "[a", "[a)]", "a'b", `a"`, `a\`, "nav >", "> nav", ", a", "a,", "#", "nav.", "p::before",
		"a\nb", strings.Repeat("a", 201), "\xff", "{placeholder}",
	} {
		if CheckSelector(selector) == nil {
			t.Errorf("%q is let through", selector)
		}
	}
}

// TestSettingsLinkScript: a selector is text, whatever it holds.
func TestSettingsLinkScript(t *testing.T) {
	script, err := New(Options{}).SettingsLinkScript(`</script>"'`)
	if err != nil || strings.Contains(string(script), "</") || strings.Contains(string(script), "CONFIG") || len(script) > 1<<10+512 {
		t.Errorf("%v %d %s", err, len(script), script)
	}
}
