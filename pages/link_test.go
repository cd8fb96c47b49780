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
		link := r.SettingsLink(e.Language, "/second-factor/")
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
			"p lang": e.Language, "p dir": e.Direction, "p align": map[string]string{"ltr": "right", "rtl": "left"}[e.Direction],
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
	if got := r.SettingsLink("", `"><script>&é`); !strings.Contains(got, `href="&#34;&gt;&lt;script&gt;&amp;&#233;"`) {
		t.Errorf("not escaped: %s", got)
	}
}
